/* SPDX-License-Identifier: Apache-2.0 */
#include "app/params.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "config/config.h"
#include "report/exit-status.h"
#include "report/report.h"

static void put_help(struct strbuf *b) {
        strbuf_put(
                b,
                "execrayd [OPTION...]\n"
                "\n"
                "Watch this host for stories that the policies tell of, and report each one.\n"
                "\n"
                "  --config FILE          configuration (default " CONFIG_PATH ", if it is there)\n"
                "  --policies PLACE       file or directory of policies, instead of those configured; may be repeated\n"
                "  --scripts PLACE        file or directory of scripts, instead of those configured; may be repeated\n"
                "  --output LIST          where alerts go: text, json (one object a line), ecs (the same in the words "
                "of the "
                "Elastic Common\n"
                "                         Schema), journal, none; joined by commas\n"
                "                         (default: the journal if it runs, and text on a terminal)\n"
                "  --colour WHEN          auto, always or never\n"
                "  --duration TIME        end after this time (10s, 5m)\n"
                "  --exit-after-alerts N  end after the N-th alert\n"
                "  --verbose              say more\n"
                "  --version, --help\n"
                "\n"
                "SIGHUP reads configuration and policies again; if anything is wrong with them, all stays as it was.\n"
                "SIGUSR2 saves the last events as a recording (recorder.memory).\n"
                "SIGINT and SIGTERM end it with a summary.\n"
                "\n"
                "Exit status:\n");
        exit_status_put_table(b);
}

static int print_and_end(void (*put)(struct strbuf *b)) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        put(&b);
        if (b.error < 0 || fd_write_full(STDOUT_FILENO, b.data, b.n) < 0)
                return EXIT_STATUS_FAILURE + 1;
        return EXIT_STATUS_SUCCESS + 1;
}

static void put_version(struct strbuf *b) {
        strbuf_put(b, "execrayd " EXECRAY_VERSION "\n");
}

static int usage(void) {
        log_info("execrayd --help lists the options");
        return EXIT_STATUS_USAGE + 1;
}

/* "text,journal" */
static bool parse_outputs(const char *list, unsigned *ret) {
        static const struct {
                const char *name;
                unsigned output;
        } names[] = {
                {"text", REPORT_TEXT},
                {"json", REPORT_JSON},
                {"ecs", REPORT_ECS},
                {"journal", REPORT_JOURNAL},
                {"none", 0},
        };
        unsigned outputs = 0;

        for (;;) {
                size_t n = strcspn(list, ","), i;

                for (i = 0; i < ELEMENTSOF(names); i++)
                        if (memeq_str(list, n, names[i].name))
                                break;
                if (i == ELEMENTSOF(names))
                        return false;
                outputs |= names[i].output;
                if (list[n] == 0)
                        break;
                list += n + 1;
        }

        *ret = outputs;
        return true;
}

int params_parse(int argc, char *argv[], struct params *ret) {
        enum {
                OPTION_CONFIG = 256,
                OPTION_POLICIES,
                OPTION_SCRIPTS,
                OPTION_OUTPUT,
                OPTION_COLOUR,
                OPTION_DURATION,
                OPTION_ALERTS,
                OPTION_VERBOSE,
                OPTION_VERSION,
                OPTION_HELP,
        };
        static const struct option options[] = {
                {"config", required_argument, NULL, OPTION_CONFIG},
                {"policies", required_argument, NULL, OPTION_POLICIES},
                {"scripts", required_argument, NULL, OPTION_SCRIPTS},
                {"output", required_argument, NULL, OPTION_OUTPUT},
                {"colour", required_argument, NULL, OPTION_COLOUR},
                {"color", required_argument, NULL, OPTION_COLOUR},
                {"duration", required_argument, NULL, OPTION_DURATION},
                {"exit-after-alerts", required_argument, NULL, OPTION_ALERTS},
                {"verbose", no_argument, NULL, OPTION_VERBOSE},
                {"version", no_argument, NULL, OPTION_VERSION},
                {"help", no_argument, NULL, OPTION_HELP},
                {},
        };
        struct params params = {.log_level = LOG_INFO};
        int c;

        opterr = 0;
        while ((c = getopt_long(argc, argv, "+:vh", options, NULL)) != -1)
                switch (c) {
                case OPTION_CONFIG:
                        params.config = optarg;
                        break;
                case OPTION_POLICIES:
                        if (params.n_policies == PARAMS_MAX_POLICIES) {
                                log_error("More than %d places of policies", PARAMS_MAX_POLICIES);
                                return usage();
                        }
                        params.policies[params.n_policies++] = optarg;
                        break;
                case OPTION_SCRIPTS:
                        if (params.n_scripts == PARAMS_MAX_POLICIES) {
                                log_error("More than %d places of scripts", PARAMS_MAX_POLICIES);
                                return usage();
                        }
                        params.scripts[params.n_scripts++] = optarg;
                        break;
                case OPTION_OUTPUT:
                        if (!parse_outputs(optarg, &params.outputs)) {
                                log_error("--output '%s' is none of text, json, ecs, journal, none, joined by commas",
                                          optarg);
                                return usage();
                        }
                        params.outputs_given = true;
                        break;
                case OPTION_COLOUR:
                        params.colour = streq(optarg, "always");
                        params.colour_given = params.colour || streq(optarg, "never");
                        if (!params.colour_given && !streq(optarg, "auto")) {
                                log_error("--colour '%s' is none of auto, always, never", optarg);
                                return usage();
                        }
                        break;
                case OPTION_DURATION:
                        if (parse_duration(optarg, NSEC_PER_MSEC, 366 * NSEC_PER_DAY, &params.duration_ns) < 0) {
                                log_error("--duration '%s' is no time between 1ms and 366d", optarg);
                                return usage();
                        }
                        break;
                case OPTION_ALERTS:
                        if (parse_u64(optarg, 1, UINT64_MAX, &params.max_alerts) < 0) {
                                log_error("--exit-after-alerts '%s' is no number from 1 on", optarg);
                                return usage();
                        }
                        break;
                case 'v':
                case OPTION_VERBOSE:
                        params.log_level = LOG_DEBUG;
                        break;
                case OPTION_VERSION:
                        return print_and_end(put_version);
                case 'h':
                case OPTION_HELP:
                        return print_and_end(put_help);
                case ':':
                        log_error("Option '%s' needs a value", argv[optind - 1]);
                        return usage();
                default:
                        log_error("Unknown option '%s'", argv[optind - 1]);
                        return usage();
                }

        if (optind < argc) {
                log_error("Unknown argument '%s'", argv[optind]);
                return usage();
        }

        *ret = params;
        return 0;
}
