/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/deadlines.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RANKED (DEADLINES_QUEUES + 1)   /* as a place */

int deadlines_init(struct deadlines *deadlines, size_t capacity) {
        int r;

        *deadlines = (struct deadlines){.first_ns = UINT64_MAX, .first = DEADLINES_NONE};
        r = deadlines_grow(deadlines, capacity);
        if (r < 0)
                deadlines_done(deadlines);
        return r;
}

void deadlines_done(struct deadlines *deadlines) {
        ranking_done(&deadlines->rest);
        free(deadlines->items);
        *deadlines = (struct deadlines){.first_ns = UINT64_MAX, .first = DEADLINES_NONE};
}

int deadlines_grow(struct deadlines *deadlines, size_t capacity) {
        struct deadline *items;
        int r;

        if (capacity <= deadlines->capacity)
                return 0;

        r = ranking_grow(&deadlines->rest, capacity);
        if (r < 0)
                return r;
        /* calloc, not realloc: what was never touched costs nothing. */
        items = calloc(capacity, sizeof(*items));
        if (!items)
                return -ENOMEM;
        if (deadlines->capacity > 0)
                memcpy(items, deadlines->items, deadlines->capacity * sizeof(*items));
        free(deadlines->items);
        deadlines->items = items;
        deadlines->capacity = capacity;
        return 0;
}

static inline bool deadline_before(const struct deadline *a, const struct deadline *b) {
        return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

/* The first of each place is looked at. */
static void deadlines_look(struct deadlines *deadlines) {
        uint32_t best = ranking_first(&deadlines->rest);

        for (unsigned i = 0; i < DEADLINES_QUEUES; i++) {
                uint32_t first = deadlines->queues[i].first;

                if (first != 0 && (best == DEADLINES_NONE ||
                                   deadline_before(&deadlines->items[first - 1], &deadlines->items[best])))
                        best = first - 1;
        }
        deadlines->first = best;
        deadlines->first_ns = best == DEADLINES_NONE ? UINT64_MAX : deadlines->items[best].at_ns;
}

static void deadlines_take_out(struct deadlines *deadlines, uint32_t id) {
        struct deadline *deadline = &deadlines->items[id];
        struct deadline_queue *queue;

        if (deadline->place == RANKED)
                ranking_remove(&deadlines->rest, id);
        else {
                queue = &deadlines->queues[deadline->place - 1];
                if (deadline->next != 0)
                        deadlines->items[deadline->next - 1].previous = deadline->previous;
                else
                        queue->last = deadline->previous;
                if (deadline->previous != 0)
                        deadlines->items[deadline->previous - 1].next = deadline->next;
                else
                        queue->first = deadline->next;
        }
        deadline->place = 0;
        deadlines->n--;
}

/* Of the queues that it can be put behind, the one whose last is the latest; an empty one if there is no other. 0: it
 * fits none. */
static uint8_t deadlines_choose(const struct deadlines *deadlines, const struct deadline *deadline) {
        const struct deadline *latest = NULL;
        uint8_t place = 0;

        for (unsigned i = 0; i < DEADLINES_QUEUES; i++) {
                const struct deadline *last;

                if (deadlines->queues[i].last == 0) {
                        if (place == 0)
                                place = i + 1;
                        continue;
                }
                last = &deadlines->items[deadlines->queues[i].last - 1];
                if (!deadline_before(deadline, last) && (!latest || deadline_before(latest, last))) {
                        latest = last;
                        place = i + 1;
                }
        }
        return place;
}

void deadlines_set(struct deadlines *deadlines, uint32_t id, uint64_t at_ns, uint64_t order) {
        struct deadline *deadline;
        struct deadline_queue *queue;
        bool was_first;

        assert(id < deadlines->capacity);
        deadline = &deadlines->items[id];
        was_first = deadline->place != 0 && deadlines->first == id;
        if (deadline->place != 0)
                deadlines_take_out(deadlines, id);

        *deadline = (struct deadline){.at_ns = at_ns, .order = order};
        deadline->place = deadlines_choose(deadlines, deadline);
        if (deadline->place == 0) {
                deadline->place = RANKED;
                deadlines->n_ranked++;
                ranking_set(&deadlines->rest, id, at_ns, order);
        } else {
                queue = &deadlines->queues[deadline->place - 1];
                deadline->previous = queue->last;
                if (queue->last != 0)
                        deadlines->items[queue->last - 1].next = id + 1;
                else
                        queue->first = id + 1;
                queue->last = id + 1;
        }
        deadlines->n++;

        if (was_first)
                deadlines_look(deadlines);
        else if (deadlines->first == DEADLINES_NONE ||
                 deadline_before(deadline, &deadlines->items[deadlines->first])) {
                deadlines->first = id;
                deadlines->first_ns = at_ns;
        }
}

void deadlines_remove(struct deadlines *deadlines, uint32_t id) {
        assert(id < deadlines->capacity);
        if (deadlines->items[id].place == 0)
                return;

        deadlines_take_out(deadlines, id);
        if (deadlines->first == id)
                deadlines_look(deadlines);
}
