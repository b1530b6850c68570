/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

START_TEST(naming_the_result_takes_failed_calls_too) {
        struct policy_set *set = parse_good("path \"p\" { openat { created } openat { not failed or created } not "
                                            "unlink { result == -EACCES } exit { code == 1 } }");
        const struct element *e = set->paths->body;

        ck_assert(!e->any_result);
        ck_assert(e->next->any_result);
        ck_assert(e->next->next->any_result);
        ck_assert(!e->next->next->next->any_result);
        policy_set_free(set);
}
END_TEST

START_TEST(two_constants_for_one_field_contradict_each_other) {
        expect_in_path("openat { pathname == \"/a\", created and pathname == \"/b\" }",
                       "2:40 error: this is never true: 'pathname' is something else already\n  @ 2:10 here\n");
        expect_in_path("connect { dport == 80, dport == 443 }",
                       "2:24 error: this is never true: 'dport' is something else already\n  @ 2:11 here\n");
        expect_in_path("connect { dport == 80 or dport == 443 }", "");
        expect_in_path("execve { any argv == \"a\", any argv == \"b\", argv[0] == \"c\", argv[1] == \"d\" }", "");
        expect_in_path(
                "execve { ancestor.name == \"a\", ancestor.name == \"b\", proc.name == \"c\", parent.name == \"d\" }",
                "");
}
END_TEST

START_TEST(an_exception_sees_every_kind_of_its_path) {
        struct policy_set *set = parse_good(
                "path \"p\" { openat { created } not unlink { pathname == \"/x\" } execve { argc > 1 }\n"
                "except { pathname startswith \"/tmp/\" } except { pathname != \"/y\" } except { proc.uid == 0 } }");
        const struct exception *x = set->paths->exceptions;

        /* pathname of openat or of unlink; execve has none */
        ck_assert_int_eq(x->condition->type, EXPR_OR);
        ck_assert_int_eq(x->condition->left->field.field, WIRE_FIELD_openat_pathname);
        ck_assert_int_eq(x->condition->right->field.field, WIRE_FIELD_unlink_pathname);

        ck_assert_int_eq(x->next->condition->type, EXPR_NOT);
        ck_assert_int_eq(x->next->condition->left->type, EXPR_OR);
        ck_assert_int_eq(x->next->condition->left->left->op, COMPARE_EQUAL);

        ck_assert_int_eq(x->next->next->condition->field.field, FIELD_PROCESS_uid);
        ck_assert_uint_eq(x->next->next->slots, 0);
        policy_set_free(set);
}
END_TEST

START_TEST(an_exception_knows_its_captures) {
        struct policy_set *set =
                parse_good("path \"p\" { openat { created, $a = pathname } openat { created, $b = pathname }\n"
                           "except \"it is ours\" { pathname == $b and proc.uid == 0 } }");

        ck_assert_uint_eq(set->paths->exceptions->slots, 2);
        ck_assert(text_eq(set->paths->exceptions->reason, "it is ours"));
        policy_set_free(set);
}
END_TEST

START_TEST(an_exception_that_cannot_be_is_told) {
        expect_in_path("exit { code == 1 } except { }",
                       "2:20 error: an exception without conditions would hide everything\n");
        expect_in_path("exit { code == 1 } except { pathname == \"/x\" }",
                       "2:29 error: no step of this path has a field 'pathname'\n");
        expect_in_path("exit { code == 1 } except { exe == \"/x\" }",
                       "2:29 error: no step of this path has a field 'exe'\n  | did you mean 'proc.exe'?\n");
        expect_in_path("exit { code == 1 } except { proc.pid == $x }", "2:41 error: no step of this path binds '$x'\n");
}
END_TEST

UNIT_MAIN("policy/sema-condition", naming_the_result_takes_failed_calls_too,
          two_constants_for_one_field_contradict_each_other, an_exception_sees_every_kind_of_its_path,
          an_exception_knows_its_captures, an_exception_that_cannot_be_is_told)
