/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

START_TEST(a_path_with_a_score_has_steps_with_points) {
        struct policy_set *set;

        set = parse_good("path \"p\" { score = 50 openat { created } +10 exit { } +20 until fork { } }");
        ck_assert_uint_eq(set->paths->decay, 50);
        ck_assert_uint_eq(set->paths->decay_ns, UINT64_C(600000000000));
        ck_assert_uint_eq(set->paths->within_ns, 0);
        ck_assert_uint_eq(set->paths->n_steps, 2);
        policy_set_free(set);

        expect_in_path("score = 50 openat { created } +10\nexit { }",
                       "3:1 error: how many points is this step worth?\n"
                       "  | in a path with a score each step says so behind its braces: '+10'\n");
        expect_in_path("openat { created } +10",
                       "2:1 error: points belong to a path with a score\n"
                       "  | 'score = 50' alerts at 50 points, in whatever order they come\n");
        expect_in_path("score = 50 within = 5m decay = 1 per 1s openat { created } +10",
                       "2:12 error: a path with a score has no window: its points decay\n");
        expect_in_path("decay = 1 per 1s openat { created }", "2:1 error: 'decay' belongs to a path with a score\n");
        expect_in_path("score = 50 openat { created } +10\nnot exit { }",
                       "3:1 error: a path with a score has steps and no order\n"
                       "  | each step says how many points it is worth: 'openat { ... } +10'\n");
        expect_in_path("score = 50 openat { created, $a = pathname } +10",
                       "2:30 error: a path with a score binds nothing: its steps are no story\n");
        expect_in_path("score = 50 openat as $a { created } +10",
                       "2:22 error: a path with a score binds nothing: its steps are no story\n");
        expect_in_path("score = 50 openat { created } .. +10",
                       "2:12 error: in a path with a score every step may come again: without '..'\n");
        expect_in_path("score = 50 openat { created } +10 on step 1 respond \"x\"",
                       "2:35 error: a path with a score responds when its points are together\n");
}
END_TEST

START_TEST(until_speaks_of_the_whole_story) {
        expect_in_path("openat { created, $a = pathname }\nexit { }\nuntil unlink { pathname == $a }", "");
        expect_in_path("until unlink { pathname == $a }\nopenat { created }\nunlink { $a = pathname }", "");
        expect_in_path("openat { created }\nexit { }\nuntil unlink { pathname == $a }",
                       "4:28 error: no step of this path binds '$a'\n");
        expect_in_path("openat { created }\nexit { }\nuntil unlink { $a = pathname }",
                       "4:16 error: an 'until' step binds nothing: the story is over when it happens\n");
        expect_in_path("openat { created }\nuntil exit { }",
                       "3:1 warning: this says nothing: the path is complete with its first step, no story is ever "
                       "open\n");
}
END_TEST

START_TEST(a_responder_may_name_a_process_that_is_known_by_then) {
        expect_in_path("respond = [\"notify\", \"kill $a\"] execve as $a { argc > 1 }\nexit { }\n"
                       "on step 1 respond [\"kill $a\"]",
                       "");
        expect_in_path("execve { argc > 1 }\nexecve as $b { argc > 2 }\non step 1 respond [\"kill $b\"]",
                       "4:20 error: '$b' is not known for certain when step 1 is taken\n  @ 3:11 it is bound here\n");
        expect_in_path("execve { argc > 1 }\non step 1 respond [\"kill $b\"]",
                       "3:20 error: no step is named '$b'\n"
                       "  | give the one whose process it means the name: 'execve as $b { ... }'\n");
        expect_in_path("respond = \"kill $b\" exit { } any { execve as $b { argc > 1 }\nexit { } }",
                       "2:11 error: '$b' is not bound on every way here\n  @ 2:46 it is bound here\n");
        expect_in_path("respond = \"kill$b\" execve { argc > 1 }",
                       "2:11 error: the name of a responder has letters, digits, '_' and '-'\n"
                       "  | behind it may stand whose process it means: \"kill $b\"\n");
}
END_TEST

START_TEST(a_response_belongs_to_a_step_that_is_there) {
        expect_in_path("execve { argc > 1 }\nexit { }\non step 3 respond [\"x\"]",
                       "4:9 error: there is no step 3: this path has 2\n");
        expect_in_path("execve { argc > 1 }\nexit { }\non step 2 respond [\"x\"]\non step 2 respond [\"y\"]",
                       "5:9 error: step 2 responds a second time\n  @ 4:9 first here\n");
        expect_in_path("execve { argc > 1 }\nno exit { } within 1s\non step 2 respond [\"x\"]", "");
}
END_TEST

/* What becomes of an exception on a day. */
static void expect_expired(const char *expires, uint64_t wall_s, bool expected) {
        const struct policy_options options = {.wall_s = wall_s};
        struct policy_set *set = NULL;
        struct diag_set diags;
        char policy[256];

        snprintf(policy, sizeof(policy), "path \"p\" { exit { } except expires \"%s\" { failed } }", expires);
        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse("t", policy, strlen(policy), &options, &diags, &set), 0);
        ck_assert_int_eq(set->paths->exceptions->expired, expected);
        ck_assert_uint_eq(diags.n_warnings, expected);
        policy_set_free(set);
        diag_set_done(&diags);
}

START_TEST(an_exception_is_good_until_the_end_of_its_day) {
        expect_expired("1970-01-01", 86399, false);
        expect_expired("1970-01-01", 86400, true);
        expect_expired("2000-02-29", 951868799, false);
        expect_expired("2000-02-29", 951868800, true);
        expect_expired("2027-01-31", 1801439999, false);
        expect_expired("2027-01-31", 1801440000, true);
        expect_expired("2027-01-31", 0, false);
}
END_TEST

START_TEST(a_day_that_is_none_is_told) {
        static const char *const days[] = {"2027-02-29", "2027-13-01", "2027-00-10", "2027-1-31", "tomorrow", "",
                                           "1969-12-31", "2027-01-31T", "2027-04-31"};

        for (size_t i = 0; i < ELEMENTSOF(days); i++) {
                char body[128], expected[128];

                snprintf(body, sizeof(body), "exit { code == 1 }\nexcept expires \"%s\" { failed }", days[i]);
                snprintf(expected, sizeof(expected),
                         "3:16 error: '%s' is no day\n  | year, month, day: \"2027-01-31\"\n", days[i]);
                expect_in_path(body, expected);
        }
}
END_TEST

START_TEST(one_ancestor_satisfies_all_of_a_group) {
        struct policy_set *set = parse_good("path \"p\" { exit { ancestor { exe == \"/a\", uid == 33 } } }");
        const struct expr *expr = set->paths->body->condition;

        ck_assert_int_eq(expr->type, EXPR_ANCESTOR);
        ck_assert_int_eq(expr->left->left->field.subject, SUBJECT_EACH);
        ck_assert_int_eq(expr->left->right->field.field, FIELD_PROCESS_uid);
        policy_set_free(set);

        expect_in_path("exit { code == 1 }\nexecve { $p = proc.pid }\nexit { ancestor { pid == $p } }", "");
        expect_in_path("exit { ancestor { proc.exe == \"/a\" } }",
                       "2:19 error: inside of 'ancestor' a field is that of the ancestor, without prefix\n"
                       "  | write 'exe', or put 'proc.exe' outside of the braces\n");
        expect_in_path("exit { ancestor { code == 1 } }", "2:19 error: a process has no field 'code'\n");
        expect_in_path("exit { ancestor { exee == \"/a\" } }",
                       "2:19 error: a process has no field 'exee'\n  | did you mean 'exe'?\n");
        expect_in_path("exit { ancestor { ancestor { uid == 0 } } }", "2:19 error: 'ancestor' in 'ancestor'\n");
        expect_in_path("exit { ancestor { } }", "2:8 error: 'ancestor' without conditions: any process has one\n");
        expect_in_path("exit { ancestor { $a = exe } }", "2:19 error: a capture cannot be bound in 'ancestor'\n");
        expect_in_path("exit { ancestor { uid == 0, uid == 1 } }",
                       "2:29 error: this is never true: 'uid' is something else already\n  @ 2:19 here\n");
        expect_in_path("exit { code == 1 }\nexcept { ancestor { name == \"apt\" } }", "");
}
END_TEST

START_TEST(what_a_mask_leaves_is_compared_with_what_it_can_leave) {
        expect_in_path("chmod { (mode & 0777) == 0644, (mode & 07000) != 0, (mode & 07) in [1, 3] }", "");
        expect_in_path("chmod { (mode & 070) == 0007 }",
                       "2:25 error: this can never match: it has bits that the mask leaves out\n");
        expect_in_path("chmod { (mode & 070) != 0007 }",
                       "2:25 warning: this is always true: it has bits that the mask leaves out\n");
        expect_in_path("chmod { (mode & 0) == 0 }", "2:17 error: a mask is one bit or more\n");
        expect_in_path("chmod { (pathname & 1) == 0 }", "2:9 error: '&' is for numbers, and 'pathname' is a string\n");
        expect_in_path("chmod { (mode & 070) == \"x\" }",
                       "2:25 error: 'mode' is a number\n  | numbers stand without quotes\n");
        expect_in_path("chmod { $m = mode, mode & 1 }\nchmod { (mode & 070) == $m }",
                       "3:9 error: what is left of '&' is compared with constants\n");
        expect_in_path("chmod { (mode & 070) in S_ISUID }", "2:25 error: 'S_ISUID' makes no sense for 'mode'\n");
}
END_TEST

UNIT_MAIN("policy/sema-property", a_path_with_a_score_has_steps_with_points, until_speaks_of_the_whole_story,
          a_responder_may_name_a_process_that_is_known_by_then, a_response_belongs_to_a_step_that_is_there,
          an_exception_is_good_until_the_end_of_its_day, a_day_that_is_none_is_told,
          one_ancestor_satisfies_all_of_a_group, what_a_mask_leaves_is_compared_with_what_it_can_leave)
