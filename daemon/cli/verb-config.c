/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/strbuf.h"
#include "cli/verb.h"

static int load(const char *file, struct settings *ret) {
        const struct settings_options options = {
                .config = file ?: CONFIG_PATH,
                .config_may_miss = !file,
                .no_policies = true,
                .generation = 1,
        };

        return verb_load(&options, ret);
}

static int check(const struct settings *settings, struct strbuf *b) {
        const struct config *config = &settings->config;

        if (config->n_files == 0)
                strbuf_put(b, "There is no file: everything has its default.\n");
        for (size_t i = 0; i < config->n_files; i++) {
                strbuf_put_text(b, config->files[i], strlen(config->files[i]));
                strbuf_put(b, ": well\n");
        }
        return 0;
}

static int diff(const struct settings *settings, const char *other_file, struct strbuf *b) {
        _cleanup_(settings_done) struct settings other = {};
        int status;

        if (!other_file) {
                config_dump_changes(&settings->config, b);
                return 0;
        }
        status = load(other_file, &other);
        if (status == 0 && config_dump_difference(&settings->config, &other.config, b) == 0)
                strbuf_put(b, "# they say the same\n");
        return status;
}

static int run(const struct verb *verb, int argc, char *argv[]) {
        static const char *const words[] = {"diff", "show", "check", "defaults"};
        enum { WORD_DIFF, WORD_SHOW, WORD_CHECK, WORD_DEFAULTS } word = WORD_DIFF;
        _cleanup_(settings_done) struct settings settings = {};
        _cleanup_(strbuf_done) struct strbuf b = {};
        const char *file = NULL;
        const struct verb_option options[] = {
                {"config", OPTION_TEXT, .text = &file},
                {},
        };
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (optind < argc) {
                while (word < ELEMENTSOF(words) && !streq(argv[optind], words[word]))
                        word++;
                if (word == ELEMENTSOF(words)) {
                        log_error("Unexpected '%s'; a file is named with --config", argv[optind]);
                        return verb_usage(verb);
                }
                optind++;
        }
        if (argc - optind > (word == WORD_DIFF)) {
                log_error("Unexpected '%s'", argv[optind]);
                return verb_usage(verb);
        }

        if (word == WORD_DEFAULTS) {
                if (config_dump_defaults(&b) < 0)
                        return EXIT_STATUS_FAILURE;
                return verb_print(&b);
        }
        status = load(file, &settings);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        switch (word) {
        case WORD_SHOW: config_dump(&settings.config, &b); break;
        case WORD_CHECK: status = check(&settings, &b); break;
        case WORD_DIFF: status = diff(&settings, optind < argc ? argv[optind] : NULL, &b); break;
        case WORD_DEFAULTS: break;
        }
        return status != 0 ? status : verb_print(&b);
}

const struct verb verb_config = {
        .name = "config",
        .arguments = "[diff [OTHER] | show | check | defaults] [--config FILE]",
        .summary = "Show the configuration in force, and where each value comes from",
        .help = "  diff           what is not as the defaults, with where it comes from; with OTHER: what another file "
                "would change\n"
                "  show           every key, with what it means, as a file to start from\n"
                "  check          nothing but what is wrong, and which files are read\n"
                "  defaults       every key with its default, whatever the files say\n"
                "  --config FILE  this one, not the usual " CONFIG_PATH "\n"
                "\n"
                "A value comes from the last of FILE and FILE.d/*.yaml that has it, else from the profile that they "
                "name, else it is the\n"
                "default. Exit status 7 if the configuration is not usable: what the daemon would say at a reload, "
                "without one.\n",
        .run = run,
};
