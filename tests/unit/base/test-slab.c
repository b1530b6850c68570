/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"

#include <errno.h>

#include "unit.h"

static struct slab slab;

START_TEST(items_are_zeroed_distinct_and_aligned) {
        char *items[1000];

        slab_init(&slab, 40, 1000);
        for (size_t i = 0; i < ELEMENTSOF(items); i++) {
                items[i] = slab_alloc(&slab);
                ck_assert_ptr_nonnull(items[i]);
                ck_assert_uint_eq((uintptr_t)items[i] % 16, 0);
                for (size_t j = 0; j < 40; j++)
                        ck_assert_int_eq(items[i][j], 0);
                memset(items[i], 'a' + i % 26, 40);
        }
        for (size_t i = 0; i < ELEMENTSOF(items); i++)
                for (size_t j = 0; j < 40; j++)
                        ck_assert_int_eq(items[i][j], 'a' + (int)(i % 26));
        slab_done(&slab);
}
END_TEST

START_TEST(full_slab_refuses_and_counts) {
        void *item;

        slab_init(&slab, 8, 2);
        item = slab_alloc(&slab);
        ck_assert_ptr_nonnull(slab_alloc(&slab));
        ck_assert_ptr_null(slab_alloc(&slab));
        ck_assert_uint_eq(slab.n_refused, 1);
        slab_free(&slab, item);
        ck_assert_ptr_nonnull(slab_alloc(&slab));
        ck_assert_uint_eq(slab.n_used, 2);
        slab_done(&slab);
}
END_TEST

START_TEST(given_back_item_is_zeroed_when_it_comes_again) {
        char *item, *again;

        slab_init(&slab, 64, 10);
        item = slab_alloc(&slab);
        memset(item, 0xff, 64);
        slab_free(&slab, item);
        again = slab_alloc(&slab);
        ck_assert_ptr_eq(again, item);
        for (size_t i = 0; i < 64; i++)
                ck_assert_int_eq(again[i], 0);
        slab_free(&slab, NULL);
        slab_done(&slab);
}
END_TEST

START_TEST(steady_state_allocates_nothing) {
        void *items[500];
        size_t n_before;

        slab_init(&slab, 200, 500);
        for (size_t i = 0; i < ELEMENTSOF(items); i++)
                items[i] = slab_alloc(&slab);
        n_before = alloc_count();
        for (size_t round = 0; round < 10; round++) {
                for (size_t i = 0; i < ELEMENTSOF(items); i++)
                        slab_free(&slab, items[i]);
                for (size_t i = 0; i < ELEMENTSOF(items); i++)
                        items[i] = slab_alloc(&slab);
        }
        ck_assert_uint_eq(alloc_count(), n_before);
        slab_done(&slab);
}
END_TEST

static int fill(void *userdata) {
        int r = 0;

        slab_init(&slab, 1024, 100);
        for (size_t i = 0; i < 100 && r == 0; i++)
                if (!slab_alloc(&slab))
                        r = -ENOMEM;
        slab_done(&slab);
        return r;
}

START_TEST(lack_of_memory_is_a_refusal_and_leaks_nothing) {
        ck_assert_uint_gt(alloc_fail_sweep(fill, NULL), 1);
}
END_TEST

UNIT_MAIN("base/slab",
          items_are_zeroed_distinct_and_aligned,
          full_slab_refuses_and_counts,
          given_back_item_is_zeroed_when_it_comes_again,
          steady_state_allocates_nothing,
          lack_of_memory_is_a_refusal_and_leaks_nothing)
