/* SPDX-License-Identifier: Apache-2.0 */
/* What is more than steps in order: members in any order, counts, absences, scores, ends, relations, chosen ancestors.
 */
#include "compile/positions.h"

#include "compile-fixture.h"

#define A "openat { pathname == \"/a\" }"
#define B "openat { pathname == \"/b\" }"
#define X "unlink { pathname == \"/x\" }"
#define Y "chmod { pathname == \"/y\" }"

START_TEST(members_in_any_order_have_a_place_for_each_set_that_is_left) {
        compiles_to(A " all { " B " " X " " Y " } exit { }",
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1\n"
                    "  1\n"
                    "    step 2 openat { pathname == \"/b\" } -> 2\n"
                    "    step 3 unlink { pathname == \"/x\" } -> 3\n"
                    "    step 4 chmod { pathname == \"/y\" } -> 5\n"
                    "  2\n"
                    "    step 3 unlink { pathname == \"/x\" } -> 4\n"
                    "    step 4 chmod { pathname == \"/y\" } -> 6\n"
                    "  3\n"
                    "    step 2 openat { pathname == \"/b\" } -> 4\n"
                    "    step 4 chmod { pathname == \"/y\" } -> 7\n"
                    "  4\n"
                    "    step 4 chmod { pathname == \"/y\" } -> 8\n"
                    "  5\n"
                    "    step 2 openat { pathname == \"/b\" } -> 6\n"
                    "    step 3 unlink { pathname == \"/x\" } -> 7\n"
                    "  6\n"
                    "    step 3 unlink { pathname == \"/x\" } -> 8\n"
                    "  7\n"
                    "    step 2 openat { pathname == \"/b\" } -> 8\n"
                    "  8\n"
                    "    step 5 exit -> alert\n");
}
END_TEST

START_TEST(a_count_stays_until_it_is_full) {
        compiles_to("repeat 5 within 10s { connect { dport == 22 } } " A,
                    "  0, 5 times within 10s\n"
                    "    count 1 connect { dport == 22 } -> 1\n"
                    "  1\n"
                    "    step 2 openat { pathname == \"/a\" } -> alert\n");
}
END_TEST

START_TEST(steps_of_several_kinds_count_together_and_a_not_before_them_is_in_force) {
        compiles_to(A " not " X " repeat 3 distinct pathname { any { " B " " Y " } }",
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1\n"
                    "  1, 3 times\n"
                    "    count 2 openat { pathname == \"/b\" }, distinct pathname -> alert\n"
                    "    count 3 chmod { pathname == \"/y\" }, distinct pathname -> alert\n"
                    "    not unlink { pathname == \"/x\" }\n");
}
END_TEST

START_TEST(an_absence_is_left_by_the_clock) {
        compiles_to(A " no " X " within 30s " B,
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1\n"
                    "  1, nothing of this for 30s is step 2 -> 2\n"
                    "    not unlink { pathname == \"/x\" }\n"
                    "  2\n"
                    "    step 3 openat { pathname == \"/b\" } -> alert\n");
}
END_TEST

START_TEST(an_absence_at_the_end_alerts_by_the_clock) {
        compiles_to(A " not " Y " no " X " within 1m",
                    "  0\n"
                    "    step 1 openat { pathname == \"/a\" } -> 1\n"
                    "  1, nothing of this for 1min is step 2 -> alert\n"
                    "    not chmod { pathname == \"/y\" }\n"
                    "    not unlink { pathname == \"/x\" }\n");
}
END_TEST

START_TEST(all_steps_of_a_score_stand_at_one_place) {
        compiles_to("score = 50  decay = 10 per 1m  " A " +20  " X " +40",
                    "  score 50, forgets 10 in 1min\n"
                    "  0\n"
                    "    score 1 openat { pathname == \"/a\" } +20\n"
                    "    score 2 unlink { pathname == \"/x\" } +40\n");
}
END_TEST

START_TEST(an_until_stands_beside_all_places) {
        compiles_to("openat { pathname startswith \"/a\", $f = pathname } " X " until unlink { pathname == $f }",
                    "  0\n"
                    "    step 1 openat { pathname startswith \"/a\" }, $f = pathname -> 1\n"
                    "  1\n"
                    "    step 2 unlink { pathname == \"/x\" } -> alert\n"
                    "  until unlink { pathname == $f }\n");
}
END_TEST

START_TEST(a_relation_compares_with_what_the_earlier_step_left) {
        compiles_to("execve as $a { filename == \"/a\" } execve { filename == \"/b\" } sibling of $a",
                    "  0\n"
                    "    step 1 execve { filename == \"/a\" }, $a = proc.identity, $a.parent = if known "
                    "parent.identity -> 1\n"
                    "  1\n"
                    "    step 2 execve { filename == \"/b\" and parent.identity == $a.parent and "
                    "not (proc.identity == $a) } -> alert\n");
}
END_TEST

START_TEST(one_ancestor_is_chosen_for_all_conditions) {
        struct program *program =
                compile("path \"p\" { execve { ancestor { exe == \"/n\", uid == 33 }, filename == \"/a\" } }");
        const struct condition *condition = NULL;

        for (uint32_t i = 0; i < program->n_conditions; i++)
                if (program->conditions[i].op == CONDITION_ANCESTOR)
                        condition = &program->conditions[i];
        ck_assert_ptr_nonnull(condition);
        ck_assert(condition->run_free);
        ck_assert(!program->conditions[condition->args.first].run_free);
        program_unref(program);
}
END_TEST

START_TEST(masked_bits_are_those_and_no_others) {
        compiles_to("openat { (flags & O_ACCMODE) == O_WRONLY, pathname == \"/a\" }",
                    "  0\n"
                    "    step 1 openat { flags has all O_WRONLY and not (flags & O_RDWR) and pathname == \"/a\" } -> "
                    "alert\n");
}
END_TEST

START_TEST(what_is_done_at_a_step_changes_the_meaning) {
        struct program *one = compile("path \"p\" { " A " " X " on step 1 respond [\"snapshot\"] }");
        struct program *other = compile("path \"p\" { " A " " X " }");

        ck_assert_uint_eq(one->steps[one->edges[0].step].respond.n, 1);
        ck_assert_uint_eq(other->steps[other->edges[0].step].respond.n, 0);
        ck_assert_int_ne(memcmp(one->paths[0].hash, other->paths[0].hash, sizeof(one->paths[0].hash)), 0);
        program_unref(one);
        program_unref(other);
}
END_TEST

/* A reload keeps the runs of a path only if nothing that they rest upon has changed. */
START_TEST(every_number_of_a_form_is_part_of_the_meaning) {
        static const char *const bodies[] = {
                "repeat 5 { " A " } " X,
                "repeat 6 { " A " } " X,
                "repeat 5 within 3s { " A " } " X,
                "repeat 5 distinct pathname { " A " } " X,
                A " no " X " within 5s",
                A " no " X " within 6s",
                A " " X " until " Y,
                A " " X " until exit { }",
                "score = 50  decay = 1 per 1m " A " +10 " X " +20",
                "score = 51  decay = 1 per 1m " A " +10 " X " +20",
                "score = 50  decay = 2 per 1m " A " +10 " X " +20",
                "score = 50  decay = 1 per 2m " A " +10 " X " +20",
                "score = 50  decay = 1 per 1m " A " +10 " X " +21",
                "all { " A " " X " }",
        };
        struct program *programs[ELEMENTSOF(bodies)];

        for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
                struct strbuf text = {};

                strbuf_printf(&text, "path \"p\" { %s }", bodies[i]);
                programs[i] = compile(strbuf_str(&text));
                strbuf_done(&text);
                for (size_t k = 0; k < i; k++)
                        ck_assert_msg(memcmp(programs[i]->paths[0].hash, programs[k]->paths[0].hash, 16) != 0,
                                      "%s\nis no other than\n%s", bodies[i], bodies[k]);
        }
        for (size_t i = 0; i < ELEMENTSOF(bodies); i++)
                program_unref(programs[i]);
}
END_TEST

START_TEST(the_kinds_of_an_until_are_wanted_from_the_kernel) {
        struct program *program = compile("path \"p\" { " A " " X " until connect { failed } }");
        const struct interest *interest = &program->header->interest;

        ck_assert(interest->kinds >> WIRE_KIND_connect & 1);
        ck_assert(interest->filter[WIRE_KIND_connect].failures);
        ck_assert(!interest->filter[WIRE_KIND_connect].successes);
        ck_assert(program->paths[0].absence);
        program_unref(program);
}
END_TEST

UNIT_MAIN("compile/forms",
          members_in_any_order_have_a_place_for_each_set_that_is_left,
          a_count_stays_until_it_is_full,
          steps_of_several_kinds_count_together_and_a_not_before_them_is_in_force,
          an_absence_is_left_by_the_clock,
          an_absence_at_the_end_alerts_by_the_clock,
          all_steps_of_a_score_stand_at_one_place,
          an_until_stands_beside_all_places,
          a_relation_compares_with_what_the_earlier_step_left,
          one_ancestor_is_chosen_for_all_conditions,
          masked_bits_are_those_and_no_others,
          what_is_done_at_a_step_changes_the_meaning,
          every_number_of_a_form_is_part_of_the_meaning,
          the_kinds_of_an_until_are_wanted_from_the_kernel)
