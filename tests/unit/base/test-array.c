/* SPDX-License-Identifier: Apache-2.0 */
#include "base/array.h"

#include "unit.h"

struct pair {
        int a, b;
};

struct pair_list ARRAY_BODY(struct pair);

START_TEST(items_keep_their_order_and_values_while_the_array_grows) {
        struct pair_list list = {};
        int i = 0;

        for (i = 0; i < 1000; i++)
                ck_assert_int_eq(array_push(&list, ((struct pair){i, -i})), 0);
        ck_assert_uint_eq(list.n, 1000);
        ck_assert_int_eq(array_last(&list)->a, 999);

        i = 0;
        ARRAY_FOREACH(p, &list) {
                ck_assert_int_eq(p->a, i);
                ck_assert_int_eq(p->b, -i);
                i++;
        }
        ck_assert_int_eq(i, 1000);

        array_done(&list);
        ck_assert_ptr_null(list.items);
        ck_assert_uint_eq(list.n, 0);
}
END_TEST

START_TEST(an_empty_array_has_nothing_to_go_through) {
        ARRAY(int) list = {};

        ARRAY_FOREACH(i, &list)
                ck_abort_msg("there is no item");
        array_done(&list);
}
END_TEST

START_TEST(an_added_item_is_zeroed_even_where_another_was_before) {
        struct pair_list list = {};

        array_add(&list)->a = 7;
        array_clear(&list);
        ck_assert_int_eq(array_add(&list)->a, 0);
        array_done(&list);
}
END_TEST

START_TEST(a_bounded_push_refuses_beyond_the_bound) {
        ARRAY(int) list = {};

        ck_assert_int_eq(array_push_bounded(&list, 1, 2), 0);
        ck_assert_int_eq(array_push_bounded(&list, 2, 2), 0);
        ck_assert_int_eq(array_push_bounded(&list, 3, 2), -ENOSPC);
        ck_assert_uint_eq(list.n, 2);
        array_done(&list);
}
END_TEST

START_TEST(taking_one_out_closes_the_gap) {
        ARRAY(int) list = {};

        for (int i = 0; i < 5; i++)
                ck_assert_int_eq(array_push(&list, i), 0);
        array_remove_at(&list, 1);
        array_remove_at(&list, 3);
        ck_assert_uint_eq(list.n, 3);
        ck_assert_int_eq(list.items[0], 0);
        ck_assert_int_eq(list.items[1], 2);
        ck_assert_int_eq(list.items[2], 3);
        array_done(&list);
}
END_TEST

START_TEST(a_count_whose_bytes_overflow_is_refused) {
        ARRAY(uint64_t) list = {};

        ck_assert_int_eq(array_reserve(&list, SIZE_MAX / 4), -ENOMEM);
        ck_assert_int_eq(array_reserve(&list, SIZE_MAX), -ENOMEM);
        ck_assert_ptr_null(list.items);
}
END_TEST

START_TEST(a_failed_push_changes_nothing) {
        ARRAY(int) list = {};

        for (int i = 0; i < 8; i++)
                ck_assert_int_eq(array_push(&list, i), 0);
        alloc_fail_at(1);
        ck_assert_int_eq(array_push(&list, 8), -ENOMEM);
        ck_assert_uint_eq(list.n, 8);
        ck_assert_int_eq(list.items[7], 7);

        alloc_fail_at(1);
        ck_assert_ptr_null(array_add(&list));
        ck_assert_uint_eq(list.n, 8);
        array_done(&list);
}
END_TEST

UNIT_MAIN("base/array",
          items_keep_their_order_and_values_while_the_array_grows,
          an_empty_array_has_nothing_to_go_through,
          an_added_item_is_zeroed_even_where_another_was_before,
          a_bounded_push_refuses_beyond_the_bound,
          taking_one_out_closes_the_gap,
          a_count_whose_bytes_overflow_is_refused,
          a_failed_push_changes_nothing)
