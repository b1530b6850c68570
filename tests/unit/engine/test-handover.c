/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stdio.h>

#include "stage.h"
#include "unit.h"

static struct stage stage;

START_TEST(reload_keeps_runs_counters_and_suppression_of_unchanged_paths_and_ends_the_others) {
        struct path *path;
        uint64_t n_matches, n_runs;

        builder_init(&b);
        two("gone")->suppress_ns = 60 * SECOND;
        two("stays")->suppress_ns = 60 * SECOND;
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        opens(&stage, P, "/a");
        stage_tells(&stage, "gone 1@0 2@0 tree 100\nstays 1@0 2@0 tree 100\n");

        builder_init(&b);
        two("another");
        path = two("gone");
        path->hash[15] ^= 1;
        two("stays");
        stage_swap(&stage, builder_finish(&b));
        stage_tells(&stage, "gone summary=1 tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        ck_assert_uint_eq(stage_stats(&stage)->n_ended_by_reload, 1);
        engine_path_stats(stage.engine, 2, &n_matches, &n_runs);
        ck_assert_uint_eq(n_matches, 2);
        ck_assert_uint_eq(n_runs, 1);
        engine_path_stats(stage.engine, 1, &n_matches, &n_runs);
        ck_assert_uint_eq(n_matches, 0);

        opens(&stage, P, "/b");
        stage_tells(&stage, "");        /* joined to the alert before the reload */
        engine_end(stage.engine);
        stage_tells(&stage, "stays summary=2 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(reload_with_runs_under_a_capture_finds_them_again) {
        stage_open(&stage, tuples("m", 0));
        opens(&stage, P, "/1");
        opens(&stage, P, "/2");

        builder_init(&b);
        two("a");
        builder_path(&b, "m")->suppress_ns = 0;
        step(WIRE_KIND_openat, builder_true(&b), 1);
        builder_capture(&b, "$f", PATHNAME);
        step(WIRE_KIND_unlink, builder_guard(&b, UNLINKED, 0), POSITION_ACCEPT);
        stage_swap(&stage, builder_finish(&b));
        unlinks(&stage, P, "/2");
        stage_tells(&stage, "m 1@0 2@0 tree 100 $f=/2\n");
        opens(&stage, P, "/1");
        ck_assert_uint_eq(stage_stats(&stage)->n_merged, 1);
        stage_close(&stage);
}
END_TEST

static struct program *attempted;

static int attempt_swap(void *userdata) {
        uint64_t n_runs = stage_stats(&stage)->n_runs;
        int r = engine_swap(stage.engine, attempted);

        if (r < 0)
                ck_assert_uint_eq(stage_stats(&stage)->n_runs, n_runs);
        return r;
}

START_TEST(reload_that_finds_no_memory_changes_nothing) {
        stage_open(&stage, two_by(KEY_TREE, 0));
        opens(&stage, P, "/a");
        attempted = two_by(KEY_TREE, 0);
        alloc_fail_sweep(attempt_swap, NULL);
        program_unref(stage.program);
        stage.program = attempted;
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/handover",
          reload_keeps_runs_counters_and_suppression_of_unchanged_paths_and_ends_the_others,
          reload_with_runs_under_a_capture_finds_them_again,
          reload_that_finds_no_memory_changes_nothing)
