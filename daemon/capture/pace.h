/* SPDX-License-Identifier: Apache-2.0 */
/* Pace - how long the ring's reader waits, and what it may be called for meanwhile (bpf/reader.bpf.h).
 *
 * Asleep: nothing comes, or single events now and then. No timer; any record calls. On watch: events are frequent. The
 * reader looks every latency_ns, so that none of them pays for a call; called it is only when much waits, or for what
 * may end a story or start a response. Such calls are limited to one in five looks, or 40 a second if that is more:
 * where one in two records is urgent they would cost what on-watch saves, and a moment later it comes by itself.
 *
 * Patient: events are frequent, and half of these calls are left, so nothing was urgent for a while. It looks every
 * patience_ns, and is also called for what is counted to the end of a story: whatever may end one waits for latency_ns
 * at most, as before. The other half of the calls is for what is urgent alone.
 *
 *      read nothing ──▶ asleep         read one, after a pause ──▶ asleep         else ──▶ patient, or on watch
 *
 * Pure: time comes in as an argument. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "event/event.h"

#define PACE_LOOKS_PER_CALL 5           /* while on watch so many looks go by for each call for urgent records, */
#define PACE_CALL_NS (25 * NSEC_PER_MSEC)       /* but no more than this. Those of a second may come at once */
#define PACE_PATIENCE 25                /* so many times the latency, */
#define PACE_PATIENCE_NS (25 * NSEC_PER_MSEC)   /* and no more than this */

struct pace {
        uint64_t latency_ns;            /* how long a record may wait while on watch */
        uint64_t patience_ns;           /* how long one that can end no story may; 0: no longer */
        bool urgent;                    /* urgent records may call */
        bool each;                      /* no record waits for others: always asleep when there is nothing to read */
        enum wire_wait wait;            /* as last told */
        uint64_t read_ns;               /* when something was last read */
        uint64_t filled_ns;             /* when calls were last counted up to */
        uint64_t call_ns;               /* what a call takes */
        uint64_t calls_ns;              /* of what is left for them: a second at most */
};

/* Patient without calls for what is urgent is nobody. */
void pace_init(struct pace *pace, uint64_t latency_ns, bool urgent, bool patient);

/* From its next turn on. */
void pace_set(struct pace *pace, uint64_t latency_ns, bool urgent, bool patient, bool each);

/* The reader was called. */
void pace_called(struct pace *pace);

/* It has read n records and then found the ring empty, or something in it that is not finished. Returns what to wait
 * for; *ret_ns: until when at most, UINT64_MAX: as long as it takes. */
enum wire_wait pace_next(struct pace *pace, size_t n, bool empty, uint64_t now_ns, uint64_t *ret_ns);
