/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stdio.h>

#include "stage.h"
#include "unit.h"

static struct stage stage;

START_TEST(run_ends_when_the_clock_has_passed_its_deadline_and_not_before) {
        builder_init(&b);
        two("quick")->within_ns = 5 * SECOND;
        stage_open(&stage, builder_finish(&b));

        opens(&stage, P, "/a");
        ck_assert_uint_eq(engine_next_deadline(stage.engine), STAGE_START + 5 * SECOND + 1);
        at(5);
        opens(&stage, P, "/b");
        stage_tells(&stage, "quick 1@0 2@5 tree 100\n");

        at(6);
        opens(&stage, P, "/a");
        at(12);
        opens(&stage, P, "/b");
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_expired, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(tick_does_what_an_event_that_comes_too_late_does) {
        builder_init(&b);
        two("quick")->within_ns = 5 * SECOND;
        stage_open(&stage, builder_finish(&b));

        opens(&stage, P, "/a");
        at(5);
        tick(&stage);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        engine_tick(stage.engine, STAGE_START + 5 * SECOND + 1);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_keys, 0);
        ck_assert_uint_eq(engine_next_deadline(stage.engine), UINT64_MAX);
        stage_close(&stage);
}
END_TEST

START_TEST(time_that_runs_backwards_moves_nothing_back) {
        builder_init(&b);
        two("quick")->within_ns = 5 * SECOND;
        stage_open(&stage, builder_finish(&b));

        at(10);
        tick(&stage);
        at(2);
        opens(&stage, P, "/a");         /* at 10 */
        at(14);
        opens(&stage, P, "/b");
        ck_assert_uint_eq(stage_stats(&stage)->n_completed, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(process_key_does_not_follow_a_fork) {
        stage_open(&stage, two_by(KEY_PROCESS, 0));
        opens(&stage, P, "/a");
        forks(&stage, P, Q);
        opens(&stage, Q, "/b");
        stage_tells(&stage, "");
        executes(&stage, P, "/bin/true");
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@0 2@0 process 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(tree_key_is_shared_by_children) {
        stage_open(&stage, two_by(KEY_TREE, 0));
        opens(&stage, P, "/a");
        forks(&stage, P, Q);
        forks(&stage, Q, R);
        opens(&stage, R, "/b");
        stage_tells(&stage, "two 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(descent_is_seen_from_its_anchor_and_below_and_the_outermost_alerts) {
        stage_open(&stage, two_by(KEY_DESCENT, 0));
        forks(&stage, P, Q);
        at(1);
        opens(&stage, P, "/a");
        at(2);
        opens(&stage, Q, "/a");
        at(3);
        opens(&stage, Q, "/b");
        stage_tells(&stage, "two 1@1 2@3 descent 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);

        opens(&stage, Q, "/a");
        opens(&stage, P, "/b");
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(user_key_is_the_login_else_the_real_user) {
        stage_open(&stage, two_by(KEY_USER, 0));
        stage_begin(&stage, WIRE_KIND_openat, P);
        record_set_text(&stage.record, PATHNAME, "/a");
        stage.record.header.loginuid = 1000;
        stage_feed(&stage);
        stage_begin(&stage, WIRE_KIND_openat, Q);
        record_set_text(&stage.record, PATHNAME, "/b");
        stage.record.header.uid = 1000;
        stage_feed(&stage);
        stage_tells(&stage, "two 1@0 2@0 user 1000\n");
        stage_close(&stage);
}
END_TEST

START_TEST(unit_key_is_the_cgroup_at_the_event_and_none_is_no_key) {
        stage_open(&stage, two_by(KEY_UNIT, 0));
        stage_begin(&stage, WIRE_KIND_cgroup, 0);
        record_set_number(&stage.record, FIELD_cgroup_id, 7);
        record_set_text(&stage.record, FIELD_cgroup_path, "/system.slice/nginx.service");
        stage_feed(&stage);

        opens(&stage, R, "/a");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        stage_begin(&stage, WIRE_KIND_openat, P);
        record_set_text(&stage.record, PATHNAME, "/a");
        stage.record.header.cgroup_id = 7;
        stage_feed(&stage);
        stage_begin(&stage, WIRE_KIND_openat, Q);
        record_set_text(&stage.record, PATHNAME, "/b");
        stage.record.header.cgroup_id = 7;
        stage_feed(&stage);
        stage_tells(&stage, "two 1@0 2@0 unit nginx.service\n");
        stage_close(&stage);
}
END_TEST

static struct program *event_then_open(enum program_key by, enum wire_kind kind, enum field field) {
        builder_init(&b);
        builder_path(&b, "two")->by = by;
        step(kind, builder_text(&b, PREDICATE_CONTAINS, field, "b"), 1);
        step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        return builder_finish(&b);
}

START_TEST(what_is_told_of_a_unit_or_container_is_in_its_key_whoever_did_it) {
        static const struct {
                enum program_key by;
                enum wire_kind kind;
                enum field field;
                const char *group, *name, *told;
        } cases[] = {
                {KEY_UNIT, WIRE_KIND_unit, FIELD_unit_name, "/system.slice/web.service", "web.service",
                 "two 1@0 2@0 unit web.service\n"},
                {KEY_CONTAINER, WIRE_KIND_container, FIELD_container_id, "/machine.slice/machine-web.scope", "web",
                 "two 1@0 2@0 container web\n"},
        };

        for (size_t i = 0; i < 2; i++) {
                stage_open(&stage, event_then_open(cases[i].by, cases[i].kind, cases[i].field));
                stage_begin(&stage, WIRE_KIND_cgroup, 0);
                record_set_number(&stage.record, FIELD_cgroup_id, 7);
                record_set_text(&stage.record, FIELD_cgroup_path, cases[i].group);
                stage_feed(&stage);

                /* It is not known which: no key, though the actor is in one. */
                stage_begin(&stage, cases[i].kind, P);
                stage.record.header.cgroup_id = 7;
                stage_feed(&stage);
                ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
                stage_begin(&stage, cases[i].kind, i == 0 ? 0 : R);
                record_set_text(&stage.record, cases[i].field, cases[i].name);
                stage_feed(&stage);
                opens(&stage, R, "/b");
                stage_tells(&stage, "");
                stage_begin(&stage, WIRE_KIND_openat, Q);
                record_set_text(&stage.record, PATHNAME, "/b");
                stage.record.header.cgroup_id = 7;
                stage_feed(&stage);
                stage_tells(&stage, cases[i].told);
                stage_close(&stage);
        }
}
END_TEST

START_TEST(key_ends_with_its_last_member_and_late_records_revive_nothing) {
        stage_open(&stage, two_by(KEY_TREE, 0));
        forks(&stage, P, Q);
        opens(&stage, P, "/a");
        exits(&stage, P);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        opens(&stage, P, "/a");         /* late, but the tree lives */
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        exits(&stage, Q);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        ck_assert_uint_eq(stage_stats(&stage)->n_key_ended, 1);
        opens(&stage, Q, "/a");
        opens(&stage, Q, "/b");
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(exit_is_still_an_event_of_the_last_member) {
        builder_init(&b);
        builder_path(&b, "left");
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_exit, builder_true(&b), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        exits(&stage, P);
        stage_tells(&stage, "left 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(descent_ends_when_anchor_and_descendants_have_exited) {
        stage_open(&stage, two_by(KEY_DESCENT, 0));
        forks(&stage, P, Q);
        forks(&stage, Q, R);
        opens(&stage, P, "/a");
        exits(&stage, P);
        exits(&stage, R);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        exits(&stage, Q);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(same_story_again_is_joined_until_its_window_ends_and_then_summed_up) {
        builder_init(&b);
        builder_path(&b, "noisy")->suppress_ns = 10 * SECOND;
        step(WIRE_KIND_openat, opened("/a"), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));

        opens(&stage, P, "/a");
        at(4);
        opens(&stage, P, "/a");
        at(10);
        opens(&stage, P, "/a");
        stage_tells(&stage, "noisy 1@0 tree 100\n");
        at(11);
        opens(&stage, P, "/a");
        stage_tells(&stage, "noisy summary=2 tree 100\nnoisy 1@11 tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_suppressed, 2);

        executes(&stage, P, "/bin/other");      /* another image is another story */
        opens(&stage, P, "/a");
        stage_tells(&stage, "noisy 1@11 tree 100\n");
        opens(&stage, P, "/a");
        engine_end(stage.engine);
        stage_tells(&stage, "noisy summary=1 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(more_stories_than_can_be_remembered_end_the_oldest_early) {
        stage_limits.max_suppressed = 2;
        builder_init(&b);
        builder_path(&b, "noisy");
        step(WIRE_KIND_openat, builder_true(&b), POSITION_ACCEPT);
        builder_capture(&b, "$f", PATHNAME);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/1");
        opens(&stage, P, "/2");
        opens(&stage, P, "/1");
        opens(&stage, P, "/3");
        stage_tells(&stage, "noisy 1@0 tree 100 $f=/1\n"
                            "noisy 1@0 tree 100 $f=/2\n"
                            "noisy summary=1 tree 100 $f=/1\n"
                            "noisy 1@0 tree 100 $f=/3\n");
        stage_close(&stage);
}
END_TEST

static struct program *with_losses(void) {
        builder_init(&b);
        two("alert")->on_loss = ON_LOSS_ALERT;
        builder_path(&b, "flagged");
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        builder_kill(&b, WIRE_KIND_unlink, unlinked("/a"));
        builder_path(&b, "skipped")->on_loss = ON_LOSS_SKIP;
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        builder_kill(&b, WIRE_KIND_unlink, unlinked("/a"));
        two("skipped_without_not")->on_loss = ON_LOSS_SKIP;
        return builder_finish(&b);
}

START_TEST(gap_touches_runs_that_wait_for_a_lost_kind_or_have_a_not_of_it) {
        stage_open(&stage, with_losses());
        opens(&stage, P, "/a");
        gap(&stage, wire_kind_bit(WIRE_KIND_unlink), 7);
        opens(&stage, P, "/b");
        stage_tells(&stage, "alert 1@0 2@0 tree 100\n"
                            "flagged 1@0 2@0 tree 100 gap=7\n"
                            "skipped_without_not 1@0 2@0 tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_withheld, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(skip_of_a_path_without_a_not_is_flag_and_alert_says_nothing) {
        stage_open(&stage, with_losses());
        opens(&stage, P, "/a");
        gap(&stage, wire_kind_bit(WIRE_KIND_openat), 3);
        gap(&stage, wire_kind_bit(WIRE_KIND_openat), 4);
        opens(&stage, P, "/b");
        stage_tells(&stage, "alert 1@0 2@0 tree 100\n"
                            "flagged 1@0 2@0 tree 100 gap=7\n"
                            "skipped_without_not 1@0 2@0 tree 100 gap=7\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_gaps, 2);
        stage_close(&stage);
}
END_TEST

static void make_noise(void) {
        for (unsigned i = 0; i < 1000; i++) {
                char path[16];

                snprintf(path, sizeof(path), "/%03u", i % 300);
                opens(&stage, P + i % 7, path);
                unlinks(&stage, P + i % 5, path);
                stage.n_told = 0;
        }
}

START_TEST(no_event_allocates) {
        size_t before;

        stage_open(&stage, tuples("m", 0));
        forks(&stage, P, Q);
        exits(&stage, Q);
        for (unsigned i = 0; i < 7; i++)        /* the table of processes takes its memory in chunks */
                opens(&stage, P + i, "/first");

        before = alloc_count();
        make_noise();
        ck_assert_uint_gt(stage_stats(&stage)->n_completed, 100);
        ck_assert_uint_gt(stage_stats(&stage)->n_evicted, 100);
        ck_assert_uint_eq(alloc_count() - before, 0);
        stage_close(&stage);
}
END_TEST

static struct program *attempted;

static int attempt_new(void *userdata) {
        const struct engine_sink sink = {};
        struct engine *engine;
        int r;

        r = engine_new(attempted, stage.table, &stage_limits, &sink, &engine);
        if (r < 0)
                return r;
        engine_free(engine);
        return 0;
}

START_TEST(engine_that_finds_no_memory_at_any_point_leaves_nothing_behind) {
        attempted = two_by(KEY_TREE, 0);
        stage_open(&stage, program_ref(attempted));
        alloc_fail_sweep(attempt_new, NULL);
        program_unref(attempted);
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/engine",
          run_ends_when_the_clock_has_passed_its_deadline_and_not_before,
          tick_does_what_an_event_that_comes_too_late_does,
          time_that_runs_backwards_moves_nothing_back,
          process_key_does_not_follow_a_fork,
          tree_key_is_shared_by_children,
          descent_is_seen_from_its_anchor_and_below_and_the_outermost_alerts,
          user_key_is_the_login_else_the_real_user,
          unit_key_is_the_cgroup_at_the_event_and_none_is_no_key,
          what_is_told_of_a_unit_or_container_is_in_its_key_whoever_did_it,
          key_ends_with_its_last_member_and_late_records_revive_nothing,
          exit_is_still_an_event_of_the_last_member,
          descent_ends_when_anchor_and_descendants_have_exited,
          same_story_again_is_joined_until_its_window_ends_and_then_summed_up,
          more_stories_than_can_be_remembered_end_the_oldest_early,
          gap_touches_runs_that_wait_for_a_lost_kind_or_have_a_not_of_it,
          skip_of_a_path_without_a_not_is_flag_and_alert_says_nothing,
          no_event_allocates,
          engine_that_finds_no_memory_at_any_point_leaves_nothing_behind)
