/* SPDX-License-Identifier: Apache-2.0 */
/* Observer - somebody who looks on while runs begin, advance and end: `execrayctl why`, and tests.
 *
 * It changes nothing, and costs the test of a pointer where something happens to a run if nobody looks on. Each line of
 * the table is told at the place where the engine does it; so what an observer sees is what happened, not what somebody
 * worked out again. Called from within engine_feed() and engine_tick(); must not call the engine, except what explain.h
 * offers. */
#pragma once

#include <stdint.h>

struct engine;

enum run_fate {
        RUN_BEGINS,                     /* a new run; it takes its first step next */
        RUN_IS_COPIED,                  /* a new run, like `other` was before the event; it takes a step next */
        RUN_FALLS_BACK,                 /* to the start of a block: its window closed, or a copy begins it anew */
        RUN_TAKES,                      /* the event, along `edge` */
        RUN_COUNTS,                     /* the event, as one more of the repetition, the count or the score of `edge` */
        RUN_WAITED,                     /* what it waited not to happen did not: takes the step of its `no` */
        RUN_DOUBTS,                     /* a `not` or an `until` was unknown: marked uncertain */
        RUN_IS_KILLED,                  /* a `not` was true */
        RUN_MEETS_UNTIL,                /* an `until` was true */
        RUN_IS_EXCEPTED,                /* an `except` that names captures was true */
        RUN_EXPIRES,
        RUN_IS_MERGED,                  /* into `other`, its equal, which goes on */
        RUN_IS_EVICTED,
        RUN_LOSES_KEY,                  /* the last member of its key exited, or its path went with a reload */
        RUN_ALERTS,                     /* complete, and told */
        RUN_IS_JOINED,                  /* complete, and joined to an alert by `suppress` */
        RUN_IS_WITHHELD,                /* complete, but after a gap, and `on_loss` is skip */
        _RUN_FATE_MAX,
};

struct observation {
        enum run_fate fate;
        uint32_t path;
        uint64_t serial;                /* of the run */
        uint64_t other;                 /* serial of another, where the fate says so; else 0 */
        uint32_t edge;                  /* in the program; PROGRAM_NONE where the fate names none */
        uint64_t time_ns;               /* when it came to be: of the event, or the deadline that passed */
};

struct engine_observer {
        /* An event is about to be fed: processes are up to date, deadlines have fired, runs are as they were before. */
        void (*on_event)(struct engine *engine, void *data);
        void (*on_run)(const struct observation *observation, void *data);
        void *data;
};

/* `observer` is borrowed until the engine is freed or told another one; NULL: nobody. */
void engine_observe(struct engine *engine, const struct engine_observer *observer);
