/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/observer.h"

#include <stdio.h>
#include <string.h>

#include "stage.h"
#include "unit.h"

static struct stage stage;
static char seen[4096];

static const char *const fates[_RUN_FATE_MAX] = {
        [RUN_BEGINS] = "begins",      [RUN_IS_COPIED] = "copied",     [RUN_FALLS_BACK] = "falls back",
        [RUN_TAKES] = "takes",        [RUN_COUNTS] = "counts",        [RUN_DOUBTS] = "doubts",
        [RUN_IS_KILLED] = "killed",   [RUN_IS_EXCEPTED] = "excepted", [RUN_EXPIRES] = "expires",
        [RUN_IS_MERGED] = "merged",   [RUN_IS_EVICTED] = "evicted",   [RUN_LOSES_KEY] = "loses key",
        [RUN_ALERTS] = "alerts",      [RUN_IS_JOINED] = "joined",     [RUN_IS_WITHHELD] = "withheld",
};

static void see(const char *text) {
        ck_assert_uint_lt(strlen(seen) + strlen(text), sizeof(seen));
        strcat(seen, text);
}

static void on_event(struct engine *engine, void *data) {
        see("event;");
}

/* "1 takes step 2@3;" */
static void on_run(const struct observation *o, void *data) {
        char text[128];
        int n;

        n = snprintf(text, sizeof(text), " %u %s", (unsigned)o->serial, fates[o->fate]);
        if (o->other > 0)
                n += snprintf(text + n, sizeof(text) - n, " of %u", (unsigned)o->other);
        if (o->edge != PROGRAM_NONE)
                n += snprintf(text + n, sizeof(text) - n, " step %u",
                              stage.program->steps[stage.program->edges[o->edge].step].number);
        snprintf(text + n, sizeof(text) - n, "@%g;", (double)(o->time_ns - STAGE_START) / SECOND);
        see(text);
}

static const struct engine_observer observer = { on_event, on_run, NULL };

static void open_observed(struct program *program) {
        stage_open(&stage, program);
        seen[0] = '\0';
        engine_observe(stage.engine, &observer);
}

static void sees(const char *expected) {
        ck_assert_str_eq(seen, expected);
        seen[0] = '\0';
}

START_TEST(what_a_run_does_is_told_in_the_order_in_which_it_happens) {
        open_observed(two_by(KEY_TREE, 0));
        opens(&stage, P, "/x");
        sees("event;");
        opens(&stage, P, "/a");
        sees("event; 1 begins@0; 1 takes step 1@0;");
        at(1);
        opens(&stage, P, "/a");
        sees("event; 2 begins@1; 2 takes step 1@1; 1 merged of 2@1;");
        at(2);
        opens(&stage, P, "/b");
        sees("event; 2 takes step 2@2; 2 alerts@2;");
        stage_close(&stage);
}
END_TEST

START_TEST(end_of_a_run_says_which_end_it_was) {
        open_observed(tuples("t", 5 * SECOND));
        opens(&stage, P, "/a");
        at(6);
        tick(&stage);
        sees("event; 1 begins@0; 1 takes step 1@0; 1 expires@5;");
        opens(&stage, P, "/a");
        exits(&stage, P);
        sees("event; 2 begins@6; 2 takes step 1@6;event; 2 loses key@6;");
        stage_close(&stage);
}
END_TEST

START_TEST(completion_that_is_not_told_is_seen) {
        open_observed(two_by(KEY_TREE, 60 * SECOND));
        for (unsigned i = 0; i < 2; i++) {
                opens(&stage, P, "/a");
                opens(&stage, P, "/b");
        }
        sees("event; 1 begins@0; 1 takes step 1@0;event; 1 takes step 2@0; 1 alerts@0;"
             "event; 2 begins@0; 2 takes step 1@0;event; 2 takes step 2@0; 2 joined@0;");
        stage_close(&stage);
}
END_TEST

START_TEST(observer_sees_events_that_nobody_waits_for_and_changes_no_outcome) {
        open_observed(two_by(KEY_TREE, 0));
        unlinks(&stage, P, "/a");
        sees("event;");
        engine_observe(stage.engine, NULL);
        opens(&stage, P, "/a");
        opens(&stage, P, "/b");
        sees("");
        stage_tells(&stage, "two 1@0 2@0 tree 100\n");
        stage_close(&stage);
}
END_TEST

UNIT_MAIN("engine/observer",
          what_a_run_does_is_told_in_the_order_in_which_it_happens,
          end_of_a_run_says_which_end_it_was,
          completion_that_is_not_told_is_seen,
          observer_sees_events_that_nobody_waits_for_and_changes_no_outcome)
