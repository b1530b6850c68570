/* SPDX-License-Identifier: Apache-2.0 */
/* Instance - one run of a path: where it waits, what it captured, which steps it took.
 *
 *      begin ──▶ take ──▶ take ──▶ ... ──▶ complete            one step per event (docs/SEMANTICS.md, "The step
 * function") │ ▲ ▼ │ fall back: the window of a block closed
 *
 * The only place that changes the state of a run. Where a run is filed is the business of its pool: whoever changes a
 * run takes it out before and files it after. 128 bytes at most, beside its evidence. Pure. */
#pragma once

#include "engine/counters.h"
#include "engine/evidence.h"
#include "engine/plan.h"

#define INSTANCE_COMPLETE UINT8_MAX     /* as a position: it waits for nothing any more */

enum {
        INSTANCE_UNCERTAIN = 1U << 0,   /* a `not`, an `except` or a result was unknown on the way */
        INSTANCE_GAP = 1U << 1,         /* events that it waits for were lost */
        INSTANCE_GATHERED = 1U << 2,    /* among those that the event being fed may concern */
        INSTANCE_KEYLESS = 1U << 3,     /* its key has ended; it waits on an absence alone */
};

struct instance {
        uint32_t next;                  /* in its cell; first, because the free ones are chained here */
        uint32_t previous;
        uint64_t serial;
        uint64_t start_number;          /* stream position of the first step */
        uint64_t start_ns;
        uint64_t points;                /* of a score: all that were added since start_ns */
        struct token captures;          /* sum over the weights of all captures */
        uint64_t gap_kinds;
        uint32_t gap_count;             /* never wraps */
        uint32_t starts;
        uint32_t steps;                 /* reference to the newest step */
        uint32_t group;                 /* its path and key (pool.h) */
        uint32_t cell;                  /* where it is filed */
        uint32_t index_next[PLAN_MAX_INDEXES], index_previous[PLAN_MAX_INDEXES];
        uint32_t victim_child, victim_next, victim_previous;
        uint32_t counter;               /* of the repeat at its position; or COUNTERS_NONE */
        uint16_t bound;                 /* bit per slot */
        uint8_t position;               /* where it waits */
        uint8_t done;                   /* steps taken */
        uint8_t flags;
        uint8_t window_done[PROGRAM_MAX_WINDOWS]; /* steps taken before each windowed block that it is inside, from the
                                                     outermost */
        uint16_t gap_reasons;           /* 1 << enum wire_loss */
};
_Static_assert(sizeof(struct instance) <= 128, "the bound on the memory of a run is published");

/* What instance functions look at. */
struct instance_world {
        const struct plan *plan;
        struct evidence *evidence;
        struct counters *counters;
};

/* A run that has taken nothing yet, waiting at the start of its path. */
void instance_begin(struct instance *instance, uint64_t serial, const struct event *event, uint64_t now_ns);

/* Take the event being fed along an edge; the caller binds what the edge captures. A counter, which is full then, is
 * the evidence of the step, and is given up. */
void instance_take(struct instance_world *world, struct instance *instance, uint32_t path,
                   const struct plan_edge *edge);

void instance_bind(struct instance_world *world, struct instance *instance, uint16_t slot, const struct value *value);

/* Add what a step has captured to what the run is compared by. */
void instance_add_capture(struct instance_world *world, struct instance *instance, uint16_t slot, uint8_t type,
                          const struct token *token);

/* Count the event being fed as one of a repetition, or as one of a score's step. */
void instance_count(struct instance_world *world, struct instance *instance, uint32_t path,
                    const struct plan_edge *edge);

/* Back to the start of the windowed block of this depth that it is inside. */
void instance_fall_back(struct instance_world *world, struct instance *instance, uint32_t path, unsigned depth);

/* The next time at which something expires; UINT64_MAX: never. */
uint64_t instance_deadline(const struct instance_world *world, const struct instance *instance, uint32_t path);

/* Add the event being fed to the counter of the position. `value`: NULL if all events count. True: it is full. */
bool instance_add(struct instance_world *world, struct instance *instance, uint32_t path, const struct token *value,
                  uint64_t now_ns);

/* What a score is worth at this time: points that were added less those that are forgotten. */
uint64_t instance_sum(const struct instance_world *world, const struct instance *instance, uint32_t path,
                      uint64_t now_ns);

enum instance_fate {
        INSTANCE_ENDS,
        INSTANCE_FALLS_BACK,
        INSTANCE_GOES_ON, /* what it waited not to happen has not happened: it took the step of the `no` */
};

/* A deadline has passed: its earliest one. */
enum instance_fate instance_expire(struct instance_world *world, struct instance *instance, uint32_t path,
                                   uint64_t deadline_ns);

/* Of two equal runs, does `a` survive? */
bool instance_survives(const struct instance_world *world, const struct instance *a, const struct instance *b,
                       uint32_t path);

/* At a counter the survivor goes on with that of the run that came there first, and with the marks of what it holds. */
void instance_inherit(struct instance *survivor, struct instance *other, const struct counters *counters);

/* What the survivor of two equal runs says about how often its story began. `number`: of the event being fed. */
uint32_t instance_starts(const struct instance *survivor, const struct instance *other, uint64_t number);
