/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/priority.h"
#include "capture/capture.h"
#include "cli/verb.h"
#include "pipeline/capture-settings.h"
#include "pipeline/summary.h"

#define BATCH 4096
#define IDLE_NS (2 * NSEC_PER_MSEC)     /* between looks at an empty ring */
#define FLUSH_NS NSEC_PER_SEC

#define NOT_GIVEN UINT64_MAX
#define LIMIT_BYTES (UINT64_C(1) << 30)
#define ROTATE_MIN_BYTES (UINT64_C(1) << 20)
#define ROTATE_KEEP 8
#define ROTATE_KEEP_MAX 10000

struct recording {
        struct trace_writer *writer;    /* owned; of the file that is being written */
        uint64_t n_events[_WIRE_KIND_MAX];
        int error;                      /* the writer's first */
        uint64_t n_files;
        uint64_t started_ns;            /* the file */
        uint64_t beginning_bytes;       /* of the file: what every one begins with, up to `start` */
        struct trace_writer_stats before;       /* of the files before it */
};

static void recording_done(struct recording *recording) {
        trace_writer_free(recording->writer);
}

struct record_params {
        const char *file, *config;
        struct places places;
        uint64_t duration_ns, limit_bytes, content_bytes;
        uint64_t rotate_bytes, rotate_ns;       /* 0: not by that */
        uint64_t keep;                  /* files that are complete, beside the one that is being written */
        const char *description;        /* of host and capture */
        bool force;
};

static bool does_rotate(const struct record_params *params) {
        return params->rotate_bytes > 0 || params->rotate_ns > 0;
}

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

        *ret = (struct interest){.namespaces = true, .content_bytes = (uint32_t)params->content_bytes};
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

/* FILE.3: the third before the one that is being written. */
static int old_name(const struct record_params *params, uint64_t age, char ret[static PATH_MAX]) {
        int n = age == 0 ? snprintf(ret, PATH_MAX, "%s", params->file)
                         : snprintf(ret, PATH_MAX, "%s.%" PRIu64, params->file, age);

        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static int open_recording(const struct record_params *params, struct recording *recording) {
        struct trace_host host = {.created_ns = clock_realtime_ns(), .text = params->description};
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
        r = trace_writer_new(fd, &host, params->limit_bytes, &recording->writer);
        if (r < 0) {
                log_error_errno(r, "Cannot begin the recording '%s': %m", params->file);
                return EXIT_STATUS_FAILURE;
        }
        recording->n_files++;
        recording->started_ns = clock_boottime_ns();
        return EXIT_STATUS_SUCCESS;
}

/* Each file gets the name of the one before it; the oldest goes. */
static int shift_files(const struct record_params *params) {
        char from[PATH_MAX], to[PATH_MAX];
        int r;

        for (uint64_t age = params->keep; age > 0; age--) {
                r = old_name(params, age - 1, from);
                if (r >= 0)
                        r = old_name(params, age, to);
                if (r < 0)
                        return r;
                if (rename(from, to) < 0 && errno != ENOENT)
                        return -errno;
        }
        if (params->keep == 0 && unlink(params->file) < 0)
                return -errno;
        return 0;
}

static uint64_t written_bytes(const struct recording *recording) {
        struct trace_writer_stats stats;

        trace_writer_stats(recording->writer, &stats);
        return stats.n_bytes;
}

/* What a file begins with grows with the host: a file has room for as much again. */
static bool rotation_is_due(const struct record_params *params, const struct recording *recording, uint64_t now_ns) {
        if (params->rotate_bytes > 0 &&
            written_bytes(recording) >= MAX(params->rotate_bytes, 2 * recording->beginning_bytes))
                return true;
        return params->rotate_ns > 0 && now_ns - recording->started_ns >= params->rotate_ns;
}

/* Everything so far stands in the file that ends; the next one begins as every recording does. */
static int rotate(const struct record_params *params, struct capture *capture, struct recording *recording) {
        struct trace_writer_stats stats;
        int r;

        r = trace_writer_flush(recording->writer);
        if (r < 0) {
                recording->error = r;
                return EXIT_STATUS_FAILURE;     /* which is said at the end */
        }
        trace_writer_stats(recording->writer, &stats);
        recording->before.n_records += stats.n_records;
        recording->before.n_bytes += stats.n_bytes;
        recording->writer = trace_writer_free(recording->writer);

        r = shift_files(params);
        if (r < 0) {
                log_error_errno(r, "Cannot give '%s' the name of an older file: %m", params->file);
                return EXIT_STATUS_FAILURE;
        }
        r = open_recording(params, recording);
        if (r != EXIT_STATUS_SUCCESS)
                return r;
        r = capture_retell(capture);
        if (r < 0) {
                log_error_errno(r, "Cannot take a snapshot of the running processes: %m");
                return EXIT_STATUS_FAILURE;
        }
        recording->beginning_bytes = written_bytes(recording);
        return EXIT_STATUS_SUCCESS;
}

static int watch(const struct record_params *params, struct capture *capture, struct recording *recording) {
        uint64_t started_ns = clock_boottime_ns(), flushed_ns = started_ns, now_ns = started_ns;
        int status = EXIT_STATUS_SUCCESS;

        while (!stopped && recording->error >= 0 && status == EXIT_STATUS_SUCCESS &&
               (params->duration_ns == 0 || now_ns - started_ns < params->duration_ns)) {
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
                if (recording->error >= 0 && rotation_is_due(params, recording, now_ns))
                        status = rotate(params, capture, recording);
        }
        if (recording->writer) {
                capture_flush(capture);
                capture_dispatch(capture, BATCH);
        }
        return status;
}

static int finish(const struct record_params *params, struct capture *capture, struct recording *recording) {
        struct trace_writer_stats written;
        struct capture_stats stats;
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
                 params->file, recording->before.n_records + written.n_records,
                 recording->before.n_bytes + written.n_bytes, dropped);
        if (recording->n_files > 1)
                log_info("in %" PRIu64 " files, of which the last %" PRIu64 " are kept", recording->n_files,
                         MIN(recording->n_files, params->keep + 1));
        return EXIT_STATUS_SUCCESS;
}

/* Files of an earlier session are somebody's. */
static bool is_in_the_way(const struct record_params *params) {
        char old[PATH_MAX];

        if (params->force || !does_rotate(params) || params->keep == 0)
                return false;
        if (old_name(params, 1, old) < 0 || access(old, F_OK) < 0)
                return false;
        log_error("There is a file '%s' already; --force goes on from it", old);
        return true;
}

static int record(struct record_params *params) {
        const struct settings_options settings_options = {
                .config = params->config ?: CONFIG_PATH,
                .config_may_miss = !params->config,
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
        capture_settings_options(&settings.config, &options);
        r = capture_new_bpf(&options, &interest, &sink, &recording, &capture);
        if (r < 0)
                return exit_status_of_capture(r);    /* which has said why */
        (void)priority_raise(settings.config.performance.priority);

        capture_describe(capture, description, sizeof(description));
        params->description = description;
        if (is_in_the_way(params))
                return EXIT_STATUS_FAILURE;
        status = open_recording(params, &recording);
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
        recording.beginning_bytes = written_bytes(&recording);
        status = watch(params, capture, &recording);
        if (!recording.writer || (status != EXIT_STATUS_SUCCESS && recording.error >= 0))
                return status;          /* which was said */
        return finish(params, capture, &recording);
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        struct record_params params = {.limit_bytes = NOT_GIVEN, .keep = NOT_GIVEN};
        const struct verb_option options[] = {
                {"duration", OPTION_DURATION, .number = &params.duration_ns, .min = NSEC_PER_MSEC,
                 .max = 366 * NSEC_PER_DAY},
                {"policies", OPTION_PLACE, .places = &params.places},
                {"limit", OPTION_SIZE, .number = &params.limit_bytes, .min = 4096, .max = OPTION_NO_MAX},
                {"content", OPTION_SIZE, .number = &params.content_bytes, .max = WIRE_MAX_CONTENT},
                {"force", OPTION_FLAG, .flag = &params.force},
                {"rotate-size", OPTION_SIZE, .number = &params.rotate_bytes, .min = ROTATE_MIN_BYTES,
                 .max = OPTION_NO_MAX},
                {"rotate-time", OPTION_DURATION, .number = &params.rotate_ns, .min = NSEC_PER_SEC,
                 .max = 366 * NSEC_PER_DAY},
                {"keep", OPTION_NUMBER, .number = &params.keep, .max = ROTATE_KEEP_MAX},
                {"config", OPTION_TEXT, .text = &params.config},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        if (optind + 1 != argc) {
                log_error(optind < argc ? "More than one file to record to" : "No file to record to");
                return verb_usage(verb);
        }
        if (does_rotate(&params) ? params.limit_bytes != NOT_GIVEN : params.keep != NOT_GIVEN) {
                log_error(does_rotate(&params)
                                  ? "--limit ends a recording, --rotate-size and --rotate-time go on in another file"
                                  : "--keep is for --rotate-size and --rotate-time");
                return verb_usage(verb);
        }
        if (params.keep == NOT_GIVEN)
                params.keep = ROTATE_KEEP;
        if (params.limit_bytes == NOT_GIVEN)
                params.limit_bytes = does_rotate(&params) ? 0 : LIMIT_BYTES;
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
                "  --rotate-size SIZE  go on in another file at this size: FILE becomes FILE.1, which becomes FILE.2, "
                "...\n"
                "  --rotate-time TIME  go on in another file after this time\n"
                "  --keep N            so many files beside FILE; the oldest is deleted (default 8)\n"
                "  --content SIZE      also the first bytes of what is written, up to 1024 (default 0; with --policies "
                "as they ask)\n"
                "  --force             overwrite the file, or shift those that are there\n"
                "  --config FILE       sizes and what may be left out under overload from there\n"
                "\n"
                "Needs the daemon's privileges. The file is made for its owner alone (0600): it holds paths, arguments "
                "and, if asked for,\n"
                "content as they were. Secrets are taken out where something is shown, not here: policies match on the "
                "true bytes.\n",
        .run = run,
};
