/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include "stage.h"
#include "unit.h"

static struct stage stage;

/* openat /a, no unlink /a within 5s, and `then` openat /b. */
static struct path *silent(bool then, enum program_key by) {
        struct path *path;

        builder_init(&b);
        path = builder_path(&b, "silent");
        path->by = by;
        path->suppress_ns = 0;
        step(WIRE_KIND_openat, opened("/a"), 1);
        builder_position(&b);
        builder_absence(&b, WIRE_KIND_unlink, 5 * SECOND, then ? 2 : POSITION_ACCEPT);
        builder_kill(&b, WIRE_KIND_unlink, unlinked("/a"));
        if (then)
                step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        return array_last(&b.assembly.paths);
}

static void open_stage(bool then) {
        (void)silent(then, KEY_TREE);
        stage_open(&stage, builder_finish(&b));
}

START_TEST(nothing_happened_once_the_clock_has_passed_the_deadline) {
        open_stage(false);
        opens(&stage, P, "/a");
        ck_assert_uint_eq(engine_next_deadline(stage.engine), STAGE_START + 5 * SECOND + 1);
        at(5);
        tick(&stage);
        stage_tells(&stage, "");
        engine_tick(stage.engine, STAGE_START + 5 * SECOND + 1);
        stage_tells(&stage, "silent 1@0 2@5^ tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_keys, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(event_at_the_deadline_still_ends_the_run_and_one_behind_it_does_not) {
        open_stage(false);
        opens(&stage, P, "/a");
        opens(&stage, Q, "/a");
        at(5);
        unlinks(&stage, P, "/a");
        at(6);
        unlinks(&stage, Q, "/a");
        stage_tells(&stage, "silent 1@0 2@5^ tree 200\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_killed, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(story_goes_on_behind_the_absence_and_not_before) {
        open_stage(true);
        opens(&stage, P, "/a");
        at(2);
        opens(&stage, P, "/b");
        at(7);
        opens(&stage, P, "/b");
        stage_tells(&stage, "silent 1@0 2@5^ 3@7 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(repeating_the_step_before_it_does_not_put_the_alert_off) {
        open_stage(false);
        for (unsigned i = 0; i < 5; i++) {
                at(i);
                opens(&stage, P, "/a");
        }
        at(6);
        tick(&stage);
        stage_tells(&stage, "silent 1@0 2@5^ tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(window_that_ends_with_the_absence_lets_it_fire_first_and_one_that_ends_before_ends_the_run) {
        silent(false, KEY_TREE)->within_ns = 5 * SECOND;
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        at(9);
        tick(&stage);
        stage_tells(&stage, "silent 1@0 2@5^ tree 100\n");
        stage_close(&stage);

        silent(false, KEY_TREE)->within_ns = 4 * SECOND;
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        at(9);
        tick(&stage);
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_expired, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(run_outlives_its_key_as_long_as_it_waits_on_an_absence) {
        for (enum program_key by = KEY_TREE; by <= KEY_DESCENT; by++) {
                silent(false, by);
                stage_open(&stage, builder_finish(&b));
                opens(&stage, P, "/a");
                at(1);
                exits(&stage, P);
                ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
                at(2);
                unlinks(&stage, P, "/a");       /* late: seen by nobody */
                at(6);
                tick(&stage);
                ck_assert_uint_eq(stage_stats(&stage)->n_completed, 1);
                ck_assert_uint_eq(stage_stats(&stage)->n_keys, 0);
                stage_close(&stage);
        }

        open_stage(true);               /* then it would have to wait for an event that nobody is left to do */
        opens(&stage, P, "/a");
        exits(&stage, P);
        at(6);
        tick(&stage);
        ck_assert_uint_eq(stage_stats(&stage)->n_key_ended, 1);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(alerts_of_one_moment_are_joined_in_the_order_of_time) {
        silent(false, KEY_TREE)->suppress_ns = 3 * SECOND;
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");         /* told at 5; joined until 8 */
        at(30);
        tick(&stage);
        at(31);
        opens(&stage, P, "/a");         /* told at 36 */
        at(100);
        tick(&stage);
        stage_tells(&stage, "silent 1@0 2@5^ tree 100\n"
                            "silent 1@31 2@36^ tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(gap_of_what_must_not_happen_touches_the_run) {
        open_stage(false);
        opens(&stage, P, "/a");
        gap(&stage, wire_kind_bit(WIRE_KIND_unlink), 3);
        at(6);
        tick(&stage);
        stage_tells(&stage, "silent 1@0 2@5^ tree 100 gap=3\n");
        stage_close(&stage);

        silent(false, KEY_TREE)->on_loss = ON_LOSS_SKIP;
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        gap(&stage, wire_kind_bit(WIRE_KIND_unlink), 3);
        at(6);
        tick(&stage);
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_withheld, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(absence_goes_on_over_a_reload) {
        struct program *same;

        silent(false, KEY_TREE);
        same = builder_finish(&b);
        open_stage(false);
        opens(&stage, P, "/a");
        stage_swap(&stage, same);
        at(6);
        tick(&stage);
        stage_tells(&stage, "silent 1@0 2@5^ tree 100\n");
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/absence", nothing_happened_once_the_clock_has_passed_the_deadline,
          event_at_the_deadline_still_ends_the_run_and_one_behind_it_does_not,
          story_goes_on_behind_the_absence_and_not_before, repeating_the_step_before_it_does_not_put_the_alert_off,
          window_that_ends_with_the_absence_lets_it_fire_first_and_one_that_ends_before_ends_the_run,
          run_outlives_its_key_as_long_as_it_waits_on_an_absence,
          alerts_of_one_moment_are_joined_in_the_order_of_time, gap_of_what_must_not_happen_touches_the_run,
          absence_goes_on_over_a_reload)
