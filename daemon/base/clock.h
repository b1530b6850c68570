/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Clock - the one place that asks the kernel for the time.
 * Called by app, capture, cli and the operator log only; everybody else gets the time as an argument. Nanoseconds in
 * uint64_t: good until the year 2554. */

#include "base/macro.h"

#define NSEC_PER_USEC   UINT64_C(1000)
#define NSEC_PER_MSEC   UINT64_C(1000000)
#define NSEC_PER_SEC    UINT64_C(1000000000)
#define NSEC_PER_MIN    (60 * NSEC_PER_SEC)
#define NSEC_PER_HOUR   (60 * NSEC_PER_MIN)
#define NSEC_PER_DAY    (24 * NSEC_PER_HOUR)
#define NSEC_INFINITY   UINT64_MAX      /* no deadline */

/* Time since boot, sleep included: the clock of events and of the engine. */
uint64_t clock_boottime_ns(void);

/* Time since 1970, which an administrator may set: only for showing. */
uint64_t clock_realtime_ns(void);

/* What to add to a boottime to get a realtime, as of now. */
int64_t clock_realtime_offset_ns(void);

/* Saturating: NSEC_INFINITY stays, 0 is the floor. */
static inline uint64_t nsec_add(uint64_t a, uint64_t b) {
        uint64_t sum;

        return __builtin_add_overflow(a, b, &sum) ? NSEC_INFINITY : sum;
}
static inline uint64_t nsec_sub(uint64_t a, uint64_t b) {
        return a == NSEC_INFINITY ? a : a > b ? a - b : 0;
}
