/* SPDX-License-Identifier: Apache-2.0 */
#include "event/interest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#define BIT(kind) wire_kind_bit(WIRE_KIND_##kind)

static struct interest interest_in_open(uint64_t flags_any, bool failures) {
        struct interest interest = { .kinds = BIT(openat) };

        interest.filter[WIRE_KIND_openat] = (struct interest_filter){
                .failures = failures,
                .successes = true,
                .flags_any = flags_any,
        };
        return interest;
}

START_TEST(first_use_of_a_kind_brings_its_filter) {
        struct interest all = {}, one = interest_in_open(3, false);

        ck_assert_int_eq(interest_add(&all, &one), 0);
        ck_assert_uint_eq(all.kinds, BIT(openat));
        ck_assert_uint_eq(all.filter[WIRE_KIND_openat].flags_any, 3);
        ck_assert(!all.filter[WIRE_KIND_openat].failures);
}
END_TEST

START_TEST(two_uses_need_any_of_the_bits_of_both) {
        struct interest all = {}, one = interest_in_open(1, false), two = interest_in_open(64, true);

        ck_assert_int_eq(interest_add(&all, &one), 0);
        ck_assert_int_eq(interest_add(&all, &two), 0);
        ck_assert_uint_eq(all.filter[WIRE_KIND_openat].flags_any, 65);
        ck_assert(all.filter[WIRE_KIND_openat].failures);
}
END_TEST

START_TEST(use_without_a_need_for_bits_opens_the_filter_in_either_order) {
        struct interest all = {}, one = interest_in_open(1, false), free_use = interest_in_open(0, false);

        ck_assert_int_eq(interest_add(&all, &one), 0);
        ck_assert_int_eq(interest_add(&all, &free_use), 0);
        ck_assert_uint_eq(all.filter[WIRE_KIND_openat].flags_any, 0);
        ck_assert_int_eq(interest_add(&all, &one), 0);
        ck_assert_uint_eq(all.filter[WIRE_KIND_openat].flags_any, 0);
}
END_TEST

START_TEST(filter_of_a_kind_that_nobody_uses_does_not_count) {
        struct interest all = {}, one = interest_in_open(1, false), other = {.kinds = BIT(write), .content_bytes = 64};

        /* all.filter[openat] is all zero here, which would read as "no need for bits". */
        ck_assert_int_eq(interest_add(&all, &other), 0);
        ck_assert_int_eq(interest_add(&all, &one), 0);
        ck_assert_uint_eq(all.filter[WIRE_KIND_openat].flags_any, 1);
        ck_assert_uint_eq(all.content_bytes, 64);
        ck_assert_uint_eq(all.kinds, BIT(openat) | BIT(write));
}
END_TEST

START_TEST(variables_are_named_once) {
        struct interest all = {}, one = { .n_env = 2, .env = { "LD_PRELOAD", "PATH" } };

        ck_assert_int_eq(interest_add(&all, &one), 0);
        ck_assert_int_eq(interest_add(&all, &one), 0);
        ck_assert_uint_eq(all.n_env, 2);
        ck_assert_str_eq(all.env[0], "LD_PRELOAD");
        ck_assert_str_eq(all.env[1], "PATH");
}
END_TEST

START_TEST(too_many_variables_are_refused_and_change_nothing) {
        struct interest all = {}, more = interest_in_open(1, true), before;

        for (all.n_env = 0; all.n_env < INTEREST_MAX_ENV - 1; all.n_env++)
                snprintf(all.env[all.n_env], INTEREST_MAX_ENV_NAME, "V%u", all.n_env);
        more.n_env = 2;
        strcpy(more.env[0], "A");
        strcpy(more.env[1], "B");
        before = all;
        ck_assert_int_eq(interest_add(&all, &more), -E2BIG);
        ck_assert_mem_eq(&all, &before, sizeof(all));
        more.n_env = 1;
        ck_assert_int_eq(interest_add(&all, &more), 0);
        ck_assert_uint_eq(all.n_env, INTEREST_MAX_ENV);
}
END_TEST

UNIT_MAIN("event/interest",
          first_use_of_a_kind_brings_its_filter,
          two_uses_need_any_of_the_bits_of_both,
          use_without_a_need_for_bits_opens_the_filter_in_either_order,
          filter_of_a_kind_that_nobody_uses_does_not_count,
          variables_are_named_once,
          too_many_variables_are_refused_and_change_nothing)
