/* SPDX-License-Identifier: Apache-2.0 */

/* A policy: what the checker accepts the compiler compiles, or says why not; with every optimisation off the meaning of
 * its paths is the same. */

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/strbuf.h"
#include "compile/compile.h"
#include "program/program-dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct program *compile(const struct policy_set *set, const struct compile_options *options) {
        struct program *program = NULL;
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = compile_policies(set, options, &diags, &program);
        if (r < 0) {
                assert(r == -EBADMSG && diags.n_errors > 0);
                /* What a block may not say, the compiler must not write. */
                assert(!strstr(diags.list.items[0].text, "not valid"));
        }
        diag_set_done(&diags);
        return program;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const struct policy_options options = {.default_within_ns = 1000000000, .trust_any_owner = true};
        /* These two say in other words what a condition says, and so change the hash of its path. */
        const uint64_t words = COMPILE_WITHOUT(LOWER) | COMPILE_WITHOUT(REQUIRE);
        const struct compile_options plain = {.without = COMPILE_WITHOUT_ALL & ~words};
        const struct compile_options plainest = {.without = COMPILE_WITHOUT_ALL};
        struct program *a, *b;
        struct policy_set *set = NULL;
        struct diag_set diags;
        struct strbuf text = {};
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse("fuzz", (const char *)data, n, &options, &diags, &set);
        diag_set_done(&diags);
        if (r < 0) {
                policy_set_free(set);
                return 0;
        }

        a = compile(set, NULL);
        b = compile(set, &plain);
        assert(!a == !b);
        if (a) {
                assert(a->n_paths == b->n_paths && a->n_positions == b->n_positions && a->n_edges == b->n_edges);
                for (uint32_t i = 0; i < a->n_paths; i++)
                        assert(memcmp(a->paths[i].hash, b->paths[i].hash, sizeof(a->paths[i].hash)) == 0);
                program_dump(a, &text);
                assert(text.error == 0);
                strbuf_done(&text);
        }
        program_unref(a);
        program_unref(b);
        program_unref(compile(set, &plainest));
        policy_set_free(set);
        return 0;
}
