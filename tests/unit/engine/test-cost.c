/* SPDX-License-Identifier: Apache-2.0 */
/* What events cost, as far as it can be counted: memory, evaluations, the size of what is looked at. Times are for
 * bench/. */
#include "engine/engine-private.h"

#include "../unit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "stage.h"

/* A million events: a working set that stays as large as it is, stories that begin, advance, end and make room, a
 * process that is created, executes and exits now and then. */
static void live_through(struct stage *stage, unsigned n) {
        static unsigned turn;
        char path[32];

        for (unsigned i = 0; i < n; i++, turn++) {
                uint32_t pid = P + turn % 200;

                at(turn * 0.001);
                stage->n_told = 0;
                /* Every second one that is removed is the one that the same process opened 200 turns ago. */
                snprintf(path, sizeof(path), "/srv/file-%u", (turn % 6 == 2 ? turn + 1300 : turn) % 1500);
                if (turn % 100 == 99) {
                        uint32_t child = 100000 + turn / 100 % 10000;

                        forks(stage, pid, child);
                        executes(stage, child, path);
                        exits(stage, child);
                        process_table_expire(stage->table, stage_now);
                } else if (turn % 3 == 2)
                        unlinks(stage, pid, path);
                else
                        opens(stage, pid, path);
        }
}

START_TEST(a_million_events_allocate_nothing_and_leave_memory_as_it_was) {
        struct engine_stats before, after;
        struct stage stage;
        size_t n_allocations, in_use, taken;

        builder_init(&b);
        stage_open(&stage, tuples("p", 2 * SECOND));
        live_through(&stage, 200000);
        n_allocations = alloc_count();
        in_use = mallinfo2().uordblks;
        taken = mallinfo2().arena + mallinfo2().hblkhd;
        before = *stage_stats(&stage);

        live_through(&stage, SANITIZED ? 400000 : 1000000);     /* that takes ten times as long */
        ck_assert_uint_eq(alloc_count(), n_allocations);
        ck_assert_uint_eq(mallinfo2().uordblks, in_use);
        ck_assert_uint_eq(mallinfo2().arena + mallinfo2().hblkhd, taken);

        /* And not because nothing happened. */
        after = *stage_stats(&stage);
        ck_assert_uint_gt(after.n_started - before.n_started, 100000);
        ck_assert_uint_gt(after.n_expired + after.n_evicted - before.n_expired - before.n_evicted, 100000);
        ck_assert_uint_gt(after.n_completed - before.n_completed, 1000);
        stage_close(&stage);
}
END_TEST

/* Runs of one path under as many captures and processes as there may be. */
static void fill(struct stage *stage, unsigned n) {
        char path[32];

        for (unsigned i = 0; i < n; i++) {
                snprintf(path, sizeof(path), "/srv/file-%u", i);
                opens(stage, P + i % 900, path);
                stage->n_told = 0;
        }
}

START_TEST(event_that_nobody_awaits_is_passed_by_however_many_runs_wait) {
        const struct engine_limits usual = stage_limits;
        struct engine_stats before, after;
        struct stage stage;

        stage_limits.max_runs = 65536;
        stage_limits.max_tuples = 1024;
        stage_limits.evidence_bytes = 32 << 20;
        builder_init(&b);
        stage_open(&stage, tuples("p", 1000 * SECOND));
        fill(&stage, 60000);
        before = *stage_stats(&stage);
        ck_assert_uint_eq(before.n_runs, 60000);

        /* Their deadlines are all to come: time passes without a look at any. */
        for (unsigned i = 0; i < 1000; i++) {
                at(i * 0.1);
                chmods(&stage, P + i % 900, "/srv/file-1", 0755);
        }
        after = *stage_stats(&stage);
        ck_assert_uint_eq(after.n_passed_by - before.n_passed_by, 1000);
        ck_assert_uint_eq(after.n_predicates, before.n_predicates);
        ck_assert_uint_eq(after.n_expired, before.n_expired);
        ck_assert_uint_eq(after.n_runs, 60000);

        /* Once it is time, each ends once. */
        at(1001);
        chmods(&stage, P, "/srv/file-1", 0755);
        after = *stage_stats(&stage);
        ck_assert_uint_eq(after.n_expired - before.n_expired, 60000);
        ck_assert_uint_eq(after.n_runs, 0);
        stage_close(&stage);
        stage_limits = usual;
}
END_TEST

/* What is touched for an event, in cache lines of 64 bytes. A field more than fits is worth a thought. */
START_TEST(what_an_event_looks_at_is_small) {
        static const struct {
                const char *name;
                size_t size, most;
        } things[] = {
                {"struct instance", sizeof(struct instance), 128},
                {"struct cell", sizeof(struct cell), 32},
                {"struct group", sizeof(struct group), 64},
                {"struct scope", sizeof(struct scope), 64},
                {"struct plan_edge", sizeof(struct plan_edge), 64},
                {"struct plan_position", sizeof(struct plan_position), 64},
                {"struct ranking_entry", sizeof(struct ranking_entry), 24},
                {"struct pool_slot", sizeof(struct pool_slot), 8},
                {"struct eval_memo", sizeof(struct eval_memo), 8},
                {"struct evidence_step", sizeof(struct evidence_step), 96},
                {"struct captured", sizeof(struct captured), 56},
        };

        for (size_t i = 0; i < ELEMENTSOF(things); i++) {
                printf("%-24s %4zu bytes of %zu\n", things[i].name, things[i].size, things[i].most);
                ck_assert_msg(things[i].size <= things[i].most, "%s has %zu bytes", things[i].name, things[i].size);
        }

        /* By what a scope, a group and a run are ruled out, before anything else of them is read. */
        ck_assert_uint_lt(offsetof(struct scope, kinds), 64);
        ck_assert_uint_lt(offsetof(struct instance, steps), 96);
}
END_TEST

UNIT_MAIN("engine/cost", a_million_events_allocate_nothing_and_leave_memory_as_it_was,
          event_that_nobody_awaits_is_passed_by_however_many_runs_wait, what_an_event_looks_at_is_small)
