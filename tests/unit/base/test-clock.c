/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdlib.h>

#include "unit.h"

START_TEST(the_boot_clock_does_not_run_backwards) {
        uint64_t last = clock_boottime_ns();

        for (int i = 0; i < 1000; i++) {
                uint64_t now = clock_boottime_ns();

                ck_assert_uint_ge(now, last);
                last = now;
        }
}
END_TEST

START_TEST(boot_time_and_offset_make_real_time) {
        int64_t real = (int64_t)clock_realtime_ns();
        int64_t sum = (int64_t)clock_boottime_ns() + clock_realtime_offset_ns();

        ck_assert_int_gt(real, (int64_t)(1600000000 * NSEC_PER_SEC));
        ck_assert_int_lt(llabs(sum - real), (int64_t)NSEC_PER_SEC);
}
END_TEST

START_TEST(sums_and_differences_stop_at_the_ends) {
        ck_assert_uint_eq(nsec_add(1, 2), 3);
        ck_assert_uint_eq(nsec_add(UINT64_MAX - 1, 5), NSEC_INFINITY);
        ck_assert_uint_eq(nsec_add(NSEC_INFINITY, 0), NSEC_INFINITY);
        ck_assert_uint_eq(nsec_sub(3, 2), 1);
        ck_assert_uint_eq(nsec_sub(2, 3), 0);
        ck_assert_uint_eq(nsec_sub(NSEC_INFINITY, 5), NSEC_INFINITY);
}
END_TEST

UNIT_MAIN("base/clock", the_boot_clock_does_not_run_backwards, boot_time_and_offset_make_real_time,
          sums_and_differences_stop_at_the_ends)
