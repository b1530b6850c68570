/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hashmap.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

#define N 3000

static char keys[N][16];

static void make_keys(void) {
        for (int i = 0; i < N; i++)
                snprintf(keys[i], sizeof(keys[i]), "key %d", i);
}

START_TEST(what_was_put_is_found_and_nothing_else) {
        struct hashmap map;

        make_keys();
        hashmap_init(&map);
        ck_assert_ptr_null(hashmap_find_str(&map, "key 0"));
        for (int i = 0; i < N; i += 2)
                ck_assert_int_eq(hashmap_put_str(&map, keys[i], keys[i]), 0);
        ck_assert_uint_eq(map.n, N / 2);
        for (int i = 0; i < N; i++)
                ck_assert_ptr_eq(hashmap_find_str(&map, keys[i]), i % 2 ? NULL : keys[i]);
        hashmap_done(&map);
}
END_TEST

START_TEST(a_second_put_of_a_key_is_refused_and_changes_nothing) {
        struct hashmap map;
        int a, b;

        hashmap_init(&map);
        ck_assert_int_eq(hashmap_put_str(&map, "k", &a), 0);
        ck_assert_int_eq(hashmap_put_str(&map, "k", &b), -EEXIST);
        ck_assert_ptr_eq(hashmap_find_str(&map, "k"), &a);
        ck_assert_uint_eq(map.n, 1);
        hashmap_done(&map);
}
END_TEST

START_TEST(keys_are_bytes_so_nul_and_length_count) {
        struct hashmap map;
        int a, b, c;

        hashmap_init(&map);
        ck_assert_int_eq(hashmap_put(&map, "x\0y", 3, &a), 0);
        ck_assert_int_eq(hashmap_put(&map, "x\0z", 3, &b), 0);
        ck_assert_int_eq(hashmap_put(&map, "", 0, &c), 0);
        ck_assert_ptr_eq(hashmap_find(&map, "x\0y", 3), &a);
        ck_assert_ptr_eq(hashmap_find(&map, "x\0z", 3), &b);
        ck_assert_ptr_null(hashmap_find(&map, "x", 1));
        ck_assert_ptr_eq(hashmap_find(&map, "anything", 0), &c);
        hashmap_done(&map);
}
END_TEST

/* Against a plain array of flags, in a full fixed map, where removal has the longest chains to mend. */
START_TEST(any_order_of_puts_and_removals_leaves_exactly_the_rest) {
        bool in[N] = {};
        struct hashmap map;
        size_t n = 0;
        uint32_t x = 12345;

        make_keys();
        ck_assert_int_eq(hashmap_init_fixed(&map, 200), 0);
        for (int round = 0; round < 100000; round++) {
                int i, r;

                x = x * 1664525 + 1013904223;
                i = (x >> 8) % 500;
                if (x >> 31) {
                        r = hashmap_put_str(&map, keys[i], keys[i]);
                        ck_assert_int_eq(r, in[i] ? -EEXIST : n == 200 ? -ENOSPC : 0);
                        n += r == 0;
                        in[i] = in[i] || r == 0;
                } else {
                        ck_assert_ptr_eq(hashmap_remove_str(&map, keys[i]), in[i] ? keys[i] : NULL);
                        n -= in[i];
                        in[i] = false;
                }
                ck_assert_uint_eq(map.n, n);
        }
        ck_assert_uint_gt(map.n_refused, 0);
        for (int i = 0; i < N; i++)
                ck_assert_ptr_eq(hashmap_find_str(&map, keys[i]), in[i] ? keys[i] : NULL);
        hashmap_done(&map);
}
END_TEST

START_TEST(a_fixed_map_takes_exactly_its_capacity_and_never_allocates) {
        struct hashmap map;
        size_t before;

        make_keys();
        for (size_t capacity = 1; capacity < 40; capacity++) {
                ck_assert_int_eq(hashmap_init_fixed(&map, capacity), 0);
                before = alloc_count();
                for (size_t i = 0; i < capacity; i++)
                        ck_assert_int_eq(hashmap_put_str(&map, keys[i], keys[i]), 0);
                ck_assert_int_eq(hashmap_put_str(&map, keys[capacity], keys[0]), -ENOSPC);
                ck_assert_uint_eq(map.n_refused, 1);
                ck_assert_ptr_null(hashmap_find_str(&map, keys[capacity]));
                ck_assert_uint_eq(alloc_count(), before);
                hashmap_done(&map);
        }
}
END_TEST

START_TEST(going_through_meets_each_entry_once) {
        struct hashmap map;
        int seen[N] = {}, n = 0;

        make_keys();
        hashmap_init(&map);
        HASHMAP_FOREACH(e, &map)
                n++;
        ck_assert_int_eq(n, 0);

        for (int i = 0; i < N; i++)
                ck_assert_int_eq(hashmap_put_str(&map, keys[i], &seen[i]), 0);
        HASHMAP_FOREACH(e, &map) {
                ++*(int *)e->value;
                n++;
        }
        ck_assert_int_eq(n, N);
        for (int i = 0; i < N; i++)
                ck_assert_int_eq(seen[i], 1);

        n = 0;
        HASHMAP_FOREACH(e, &map)
                if (++n == 10)
                        break;
        ck_assert_int_eq(n, 10);

        hashmap_clear(&map);
        ck_assert_uint_eq(map.n, 0);
        ck_assert_ptr_null(hashmap_find_str(&map, keys[0]));
        hashmap_done(&map);
}
END_TEST

static int fill_map(void *userdata) {
        struct hashmap map;
        int r = 0;

        hashmap_init(&map);
        for (int i = 0; i < 200 && r >= 0; i++)
                r = hashmap_put_str(&map, keys[i], keys[i]);
        if (r < 0)
                for (size_t i = 0; i < map.n; i++)      /* a failed put has not lost the others */
                        ck_assert_ptr_nonnull(hashmap_find_str(&map, keys[i]));
        hashmap_done(&map);
        return r;
}

static int make_fixed_map(void *userdata) {
        struct hashmap map;
        int r = hashmap_init_fixed(&map, 100);

        hashmap_done(&map);
        return r;
}

START_TEST(running_out_of_memory_keeps_what_is_in_the_map) {
        make_keys();
        ck_assert_uint_gt(alloc_fail_sweep(fill_map, NULL), 3);
        ck_assert_uint_eq(alloc_fail_sweep(make_fixed_map, NULL), 1);
}
END_TEST

UNIT_MAIN("base/hashmap",
          what_was_put_is_found_and_nothing_else,
          a_second_put_of_a_key_is_refused_and_changes_nothing,
          keys_are_bytes_so_nul_and_length_count,
          any_order_of_puts_and_removals_leaves_exactly_the_rest,
          a_fixed_map_takes_exactly_its_capacity_and_never_allocates,
          going_through_meets_each_entry_once,
          running_out_of_memory_keeps_what_is_in_the_map)
