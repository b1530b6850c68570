/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/positions.h"

#include "compile-fixture.h"

#define A "openat { pathname == \"/a\" }"
#define B "openat { pathname == \"/b\" }"
#define C "openat { pathname == \"/c\" }"
#define D "openat { pathname == \"/d\" }"
#define X "unlink { pathname == \"/x\" }"
#define Y "chmod { pathname == \"/y\" }"

START_TEST(one_step_is_one_place) {
        compiles_to(A, "  0\n"
                       "    step 1 openat { pathname == \"/a\" } -> alert\n");
}
END_TEST

START_TEST(steps_in_order_are_places_in_order) {
        compiles_to(A " " X " " Y, "  0\n"
                                   "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                   "  1\n"
                                   "    step 2 unlink { pathname == \"/x\" } -> 2\n"
                                   "  2\n"
                                   "    step 3 chmod { pathname == \"/y\" } -> alert\n");
}
END_TEST

START_TEST(any_leads_over_each_member_to_the_same_place) {
        compiles_to(A " any { " B " block \"two\" { " X " " Y " } } " C,
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1\n"
                    "  1\n"
                    "    step 2 openat { pathname == \"/b\" } -> 3\n"
                    "    step 3 unlink { pathname == \"/x\" } -> 2\n"
                    "  2\n"
                    "    step 4 chmod { pathname == \"/y\" } -> 3\n"
                    "  3\n"
                    "    step 5 openat { pathname == \"/c\" } -> alert\n");
}
END_TEST

START_TEST(a_not_is_in_force_until_the_next_step_is_taken) {
        compiles_to(A " not " X " not " Y " " B " " C, "  0\n"
                                                       "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                                       "  1\n"
                                                       "    step 2 openat { pathname == \"/b\" } -> 2\n"
                                                       "    not unlink { pathname == \"/x\" }\n"
                                                       "    not chmod { pathname == \"/y\" }\n"
                                                       "  2\n"
                                                       "    step 3 openat { pathname == \"/c\" } -> alert\n");
}
END_TEST

START_TEST(a_not_before_any_ends_with_the_first_step_of_a_member) {
        compiles_to(A " not " X " any { block \"b\" { " B " " C " } " D " } " Y,
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1\n"
                    "  1\n"
                    "    step 2 openat { pathname == \"/b\" } -> 2\n"
                    "    step 4 openat { pathname == \"/d\" } -> 3\n"
                    "    not unlink { pathname == \"/x\" }\n"
                    "  2\n"
                    "    step 3 openat { pathname == \"/c\" } -> 3\n"
                    "  3\n"
                    "    step 5 chmod { pathname == \"/y\" } -> alert\n");
}
END_TEST

START_TEST(one_or_more_advances_and_then_counts) {
        compiles_to(A " " B " .. " X, "  0\n"
                                      "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                      "  1\n"
                                      "    step 2 openat { pathname == \"/b\" } -> 2\n"
                                      "  2\n"
                                      "    step 3 unlink { pathname == \"/x\" } -> alert\n"
                                      "    again 2 openat { pathname == \"/b\" }\n");
}
END_TEST

START_TEST(zero_or_more_counts_at_the_place_before_what_follows) {
        compiles_to(A " " B " ... not " Y " " X, "  0\n"
                                                 "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                                 "  1\n"
                                                 "    step 3 unlink { pathname == \"/x\" } -> alert\n"
                                                 "    again 2 openat { pathname == \"/b\" }\n"
                                                 "    not chmod { pathname == \"/y\" }\n");
}
END_TEST

START_TEST(one_or_more_at_the_end_is_complete_at_once) {
        compiles_to(A " " B " ..", "  0\n"
                                   "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                   "  1\n"
                                   "    step 2 openat { pathname == \"/b\" } -> alert\n");
}
END_TEST

START_TEST(bare_dots_mean_nothing) {
        compiles_to(A "\n...\n" B, "  0\n"
                                 "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                 "  1\n"
                                 "    step 2 openat { pathname == \"/b\" } -> alert\n");
}
END_TEST

START_TEST(a_conditional_leads_both_ways_and_together_again) {
        compiles_to(A " ? " X " : " Y " " B, "  0\n"
                                             "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                             "    step 1 openat { not (pathname == \"/a\") } -> 2\n"
                                             "  1\n"
                                             "    step 2 unlink { pathname == \"/x\" } -> 3\n"
                                             "  2\n"
                                             "    step 3 chmod { pathname == \"/y\" } -> 3\n"
                                             "  3\n"
                                             "    step 4 openat { pathname == \"/b\" } -> alert\n");
}
END_TEST

START_TEST(without_an_else_a_false_condition_leads_on) {
        compiles_to(A " ? " X " " Y, "  0\n"
                                     "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                     "    step 1 openat { not (pathname == \"/a\") } -> 2\n"
                                     "  1\n"
                                     "    step 2 unlink { pathname == \"/x\" } -> 2\n"
                                     "  2\n"
                                     "    step 3 chmod { pathname == \"/y\" } -> alert\n");
}
END_TEST

START_TEST(else_if_of_one_kind_is_decided_by_one_event) {
        compiles_to(A " ? " X " : " B " ? " Y " : " C,
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1\n"
                    "    step 3 openat { not (pathname == \"/a\") and pathname == \"/b\" } -> 2\n"
                    "    step 3 openat { not (pathname == \"/a\") and not (pathname == \"/b\") } -> 3\n"
                    "  1\n"
                    "    step 2 unlink { pathname == \"/x\" } -> alert\n"
                    "  2\n"
                    "    step 4 chmod { pathname == \"/y\" } -> alert\n"
                    "  3\n"
                    "    step 5 openat { pathname == \"/c\" } -> alert\n");
}
END_TEST

START_TEST(else_if_of_another_kind_waits_for_it) {
        compiles_to(A " ? " X " : " Y " ? " B " : " C, "  0\n"
                                                       "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                                       "    step 1 openat { not (pathname == \"/a\") } -> 2\n"
                                                       "  1\n"
                                                       "    step 2 unlink { pathname == \"/x\" } -> alert\n"
                                                       "  2\n"
                                                       "    step 3 chmod { pathname == \"/y\" } -> 3\n"
                                                       "    step 3 chmod { not (pathname == \"/y\") } -> 4\n"
                                                       "  3\n"
                                                       "    step 4 openat { pathname == \"/b\" } -> alert\n"
                                                       "  4\n"
                                                       "    step 5 openat { pathname == \"/c\" } -> alert\n");
}
END_TEST

START_TEST(a_decision_that_sees_failures_asks_the_others_for_success) {
        compiles_to("openat { result == -13 } ? " X " : " B " ? " Y " : " C,
                    "  0\n"
                    "    step 1 openat { result == -EACCES } failed too -> 1\n"
                    "    step 3 openat { not (result == -EACCES) and not (failed == true and failed is known) and "
                    "pathname == \"/b\" } "
                    "failed too -> 2\n"
                    "    step 3 openat { not (result == -EACCES) and not (not (failed == true and failed is known) and "
                    "pathname == \"/b\") "
                    "} failed too -> 3\n"
                    "  1\n"
                    "    step 2 unlink { pathname == \"/x\" } -> alert\n"
                    "  2\n"
                    "    step 4 chmod { pathname == \"/y\" } -> alert\n"
                    "  3\n"
                    "    step 5 openat { pathname == \"/c\" } -> alert\n");
}
END_TEST

START_TEST(a_block_without_a_window_is_its_elements) {
        compiles_to(A " block \"b\" { " X " " Y " } " B, "  0\n"
                                                       "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                                       "  1\n"
                                                       "    step 2 unlink { pathname == \"/x\" } -> 2\n"
                                                       "  2\n"
                                                       "    step 3 chmod { pathname == \"/y\" } -> 3\n"
                                                       "  3\n"
                                                       "    step 4 openat { pathname == \"/b\" } -> alert\n");
}
END_TEST

START_TEST(a_window_begins_behind_the_first_step_and_ends_with_the_last) {
        compiles_to(A "\nwithin 5s { " X " " Y " } " B, "  0\n"
                                                       "    step 1 openat { pathname == \"/a\" } -> 1\n"
                                                       "  1\n"
                                                       "    step 2 unlink { pathname == \"/x\" } -> 2 in window 0\n"
                                                       "  2, window 0 of 5s from 1\n"
                                                       "    step 3 chmod { pathname == \"/y\" } -> 3 in window 0\n"
                                                       "  3\n"
                                                       "    step 4 openat { pathname == \"/b\" } -> alert\n");
}
END_TEST

START_TEST(windows_that_begin_together_fall_back_to_the_same_place) {
        compiles_to(A " block \"out\"\nwithin 9s { block \"in\"\nwithin 5s { " X " " Y " } " B " } ",
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1\n"
                    "  1\n"
                    "    step 2 unlink { pathname == \"/x\" } -> 2 in window 1\n"
                    "  2, window 1 \"in\" of 5s from 1 inside 0\n"
                    "    step 3 chmod { pathname == \"/y\" } -> 3 in window 1\n"
                    "  3, window 0 \"out\" of 9s from 1\n"
                    "    step 4 openat { pathname == \"/b\" } -> alert in window 0\n");
}
END_TEST

START_TEST(a_window_inside_another_begins_where_it_stands) {
        compiles_to("within 9s { " A "\nwithin 5s { " X " " Y " } }",
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1 in window 0\n"
                    "  1, window 0 of 9s from 0\n"
                    "    step 2 unlink { pathname == \"/x\" } -> 2 in window 1\n"
                    "  2, window 1 of 5s from 1 inside 0\n"
                    "    step 3 chmod { pathname == \"/y\" } -> alert in window 1\n");
}
END_TEST

START_TEST(a_step_that_is_a_whole_member_tells_its_window_although_it_leaves_it) {
        compiles_to(A " block \"w\"\nwithin 5s { any { " X " block \"b\" { " B " " C " } } } " Y,
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1\n"
                    "  1\n"
                    "    step 2 unlink { pathname == \"/x\" } -> 3 in window 0\n"
                    "    step 3 openat { pathname == \"/b\" } -> 2 in window 0\n"
                    "  2, window 0 \"w\" of 5s from 1\n"
                    "    step 4 openat { pathname == \"/c\" } -> 3 in window 0\n"
                    "  3\n"
                    "    step 5 chmod { pathname == \"/y\" } -> alert\n");
}
END_TEST

START_TEST(captures_are_bound_by_steps_and_not_by_repetitions) {
        compiles_to(
                "openat { pathname startswith \"/a\", $f = pathname } .. unlink { pathname == $f, $who = proc.pid }",
                "  0\n"
                "    step 1 openat { pathname startswith \"/a\" }, $f = pathname -> 1\n"
                "  1\n"
                "    step 2 unlink { pathname == $f }, $who = proc.pid -> alert\n"
                "    again 1 openat { pathname startswith \"/a\" }\n");
}
END_TEST

START_TEST(a_window_clears_what_is_bound_inside) {
        struct program *program =
                compile("path \"p\" { openat { $a = pathname }\nwithin 5s { unlink { $b = pathname } "
                        "any { chmod { $c = pathname } chmod { $c = pathname } } unlink { pathname == $b } } }");

        ck_assert_uint_eq(program->n_blocks, 1);
        ck_assert_uint_eq(program->blocks[0].clears, 6);
        ck_assert_uint_eq(program->paths[0].slots.n, 3);
        program_unref(program);
}
END_TEST

START_TEST(too_many_places_are_refused_with_the_path) {
        struct strbuf text = {};

        strbuf_put(&text, "path \"long\" {");
        for (unsigned i = 0; i < 129; i++)
                strbuf_printf(&text, "  openat { pathname == \"/%u\" }\n", i);
        strbuf_put(&text, "}");
        compile_refused(strbuf_str(&text),
                        "path 'long' is too large: it needs more than 128 places where a story can wait");
        strbuf_done(&text);
}
END_TEST

START_TEST(hundred_and_twenty_eight_places_are_allowed) {
        struct strbuf text = {};
        struct program *program;

        strbuf_put(&text, "path \"long\" {");
        for (unsigned i = 0; i < 128; i++)
                strbuf_printf(&text, "  openat { pathname == \"/%u\" }\n", i);
        strbuf_put(&text, "}");
        program = compile(strbuf_str(&text));
        ck_assert_uint_eq(program->n_positions, 128);
        program_unref(program);
        strbuf_done(&text);
}
END_TEST

UNIT_MAIN("compile/positions",
          one_step_is_one_place,
          steps_in_order_are_places_in_order,
          any_leads_over_each_member_to_the_same_place,
          a_not_is_in_force_until_the_next_step_is_taken,
          a_not_before_any_ends_with_the_first_step_of_a_member,
          one_or_more_advances_and_then_counts,
          zero_or_more_counts_at_the_place_before_what_follows,
          one_or_more_at_the_end_is_complete_at_once,
          bare_dots_mean_nothing,
          a_conditional_leads_both_ways_and_together_again,
          without_an_else_a_false_condition_leads_on,
          else_if_of_one_kind_is_decided_by_one_event,
          else_if_of_another_kind_waits_for_it,
          a_decision_that_sees_failures_asks_the_others_for_success,
          a_block_without_a_window_is_its_elements,
          a_window_begins_behind_the_first_step_and_ends_with_the_last,
          windows_that_begin_together_fall_back_to_the_same_place,
          a_window_inside_another_begins_where_it_stands,
          a_step_that_is_a_whole_member_tells_its_window_although_it_leaves_it,
          captures_are_bound_by_steps_and_not_by_repetitions,
          a_window_clears_what_is_bound_inside,
          too_many_places_are_refused_with_the_path,
          hundred_and_twenty_eight_places_are_allowed)
