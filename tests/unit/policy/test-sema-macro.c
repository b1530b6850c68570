/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

START_TEST(a_macro_means_its_conditions_in_the_step_that_uses_it) {
        struct policy_set *set = parse_good("macro in_tmp { pathname startswith [\"/tmp/\", \"/var/tmp/\"] }\n"
                                            "macro shell { proc.name in [\"sh\", \"bash\"], proc.uid != 0 }\n"
                                            "path \"p\" { openat { in_tmp, shell } unlink { not in_tmp or shell } }");
        const struct expr *openat = set->paths->body->condition, *unlink = set->paths->body->next->condition;

        ck_assert_int_eq(openat->type, EXPR_AND);
        ck_assert_int_eq(openat->left->type, EXPR_OR);
        ck_assert_int_eq(openat->left->left->field.field, WIRE_FIELD_openat_pathname);
        ck_assert_int_eq(openat->right->type, EXPR_AND);
        ck_assert_int_eq(unlink->type, EXPR_OR);
        ck_assert_int_eq(unlink->left->left->left->field.field, WIRE_FIELD_unlink_pathname);
        policy_set_free(set);
}
END_TEST

START_TEST(macros_hold_macros_lists_and_captures) {
        struct policy_set *set =
                parse_good("path \"p\" { openat { created, $f = pathname } unlink { ours } except { ours, failed } }\n"
                           "macro ours { same or pathname in names }\nmacro same { pathname == $f }\n"
                           "list names = [\"/x\"]");

        ck_assert_int_eq(set->paths->body->next->condition->left->operand.type, OPERAND_CAPTURE);
        ck_assert_uint_eq(set->paths->exceptions->slots, 1);
        policy_set_free(set);
}
END_TEST

START_TEST(a_macro_that_names_the_result_takes_failed_calls) {
        struct policy_set *set = parse_good("macro refused { result == -EACCES }\npath \"p\" { openat { refused } }");

        ck_assert(set->paths->body->any_result);
        policy_set_free(set);
}
END_TEST

START_TEST(what_is_wrong_in_a_macro_is_told_with_its_use) {
        expect_messages("macro m { pathnam == \"/x\", created }\npath \"p\" {\n openat { m } }",
                        "1:11 error: 'openat' has no field 'pathnam'\n  | did you mean 'pathname'?\n"
                        "  @ 3:11 the macro is used here\n");
        expect_messages("macro m { dport == 70000 }\npath \"p\" {\n openat { created, m }\n connect { m } }",
                        "1:11 error: 'openat' has no field 'dport'\n  | it is a field of 'read', 'write', 'dup', "
                        "'connect' and 5 more\n"
                        "  @ 3:20 the macro is used here\n"
                        "1:20 error: this can never match: 'dport' is 0 to 65535\n  @ 4:12 the macro is used here\n");
}
END_TEST

START_TEST(macros_that_cannot_be_are_told_once) {
        expect_messages("macro a { b }\nmacro b { created or a }\npath \"p\" { openat { a } openat { b } }",
                        "2:22 error: the macro 'a' contains itself\n  @ 1:7 it is defined here\n");
        expect_messages("macro a { created }\nmacro a { mode == 0 }\npath \"p\" { openat { a } }",
                        "2:7 error: a second macro 'a'\n  | 'macro a += { ... }' adds another alternative\n  @ 1:7 "
                        "first defined here\n");
        expect_messages("macro created { mode == 0 }\npath \"p\" { openat { created } }",
                        "1:7 error: 'created' is a field of 'openat'\n");
        expect_messages("macro a { }\npath \"p\" { openat { a } }", "1:1 error: this macro is empty\n");
        expect_messages("macro a = created\npath \"p\" { openat { a } }",
                        "1:9 error: expected '{' after the name of the macro, found '='\n  | macro a { condition }\n");
        expect_messages("macro a { $x = pathname, created }\npath \"p\" { openat { a } }",
                        "1:11 error: a capture cannot be bound in the macro\n");
        expect_messages("macro shel { created }\npath \"p\" { openat { shell } }",
                        "2:21 error: 'openat' has no field 'shell'\n  | did you mean 'shel'?\n");
}
END_TEST

START_TEST(macros_in_macros_are_bounded) {
        struct policy_set *set = NULL;
        struct strbuf b = {};
        struct diag_set diags;

        for (int i = 0; i < 2000; i++)
                strbuf_printf(&b, "macro m%04d { m%04d, m%04d }\n", i, i + 1, i + 1);
        strbuf_put(&b, "macro m2000 { created }\npath \"p\" { openat { m0000 } }");
        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse("t", strbuf_str(&b), b.n, NULL, &diags, &set), -EBADMSG);
        ck_assert_str_eq(diags.list.items[0].text, "macros in macros, more than 8 deep");
        policy_set_free(set);
        diag_set_done(&diags);

        /* Not deep, but many: 1,024 times 1,024 comparisons. */
        strbuf_clear(&b);
        set = NULL;
        strbuf_put(&b, "macro a { created");
        for (int i = 0; i < 1000; i++)
                strbuf_put(&b, " or created");
        strbuf_put(&b, " }\nmacro b { a");
        for (int i = 0; i < 1000; i++)
                strbuf_put(&b, " or a");
        strbuf_put(&b, " }\npath \"p\" { openat { b } }");
        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse("t", strbuf_str(&b), b.n, NULL, &diags, &set), -EBADMSG);
        ck_assert_uint_eq(diags.list.n, 1);
        ck_assert_str_eq(diags.list.items[0].text,
                         "the macros and drop-ins are too large: more than 65536 conditions in all");
        policy_set_free(set);
        diag_set_done(&diags);
        strbuf_done(&b);
}
END_TEST

UNIT_MAIN("policy/sema-macro", a_macro_means_its_conditions_in_the_step_that_uses_it,
          macros_hold_macros_lists_and_captures, a_macro_that_names_the_result_takes_failed_calls,
          what_is_wrong_in_a_macro_is_told_with_its_use, macros_that_cannot_be_are_told_once,
          macros_in_macros_are_bounded)
