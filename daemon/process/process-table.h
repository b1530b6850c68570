/* SPDX-License-Identifier: Apache-2.0 */
/* Process table - every process that runs, and for a grace period those that did.
 *
 * An exited process is kept until its grace is over and its last descendant has exited: their ancestor is wanted.
 * Bounded: full, it evicts the exited process that has been without a running descendant for longest, then the one that
 * exited first of those that have some (their chain is then broken, and says so), then it refuses; all counted. A story
 * about a process that is not in the table still works on what its records carry. Time comes in. No clock, no I/O, no
 * allocation per event in steady state. */
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
        uint64_t n_trees, n_images, image_bytes, n_cgroups;     /* gauges */
        uint64_t n_guessed;             /* made from a record other than their fork */
        uint64_t n_evicted;             /* made room before their grace was over */
        uint64_t n_refused;             /* not entered: full of running processes */
        uint64_t n_late;                /* records of a process that had exited before */
        uint64_t n_unseen_exits;        /* found dead because another one bears their pid */
        uint64_t n_image_refused;       /* images not kept: out of image bytes */
        uint64_t n_image_shortened;     /* images kept with a part of their arguments */
        uint64_t n_cgroup_refused, n_cgroup_evicted;
};

/* -ENOMEM. All limits > 0, but for the grace. */
int process_table_new(const struct process_table_limits *limits, struct process_table **ret);

/* One whose images are those of `other`, as far as both know the same: two tables that are told the same stream have
 * each image once. The bound of `other` is that of both together, and what one says of images it says of both. Either
 * may be freed first. `other` may be NULL. */
int process_table_new_beside(const struct process_table_limits *limits, struct process_table *other,
                             struct process_table **ret);
struct process_table *process_table_free(struct process_table *table);

/* Find by identity; NULL if not there. */
struct process *process_table_find(const struct process_table *table, const struct identity *id);

/* The parent in the sense of the language: the creator. NULL: none or not known; *ret_unknown (may be NULL) tells the
 * two apart. */
struct process *process_table_creator(const struct process_table *table, const struct process *process,
                                      bool *ret_unknown);

/* Is it known to be dead, though not in the table any more? A record of such a process is late. */
bool process_table_has_departed(const struct process_table *table, const struct identity *id);

/* All of them, one after the other: first those that run, in the order of their entry, then the others. NULL gives the
 * first, the last gives NULL. The order is the same in every replay. The table must not change meanwhile. */
struct process *process_table_next(const struct process_table *table, const struct process *previous);

/* Apply one event (process-update.c): fork, execve, exit, process, cgroup change the table, and any event heals it: an
 * actor that is not known is entered from what its header carries. The tree is the first that a record of the process
 * names, before that its creator's, or its own if the creator is PID 1, kthreadd, a supervisor or not known. A
 * `process` record marked WIRE_MENDED has the image that runs now; any other one only what was not known. Call
 * before the engine sees the event (docs/SEMANTICS.md). Returns the actor, also one that had exited; NULL if there is
 * none (META kinds) or it could not be entered. */
struct process *process_table_update(struct process_table *table, const struct event *event);

/* An image that belongs to no process here: of an execve record, kept in the table's region. One reference for the
 * caller; NULL if there is no room. */
struct process_image *process_table_keep_image(struct process_table *table, const struct event *event);

/* Drop what has outlived its grace at `now_ns`. Bounded work per call. */
void process_table_expire(struct process_table *table, uint64_t now_ns);

void process_table_stats(const struct process_table *table, struct process_table_stats *ret);

/* How many running processes the activity has, as of the last update. 0: it has ended. */
size_t process_table_tree_members(const struct process_table *table, const struct identity *tree);
