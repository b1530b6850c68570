/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stdio.h>

#include "stage.h"
#include "unit.h"

static struct stage stage;

START_TEST(steps_in_order_complete_and_other_events_may_lie_between) {
        stage_open(&stage, two_by(KEY_TREE, 0));
        opens(&stage, P, "/a");
        at(1);
        opens(&stage, P, "/x");
        unlinks(&stage, P, "/b");
        at(2);
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@0 2@2 tree 100\n");
        at(3);
        opens(&stage, P, "/b");
        stage_tells(&stage, "");
        stage_close(&stage);
}
END_TEST

START_TEST(one_event_advances_by_one_step_and_may_begin_a_run_too) {
        builder_init(&b);
        builder_path(&b, "again")->suppress_ns = 0;
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_openat, opened("/a"), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));

        opens(&stage, P, "/a");
        stage_tells(&stage, "");
        at(1);
        opens(&stage, P, "/a");
        stage_tells(&stage, "again 1@0 2@1 tree 100\n");
        at(2);
        opens(&stage, P, "/a");
        stage_tells(&stage, "again 1@1 2@2 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(path_of_one_step_alerts_at_once) {
        builder_init(&b);
        builder_path(&b, "one");
        step(WIRE_KIND_openat, opened("/a"), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        stage_tells(&stage, "one 1@0 tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_keys, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(failed_call_is_taken_only_by_a_step_that_names_the_result) {
        builder_init(&b);
        builder_path(&b, "opened");
        step(WIRE_KIND_openat, opened("/a"), POSITION_ACCEPT);
        builder_path(&b, "refused");
        step(WIRE_KIND_openat,
             builder_and(&b, opened("/a"), builder_number(&b, PREDICATE_EQUAL, FIELD_COMMON_result, -13)),
             POSITION_ACCEPT)
                ->any_result = true;
        stage_open(&stage, builder_finish(&b));

        opens_with_result(&stage, P, "/a", -13);
        stage_tells(&stage, "refused 1@0 tree 100\n");
        opens_with_result(&stage, P, "/a", -115);       /* -EINPROGRESS is no failure */
        stage_tells(&stage, "opened 1@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(unknown_result_counts_as_success_and_marks) {
        stage_open(&stage, two_by(KEY_TREE, 0));
        opens(&stage, P, "/a");
        stage_begin(&stage, WIRE_KIND_openat, P);
        record_set_text(&stage.record, PATHNAME, "/b");
        stage.record.header.flags = WIRE_NO_RESULT;
        stage_feed(&stage);
        stage_tells(&stage, "two 1@0 2@0 tree 100 uncertain\n");
        stage_close(&stage);
}
END_TEST

START_TEST(unknown_field_makes_neither_a_step_nor_its_opposite_true) {
        builder_init(&b);
        builder_path(&b, "is");
        step(WIRE_KIND_openat, opened("/a"), POSITION_ACCEPT);
        builder_path(&b, "is_not");
        step(WIRE_KIND_openat, builder_not(&b, opened("/a")), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens_unknown(&stage, P);
        stage_tells(&stage, "");
        stage_close(&stage);
}
END_TEST

static struct program *kept(void) {
        builder_init(&b);
        builder_path(&b, "kept")->suppress_ns = 0;
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        builder_kill(&b, WIRE_KIND_unlink, unlinked("/a"));
        builder_kill(&b, WIRE_KIND_openat, opened_below("/b"));
        return builder_finish(&b);
}

START_TEST(not_between_two_steps_ends_the_run) {
        stage_open(&stage, kept());
        opens(&stage, P, "/a");
        unlinks(&stage, P, "/a");
        opens(&stage, P, "/b");
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_killed, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(step_beats_a_not_that_the_same_event_satisfies) {
        stage_open(&stage, kept());
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        stage_tells(&stage, "kept 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(unknown_not_marks_the_run) {
        stage_open(&stage, kept());
        opens(&stage, P, "/a");
        unlinks_unknown(&stage, P);
        opens(&stage, P, "/b");
        stage_tells(&stage, "kept 1@0 2@0 tree 100 uncertain\n");
        stage_close(&stage);
}
END_TEST

/* chmod { mode & 0111, $file = pathname }  not unlink { pathname == $file }  execve { filename == $file } */
static struct program *reused(void) {
        builder_init(&b);
        builder_path(&b, "reused")->suppress_ns = 0;
        step(WIRE_KIND_chmod, builder_number(&b, PREDICATE_BITS_ANY, FIELD_chmod_mode, 0111), 1);
        builder_capture(&b, "$file", CHMODDED);
        step(WIRE_KIND_execve, builder_guard(&b, FIELD_execve_filename, 0), POSITION_ACCEPT);
        builder_kill(&b, WIRE_KIND_unlink, builder_guard(&b, UNLINKED, 0));
        return builder_finish(&b);
}

START_TEST(runs_with_different_captures_stay_side_by_side) {
        stage_open(&stage, reused());
        chmods(&stage, P, "/1", 0755);
        chmods(&stage, P, "/2", 0755);
        at(1);
        executes(&stage, P, "/2");
        stage_tells(&stage, "reused 1@0 2@1 tree 100 $file=/2\n");
        executes(&stage, P, "/1");
        stage_tells(&stage, "reused 1@0 2@1 tree 100 $file=/1\n");
        stage_close(&stage);
}
END_TEST

START_TEST(not_that_compares_with_a_capture_ends_only_the_runs_for_which_it_is_true) {
        stage_open(&stage, reused());
        chmods(&stage, P, "/1", 0755);
        chmods(&stage, P, "/2", 0755);
        unlinks(&stage, P, "/1");
        executes(&stage, P, "/1");
        executes(&stage, P, "/2");
        stage_tells(&stage, "reused 1@0 2@0 tree 100 $file=/2\n");
        stage_close(&stage);
}
END_TEST

START_TEST(not_with_an_unknown_field_marks_all_runs_that_it_could_end) {
        stage_open(&stage, reused());
        chmods(&stage, P, "/1", 0755);
        unlinks_unknown(&stage, P);
        chmods(&stage, P, "/2", 0755);
        executes(&stage, P, "/1");
        executes(&stage, P, "/2");
        stage_tells(&stage, "reused 1@0 2@0 tree 100 $file=/1 uncertain\n"
                            "reused 1@0 2@0 tree 100 $file=/2\n");
        stage_close(&stage);
}
END_TEST

START_TEST(cut_field_decides_what_its_prefix_decides_and_binds_nothing) {
        stage_open(&stage, reused());
        chmods(&stage, P, "/tmp/1", 0755);
        chmods(&stage, P, "/var/2", 0755);
        stage_begin(&stage, WIRE_KIND_unlink, P);
        record_set_text(&stage.record, UNLINKED, "/tmp");
        record_mark_cut(&stage.record, UNLINKED);
        stage_feed(&stage);
        executes(&stage, P, "/tmp/1");
        executes(&stage, P, "/var/2");
        stage_tells(&stage, "reused 1@0 2@0 tree 100 $file=/tmp/1 uncertain\n"
                            "reused 1@0 2@0 tree 100 $file=/var/2\n");

        stage_begin(&stage, WIRE_KIND_chmod, P);
        record_set_text(&stage.record, CHMODDED, "/tmp");
        record_mark_cut(&stage.record, CHMODDED);
        record_set_number(&stage.record, FIELD_chmod_mode, 0755);
        stage_feed(&stage);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(run_that_begins_takes_the_place_of_an_equal_one) {
        stage_open(&stage, two_by(KEY_TREE, 0));
        opens(&stage, P, "/a");
        at(1);
        opens(&stage, P, "/a");
        at(2);
        opens(&stage, P, "/a");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        ck_assert_uint_eq(stage_stats(&stage)->n_merged, 2);
        at(3);
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@2 2@3 tree 100 starts=3\n");
        stage_close(&stage);
}
END_TEST

START_TEST(event_that_several_members_of_any_take_continues_the_run_once_for_each_and_equal_ones_merge) {
        builder_init(&b);
        builder_path(&b, "either");
        step(WIRE_KIND_openat, opened("/a"), 1);
        builder_position(&b);
        builder_step(&b, WIRE_KIND_chmod, builder_number(&b, PREDICATE_BITS_ANY, FIELD_chmod_mode, 0111), 2);
        builder_step(&b, WIRE_KIND_chmod, builder_number(&b, PREDICATE_BITS_ANY, FIELD_chmod_mode, 04000), 2);
        step(WIRE_KIND_execve, builder_true(&b), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));

        opens(&stage, P, "/a");
        chmods(&stage, P, "/a", 04755);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        executes(&stage, P, "/a");
        stage_tells(&stage, "either 1@0 2@0 4@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(ways_that_bind_differently_stay_apart) {
        builder_init(&b);
        builder_path(&b, "either")->suppress_ns = 0;
        step(WIRE_KIND_openat, opened("/a"), 1);
        builder_position(&b);
        builder_step(&b, WIRE_KIND_rename, builder_true(&b), 2);
        builder_capture(&b, "$f", FIELD_rename_pathname);
        builder_step(&b, WIRE_KIND_rename, builder_true(&b), 2);
        builder_capture(&b, "$f", FIELD_rename_newpath);
        step(WIRE_KIND_unlink, builder_guard(&b, UNLINKED, 0), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));

        opens(&stage, P, "/a");
        stage_begin(&stage, WIRE_KIND_rename, P);
        record_set_text(&stage.record, FIELD_rename_pathname, "/old");
        record_set_text(&stage.record, FIELD_rename_newpath, "/new");
        stage_feed(&stage);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 2);
        unlinks(&stage, P, "/new");
        unlinks(&stage, P, "/old");
        stage_tells(&stage, "either 1@0 3@0 4@0 tree 100 $f=/new\n"
                            "either 1@0 2@0 4@0 tree 100 $f=/old\n");
        stage_close(&stage);
}
END_TEST

/* openat /a, block within 2 s { openat /b*, $x = pathname; unlink $x } */
static struct program *pair(void) {
        uint32_t block;

        builder_init(&b);
        builder_path(&b, "pair")->suppress_ns = 0;
        block = builder_block(&b, "b", 2 * SECOND, 1, PROGRAM_NONE, 1);
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_openat, opened_below("/b"), 2)->block = block;
        builder_capture(&b, "$x", PATHNAME);
        builder_position(&b)->block = block;
        builder_step(&b, WIRE_KIND_unlink, builder_guard(&b, UNLINKED, 0), POSITION_ACCEPT)->block = block;
        return builder_finish(&b);
}

START_TEST(block_whose_window_closed_falls_back_to_its_start) {
        stage_open(&stage, pair());
        opens(&stage, P, "/a");
        at(1);
        opens(&stage, P, "/b1");
        at(4);
        unlinks(&stage, P, "/b1");
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        at(5);
        opens(&stage, P, "/b2");
        at(7);
        unlinks(&stage, P, "/b2");
        stage_tells(&stage, "pair 1@0 2@5 3@7 tree 100 $x=/b2\n");
        stage_close(&stage);
}
END_TEST

START_TEST(first_step_of_a_block_that_comes_again_restarts_it_in_a_copy) {
        stage_open(&stage, pair());
        opens(&stage, P, "/a");
        at(1);
        opens(&stage, P, "/b1");
        at(2);
        opens(&stage, P, "/b2");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 2);
        at(3);
        unlinks(&stage, P, "/b1");
        stage_tells(&stage, "pair 1@0 2@1 3@3 tree 100 $x=/b1\n");
        at(4);
        unlinks(&stage, P, "/b2");
        stage_tells(&stage, "pair 1@0 2@2 3@4 tree 100 $x=/b2\n");
        stage_close(&stage);
}
END_TEST

START_TEST(restarted_copy_with_equal_captures_takes_the_older_runs_place) {
        stage_open(&stage, pair());
        opens(&stage, P, "/a");
        at(1);
        opens(&stage, P, "/b1");
        at(2);
        opens(&stage, P, "/b1");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        at(4);
        unlinks(&stage, P, "/b1");
        stage_tells(&stage, "pair 1@0 2@2 3@4 tree 100 $x=/b1\n");
        stage_close(&stage);
}
END_TEST

START_TEST(runs_that_fall_back_merge_where_they_are_equal) {
        stage_open(&stage, pair());
        opens(&stage, P, "/a");
        opens(&stage, P, "/b1");
        opens(&stage, P, "/b2");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 2);
        at(3);
        tick(&stage);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(block_that_begins_the_path_has_nothing_to_fall_back_to) {
        uint32_t block;

        builder_init(&b);
        builder_path(&b, "burst");
        block = builder_block(&b, "b", 2 * SECOND, 0, PROGRAM_NONE, 0);
        step(WIRE_KIND_openat, opened("/a"), 1)->block = block;
        builder_position(&b)->block = block;
        builder_step(&b, WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT)->block = block;
        stage_open(&stage, builder_finish(&b));

        opens(&stage, P, "/a");
        at(1);
        opens(&stage, P, "/a");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        at(4);
        tick(&stage);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        stage_close(&stage);
}
END_TEST

/* execve /sh, openat /b* .., unlink */
static struct program *many(bool with_not) {
        uint32_t below;

        builder_init(&b);
        builder_path(&b, "many");
        step(WIRE_KIND_execve, builder_text(&b, PREDICATE_STRING, FIELD_execve_filename, "/sh"), 1);
        below = opened_below("/b");
        step(WIRE_KIND_openat, below, 2);
        step(WIRE_KIND_unlink, builder_true(&b), POSITION_ACCEPT);
        builder_again(&b, WIRE_KIND_openat, below, 1);
        if (with_not)
                builder_kill(&b, WIRE_KIND_openat, opened("/bad"));
        return builder_finish(&b);
}

START_TEST(repetition_counts_and_delays_nothing) {
        stage_open(&stage, many(false));
        executes(&stage, P, "/sh");
        at(1);
        opens(&stage, P, "/b1");
        at(2);
        opens(&stage, P, "/b2");
        at(3);
        opens(&stage, P, "/b3");
        at(4);
        unlinks(&stage, P, "/b1");
        stage_tells(&stage, "many 1@0 2@1*3 3@4 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(not_beats_a_repetition) {
        stage_open(&stage, many(true));
        executes(&stage, P, "/sh");
        opens(&stage, P, "/b1");
        opens(&stage, P, "/bad");
        unlinks(&stage, P, "/b1");
        stage_tells(&stage, "");
        stage_close(&stage);
}
END_TEST

START_TEST(except_hides_the_event_from_its_path_also_from_not) {
        builder_init(&b);
        builder_path(&b, "trusted");
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        builder_kill(&b, WIRE_KIND_unlink, builder_true(&b));
        builder_except(&b, builder_text(&b, PREDICATE_STRING, FIELD_PROCESS_exe, "/usr/bin/apt"), 0);
        stage_open(&stage, builder_finish(&b));

        forks(&stage, P, Q);
        executes(&stage, P, "/bin/sh");
        executes(&stage, Q, "/usr/bin/apt");
        opens(&stage, P, "/a");
        unlinks(&stage, Q, "/a");
        opens(&stage, Q, "/a");
        opens(&stage, P, "/b");
        stage_tells(&stage, "trusted 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(unknown_except_marks_what_the_event_does) {
        builder_init(&b);
        two("trusted");
        builder_except(&b, builder_text(&b, PREDICATE_STRING, FIELD_PROCESS_exe, "/usr/bin/apt"), 0);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        stage_tells(&stage, "trusted 1@0 2@0 tree 100 uncertain\n");
        stage_close(&stage);
}
END_TEST

START_TEST(except_that_names_a_capture_ends_the_run_that_binds_it) {
        builder_init(&b);
        builder_path(&b, "reused")->suppress_ns = 0;
        step(WIRE_KIND_chmod, builder_true(&b), 1);
        builder_capture(&b, "$file", CHMODDED);
        step(WIRE_KIND_rename, builder_true(&b), 2);
        builder_capture(&b, "$new", FIELD_rename_newpath);
        step(WIRE_KIND_execve, builder_guard(&b, FIELD_execve_filename, 1), POSITION_ACCEPT);
        builder_except(&b, builder_guard(&b, FIELD_rename_newpath, 0),
                       1); /* its only capture is bound by chmod, where the field is foreign */
        builder_except(&b,
                       builder_and(&b, builder_guard(&b, FIELD_rename_newpath, 1),
                                   builder_guard(&b, FIELD_rename_pathname, 0)),
                       3);
        stage_open(&stage, builder_finish(&b));

        chmods(&stage, P, "/x", 0755);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        stage_begin(&stage, WIRE_KIND_rename, P);
        record_set_text(&stage.record, FIELD_rename_pathname, "/x");
        record_set_text(&stage.record, FIELD_rename_newpath, "/y");
        stage_feed(&stage);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_killed, 1);
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/advance",
          steps_in_order_complete_and_other_events_may_lie_between,
          one_event_advances_by_one_step_and_may_begin_a_run_too,
          path_of_one_step_alerts_at_once,
          failed_call_is_taken_only_by_a_step_that_names_the_result,
          unknown_result_counts_as_success_and_marks,
          unknown_field_makes_neither_a_step_nor_its_opposite_true,
          not_between_two_steps_ends_the_run,
          step_beats_a_not_that_the_same_event_satisfies,
          unknown_not_marks_the_run,
          runs_with_different_captures_stay_side_by_side,
          not_that_compares_with_a_capture_ends_only_the_runs_for_which_it_is_true,
          not_with_an_unknown_field_marks_all_runs_that_it_could_end,
          cut_field_decides_what_its_prefix_decides_and_binds_nothing,
          run_that_begins_takes_the_place_of_an_equal_one,
          event_that_several_members_of_any_take_continues_the_run_once_for_each_and_equal_ones_merge,
          ways_that_bind_differently_stay_apart,
          block_whose_window_closed_falls_back_to_its_start,
          first_step_of_a_block_that_comes_again_restarts_it_in_a_copy,
          restarted_copy_with_equal_captures_takes_the_older_runs_place,
          runs_that_fall_back_merge_where_they_are_equal,
          block_that_begins_the_path_has_nothing_to_fall_back_to,
          repetition_counts_and_delays_nothing,
          not_beats_a_repetition,
          except_hides_the_event_from_its_path_also_from_not,
          unknown_except_marks_what_the_event_does,
          except_that_names_a_capture_ends_the_run_that_binds_it)
