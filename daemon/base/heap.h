/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Heap - deadlines, the earliest first, each removable by its owner in O(log n).
 * The node is embedded in what has the deadline and is zeroed before its first use. Equal deadlines come out in the
 * order in which they went in, so a replay meets them in the same order as the recording. The capacity is fixed;
 * nothing allocates after heap_init(). Deadlines are plain numbers: the heap has no clock. */

#include "base/macro.h"

struct heap_node {
        uint64_t deadline_ns;
        uint64_t order;                 /* of entry: breaks ties */
        size_t index;                   /* 1-based place in the heap; 0 is "not in a heap" */
};

struct heap {
        struct heap_node **nodes;       /* owned; the nodes are borrowed from their owners until they are out again */
        size_t n, capacity;
        uint64_t next_order;
        uint64_t n_refused;             /* pushes that a full heap turned down */
};

/* capacity > 0. -ENOMEM. */
int heap_init(struct heap *heap, size_t capacity);
void heap_done(struct heap *heap);

/* The node must not be in a heap. -ENOSPC if it is full. */
int heap_push(struct heap *heap, struct heap_node *node, uint64_t deadline_ns);

/* Give a node that is in the heap another deadline; among equals it counts as new. */
void heap_update(struct heap *heap, struct heap_node *node, uint64_t deadline_ns);

/* The earliest, or NULL; pop takes it out. */
struct heap_node *heap_peek(const struct heap *heap);
struct heap_node *heap_pop(struct heap *heap);

/* The earliest if its deadline is not after now_ns, taken out; NULL otherwise. */
struct heap_node *heap_pop_due(struct heap *heap, uint64_t now_ns);

/* Take a node out, wherever it is. One that is not in the heap is left alone. */
void heap_remove(struct heap *heap, struct heap_node *node);

static inline bool heap_contains(const struct heap_node *node) {
        return node->index > 0;
}
