/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/pace.h"

#include "unit.h"

#define LATENCY (10 * NSEC_PER_MSEC)
#define CALLS_PER_SECOND (NSEC_PER_SEC / PACE_CALL_NS)  /* with this latency; */
#define MOST_CALLS_PER_SECOND 200                       /* with one of a millisecond */
#define T0 (1000 * NSEC_PER_SEC)

static struct pace pace;
static uint64_t until_ns;

static enum wire_wait next(size_t n, uint64_t ms) {
        return pace_next(&pace, n, true, T0 + ms * NSEC_PER_MSEC, &until_ns);
}

START_TEST(a_reader_that_finds_nothing_sleeps_until_a_record_calls_it) {
        pace_init(&pace, LATENCY, true, false);
        ck_assert_int_eq(next(0, 0), WIRE_WAIT_ANY);
        ck_assert_uint_eq(until_ns, UINT64_MAX);
}
END_TEST

START_TEST(single_records_with_pauses_between_them_need_no_timer) {
        pace_init(&pace, LATENCY, true, false);
        for (int i = 0; i < 10; i++) {
                ck_assert_int_eq(next(1, 20 * i), WIRE_WAIT_ANY);
                ck_assert_uint_eq(until_ns, UINT64_MAX);
        }
}
END_TEST

START_TEST(after_many_records_or_two_in_a_row_it_comes_back_by_itself) {
        pace_init(&pace, LATENCY, true, false);
        ck_assert_int_eq(next(2, 0), WIRE_WAIT_URGENT);
        ck_assert_uint_eq(until_ns, T0 + LATENCY);
        ck_assert_int_eq(next(0, 10), WIRE_WAIT_ANY);
        ck_assert_int_eq(next(1, 100), WIRE_WAIT_ANY);
        ck_assert_int_eq(next(1, 119), WIRE_WAIT_URGENT);
        ck_assert_uint_eq(until_ns, T0 + 119 * NSEC_PER_MSEC + LATENCY);
}
END_TEST

START_TEST(where_no_record_waits_for_others_any_may_call) {
        pace_init(&pace, LATENCY, true, false);
        pace_set(&pace, LATENCY, true, true, true);
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(next(50, i), WIRE_WAIT_ANY);
        pace_set(&pace, 2 * LATENCY, false, false, false);
        ck_assert_int_eq(next(50, 10), WIRE_WAIT_AMOUNT);
        ck_assert_uint_eq(until_ns, T0 + 10 * NSEC_PER_MSEC + 2 * LATENCY);
}
END_TEST

START_TEST(a_record_that_is_not_finished_is_looked_for_again) {
        pace_init(&pace, LATENCY, true, false);
        ck_assert_int_eq(pace_next(&pace, 0, false, T0, &until_ns), WIRE_WAIT_URGENT);
        ck_assert_uint_eq(until_ns, T0 + LATENCY);
}
END_TEST

/* Called at once each time that it lets itself be called for urgent records, and by the timer otherwise: one turn is at
 * most as long as the other. */
static size_t n_calls(uint64_t from_ms, uint64_t ms) {
        size_t n = 0;

        for (uint64_t t = from_ms; t < from_ms + ms; t++)
                if (next(5, t) == WIRE_WAIT_URGENT) {
                        pace_called(&pace);
                        n++;
                }
        return n;
}

START_TEST(calls_for_urgent_records_are_limited) {
        size_t n;

        pace_init(&pace, LATENCY, true, false);
        n = n_calls(0, 1000);
        ck_assert_uint_ge(n, 2 * CALLS_PER_SECOND - 2);   /* those that were left, and a second's */
        ck_assert_uint_le(n, 2 * CALLS_PER_SECOND);
        n = n_calls(1000, 10000);
        ck_assert_uint_ge(n, 10 * CALLS_PER_SECOND - 2);
        ck_assert_uint_le(n, 10 * CALLS_PER_SECOND + 1);
        n = n_calls(100000, 100);
        ck_assert_uint_ge(n, CALLS_PER_SECOND);
        ck_assert_uint_le(n, CALLS_PER_SECOND + CALLS_PER_SECOND / 10 + 1);
}
END_TEST

START_TEST(calls_while_asleep_are_not_limited) {
        pace_init(&pace, LATENCY, true, false);
        for (int i = 0; i < 10 * CALLS_PER_SECOND; i++) {
                ck_assert_int_eq(next(0, 2), WIRE_WAIT_ANY);
                pace_called(&pace);
        }
        ck_assert_int_eq(next(2, 2), WIRE_WAIT_URGENT);
}
END_TEST

START_TEST(without_urgent_calls_only_much_to_read_calls_it_on_watch) {
        pace_init(&pace, LATENCY, false, true);
        ck_assert_int_eq(next(2, 0), WIRE_WAIT_AMOUNT);
        ck_assert_int_eq(next(0, 10), WIRE_WAIT_ANY);
}
END_TEST

START_TEST(patient_it_waits_twenty_five_times_as_long_while_nothing_calls) {
        pace_init(&pace, NSEC_PER_MSEC, true, true);
        for (int i = 0; i < 10; i++) {
                ck_assert_int_eq(next(50, 25 * i), WIRE_WAIT_SOON);
                ck_assert_uint_eq(until_ns, T0 + 25 * (i + 1) * NSEC_PER_MSEC);
        }
        ck_assert_int_eq(pace_next(&pace, 50, false, T0 + NSEC_PER_SEC, &until_ns), WIRE_WAIT_URGENT);
        ck_assert_uint_eq(until_ns, T0 + NSEC_PER_SEC + NSEC_PER_MSEC);
        ck_assert_int_eq(next(0, 1001), WIRE_WAIT_ANY);

        /* No longer than that, and who waits for as long anyhow is none. */
        pace_init(&pace, LATENCY, true, true);
        ck_assert_int_eq(next(2, 0), WIRE_WAIT_SOON);
        ck_assert_uint_eq(until_ns, T0 + PACE_PATIENCE_NS);
        pace_init(&pace, PACE_PATIENCE_NS, true, true);
        ck_assert_int_eq(next(2, 0), WIRE_WAIT_URGENT);
        pace_init(&pace, LATENCY / 100, true, true);
        ck_assert_int_eq(next(2, 0), WIRE_WAIT_SOON);
        ck_assert_uint_eq(until_ns, T0 + LATENCY / 4);
}
END_TEST

START_TEST(half_of_the_calls_are_for_what_is_urgent_alone) {
        size_t n_patient = 0, n_urgent = 0;

        pace_init(&pace, NSEC_PER_MSEC, true, true);
        for (int i = 0; i < 2 * MOST_CALLS_PER_SECOND; i++) {
                enum wire_wait wait = next(50, 0);

                n_patient += wait == WIRE_WAIT_SOON;
                n_urgent += wait == WIRE_WAIT_URGENT;
                pace_called(&pace);
        }
        ck_assert_uint_eq(n_patient, MOST_CALLS_PER_SECOND / 2 + 1);
        ck_assert_uint_eq(n_patient + n_urgent, MOST_CALLS_PER_SECOND);
        ck_assert_int_eq(next(50, 499), WIRE_WAIT_URGENT);
        ck_assert_int_eq(next(50, 501), WIRE_WAIT_SOON);
}
END_TEST

UNIT_MAIN("capture/pace",
          a_reader_that_finds_nothing_sleeps_until_a_record_calls_it,
          single_records_with_pauses_between_them_need_no_timer,
          after_many_records_or_two_in_a_row_it_comes_back_by_itself,
          where_no_record_waits_for_others_any_may_call, a_record_that_is_not_finished_is_looked_for_again,
          calls_for_urgent_records_are_limited,
          calls_while_asleep_are_not_limited,
          without_urgent_calls_only_much_to_read_calls_it_on_watch,
          patient_it_waits_twenty_five_times_as_long_while_nothing_calls,
          half_of_the_calls_are_for_what_is_urgent_alone)
