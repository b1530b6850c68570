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

static int run(const struct verb *verb, int argc, char *argv[]) {
        enum { OPTION_POLICIES = 256, OPTION_JSON, OPTION_OUTPUT, OPTION_CONFIG, OPTION_QUIET, OPTION_WITHOUT };
        static const struct option options[] = {
                {"policies", required_argument, NULL, OPTION_POLICIES},
                {"json", no_argument, NULL, OPTION_JSON},
                {"output", required_argument, NULL, OPTION_OUTPUT},
                {"config", required_argument, NULL, OPTION_CONFIG},
                {"without", required_argument, NULL, OPTION_WITHOUT},
                {"quiet", no_argument, NULL, OPTION_QUIET},
                {"help", no_argument, NULL, 'h'},
                {},
        };
        struct replay_params params = {};
        int c;

        while ((c = verb_option(verb, argc, argv, options)) != -1)
                switch (c) {
                case OPTION_POLICIES:
                        if (!places_add(&params.places, optarg))
                                return EXIT_STATUS_USAGE;
                        break;
                case OPTION_JSON:
                        params.json = true;
                        break;
                case OPTION_OUTPUT:
                        params.json = streq(optarg, "json");
                        params.ecs = streq(optarg, "ecs");
                        if (!params.json && !params.ecs && !streq(optarg, "text")) {
                                log_error("--output '%s' is none of text, json, ecs", optarg);
                                return EXIT_STATUS_USAGE;
                        }
                        break;
                case OPTION_CONFIG:
                        params.config = optarg;
                        break;
                case OPTION_WITHOUT:
                        if (!without_add(&params.without, optarg))
                                return EXIT_STATUS_USAGE;
                        break;
                case OPTION_QUIET:
                        params.quiet = true;
                        break;
                default:
                        return verb_usage(verb);
                }

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
