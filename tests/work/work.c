/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include "compile/compile.h"
#include "policy/policy-set.h"

#define BLOCKS_EMPTY 300000
#define BLOCKS_PER_BYTE 40            /* and doubling of the length */

static uint64_t n_blocks;

/* What the compiler of C puts into each basic block; the linker leads it here (--wrap), for libFuzzer has one of its
 * own. */
void __wrap___sanitizer_cov_trace_pc(void);
void __wrap___sanitizer_cov_trace_pc(void) {
        n_blocks++;
}

uint64_t work_of(const char *text, size_t length, int *ret_result) {
        const struct policy_options options = {.trust_any_owner = true};
        uint64_t before = n_blocks;
        struct program *program = NULL;
        struct policy_set *set = NULL;
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse("work", text, length, &options, &diags, &set);
        if (r >= 0)
                r = compile_policies(set, NULL, &diags, &program);
        program_unref(program);
        policy_set_free(set);
        diag_set_done(&diags);
        if (ret_result)
                *ret_result = r;
        return n_blocks - before;
}

uint64_t work_allowed(size_t length) {
        unsigned log = 1;

        while (length >> log)
                log++;
        return BLOCKS_EMPTY + (uint64_t)length * log * BLOCKS_PER_BYTE;
}
