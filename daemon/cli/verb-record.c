/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "capture/capture.h"
#include "cli/verb.h"
#include "pipeline/summary.h"

#define BATCH 4096
#define IDLE_NS (2 * NSEC_PER_MSEC)     /* between looks at an empty ring */
#define FLUSH_NS NSEC_PER_SEC

struct recording {
        struct trace_writer *writer;    /* owned */
        uint64_t n_events[_WIRE_KIND_MAX];
        int error;                      /* the writer's first */
};

static void recording_done(struct recording *recording) {
        trace_writer_free(recording->writer);
}

struct record_params {
        const char *file;
        struct places places;
        uint64_t duration_ns, limit_bytes, content_bytes;
        bool force;
};

static volatile sig_atomic_t stopped;

static void on_stop(int signal) {
        stopped = 1;
}

static void on_event(const struct event *event, void *userdata) {
        struct recording *recording = userdata;
        int r;

        if (recording->error < 0)
                return;
        r = trace_writer_add(recording->writer, event);
        if (r < 0)
                recording->error = r;
        else
                recording->n_events[event_kind(event)]++;
}

/* Everything that can be seen, or what these policies would look at. */
static void choose_interest(const struct record_params *params, const struct settings *settings, struct interest *ret) {
        if (settings->program) {
                *ret = settings->program->header->interest;
                return;
        }

        *ret = (struct interest){.content_bytes = (uint32_t)params->content_bytes};
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                const struct kind_info *info = schema_kind((enum wire_kind)kind);

                if (!info || info->class == EVENT_META)
                        continue;
                ret->kinds |= wire_kind_bit(kind);
                ret->filter[kind] = (struct interest_filter){
                        .failures = true,
                        .successes = true,
                        .content = params->content_bytes > 0,
                };
        }
}

/* 32 hexadecimal digits and dashes. Left at zero where the kernel does not tell. */
static void read_boot_id(uint8_t ret[static 16]) {
        _cleanup_(freep) char *text = NULL;
        size_t n, k = 0;

        memset(ret, 0, 16);
        if (read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &n) < 0)
                return;
        for (size_t i = 0; i < n && k < 32; i++) {
                char c = text[i];
                unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                               : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                      : 16;

                if (digit < 16) {
                        ret[k / 2] = (uint8_t)(ret[k / 2] << 4 | digit);
                        k++;
                }
        }
}

static int open_recording(const struct record_params *params, const char *description, struct trace_writer **ret) {
        struct trace_host host = {.created_ns = clock_realtime_ns(), .text = description};
        struct utsname name = {};
        int fd, r;

        fd = open(params->file,
                  O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | (params->force ? O_TRUNC : O_EXCL), 0600);
        if (fd < 0) {
                if (errno == EEXIST)
                        log_error("There is a file '%s' already; --force overwrites it", params->file);
                else
                        log_error_errno(errno, "Cannot create the recording '%s': %m", params->file);
                return EXIT_STATUS_FAILURE;
        }

        uname(&name);
        host.kernel = name.release;
        read_boot_id(host.boot_id);
        r = trace_writer_new(fd, &host, params->limit_bytes, ret);
        if (r < 0) {
                log_error_errno(r, "Cannot begin the recording '%s': %m", params->file);
                return EXIT_STATUS_FAILURE;
        }
        return EXIT_STATUS_SUCCESS;
}

static void watch(struct capture *capture, struct recording *recording, uint64_t duration_ns) {
        uint64_t started_ns = clock_boottime_ns(), flushed_ns = started_ns, now_ns = started_ns;

        while (!stopped && recording->error >= 0 && (duration_ns == 0 || now_ns - started_ns < duration_ns)) {
                const struct timespec pause = {.tv_nsec = IDLE_NS};

                if (capture_dispatch(capture, BATCH) == 0)
                        nanosleep(&pause, NULL);
                now_ns = clock_boottime_ns();
                if (now_ns - flushed_ns >= FLUSH_NS) {
                        int r = trace_writer_flush(recording->writer);

                        if (r < 0 && recording->error >= 0)
                                recording->error = r;
                        flushed_ns = now_ns;
                }
        }
        capture_dispatch(capture, BATCH);
}

static int finish(const struct record_params *params, struct capture *capture, struct recording *recording) {
        struct capture_stats stats;
        struct trace_writer_stats written;
        uint64_t n = 0, dropped;
        int r;

        r = trace_writer_flush(recording->writer);
        if (r < 0 && recording->error >= 0)
                recording->error = r;

        capture_stats(capture, &stats);
        trace_writer_stats(recording->writer, &written);
        dropped = summary_dropped(&stats);
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (schema_kind((enum wire_kind)kind) && schema_kind((enum wire_kind)kind)->class != EVENT_META)
                        n += recording->n_events[kind];

        if (recording->error == -EFBIG)
                log_notice("The recording has reached its limit and ends here");
        else if (recording->error < 0) {
                log_error_errno(recording->error, "Cannot write the recording '%s': %m", params->file);
                return EXIT_STATUS_FAILURE;
        }
        log_info("%" PRIu64 " events in '%s' (%" PRIu64 " records, %" PRIu64 " bytes), dropped %" PRIu64, n,
                 params->file, written.n_records, written.n_bytes, dropped);
        return EXIT_STATUS_SUCCESS;
}

static int record(const struct record_params *params) {
        const struct settings_options settings_options = {
                .config = CONFIG_PATH,
                .config_may_miss = true,
                .places = params->places.items,
                .n_places = params->places.n,
                .no_policies = params->places.n == 0,
                .generation = 1,
        };
        struct sigaction action = {.sa_handler = on_stop};
        _cleanup_(capture_freep) struct capture *capture = NULL;
        _cleanup_(settings_done) struct settings settings = {};
        _cleanup_(recording_done) struct recording recording = {};
        struct capture_sink sink = {.on_event = on_event};
        struct capture_options options;
        struct interest interest;
        char description[4096];
        int r, status;

        status = verb_load(&settings_options, &settings);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        choose_interest(params, &settings, &interest);
        options = (struct capture_options){
                .ring_bytes = settings.config.capture.ring_size_bytes,
                .supervisors = settings.config.capture.supervisors.items,
                .n_supervisors = settings.config.capture.supervisors.n,
        };
        r = capture_new_bpf(&options, &interest, &sink, &recording, &capture);
        if (r < 0)
                return exit_status_of_capture(r);    /* which has said why */

        capture_describe(capture, description, sizeof(description));
        status = open_recording(params, description, &recording.writer);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        r = capture_start(capture, NULL, settings_options.generation);
        if (r < 0) {
                (void)unlink(params->file);     /* an empty recording is worse than none */
                return exit_status_of_capture(r);
        }

        log_info("recording to '%s'; Ctrl-C ends it", params->file);
        watch(capture, &recording, params->duration_ns);
        return finish(params, capture, &recording);
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        enum { OPTION_DURATION = 256, OPTION_POLICIES, OPTION_LIMIT, OPTION_CONTENT, OPTION_FORCE };
        static const struct option options[] = {
                {"duration", required_argument, NULL, OPTION_DURATION},
                {"policies", required_argument, NULL, OPTION_POLICIES},
                {"limit", required_argument, NULL, OPTION_LIMIT},
                {"content", required_argument, NULL, OPTION_CONTENT},
                {"force", no_argument, NULL, OPTION_FORCE},
                {"help", no_argument, NULL, 'h'},
                {},
        };
        struct record_params params = {.limit_bytes = UINT64_C(1) << 30};
        int c;

        while ((c = verb_option(verb, argc, argv, options)) != -1)
                switch (c) {
                case OPTION_DURATION:
                        if (parse_duration(optarg, NSEC_PER_MSEC, 366 * NSEC_PER_DAY, &params.duration_ns) < 0) {
                                log_error("--duration '%s' is no time between 1ms and 366d", optarg);
                                return EXIT_STATUS_USAGE;
                        }
                        break;
                case OPTION_POLICIES:
                        if (!places_add(&params.places, optarg))
                                return EXIT_STATUS_USAGE;
                        break;
                case OPTION_LIMIT:
                        if (parse_size(optarg, 4096, UINT64_MAX, &params.limit_bytes) < 0) {
                                log_error("--limit '%s' is no size from 4K on", optarg);
                                return EXIT_STATUS_USAGE;
                        }
                        break;
                case OPTION_CONTENT:
                        if (parse_size(optarg, 0, WIRE_MAX_CONTENT, &params.content_bytes) < 0) {
                                log_error("--content '%s' is no size up to %d bytes", optarg, WIRE_MAX_CONTENT);
                                return EXIT_STATUS_USAGE;
                        }
                        break;
                case OPTION_FORCE:
                        params.force = true;
                        break;
                default:
                        return verb_usage(verb);
                }

        if (optind + 1 != argc) {
                log_error(optind < argc ? "More than one file to record to" : "No file to record to");
                return verb_usage(verb);
        }
        params.file = argv[optind];
        return record(&params);
}

const struct verb verb_record = {
        .name = "record",
        .arguments = "[OPTION...] FILE",
        .summary = "Write what happens on this host to a recording, for `replay`",
        .help = "  --duration TIME     end after this time; else with Ctrl-C\n"
                "  --policies PLACE    only what these policies look at; may be repeated. Without it: every kind of "
                "event\n"
                "  --limit SIZE        end at this size (default 1G)\n"
                "  --content SIZE      also the first bytes of what is written, up to 1024 (default 0; with --policies "
                "as they ask)\n"
                "  --force             overwrite the file\n"
                "\n"
                "Needs the daemon's privileges. The file is made for its owner alone (0600): it holds paths, arguments "
                "and, if asked for,\n"
                "content as they were. Secrets are taken out where something is shown, not here: policies match on the "
                "true bytes.\n",
        .run = run,
};
