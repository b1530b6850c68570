/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "cli/verb.h"

static int run(const struct verb *verb, int argc, char *argv[]) {
        enum { OPTION_CONFIG = 256, OPTION_WHOLE };
        static const struct option options[] = {
                {"config", required_argument, NULL, OPTION_CONFIG},
                {"whole", no_argument, NULL, OPTION_WHOLE},
                {"help", no_argument, NULL, 'h'},
                {},
        };
        struct settings_options settings_options = {
                .config = CONFIG_PATH,
                .config_may_miss = true,
                .no_policies = true,
                .generation = 1,
        };
        _cleanup_(settings_done) struct settings settings = {};
        _cleanup_(strbuf_done) struct strbuf b = {};
        bool whole = false;
        int c, status;

        while ((c = verb_option(verb, argc, argv, options)) != -1)
                switch (c) {
                case OPTION_CONFIG:
                        settings_options.config = optarg;
                        settings_options.config_may_miss = false;
                        break;
                case OPTION_WHOLE:
                        whole = true;
                        break;
                default:
                        return verb_usage(verb);
                }
        if (optind < argc) {
                log_error("Unexpected '%s'; a file is named with --config", argv[optind]);
                return verb_usage(verb);
        }

        status = verb_load(&settings_options, &settings);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (whole)
                config_dump(&settings.config, &b);
        else
                config_dump_changes(&settings.config, &b);
        return verb_print(&b);
}

const struct verb verb_config = {
        .name = "config",
        .arguments = "[--config FILE] [--whole]",
        .summary = "Show the configuration in force, and where each value comes from",
        .help = "  --config FILE  this one, not the usual " CONFIG_PATH "\n"
                "  --whole        every key, with what it means, as a file to start from; without it: what is not as "
                "the defaults\n"
                "\n"
                "A value comes from the file, else from the profile that the file names, else it is the default. "
                "Exit status 7 if the\n"
                "configuration is not usable: what the daemon would say at a reload, without one.\n",
        .run = run,
};
