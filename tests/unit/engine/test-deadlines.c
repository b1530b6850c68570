/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/deadlines.h"

#include "../unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"

START_TEST(earliest_is_first_and_of_equal_ones_the_smallest_order) {
        struct deadlines d;

        ck_assert_int_eq(deadlines_init(&d, 4), 0);
        ck_assert_uint_eq(d.first, DEADLINES_NONE);
        ck_assert_uint_eq(d.first_ns, UINT64_MAX);
        deadlines_set(&d, 0, 7, 3);
        deadlines_set(&d, 1, 5, 9);
        deadlines_set(&d, 2, 5, 2);
        ck_assert_uint_eq(d.first, 2);
        ck_assert_uint_eq(d.first_ns, 5);
        deadlines_set(&d, 2, 8, 0);
        ck_assert_uint_eq(d.first, 1);
        deadlines_remove(&d, 1);
        deadlines_remove(&d, 3);        /* is not in it */
        ck_assert_uint_eq(d.first, 0);
        ck_assert_uint_eq(d.first_ns, 7);
        ck_assert_uint_eq(d.n, 2);
        deadlines_done(&d);
}
END_TEST

/* Against a ranking of all of them. Mostly of a few windows, as stories are. */
START_TEST(order_is_the_same_as_if_all_were_ranked) {
        enum { N = 300 };
        static const uint64_t windows[] = {10, 30, 100, 600, 601, 5000};
        struct ranking ranking;
        struct deadlines d;

        srand(1);
        ck_assert_int_eq(deadlines_init(&d, N), 0);
        ck_assert_int_eq(ranking_init(&ranking, N), 0);
        for (unsigned round = 0; round < 200000; round++) {
                uint64_t now = round / 3, at_ns = now + windows[(unsigned)rand() % ELEMENTSOF(windows)];
                uint32_t id = (unsigned)rand() % N;

                if (rand() % 4 == 0) {
                        deadlines_remove(&d, id);
                        ranking_remove(&ranking, id);
                } else {
                        if (rand() % 50 == 0)
                                at_ns = now + (unsigned)rand() % 1000;
                        deadlines_set(&d, id, at_ns, round * 7 % 1000);
                        ranking_set(&ranking, id, at_ns, round * 7 % 1000);
                }
                while (ranking_first_key(&ranking) < now) {
                        ck_assert_uint_eq(d.first_ns, ranking_first_key(&ranking));
                        id = d.first;
                        deadlines_remove(&d, id);
                        ranking_remove(&ranking, id);
                }
                ck_assert_uint_eq(d.first_ns, ranking_first_key(&ranking));
                ck_assert_uint_eq(d.n, ranking.n);
        }
        ck_assert_uint_gt(d.n_ranked, 0);
        ranking_done(&ranking);
        deadlines_done(&d);
}
END_TEST

START_TEST(windows_of_four_lengths_rank_nothing) {
        static const uint64_t windows[DEADLINES_QUEUES] = {10, 300, 20, 5000};
        enum { N = 20000 };
        uint64_t last_ns = 0, last_order = 0;
        struct deadlines d;

        ck_assert_int_eq(deadlines_init(&d, N), 0);
        for (uint32_t i = 0; i < N; i++)
                deadlines_set(&d, i, i / 4 + windows[i % 4], i);
        ck_assert_uint_eq(d.n_ranked, 0);
        for (uint32_t i = 0; i < N; i++) {
                const struct deadline *first = &d.items[d.first];

                ck_assert(first->at_ns > last_ns || (first->at_ns == last_ns && (i == 0 || first->order > last_order)));
                last_ns = first->at_ns;
                last_order = first->order;
                deadlines_remove(&d, d.first);
        }
        ck_assert_uint_eq(d.first, DEADLINES_NONE);
        ck_assert_uint_eq(d.first_ns, UINT64_MAX);
        deadlines_done(&d);
}
END_TEST

START_TEST(growing_keeps_what_is_in_it) {
        struct deadlines d;

        ck_assert_int_eq(deadlines_init(&d, 2), 0);
        deadlines_set(&d, 0, 9, 1);
        deadlines_set(&d, 1, 4, 1);
        ck_assert_int_eq(deadlines_grow(&d, 100), 0);
        deadlines_set(&d, 99, 2, 1);
        for (uint32_t i = 0; i < 3; i++) {
                static const uint32_t expected[] = {99, 1, 0};

                ck_assert_uint_eq(d.first, expected[i]);
                deadlines_remove(&d, d.first);
        }
        deadlines_done(&d);
}
END_TEST

static int make_once(void *userdata) {
        struct deadlines d;
        int r = deadlines_init(&d, 8);

        if (r >= 0)
                r = deadlines_grow(&d, 16);
        deadlines_done(&d);
        return r;
}

START_TEST(out_of_memory_fails_whole) {
        ck_assert_uint_ge(alloc_fail_sweep(make_once, NULL), 4);
}
END_TEST

UNIT_MAIN("engine/deadlines", earliest_is_first_and_of_equal_ones_the_smallest_order,
          order_is_the_same_as_if_all_were_ranked, windows_of_four_lengths_rank_nothing, growing_keeps_what_is_in_it,
          out_of_memory_fails_whole)
