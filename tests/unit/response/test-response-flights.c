/* SPDX-License-Identifier: Apache-2.0 */
#include "response/response-flights.h"

#include "unit.h"

static struct flight *flight(uint64_t id, uint32_t step) {
        struct flight *made = calloc(1, sizeof(*made));

        ck_assert_ptr_nonnull(made);
        made->id = id;
        made->step = step;
        made->told = step > 0;
        return made;
}

static void begin(struct flights *flights, uint64_t n) {
        flights_init(flights);
        for (uint64_t id = 1; id <= n; id++)
                flights_add(flights, flight(id, 0));
}

static void end(struct flights *flights) {
        while (flights->first)
                flights_end(flights, &flights->first);
        ck_assert_uint_eq(flights->n, 0);
        ck_assert_uint_eq(flights->n_steps, 0);
        ck_assert_ptr_null(flights->untold);
        ck_assert_ptr_eq(flights->end, &flights->first);
}

START_TEST(they_are_in_the_order_in_which_they_came) {
        struct flights flights;
        uint64_t id = 0;

        begin(&flights, 4);
        for (const struct flight *f = flights.first; f; f = f->next)
                ck_assert_uint_eq(f->id, ++id);
        ck_assert_uint_eq(id, 4);
        ck_assert_uint_eq(flights.n, 4);
        end(&flights);
}
END_TEST

START_TEST(any_of_them_may_end_and_others_come_after_the_last) {
        struct flights flights;

        for (uint64_t gone = 1; gone <= 3; gone++) {
                begin(&flights, 3);
                flights_end(&flights, flights_find(&flights, gone));
                ck_assert_ptr_null(flights_find(&flights, gone));
                flights_add(&flights, flight(4, 0));
                ck_assert_uint_eq(flights.n, 3);
                ck_assert_ptr_nonnull(flights_find(&flights, 4));
                ck_assert_ptr_null((*flights_find(&flights, 4))->next);
                end(&flights);
        }
}
END_TEST

START_TEST(the_first_that_is_not_told_is_known) {
        struct flights flights;

        begin(&flights, 3);
        ck_assert_uint_eq(flights.untold->id, 1);
        flights.untold->told = true;
        ck_assert_uint_eq(flights_next_untold(&flights)->id, 2);
        flights_end(&flights, flights_find(&flights, 2));
        ck_assert_uint_eq(flights_next_untold(&flights)->id, 3);
        flights.untold->told = true;
        ck_assert_ptr_null(flights_next_untold(&flights));
        flights_add(&flights, flight(4, 0));
        ck_assert_uint_eq(flights_next_untold(&flights)->id, 4);
        end(&flights);
}
END_TEST

START_TEST(a_step_counts_and_is_told_from_the_start) {
        struct flights flights;

        begin(&flights, 0);
        flights_add(&flights, flight(1, 2));
        ck_assert_uint_eq(flights.n_steps, 1);
        ck_assert_ptr_null(flights_next_untold(&flights));
        flights_add(&flights, flight(2, 0));
        ck_assert_uint_eq(flights_next_untold(&flights)->id, 2);
        flights_end(&flights, flights_find(&flights, 1));
        ck_assert_uint_eq(flights.n_steps, 0);
        end(&flights);
}
END_TEST

UNIT_MAIN("response/response-flights",
          they_are_in_the_order_in_which_they_came,
          any_of_them_may_end_and_others_come_after_the_last,
          the_first_that_is_not_told_is_known,
          a_step_counts_and_is_told_from_the_start)
