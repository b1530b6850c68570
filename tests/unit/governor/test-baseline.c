/* SPDX-License-Identifier: Apache-2.0 */
#include "governor/baseline.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "unit.h"

static struct baseline baseline;
static uint64_t value;

START_TEST(the_median_of_what_was_learned_is_the_baseline_from_then_on) {
        static const uint64_t values[BASELINE_LEARN] = {5, 1000000, 7, 3, 4, 6, 0, 5};

        for (size_t i = 0; i < BASELINE_LEARN; i++) {
                ck_assert(!baseline_get(&baseline, MEASURE_COST, 2, &value));
                ck_assert_int_eq(baseline_learn(&baseline, MEASURE_COST, 2, values[i], &value), 0);
        }
        ck_assert_int_eq(baseline_learn(&baseline, MEASURE_COST, 2, 99, &value), 1);
        ck_assert_uint_eq(value, 5);
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(baseline_learn(&baseline, MEASURE_COST, 2, 99, &value), 1);
        ck_assert_uint_eq(value, 5);
        ck_assert(!baseline_get(&baseline, MEASURE_COST, 3, &value));
        ck_assert(!baseline_get(&baseline, MEASURE_LATENCY, 2, &value));
}
END_TEST

START_TEST(medians_of_any_numbers_do_not_overflow) {
        uint64_t many[] = {UINT64_MAX, 0, UINT64_MAX, 7}, two[] = {UINT64_MAX, UINT64_MAX}, odd[] = {3, 5};

        ck_assert_uint_eq(baseline_median(many, 0), 0);
        ck_assert_uint_eq(baseline_median(many, 1), UINT64_MAX);
        ck_assert_uint_eq(baseline_median(many, 3), UINT64_MAX);
        ck_assert_uint_eq(baseline_median(two, 2), UINT64_MAX);
        ck_assert_uint_eq(baseline_median(odd, 2), 4);
}
END_TEST

START_TEST(like_rates_share_a_class) {
        ck_assert_uint_eq(baseline_rate(MEASURE_COST, 0, NSEC_PER_SEC), 0);
        ck_assert_uint_eq(baseline_rate(MEASURE_COST, 5, 0), 0);
        ck_assert_uint_eq(baseline_rate(MEASURE_COST, 99, NSEC_PER_SEC), 0);
        ck_assert_uint_eq(baseline_rate(MEASURE_COST, 100, NSEC_PER_SEC), 1);
        ck_assert_uint_eq(baseline_rate(MEASURE_COST, 1000, 10 * NSEC_PER_SEC), 1);
        ck_assert_uint_eq(baseline_rate(MEASURE_COST, 400, NSEC_PER_SEC), 2);
        ck_assert_uint_eq(baseline_rate(MEASURE_COST, UINT64_MAX, 1), BASELINE_RATES - 1);
        ck_assert_uint_eq(baseline_rate(MEASURE_MEMORY, UINT64_MAX, 1), 0);
}
END_TEST

START_TEST(what_is_written_reads_back) {
        struct baseline read = {};
        struct strbuf b = {};

        baseline.key = 4711;
        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++)
                for (unsigned rate = i; rate < BASELINE_RATES; rate += 2)
                        for (unsigned k = 0; k < BASELINE_LEARN; k++)
                                (void)baseline_learn(&baseline, i, rate, 1000 * i + rate, &value);
        (void)baseline_learn(&baseline, MEASURE_COST, 0, 1, &value);    /* not learned yet */
        baseline_put(&baseline, &b);
        ck_assert_int_eq(baseline_parse(strbuf_str(&b), b.n, 4711, &read), 0);
        for (enum governor_measure i = 0; i < _MEASURE_MAX; i++)
                for (unsigned rate = 0; rate < BASELINE_RATES; rate++) {
                        uint64_t a, c;

                        ck_assert_int_eq(baseline_get(&baseline, i, rate, &a), baseline_get(&read, i, rate, &c));
                        if (baseline_get(&read, i, rate, &c))
                                ck_assert(baseline_get(&baseline, i, rate, &a) && a == c);
                }
        ck_assert_int_eq(baseline_parse(strbuf_str(&b), b.n, 4712, &read), -ESTALE);
        strbuf_done(&b);
}
END_TEST

/* Cut anywhere, or with any byte changed, it is refused, or at least within its bounds. */
START_TEST(what_is_damaged_is_refused) {
        static const char text[] = "execrayd-baseline 1\nkey 7\ncost 3 1200\nmemory 0 5\nend\n";
        static const char *const wrong[] = {
                "", "\n", "execrayd-baseline 2\nkey 7\nend\n", "execrayd-baseline 1\nend\n",
                "execrayd-baseline 1\nkey 7\ncost 8 1\nend\n", "execrayd-baseline 1\nkey 7\ncost 1 1\ncost 1 2\nend\n",
                "execrayd-baseline 1\nkey 7\nspeed 1 1\nend\n", "execrayd-baseline 1\nkey 7\ncost 1 -1\nend\n",
                "execrayd-baseline 1\nkey 7\nend\nend\n", "execrayd-baseline 1\nkey x\nend\n",
        };
        struct baseline read = {};

        ck_assert_int_eq(baseline_parse(text, strlen(text), 7, &read), 0);
        ck_assert(baseline_get(&read, MEASURE_COST, 3, &value) && value == 1200);
        for (size_t n = 0; n < strlen(text); n++)
                ck_assert_int_eq(baseline_parse(text, n, 7, &read), -EBADMSG);
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                ck_assert_msg(baseline_parse(wrong[i], strlen(wrong[i]), 7, &read) == -EBADMSG, "%s", wrong[i]);
        for (size_t i = 0; i < strlen(text); i++)
                for (int c = 0; c < 256; c++) {
                        char damaged[sizeof(text)];

                        memcpy(damaged, text, sizeof(text));
                        damaged[i] = (char)c;
                        (void)baseline_parse(damaged, strlen(text), 7, &read);
                }
}
END_TEST

UNIT_MAIN("governor/baseline", the_median_of_what_was_learned_is_the_baseline_from_then_on,
          medians_of_any_numbers_do_not_overflow, like_rates_share_a_class, what_is_written_reads_back,
          what_is_damaged_is_refused)
