/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager governor - the governor's hands: measures a period, asks (governor/governor.h), switches optimisations and
 * says so. Keeps what was learned in a file of the state directory, if there is one. Only the daemon has it: in a
 * replay there is nothing to govern. */

#include <systemd/sd-event.h>

#include "governor/governor.h"
#include "governor/histogram.h"

struct capture_stats;
struct manager;
struct strbuf;

/* One event of so many is timed: asking for the time is not free. A power of two. */
#define GOVERNOR_TIMED 16

struct manager_governor {
        struct governor governor;
        struct histogram latency;       /* of this period */
        struct histogram latency_all;   /* since the start */
        sd_event_source *timer;         /* owned; NULL: off */
        uint64_t n_seen;
        uint64_t begun_ns;              /* the period */
        uint64_t n_read, n_filtered, n_lost, cpu_ns;    /* at its beginning */
        char file[256];                 /* of the baseline; empty: nowhere */
        unsigned n_learned;             /* when it was written */
};

/* Once events come; and after each reload, when the new settings are in force. */
int manager_governor_start(struct manager *manager);
void manager_governor_reloaded(struct manager *manager);
void manager_governor_done(struct manager *manager);

/* An event of the host, made at `time_ns`, has gone through. */
void manager_governor_saw(struct manager *manager, uint64_t time_ns);

/* A line or two for the summary. */
void manager_governor_put(const struct manager *manager, struct strbuf *b);

/* ", latency ... ms" for the status. */
void manager_governor_put_cost(const struct manager *manager, struct strbuf *b);

/* Processor time and memory of this process so far. */
void manager_governor_usage(uint64_t *ret_cpu_ns, uint64_t *ret_memory_bytes);
