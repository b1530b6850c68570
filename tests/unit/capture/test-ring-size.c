/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ring-size.h"

#include "unit.h"

#define KIB ((size_t)1024)

static struct ring_size size;
static size_t bytes;

/* Of 100 bytes that most kinds may use. */
static enum ring_size_reason sample(size_t percent, bool lost) {
        return ring_size_sample(&size, percent, 100, lost, &bytes);
}

/* Takes what it is told. Returns how often it changed. */
static size_t samples(size_t n, size_t percent, bool lost) {
        size_t changes = 0;

        for (size_t i = 0; i < n; i++)
                if (sample(percent, lost) != RING_SIZE_STAYS) {
                        ring_size_set(&size, bytes);
                        changes++;
                }
        return changes;
}

START_TEST(the_first_loss_makes_it_larger_at_once_and_the_next_after_a_while) {
        ring_size_init(&size, 64 * KIB, 1024 * KIB);
        ck_assert_int_eq(sample(10, false), RING_SIZE_STAYS);
        ck_assert_int_eq(sample(10, true), RING_SIZE_LOST);
        ck_assert_uint_eq(bytes, 128 * KIB);
        ring_size_set(&size, bytes);
        for (size_t i = 1; i < RING_SIZE_MIN_SAMPLES; i++)
                ck_assert_int_eq(sample(100, true), RING_SIZE_STAYS);
        ck_assert_int_eq(sample(100, true), RING_SIZE_LOST);
        ck_assert_uint_eq(bytes, 256 * KIB);
}
END_TEST

START_TEST(it_grows_before_something_is_lost) {
        ring_size_init(&size, 64 * KIB, 1024 * KIB);
        ck_assert_uint_eq(samples(RING_SIZE_MIN_SAMPLES - 1, 90, false), 0);
        ck_assert_int_eq(sample(79, false), RING_SIZE_STAYS);
        ck_assert_int_eq(sample(80, false), RING_SIZE_FULL);
        ck_assert_uint_eq(bytes, 128 * KIB);
}
END_TEST

START_TEST(it_shrinks_when_little_was_used_for_long_and_not_below_its_bound) {
        ring_size_init(&size, 64 * KIB, 1024 * KIB);
        ring_size_set(&size, 256 * KIB);
        ck_assert_uint_eq(samples(RING_SIZE_SAMPLES - 1, 29, false), 0);
        ck_assert_int_eq(sample(29, false), RING_SIZE_UNUSED);
        ck_assert_uint_eq(bytes, 128 * KIB);
        ring_size_set(&size, bytes);
        ck_assert_uint_eq(samples(1000, 0, false), 1);
        ck_assert_uint_eq(size.bytes, 64 * KIB);
}
END_TEST

START_TEST(one_busy_moment_keeps_it_as_it_is) {
        ring_size_init(&size, 64 * KIB, 1024 * KIB);
        ring_size_set(&size, 256 * KIB);
        for (int i = 0; i < 20; i++) {
                ck_assert_uint_eq(samples(RING_SIZE_SAMPLES - 1, 1, false), 0);
                ck_assert_uint_eq(samples(1, 40, false), 0);
        }
        ck_assert_uint_eq(samples(RING_SIZE_SAMPLES, 1, false), 1);
}
END_TEST

/* The same load takes half the share of twice the ring. */
START_TEST(what_made_it_grow_does_not_make_it_shrink) {
        for (size_t percent = 1; percent <= 100; percent++) {
                size_t grew;

                ring_size_init(&size, 64 * KIB, 1024 * KIB);
                grew = samples(RING_SIZE_MIN_SAMPLES, percent, false);
                ck_assert_uint_eq(grew, percent >= RING_SIZE_GROW_PERCENT);
                if (grew > 0)
                        ck_assert_uint_eq(samples(1000, percent / 2, false), 0);
        }
}
END_TEST

START_TEST(it_does_not_grow_beyond_its_bound_nor_change_without_bounds) {
        ring_size_init(&size, 64 * KIB, 256 * KIB);
        ck_assert_uint_eq(samples(1000, 100, true), 2);
        ck_assert_uint_eq(size.bytes, 256 * KIB);
        ring_size_init(&size, 256 * KIB, 64 * KIB);
        ck_assert_uint_eq(samples(1000, 100, true), 0);
        ck_assert_uint_eq(samples(1000, 0, false), 0);
        ck_assert_uint_eq(size.bytes, 256 * KIB);
}
END_TEST

UNIT_MAIN("capture/ring-size",
          the_first_loss_makes_it_larger_at_once_and_the_next_after_a_while,
          it_grows_before_something_is_lost,
          it_shrinks_when_little_was_used_for_long_and_not_below_its_bound,
          one_busy_moment_keeps_it_as_it_is,
          what_made_it_grow_does_not_make_it_shrink,
          it_does_not_grow_beyond_its_bound_nor_change_without_bounds)
