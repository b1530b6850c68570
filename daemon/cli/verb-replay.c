/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/verb.h"
#include "pipeline/pipeline.h"

struct replay_params {
        const char *file, *config;
        struct places places;
        bool json, ecs, quiet;
        uint64_t without;
};

static int replay(const struct replay_params *params) {
        const struct settings_options options = {
                .config = params->config,
                .places = params->places.items,
                .n_places = params->places.n,
                .trust_any_owner = true,
                .compile = {.without = params->without},
                .generation = 1,
        };
        _cleanup_(pipeline_freep) struct pipeline *pipeline = NULL;
        _cleanup_(trace_reader_freep) struct trace_reader *reader = NULL;
        _cleanup_(settings_done) struct settings settings = {};
        struct pipeline_options pipeline_options;
        struct pipeline_stats stats;
        struct trace_state state = {};
        struct event event;
        int r, status;

        status = verb_load(&options, &settings);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        pipeline_configure(&settings.config, &pipeline_options);
        pipeline_options.report.outputs = params->ecs ? REPORT_ECS : params->json ? REPORT_JSON : REPORT_TEXT;
        pipeline_options.report.fd = STDOUT_FILENO;
        pipeline_options.report.redactor = settings.redactor;
        pipeline_options.report.colour = !params->json && !params->ecs && isatty(STDOUT_FILENO);
        r = pipeline_new(settings.program, &pipeline_options, NULL, NULL, &pipeline);
        if (r < 0) {
                log_error_errno(r, "Cannot set up the engine: %m");
                return EXIT_STATUS_FAILURE;
        }

        r = verb_open_recording(params->file, &reader, &state);
        if (r < 0)
                return verb_recording_status(params->file, r, &state);

        while ((r = trace_reader_next(reader, &event)) > 0)
                pipeline_feed(pipeline, &event);
        pipeline_end(pipeline);

        pipeline_stats(pipeline, &stats);
        if (!params->quiet)
                log_info("%" PRIu64 " records, %" PRIu64 " alerts", trace_reader_state(reader)->n_records,
                         stats.report.n_alerts);
        status = verb_recording_status(params->file, r, trace_reader_state(reader));
        return status == EXIT_STATUS_SUCCESS && stats.report.n_failed > 0 ? EXIT_STATUS_FAILURE : status;
}

static bool take_output(const char *text, void *data) {
        struct replay_params *params = data;

        params->json = streq(text, "json");
        params->ecs = streq(text, "ecs");
        if (params->json || params->ecs || streq(text, "text"))
                return true;
        log_error("--output '%s' is none of text, json, ecs", text);
        return false;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        struct replay_params params = {};
        const struct verb_option options[] = {
                {"policies", OPTION_PLACE, .places = &params.places},
                {"json", OPTION_FLAG, .flag = &params.json},
                {"output", OPTION_OTHER, .take = take_output, .data = &params},
                {"config", OPTION_TEXT, .text = &params.config},
                {"without", OPTION_OTHER, .take = without_add, .data = &params.without},
                {"quiet", OPTION_FLAG, .flag = &params.quiet},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;

        if (optind + 1 != argc || params.places.n == 0) {
                log_error(optind + 1 != argc ? "One recording is replayed, or - for standard input"
                                             : "No policies to replay it against");
                return verb_usage(verb);
        }
        params.file = argv[optind];
        return replay(&params);
}

const struct verb verb_replay = {
        .name = "replay",
        .arguments = "FILE --policies PLACE... [--json | --output FORM] [--config FILE] [--quiet]",
        .summary = "Run a recording against policies and print the alerts",
        .help = "  --policies PLACE  file or directory of policies; may be repeated\n"
                "  --json            one JSON object a line (docs/ALERTS.md) instead of text\n"
                "  --output FORM     text, json, or ecs: in the words of the Elastic Common Schema (docs/ALERTS.md)\n"
                "  --config FILE     limits, redaction and defaults from there; without it built-in ones, never this "
                "host's\n"
                "  --quiet           no closing line on standard error\n"
                "\n"
                "Needs no privilege, and looks at nothing but the recording: the same recording and policies give the "
                "same bytes, on\n"
                "any host, as any user. Policies are taken from whomever they belong to; only the daemon insists on "
                "their owner.\n"
                "FILE may be - for standard input. A recording that is cut off or damaged is replayed up to there; see "
                "the exit status.\n",
        .run = run,
};
