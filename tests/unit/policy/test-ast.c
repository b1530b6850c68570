/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ast.h"

#include "base/arena.h"
#include "policy/parser.h"
#include "policy/source.h"

#include "fixture.h"

static bool equal(const char *a, const char *b) {
        const struct source *source;
        struct file_node *x, *y;
        struct arena arena = {};
        bool same;

        ck_assert_int_eq(source_new(&arena, "a", a, strlen(a), &source), 0);
        ck_assert_int_eq(parser_parse(source, &arena, NULL, &x), 0);
        ck_assert_int_eq(source_new(&arena, "b", b, strlen(b), &source), 0);
        ck_assert_int_eq(parser_parse(source, &arena, NULL, &y), 0);
        same = file_node_equal(x, y);
        arena_done(&arena);
        return same;
}

START_TEST(trees_that_differ_only_in_place_are_equal) {
        ck_assert(equal("path \"p\" { exit { code == 1, core } }", "# x\npath \"p\"\n{\n exit\n{ code = 1\ncore }\n}"));
        ck_assert(equal("list a = [1]\npath \"p\" { }", "path \"p\" { }\nlist a = [1,]"));
}
END_TEST

START_TEST(each_part_of_a_tree_counts) {
        static const char *const texts[] = {
                "path \"p\" { exit { code == 1 } }",
                "path \"q\" { exit { code == 1 } }",
                "path \"p\" { exit { code == 2 } }",
                "path \"p\" { exit { code != 1 } }",
                "path \"p\" { exit { cod == 1 } }",
                "path \"p\" { fork { code == 1 } }",
                "path \"p\" { exit { code[0] == 1 } }",
                "path \"p\" { exit { any code == 1 } }",
                "path \"p\" { exit { code == \"1\" } }",
                "path \"p\" { exit { code =~ \"1\" } }",
                "path \"p\" { exit { not code == 1 } }",
                "path \"p\" { exit { code == 1, core } }",
                "path \"p\" { exit { code == 1 or core } }",
                "path \"p\" { exit { code in [1] } }",
                "path \"p\" { exit { code in [1, 1] } }",
                "path \"p\" { exit { code == 10.0.0.1 } }",
                "path \"p\" { exit { code == 10.0.0.1/8 } }",
                "path \"p\" { exit { code == 1, $a = x } }",
                "path \"p\" { exit { code == 1, $b = x } }",
                "path \"p\" { exit { code == 1 } .. }",
                "path \"p\" { exit { code == 1 } ... }",
                "path \"p\" { exit { code == 1 }\n... }",
                "path \"p\" { not exit { code == 1 } }",
                "path \"p\" { any { exit { code == 1 } } }",
                "path \"p\" { block \"b\" { exit { code == 1 } } }",
                "path \"p\" { block \"c\" { exit { code == 1 } } }",
                "path \"p\" { block \"b\" within 1s { exit { code == 1 } } }",
                "path \"p\" { exit { code == 1 } ? fork { } }",
                "path \"p\" { exit { code == 1 } ? fork { } : exec { } }",
                "path \"p\" { exit { code == 1 } except { a } }",
                "path \"p\" { exit { code == 1 } except \"r\" { a } }",
                "path \"p\" { by = host exit { code == 1 } }",
                "path \"p\" { severity = low exit { code == 1 } }",
                "path \"p\" { on_loss = skip exit { code == 1 } }",
                "path \"p\" { within = 1s exit { code == 1 } }",
                "path \"p\" { within = unlimited exit { code == 1 } }",
                "path \"p\" { suppress = 1s exit { code == 1 } }",
                "path \"p\" { suppress = 0s exit { code == 1 } }",
                "path \"p\" { description = \"d\" exit { code == 1 } }",
                "path \"p\" { mitre = \"T1\" exit { code == 1 } }",
                "path \"p\" { respond = \"T1\" exit { code == 1 } }",
                "list a = [1]\npath \"p\" { exit { code == 1 } }",
                "list a = [2]\npath \"p\" { exit { code == 1 } }",
                "macro m { core }\npath \"p\" { exit { code == 1 } }",
                "macro m { code }\npath \"p\" { exit { code == 1 } }",
                "macro n { core }\npath \"p\" { exit { code == 1 } }",
                "list b = [1]\npath \"p\" { exit { code == 1 } }",
                "path \"p\" { exit { code == 1 } }\npath \"p\" { exit { code == 1 } }",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                for (size_t k = 0; k < ELEMENTSOF(texts); k++)
                        ck_assert_msg(equal(texts[i], texts[k]) == (i == k), "%s\n%s", texts[i], texts[k]);
}
END_TEST

START_TEST(every_operator_has_a_name) {
        for (int i = 0; i < _COMPARE_OP_MAX; i++)
                ck_assert_ptr_nonnull(compare_op_to_string((enum compare_op)i));
        ck_assert_ptr_null(compare_op_to_string(_COMPARE_OP_MAX));
        ck_assert(compare_op_is_negative(COMPARE_NOT_IN));
        ck_assert(!compare_op_is_negative(COMPARE_IN));
}
END_TEST

START_TEST(on_loss_is_read_as_it_is_written) {
        for (int i = 0; i < _ON_LOSS_MAX; i++) {
                const char *name = on_loss_to_string((enum on_loss)i);

                ck_assert_int_eq(on_loss_from_string(name, strlen(name)), i);
        }
        ck_assert_int_eq(on_loss_from_string("ask", 3), -EINVAL);
}
END_TEST

UNIT_MAIN("policy/ast", trees_that_differ_only_in_place_are_equal, each_part_of_a_tree_counts,
          every_operator_has_a_name, on_loss_is_read_as_it_is_written)
