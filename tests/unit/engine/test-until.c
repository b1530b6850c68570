/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include "stage.h"
#include "unit.h"

static struct stage stage;

/* openat /a, openat /b, until unlink /u (or, with a capture, of what the first step opened below /a). */
static void open_stage(bool captured) {
        struct path *path;

        builder_init(&b);
        path = builder_path(&b, "until");
        path->suppress_ns = 0;
        step(WIRE_KIND_openat, captured ? opened_below("/a") : opened("/a"), 1);
        if (captured)
                builder_capture(&b, "$f", PATHNAME);
        step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        builder_until(&b, WIRE_KIND_unlink, captured ? builder_guard(&b, UNLINKED, 0) : unlinked("/u"), captured);
        stage_open(&stage, builder_finish(&b));
}

START_TEST(until_ends_the_runs_of_its_key_and_no_others) {
        open_stage(false);
        opens(&stage, P, "/a");
        opens(&stage, Q, "/a");
        unlinks(&stage, P, "/u");
        opens(&stage, P, "/b");
        stage_tells(&stage, "");
        opens(&stage, Q, "/b");
        stage_tells(&stage, "until 1@0 2@0 tree 200\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_ended_by_until, 1);
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(until_that_names_a_capture_ends_the_runs_that_hold_it) {
        open_stage(true);
        opens(&stage, P, "/a1");
        opens(&stage, P, "/a2");
        unlinks(&stage, P, "/a1");
        opens(&stage, P, "/b");
        stage_tells(&stage, "until 1@0 2@0 tree 100 $f=/a2\n");
        stage_close(&stage);
}
END_TEST

START_TEST(unknown_until_marks_the_runs_that_it_would_have_ended) {
        open_stage(true);
        opens(&stage, P, "/a1");
        unlinks_unknown(&stage, P);
        opens(&stage, P, "/b");
        stage_tells(&stage, "until 1@0 2@0 tree 100 $f=/a1 uncertain\n");
        stage_close(&stage);
}
END_TEST

/* Three steps; each openat below /b is an `until` as well. */
START_TEST(until_ends_what_advances_but_not_what_completes_or_begins) {
        struct path *path;

        builder_init(&b);
        path = builder_path(&b, "until");
        path->suppress_ns = 0;
        step(WIRE_KIND_openat, opened_below("/"), 1);
        step(WIRE_KIND_openat, opened_below("/b"), 2);
        step(WIRE_KIND_openat, opened_below("/b"), POSITION_ACCEPT);
        builder_until(&b, WIRE_KIND_openat, opened("/b1"), 0);
        stage_open(&stage, builder_finish(&b));

        opens(&stage, P, "/a");
        at(1);
        opens(&stage, P, "/b1");        /* advances and is ended; another one begins */
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 1);
        at(2);
        opens(&stage, P, "/b2");
        at(3);
        opens(&stage, P, "/b1");
        stage_tells(&stage, "until 1@1 2@2 3@3 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(gap_of_its_kind_touches_the_runs_that_it_looks_at) {
        open_stage(true);
        opens(&stage, P, "/a1");
        gap(&stage, wire_kind_bit(WIRE_KIND_unlink), 7);
        opens(&stage, P, "/b");
        stage_tells(&stage, "until 1@0 2@0 tree 100 $f=/a1 gap=7\n");
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/until", until_ends_the_runs_of_its_key_and_no_others,
          until_that_names_a_capture_ends_the_runs_that_hold_it,
          unknown_until_marks_the_runs_that_it_would_have_ended,
          until_ends_what_advances_but_not_what_completes_or_begins,
          gap_of_its_kind_touches_the_runs_that_it_looks_at)
