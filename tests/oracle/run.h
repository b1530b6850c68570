/* SPDX-License-Identifier: Apache-2.0 */
/* Run - what both reference matchers know of one open story, and how two equal ones are told apart. */
#pragma once

#include "base/array.h"
#include "judge.h"
#include "outcome.h"

/* An event that a run took. */
struct taken {
        const struct element *step;
        bool loop;                      /* counted by `...`: evidence, no progress */
        size_t number;                  /* of its record */
        uint64_t first_ns, last_ns, count;
};

#define RUN_MAX_TAKEN 64

struct run {
        const char *key;
        struct bindings bindings;
        struct taken taken[RUN_MAX_TAKEN];
        size_t n_taken;
        bool uncertain, gap;
        uint64_t gap_count, gap_kinds;
        uint64_t starts;
};

/* Steps taken, without those that `...` counted. */
size_t run_progress(const struct run *run);

void run_take(struct run *run, const struct element *step, bool loop, const struct fact *fact);

/* A repetition takes one more event: the evidence of its step, or a new one. */
void run_count(struct run *run, const struct element *step, const struct fact *fact);

/* Of two equal runs, which survives? Compares their steps: < 0: a; > 0: b; 0: they are the same events and steps. */
int run_precedence(const struct run *a, const struct run *b);

/* And if they are the same: marks. */
int run_marks(const struct run *a, const struct run *b);

int run_complete(const struct run *run, const struct path_node *path, const struct fact *fact, bool counts_starts,
                 struct outcome_list *to);
