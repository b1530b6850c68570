/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/policy-loader.h"

#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

int policy_loader_load(const char *const *places, size_t n_places, const struct policy_options *options,
                       const struct compile_options *compile, uint64_t generation, struct diag_set *diags,
                       struct strbuf *text, struct program **ret, struct policy_loader_stats *ret_stats) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        struct compile_report report = {};
        struct program *program = NULL;
        int r, q;

        assert(options && diags && ret);

        r = policy_set_load(places, n_places, options, diags, &set);
        if (r >= 0)
                r = compile_with_report(set, compile, diags, &report, &program);

        if (ret_stats)
                *ret_stats = (struct policy_loader_stats){.n_files = set ? set->n_files : 0,
                                                          .n_paths = set ? set->n_paths : 0,
                                                          .compile = report};
        if (text) {
                q = policy_set_put_diags(set, diags, text);
                if (q < 0 && r >= 0)
                        r = q;
        }
        if (r < 0) {
                if (program)
                        program_unref(program);
                return r;
        }

        program_set_generation(program, generation);
        *ret = program;
        return 0;
}
