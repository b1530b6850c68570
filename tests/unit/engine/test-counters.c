/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/counters.h"

#include "unit.h"

static struct counters counters;

static void add(uint32_t counter, uint64_t time_ns, uint64_t value) {
        const struct token token = {.low = value};

        counters_add(&counters, counter, time_ns, value > 0 ? &token : NULL);
}

static uint64_t oldest(uint32_t counter) {
        return counters_time(&counters, counters_at(&counters, counter)->oldest)->time_ns;
}

static uint32_t n_of(uint32_t counter) {
        return counters_at(&counters, counter)->n;
}

START_TEST(window_that_slides_drops_the_oldest_times) {
        uint32_t a;

        ck_assert_int_eq(counters_init(&counters, 8, 4), 0);
        a = counters_take(&counters, 1);
        for (uint64_t t = 10; t < 15; t++)
                add(a, t, 0);
        ck_assert_uint_eq(n_of(a), 5);
        counters_forget(&counters, a, 12);
        ck_assert_uint_eq(n_of(a), 3);
        ck_assert_uint_eq(oldest(a), 12);
        counters_forget(&counters, a, 100);
        ck_assert_uint_eq(n_of(a), 0);
        add(a, 100, 0);
        ck_assert_uint_eq(oldest(a), 100);
        counters_done(&counters);
}
END_TEST

START_TEST(value_that_comes_again_takes_a_new_place_in_its_own_counter_only) {
        uint32_t a, b;

        ck_assert_int_eq(counters_init(&counters, 2, 4), 0);    /* two heads: chains are shared */
        a = counters_take(&counters, 1);
        b = counters_take(&counters, 1);
        add(a, 1, 7);
        add(b, 2, 7);
        add(a, 3, 8);
        ck_assert_uint_eq(n_of(a), 2);
        ck_assert_uint_eq(n_of(b), 1);
        add(a, 4, 7);
        ck_assert_uint_eq(n_of(a), 2);
        ck_assert_uint_eq(oldest(a), 3);
        ck_assert_uint_eq(oldest(b), 2);
        add(a, 5, 8);
        ck_assert_uint_eq(oldest(a), 4);
        counters_done(&counters);
}
END_TEST

START_TEST(what_is_given_up_is_free_again_and_too_many_are_seen) {
        uint32_t a, b;

        ck_assert_int_eq(counters_init(&counters, 3, 2), 0);
        a = counters_take(&counters, 1);
        b = counters_take(&counters, 2);
        for (uint64_t t = 0; t < 3; t++)
                add(a, t, t + 1);
        ck_assert(!counters_are_too_many(&counters));
        add(b, 3, 1);
        ck_assert(counters_are_too_many(&counters));
        counters_give(&counters, a);
        counters_give(&counters, COUNTERS_NONE);
        ck_assert_uint_eq(counters.times.n_used, 1);
        a = counters_take(&counters, 3);
        ck_assert_uint_eq(n_of(a), 0);
        for (uint64_t t = 0; t < 3; t++)
                add(a, t, t + 1);
        ck_assert_uint_eq(n_of(a), 3);
        ck_assert_uint_eq(n_of(b), 1);
        counters_done(&counters);
}
END_TEST

UNIT_MAIN("engine/counters", window_that_slides_drops_the_oldest_times,
          value_that_comes_again_takes_a_new_place_in_its_own_counter_only,
          what_is_given_up_is_free_again_and_too_many_are_seen)
