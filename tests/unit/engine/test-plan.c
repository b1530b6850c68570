/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/plan.h"

#include "../compile/compile-fixture.h"

static struct program *program;
static struct plan plan;

static void setup(const char *policies) {
        program = compile(policies);
        ck_assert_int_eq(plan_init(&plan, program), 0);
}

static void teardown(void) {
        plan_done(&plan);
        program_unref(program);
}

static const struct plan_edge *edge(uint32_t position, uint32_t i) {
        return &plan.edges[plan_position(&plan, 0, position)->edges + i];
}

START_TEST(conjuncts_of_the_event_are_told_from_those_of_the_run_and_the_one_to_look_up_is_found) {
        setup("path \"p\" { openat { $f = pathname }  chmod { mode & 0111, pathname == $f, not (mode == 0777) } }");
        ck_assert_uint_eq(edge(1, 0)->n_free, 2);
        ck_assert_uint_eq(edge(1, 0)->n_bound, 1);
        ck_assert_uint_eq(edge(1, 0)->index, 0);
        ck_assert_uint_eq(plan_position(&plan, 0, 1)->n_slots, 1);
        ck_assert_uint_eq(edge(0, 0)->n_bound, 0);
        ck_assert_uint_eq(edge(0, 0)->index, PLAN_NO_INDEX);
        teardown();
}
END_TEST

START_TEST(alternative_of_captures_cannot_be_looked_up) {
        setup("path \"p\" { rename { $a = pathname, $b = newpath }  unlink { pathname == $a or pathname == $b } }");
        ck_assert_uint_eq(edge(1, 0)->n_bound, 1);
        ck_assert_uint_eq(edge(1, 0)->guard, PROGRAM_NONE);
        ck_assert_uint_eq(edge(1, 0)->index, PLAN_NO_INDEX);
        teardown();
}
END_TEST

START_TEST(edges_that_look_at_the_same_capture_share_an_index_and_there_are_two) {
        setup("path \"p\" { openat { $f = pathname, $o = file, $n = flags }"
              "  any { chmod { pathname == $f } write { file == $o } unlink { pathname == $f } openat { flags == $n } "
              "} }");
        ck_assert_uint_eq(edge(1, 0)->index, 0);
        ck_assert_uint_eq(edge(1, 1)->index, 1);
        ck_assert_uint_eq(edge(1, 2)->index, 0);
        ck_assert_uint_eq(edge(1, 3)->index, PLAN_NO_INDEX);
        teardown();
}
END_TEST

START_TEST(position_knows_what_it_waits_for_and_whose_loss_matters) {
        const struct plan_position *at;

        setup("path \"p\" { openat { pathname == \"/a\" }  write { } ..  not unlink { }  chmod { } }");
        at = plan_position(&plan, 0, 2);
        ck_assert_uint_eq(at->kinds, wire_kind_bit(WIRE_KIND_chmod) | wire_kind_bit(WIRE_KIND_unlink) |
                                             wire_kind_bit(WIRE_KIND_write));
        ck_assert_uint_eq(at->loss_kinds, wire_kind_bit(WIRE_KIND_chmod) | wire_kind_bit(WIRE_KIND_unlink));
        ck_assert_int_eq(edge(2, 0)->action, PLAN_ADVANCE);
        ck_assert_int_eq(edge(2, 1)->action, PLAN_KILL);
        ck_assert_int_eq(edge(2, 2)->action, PLAN_LOOP);
        teardown();
}
END_TEST

START_TEST(windowed_block_can_restart_from_each_place_inside_it) {
        setup("path \"p\" { openat { pathname == \"/a\" }"
              "  block \"b\" { within = 2s  openat { pathname == \"/b\" }  chmod { }  unlink { } } }");
        ck_assert_uint_eq(plan_position(&plan, 0, 1)->n_edges, 1);
        for (uint32_t at = 2; at <= 3; at++) {
                ck_assert_uint_eq(plan_position(&plan, 0, at)->n_blocks, 1);
                ck_assert_uint_eq(plan_position(&plan, 0, at)->n_edges, 2);
                ck_assert_int_eq(edge(at, 1)->action, PLAN_RESTART);
                ck_assert_uint_eq(edge(at, 1)->position, 1);
                ck_assert(!(plan_position(&plan, 0, at)->loss_kinds >> WIRE_KIND_openat & 1));
        }
        ck_assert_uint_eq(plan.max_copies, 1);
        teardown();
}
END_TEST

START_TEST(block_that_begins_the_path_and_block_that_begins_another_restart_no_copies_of_their_own) {
        setup("path \"p\" { block \"b\" { within = 2s  openat { pathname == \"/b\" }  chmod { } } }");
        ck_assert_uint_eq(plan_position(&plan, 0, 1)->n_edges, 1);
        ck_assert_uint_eq(plan.max_copies, 0);
        teardown();

        setup("path \"p\" { exit { }  block \"o\" { within = 9s  block \"i\" { within = 2s  openat { }  chmod { } }  "
              "unlink { } } }");
        ck_assert_uint_eq(plan_position(&plan, 0, 2)->n_blocks, 2);
        ck_assert_uint_eq(plan_position(&plan, 0, 2)->n_edges, 2);
        ck_assert_int_eq(edge(2, 1)->action, PLAN_RESTART);
        ck_assert_uint_eq(edge(2, 1)->depth, 0);
        teardown();
}
END_TEST

START_TEST(only_matchers_that_begin_paths_are_run_for_every_event_of_a_kind) {
        setup("path \"a\" { openat { pathname == \"/a\" }  unlink { pathname == \"/u\" } }"
              "path \"b\" { write { length > 5 } }");
        ck_assert_uint_eq(plan.kinds[WIRE_KIND_openat].n_eager, 1);
        ck_assert_uint_eq(plan.kinds[WIRE_KIND_openat].paths[0], 0);
        ck_assert_uint_eq(plan.kinds[WIRE_KIND_unlink].n_eager, 0);
        ck_assert(!plan.kinds[WIRE_KIND_unlink].starts);
        ck_assert_uint_eq(plan.kinds[WIRE_KIND_write].n_eager, 0);
        ck_assert_uint_eq(plan.kinds[WIRE_KIND_write].paths[0], 2);
        ck_assert(plan.kinds[WIRE_KIND_write].starts);
        ck_assert(plan.kinds[WIRE_KIND_gap].meta && !plan.kinds[WIRE_KIND_write].meta);
        teardown();
}
END_TEST

static int attempt(void *userdata) {
        int r = plan_init(&plan, program);

        if (r >= 0)
                plan_done(&plan);
        return r;
}

START_TEST(plan_that_finds_no_memory_leaves_nothing_behind) {
        program = compile("path \"p\" { openat { pathname == \"/a\" }  chmod { } }");
        alloc_fail_sweep(attempt, NULL);
        program_unref(program);
}
END_TEST

UNIT_MAIN("engine/plan",
          conjuncts_of_the_event_are_told_from_those_of_the_run_and_the_one_to_look_up_is_found,
          alternative_of_captures_cannot_be_looked_up,
          edges_that_look_at_the_same_capture_share_an_index_and_there_are_two,
          position_knows_what_it_waits_for_and_whose_loss_matters,
          windowed_block_can_restart_from_each_place_inside_it,
          block_that_begins_the_path_and_block_that_begins_another_restart_no_copies_of_their_own,
          only_matchers_that_begin_paths_are_run_for_every_event_of_a_kind,
          plan_that_finds_no_memory_leaves_nothing_behind)
