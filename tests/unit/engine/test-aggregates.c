/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates, as the engine takes them (docs/SEMANTICS.md, "Aggregates"). */
#include "engine/engine.h"
#include "process/process-table.h"

#include "stage.h"
#include "unit.h"

static struct stage stage;

/* So many more opens, the first of them `since` seconds after the beginning. */
static void opens_more(uint32_t pid, const char *path, uint64_t count, double since) {
        stage_begin(&stage, WIRE_KIND_openat, pid);
        record_set_text(&stage.record, PATHNAME, path);
        stage.record.aggregate = (struct wire_aggregate){
                .count = count,
                .first_ns = STAGE_START + (uint64_t)(since * 1e9),
        };
        stage_feed(&stage);
}

/* repeat 5 within 10s { openat below /a } */
static struct path *five_times(void) {
        struct path *path = builder_path(&b, "five");

        path->suppress_ns = 0;
        builder_position(&b);
        builder_count(&b, WIRE_KIND_openat, opened_below("/a"), POSITION_ACCEPT, 5, 10 * SECOND, FIELD_NONE);
        return array_last(&b.assembly.paths);
}

START_TEST(aggregate_counts_as_often_as_it_says) {
        builder_init(&b);
        five_times();
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        opens_more(P, "/a", 3, 0);
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_counts, 4);
        at(1);
        opens_more(P, "/a", 1, 1);
        stage_tells(&stage, "five 1@0*5 tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_events, 5);
        stage_close(&stage);
}
END_TEST

START_TEST(aggregate_can_complete_a_count_more_than_once) {
        builder_init(&b);
        five_times();
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        opens_more(P, "/a", 12, 0);
        stage_tells(&stage, "five 1@0*5 tree 100\nfive 1@0*5 tree 100\n");
        ck_assert_uint_eq(stage_stats(&stage)->n_counts, 3);
        stage_close(&stage);
}
END_TEST

START_TEST(counted_events_have_the_time_at_which_they_are_told) {
        builder_init(&b);
        five_times();
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        at(0.2);
        opens_more(P, "/a", 3, 0.1);
        at(10.1);
        opens(&stage, P, "/a");         /* the first of all is too old, the others are not */
        stage_tells(&stage, "");
        at(10.2);
        opens(&stage, P, "/a");
        stage_tells(&stage, "five 1@0.2*5 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(points_are_added_for_each) {
        builder_init(&b);
        builder_path(&b, "score")->suppress_ns = 0;
        builder_score(&b, 10, 1, 100 * SECOND);
        builder_position(&b);
        builder_points(&b, WIRE_KIND_openat, opened_below("/a"), 4);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        opens_more(P, "/a", 2, 0);
        stage_tells(&stage, "score 1@0*3 tree 100 score=12/10\n");
        stage_close(&stage);
}
END_TEST

START_TEST(story_of_one_step_is_told_once_and_the_others_are_joined) {
        builder_init(&b);
        builder_path(&b, "one")->suppress_ns = 60 * SECOND;
        step(WIRE_KIND_openat, opened("/a"), POSITION_ACCEPT);
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        stage_tells(&stage, "one 1@0 tree 100\n");
        opens_more(P, "/a", 7, 0);
        stage_tells(&stage, "");
        engine_end(stage.engine);
        stage_tells(&stage, "one summary=7 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(longer_story_does_not_see_an_aggregate) {
        builder_init(&b);
        five_times();
        two("two");
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        at(1);
        opens_more(P, "/b", 3, 1);
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 2);
        opens_more(Q, "/a", 3, 1);      /* nor does it begin with one; the count does */
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 3);
        opens(&stage, P, "/b");
        stage_tells(&stage, "two 1@0 2@1 tree 100\n");
        stage_close(&stage);
}
END_TEST

START_TEST(aggregate_of_a_process_that_is_gone_counts_for_nobody) {
        builder_init(&b);
        five_times()->by = KEY_PROCESS;
        stage_open(&stage, builder_finish(&b));
        opens(&stage, P, "/a");
        exits(&stage, P);
        opens_more(P, "/a", 9, 0);
        stage_tells(&stage, "");
        ck_assert_uint_eq(stage_stats(&stage)->n_runs, 0);
        stage_close(&stage);
}
END_TEST

START_TEST(credentials_of_an_aggregate_are_not_the_newest) {
        const struct process *process;

        builder_init(&b);
        five_times();
        stage_open(&stage, builder_finish(&b));
        stage_begin(&stage, WIRE_KIND_openat, P);
        stage.record.header.uid = 7;
        stage_feed(&stage);
        process = process_table_find(stage.table, &(struct identity){.pid = P,
                                                                     .start_ns = stage.record.header.start_ns});
        ck_assert_ptr_nonnull(process);
        ck_assert_uint_eq(process->uid, 7);
        stage_begin(&stage, WIRE_KIND_openat, P);
        stage.record.header.uid = 1;
        stage.record.aggregate = (struct wire_aggregate){.count = 1, .first_ns = STAGE_START};
        stage_feed(&stage);
        ck_assert_uint_eq(process->uid, 7);
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/aggregates",
          aggregate_counts_as_often_as_it_says,
          aggregate_can_complete_a_count_more_than_once,
          counted_events_have_the_time_at_which_they_are_told,
          points_are_added_for_each,
          story_of_one_step_is_told_once_and_the_others_are_joined,
          longer_story_does_not_see_an_aggregate,
          aggregate_of_a_process_that_is_gone_counts_for_nobody,
          credentials_of_an_aggregate_are_not_the_newest)
