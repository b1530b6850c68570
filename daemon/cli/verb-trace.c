/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/priority.h"
#include "base/strbuf.h"
#include "capture/capture.h"
#include "cli/stage.h"
#include "cli/verb.h"
#include "engine/sieve.h"
#include "event/schema.h"
#include "pipeline/capture-settings.h"
#include "pipeline/filter.h"
#include "pipeline/pipeline.h"
#include "pipeline/summary.h"
#include "report/alert-event.h"
#include "report/event-line.h"
#include "report/report-json.h"

#define BATCH 512
#define KIND_WIDTH_MAX 8                /* columns; longer names push what follows, they are rare */
#define OUT_BYTES (64U << 10)
#define IDLE_NS (2 * NSEC_PER_MSEC)     /* between looks at an empty ring */
#define LISTENER_NS (100 * NSEC_PER_MSEC)       /* between looks whether somebody still reads */

struct trace_params {
        const char *config, *file, *test;
        struct filter_condition conditions[FILTER_MAX_CONDITIONS];
        size_t n_conditions;
        struct arena texts;             /* of conditions */
        uint64_t kinds, duration_ns, count, content_bytes;
        bool json, all, failed, unredacted;
};

static void trace_params_done(struct trace_params *params) {
        arena_done(&params->texts);
}

/* Everything between the stream and the output. */
struct trace {
        const struct trace_params *params;
        struct process_table *table;    /* owned */
        struct sieve *sieve;            /* owned */
        struct program *program;        /* owned reference */
        struct redactor *redactor;      /* owned; NULL: the configured one */
        struct alert_context context;
        struct event_line_style style;
        struct arena arena;             /* of one event */
        struct strbuf out;
        bool is_ended;                  /* enough was shown, or nobody reads */
        int error;                      /* the first, of the output or of memory; not that nobody reads */
        uint64_t n_seen, n_shown, n_unknown, n_lost;
};

static volatile sig_atomic_t stopped;

static void on_stop(int signal) {
        stopped = 1;
}

static void trace_done(struct trace *trace) {
        sieve_free(trace->sieve);
        process_table_free(trace->table);
        if (trace->program)
                program_unref(trace->program);
        if (trace->redactor)
                redactor_free(trace->redactor);
        arena_done(&trace->arena);
        strbuf_done(&trace->out);
}

static void trace_flush(struct trace *trace) {
        int r = trace->out.error;

        if (r >= 0 && trace->out.n > 0 && !trace->is_ended)
                r = fd_write_full(STDOUT_FILENO, trace->out.data, trace->out.n);
        strbuf_clear(&trace->out);
        if (r < 0) {
                trace->is_ended = true;
                if (r != -EPIPE && trace->error >= 0)
                        trace->error = r;
        }
}

/* The terminal may have been made wider meanwhile. */
static void trace_fit(struct trace *trace) {
        struct winsize size;

        trace->style.width = 0;
        if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0)
                trace->style.width = size.ws_col;
}

static void show(struct trace *trace, const struct event *event, const struct process *actor) {
        const struct program *program = trace->program;
        struct alert_event_options options = {.brief = !trace->params->json};
        struct alert_event told;
        int r;

        for (uint32_t i = 0; i < program->n_steps; i++)
                if (program->steps[i].kind == event_kind(event)) {
                        options.fields = program->fields + program->steps[i].fields.first;
                        options.n_fields = program->steps[i].fields.n;
                }
        r = alert_event_build(event, actor, &options, &trace->context, &trace->arena, &told);
        if (r < 0) {
                trace->error = r;
                trace->is_ended = true;
        } else if (trace->params->json)
                report_json_event(&told, &trace->out);
        else
                event_line_put(&told, &trace->style, &trace->out);
        arena_reset(&trace->arena);
        if (trace->out.n >= OUT_BYTES)
                trace_flush(trace);
}

static void take_meta(struct trace *trace, const struct event *event) {
        enum wire_kind kind = event_kind(event);
        struct value value;

        if (kind == WIRE_KIND_clock) {
                event_get(event, FIELD_clock_offset_ns, &value);
                if (value.state == VALUE_KNOWN)
                        trace->context.offset_ns = value.number;
        } else if (kind == WIRE_KIND_gap) {
                event_get(event, FIELD_gap_count, &value);
                if (value.state == VALUE_KNOWN && !(event->wire->flags & WIRE_AHEAD))
                        trace->n_lost += (uint64_t)value.number;
                show(trace, event, NULL);
        }
}

static void on_event(const struct event *event, void *userdata) {
        const struct kind_info *kind = schema_kind(event_kind(event));
        struct trace *trace = userdata;
        struct process *actor;

        if (trace->is_ended)
                return;
        actor = process_table_update(trace->table, event);
        if (kind->class == EVENT_META)
                take_meta(trace, event);
        else if (trace->program->header->interest.kinds & wire_kind_bit(event_kind(event))) {
                trace->n_seen++;
                switch (sieve_look(trace->sieve, event, actor)) {
                case TRUTH_TRUE:
                        show(trace, event, actor);
                        trace->n_shown++;
                        if (trace->params->count > 0 && trace->n_shown == trace->params->count) {
                                trace_flush(trace);
                                trace->is_ended = true;
                        }
                        break;
                case TRUTH_UNKNOWN:
                        trace->n_unknown++;
                        break;
                case TRUTH_FALSE:
                        break;
                }
        }
        process_table_expire(trace->table, event->time_ns);
}

/* Has the reader of a pipe gone away? Else a trace of something rare would wait for ever to find out. */
static bool has_listener(void) {
        struct pollfd out = {.fd = STDOUT_FILENO};

        return poll(&out, 1, 0) <= 0 || !(out.revents & (POLLERR | POLLHUP));
}

static void watch(struct trace *trace, struct capture *capture) {
        uint64_t started_ns = clock_boottime_ns(), now_ns = started_ns, listened_ns = started_ns;
        const struct timespec pause = {.tv_nsec = IDLE_NS};

        while (!stopped && !trace->is_ended &&
               (trace->params->duration_ns == 0 || now_ns - started_ns < trace->params->duration_ns)) {
                int n = capture_dispatch(capture, BATCH);

                if (trace->out.n > 0)
                        trace_flush(trace);
                if (n == 0)
                        nanosleep(&pause, NULL);
                now_ns = clock_boottime_ns();
                if (now_ns - listened_ns >= LISTENER_NS) {
                        listened_ns = now_ns;
                        trace_fit(trace);
                        trace->is_ended = trace->is_ended || !has_listener();
                }
        }
        if (!trace->is_ended) {
                capture_flush(capture);
                capture_dispatch(capture, BATCH);
        }
        trace_flush(trace);
}

static void put_kinds(uint64_t kinds, struct strbuf *b) {
        const char *separator = "";

        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (kinds & wire_kind_bit(kind) && schema_kind((enum wire_kind)kind)) {
                        strbuf_printf(b, "%s%s", separator, schema_kind((enum wire_kind)kind)->name);
                        separator = ", ";
                }
}

static int trace_kernel(struct trace *trace, const struct settings *settings) {
        const struct capture_sink sink = {.on_event = on_event};
        struct sigaction action = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
        struct interest interest = trace->program->header->interest;
        _cleanup_(capture_freep) struct capture *capture = NULL;
        _cleanup_(strbuf_done) struct strbuf kinds = {};
        struct capture_options options;
        struct capture_stats stats;
        int r;

        capture_settings_options(&settings->config, &options);
        interest.content_bytes = MAX(interest.content_bytes, (uint32_t)trace->params->content_bytes);
        r = capture_new_bpf(&options, &interest, &sink, trace, &capture);
        if (r < 0)
                return exit_status_of_capture(r);       /* which has said why */
        (void)priority_raise(settings->config.performance.priority);

        /* A second signal ends a trace whose reader has stopped. */
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        put_kinds(interest.kinds, &kinds);
        r = capture_start(capture, NULL, 1);
        if (r < 0)
                return exit_status_of_capture(r);
        /* What is done from here on is shown. */
        log_info("watching %s; Ctrl-C ends it", strbuf_str(&kinds));
        watch(trace, capture);

        capture_stats(capture, &stats);
        trace->n_lost = summary_dropped(&stats);
        return EXIT_STATUS_SUCCESS;
}

static int trace_recording(struct trace *trace) {
        const char *file = trace->params->file;
        _cleanup_(trace_reader_freep) struct trace_reader *reader = NULL;
        struct trace_state state = {};
        struct event event;
        int r;

        r = verb_open_recording(file, &reader, &state);
        if (r < 0)
                return verb_recording_status(file, r, &state);
        while (!trace->is_ended && (r = trace_reader_next(reader, &event)) > 0)
                on_event(&event, trace);
        trace_flush(trace);
        return verb_recording_status(file, trace->is_ended ? 0 : r, trace_reader_state(reader));
}

static int trace_story(struct trace *trace) {
        _cleanup_(suite_freep) struct suite *suite = NULL;
        _cleanup_(story_freep) struct story *story = NULL;
        const struct suite_test *test;
        struct event event;
        int status;

        status = stage_load_suite(trace->params->file, &suite);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        test = stage_find_test(suite, trace->params->test);
        if (!test)
                return EXIT_STATUS_USAGE;
        if (!test->events.text) {
                log_error("The events of that test are a recording, '%s': trace that", test->recording.text);
                return EXIT_STATUS_USAGE;
        }
        status = stage_read_story(suite, test, &story);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        for (size_t i = 0; i < story->world.records.n && !trace->is_ended; i++)
                if (world_event(&story->world, i, &event) >= 0)
                        on_event(&event, trace);
        trace_flush(trace);
        return EXIT_STATUS_SUCCESS;
}

static int compile(const struct trace_params *params, struct program **ret) {
        const struct filter_options options = {
                .kinds = params->kinds,
                .conditions = params->conditions,
                .n_conditions = params->n_conditions,
                .failed = params->failed,
        };
        _cleanup_(strbuf_done) struct strbuf messages = {};
        int r;

        r = filter_compile(&options, &messages, ret);
        if (messages.n > 0)
                (void)fd_write_full(STDERR_FILENO, messages.data, messages.n);
        if (r == -EBADMSG)
                return EXIT_STATUS_USAGE;
        if (r < 0) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        return EXIT_STATUS_SUCCESS;
}

static unsigned kind_width(uint64_t kinds) {
        size_t width = 0;

        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (kinds & wire_kind_bit(kind) && schema_kind((enum wire_kind)kind))
                        width = MAX(width, strlen(schema_kind((enum wire_kind)kind)->name));
        return (unsigned)MIN(width, (size_t)KIND_WIDTH_MAX);
}

static int trace_init(struct trace *trace, const struct settings *settings) {
        const struct redact_options unredacted = {.disabled = true};
        struct pipeline_options options;
        int r = 0;

        trace->style.kind_width = kind_width(trace->program->header->interest.kinds);
        trace->style.all = trace->params->all;
        trace->style.colour = isatty(STDOUT_FILENO);
        trace_fit(trace);

        if (trace->params->unredacted)
                r = redactor_new(&unredacted, &trace->redactor);
        pipeline_configure(&settings->config, &options);
        if (r >= 0)
                r = process_table_new(&options.table, &trace->table);
        if (r >= 0)
                r = sieve_new(trace->program, trace->table, &trace->sieve);
        trace->context = (struct alert_context){
                .table = trace->table,
                .redactor = trace->redactor ?: settings->redactor,
        };
        return r;
}

static int trace(const struct trace_params *params) {
        const struct settings_options settings_options = {
                .config = params->config ?: params->file ? params->config : CONFIG_PATH,
                .config_may_miss = !params->config,
                .no_policies = true,
        };
        _cleanup_(settings_done) struct settings settings = {};
        _cleanup_(trace_done) struct trace trace = {.params = params};
        int r, status;

        status = compile(params, &trace.program);
        if (status == EXIT_STATUS_SUCCESS)
                status = verb_load(&settings_options, &settings);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        r = trace_init(&trace, &settings);
        if (r < 0) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }

        if (!params->json)
                event_line_put_head(&trace.style, &trace.out);
        status = !params->file                 ? trace_kernel(&trace, &settings)
               : stage_is_suite(params->file) ? trace_story(&trace)
                                              : trace_recording(&trace);
        if (trace.error < 0) {
                log_error_errno(trace.error, "Cannot write to the output: %m");
                return EXIT_STATUS_FAILURE;
        }
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        log_info("%" PRIu64 " events seen, %" PRIu64 " shown, %" PRIu64 " lost", trace.n_seen, trace.n_shown,
                 trace.n_lost);
        if (trace.n_unknown > 0)
                log_notice("%" PRIu64
                           " could not be decided: a field that is asked for was not captured, or such an event "
                           "has none",
                           trace.n_unknown);
        return EXIT_STATUS_SUCCESS;
}

static bool add_condition(struct trace_params *params, const char *name, const char *text) {
        if (params->n_conditions == FILTER_MAX_CONDITIONS) {
                log_error("More than %d conditions", FILTER_MAX_CONDITIONS);
                return false;
        }
        params->conditions[params->n_conditions++] = (struct filter_condition){.name = name, .text = text};
        return true;
}

/* The second one is called so, or nobody knew which of them a message is about. */
static bool add_where(const char *text, void *data) {
        struct trace_params *params = data;
        size_t n = 1;
        const char *name;

        for (size_t i = 0; i < params->n_conditions; i++)
                n += startswith(params->conditions[i].name, "--where") != NULL;
        name = n > 1 ? arena_printf(&params->texts, "--where (%zu)", n) : "--where";
        if (!name) {
                log_oom();
                return false;
        }
        return add_condition(params, name, text);
}

static bool add_kinds(const char *names, void *data) {
        struct trace_params *params = data;
        _cleanup_(strbuf_done) struct strbuf messages = {};

        if (filter_add_kinds(names, &params->kinds, &messages))
                return true;
        log_error("--kind: %s", strbuf_str(&messages));
        return false;
}

static bool add_process(struct trace_params *params, const char *option, const char *value, bool below) {
        uint64_t pid;
        const char *text;

        if (parse_u64(value, 1, INT32_MAX, &pid) < 0) {
                log_error("%s takes the number of a process, not '%s'", option, value);
                return false;
        }
        text = below ? arena_printf(&params->texts, "proc.pid == %" PRIu64 " or ancestor.pid == %" PRIu64, pid, pid)
                     : arena_printf(&params->texts, "proc.pid == %" PRIu64, pid);
        if (!text) {
                log_oom();
                return false;
        }
        return add_condition(params, option, text);
}

static bool add_pid(const char *text, void *data) {
        return add_process(data, "--pid", text, false);
}

/* The process, and all that came of it. */
static bool add_below(const char *text, void *data) {
        return add_process(data, "--below", text, true);
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        _cleanup_(trace_params_done) struct trace_params params = {};
        const struct verb_option options[] = {
                {"kind", OPTION_OTHER, .take = add_kinds, .data = &params},
                {"where", OPTION_OTHER, .take = add_where, .data = &params},
                {"pid", OPTION_OTHER, .take = add_pid, .data = &params},
                {"below", OPTION_OTHER, .take = add_below, .data = &params},
                {"failed", OPTION_FLAG, .flag = &params.failed},
                {"json", OPTION_FLAG, .flag = &params.json},
                {"all", OPTION_FLAG, .flag = &params.all},
                {"count", OPTION_NUMBER, .number = &params.count, .min = 1, .max = OPTION_NO_MAX},
                {"duration", OPTION_DURATION, .number = &params.duration_ns, .min = NSEC_PER_MSEC,
                 .max = 366 * NSEC_PER_DAY},
                {"content", OPTION_SIZE, .number = &params.content_bytes, .max = WIRE_MAX_CONTENT},
                {"unredacted", OPTION_FLAG, .flag = &params.unredacted},
                {"config", OPTION_TEXT, .text = &params.config},
                {"test", OPTION_TEXT, .text = &params.test},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        if (optind + 1 < argc) {
                log_error("One recording is shown, or, without a file, what happens now");
                return verb_usage(verb);
        }
        params.file = argv[optind];
        return trace(&params);
}

const struct verb verb_trace = {
        .name = "trace",
        .arguments = "[OPTION...] [FILE]",
        .summary = "Show events as they happen, or those of a recording, by any condition of the policy language",
        .help = "  --kind KIND,...     only these; may be repeated. Without it every kind that the conditions can be "
                "asked of\n"
                "  --where CONDITION   as in the braces of a step: 'pathname startswith \"/etc/\", proc.uid != 0'; all "
                "must hold\n"
                "  --pid PID           only this process\n"
                "  --below PID         this process and all that came of it\n"
                "  --failed            only calls that failed\n"
                "  --json              one JSON object a line, with every field that is known\n"
                "  --all               every field that is known, with its name, instead of the most telling ones\n"
                "  --count N           end after so many\n"
                "  --duration TIME     end after this time; else with Ctrl-C\n"
                "  --content SIZE      also the first bytes of what is written, up to 1024\n"
                "  --unredacted        show secrets too\n"
                "  --config FILE       sizes, redaction and what may be left out under overload from there\n"
                "\n"
                "The kernel is asked for no more than the conditions need; what they rule out by number never leaves "
                "it. Failed calls are\n"
                "shown with their error. Lines are cut to the width of the terminal, and only there. Times are UTC.\n"
                "FILE is a recording (- is standard input) or, if its name ends in .yaml, a file of tests; --test NAME "
                "says which of them.\n"
                "Without FILE the daemon's privileges are needed, and the daemon may run at the same time. What was "
                "lost is shown as `gap`,\n"
                "and the last line, on standard error, says how many events were seen, shown and lost.\n",
        .run = run,
};
