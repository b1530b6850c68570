/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregate - which paths mean the same if the kernel counts an event that comes again and again, and tells the count a
 * moment later (struct wire_aggregate), instead of telling each.
 *
 * Those to which it does not matter between which other events these stand: paths of a single element, which alert at
 * once, count (`repeat`) or add points (`score`), and look at nothing that differs between the events. They take an
 * aggregate as that many events, at the place where it stands. To all others it is nothing: a kind that has a
 * `distinct`, a `not`, an `until`, a capture or a second step in its path is needed event by event. Engine and uses.h
 * ask here, so that what the kernel counts is what the engine takes. Pure. */
#pragma once

#include "program/program.h"

/* Told so much later, at most, an event may fall behind the end of a window. Windows that are shorter than ten times
 * this need each event when it happens. */
#define AGGREGATE_LATE_NS (2 * WIRE_BURST_NS)
#define AGGREGATE_MIN_WINDOW_NS (10 * AGGREGATE_LATE_NS)

/* Does the path take aggregates of this kind? 0: no. Else how many events one record may stand for at most, so that a
 * burst that completes the path by itself completes it at once: 1 .. WIRE_MAX_AGGREGATE. */
uint32_t aggregate_most(const struct program *program, const struct path *path, enum wire_kind kind);
