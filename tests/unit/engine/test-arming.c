/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/cleanup.h"
#include "event/enforcement.h"
#include "stage.h"
#include "unit.h"

static struct stage stage;

static struct path *begin(enum program_key by) {
        struct path *path;

        stage_arming = true;
        builder_init(&b);
        path = builder_path(&b, "p");
        path->enforce = PATH_ENFORCE_KILL;
        path->by = by;
        path->within_ns = 10 * SECOND;
        path->suppress_ns = 0;
        return path;
}

/* openat { $f = file }, execve { file == $f } */
static struct program *open_and_run(enum program_key by) {
        begin(by);
        step(WIRE_KIND_openat, builder_true(&b), 1);
        builder_capture(&b, "$f", FIELD_openat_file);
        step(WIRE_KIND_execve, builder_guard(&b, FIELD_execve_file, 0), POSITION_ACCEPT);
        return builder_finish(&b);
}

static void set_file(enum field field, uint64_t inode) {
        record_set_object(&stage.record, field, &(struct wire_object){.inode = inode, .device = 1});
}

static void opens_file(uint32_t pid, uint64_t inode) {
        stage_begin(&stage, WIRE_KIND_openat, pid);
        set_file(FIELD_openat_file, inode);
        stage_feed(&stage);
}

static void runs_file(uint32_t pid, uint64_t inode) {
        stage_begin(&stage, WIRE_KIND_execve, pid);
        set_file(FIELD_execve_file, inode);
        stage_feed(&stage);
}

static void connects(uint32_t pid, uint16_t port) {
        stage_begin(&stage, WIRE_KIND_connect, pid);
        record_set_number(&stage.record, FIELD_connect_dport, port);
        stage_feed(&stage);
}

static void arm_again_tells(const char *expected) {
        engine_arm_again(stage.engine);
        stage_tells(&stage, expected);
}

START_TEST(a_story_at_its_last_step_is_armed_with_what_it_captured_until_it_is_over) {
        stage_open(&stage, open_and_run(KEY_PROCESS));
        opens_file(P, 7);
        stage_tells(&stage, "armed 100: 10/1/7\n");
        at(1);
        runs_file(P, 8);
        runs_file(Q, 7);
        stage_tells(&stage, "");
        arm_again_tells("armed 100: 10/1/7\n");
        runs_file(P, 7);
        stage_tells(&stage, "armed 100:\np 1@0 2@1 process 100 $f=0:1/7\n");
        arm_again_tells("");

        opens_file(Q, 9);
        stage_tells(&stage, "armed 200: 11/1/9\n");
        at(12);
        tick(&stage);
        stage_tells(&stage, "armed 200:\n");
        stage_close(&stage);
}
END_TEST

START_TEST(stories_that_captured_different_things_are_armed_side_by_side_and_each_ends_alone) {
        stage_open(&stage, open_and_run(KEY_PROCESS));
        opens_file(P, 7);
        at(2);
        opens_file(P, 8);
        opens_file(Q, 9);
        stage_tells(&stage, "armed 100: 10/1/7\narmed 100: 12/1/8 10/1/7\narmed 200: 12/1/9\n");
        runs_file(P, 8);
        stage_tells(&stage, "armed 100: 10/1/7\np 1@2 2@2 process 100 $f=0:1/8\n");
        exits(&stage, P);
        stage_tells(&stage, "armed 100:\n");
        arm_again_tells("armed 200: 12/1/9\n");
        stage_close(&stage);
}
END_TEST

START_TEST(more_than_there_is_room_for_are_told_and_armed_when_others_are_over) {
        stage_open(&stage, open_and_run(KEY_HOST));
        for (uint64_t inode = 1; inode <= ENFORCEMENT_MAX_RUNS; inode++)
                opens_file(P, inode);
        stage.told[stage.n_told = 0] = 0;
        opens_file(P, 9);
        stage_tells(&stage, "armed 0 crowded: 10/1/9 10/1/8 10/1/7 10/1/6 10/1/5 10/1/4 10/1/3 10/1/2\n");
        runs_file(P, 1);
        stage_tells(&stage, "armed 0: 10/1/9 10/1/8 10/1/7 10/1/6 10/1/5 10/1/4 10/1/3 10/1/2\n"
                            "p 1@0 2@0 host $f=0:1/1\n");
        opens_file(P, 1);
        stage.told[stage.n_told = 0] = 0;
        runs_file(P, 5);
        stage_tells(&stage, "armed 0: 10/1/1 10/1/9 10/1/8 10/1/7 10/1/6 10/1/4 10/1/3 10/1/2\n"
                            "p 1@0 2@0 host $f=0:1/5\n");
        stage_close(&stage);
}
END_TEST

START_TEST(stories_that_the_kernel_cannot_tell_apart_are_one_and_the_last_deadline_counts) {
        begin(KEY_PROCESS);
        step(WIRE_KIND_openat, builder_true(&b), 1);
        builder_capture(&b, "$p", PATHNAME);
        step(WIRE_KIND_connect, builder_number(&b, PREDICATE_EQUAL, FIELD_connect_dport, 1), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        at(2);
        opens(&stage, P, "/b");
        stage_tells(&stage, "armed 100: 10/1\narmed 100: 12/1\n");
        at(11);
        tick(&stage);
        stage_tells(&stage, "armed 100: 12/1\n");
        stage_close(&stage);
}
END_TEST

START_TEST(a_story_is_armed_for_those_last_steps_that_it_waits_for_and_no_others) {
        struct path *path = begin(KEY_PROCESS);

        path->within_ns = 0;
        builder_position(&b);
        builder_step(&b, WIRE_KIND_openat, opened("/a"), 1);
        builder_step(&b, WIRE_KIND_openat, opened("/b"), 2);
        step(WIRE_KIND_connect, builder_number(&b, PREDICATE_EQUAL, FIELD_connect_dport, 1), POSITION_ACCEPT);
        step(WIRE_KIND_connect, builder_number(&b, PREDICATE_GREATER, FIELD_connect_dport, 2), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/b");
        stage_tells(&stage, "armed 100: -/2\n");
        opens(&stage, P, "/a");
        stage_tells(&stage, "armed 100: -/1 -/2\n");
        connects(P, 1);
        stage_tells(&stage, "armed 100: -/2\np 1@0 3@0 process 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(units_are_told_by_name) {
        stage_open(&stage, open_and_run(KEY_UNIT));
        stage_begin(&stage, WIRE_KIND_cgroup, 0);
        record_set_number(&stage.record, FIELD_cgroup_id, 42);
        record_set_text(&stage.record, FIELD_cgroup_path, "/system.slice/web.service");
        stage_feed(&stage);
        stage_begin(&stage, WIRE_KIND_openat, P);
        stage.record.header.cgroup_id = 42;
        set_file(FIELD_openat_file, 7);
        stage_feed(&stage);
        stage_tells(&stage, "armed web.service0: 10/1/7\n");
        stage_close(&stage);
}
END_TEST

START_TEST(who_was_armed_before_a_restart_or_a_reload_is_armed_again) {
        _cleanup_(strbuf_done) struct strbuf saved = {};
        struct carried carried;

        stage_open(&stage, open_and_run(KEY_PROCESS));
        opens_file(P, 7);
        opens_file(P, 8);
        opens_file(Q, 9);
        stage_save(&stage, &saved);
        ck_assert_int_eq(stage_restart(&stage, NULL, &saved, &carried), 0);
        stage.told[stage.n_told = 0] = 0;
        engine_arm_again(stage.engine);
        ck_assert_ptr_nonnull(strstr(stage.told, "armed 100: 10/1/8 10/1/7\n"));
        ck_assert_ptr_nonnull(strstr(stage.told, "armed 200: 10/1/9\n"));

        stage_swap(&stage, open_and_run(KEY_PROCESS));
        stage.told[stage.n_told = 0] = 0;
        engine_arm_again(stage.engine);
        ck_assert_ptr_nonnull(strstr(stage.told, "armed 100: 10/1/8 10/1/7\n"));
        stage.told[stage.n_told = 0] = 0;
        at(1);
        runs_file(P, 7);
        stage_tells(&stage, "armed 100: 10/1/8\np 1@0 2@1 process 100 $f=0:1/7\n");
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/arming", a_story_at_its_last_step_is_armed_with_what_it_captured_until_it_is_over,
          stories_that_captured_different_things_are_armed_side_by_side_and_each_ends_alone,
          more_than_there_is_room_for_are_told_and_armed_when_others_are_over,
          stories_that_the_kernel_cannot_tell_apart_are_one_and_the_last_deadline_counts,
          a_story_is_armed_for_those_last_steps_that_it_waits_for_and_no_others, units_are_told_by_name,
          who_was_armed_before_a_restart_or_a_reload_is_armed_again)
