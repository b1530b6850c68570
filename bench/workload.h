/* SPDX-License-Identifier: Apache-2.0 */
/* Workload - the records of an imaginary busy host, for benchmarks: the same for the same seed, on every machine.
 *
 * First what a stream begins with (clock, cgroups, a snapshot of some 250 processes, start), then events for ever:
 * files opened and written, connections, names removed and changed, and processes that are created, execute, work for a
 * while and exit. One event in forty is a fork, one an exec, one an exit; ten short-lived processes run at any time.
 * Paths and arguments have usual lengths. */
#pragma once

#include "event/encode.h"

#define WORKLOAD_JOBS 10

struct workload {
        struct record record;           /* the last one made */
        uint32_t random;
        uint64_t now_ns;
        uint32_t next_pid;
        unsigned n_made;                /* of the beginning */
        struct {
                struct identity id, creator;
                bool has_executed;
        } jobs[WORKLOAD_JOBS];
};

void workload_init(struct workload *workload, uint32_t seed);

/* The next record, good until the next call; a multiple of 8 bytes long, as its header says. */
const struct wire_header *workload_next(struct workload *workload);

/* n records one after the other in memory that the caller frees, and where each of them is. Ends the program if there
 * is no memory. */
void workload_make(uint32_t seed, size_t n, char **ret_bytes, struct event **ret_events);
