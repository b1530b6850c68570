/* SPDX-License-Identifier: Apache-2.0 */
#include "base/allowance.h"

#include "../unit.h"
#include "base/clock.h"

#define SHARE (10 * NSEC_PER_MSEC)

START_TEST(what_is_spent_is_not_left) {
        struct allowance allowance = {};
        uint64_t now_ns = 100 * NSEC_PER_SEC;

        ck_assert_uint_eq(allowance_left(&allowance, SHARE, now_ns), SHARE);
        allowance_spend(&allowance, now_ns, now_ns + 4 * NSEC_PER_MSEC);
        ck_assert_uint_eq(allowance_left(&allowance, SHARE, now_ns + 5 * NSEC_PER_MSEC), 6 * NSEC_PER_MSEC);
        allowance_spend(&allowance, now_ns, now_ns + 7 * NSEC_PER_MSEC);
        ck_assert_uint_eq(allowance_left(&allowance, SHARE, now_ns + NSEC_PER_SEC - 1), 0);
}
END_TEST

START_TEST(each_second_has_its_own) {
        struct allowance allowance = {};
        uint64_t now_ns = 100 * NSEC_PER_SEC, waited_ns = 0;

        /* Whoever always takes all that he gets, half a millisecond at a time, gets a hundredth of ten seconds. */
        for (uint64_t end_ns = now_ns + 10 * NSEC_PER_SEC; now_ns < end_ns; now_ns += 100 * NSEC_PER_USEC) {
                uint64_t ns = MIN(allowance_left(&allowance, SHARE, now_ns), 500 * NSEC_PER_USEC);

                allowance_spend(&allowance, now_ns, now_ns + ns);
                waited_ns += ns;
                now_ns += ns;
        }
        ck_assert_uint_le(waited_ns, 10 * SHARE);
        ck_assert_uint_ge(waited_ns, 9 * SHARE);
}
END_TEST

START_TEST(a_clock_that_goes_back_spends_nothing) {
        struct allowance allowance = {};

        ck_assert_uint_eq(allowance_left(&allowance, SHARE, 5 * NSEC_PER_SEC), SHARE);
        allowance_spend(&allowance, 5 * NSEC_PER_SEC, 4 * NSEC_PER_SEC);
        ck_assert_uint_eq(allowance_left(&allowance, SHARE, 4 * NSEC_PER_SEC), SHARE);
}
END_TEST

UNIT_MAIN("base/allowance", what_is_spent_is_not_left, each_second_has_its_own, a_clock_that_goes_back_spends_nothing)
