/* SPDX-License-Identifier: Apache-2.0 */
#include "script/script-set.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/diag.h"
#include "base/strbuf.h"
#include "policy/policy-files.h"
#include "policy/source.h"

struct script_set {
        ARRAY(struct script *) scripts; /* owned; in order of place, then of name */
        uint64_t data_bytes;            /* that they have loaded */
};

struct script_set *script_set_free(struct script_set *set) {
        if (!set)
                return NULL;
        ARRAY_FOREACH(script, &set->scripts)
                script_free(*script);
        array_done(&set->scripts);
        free(set);
        return NULL;
}

size_t script_set_count(const struct script_set *set) {
        return set->scripts.n;
}

struct script *script_set_at(const struct script_set *set, size_t i) {
        return i < set->scripts.n ? set->scripts.items[i] : NULL;
}

struct script *script_set_find(const struct script_set *set, const char *function, enum script_kind *ret_kind) {
        const char *name;

        ARRAY_FOREACH(script, &set->scripts)
                for (size_t i = 0; script_function_at(*script, i, &name, ret_kind); i++)
                        if (streq(name, function))
                                return *script;
        return NULL;
}

/* The script takes no name that is taken. */
static bool is_new(const struct script_set *set, const struct script *script, struct strbuf *messages) {
        enum script_kind kind;
        const char *name;
        bool result = true;

        for (size_t i = 0; script_function_at(script, i, &name, &kind); i++) {
                const struct script *other = script_set_find(set, name, &kind);

                if (!other)
                        continue;
                strbuf_printf(messages, "%s: '%s' is there already, in %s\n", script_name(script), name,
                              script_name(other));
                result = false;
        }
        return result;
}

static int add(struct script_set *set, const struct policy_origin *origin, const struct script_set_options *options,
               struct strbuf *messages) {
        _cleanup_(script_freep) struct script *script = NULL;
        struct script_limits limits = options->limits;
        struct script_stats stats;
        size_t before = messages->n;
        int r;

        limits.data_bytes -= MIN(limits.data_bytes, set->data_bytes);
        r = script_load(origin->path, origin->source->text, origin->source->length, &limits, options->trust_any_owner,
                        messages, &script);
        if (messages->n > before)
                strbuf_put_char(messages, '\n');
        if (r < 0)
                return r;
        if (!is_new(set, script, messages))
                return -EEXIST;
        script_stats(script, &stats);
        set->data_bytes += stats.data_bytes;
        r = array_push(&set->scripts, script);
        if (r >= 0)
                TAKE_PTR(script);
        return r;
}

int script_set_load(const char *const *places, size_t n_places, const struct script_set_options *options,
                    struct strbuf *messages, struct script_set **ret) {
        const struct policy_options files_options = {
                .trust_any_owner = options->trust_any_owner,
                .skip_missing = options->skip_missing,
                .max_file_bytes = SCRIPT_MAX_BYTES,
                .max_files = SCRIPT_SET_MAX_FILES,
                .suffix = ".lua",
        };
        _cleanup_(script_set_freep) struct script_set *set = NULL;
        _cleanup_(diag_set_done) struct diag_set diags = {};
        _cleanup_(arena_done) struct arena arena = {};
        struct policy_files files = {};
        int r;

        assert((places || n_places == 0) && messages && ret);

        set = calloc(1, sizeof(*set));
        if (!set)
                return -ENOMEM;
        diag_set_init(&diags, 0);
        r = policy_files_read(places, n_places, &files_options, &arena, &diags, &files);
        diag_set_put_text(&diags, NULL, 0, messages);
        if (r >= 0)
                r = files.first_error;
        if (r == -ENOMEM)
                return r;

        for (const struct policy_origin *origin = files.origins; origin; origin = origin->next) {
                int q;

                if (origin->state != POLICY_ORIGIN_USED || !origin->source)
                        continue;
                q = add(set, origin, options, messages);
                if (q == -ENOMEM)
                        return q;
                if (q < 0)
                        r = -EBADMSG;
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(set);
        return 0;
}
