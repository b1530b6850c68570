/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "compile/compilation.h"
#include "compile/dispatch.h"
#include "compile/emit.h"
#include "compile/needs.h"
#include "compile/positions.h"
#include "compile/strings.h"

static void compile_path(struct compilation *c, const struct path_node *path) {
        _cleanup_(draft_done) struct draft draft = {};

        positions_build(c, path, &draft);       /* lowers the conditions (lower.h) as it meets them */
        if (c->out.error == 0)
                emit_path(c, path, &draft);
}

static int load(struct compilation *c, struct program **ret) {
        _cleanup_(freep) void *block = NULL;
        const char *where = "";
        size_t size;
        int r;

        r = assembly_finish(&c->out, &block, &size);
        if (r == -E2BIG)
                return diag_error(c->diags, (struct diag_span){},
                                  "the policies are too large: compiled they take more than %u MiB",
                                  PROGRAM_MAX_BYTES >> 20);
        if (r < 0)
                return r;

        r = program_new(block, size, ret, &where);
        if (r == -EBADMSG)
                /* Either a mistake of this room, or a regex that the checker let pass. */
                return diag_error(c->diags, (struct diag_span){}, "the compiled program is not valid (%s)", where);
        return r;
}

int compile_policies(const struct policy_set *set, const struct compile_options *options, struct diag_set *diags,
                     struct program **ret) {
        _cleanup_(compilation_done) struct compilation c;
        bool any_refused = false;

        compilation_init(&c, options, diags);
        if (set->n_paths > PROGRAM_MAX_PATHS)
                return diag_error(diags, (struct diag_span){}, "too many paths: %zu, and %d are allowed", set->n_paths,
                                  PROGRAM_MAX_PATHS);

        /* 1. Each path by itself: conditions, places, records. A path that is refused does not hide what is wrong with
         * the next. */
        for (const struct path_node *path = set->paths; path; path = path->next) {
                compile_path(&c, path);
                if (c.out.error == -EBADMSG) {
                        any_refused = true;
                        c.out.error = 0;
                }
        }
        if (any_refused && c.out.error == 0)
                c.out.error = -EBADMSG;

        /* 2. All paths together. */
        dispatch_spread_kinds(&c);
        strings_find_candidates(&c);
        dispatch_mark_starts(&c);
        strings_build_matchers(&c);
        dispatch_file_starts(&c);
        needs_collect(&c);
        if (c.out.error < 0)
                return c.out.error;

        /* 3. One block, verified like any other. */
        return load(&c, ret);
}
