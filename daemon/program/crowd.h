/* SPDX-License-Identifier: Apache-2.0 */
/* Crowd - which uses of a kind share a bit, when there are more of them than bits (event/prefilter.h).
 *
 * Each use has two signatures. Uses of one fine signature can share a bit at no loss: they differ in one dimension at
 * most, so that what either of them takes there, with what both of them want elsewhere, is what both together take. Of
 * one coarse signature they look at the same dimensions, and together they may let through what neither wants. So all
 * fine ones have bits if there are enough; else as many as leave one to each coarse signature. Pure. */
#pragma once

#include <stdint.h>

#include "event/prefilter.h"

struct crowd {
        struct crowd_bit {
                uint64_t signature;
                bool fine;
        } bits[PREFILTER_MAX_USES];
        uint32_t n;
        uint64_t waiting[PREFILTER_MAX_USES], seen[PREFILTER_MAX_USES];
        uint32_t n_waiting;             /* coarse signatures that may want a bit yet */
        uint32_t n_seen;                /* fine ones; more than there are bits: PREFILTER_MAX_USES + 1 */
};

/* First all uses are announced to an empty crowd, then crowd_seat() is called, and crowd_bit() for each of them. */
void crowd_announce(struct crowd *crowd, uint64_t coarse, uint64_t fine);
void crowd_seat(struct crowd *crowd);
uint32_t crowd_bit(struct crowd *crowd, uint64_t coarse, uint64_t fine);
