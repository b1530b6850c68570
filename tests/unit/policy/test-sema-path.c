/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

START_TEST(a_path_has_a_step) {
        expect_messages("path \"p\" { }", "1:6 error: this path has no step: it would never alert\n");
        expect_messages("path \"p\" { severity = high\n ... }",
                        "1:6 error: this path has no step: it would never alert\n");
        expect_messages("path \"p\" { not exit { code == 1 } }",
                        "1:6 error: this path has no step: it would never alert\n");
        expect_in_path("exit { code == 1 } block \"b\" { }", "2:20 error: this block is empty\n");
        expect_in_path("exit { code == 1 } any { }", "2:20 error: 'any' is empty: nothing could go on from here\n");
        expect_in_path("exit { code == 1 } block \"b\" { openat { created } ... }",
                       "2:20 error: no step of this block has to happen\n"
                       "2:32 warning: '...' at the end adds nothing: the path is complete before it\n");
        expect_in_path("exit { code == 1 } ? { } : exit { code == 2 }", "2:1 error: this branch is empty\n");
}
END_TEST

START_TEST(a_path_that_alerts_at_everything_is_warned_about) {
        expect_in_path("openat { }",
                       "2:1 warning: this path alerts at every 'openat' of every process\n"
                       "  | a step without conditions takes every event of its kind\n");
        expect_in_path("openat { }\nexecve { }", "");
        expect_in_path("openat { $x = pathname }",
                       "2:1 warning: this path alerts at every 'openat' of every process\n"
                       "  | a step without conditions takes every event of its kind\n");
}
END_TEST

START_TEST(not_holds_between_two_steps) {
        expect_in_path("not exit { code == 1 }\nexecve { argc > 1 }",
                       "2:1 error: 'not' cannot come first: it holds between two steps\n");
        expect_in_path("execve { argc > 1 }\nnot exit { code == 1 }",
                       "3:1 error: 'not' cannot come last: it holds between two steps\n  | that it does not happen "
                       "for some time is 'no exit { ... } within 10s'\n");
        expect_in_path("execve { argc > 1 }\nblock \"b\" {\nnot exit { code == 1 }\nfork { } }\nexit { code == 1 }",
                       "4:1 error: 'not' cannot come first: it holds between two steps\n");
        expect_in_path("execve { argc > 1 }\nany {\nnot exit { code == 1 }\nfork { } }",
                       "4:1 error: 'not' cannot be a member of 'any'\n");
        expect_in_path("execve { argc > 1 }\nnot exit { code == 1 }\nnot exit { code == 2 }\nfork { }", "");
}
END_TEST

START_TEST(the_first_step_takes_an_event) {
        expect_in_path("openat { created } ...\nexit { code == 1 }",
                       "2:1 error: the first step takes an event: '...' could take none\n  | '..' is one or more\n");
        expect_in_path("block \"b\" { openat { created } ...\nexit { code == 1 } }",
                       "2:13 error: the first step takes an event: '...' could take none\n  | '..' is one or more\n");
        expect_in_path("exit { code == 1 }\nany { openat { created } ...\nexecve { argc > 1 } }",
                       "3:7 error: a member of 'any' takes an event: '...' could take none\n");
        expect_in_path("exit { code == 1 }\nwithin 5s { openat { created } ...\nexecve { argc > 1 } }",
                       "3:13 error: the first step in a window takes an event: '...' could take none\n");
        expect_in_path("openat { created } ..\nexecve { argc > 1 } ...\nexit { code == 1 }", "");
}
END_TEST

START_TEST(an_ellipsis_that_says_nothing_is_warned_about) {
        expect_in_path("...\nexit { code == 1 }",
                       "2:1 warning: this says nothing: other events may always come in between\n");
        expect_in_path("exit { code == 1 }\n...",
                       "3:1 warning: this says nothing: other events may always come in between\n");
        expect_in_path("openat { created }\n...\nexit { code == 1 }", "");
        expect_in_path("openat { created }\nexit { code == 1 } ...",
                       "3:1 warning: '...' at the end adds nothing: the path is complete before it\n");
}
END_TEST

START_TEST(members_of_any_are_steps_and_blocks) {
        expect_in_path("openat { created }\nany { exit { } ? fork { } : execve { } }",
                       "3:7 error: a conditional cannot be a member of 'any'\n"
                       "  | put it into a block: 'block \"name\" { ... ? ... : ... }'\n");
        expect_in_path("openat { created }\nany { any { exit { } } }",
                       "3:7 error: 'any' in 'any'\n  | put its members in the outer one\n");
        expect_in_path("openat { created }\nany { ... }", "3:7 error: '...' cannot be a member of 'any'\n");
        expect_in_path("openat { created }\nany { exit { code == 1 }\nexit { code == 2 }\nexit { code == 1 } }",
                       "5:1 warning: this member of 'any' stands here twice\n  @ 3:7 the first time\n");
}
END_TEST

START_TEST(a_conditional_says_what_follows_if_it_is_false) {
        expect_in_path("openat { created } ? exit { code == 1 }",
                       "2:1 error: without ':' a false condition would complete the path\n"
                       "  | write the conditions as a step of their own, or say what follows when they are false\n");
        expect_in_path("openat { created } ? exit { code == 1 }\nexecve { argc > 1 }", "");
        expect_in_path("block \"b\" { openat { created } ? exit { code == 1 } }",
                       "2:13 error: without ':' a false condition would complete the path\n"
                       "  | write the conditions as a step of their own, or say what follows when they are false\n");
        expect_in_path("openat { created } .. ? exit { code == 1 } : fork { }",
                       "2:23 error: a step with '..' cannot decide\n");
}
END_TEST

START_TEST(branches_that_nothing_reaches_are_errors) {
        expect_in_path(
                "openat { created } ? exit { code == 1 }\n: openat { created } ? fork { }\n: execve { argc > 1 }",
                "3:3 error: this is never reached: the same condition has decided before\n  @ 2:1 here\n");
        expect_in_path(
                "openat { } ? exit { code == 1 }\n: fork { }",
                "3:3 error: this is never reached: a step without conditions is always true\n  @ 2:1 this one\n");
        expect_in_path(
                "openat { created } ? exit { code == 1 }\n: openat { not created } ? fork { }\n: execve { argc > 1 }",
                "");
        expect_in_path("openat { created } ? exit { code == 1 }\n: write { fd == 1 } ? fork { }\n: openat { created } "
                       "? fork { } : execve { argc > 1 }",
                       "");
}
END_TEST

START_TEST(steps_after_the_end_of_a_process_are_errors) {
        expect_in_path("by = process\nexit { code == 1 }\nfork { }",
                       "4:1 error: this is never reached: the process is gone\n  @ 3:1 it ends here, and the path is "
                       "'by = process'\n");
        expect_in_path("by = tree\nexit { code == 1 }\nfork { }", "");
}
END_TEST

START_TEST(windows_fit_into_each_other) {
        expect_in_path("within = 5s\nexit { code == 1 }\nblock \"b\" within 5s { fork { } openat { } }",
                       "4:1 warning: this window never closes first: the one around it is 5s\n");
        expect_in_path("exit { code == 1 } within 4s { fork { } within 3s { fork { } within 2s { fork { }\nwithin 1s { "
                       "fork { } } } } }",
                       "3:1 error: more than 3 windows inside each other\n");
        expect_in_path("block \"b\" within 0s { exit { code == 1 } }",
                       "2:18 error: a window of no time at all\n  | leave it out for no window; of a path it is "
                       "'within = unlimited'\n");
}
END_TEST

/* Captures. */

START_TEST(a_capture_is_bound_once_on_each_way) {
        expect_in_path(
                "openat { created, $f = pathname }\nopenat { created, $f = pathname }",
                "3:19 error: '$f' is bound already\n  | to compare with it write 'pathname == $f'\n  @ 2:19 here\n");
        expect_in_path(
                "openat { created, $f = pathname, $f = pathname }",
                "2:34 error: '$f' is bound already\n  | to compare with it write 'pathname == $f'\n  @ 2:19 here\n");
        expect_in_path("any { openat { created, $f = pathname }\nchmod { mode & 1, $f = pathname } }\nexecve { "
                       "filename == $f }",
                       "");
        expect_in_path("openat { created, $f = pathname } ? unlink { pathname == $f } : chmod { mode & 1, $f = "
                       "pathname }\nexecve { filename == $f }",
                       "");
}
END_TEST

START_TEST(a_capture_that_only_some_ways_bind_cannot_be_used_after_them) {
        expect_in_path("any { openat { created, $f = pathname }\nexit { code == 1 } }\nexecve { filename == $f }",
                       "4:22 error: '$f' is not bound on every way here\n  @ 2:25 it is bound here\n");
        expect_in_path("openat { created, $f = pathname } ? exit { code == 1 } : unlink { pathname == $f }",
                       "2:79 error: '$f' is bound in another branch\n  @ 2:19 it is bound here\n");
        expect_in_path("exit { code == 1 }\nopenat { created, $f = pathname } ...\nexecve { filename == $f }",
                       "4:22 error: '$f' is not bound on every way here\n  @ 3:19 it is bound here\n");
        expect_in_path(
                "any { openat { created, $f = pathname }\nexit { $f = code, signal == 0 } }\nexecve { filename == $f }",
                "3:8 error: '$f' is a number here and a string in the other branch\n  @ 2:25 here\n"
                "4:22 error: '$f' is not bound on every way here\n  @ 2:25 it is bound here\n");
}
END_TEST

START_TEST(what_cannot_be_captured_is_told) {
        expect_in_path("execve { $a = argv, argc > 1 }", "2:15 error: a list cannot be captured\n  | one element can: "
                                                         "'argv[1]'; or all of them in one string: 'proc.args'\n");
        expect_in_path("execve { $a = any argv, argc > 1 }",
                       "2:15 error: 'any' cannot be captured: which element would it be?\n");
        expect_in_path("execve { $a = parent.pid, argc > 1 }\nfork { }", "");
        expect_in_path("execve { $a = ancestor.pid, argc > 1 }",
                       "2:15 error: 'ancestor.pid' cannot be captured: which of the creators would it be?\n"
                       "  | of the nearest one it is 'parent.pid'\n");
        expect_in_path("execve { $a = filname, argc > 1 }",
                       "2:15 error: 'execve' has no field 'filname'\n  | did you mean 'filename'?\n");
        expect_in_path("execve { argc > 1 }\nnot exit { $a = code }\nfork { }",
                       "3:12 error: a 'not' step binds nothing: when the story goes on it has not happened\n");
        expect_in_path("execve { $a = argv[1], $b = argc, $c = proc.args }\nfork { }", "");
        expect_in_path("fork { $1 = tid }\nexit { }", "2:8 error: '$' needs a name: '$file'\n");
}
END_TEST

START_TEST(captures_are_bounded) {
        char body[1024] = "execve { argc > 1", expected[128];

        for (int i = 0; i < PROGRAM_MAX_SLOTS; i++)
                snprintf(body + strlen(body), sizeof(body) - strlen(body), ", $x%d = argc", i);
        snprintf(body + strlen(body), sizeof(body) - strlen(body), ",\n$i = argc }\nfork { }");
        snprintf(expected, sizeof(expected), "3:1 error: too many captures in one path: more than %d\n",
                 PROGRAM_MAX_SLOTS);
        expect_in_path(body, expected);
}
END_TEST

UNIT_MAIN("policy/sema-path", a_path_has_a_step, a_path_that_alerts_at_everything_is_warned_about,
          not_holds_between_two_steps, the_first_step_takes_an_event, an_ellipsis_that_says_nothing_is_warned_about,
          members_of_any_are_steps_and_blocks, a_conditional_says_what_follows_if_it_is_false,
          branches_that_nothing_reaches_are_errors, steps_after_the_end_of_a_process_are_errors,
          windows_fit_into_each_other, a_capture_is_bound_once_on_each_way,
          a_capture_that_only_some_ways_bind_cannot_be_used_after_them, what_cannot_be_captured_is_told,
          captures_are_bounded)
