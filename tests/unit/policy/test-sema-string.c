/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

START_TEST(every_operator_of_strings_is_taken) {
        expect_in_path("openat { pathname == \"/a\", pathname != \"/b\", pathname ~= \"/C\", pathname glob \"/d/**\" }",
                       "");
        expect_in_path("openat { pathname startswith \"/a\", pathname endswith \"b\", pathname contains \"c\", "
                       "pathname =~ '^/d', pathname !~ 'e$' }",
                       "");
        expect_in_path(
                "openat { pathname in [\"/a\", \"/b\"], pathname not in [\"/c\"], pathname glob [\"/d\", \"**/e\"] }",
                "");
        expect_in_path(
                "execve { any argv in [\"-a\"], argv contains \"-b\", argv[2] =~ 'c', any argv not startswith \"d\" }",
                "");
}
END_TEST

START_TEST(a_list_after_an_operator_for_one_string_is_any_of_them) {
        struct policy_set *set = parse_good("path \"p\" { openat { pathname startswith [\"/a\", \"/b\", \"/c\"] } }");
        const struct expr *expr = set->paths->body->condition;

        ck_assert_int_eq(expr->type, EXPR_OR);
        ck_assert(text_eq(expr->left->operand.text, "/a"));
        ck_assert_int_eq(expr->right->type, EXPR_OR);
        ck_assert(text_eq(expr->right->right->operand.text, "/c"));
        ck_assert_int_eq(expr->right->right->op, COMPARE_STARTSWITH);
        policy_set_free(set);

        set = parse_good("path \"p\" { openat { pathname glob [\"/a\", \"/b\"] } }");
        ck_assert_int_eq(set->paths->body->condition->op, COMPARE_GLOB);
        ck_assert_uint_eq(set->paths->body->condition->operand.n_items, 2);
        policy_set_free(set);
}
END_TEST

START_TEST(a_relative_path_never_equals_a_resolved_one) {
        expect_in_path("openat { pathname == \"etc/passwd\" }",
                       "2:22 error: this can never match: 'pathname' is an absolute path\n  | 'pathname endswith "
                       "\"/etc/passwd\"' looks at the last part\n");
        expect_in_path("openat { pathname in [\"/a\", \"b\"] }",
                       "2:29 error: this can never match: 'pathname' is an absolute path\n  | 'pathname endswith "
                       "\"/b\"' looks at the last part\n");
        expect_in_path("unlink { pathname startswith \"tmp/\" }",
                       "2:30 error: this can never match: 'pathname' is an absolute path\n  | it starts with '/'\n");
        expect_in_path("openat { proc.exe == \"bash\" }",
                       "2:22 error: this can never match: 'proc.exe' is an absolute path\n  | 'proc.exe endswith "
                       "\"/bash\"' looks at the last part\n");
        expect_in_path("openat { pathname glob \"*.pem\" }", "2:24 error: this can never match: 'pathname' is an "
                                                             "absolute path\n  | \"**/*.pem\" matches at any depth\n");
        expect_in_path("openat { pathname glob [\"**/*.pem\", \"/a*\", \"*/b\", \"?etc\"] }", "");
        expect_in_path("openat { pathname.given == \"x\", pathname contains \"etc/\" }", "");
        expect_in_path("connect { path == \"@x\" }", "");
}
END_TEST

START_TEST(the_path_of_a_call_that_may_have_failed_may_be_relative) {
        expect_in_path("openat { pathname == \"etc/passwd\", failed }", "");
        expect_in_path("openat { failed, pathname == \"etc/passwd\" }", "");
}
END_TEST

START_TEST(a_resolved_path_has_no_dots_and_double_slashes) {
        expect_in_path("openat { pathname == \"/etc/../x\" }",
                       "2:22 error: this can never match: 'pathname' is resolved and has no /..\n");
        expect_in_path("openat { pathname == \"/etc//x\" }",
                       "2:22 error: this can never match: 'pathname' is resolved and has no //\n");
        expect_in_path("openat { pathname == \"/etc/\" }",
                       "2:22 error: this can never match: 'pathname' is resolved and has no '/' at its end\n");
        expect_in_path("openat { pathname startswith \"/etc/\", proc.cwd == \"/\" }", "");
        expect_in_path("openat { pathname.given == \"/etc/../x\" }", "");
}
END_TEST

START_TEST(names_of_processes_have_no_slash_and_comm_is_short) {
        expect_in_path(
                "openat { proc.name == \"/bin/sh\" }",
                "2:23 error: this can never match: 'proc.name' has no '/'\n  | the whole path is in 'proc.exe'\n");
        expect_in_path(
                "openat { parent.comm == \"a-very-long-name\" }",
                "2:25 error: this can never match: 'parent.comm' has at most 15 bytes\n  | 'parent.name' is not cut\n");
}
END_TEST

START_TEST(patterns_are_checked_where_they_stand) {
        expect_in_path("openat { pathname =~ '^/tmp/(a' }", "2:31 error: this is no pattern: ')' is missing\n");
        expect_in_path("openat { pathname =~ \"^/tmp/(\\\\.a\" }", "2:22 error: this is no pattern: ')' is missing\n");
        expect_in_path("openat { pathname =~ 5 }",
                       "2:22 error: '=~' needs a pattern\n  | patterns stand in quotes: '^/tmp/'\n");
}
END_TEST

START_TEST(a_pattern_with_a_literal_backslash_is_warned_about) {
        expect_in_path("openat { pathname =~ '^/tmp/.*\\\\.sh$' }",
                       "2:22 warning: this pattern looks for a backslash, which hardly any path has\n"
                       "  | in single quotes '\\.' is a dot, in double quotes \"\\\\.\" is\n");
        expect_in_path("openat { pathname =~ \"^/tmp/.*\\\\.sh$\" }", "");
        expect_in_path("write { content =~ '\\\\\\\\server' }", "");
}
END_TEST

START_TEST(a_pattern_that_looks_like_a_path_but_is_not_anchored_is_warned_about) {
        expect_in_path("execve { filename =~ \"/bin/sh\" }",
                       "2:22 warning: this pattern is not anchored: it is found in the middle of a path too\n"
                       "  | begin it with '^', or write '==', 'startswith' or 'glob'\n");
        expect_in_path("execve { filename =~ '^/bin/sh' }", "");
        expect_in_path("execve { filename =~ '/bin/sh$' }", "");
        expect_in_path("execve { filename =~ '/\\.ssh/' }", "");
        expect_in_path("execve { filename =~ '/binary' }", "");
}
END_TEST

START_TEST(a_pattern_that_is_found_in_everything_is_warned_about) {
        expect_in_path("write { content =~ \".*\", fd == 1 }",
                       "2:20 warning: this pattern is found in everything\n  | leave the condition out\n");
}
END_TEST

START_TEST(a_backspace_in_a_pattern_is_warned_about) {
        expect_in_path("write { content =~ \"\\bsh\" }", "2:20 warning: in double quotes '\\b' is a backspace, not the "
                                                         "edge of a word\n  | put the pattern in single quotes\n");
        expect_in_path("write { content =~ \"\\\\bsh\" }", "");
}
END_TEST

START_TEST(a_set_in_a_glob_is_closed) {
        expect_in_path("openat { pathname glob \"/a/[bc\" }", "2:28 error: this '[' has no ']'\n");
        expect_in_path("openat { pathname glob \"/a/[]b]/[!c]/\\\\[\" }", "");
}
END_TEST

START_TEST(variables_of_the_environment_are_named) {
        expect_in_path("execve { any env startswith \"LD_PRELOAD=\", env contains \"A=1\", any env =~ '^B=.*x', any "
                       "env == \"C=\" }",
                       "");
        expect_in_path("execve { any env =~ 'LD_PRELOAD' }",
                       "2:21 error: which variable? Only those that policies name are captured\n"
                       "  | any env startswith \"LD_PRELOAD=\", or any env =~ '^LD_PRELOAD=.*evil'\n");
        expect_in_path("execve { env contains \"LD_PRELOAD\" }",
                       "2:23 error: which variable? Only those that policies name are captured\n"
                       "  | any env startswith \"LD_PRELOAD=\", or any env =~ '^LD_PRELOAD=.*evil'\n");
}
END_TEST

START_TEST(operators_of_numbers_are_refused) {
        expect_in_path("openat { pathname < \"/a\" }", "2:10 error: '<' is for numbers, and 'pathname' is a string\n");
        expect_in_path("openat { pathname & 1 }", "2:10 error: '&' is for numbers, and 'pathname' is a string\n");
        expect_in_path("openat { pathname }", "2:10 error: 'pathname' is a string: compare it with something\n  | "
                                              "'pathname != \"\"' asks whether there is one\n");
        expect_in_path("openat { pathname == 5 }", "2:22 error: 'pathname' is a string\n  | strings stand in quotes\n");
        expect_in_path("openat { pathname == passwd }",
                       "2:22 error: 'pathname' is a string\n  | strings stand in quotes\n");
        expect_in_path("openat { pathname == [\"/a\"] }",
                       "2:10 error: '==' compares with one string\n  | write 'in'\n");
        expect_in_path(
                "openat { pathname in \"/a\" }",
                "2:22 error: 'in' needs a list\n  | write 'contains' for a part of a string, '==' for the whole\n");
        expect_in_path("openat { pathname in secrets }",
                       "2:22 error: there is no list 'secrets'\n  | strings stand in quotes\n");
        expect_in_path("openat { pathname contains \"\" , mode == 0 }", "2:10 warning: this is true of every string\n");
}
END_TEST

UNIT_MAIN("policy/sema-string", every_operator_of_strings_is_taken,
          a_list_after_an_operator_for_one_string_is_any_of_them, a_relative_path_never_equals_a_resolved_one,
          the_path_of_a_call_that_may_have_failed_may_be_relative, a_resolved_path_has_no_dots_and_double_slashes,
          names_of_processes_have_no_slash_and_comm_is_short, patterns_are_checked_where_they_stand,
          a_pattern_with_a_literal_backslash_is_warned_about,
          a_pattern_that_looks_like_a_path_but_is_not_anchored_is_warned_about,
          a_pattern_that_is_found_in_everything_is_warned_about, a_backspace_in_a_pattern_is_warned_about,
          a_set_in_a_glob_is_closed, variables_of_the_environment_are_named, operators_of_numbers_are_refused)
