/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines - numbered things by the time at which they end and, among equal times, by a second number: who is first.
 *
 * Stories of one window end in the order in which they began. So a deadline that is not before the last one of a queue
 * is put behind it, and whoever is first is at the head of one: neither costs more however many wait. There are a few
 * queues, for windows of different lengths; what fits none of them is ranked (ranking.h). To see that nothing has
 * ended is one comparison. The order is exact, and the same as if all were ranked. Pure, fixed capacity. */
#pragma once

#include "engine/ranking.h"

#define DEADLINES_NONE RANKING_NONE
#define DEADLINES_QUEUES 4

struct deadline {
        uint64_t at_ns, order;
        uint32_t next, previous;        /* in its queue, number + 1; 0: none */
        uint8_t place;                  /* of its queue, from 1; 0: it is not here */
};

struct deadlines {
        struct deadline *items;         /* owned; by id */
        struct deadline_queue {
                uint32_t first, last;   /* number + 1; 0: empty */
        } queues[DEADLINES_QUEUES];
        struct ranking rest;
        uint64_t first_ns;              /* of the first; UINT64_MAX if there is nothing */
        uint32_t first;
        uint32_t n;
        uint32_t capacity;              /* ids are smaller */
        uint64_t n_ranked;              /* that did not fit a queue */
};

int deadlines_init(struct deadlines *deadlines, size_t capacity);       /* -ENOMEM */
void deadlines_done(struct deadlines *deadlines);
int deadlines_grow(struct deadlines *deadlines, size_t capacity);       /* -ENOMEM: nothing has changed that matters */

/* Add it, or give it another time. */
void deadlines_set(struct deadlines *deadlines, uint32_t id, uint64_t at_ns, uint64_t order);

/* Take it out; one that is not in it is left alone. */
void deadlines_remove(struct deadlines *deadlines, uint32_t id);
