/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int heap_init(struct heap *heap, size_t capacity) {
        assert(capacity > 0);

        *heap = (struct heap){.capacity = capacity};
        heap->nodes = calloc(capacity, sizeof(heap->nodes[0]));
        return heap->nodes ? 0 : -ENOMEM;
}

void heap_done(struct heap *heap) {
        for (size_t i = 0; i < heap->n; i++)
                heap->nodes[i]->index = 0;
        free(heap->nodes);
        *heap = (struct heap){};
}

static bool heap_is_before(const struct heap_node *a, const struct heap_node *b) {
        return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns : a->order < b->order;
}

static void heap_place(struct heap *heap, struct heap_node *node, size_t i) {
        heap->nodes[i] = node;
        node->index = i + 1;
}

/* Put the node where it belongs, starting at the free place i. */
static void heap_sift(struct heap *heap, struct heap_node *node, size_t i) {
        while (i > 0) {
                size_t up = (i - 1) / 2;

                if (!heap_is_before(node, heap->nodes[up]))
                        break;
                heap_place(heap, heap->nodes[up], i);
                i = up;
        }

        for (;;) {
                size_t down = 2 * i + 1;

                if (down >= heap->n)
                        break;
                if (down + 1 < heap->n && heap_is_before(heap->nodes[down + 1], heap->nodes[down]))
                        down++;
                if (!heap_is_before(heap->nodes[down], node))
                        break;
                heap_place(heap, heap->nodes[down], i);
                i = down;
        }

        heap_place(heap, node, i);
}

int heap_push(struct heap *heap, struct heap_node *node, uint64_t deadline_ns) {
        assert(node->index == 0);

        if (heap->n >= heap->capacity) {
                heap->n_refused++;
                return -ENOSPC;
        }

        node->deadline_ns = deadline_ns;
        node->order = heap->next_order++;
        heap->n++;
        heap_place(heap, node, heap->n - 1);
        heap_sift(heap, node, heap->n - 1);
        return 0;
}

void heap_update(struct heap *heap, struct heap_node *node, uint64_t deadline_ns) {
        assert(node->index > 0 && heap->nodes[node->index - 1] == node);

        node->deadline_ns = deadline_ns;
        node->order = heap->next_order++;
        heap_sift(heap, node, node->index - 1);
}

struct heap_node *heap_peek(const struct heap *heap) {
        return heap->n > 0 ? heap->nodes[0] : NULL;
}

void heap_remove(struct heap *heap, struct heap_node *node) {
        struct heap_node *last;
        size_t i;

        if (node->index == 0)
                return;
        assert(node->index <= heap->n && heap->nodes[node->index - 1] == node);

        i = node->index - 1;
        last = heap->nodes[--heap->n];
        if (last != node)
                heap_sift(heap, last, i);
        node->index = 0;
}

struct heap_node *heap_pop(struct heap *heap) {
        struct heap_node *node = heap_peek(heap);

        if (node)
                heap_remove(heap, node);
        return node;
}

struct heap_node *heap_pop_due(struct heap *heap, uint64_t now_ns) {
        struct heap_node *node = heap_peek(heap);

        return node && node->deadline_ns <= now_ns ? heap_pop(heap) : NULL;
}
