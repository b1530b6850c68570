/* SPDX-License-Identifier: Apache-2.0 */
#include "base/macro.h"

#include "unit.h"

START_TEST(powers_of_two_are_rounded_up_to) {
        ck_assert_uint_eq(round_up_pow2(0), 1);
        ck_assert_uint_eq(round_up_pow2(1), 1);
        ck_assert_uint_eq(round_up_pow2(2), 2);
        ck_assert_uint_eq(round_up_pow2(3), 4);
        ck_assert_uint_eq(round_up_pow2((UINT64_C(1) << 63) - 1), UINT64_C(1) << 63);
        ck_assert(is_pow2(1) && is_pow2(4096) && !is_pow2(0) && !is_pow2(6));
        ck_assert_uint_eq(ALIGN_UP(13u, 8), 16);
        ck_assert_uint_eq(ALIGN_UP(16u, 8), 16);
}
END_TEST

START_TEST(each_argument_of_a_comparison_is_evaluated_once) {
        int i = 0;

        ck_assert_int_eq(MIN(i++, 5), 0);
        ck_assert_int_eq(i, 1);
        ck_assert_int_eq(MAX(MIN(3, 4), MAX(1, 2)), 3);
}
END_TEST

START_TEST(strings_are_compared_at_either_end) {
        ck_assert(streq("a", "a") && !streq("a", "b") && streq(NULL, NULL) && !streq("a", NULL) && !streq(NULL, ""));
        ck_assert(memeq_str("abc", 2, "ab") && !memeq_str("abc", 2, "abc") && memeq_str("", 0, ""));
        ck_assert_str_eq(startswith("a.policy", "a."), "policy");
        ck_assert_ptr_null(startswith("a", "a."));
        ck_assert_str_eq(endswith("a.policy", ".policy"), ".policy");
        ck_assert_ptr_null(endswith("policy", ".policy"));
        ck_assert_str_eq(endswith("x", ""), "");
}
END_TEST

struct outer {
        int before;
        struct inner {
                int x;
        } inner;
};

START_TEST(a_member_leads_back_to_what_holds_it) {
        struct outer o = {};
        int array[7];

        ck_assert_ptr_eq(container_of(&o.inner, struct outer, inner), &o);
        ck_assert_uint_eq(ELEMENTSOF(array), 7);
}
END_TEST

UNIT_MAIN("base/macro",
          powers_of_two_are_rounded_up_to,
          each_argument_of_a_comparison_is_evaluated_once,
          strings_are_compared_at_either_end,
          a_member_leads_back_to_what_holds_it)
