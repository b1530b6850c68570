/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ring-size.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"
#include "unit.h"


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

START_TEST(it_begins_with_what_it_had_before_where_that_is_within_its_bounds) {
        static const struct {
                size_t learned, bytes;
        } rows[] = {{0, 64}, {64, 64}, {256, 256}, {1024, 1024}, {2048, 64}, {32, 64}, {100, 64}};

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                ring_size_init(&size, 64 * KIB, 1024 * KIB);
                ring_size_learned(&size, rows[i].learned * KIB);
                ck_assert_uint_eq(size.bytes, rows[i].bytes * KIB);
        }
        ring_size_learned(&size, 512 * KIB);
        ck_assert_uint_eq(samples(100, 10, false), 1);
        ck_assert_uint_eq(size.bytes, 256 * KIB);
}
END_TEST

START_TEST(what_it_had_is_read_as_it_was_written_and_anything_else_refused) {
        static const struct {
                const char *text;
                int r;
        } rows[] = {
                {"", -EBADMSG},
                {"execrayd-ring 2\nbytes 65536\n", -EPROTO},
                {"execrayd-ring 1\nbytes 65537\n", -EBADMSG},
                {"execrayd-ring 1\nbytes 65536", -EBADMSG},
                {"execrayd-ring 1\nbytes \n", -EBADMSG},
                {"execrayd-ring 1\nbytes -65536\n", -EBADMSG},
                {"execrayd-ring 1\nbytes 65536\nbytes 65536\n", -EBADMSG},
                {"execrayd-ring 1\nbytes 18446744073709551616\n", -EBADMSG},
        };
        struct strbuf b = {};
        size_t found = 0;

        ring_size_put(256 * KIB, &b);
        ck_assert_int_eq(ring_size_parse(b.data, b.n, &found), 0);
        ck_assert_uint_eq(found, 256 * KIB);
        for (size_t n = 0; n < b.n; n++)
                ck_assert_int_lt(ring_size_parse(b.data, n, &found), 0);
        strbuf_done(&b);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                ck_assert_int_eq(ring_size_parse(rows[i].text, strlen(rows[i].text), &found), rows[i].r);
        ck_assert_uint_eq(found, 256 * KIB);
}
END_TEST

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

UNIT_MAIN("capture/ring-size", it_begins_with_what_it_had_before_where_that_is_within_its_bounds,
          what_it_had_is_read_as_it_was_written_and_anything_else_refused,
          the_first_loss_makes_it_larger_at_once_and_the_next_after_a_while, it_grows_before_something_is_lost,
          it_shrinks_when_little_was_used_for_long_and_not_below_its_bound, one_busy_moment_keeps_it_as_it_is,
          what_made_it_grow_does_not_make_it_shrink, it_does_not_grow_beyond_its_bound_nor_change_without_bounds)
