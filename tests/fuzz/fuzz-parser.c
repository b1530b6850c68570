/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a policy file: parsed, checked, and reported without a fault. What parses prints as text that parses to
 * the same tree and prints the same again, and has a canonical layout of which the same is true; what is wrong has at
 * least one message with a place inside the text. */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "policy/ast-print.h"
#include "policy/layout.h"
#include "policy/parser.h"
#include "policy/policy-set.h"
#include "policy/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct file_node *parse(struct arena *arena, const char *text, size_t n, struct diag_set *diags) {
        const struct source *source;
        struct file_node *file;

        if (source_new(arena, "input", text, n, &source) < 0 || parser_parse(source, arena, diags, &file) < 0)
                abort();
        return file;
}

static void check_round_trip(const char *text, size_t n) {
        struct strbuf first = {}, second = {};
        struct file_node *a, *b;
        struct arena arena = {};
        struct diag_set diags;

        diag_set_init(&diags, 4);
        a = parse(&arena, text, n, &diags);
        if (diags.n_errors == 0) {
                ast_print_file(a, &first);
                assert(first.error == 0);
                b = parse(&arena, strbuf_str(&first), first.n, &diags);
                assert(diags.n_errors == 0);
                assert(file_node_equal(a, b));
                ast_print_file(b, &second);
                assert(streq(strbuf_str(&first), strbuf_str(&second)));
        }

        strbuf_done(&first);
        strbuf_done(&second);
        diag_set_done(&diags);
        arena_done(&arena);
}

static void check_layout(const char *text, size_t n) {
        struct strbuf first = {}, second = {};
        struct file_node *a, *b;
        struct arena arena = {};
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 4);
        a = parse(&arena, text, n, &diags);
        r = layout_text(text, n, &first);
        if (diags.n_errors == 0) {
                assert(r == 0);
                b = parse(&arena, strbuf_str(&first), first.n, &diags);
                assert(diags.n_errors == 0);
                assert(file_node_equal(a, b));
                assert(layout_text(strbuf_str(&first), first.n, &second) == 0);
                assert(first.n == second.n && memcmp(strbuf_str(&first), strbuf_str(&second), first.n) == 0);
        }

        strbuf_done(&first);
        strbuf_done(&second);
        diag_set_done(&diags);
        arena_done(&arena);
}

/* The same bytes as what extends a policy. */
static void check_drop_in(const char *text, size_t n) {
        static const char base[] = "list x = [1, 2]\nmacro m { code == 1 }\n"
                                   "path \"p\" { exit { m, code in x } }\n"
                                   "path \"q\" { openat { created } exit { } on step 1 respond \"a\" }\n";
        const struct policy_text texts[] = {
                {.name = "base", .text = base, .length = sizeof(base) - 1},
                {.name = "input", .text = text, .length = n, .drop_in = true},
        };
        struct policy_set *set = NULL;
        struct diag_set diags;
        struct strbuf b = {};
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse_texts(texts, ELEMENTSOF(texts), NULL, &diags, &set);
        assert(r == 0 || r == -EBADMSG);
        assert((r == 0) == (diags.n_errors == 0));
        assert(policy_set_put_diags(set, &diags, &b) >= 0 && b.error == 0);

        strbuf_done(&b);
        policy_set_free(set);
        diag_set_done(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct policy_set *set = NULL;
        struct diag_set diags;
        struct strbuf b = {};
        int r;

        check_round_trip((const char *)data, n);
        check_drop_in((const char *)data, n);
        check_layout((const char *)data, n);

        diag_set_init(&diags, 0);
        r = policy_set_parse("input", (const char *)data, n, NULL, &diags, &set);
        assert(r == 0 || r == -EBADMSG);
        assert((r == 0) == (diags.n_errors == 0));
        ARRAY_FOREACH(diag, &diags.list)
                assert(diag->span.line >= 1 && diag->span.offset <= n);
        assert(policy_set_put_diags(set, &diags, &b) >= 0 && b.error == 0);

        strbuf_done(&b);
        policy_set_free(set);
        diag_set_done(&diags);
        return 0;
}
