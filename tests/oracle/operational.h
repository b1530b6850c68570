/* SPDX-License-Identifier: Apache-2.0 */
/* Operational - the reference matcher that executes docs/SEMANTICS.md literally, event by event, with bounds.
 *
 * For each path a list of open runs; for each event every run is asked. Nothing is indexed, shared or remembered. */
#pragma once

#include "run.h"

struct operational;

struct operational_limits {
        size_t max_runs, max_tuples, max_counts;
};

/* What became of a run with an event, in the words of the timelines: see docs/SEMANTICS.md. `serial` counts from 0. */
struct operational_trace {
        void (*on_cell)(size_t record, const char *path, uint64_t serial, const char *cell, void *data);
        void *data;
};

int operational_new(const struct facts *facts, const struct operational_limits *limits,
                    const struct operational_trace *trace, struct outcome_list *to, struct operational **ret);
struct operational *operational_free(struct operational *op);

/* These paths from now on (linked by `next`; borrowed, in order of name). Runs of a path for which `same` says so go
 * on. */
int operational_swap(struct operational *op, const struct path_node *paths,
                     bool (*same)(const struct path_node *before, const struct path_node *after, const void *data),
                     const void *data);

/* One record. */
int operational_feed(struct operational *op, const struct fact *fact);

size_t operational_evicted(const struct operational *op);
