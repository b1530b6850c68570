/* SPDX-License-Identifier: Apache-2.0 */
#include "governor/histogram.h"

#include "unit.h"

static struct histogram h;

START_TEST(of_nothing_every_quantile_is_nothing) {
        ck_assert_uint_eq(histogram_quantile(&h, 500), 0);
        ck_assert_uint_eq(histogram_quantile(&h, 1000), 0);
}
END_TEST

START_TEST(a_quantile_is_at_most_an_eighth_too_high_and_never_too_low) {
        for (uint64_t value = 1; value < UINT64_MAX / 3; value = value * 3 + 1) {
                uint64_t found;

                histogram_clear(&h);
                histogram_add(&h, value);
                histogram_add(&h, UINT64_MAX);
                found = histogram_quantile(&h, 500);
                ck_assert_uint_ge(found, value);
                ck_assert_uint_le(found - value, value / 8);
        }
}
END_TEST

START_TEST(quantiles_are_those_of_the_sorted_values) {
        for (uint64_t i = 1; i <= 1000; i++)
                histogram_add(&h, i * 1000);
        ck_assert_uint_eq(h.n, 1000);
        for (unsigned q = 1; q <= 1000; q++) {
                uint64_t found = histogram_quantile(&h, q);

                ck_assert_uint_ge(found, q * 1000);
                ck_assert_uint_le(found, q * 1000 + q * 125);
        }
        ck_assert_uint_eq(histogram_quantile(&h, 1000), 1000000);
        histogram_clear(&h);
        ck_assert_uint_eq(h.n, 0);
        ck_assert_uint_eq(histogram_quantile(&h, 1000), 0);
}
END_TEST

START_TEST(no_time_at_all_and_the_longest_have_their_class) {
        histogram_add(&h, 0);
        ck_assert_uint_eq(histogram_quantile(&h, 1000), 0);
        histogram_add(&h, UINT64_MAX);
        ck_assert_uint_eq(histogram_quantile(&h, 500), 0);
        ck_assert_uint_eq(histogram_quantile(&h, 1000), UINT64_MAX);
}
END_TEST

START_TEST(how_many_are_up_to_a_bound_is_within_a_class) {
        for (uint64_t i = 1; i <= 1000; i++)
                histogram_add(&h, i * 1000);
        ck_assert_uint_eq(h.sum_ns, 500500000);
        ck_assert_uint_eq(histogram_up_to(&h, 0), 0);
        ck_assert_uint_ge(histogram_up_to(&h, 500000), 500);
        ck_assert_uint_le(histogram_up_to(&h, 500000), 563);
        ck_assert_uint_eq(histogram_up_to(&h, UINT64_MAX), 1000);
}
END_TEST

UNIT_MAIN("governor/histogram", how_many_are_up_to_a_bound_is_within_a_class, of_nothing_every_quantile_is_nothing,
          a_quantile_is_at_most_an_eighth_too_high_and_never_too_low, quantiles_are_those_of_the_sorted_values,
          no_time_at_all_and_the_longest_have_their_class)
