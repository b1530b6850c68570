/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idmap.h"

#include <errno.h>

#include "unit.h"

#define N 2000

static int values[N];

START_TEST(what_was_put_is_found_and_nothing_else) {
        struct idmap map;

        idmap_init(&map);
        ck_assert_ptr_null(idmap_find(&map, 0));
        for (uint64_t i = 0; i < N; i += 2)
                ck_assert_int_eq(idmap_put(&map, i << 32, &values[i]), 0);
        ck_assert_int_eq(idmap_put(&map, 0, &values[1]), -EEXIST);
        for (uint64_t i = 0; i < N; i++)
                ck_assert_ptr_eq(idmap_find(&map, i << 32), i % 2 ? NULL : &values[i]);
        ck_assert_ptr_null(idmap_find(&map, UINT64_MAX));
        ck_assert_uint_eq(map.n, N / 2);
        idmap_done(&map);
}
END_TEST

START_TEST(replacing_gives_the_old_value_back) {
        struct idmap map;
        void *old = &map;

        idmap_init(&map);
        ck_assert_int_eq(idmap_replace(&map, 5, &values[0], &old), 0);
        ck_assert_ptr_null(old);
        ck_assert_int_eq(idmap_replace(&map, 5, &values[1], &old), 0);
        ck_assert_ptr_eq(old, &values[0]);
        ck_assert_int_eq(idmap_replace(&map, 5, &values[2], NULL), 0);
        ck_assert_ptr_eq(idmap_find(&map, 5), &values[2]);
        ck_assert_uint_eq(map.n, 1);
        idmap_done(&map);
}
END_TEST

START_TEST(any_order_of_puts_and_removals_leaves_exactly_the_rest) {
        bool in[N] = {};
        struct idmap map;
        size_t n = 0;
        uint32_t x = 99;

        ck_assert_int_eq(idmap_init_fixed(&map, 200), 0);
        for (int round = 0; round < 100000; round++) {
                int i, r;

                x = x * 1664525 + 1013904223;
                i = (x >> 8) % 500;
                if (x >> 31) {
                        r = idmap_put(&map, i, &values[i]);
                        ck_assert_int_eq(r, in[i] ? -EEXIST : n == 200 ? -ENOSPC : 0);
                        n += r == 0;
                        in[i] = in[i] || r == 0;
                } else {
                        ck_assert_ptr_eq(idmap_remove(&map, i), in[i] ? &values[i] : NULL);
                        n -= in[i];
                        in[i] = false;
                }
                ck_assert_uint_eq(map.n, n);
        }
        for (int i = 0; i < N; i++)
                ck_assert_ptr_eq(idmap_find(&map, i), in[i] ? &values[i] : NULL);
        idmap_done(&map);
}
END_TEST

START_TEST(a_fixed_map_takes_exactly_its_capacity_and_never_allocates) {
        struct idmap map;
        size_t before;

        for (size_t capacity = 1; capacity < 40; capacity++) {
                ck_assert_int_eq(idmap_init_fixed(&map, capacity), 0);
                before = alloc_count();
                for (size_t i = 0; i < capacity; i++)
                        ck_assert_int_eq(idmap_put(&map, i, &values[i]), 0);
                ck_assert_int_eq(idmap_put(&map, capacity, &values[0]), -ENOSPC);
                ck_assert_int_eq(idmap_replace(&map, 0, &values[1], NULL), 0);
                ck_assert_uint_eq(map.n_refused, 1);
                ck_assert_uint_eq(alloc_count(), before);
                idmap_done(&map);
        }
}
END_TEST

START_TEST(going_through_meets_each_entry_once) {
        uint64_t sum = 0;
        struct idmap map;
        size_t n = 0;

        idmap_init(&map);
        for (int i = 0; i < N; i++)
                ck_assert_int_eq(idmap_put(&map, i, &values[i]), 0);
        IDMAP_FOREACH(e, &map) {
                ck_assert_ptr_eq(e->value, &values[e->id]);
                sum += e->id;
                n++;
        }
        ck_assert_uint_eq(n, N);
        ck_assert_uint_eq(sum, (uint64_t)N * (N - 1) / 2);

        idmap_clear(&map);
        ck_assert_ptr_null(idmap_find(&map, 1));
        ck_assert_ptr_null(idmap_remove(&map, 1));
        idmap_done(&map);
}
END_TEST

static int fill_map(void *userdata) {
        struct idmap map;
        int r = 0;

        idmap_init(&map);
        for (uint64_t i = 0; i < 200 && r >= 0; i++)
                r = idmap_put(&map, i, &values[i]);
        if (r < 0)
                for (uint64_t i = 0; i < map.n; i++)
                        ck_assert_ptr_eq(idmap_find(&map, i), &values[i]);
        idmap_done(&map);
        return r;
}

START_TEST(running_out_of_memory_keeps_what_is_in_the_map) {
        ck_assert_uint_gt(alloc_fail_sweep(fill_map, NULL), 3);
}
END_TEST

UNIT_MAIN("base/idmap",
          what_was_put_is_found_and_nothing_else,
          replacing_gives_the_old_value_back,
          any_order_of_puts_and_removals_leaves_exactly_the_rest,
          a_fixed_map_takes_exactly_its_capacity_and_never_allocates,
          going_through_meets_each_entry_once,
          running_out_of_memory_keeps_what_is_in_the_map)
