/* SPDX-License-Identifier: Apache-2.0 */
/* Crowd - which uses of a kind share a bit, when there are more of them than bits (event/prefilter.h).
 *
 * Each use has three signatures. Uses of one *fine* signature can share a bit at no loss: they differ in one dimension
 * at most, so that what either of them takes there, with what both of them want elsewhere, is what both together take.
 * Uses of one *coarse* signature look at the same dimensions, at the same flags, and are as urgent: together they may
 * let through what neither wants, but are no more than that. Of one *rough* signature they look at the same dimensions.
 *
 * All fine ones have a bit each, if there are enough. Else the coarse one that has the most bits gives one away, and
 * again, until there are; and where there are more coarse ones than bits, those of one rough signature become one.
 * Pure.
 */
#pragma once

#include <stdint.h>

#include "event/prefilter.h"

#define CROWD_FINE 1024                 /* signatures that are told apart: */
#define CROWD_COARSE 256                /* what comes after so many is as the last */

struct crowd_signature {
        uint64_t rough, coarse, fine;   /* of one fine signature the others are the same as well, and so on */
};

struct crowd {
        struct crowd_class {
                uint64_t rough, coarse;
                uint32_t n;             /* fine ones */
                uint32_t into, offset;  /* it has become part of this one, whose fine ones these are from there on */
                uint32_t first, n_bits;
        } classes[CROWD_COARSE];
        struct crowd_member {
                uint64_t fine;
                uint32_t class, rank;   /* the first, second and so on of its class */
        } members[CROWD_FINE];
        uint32_t n_classes, n_members;
        uint32_t n_bits;                /* that are taken, from crowd_seat() on */
};

/* First all uses are announced to an empty crowd, then crowd_seat() is called, and crowd_bit() for each of them. */
void crowd_announce(struct crowd *crowd, const struct crowd_signature *signature);
void crowd_seat(struct crowd *crowd);
uint32_t crowd_bit(const struct crowd *crowd, const struct crowd_signature *signature);
