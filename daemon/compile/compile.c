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
#include "program/enforce.h"

static void compile_path(struct compilation *c, const struct path_node *path) {
        _cleanup_(draft_done) struct draft draft = {};

        positions_build(c, path, &draft);       /* lowers the conditions (lower.h) as it meets them */
        if (c->out.error == 0)
                emit_path(c, path, &draft);
}

/* What the kernel is to do of itself it must be able to: the checker has said where it is not, and whatever it let pass
 * is said here. */
static int check_enforce(struct compilation *c, const struct policy_set *set, const struct program *program) {
        _cleanup_(freep) struct enforcement *enforcement = malloc(sizeof(*enforcement));
        const struct path_node *path = set->paths;
        int result = 0;

        if (!enforcement)
                return -ENOMEM;
        for (uint32_t i = 0; i < program->n_paths && path; i++, path = path->next) {
                const char *why = "";
                int r = enforce_path(program, i, enforcement, &why);

                if (r == -EOPNOTSUPP)
                        result = diag_error(c->diags, path->enforce_span,
                                            "the kernel cannot decide the last step of this path: %s", why);
                else if (r < 0 && r != -ENODATA)
                        return r;
        }
        return result;
}

static int load(struct compilation *c, const struct policy_set *set, struct program **ret) {
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
        if (r < 0)
                return r;
        r = check_enforce(c, set, *ret);
        if (r < 0)
                *ret = program_unref(*ret);
        return r;
}

static const struct compile_pass_info passes[] = {
#define PASS(id, name_, given_, left_, doc_)                                                                           \
        [COMPILE_PASS_##id] = {.name = name_, .given = given_, .left = left_, .doc = doc_},
#include "compile/passes.def"
};

const struct compile_pass_info *compile_pass_info(enum compile_pass pass) {
        return &passes[pass];
}

int compile_pass_from_string(const char *name) {
        for (int i = 0; i < _COMPILE_PASS_MAX; i++)
                if (streq(passes[i].name, name))
                        return i;
        return -EINVAL;
}

static void compile(struct compilation *c, const struct policy_set *set) {
        bool any_refused = false;

        if (set->n_paths > PROGRAM_MAX_PATHS) {
                c->out.error = diag_error(c->diags, (struct diag_span){}, "too many paths: %zu, and %d are allowed",
                                          set->n_paths, PROGRAM_MAX_PATHS);
                return;
        }

        /* 1. Each path by itself: conditions (LOWER, REQUIRE, SHARE, ORDER on the way), places, records. A path that is
         * refused does not hide what is wrong with the next. */
        for (const struct path_node *path = set->paths; path; path = path->next) {
                compile_path(c, path);
                if (c->out.error == -E2BIG || (c->out.error == 0 && assembly_size(&c->out) > c->max_bytes)) {
                        c->out.error =
                                diag_error(c->diags, path_span(path),
                                           "the policies are too large: up to this one they take more than %zu MiB "
                                                  "compiled",
                                                  c->max_bytes >> 20);
                        return;
                }
                if (c->out.error == -EBADMSG) {
                        any_refused = true;
                        c->out.error = 0;
                }
        }
        if (any_refused && c->out.error == 0)
                c->out.error = -EBADMSG;

        /* 2. All paths together. */
        dispatch_spread_kinds(c);
        strings_find_candidates(c);     /* MATCH */
        dispatch_mark_starts(c);        /* DISPATCH, so far as SPLIT wants to know */
        strings_build_matchers(c);      /* MATCH, SPLIT */
        dispatch_file_starts(c);        /* DISPATCH */
        needs_collect(c);               /* NARROW */
}

int compile_with_report(const struct policy_set *set, const struct compile_options *options, struct diag_set *diags,
                        struct compile_report *report, struct program **ret) {
        _cleanup_(compilation_done) struct compilation c;

        compilation_init(&c, options, diags);
        compile(&c, set);
        *report = c.report;
        if (c.out.error < 0)
                return c.out.error;

        /* 3. One block, verified like any other. */
        return load(&c, set, ret);
}

int compile_policies(const struct policy_set *set, const struct compile_options *options, struct diag_set *diags,
                     struct program **ret) {
        struct compile_report report;

        return compile_with_report(set, options, diags, &report, ret);
}
