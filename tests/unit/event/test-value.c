/* SPDX-License-Identifier: Apache-2.0 */
#include "event/value.h"

#include "unit.h"

#define LIST(text, s) ((struct value){ .bytes = text, .length = sizeof(text), .type = VALUE_LIST, .state = s })

START_TEST(strings_of_a_list_are_found_by_their_place) {
        struct value list = LIST("sh\0-c\0\0id", VALUE_KNOWN), v;

        ck_assert(value_list_at(&list, 0, &v));
        ck_assert_mem_eq(v.bytes, "sh", 3);
        ck_assert_uint_eq(v.length, 2);
        ck_assert_int_eq(v.type, VALUE_STRING);
        ck_assert_int_eq(v.state, VALUE_KNOWN);
        ck_assert(value_list_at(&list, 2, &v));
        ck_assert_uint_eq(v.length, 0);
        ck_assert(value_list_at(&list, 3, &v));
        ck_assert_mem_eq(v.bytes, "id", 3);
        ck_assert(!value_list_at(&list, 4, &v));
        ck_assert_int_eq(v.state, VALUE_UNKNOWN);
        ck_assert(!value_list_at(&list, SIZE_MAX, &v));
}
END_TEST

START_TEST(last_string_of_a_cut_list_is_a_prefix) {
        struct value list = LIST("sh\0-c\0ec", VALUE_CUT), v;

        ck_assert(value_list_at(&list, 1, &v));
        ck_assert_int_eq(v.state, VALUE_KNOWN);
        ck_assert(value_list_at(&list, 2, &v));
        ck_assert_int_eq(v.state, VALUE_CUT);
        ck_assert(!value_list_at(&list, 3, &v));
}
END_TEST

START_TEST(strings_of_a_list_from_user_memory_are_from_user_memory) {
        struct value list = LIST("sh", VALUE_KNOWN), v;

        list.user = true;
        ck_assert(value_list_at(&list, 0, &v));
        ck_assert(v.user);
}
END_TEST

START_TEST(what_is_no_known_list_has_no_strings) {
        struct value unknown = {.type = VALUE_LIST},
                     string = {.bytes = "sh", .length = 2, .type = VALUE_STRING, .state = VALUE_KNOWN};
        struct value v;

        ck_assert(!value_list_at(&unknown, 0, &v));
        ck_assert_int_eq(v.state, VALUE_UNKNOWN);
        ck_assert(!value_list_at(&string, 0, &v));
}
END_TEST

START_TEST(three_values_combine_as_kleene_says) {
        ck_assert_int_eq(truth_not(TRUTH_UNKNOWN), TRUTH_UNKNOWN);
        ck_assert_int_eq(truth_not(TRUTH_TRUE), TRUTH_FALSE);
        ck_assert_int_eq(truth_and(TRUTH_UNKNOWN, TRUTH_FALSE), TRUTH_FALSE);
        ck_assert_int_eq(truth_and(TRUTH_UNKNOWN, TRUTH_TRUE), TRUTH_UNKNOWN);
        ck_assert_int_eq(truth_or(TRUTH_UNKNOWN, TRUTH_TRUE), TRUTH_TRUE);
        ck_assert_int_eq(truth_or(TRUTH_UNKNOWN, TRUTH_FALSE), TRUTH_UNKNOWN);
}
END_TEST

UNIT_MAIN("event/value",
          strings_of_a_list_are_found_by_their_place,
          last_string_of_a_cut_list_is_a_prefix,
          strings_of_a_list_from_user_memory_are_from_user_memory,
          what_is_no_known_list_has_no_strings,
          three_values_combine_as_kleene_says)
