/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pool.h"

#include <stdio.h>

#include "stage.h"
#include "unit.h"

static struct stage stage;

START_TEST(over_the_bound_of_a_key_the_lowest_serial_goes_and_it_is_told) {
        stage_limits.max_tuples = 2;
        stage_open(&stage, tuples("bound", 0));
        opens(&stage, P, "/1");
        opens(&stage, P, "/2");
        opens(&stage, P, "/3");
        stage_tells(&stage, "obscured 5 bound tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 2);
        ck_assert_uint_eq(stage_stats(&stage)->n_evicted, 1);
        unlinks(&stage, P, "/1");
        unlinks(&stage, P, "/2");
        stage_tells(&stage, "bound 1@0 2@0 tree 100 $f=/2\n");
        stage_close(&stage);
}
END_TEST

START_TEST(over_the_bound_of_all_the_largest_key_pays_and_of_equal_ones_the_one_open_longest) {
        stage_limits.max_runs = 4;
        stage_open(&stage, tuples("bound", 0));
        opens(&stage, P, "/1");
        opens(&stage, Q, "/1");
        opens(&stage, Q, "/2");
        opens(&stage, R, "/1");
        opens(&stage, R, "/2");
        stage_tells(&stage, "obscured 5 bound tree 200\n");
        opens(&stage, R, "/3");
        stage_tells(&stage, "obscured 5 bound tree 300\n");
        opens(&stage, Q, "/1");
        stage_tells(&stage, "obscured 5 bound tree 200\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 4);
        stage_close(&stage);
}
END_TEST

START_TEST(key_whose_last_run_ends_with_the_event_that_begins_a_new_one_was_open_all_along) {
        stage_limits.max_runs = 2;
        builder_init(&b);
        builder_path(&b, "bound")->by = KEY_PROCESS;
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_unlink, builder_true(&b), POSITION_ACCEPT);
        builder_kill(&b, WIRE_KIND_openat, opened("/a"));
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        opens(&stage, Q, "/a");
        opens(&stage, P, "/a");         /* ends the run of P and begins another */
        ck_assert_uint_eq(stage_stats(&stage)->n_killed, 1);
        opens(&stage, R, "/a");
        stage_tells(&stage, "obscured 5 bound process 100\n");
        stage_close(&stage);
}
END_TEST

/* With this few heads the chains of two indexes would meet, if they could. */
START_TEST(runs_are_found_by_either_of_two_captures_when_the_index_is_small) {
        stage_limits.max_runs = 8;
        builder_init(&b);
        builder_path(&b, "either")->suppress_ns = 0;
        step(WIRE_KIND_openat, builder_true(&b), 1);
        builder_capture(&b, "$f", PATHNAME);
        step(WIRE_KIND_chmod, builder_true(&b), 2);
        builder_capture(&b, "$g", CHMODDED);
        step(WIRE_KIND_unlink, builder_guard(&b, UNLINKED, 0), POSITION_ACCEPT);
        builder_step(&b, WIRE_KIND_openat, builder_guard(&b, PATHNAME, 1), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        for (unsigned round = 0; round < 200; round++) {
                char file[16], other[16];

                for (unsigned i = 0; i < 4; i++) {
                        snprintf(file, sizeof(file), "/%u", round * 4 + i);
                        snprintf(other, sizeof(other), "/o%u", round * 4 + i);
                        opens(&stage, P + i, file);
                        chmods(&stage, P + i, other, 0755);
                }
                for (unsigned i = 0; i < 4; i++) {
                        snprintf(file, sizeof(file), "/%u", round * 4 + i);
                        unlinks(&stage, P + i, file);
                }
                ck_assert_uint_eq(stage_stats(&stage)->n_completed, (round + 1) * 4);
                ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
                stage.n_told = 0;
        }
        stage_close(&stage);
}
END_TEST

START_TEST(one_event_may_begin_a_run_in_every_path_though_there_is_room_for_one) {
        stage_limits.max_runs = 1;
        builder_init(&b);
        for (unsigned i = 0; i < 6; i++) {
                char name[8];

                snprintf(name, sizeof(name), "p%u", i);
                builder_path(&b, name)->by = i % 2 ? KEY_PROCESS : KEY_USER;
                step(WIRE_KIND_openat, opened("/a"), 1);
                step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        }
        stage_open(&stage, builder_finish(&b));
        for (unsigned i = 1; i <= 50; i++) {
                opens(&stage, P + i, "/a");
                ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
                ck_assert_uint_eq(stage_stats(&stage)->n_evicted, 6 * i - 1);
                stage.n_told = 0;
        }
        opens(&stage, P + 50, "/b");
        stage_tells(&stage, "p5 1@0 2@0 process 150\n");
        stage_close(&stage);
}
END_TEST

START_TEST(key_that_was_empty_for_a_while_counts_from_its_new_beginning) {
        stage_limits.max_runs = 2;
        stage_open(&stage, tuples("bound", 0));
        opens(&stage, P, "/1");
        opens(&stage, Q, "/1");
        unlinks(&stage, P, "/1");
        stage_tells(&stage, "bound 1@0 2@0 tree 100 $f=/1\n");
        opens(&stage, P, "/1");
        opens(&stage, R, "/1");
        stage_tells(&stage, "obscured 5 bound tree 200\n");
        stage_close(&stage);
}
END_TEST

START_TEST(runs_that_took_more_steps_outlive_those_that_took_fewer) {
        stage_limits.max_tuples = 2;
        builder_init(&b);
        builder_path(&b, "bound");
        step(WIRE_KIND_openat, builder_true(&b), 1);
        builder_capture(&b, "$f", PATHNAME);
        step(WIRE_KIND_chmod, builder_guard(&b, CHMODDED, 0), 2);
        step(WIRE_KIND_unlink, builder_guard(&b, UNLINKED, 0), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/1");
        chmods(&stage, P, "/1", 0);
        for (char path[] = "/2"; path[1] < '9'; path[1]++)
                opens(&stage, P, path);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 2);
        ck_assert_uint_eq(stage_stats(&stage)->n_evicted, 6);
        stage.n_told = 0;
        stage.told[0] = '\0';
        unlinks(&stage, P, "/1");
        stage_tells(&stage, "bound 1@0 2@0 3@0 tree 100 $f=/1\n");
        stage_close(&stage);
}
END_TEST

START_TEST(evidence_that_finds_no_room_is_left_out_and_changes_nothing_else) {
        stage_limits.evidence_bytes = 4096;
        stage_open(&stage, tuples("bound", 0));
        for (unsigned i = 0; i < 50; i++) {
                char path[16];

                snprintf(path, sizeof(path), "/%02u", i);
                opens(&stage, P, path);
        }
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 50);
        ck_assert_uint_gt(stage_stats(&stage)->n_evidence_refused, 0);
        unlinks(&stage, P, "/49");
        stage_tells(&stage,
                    "bound 1@0 2@0 tree 100\n"); /* what was captured is not there to be shown, but it was compared */
        unlinks(&stage, P, "/00");
        stage_tells(&stage, "bound 1@0 2@0 tree 100 $f=/00\n");
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/pool",
          over_the_bound_of_a_key_the_lowest_serial_goes_and_it_is_told,
          over_the_bound_of_all_the_largest_key_pays_and_of_equal_ones_the_one_open_longest,
          key_whose_last_run_ends_with_the_event_that_begins_a_new_one_was_open_all_along,
          runs_are_found_by_either_of_two_captures_when_the_index_is_small,
          one_event_may_begin_a_run_in_every_path_though_there_is_room_for_one,
          key_that_was_empty_for_a_while_counts_from_its_new_beginning,
          runs_that_took_more_steps_outlive_those_that_took_fewer,
          evidence_that_finds_no_room_is_left_out_and_changes_nothing_else)
