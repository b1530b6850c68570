/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Recorder - the last events, ready to become a recording of what led to something.
 *
 * Records are kept as they came (event/backlog.h). What leaves tells a process table of its own who ran when the oldest
 * that is kept happened: so the recording begins as every recording does, with clock, groups, processes and `start`,
 * and is as good as one that had been begun then. An event costs one copy, and only those about processes and groups
 * something when they leave. Memory is fixed: the backlog, and a table with the limits of the daemon's own, which has
 * its images from that one. No clock, no I/O. */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "process/process-table.h"

struct recorder;

struct recorder_stats {
        uint64_t n_records;             /* kept now */
        uint64_t n_left;                /* made room */
        uint64_t first_ns, last_ns;     /* stream time of what is kept; 0: nothing is */
};

/* `table` is the one whose images it shares; NULL: none. */
int recorder_new(size_t bytes, const struct process_table_limits *limits, struct process_table *table,
                 struct recorder **ret);
struct recorder *recorder_free(struct recorder *recorder);
DEFINE_CLEANUP(struct recorder *, recorder_free)

/* Every event of the stream, in its order. */
void recorder_add(struct recorder *recorder, const struct event *event);

/* All records of a recording, one after the other. 0, -ENOMEM, or what `tell` returned below 0. */
int recorder_tell(struct recorder *recorder, int (*tell)(const struct event *event, void *userdata), void *userdata);

void recorder_stats(const struct recorder *recorder, struct recorder_stats *ret);
