/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stock.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

START_TEST(numbers_are_given_out_once_and_what_comes_back_goes_out_first) {
        struct stock s;

        ck_assert_int_eq(stock_init(&s, 24, 3), 0);
        ck_assert_uint_eq(stock_take(&s), 0);
        ck_assert_uint_eq(stock_take(&s), 1);
        ck_assert_uint_eq(s.n_used, 2);
        stock_give(&s, 0);
        ck_assert_uint_eq(stock_take(&s), 0);
        ck_assert_uint_eq(stock_take(&s), 2);
        stock_done(&s);
}
END_TEST

START_TEST(empty_stock_refuses) {
        struct stock s;

        ck_assert_int_eq(stock_init(&s, 4, 2), 0);
        stock_take(&s);
        stock_take(&s);
        ck_assert_uint_eq(stock_take(&s), STOCK_NONE);
        ck_assert_uint_eq(s.n_used, 2);
        stock_done(&s);
}
END_TEST

START_TEST(growing_keeps_numbers_and_contents_and_never_shrinks) {
        struct stock s;

        ck_assert_int_eq(stock_init(&s, 4096, 2), 0);
        strcpy(stock_at(&s, stock_take(&s)), "zero");
        strcpy(stock_at(&s, stock_take(&s)), "one");
        ck_assert_int_eq(stock_grow(&s, 5000), 0);
        ck_assert_str_eq(stock_at(&s, 0), "zero");
        ck_assert_str_eq(stock_at(&s, 1), "one");
        ck_assert_uint_eq(stock_take(&s), 2);
        ck_assert_int_eq(stock_grow(&s, 1), 0);
        ck_assert_uint_eq(s.capacity, 5000);
        stock_done(&s);
}
END_TEST

START_TEST(more_than_there_is_memory_for_is_refused_and_changes_nothing) {
        struct stock s;

        ck_assert_int_eq(stock_init(&s, 1 << 20, 1), 0);
        ck_assert_int_eq(stock_grow(&s, STOCK_NONE), -ENOMEM);
        ck_assert_int_eq(stock_grow(&s, UINT32_MAX - 1), -ENOMEM);
        ck_assert_uint_eq(s.capacity, 1);
        ck_assert_uint_eq(stock_take(&s), 0);
        stock_done(&s);
}
END_TEST

UNIT_MAIN("engine/stock",
          numbers_are_given_out_once_and_what_comes_back_goes_out_first,
          empty_stock_refuses,
          growing_keeps_numbers_and_contents_and_never_shrinks,
          more_than_there_is_memory_for_is_refused_and_changes_nothing)
