/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include <errno.h>

#include "unit.h"

#define N 500

static struct heap_node nodes[N];

static uint32_t random_next(uint32_t *x) {
        return (*x = *x * 1664525 + 1013904223) >> 8;
}

START_TEST(deadlines_come_out_in_order) {
        struct heap heap;
        uint64_t last = 0;
        uint32_t x = 1;

        ck_assert_int_eq(heap_init(&heap, N), 0);
        ck_assert_ptr_null(heap_peek(&heap));
        ck_assert_ptr_null(heap_pop(&heap));
        for (int i = 0; i < N; i++)
                ck_assert_int_eq(heap_push(&heap, &nodes[i], random_next(&x) % 100), 0);
        for (int i = 0; i < N; i++) {
                struct heap_node *node = heap_pop(&heap);

                ck_assert_uint_ge(node->deadline_ns, last);
                ck_assert(!heap_contains(node));
                last = node->deadline_ns;
        }
        ck_assert_ptr_null(heap_pop(&heap));
        heap_done(&heap);
}
END_TEST

START_TEST(equal_deadlines_come_out_as_they_went_in) {
        struct heap heap;

        ck_assert_int_eq(heap_init(&heap, N), 0);
        for (int i = 0; i < N; i++)
                ck_assert_int_eq(heap_push(&heap, &nodes[i], 7), 0);
        for (int i = 0; i < N; i++)
                ck_assert_ptr_eq(heap_pop(&heap), &nodes[i]);
        heap_done(&heap);
}
END_TEST

/* Against a search through a plain array. */
START_TEST(removal_and_change_anywhere_keep_the_order) {
        struct heap heap;
        uint32_t x = 7;

        ck_assert_int_eq(heap_init(&heap, N), 0);
        for (int round = 0; round < 50000; round++) {
                struct heap_node *node = &nodes[random_next(&x) % N], *best = NULL;

                switch (random_next(&x) % 4) {
                case 0:
                case 1:
                        if (heap_contains(node))
                                heap_update(&heap, node, random_next(&x) % 1000);
                        else
                                ck_assert_int_eq(heap_push(&heap, node, random_next(&x) % 1000), 0);
                        break;
                case 2:
                        heap_remove(&heap, node);
                        ck_assert(!heap_contains(node));
                        break;
                case 3:
                        for (int i = 0; round % 50 == 0 && i < N; i++)
                                if (heap_contains(&nodes[i]) &&
                                    (!best || nodes[i].deadline_ns < best->deadline_ns ||
                                     (nodes[i].deadline_ns == best->deadline_ns && nodes[i].order < best->order)))
                                        best = &nodes[i];
                        if (round % 50 == 0)
                                ck_assert_ptr_eq(heap_pop(&heap), best);
                        break;
                }
        }
        heap_done(&heap);
        for (int i = 0; i < N; i++)
                ck_assert(!heap_contains(&nodes[i]));
}
END_TEST

START_TEST(only_what_is_due_comes_out) {
        struct heap heap;

        ck_assert_int_eq(heap_init(&heap, 2), 0);
        ck_assert_int_eq(heap_push(&heap, &nodes[0], 10), 0);
        ck_assert_int_eq(heap_push(&heap, &nodes[1], 20), 0);
        ck_assert_ptr_null(heap_pop_due(&heap, 9));
        ck_assert_ptr_eq(heap_pop_due(&heap, 10), &nodes[0]);
        ck_assert_ptr_null(heap_pop_due(&heap, 19));
        ck_assert_ptr_eq(heap_pop_due(&heap, UINT64_MAX), &nodes[1]);
        heap_done(&heap);
}
END_TEST

START_TEST(a_full_heap_refuses_and_counts) {
        struct heap heap;
        size_t before;

        ck_assert_int_eq(heap_init(&heap, 2), 0);
        before = alloc_count();
        ck_assert_int_eq(heap_push(&heap, &nodes[0], 1), 0);
        ck_assert_int_eq(heap_push(&heap, &nodes[1], 1), 0);
        ck_assert_int_eq(heap_push(&heap, &nodes[2], 0), -ENOSPC);
        ck_assert(!heap_contains(&nodes[2]));
        ck_assert_uint_eq(heap.n_refused, 1);
        ck_assert_uint_eq(alloc_count(), before);
        heap_done(&heap);
}
END_TEST

static int make_heap(void *userdata) {
        struct heap heap;
        int r = heap_init(&heap, 10);

        heap_done(&heap);
        return r;
}

START_TEST(a_heap_that_finds_no_memory_says_so) {
        ck_assert_uint_eq(alloc_fail_sweep(make_heap, NULL), 1);
}
END_TEST

UNIT_MAIN("base/heap",
          deadlines_come_out_in_order,
          equal_deadlines_come_out_as_they_went_in,
          removal_and_change_anywhere_keep_the_order,
          only_what_is_due_comes_out,
          a_full_heap_refuses_and_counts,
          a_heap_that_finds_no_memory_says_so)
