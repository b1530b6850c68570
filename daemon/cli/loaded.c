/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/loaded.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "compile/compile.h"

void loaded_done(struct loaded *loaded) {
        if (loaded->program)
                program_unref(loaded->program);
        policy_set_free(loaded->set);
        settings_done(&loaded->settings);
}

int loaded_read(const struct places *places, struct loaded *ret) {
        const struct settings_options settings_options = {
                .config = CONFIG_PATH,
                .config_may_miss = true,
                .no_policies = true,
        };
        _cleanup_(strbuf_done) struct strbuf messages = {};
        _cleanup_(diag_set_done) struct diag_set diags = {};
        const struct compile_options compile = {};
        struct policy_options options = {.trust_any_owner = true, .skip_missing = places->n == 0};
        const struct config *config;
        int r;

        r = verb_load(&settings_options, &ret->settings);
        if (r != EXIT_STATUS_SUCCESS)
                return r;

        config = &ret->settings.config;
        options.default_within_ns = config->policies.default_within_ns;
        options.default_suppress_ns = config->policies.suppress_ns;
        options.max_file_bytes = config->policies.max_file_size_bytes;
        options.max_files = config->policies.max_files;
        options.wall_s = clock_realtime_ns() / NSEC_PER_SEC;

        diag_set_init(&diags, 0);
        r = places->n > 0 ? policy_set_load(places->items, places->n, &options, &diags, &ret->set)
                          : policy_set_load((const char *const *)config->policies.directories.items,
                                            config->policies.directories.n, &options, &diags, &ret->set);
        if (r >= 0)
                r = compile_policies(ret->set, &compile, &diags, &ret->program);
        (void)policy_set_put_diags(ret->set, &diags, &messages);
        if (messages.n > 0)
                (void)fd_write_full(STDERR_FILENO, messages.data, messages.n);
        if (r == -ENOMEM) {
                log_oom();
                return EXIT_STATUS_FAILURE;
        }
        if (r < 0) {
                log_error("These policies cannot be used; name others with --policies");
                return EXIT_STATUS_POLICIES;
        }
        return EXIT_STATUS_SUCCESS;
}

const struct path_node *loaded_find(const struct loaded *loaded, const char *name) {
        _cleanup_(freep) const char **names = NULL;
        const char *meant = NULL;
        size_t n = 0;

        if (!name) {
                if (loaded->set->n_paths == 1)
                        return loaded->set->paths;
                log_error("There are %zu policies; which one?", loaded->set->n_paths);
                return NULL;
        }
        for (const struct path_node *p = loaded->set->paths; p; p = p->next)
                if (text_is(p->name, name))
                        return p;

        names = calloc(loaded->set->n_paths + 1, sizeof(*names));
        if (names) {
                for (const struct path_node *p = loaded->set->paths; p; p = p->next)
                        names[n++] = p->name.bytes;
                meant = diag_closest(name, names, n);
        }
        if (meant)
                log_error("There is no policy '%s'; did you mean '%s'?", name, meant);
        else
                log_error("There is no policy '%s' among %zu", name, loaded->set->n_paths);
        return NULL;
}

uint32_t loaded_number(const struct loaded *loaded, const struct path_node *path) {
        const struct program *program = loaded->program;

        for (uint32_t i = 0; i < program->n_paths; i++)
                if (memeq_str(path->name.bytes, path->name.length, program_text(program, program->paths[i].name)))
                        return i;
        return PROGRAM_NONE;
}

int loaded_params_read(const struct verb *verb, int argc, char *argv[], struct loaded_params *ret) {
        enum { OPTION_POLICIES = 256 };
        static const struct option options[] = {
                {"policies", required_argument, NULL, OPTION_POLICIES},
                {"help", no_argument, NULL, 'h'},
                {},
        };
        int c;

        *ret = (struct loaded_params){};
        while ((c = verb_option(verb, argc, argv, options)) != -1)
                if (c != OPTION_POLICIES || !places_add(&ret->places, optarg))
                        return verb_usage(verb);
        if (optind + 1 < argc) {
                log_error("One policy at a time");
                return verb_usage(verb);
        }
        ret->name = argv[optind];
        return EXIT_STATUS_SUCCESS;
}
