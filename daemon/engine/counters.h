/* SPDX-License-Identifier: Apache-2.0 */
/* Counters - the times of the last events that a `repeat` counted, of all runs that count.
 *
 *      counter ──▶ oldest time ──▶ ... ──▶ newest time
 *      (counter, value) ──▶ time           with `distinct`: a value that comes again takes its new place
 *
 * Times come in order, so the oldest are in front when a window slides over them. Bounded: all times lie in one stock,
 * and who counts more than there is room for has to give up runs before the next event (docs/SEMANTICS.md, "Bounds").
 * Memory that was never touched costs nothing. Pure; nothing allocates after counters_init() but counters_grow(). */
#pragma once

#include "engine/evidence.h"
#include "engine/stock.h"

#define COUNTERS_NONE STOCK_NONE

struct counter {
        uint64_t came;                  /* when its first run came to the place: before those with a larger number */
        uint32_t oldest, newest;        /* times; good while n > 0 */
        uint32_t n;
};

struct counted {
        uint32_t next, previous;        /* of the same counter */
        uint32_t same_hash;             /* number + 1; 0: the last */
        uint32_t counter;               /* whose it is: chains are shared */
        uint64_t time_ns;
        bool has_value;
        struct token value;
};

struct counters {
        struct stock stock, times;
        uint32_t *heads;                /* owned; by (counter, value): time + 1 */
        uint32_t n_heads;               /* a power of two */
        uint32_t max;                   /* times that may be held from one event to the next */
        uint64_t secret;
};

/* `max` times; for a moment each of `n_counters` runs may hold one more. -ENOMEM. */
int counters_init(struct counters *counters, size_t max, size_t n_counters);
void counters_done(struct counters *counters);
int counters_grow(struct counters *counters, size_t n_counters);        /* -ENOMEM: unchanged */

static inline struct counter *counters_at(const struct counters *counters, uint32_t counter) {
        return (struct counter *)counters->stock.items + counter;
}

static inline const struct counted *counters_time(const struct counters *counters, uint32_t time) {
        return (struct counted *)counters->times.items + time;
}

/* An empty one, and its end: COUNTERS_NONE is left alone. */
uint32_t counters_take(struct counters *counters, uint64_t came);
void counters_give(struct counters *counters, uint32_t counter);

/* Drop what is older than `since_ns`. */
void counters_forget(struct counters *counters, uint32_t counter, uint64_t since_ns);

/* Add a time, no earlier than those that are there. `value` is NULL, or takes the place of an equal one. */
void counters_add(struct counters *counters, uint32_t counter, uint64_t time_ns, const struct token *value);

static inline bool counters_are_too_many(const struct counters *counters) {
        return counters->times.n_used > counters->max;
}
