/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#define OPEN "openat { created }\n"

START_TEST(all_has_two_to_six_single_steps) {
        expect_in_path("all { openat { created } exit { } }", "");
        expect_in_path("all { exit { } }", "2:1 error: 'all' has 2 to 6 members, this one has 1\n");
        expect_in_path("all { exit { } exit { } exit { } exit { } exit { } exit { } exit { } }",
                       "2:1 error: 'all' has 2 to 6 members, this one has 7\n"
                       "  | 'score = N' counts many small signs in whatever order they come\n");
        expect_in_path("all { exit { } fork { } ..\n}", "2:16 error: a member of 'all' comes once: without '..'\n");
        expect_in_path("all { exit { } fork { } ...\n}", "2:16 error: a member of 'all' comes once: without '...'\n");
        expect_in_path("all { exit { }\nblock \"b\" { fork { } } }", "3:1 error: a member of 'all' is a single step\n");
        expect_in_path("all { exit { }\nnot fork { } }", "3:1 error: a member of 'all' is a single step\n");
        expect_in_path(OPEN "all { no exit { } within 1s\nfork { } }",
                       "3:7 error: a member of 'all' is a single step\n");
        expect_in_path("any { all { exit { } fork { } }\nexit { } }",
                       "2:7 error: 'all' cannot be a member of 'any'\n"
                       "  | put it into a block: 'block \"name\" { all { ... } }'\n");
}
END_TEST

START_TEST(members_of_all_bind_for_what_follows_and_not_for_each_other) {
        expect_in_path("all { openat { $a = pathname, created } exit { $b = code } }\nunlink { pathname == $a }", "");
        expect_in_path("all { openat { $a = pathname, created }\nunlink { pathname == $a } }",
                       "3:22 error: '$a' is bound by another member of 'all', which may come later\n"
                       "  @ 2:16 it is bound here\n");
        expect_in_path("all { unlink { pathname == $a }\nopenat { $a = pathname, created } }",
                       "2:28 error: nothing before this binds '$a'\n");
        expect_in_path("all { openat { $a = pathname, created }\nunlink { $a = pathname } }",
                       "3:10 error: '$a' is bound already\n  | to compare with it write 'pathname == $a'\n"
                       "  @ 2:16 here\n");
}
END_TEST

START_TEST(repeat_counts_one_step_or_any_of_several) {
        expect_in_path("repeat 3 { openat { created } }", "");
        expect_in_path("repeat 3 within 1s { any { openat { created } unlink { pathname == \"/a\" } } }", "");
        expect_in_path("repeat 3 { }", "2:1 error: 'repeat' counts one step, or 'any' of several steps\n");
        expect_in_path("repeat 3 { openat { created }\nexit { } }",
                       "3:1 error: 'repeat' counts one step, or 'any' of several steps\n"
                       "  | steps that come in order again and again cannot be counted\n");
        expect_in_path("repeat 3 {\nblock \"b\" { exit { } } }",
                       "3:1 error: 'repeat' counts one step, or 'any' of several steps\n");
        expect_in_path("repeat 3 {\nall { exit { } fork { } } }",
                       "3:1 error: 'repeat' counts one step, or 'any' of several steps\n");
        expect_in_path("repeat 3 {\nexit { } ? fork { } : exit { } }",
                       "3:1 error: 'repeat' counts one step, or 'any' of several steps\n");
        expect_in_path(OPEN "repeat 3 {\nno exit { } within 1s }",
                       "4:1 error: 'repeat' counts one step, or 'any' of several steps\n");
        expect_in_path("repeat 3 { any { exit { }\nblock \"b\" { exit { } } } }",
                       "3:1 error: 'repeat' counts one step, or 'any' of several steps\n");
        expect_in_path("repeat 3 { openat { created } ..\n}", "2:12 error: 'repeat' counts already: without '..'\n");
        expect_in_path("repeat 3 { openat { $a = pathname } }\nexit { }",
                       "2:21 error: a step in 'repeat' binds nothing: which of them would it be?\n");
        expect_in_path("repeat 3 { openat as $a { } }\nexit { }",
                       "2:22 error: a step in 'repeat' binds nothing: which of them would it be?\n");
        expect_in_path("repeat 1 { openat { created } }",
                       "2:1 warning: 'repeat 1' says no more than the step by itself\n");
}
END_TEST

START_TEST(repeat_stands_where_a_run_has_a_place_to_count) {
        expect_in_path("any { repeat 3 { exit { } }\nexit { } }",
                       "2:7 error: 'repeat' cannot stand in 'any'\n"
                       "  | 'any' can stand in 'repeat'; or write a path of its own\n");
        expect_in_path("any { block \"b\" { exit { }\nrepeat 3 { exit { } } }\nexit { code == 1 } }",
                       "3:1 error: 'repeat' cannot stand in 'any'\n"
                       "  | 'any' can stand in 'repeat'; or write a path of its own\n");
        expect_in_path(OPEN "within 5s {\nrepeat 3 { exit { } } exit { } }",
                       "4:1 error: 'repeat' cannot come first in a window\n"
                       "  | it has one of its own: 'repeat 3 within 10s { ... }'\n");
        expect_in_path(OPEN "block \"b\" { repeat 3 { exit { } } exit { } }", "");
        expect_in_path(OPEN "within 5s { exit { }\nrepeat 3 { exit { } } }", "");
        expect_in_path(OPEN "exit { } ...\nrepeat 3 { fork { } }",
                       "4:1 error: 'repeat' cannot stand directly behind '...', which may take nothing\n"
                       "  | '..' is one or more; or leave the step with '...' out, the story is the same\n");
        expect_in_path(OPEN
                       "block \"b\" { exit { } fork { } ...\n}\nnot fork { }\nblock \"c\" {\nrepeat 3 { fork { } } }",
                       "7:1 error: 'repeat' cannot stand directly behind '...', which may take nothing\n"
                       "  | '..' is one or more; or leave the step with '...' out, the story is the same\n");
        expect_in_path(OPEN "exit { } ..\nrepeat 3 { fork { } }", "");
        expect_in_path("within = 5s openat { created }\nrepeat 3 within 5s { fork { } }",
                       "3:1 warning: this window never closes first: the one around it is 5s\n");
}
END_TEST

START_TEST(distinct_counts_values_of_a_field_that_every_step_has) {
        expect_in_path("repeat 3 distinct dport { connect { } }", "");
        expect_in_path("repeat 3 distinct proc.pid { any { connect { } exit { } } }", "");
        expect_in_path("repeat 3 distinct argv[1] { execve { } }", "");
        expect_in_path("repeat 3 distinct fd { openat { created } }", "");
        expect_in_path("repeat 3 distinct dprt { connect { } }",
                       "2:19 error: 'connect' has no field 'dprt'\n  | did you mean 'dport'?\n");
        expect_in_path("repeat 3 distinct argv { execve { } }",
                       "2:19 error: 'argv' is a list\n"
                       "  | one element is a value: 'argv[1]'; or all of them in one string: 'proc.args'\n");
        expect_in_path("repeat 3 distinct any argv { execve { } }",
                       "2:19 error: 'any' has no one value: which element would it be?\n");
        expect_in_path("repeat 3 distinct ancestor.pid { execve { } }",
                       "2:19 error: 'ancestor.pid' has no one value: which of the creators would it be?\n"
                       "  | of the nearest one it is 'parent.pid'\n");
        expect_in_path("repeat 3 distinct fd { any { write { } connect { } } }", "");
        expect_in_path("repeat 3 distinct type { any { write { } connect { } } }", "");
        expect_in_path("repeat 3 distinct file { any { write { } openat { } } }", "");
}
END_TEST

START_TEST(no_follows_a_step) {
        expect_in_path(OPEN "no unlink { } within 5s", "");
        expect_in_path(OPEN "no unlink { } within 5s\nno exit { } within 1s\nfork { }", "");
        expect_in_path("no unlink { } within 5s\nfork { }",
                       "2:1 error: the first step takes an event: 'no' waits for none\n"
                       "  | say after which step it must not come\n");
        expect_in_path("block \"b\" { no unlink { } within 5s }\nfork { }",
                       "2:13 error: the first step takes an event: 'no' waits for none\n"
                       "  | say after which step it must not come\n");
        expect_in_path(OPEN "within 9s { no unlink { } within 5s }\nfork { }",
                       "3:13 error: the first step in a window takes an event: 'no' waits for none\n");
        expect_in_path(OPEN "any { no unlink { } within 5s\nfork { } }",
                       "3:7 error: a member of 'any' begins with an event: 'no' waits for none\n");
        expect_in_path(OPEN "any { block \"b\" { no unlink { } within 5s }\nfork { } }",
                       "3:19 error: a member of 'any' begins with an event: 'no' waits for none\n");
        expect_in_path(OPEN "any { block \"b\" { exit { } no unlink { } within 5s }\nfork { } }", "");
        expect_in_path(OPEN "exit { code == 1 } ? no unlink { } within 5s : fork { }", "");
        expect_in_path(OPEN "not fork { }\nno unlink { } within 5s", "");
        expect_in_path(OPEN "no unlink { $a = pathname } within 5s",
                       "3:13 error: a 'no' step binds nothing: when the story goes on it has not happened\n");
        expect_in_path("by = process openat { created }\nexit { }\nno fork { } within 5s", "");
}
END_TEST

START_TEST(a_window_that_ends_before_the_absence_is_proved_is_told) {
        expect_in_path("within = 4s openat { created }\nno unlink { } within 5s",
                       "3:1 error: the window around this ends before it can be known: after 4s, and 'no' takes 5s\n"
                       "  @ 2:1 this one\n");
        expect_in_path(OPEN "block \"b\" within 4s { exit { }\nno unlink { } within 5s }",
                       "4:1 error: the window around this ends before it can be known: after 4s, and 'no' takes 5s\n"
                       "  @ 3:1 this one\n");
        expect_in_path(OPEN "no unlink { } within 11m",
                       "3:1 error: the path ends before this can be known: after 10min, and 'no' takes 11min\n"
                       "  | 10min is what a path has that does not say: give it 'within = ...'\n");
        expect_in_path("within = 5s openat { created }\nno unlink { } within 5s", "");
        expect_in_path("within = unlimited openat { created }\nno unlink { } within 1d", "");
}
END_TEST

UNIT_MAIN("policy/sema-group", all_has_two_to_six_single_steps,
          members_of_all_bind_for_what_follows_and_not_for_each_other, repeat_counts_one_step_or_any_of_several,
          repeat_stands_where_a_run_has_a_place_to_count, distinct_counts_values_of_a_field_that_every_step_has,
          no_follows_a_step, a_window_that_ends_before_the_absence_is_proved_is_told)
