/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Overload - what the administrator allows to be left out, as the programs want it (bpf/overload.bpf.h), and the log
 * line when the ring was so full that events were shed. */

#include "capture/capture.h"

/* Of the priorities that are governed. */
const char *overload_priority_name(enum wire_priority priority);

/* The daemon's part of these. */
void overload_plan(const struct capture_overload *overload, size_t ring_bytes,
                        struct wire_overload ret[static WIRE_N_GOVERNED]);

/* The same into memory that the programs are looking at. */
void overload_store(const struct capture_overload *overload, size_t ring_bytes,
                    struct wire_overload overloads[static WIRE_N_GOVERNED]);

/* Of one priority, what was said of its shedding last. */
struct overload_watch {
        bool said;                      /* that it began */
        uint64_t said_ns;               /* when; 0: never */
        uint64_t n_sheds;               /* times that it had begun when its end was said, */
        uint64_t produced, shed;        /* and events of these kinds */
};

/* Is there something to say? To be asked each turn: cheap. `counts` then gives the events of a priority's kinds so far.
 * At most one beginning a minute is said of each, and the end of those that were; what came between is in their sums.
 * `pending`: bytes in the ring. */
void overload_look(struct overload_watch watches[static WIRE_N_GOVERNED], struct wire_overload *overloads,
                   size_t ring_bytes, size_t pending, uint64_t now_ns,
                   void (*counts)(void *userdata, enum wire_priority priority, uint64_t *ret_produced,
                                  uint64_t *ret_shed),
                   void *userdata);
