/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stdio.h>

#include "stage.h"
#include "unit.h"

static struct stage stage;

/* repeat 3 within 10s { openat below /a }, first in its path */
static struct path *thrice(uint16_t distinct) {
        struct path *path;

        builder_init(&b);
        path = builder_path(&b, "thrice");
        path->suppress_ns = 0;
        builder_position(&b);
        builder_count(&b, WIRE_KIND_openat, opened_below("/a"), POSITION_ACCEPT, 3, 10 * SECOND, distinct);
        return array_last(&b.assembly.paths);
}

static void open_thrice(uint16_t distinct) {
        thrice(distinct);
        stage_open(&stage, builder_finish(&b));
}

START_TEST(window_slides_and_the_story_starts_with_the_oldest_that_is_left) {
        open_thrice(FIELD_NONE);
        opens(&stage, P, "/a");
        at(9);
        opens(&stage, P, "/a");
        at(11);
        opens(&stage, P, "/a");         /* the first is too old */
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        ck_assert_uint_eq(stage_stats(&stage)->n_counts, 2);
        at(19);
        opens(&stage, P, "/a");         /* as old as it may be */
        stage_tells(&stage, "thrice 1@9*3 tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_counts, 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);      /* what fills a count begins none */
        stage_close(&stage);
}
END_TEST

START_TEST(count_of_which_nothing_is_left_ends) {
        open_thrice(FIELD_NONE);
        opens(&stage, P, "/a");
        at(4);
        opens(&stage, P, "/a");
        ck_assert_uint_eq(engine_next_deadline(stage.engine), STAGE_START + 14 * SECOND + 1);
        at(15);
        tick(&stage);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_counts, 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_expired, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(distinct_values_count_once_and_unknown_ones_not_at_all) {
        open_thrice(PATHNAME);
        opens(&stage, P, "/a1");
        at(1);
        opens(&stage, P, "/a2");
        at(2);
        opens(&stage, P, "/a1");        /* takes its new place */
        opens_unknown(&stage, P);
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_counts, 2);
        at(3);
        opens(&stage, P, "/a3");
        stage_tells(&stage, "thrice 1@1*3 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(each_key_has_a_counter_of_its_own) {
        open_thrice(FIELD_NONE);
        for (unsigned i = 0; i < 2; i++) {
                opens(&stage, P, "/a");
                opens(&stage, Q, "/a");
        }
        stage_tells(&stage, "");
        opens(&stage, Q, "/a");
        stage_tells(&stage, "thrice 1@0*3 tree 200\n");
        exits(&stage, P);
        ck_assert_uint_eq(stage_stats(&stage)->n_counts, 0);
        stage_close(&stage);
}
END_TEST

/* openat below /a as $f, repeat 2 { unlink of $f } not openat /stop, openat /b */
static void open_behind(void) {
        builder_init(&b);
        builder_path(&b, "behind")->suppress_ns = 0;
        step(WIRE_KIND_openat, opened_below("/a"), 1);
        builder_capture(&b, "$f", PATHNAME);
        builder_position(&b);
        builder_count(&b, WIRE_KIND_unlink, builder_guard(&b, UNLINKED, 0), 2, 2, 0, FIELD_NONE);
        builder_kill(&b, WIRE_KIND_openat, opened("/stop"));
        step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
}

START_TEST(count_behind_other_steps_belongs_to_the_run_and_its_captures) {
        open_behind();
        opens(&stage, P, "/a1");
        opens(&stage, P, "/a2");
        at(1);
        unlinks(&stage, P, "/a1");
        unlinks(&stage, P, "/a2");
        at(2);
        unlinks(&stage, P, "/a2");
        opens(&stage, P, "/b");
        stage_tells(&stage, "behind 1@0 2@1*2 3@2 tree 100 $f=/a2\n");
        opens(&stage, P, "/stop");      /* in force until the count is full */
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_counts, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(beginning_again_does_not_lose_what_was_counted) {
        open_behind();
        opens(&stage, P, "/a");
        at(1);
        unlinks(&stage, P, "/a");
        at(2);
        opens(&stage, P, "/a");         /* an equal run, which goes on with the counter */
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        at(3);
        unlinks(&stage, P, "/a");
        opens(&stage, P, "/b");
        stage_tells(&stage, "behind 1@2 2@1*2 3@3 tree 100 $f=/a starts=2\n");
        stage_close(&stage);
}
END_TEST

START_TEST(who_counts_most_makes_room) {
        size_t before = stage_limits.max_counts;

        stage_limits.max_counts = 3;
        open_thrice(FIELD_NONE);
        opens(&stage, P, "/a");
        opens(&stage, P, "/a");
        opens(&stage, Q, "/a");
        stage_tells(&stage, "");
        opens(&stage, R, "/a");
        stage_tells(&stage, "obscured 5 thrice tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_counts, 2);
        ck_assert_uint_eq(stage_stats(&stage)->n_evicted, 1);
        stage_close(&stage);
        stage_limits.max_counts = before;
}
END_TEST

START_TEST(counter_goes_on_over_a_reload) {
        struct program *same;

        thrice(PATHNAME);
        same = builder_finish(&b);
        open_thrice(PATHNAME);
        opens(&stage, P, "/a1");
        opens(&stage, P, "/a2");
        stage_swap(&stage, same);
        opens(&stage, P, "/a1");
        stage_tells(&stage, "");
        opens(&stage, P, "/a3");
        stage_tells(&stage, "thrice 1@0*3 tree 100\n");
        stage_close(&stage);
}
END_TEST

/* score = 10, decay = 5 per 1s: openat below /a +4, openat /ab +7, unlink /u: until */
static void open_score(void) {
        builder_init(&b);
        builder_path(&b, "score")->suppress_ns = 0;
        builder_score(&b, 10, 5, SECOND);
        builder_position(&b);
        builder_points(&b, WIRE_KIND_openat, opened_below("/a"), 4);
        builder_points(&b, WIRE_KIND_openat, opened("/ab"), 7);
        builder_until(&b, WIRE_KIND_unlink, unlinked("/u"), 0);
        stage_open(&stage, builder_finish(&b));
}

START_TEST(points_of_all_steps_that_take_the_event_are_added) {
        open_score();
        opens(&stage, P, "/a");
        opens(&stage, P, "/a");
        stage_tells(&stage, "");
        opens(&stage, P, "/a");
        stage_tells(&stage, "score 1@0*3 tree 100 score=12/10\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);

        opens(&stage, P, "/ab");
        stage_tells(&stage, "score 1@0 2@0 tree 100 score=11/10\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_keys, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(points_are_forgotten_and_a_sum_of_nothing_is_no_run) {
        open_score();
        opens(&stage, P, "/a");
        at(0.4);
        opens(&stage, P, "/a");         /* 8 - 2 */
        at(0.7);
        opens(&stage, P, "/a");         /* 12 - 3 */
        stage_tells(&stage, "");
        ck_assert_uint_eq(engine_next_deadline(stage.engine), STAGE_START + 24 * SECOND / 10);
        at(2.3);
        tick(&stage);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        at(2.4);
        opens(&stage, P, "/a");         /* a new one */
        ck_assert_uint_eq(stage_stats(&stage)->n_expired, 1);
        ck_assert_uint_eq(stage_stats(&stage)->n_started, 2);
        opens(&stage, P, "/ab");
        stage_tells(&stage, "score 1@2.4*2 2@2.4 tree 100 score=15/10\n");
        stage_close(&stage);
}
END_TEST

START_TEST(until_takes_the_sum_back_to_nothing) {
        open_score();
        opens(&stage, P, "/a");
        opens(&stage, P, "/a");
        unlinks(&stage, P, "/u");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        opens(&stage, P, "/a");
        stage_tells(&stage, "");
        stage_close(&stage);
}
END_TEST

START_TEST(exception_that_never_hid_anything_can_be_told) {
        struct path *path;

        builder_init(&b);
        path = two("excepted");
        path->suppress_ns = 0;
        builder_except(&b, opened("/b"), 0);
        builder_except(&b, opened("/c"), 0);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/c");         /* nothing would have come of it */
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        opens(&stage, P, "/b");
        ck_assert_uint_eq(engine_exception_stats(stage.engine, 0), 2);
        ck_assert_uint_eq(engine_exception_stats(stage.engine, 1), 0);

        builder_init(&b);
        path = two("excepted");
        path->suppress_ns = 0;
        builder_except(&b, opened("/b"), 0);
        builder_except(&b, opened("/c"), 0);
        stage_swap(&stage, builder_finish(&b));
        ck_assert_uint_eq(engine_exception_stats(stage.engine, 0), 2);
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/count", window_slides_and_the_story_starts_with_the_oldest_that_is_left,
          count_of_which_nothing_is_left_ends, distinct_values_count_once_and_unknown_ones_not_at_all,
          each_key_has_a_counter_of_its_own, count_behind_other_steps_belongs_to_the_run_and_its_captures,
          beginning_again_does_not_lose_what_was_counted, who_counts_most_makes_room, counter_goes_on_over_a_reload,
          points_of_all_steps_that_take_the_event_are_added, points_are_forgotten_and_a_sum_of_nothing_is_no_run,
          until_takes_the_sum_back_to_nothing, exception_that_never_hid_anything_can_be_told)
