/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ranking.h"

#include <errno.h>

#include "unit.h"

START_TEST(smallest_key_comes_first_and_of_equal_ones_the_smallest_order) {
        struct ranking r;

        ck_assert_int_eq(ranking_init(&r, 4), 0);
        ck_assert_uint_eq(ranking_first(&r), RANKING_NONE);
        ck_assert_uint_eq(ranking_first_key(&r), UINT64_MAX);
        ranking_set(&r, 0, 7, 3);
        ranking_set(&r, 1, 5, 9);
        ranking_set(&r, 2, 5, 2);
        ck_assert_uint_eq(ranking_first(&r), 2);
        ranking_set(&r, 2, 8, 0);
        ck_assert_uint_eq(ranking_first(&r), 1);
        ranking_remove(&r, 1);
        ranking_remove(&r, 3);          /* is not in it */
        ck_assert_uint_eq(ranking_first(&r), 0);
        ck_assert_uint_eq(r.n, 2);
        ranking_done(&r);
}
END_TEST

/* Against the obvious way: a list that is searched. */
START_TEST(any_mixture_of_changes_keeps_the_order) {
        enum { N = 200 };
        uint64_t keys[N], orders[N];
        bool in[N] = {};
        struct ranking r;

        srand(1);
        ck_assert_int_eq(ranking_init(&r, N), 0);
        for (unsigned round = 0; round < 20000; round++) {
                uint32_t id = (unsigned)rand() % N, best = RANKING_NONE;

                if (rand() % 3 == 0) {
                        ranking_remove(&r, id);
                        in[id] = false;
                } else {
                        keys[id] = (unsigned)rand() % 50;
                        orders[id] = (uint64_t)rand() * N + id;
                        ranking_set(&r, id, keys[id], orders[id]);
                        in[id] = true;
                }
                for (uint32_t i = 0; i < N; i++)
                        if (in[i] && (best == RANKING_NONE || keys[i] < keys[best] ||
                                      (keys[i] == keys[best] && orders[i] < orders[best])))
                                best = i;
                ck_assert_uint_eq(ranking_first(&r), best);
        }
        ranking_done(&r);
}
END_TEST

START_TEST(growing_keeps_what_is_in_it) {
        struct ranking r;

        ck_assert_int_eq(ranking_init(&r, 2), 0);
        ranking_set(&r, 0, 2, 0);
        ranking_set(&r, 1, 1, 0);
        ck_assert_int_eq(ranking_grow(&r, 100), 0);
        ranking_set(&r, 99, 0, 0);
        ck_assert_uint_eq(ranking_first(&r), 99);
        ranking_remove(&r, 99);
        ck_assert_uint_eq(ranking_first(&r), 1);
        alloc_fail_at(1);
        ck_assert_int_eq(ranking_grow(&r, 200), -ENOMEM);
        alloc_fail_at(0);
        ck_assert_uint_eq(ranking_first(&r), 1);
        ck_assert_uint_eq(r.capacity, 100);
        ranking_done(&r);
}
END_TEST

UNIT_MAIN("engine/ranking",
          smallest_key_comes_first_and_of_equal_ones_the_smallest_order,
          any_mixture_of_changes_keeps_the_order,
          growing_keeps_what_is_in_it)
