/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buddy.h"

#include <errno.h>

#include "unit.h"

START_TEST(the_region_can_be_filled_to_the_last_byte) {
        struct buddy buddy;

        ck_assert_int_eq(buddy_init(&buddy, 64 * 1024), 0);
        for (int i = 0; i < 1024; i++)
                ck_assert_ptr_nonnull(buddy_alloc(&buddy, 64));
        ck_assert_uint_eq(buddy.used_bytes, 64 * 1024);
        ck_assert_ptr_null(buddy_alloc(&buddy, 1));
        ck_assert_uint_eq(buddy.n_refused, 1);
        buddy_done(&buddy);
}
END_TEST

START_TEST(freed_neighbours_join_until_the_whole_region_is_one_again) {
        struct buddy buddy;
        void *p[1024], *whole;

        ck_assert_int_eq(buddy_init(&buddy, 64 * 1024), 0);
        for (int i = 0; i < 1024; i++)
                p[i] = buddy_alloc(&buddy, 64);
        /* in an order that has nothing to do with the place: 389 and 1024 have no common factor */
        for (int i = 0; i < 1024; i++)
                buddy_free(&buddy, p[i * 389 % 1024]);
        ck_assert_uint_eq(buddy.used_bytes, 0);
        whole = buddy_alloc(&buddy, 64 * 1024);
        ck_assert_ptr_nonnull(whole);
        buddy_free(&buddy, whole);
        buddy_free(&buddy, NULL);
        buddy_done(&buddy);
}
END_TEST

START_TEST(blocks_of_mixed_sizes_never_overlap) {
        struct buddy buddy;
        struct {
                uint8_t *p;
                size_t n;
        } held[200] = {};
        uint32_t x = 3;

        ck_assert_int_eq(buddy_init(&buddy, 256 * 1024), 0);
        for (int round = 0; round < 20000; round++) {
                int i;

                x = x * 1664525 + 1013904223;
                i = (x >> 8) % 200;
                if (held[i].n > 0)      /* all bytes are still ours: the first is, and each is like the one before */
                        ck_assert(held[i].p[0] == i && memcmp(held[i].p, held[i].p + 1, held[i].n - 1) == 0);
                buddy_free(&buddy, held[i].p);
                held[i].n = 1 + (x >> 16) % 4000;
                held[i].p = buddy_alloc(&buddy, held[i].n);
                if (held[i].p)
                        memset(held[i].p, i, held[i].n);
                else
                        held[i].n = 0;
        }
        for (int i = 0; i < 200; i++)
                buddy_free(&buddy, held[i].p);
        ck_assert_uint_eq(buddy.used_bytes, 0);
        ck_assert_ptr_nonnull(buddy_alloc(&buddy, 256 * 1024));
        buddy_done(&buddy);
}
END_TEST

START_TEST(a_block_takes_the_next_power_of_two) {
        ck_assert_uint_eq(buddy_block_size(1), 64);
        ck_assert_uint_eq(buddy_block_size(64), 64);
        ck_assert_uint_eq(buddy_block_size(65), 128);
        ck_assert_uint_eq(buddy_block_size(4096), 4096);
        ck_assert_uint_eq(buddy_block_size(4097), 8192);
}
END_TEST

START_TEST(more_than_the_region_is_refused_without_harm) {
        struct buddy buddy;

        ck_assert_int_eq(buddy_init(&buddy, 1), 0);
        ck_assert_uint_eq(buddy.size, 4096);
        ck_assert_ptr_null(buddy_alloc(&buddy, 4097));
        ck_assert_ptr_null(buddy_alloc(&buddy, SIZE_MAX));
        ck_assert_ptr_nonnull(buddy_alloc(&buddy, 4096));
        buddy_done(&buddy);
        ck_assert_int_eq(buddy_init(&buddy, SIZE_MAX), -ENOMEM);
}
END_TEST

START_TEST(tight_blocks_fill_the_region_whatever_their_size) {
        struct buddy buddy;
        size_t n_bytes = 0;
        void *p[64];

        /* 64 rows of 1 to 64 smallest blocks: as powers of two they would take 2,731 of them, not 2,080 */
        ck_assert_int_eq(buddy_init(&buddy, 4096 * 64), 0);
        for (size_t i = 0; i < 64; i++) {
                p[i] = buddy_alloc_tight(&buddy, 64 * i + 33);
                ck_assert_ptr_nonnull(p[i]);
                memset(p[i], (int)i, 64 * i + 33);
                n_bytes += 64 * (i + 1);
                ck_assert_uint_eq(buddy.used_bytes, n_bytes);
        }
        while (buddy_alloc(&buddy, 64))
                n_bytes += 64;
        ck_assert_uint_eq(n_bytes, 4096 * 64);
        for (size_t i = 0; i < 64; i++)
                for (size_t k = 0; k < 64 * i + 33; k++)
                        ck_assert_uint_eq(((const uint8_t *)p[i])[k], i);
        buddy_done(&buddy);
}
END_TEST

START_TEST(tight_blocks_leave_one_whole_region_behind) {
        struct buddy buddy;
        struct {
                uint8_t *p;
                size_t n;
        } held[100] = {};
        uint32_t x = 5;

        ck_assert_int_eq(buddy_init(&buddy, 256 * 1024), 0);
        for (int round = 0; round < 20000; round++) {
                int i;

                x = x * 1664525 + 1013904223;
                i = (x >> 8) % 100;
                if (held[i].p)
                        ck_assert(held[i].p[0] == i && memcmp(held[i].p, held[i].p + 1, held[i].n - 1) == 0);
                buddy_free_tight(&buddy, held[i].p, held[i].n);
                held[i].n = 1 + (x >> 16) % 5000;
                held[i].p = buddy_alloc_tight(&buddy, held[i].n);
                if (held[i].p)
                        memset(held[i].p, i, held[i].n);
        }
        for (int i = 0; i < 100; i++)
                buddy_free_tight(&buddy, held[i].p, held[i].n);
        ck_assert_uint_eq(buddy.used_bytes, 0);
        ck_assert_ptr_nonnull(buddy_alloc(&buddy, 256 * 1024));
        ck_assert_ptr_null(buddy_alloc_tight(&buddy, 1));
        buddy_done(&buddy);
}
END_TEST

UNIT_MAIN("base/buddy",
          the_region_can_be_filled_to_the_last_byte,
          freed_neighbours_join_until_the_whole_region_is_one_again,
          blocks_of_mixed_sizes_never_overlap,
          a_block_takes_the_next_power_of_two,
          tight_blocks_fill_the_region_whatever_their_size,
          tight_blocks_leave_one_whole_region_behind,
          more_than_the_region_is_refused_without_harm)
