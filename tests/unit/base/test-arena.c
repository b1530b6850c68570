/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <errno.h>
#include <stdint.h>

#include "unit.h"

START_TEST(memory_comes_zeroed_aligned_and_stays_where_it_is) {
        struct arena arena = {};
        char *first = arena_alloc(&arena, 3);

        ck_assert_ptr_nonnull(first);
        memcpy(first, "ab", 3);
        for (int i = 1; i < 2000; i++) {
                uint8_t *p = arena_alloc(&arena, i % 97);

                ck_assert_ptr_nonnull(p);
                ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
                for (int k = 0; k < i % 97; k++)
                        ck_assert_uint_eq(p[k], 0);
                memset(p, 0xff, i % 97);
        }
        ck_assert_str_eq(first, "ab");
        arena_done(&arena);
        ck_assert_uint_eq(arena.used_bytes, 0);
}
END_TEST

START_TEST(the_limit_refuses_counts_and_leaves_room_for_what_still_fits) {
        struct arena arena;

        arena_init(&arena, 1024);
        ck_assert_ptr_nonnull(arena_alloc(&arena, 512));
        ck_assert_ptr_null(arena_alloc(&arena, 513));
        ck_assert_uint_eq(arena.n_refused, 1);
        ck_assert_ptr_nonnull(arena_alloc(&arena, 512));
        ck_assert_uint_eq(arena.used_bytes, 1024);
        ck_assert_ptr_null(arena_alloc(&arena, 1));
        ck_assert_uint_eq(arena.n_refused, 2);
        arena_done(&arena);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused) {
        struct arena arena = {};

        ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
        ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX - 4));
        ck_assert_ptr_null(arena_calloc(&arena, SIZE_MAX / 2, 3));
        ck_assert_ptr_null(arena_strndup(&arena, "x", SIZE_MAX));
        ck_assert_uint_eq(arena.n_refused, 4);
        ck_assert_uint_eq(arena.used_bytes, 0);
        arena_done(&arena);
}
END_TEST

START_TEST(a_block_larger_than_any_chunk_has_one_of_its_own) {
        struct arena arena = {};
        char *p = arena_alloc(&arena, 3 * 1024 * 1024);

        ck_assert_ptr_nonnull(p);
        p[3 * 1024 * 1024 - 1] = 1;
        ck_assert_ptr_nonnull(arena_alloc(&arena, 10));
        arena_done(&arena);
}
END_TEST

START_TEST(strings_are_copied_with_their_nul) {
        struct arena arena = {};

        ck_assert_str_eq(arena_strdup(&arena, "hello"), "hello");
        ck_assert_str_eq(arena_strndup(&arena, "hello", 3), "hel");
        ck_assert_str_eq(arena_strndup(&arena, NULL, 0), "");
        ck_assert_mem_eq(arena_strndup(&arena, "a\0b", 3), "a\0b", 4);
        ck_assert_mem_eq(arena_memdup(&arena, "xyz", 3), "xyz", 3);
        ck_assert_str_eq(arena_printf(&arena, "%s-%d", "n", 42), "n-42");
        arena_done(&arena);
}
END_TEST

START_TEST(reset_keeps_memory_for_the_next_round_and_zeroes_it) {
        struct arena arena;
        size_t before;

        arena_init(&arena, 0);
        for (int round = 0; round < 5; round++) {
                uint8_t *p = arena_alloc(&arena, 100);

                ck_assert_uint_eq(p[0], 0);
                ck_assert_uint_eq(p[99], 0);
                memset(p, 0xaa, 100);
                before = alloc_count();
                arena_reset(&arena);
                ck_assert_uint_eq(arena.used_bytes, 0);
                ck_assert_ptr_nonnull(arena_alloc(&arena, 100));
                ck_assert_uint_eq(alloc_count(), before);
                arena_reset(&arena);
        }
        arena_done(&arena);
}
END_TEST

START_TEST(work_of_the_same_size_soon_takes_no_memory_any_more) {
        struct arena arena;
        size_t before = 0;

        arena_init(&arena, 0);
        for (int round = 0; round < 10; round++) {
                if (round == 5)
                        before = alloc_count();
                for (int i = 0; i < 500; i++)
                        ck_assert_ptr_nonnull(arena_alloc(&arena, 100));
                arena_reset(&arena);
        }
        ck_assert_uint_eq(alloc_count(), before);

        /* What was once very large is not kept for ever. */
        ck_assert_ptr_nonnull(arena_alloc(&arena, 4 << 20));
        arena_reset(&arena);
        ck_assert_uint_lt(arena.reserved_bytes, 512 << 10);
        arena_done(&arena);
}
END_TEST

static int fill_arena(void *userdata) {
        struct arena arena = {};
        bool failed = false;

        for (int i = 0; i < 50 && !failed; i++)
                failed = !arena_printf(&arena, "%*d", 400, i);
        arena_done(&arena);
        return failed ? -ENOMEM : 0;
}

START_TEST(running_out_of_memory_loses_nothing_that_was_there) {
        ck_assert_uint_gt(alloc_fail_sweep(fill_arena, NULL), 1);
}
END_TEST

UNIT_MAIN("base/arena",
          memory_comes_zeroed_aligned_and_stays_where_it_is,
          the_limit_refuses_counts_and_leaves_room_for_what_still_fits,
          sizes_that_overflow_are_refused,
          a_block_larger_than_any_chunk_has_one_of_its_own,
          strings_are_copied_with_their_nul,
          reset_keeps_memory_for_the_next_round_and_zeroes_it,
          work_of_the_same_size_soon_takes_no_memory_any_more,
          running_out_of_memory_loses_nothing_that_was_there)
