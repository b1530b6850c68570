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
                .places = places->items,
                .n_places = places->n,
                .trust_any_owner = true,
                .wall_s = clock_realtime_ns() / NSEC_PER_SEC,
        };
        _cleanup_(strbuf_done) struct strbuf messages = {};
        _cleanup_(diag_set_done) struct diag_set diags = {};
        const struct compile_options compile = {};
        struct policy_options options;
        const char *const *where;
        size_t n_where;
        int r;

        r = verb_load(&settings_options, &ret->settings);
        if (r != EXIT_STATUS_SUCCESS)
                return r;

        settings_policy_options(&settings_options, &ret->settings.config, &options);
        where = settings_places(&settings_options, &ret->settings.config, &n_where);
        diag_set_init(&diags, 0);
        r = policy_set_load(where, n_where, &options, &diags, &ret->set);
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

static const struct path_node *find(const struct loaded *loaded, const char *name) {
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

int loaded_read_one(const struct verb *verb, int argc, char *argv[], struct loaded *ret,
                    const struct path_node **ret_path) {
        struct places places = {};
        const struct verb_option options[] = {{"policies", OPTION_PLACE, .places = &places}, {}};
        int status;

        status = verb_options(verb, argc, argv, options);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        if (optind + 1 < argc) {
                log_error("One policy at a time");
                return verb_usage(verb);
        }
        status = loaded_read(&places, ret);
        if (status != EXIT_STATUS_SUCCESS)
                return status;
        *ret_path = find(ret, argv[optind]);
        return *ret_path ? EXIT_STATUS_SUCCESS : EXIT_STATUS_FAILURE;
}
