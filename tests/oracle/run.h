/* SPDX-License-Identifier: Apache-2.0 */
/* Run - what both reference matchers know of one open story, and how two equal ones are told apart. */
#pragma once

#include "base/array.h"
#include "judge.h"
#include "outcome.h"

/* A step that a run took. */
struct taken {
        const struct element *step;
        bool loop;                      /* counted by `...`: evidence, no progress */
        bool clock;                     /* taken by the clock: there is no event */
        size_t number;                  /* of its record; of `repeat` the last one; 0 if the clock took it */
        const struct value *actor_exe;  /* what its actor ran; by the clock: as the step before */
        uint64_t first_ns, last_ns, count;
};

/* A time that a counter holds. */
struct counted {
        uint64_t time_ns;
        struct value value;             /* of the `distinct` field */
};

/* Never changed, only replaced. */
struct counter {
        size_t n;
        struct counted items[];         /* oldest first */
};

/* With what a story is complete. */
struct completion {
        size_t record;                  /* that is being looked at */
        uint64_t time_ns;
        const struct fact *fact;        /* NULL: it was the clock, before the record */
};

#define RUN_MAX_TAKEN 64

struct run {
        const char *key;
        struct bindings bindings;
        struct taken taken[RUN_MAX_TAKEN];
        size_t n_taken;
        bool uncertain, gap;
        uint64_t gap_count, gap_kinds;
        unsigned gap_reasons;
        uint64_t starts;
};

/* Steps taken, without those that `...` counted. */
size_t run_progress(const struct run *run);

void run_take(struct run *run, const struct element *step, bool loop, const struct fact *fact);

void run_take_clock(struct run *run, const struct element *absence, uint64_t time_ns);

/* A full counter is one step. */
void run_take_counter(struct run *run, const struct element *step, const struct counter *counter,
                      const struct fact *fact);

/* What a counter (NULL: empty) that drops what is more than `window_ns` (0: nothing) old holds with one event more; in
 * the arena. */
const struct counter *counter_add(struct arena *arena, const struct counter *counter, bool distinct,
                                  const struct value *value, uint64_t window_ns, const struct fact *fact);

/* The window of a `repeat`; 0: none. First in a path the path's own is another one. */
uint64_t counter_window(const struct path_node *path, const struct element *repeat, bool is_first);

/* A step of a `score` path takes the event: counted where it is told already. */
void run_score(struct run *run, const struct element *step, const struct fact *fact);

/* When a sum of points, begun at `begun_ns`, is no longer above 0; and what it is at a time before. */
uint64_t score_over_ns(const struct path_node *path, int64_t points, uint64_t begun_ns);
int64_t score_at(const struct path_node *path, int64_t points, uint64_t begun_ns, uint64_t now_ns);

/* A repetition takes one more event: the evidence of its step, or a new one. */
void run_count(struct run *run, const struct element *step, const struct fact *fact);

/* Of two equal runs, which survives? Compares their steps: < 0: a; > 0: b; 0: they are the same events and steps. */
int run_precedence(const struct run *a, const struct run *b);

/* And if they are the same: marks. */
int run_marks(const struct run *a, const struct run *b);

/* Is it known to have begun when the gap was over? */
bool run_is_later(const struct run *run, const struct fact *gap);

/* The gap touches it. */
void run_touch(struct run *run, const struct fact *gap, bool counts);

/* It has come to where it waits for these kinds: the gaps told until now that had not ended then. */
void run_come(struct run *run, const struct facts *facts, size_t until_number, uint64_t kinds, uint64_t came_ns);

int run_complete(const struct run *run, const struct path_node *path, const struct completion *when, bool counts_starts,
                 struct outcome_list *to);
