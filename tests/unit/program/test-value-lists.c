/* SPDX-License-Identifier: Apache-2.0 */
#include "program/value-lists.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "unit.h"

static enum truth has_text(const struct value_lists *lists, const char *name, const char *text, enum value_state state,
                           uint64_t now_ns) {
        const struct value value = {.type = VALUE_STRING, .state = state, .bytes = text, .length = strlen(text)};

        return value_lists_has(lists, name, strlen(name), &value, now_ns);
}

static enum truth has_number(const struct value_lists *lists, const char *name, int64_t number) {
        const struct value value = {.type = VALUE_NUMBER, .state = VALUE_KNOWN, .number = number};

        return value_lists_has(lists, name, strlen(name), &value, 0);
}

static enum truth has_address(const struct value_lists *lists, const char *name, int family, const char *text) {
        struct value value = {.type = VALUE_ADDRESS, .state = VALUE_KNOWN, .address.family = (uint16_t)family};

        ck_assert_int_eq(inet_pton(family, text, value.address.bytes), 1);
        return value_lists_has(lists, name, strlen(name), &value, 0);
}

static int put(struct value_lists *lists, const char *name, const char *value, uint64_t until_ns) {
        return value_lists_put(lists, name, value, strlen(value), until_ns);
}

START_TEST(a_value_is_on_its_list_until_its_time) {
        _cleanup_(value_lists_freep) struct value_lists *lists = value_lists_new();

        ck_assert_int_eq(put(lists, "seen", "/tmp/x", 100), 1);
        ck_assert_int_eq(has_text(lists, "seen", "/tmp/x", VALUE_KNOWN, 99), TRUTH_TRUE);
        ck_assert_int_eq(has_text(lists, "seen", "/tmp/x", VALUE_KNOWN, 100), TRUTH_FALSE);
        ck_assert_int_eq(has_text(lists, "seen", "/tmp/xy", VALUE_KNOWN, 0), TRUTH_FALSE);
        ck_assert_int_eq(has_text(lists, "other", "/tmp/x", VALUE_KNOWN, 0), TRUTH_FALSE);

        ck_assert_int_eq(put(lists, "seen", "/tmp/x", 200), 0);
        ck_assert_int_eq(has_text(lists, "seen", "/tmp/x", VALUE_KNOWN, 150), TRUTH_TRUE);
        ck_assert(value_lists_remove(lists, "seen", "/tmp/x", 6));
        ck_assert(!value_lists_remove(lists, "seen", "/tmp/x", 6));
        ck_assert_int_eq(has_text(lists, "seen", "/tmp/x", VALUE_KNOWN, 150), TRUTH_FALSE);
}
END_TEST

START_TEST(what_is_not_known_is_neither_on_it_nor_not) {
        _cleanup_(value_lists_freep) struct value_lists *lists = value_lists_new();

        ck_assert_int_eq(has_text(NULL, "seen", "x", VALUE_KNOWN, 0), TRUTH_FALSE);
        ck_assert_int_eq(has_text(NULL, "seen", "", VALUE_UNKNOWN, 0), TRUTH_UNKNOWN);
        put(lists, "seen", "/tmp/long", 100);
        ck_assert_int_eq(has_text(lists, "seen", "/tmp/", VALUE_CUT, 0), TRUTH_UNKNOWN);
        ck_assert_int_eq(has_text(lists, "seen", "/var/", VALUE_CUT, 0), TRUTH_FALSE);
        ck_assert_int_eq(has_text(lists, "seen", "/tmp/", VALUE_CUT, 100), TRUTH_FALSE);
}
END_TEST

START_TEST(numbers_and_addresses_are_found_by_what_they_mean) {
        _cleanup_(value_lists_freep) struct value_lists *lists = value_lists_new();

        put(lists, "l", "4444", 1);
        put(lists, "l", "192.0.2.1", 1);
        put(lists, "l", "198.51.100.0/24", 1);
        put(lists, "l", "2001:DB8:0::1", 1);
        ck_assert_int_eq(has_number(lists, "l", 4444), TRUTH_TRUE);
        ck_assert_int_eq(has_number(lists, "l", 4445), TRUTH_FALSE);
        ck_assert_int_eq(has_address(lists, "l", AF_INET, "192.0.2.1"), TRUTH_TRUE);
        ck_assert_int_eq(has_address(lists, "l", AF_INET6, "::ffff:192.0.2.1"), TRUTH_TRUE);
        ck_assert_int_eq(has_address(lists, "l", AF_INET, "192.0.2.2"), TRUTH_FALSE);
        ck_assert_int_eq(has_address(lists, "l", AF_INET, "198.51.100.77"), TRUTH_TRUE);
        ck_assert_int_eq(has_address(lists, "l", AF_INET6, "::ffff:198.51.100.77"), TRUTH_TRUE);
        ck_assert_int_eq(has_address(lists, "l", AF_INET6, "2001:db8::1"), TRUTH_TRUE);

        ck_assert(value_lists_remove(lists, "l", "198.51.100.0/24", 15));
        ck_assert_int_eq(has_address(lists, "l", AF_INET, "198.51.100.77"), TRUTH_FALSE);
}
END_TEST

START_TEST(what_has_come_to_its_end_is_taken_out_in_one_go) {
        _cleanup_(value_lists_freep) struct value_lists *lists = value_lists_new();

        put(lists, "a", "1", 10);
        put(lists, "a", "10.0.0.0/8", 20);
        put(lists, "b", "3", 30);
        ck_assert_uint_eq(value_lists_expire(lists, 9), 0);
        ck_assert_uint_eq(value_lists_expire(lists, 20), 2);
        ck_assert(lists->items[0]->changed && !lists->items[1]->changed);
        ck_assert_uint_eq(lists->n_values, 1);
        ck_assert_uint_eq(lists->next_ns, 30);
        value_lists_clear(lists, "b");
        ck_assert_uint_eq(lists->n_values, 0);
}
END_TEST

START_TEST(a_full_list_refuses_counts_and_keeps_what_it_has) {
        _cleanup_(value_lists_freep) struct value_lists *lists = value_lists_new();
        char text[32];

        for (unsigned i = 0; i < VALUE_LISTS_NETWORKS_MAX; i++) {
                snprintf(text, sizeof(text), "10.%u.%u.0/24", i >> 8, i & 255);
                ck_assert_int_eq(put(lists, "n", text, 1), 1);
        }
        ck_assert_int_eq(put(lists, "n", "192.0.2.0/24", 1), -ENOSPC);
        ck_assert_int_eq(put(lists, "n", "192.0.2.0", 1), 1);
        ck_assert_int_eq(has_address(lists, "n", AF_INET, "10.0.0.7"), TRUTH_TRUE);
        for (unsigned i = 1; i < VALUE_LISTS_MAX; i++) {
                snprintf(text, sizeof(text), "l%u", i);
                ck_assert_int_eq(put(lists, text, "x", 1), 1);
        }
        ck_assert_int_eq(put(lists, "more", "x", 1), -ENOSPC);
        ck_assert_uint_eq(lists->n_refused, 2);
        ck_assert_int_eq(put(lists, "no.name", "x", 1), -EINVAL);
}
END_TEST

UNIT_MAIN("program/value-lists", a_value_is_on_its_list_until_its_time, what_is_not_known_is_neither_on_it_nor_not,
          numbers_and_addresses_are_found_by_what_they_mean, what_has_come_to_its_end_is_taken_out_in_one_go,
          a_full_list_refuses_counts_and_keeps_what_it_has)
