/* SPDX-License-Identifier: Apache-2.0 */
/* Process table - every process that runs, and for a grace period those that did.
 *
 * Bounded: full, it evicts the oldest exited process without running children, then refuses (counted); a story about a process
 * that is not in the table still works on what its records carry. Time comes in. No clock, no I/O, no allocation per event in
 * steady state (images are pooled by size class). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "process/process.h"

struct process_table;

struct process_table_limits {
        size_t max_processes;           /* entries, running and kept */
        size_t max_image_bytes;         /* of all images together */
        size_t max_cgroups;
        uint64_t grace_ns;              /* how long an exited process is kept */
};

struct process_table_stats {
        uint64_t n_running, n_kept;     /* gauges */
        uint64_t n_guessed;             /* made from a record other than their fork */
        uint64_t n_evicted;             /* made room before their grace was over */
        uint64_t n_refused;             /* not entered: full of running processes */
        uint64_t n_late;                /* records of a process that is not in the table any more */
        uint64_t n_image_refused;       /* images not kept: out of image bytes */
};

int process_table_new(const struct process_table_limits *limits, struct process_table **ret);
struct process_table *process_table_free(struct process_table *table);

/* Find by identity; NULL if not there. */
struct process *process_table_find(const struct process_table *table, const struct identity *id);

/* The parent in the sense of the language: the creator. NULL: none or not known; *ret_unknown (may be NULL) tells the two apart. */
struct process *process_table_creator(const struct process_table *table, const struct process *process, bool *ret_unknown);

/* Apply one event (process-update.c): fork, execve, exit, process, cgroup change the table, and any event heals it: an actor that is not known
 * is entered from what its header carries. Call before the engine sees the event (semantics.md, step 2).
 * Returns the actor, or NULL if it has none (META kinds) or could not be entered. */
struct process *process_table_update(struct process_table *table, const struct event *event);

/* Drop what has outlived its grace at `now_ns`. Bounded work per call. */
void process_table_expire(struct process_table *table, uint64_t now_ns);

void process_table_stats(const struct process_table *table, struct process_table_stats *ret);

/* How many running processes the activity has, as of the last update. 0: it has ended. */
size_t process_table_tree_members(const struct process_table *table, const struct identity *tree);
