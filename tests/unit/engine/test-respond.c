/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stdio.h>

#include "stage.h"
#include "unit.h"

static struct stage stage;

/* The last step of the program has responders. */
static void respond(void) {
        struct program_string text = assembly_string(&b.assembly, "stop", 4);
        uint32_t first = ASSEMBLY_ADD(&b.assembly, texts, text);

        array_last(&b.assembly.steps)->respond = (struct program_range){.first = first, .n = 1};
}

static struct path *begin(const char *name) {
        struct path *path;

        builder_init(&b);
        path = builder_path(&b, name);
        path->suppress_ns = 0;
        return path;
}

/* openat /a, openat /b with responders, openat /c */
static struct program *three(enum program_key by) {
        begin("three")->by = by;
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_openat, opened("/b"), 2);
        respond();
        step(WIRE_KIND_openat, opened("/c"), POSITION_ACCEPT);
        return builder_finish(&b);
}

START_TEST(a_step_with_responders_is_told_when_it_is_taken_and_takes_no_number) {
        stage_open(&stage, three(KEY_TREE));
        opens(&stage, P, "/a");
        stage_tells(&stage, "");
        at(1);
        opens(&stage, P, "/b");
        stage_tells(&stage, "three step=2 1@0 2@1 tree 100\n");
        opens(&stage, P, "/b");
        stage_tells(&stage, "");
        opens(&stage, P, "/c");
        stage_tells(&stage, "three 1@0 2@1 3@1 tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_steps_told, 1);
        ck_assert_uint_eq(stage_stats(&stage)->n_completed, 1);
        stage_close(&stage);
}
END_TEST

START_TEST(the_first_and_the_last_step_may_have_responders_as_well) {
        begin("one");
        step(WIRE_KIND_openat, opened("/a"), POSITION_ACCEPT);
        respond();
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        stage_tells(&stage, "one step=1 1@0 tree 100\none 1@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(of_runs_that_know_the_same_one_is_told) {
        stage_open(&stage, three(KEY_DESCENT));
        forks(&stage, P, Q);
        opens(&stage, P, "/a");
        opens(&stage, Q, "/a");
        opens(&stage, Q, "/b");
        stage_tells(&stage, "three step=2 1@0 2@0 descent 100\n");
        stage_close(&stage);
}
END_TEST

/* openat { $f }, unlink with responders, openat /c */
START_TEST(runs_that_know_different_things_are_told_each_up_to_a_bound) {
        char path[16];

        begin("many");
        step(WIRE_KIND_openat, opened_below("/f"), 1);
        builder_capture(&b, "$f", PATHNAME);
        step(WIRE_KIND_unlink, builder_true(&b), 2);
        respond();
        step(WIRE_KIND_openat, opened("/c"), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/f1");
        opens(&stage, P, "/f2");
        unlinks(&stage, P, "/x");
        stage_tells(&stage, "many step=2 1@0 2@0 tree 100 $f=/f1\nmany step=2 1@0 2@0 tree 100 $f=/f2\n");

        for (int i = 0; i < 40; i++) {
                snprintf(path, sizeof(path), "/f%d", i);
                opens(&stage, Q, path);
        }
        unlinks(&stage, Q, "/x");
        ck_assert_uint_eq(stage_stats(&stage)->n_steps_told, 2 + 32);
        ck_assert_uint_eq(stage_stats(&stage)->n_steps_left, 8);
        stage_close(&stage);
}
END_TEST

START_TEST(a_repeat_is_told_when_it_is_full) {
        begin("count");
        step(WIRE_KIND_openat, opened("/a"), 1);
        builder_position(&b);
        builder_count(&b, WIRE_KIND_unlink, builder_true(&b), 2, 3, 0, FIELD_NONE);
        respond();
        step(WIRE_KIND_openat, opened("/c"), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        unlinks(&stage, P, "/x");
        unlinks(&stage, P, "/x");
        stage_tells(&stage, "");
        unlinks(&stage, P, "/x");
        stage_tells(&stage, "count step=2 1@0 2@0*3 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(what_did_not_happen_is_told_when_the_time_is_over) {
        begin("absent");
        step(WIRE_KIND_openat, opened("/a"), 1);
        builder_position(&b);
        builder_absence(&b, WIRE_KIND_unlink, 2 * SECOND, 2);
        builder_kill(&b, WIRE_KIND_unlink, unlinked("/x"));
        array_last(&b.assembly.steps)->kind = WIRE_KIND_unlink;
        respond();
        step(WIRE_KIND_openat, opened("/c"), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        opens(&stage, Q, "/a");
        unlinks(&stage, Q, "/x");
        at(3);
        tick(&stage);
        stage_tells(&stage, "absent step=2 1@0 2@2^ tree 100\n");
        stage_close(&stage);
}
END_TEST

/* openat /a, then unlink none or more times with responders, openat /c */
START_TEST(a_step_that_comes_none_or_more_times_is_told_the_first_time) {
        uint32_t again;

        begin("loop");
        step(WIRE_KIND_openat, opened("/a"), 1);
        again = b.assembly.steps.n;
        ASSEMBLY_ADD(
                &b.assembly, steps,
                ((struct step){.line = 1, .column = 1, .number = 2, .kind = WIRE_KIND_unlink, .block = PROGRAM_NONE}));
        respond();
        step(WIRE_KIND_openat, opened("/c"), POSITION_ACCEPT);
        builder_again(&b, WIRE_KIND_unlink, builder_true(&b), again);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        unlinks(&stage, P, "/x");
        stage_tells(&stage, "loop step=2 1@0 2@0 tree 100\n");
        unlinks(&stage, P, "/x");
        stage_tells(&stage, "");
        stage_close(&stage);
}
END_TEST

START_TEST(a_run_that_until_ends_with_the_step_is_not_told) {
        begin("until");
        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_unlink, builder_true(&b), 2);
        respond();
        step(WIRE_KIND_openat, opened("/c"), POSITION_ACCEPT);
        builder_until(&b, WIRE_KIND_unlink, unlinked("/u"), 0);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        unlinks(&stage, P, "/u");
        stage_tells(&stage, "");
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/respond", a_step_with_responders_is_told_when_it_is_taken_and_takes_no_number,
          the_first_and_the_last_step_may_have_responders_as_well, of_runs_that_know_the_same_one_is_told,
          runs_that_know_different_things_are_told_each_up_to_a_bound, a_repeat_is_told_when_it_is_full,
          what_did_not_happen_is_told_when_the_time_is_over,
          a_step_that_comes_none_or_more_times_is_told_the_first_time, a_run_that_until_ends_with_the_step_is_not_told)
