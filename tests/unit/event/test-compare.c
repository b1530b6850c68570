/* SPDX-License-Identifier: Apache-2.0 */
#include "event/compare.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "unit.h"

static struct value string(const char *s, enum value_state state) {
        return (struct value){ .bytes = s, .length = strlen(s), .type = VALUE_STRING, .state = state };
}

static struct value known(const char *s) {
        return string(s, VALUE_KNOWN);
}

static struct value cut(const char *s) {
        return string(s, VALUE_CUT);
}

static struct value number(int64_t n) {
        return (struct value){ .number = n, .type = VALUE_NUMBER, .state = VALUE_KNOWN };
}

static struct value address(int family, const char *text) {
        struct value v = { .type = VALUE_ADDRESS, .state = VALUE_KNOWN };

        v.address.family = family;
        ck_assert_int_eq(inet_pton(family, text, v.address.bytes), 1);
        return v;
}

static enum truth equal(struct value a, struct value b) {
        enum truth truth = value_equal(&a, &b);

        ck_assert_int_eq(value_equal(&b, &a), truth);
        return truth;
}

static enum truth in_network(struct value a, struct value network, unsigned bits) {
        return value_in_network(&a, &network.address, bits);
}

#define is(v, s) value_is_bytes(&(v), s, strlen(s))
#define is_nocase(v, s) value_is_bytes_ignoring_case(&(v), s, strlen(s))
#define starts(v, s) value_starts_with(&(v), s, strlen(s))
#define ends(v, s) value_ends_with(&(v), s, strlen(s))
#define contains(v, s) value_contains(&(v), s, strlen(s))
#define starts_nocase(v, s) value_starts_with_ignoring_case(&(v), s, strlen(s))
#define ends_nocase(v, s) value_ends_with_ignoring_case(&(v), s, strlen(s))
#define contains_nocase(v, s) value_contains_ignoring_case(&(v), s, strlen(s))

START_TEST(known_values_are_equal_or_not) {
        ck_assert_int_eq(equal(number(1), number(1)), TRUTH_TRUE);
        ck_assert_int_eq(equal(number(1), number(2)), TRUTH_FALSE);
        ck_assert_int_eq(equal(known("a"), known("a")), TRUTH_TRUE);
        ck_assert_int_eq(equal(known("a"), known("ab")), TRUTH_FALSE);
        ck_assert_int_eq(equal(known(""), known("")), TRUTH_TRUE);
        ck_assert_int_eq(equal(known("1"), number(1)), TRUTH_FALSE);
}
END_TEST

START_TEST(unknown_compares_as_unknown_even_with_itself) {
        struct value unknown = { .type = VALUE_STRING, .state = VALUE_UNKNOWN };

        ck_assert_int_eq(equal(unknown, unknown), TRUTH_UNKNOWN);
        ck_assert_int_eq(equal(unknown, known("a")), TRUTH_UNKNOWN);
        ck_assert_int_eq(is(unknown, "a"), TRUTH_UNKNOWN);
        ck_assert_int_eq(is_nocase(unknown, "a"), TRUTH_UNKNOWN);
        ck_assert_int_eq(starts(unknown, ""), TRUTH_UNKNOWN);
        ck_assert_int_eq(ends(unknown, ""), TRUTH_UNKNOWN);
        ck_assert_int_eq(contains(unknown, ""), TRUTH_UNKNOWN);
        unknown.type = VALUE_NUMBER;
        ck_assert_int_eq(value_less(&unknown, &unknown), TRUTH_UNKNOWN);
        ck_assert_int_eq(value_has_any(&unknown, 1), TRUTH_UNKNOWN);
        ck_assert_int_eq(value_has_all(&unknown, 0), TRUTH_UNKNOWN);
}
END_TEST

START_TEST(cut_string_is_unequal_when_the_prefix_differs_and_unknown_when_it_agrees) {
        ck_assert_int_eq(equal(cut("/tmp/ab"), known("/tmp/x")), TRUTH_FALSE);
        ck_assert_int_eq(equal(cut("/tmp/ab"), known("/tmp/abc")), TRUTH_UNKNOWN);
        ck_assert_int_eq(equal(cut("/tmp/ab"), known("/tmp/ab")), TRUTH_UNKNOWN);
        ck_assert_int_eq(equal(cut("/tmp/ab"), known("/tmp/a")), TRUTH_FALSE);
        ck_assert_int_eq(equal(cut("/tmp"), cut("/tmp/a")), TRUTH_UNKNOWN);
        ck_assert_int_eq(equal(cut("/usr"), cut("/tmp/a")), TRUTH_FALSE);
        ck_assert_int_eq(equal(cut(""), known("x")), TRUTH_UNKNOWN);
}
END_TEST

START_TEST(cut_string_decides_what_its_prefix_decides) {
        struct value v = cut("/tmp/abc");

        ck_assert_int_eq(is(v, "/etc"), TRUTH_FALSE);
        ck_assert_int_eq(is(v, "/tmp/abcd"), TRUTH_UNKNOWN);
        ck_assert_int_eq(starts(v, "/tmp/"), TRUTH_TRUE);
        ck_assert_int_eq(starts(v, "/tmp/abcd"), TRUTH_UNKNOWN);
        ck_assert_int_eq(starts(v, "/tmp/abd"), TRUTH_FALSE);
        ck_assert_int_eq(starts(v, "/tmp/abd/and/longer"), TRUTH_FALSE);
        ck_assert_int_eq(ends(v, "abc"), TRUTH_UNKNOWN);
        ck_assert_int_eq(ends(v, ""), TRUTH_TRUE);
        ck_assert_int_eq(contains(v, "mp/a"), TRUTH_TRUE);
        ck_assert_int_eq(contains(v, "zz"), TRUTH_UNKNOWN);
        ck_assert_int_eq(is_nocase(v, "/TMP/ABCD"), TRUTH_UNKNOWN);
        ck_assert_int_eq(is_nocase(v, "/TMP/AB"), TRUTH_FALSE);
        ck_assert_int_eq(starts_nocase(v, "/TMP/"), TRUTH_TRUE);
        ck_assert_int_eq(starts_nocase(v, "/TMP/ABCD"), TRUTH_UNKNOWN);
        ck_assert_int_eq(starts_nocase(v, "/TMP/ABD"), TRUTH_FALSE);
        ck_assert_int_eq(ends_nocase(v, "ABC"), TRUTH_UNKNOWN);
        ck_assert_int_eq(ends_nocase(v, ""), TRUTH_TRUE);
        ck_assert_int_eq(contains_nocase(v, "MP/A"), TRUTH_TRUE);
        ck_assert_int_eq(contains_nocase(v, "ZZ"), TRUTH_UNKNOWN);
}
END_TEST

START_TEST(known_string_decides_everything) {
        struct value v = known("/usr/bin/Curl"), empty = known("");

        ck_assert_int_eq(is(v, "/usr/bin/Curl"), TRUTH_TRUE);
        ck_assert_int_eq(is(v, "/usr/bin/curl"), TRUTH_FALSE);
        ck_assert_int_eq(is_nocase(v, "/usr/BIN/curl"), TRUTH_TRUE);
        ck_assert_int_eq(is_nocase(v, "/usr/BIN/cur"), TRUTH_FALSE);
        ck_assert_int_eq(is_nocase(v, "/usr/BIN/curls"), TRUTH_FALSE);
        ck_assert_int_eq(starts(v, "/usr"), TRUTH_TRUE);
        ck_assert_int_eq(starts(v, "/usr/bin/Curl/"), TRUTH_FALSE);
        ck_assert_int_eq(ends(v, "Curl"), TRUTH_TRUE);
        ck_assert_int_eq(ends(v, "x/usr/bin/Curl"), TRUTH_FALSE);
        ck_assert_int_eq(contains(v, "/bin/"), TRUTH_TRUE);
        ck_assert_int_eq(starts_nocase(v, "/USR"), TRUTH_TRUE);
        ck_assert_int_eq(starts_nocase(v, "/usr/bin/curl/"), TRUTH_FALSE);
        ck_assert_int_eq(ends_nocase(v, "cURL"), TRUTH_TRUE);
        ck_assert_int_eq(ends_nocase(v, "x/usr/bin/curl"), TRUTH_FALSE);
        ck_assert_int_eq(contains_nocase(v, "/BIN/c"), TRUTH_TRUE);
        ck_assert_int_eq(contains_nocase(v, "/SBIN/"), TRUTH_FALSE);
        ck_assert_int_eq(contains_nocase(empty, ""), TRUTH_TRUE);
        ck_assert_int_eq(contains_nocase(empty, "a"), TRUTH_FALSE);
        ck_assert_int_eq(contains(v, "/sbin/"), TRUTH_FALSE);
        ck_assert_int_eq(starts(empty, ""), TRUTH_TRUE);
        ck_assert_int_eq(contains(empty, ""), TRUTH_TRUE);
        ck_assert_int_eq(contains(empty, "a"), TRUTH_FALSE);
}
END_TEST

START_TEST(bytes_are_compared_with_nuls_and_high_bits) {
        struct value v = { .bytes = "a\0\xff", .length = 3, .type = VALUE_STRING, .state = VALUE_KNOWN };

        ck_assert_int_eq(value_is_bytes(&v, "a\0\xff", 3), TRUTH_TRUE);
        ck_assert_int_eq(value_is_bytes(&v, "a\0\xfe", 3), TRUTH_FALSE);
        ck_assert_int_eq(value_contains(&v, "\0\xff", 2), TRUTH_TRUE);
        ck_assert_int_eq(value_is_bytes_ignoring_case(&v, "A\0\xff", 3), TRUTH_TRUE);
}
END_TEST

START_TEST(nul_that_ends_a_cut_list_is_not_part_of_its_prefix) {
        struct value a = { .bytes = "sh\0-c\0ec", .length = 9, .type = VALUE_LIST, .state = VALUE_CUT };
        struct value b = { .bytes = "sh\0-c\0echo", .length = 11, .type = VALUE_LIST, .state = VALUE_KNOWN };
        struct value c = { .bytes = "sh\0-x\0echo", .length = 11, .type = VALUE_LIST, .state = VALUE_KNOWN };

        ck_assert_int_eq(equal(a, b), TRUTH_UNKNOWN);
        ck_assert_int_eq(equal(a, c), TRUTH_FALSE);
        ck_assert_int_eq(equal(b, b), TRUTH_TRUE);
}
END_TEST

START_TEST(numbers_are_ordered_and_have_bits) {
        struct value one = number(1), minus = number(-1), mode = number(04755);

        ck_assert_int_eq(value_less(&minus, &one), TRUTH_TRUE);
        ck_assert_int_eq(value_less(&one, &minus), TRUTH_FALSE);
        ck_assert_int_eq(value_less(&one, &one), TRUTH_FALSE);
        ck_assert_int_eq(value_has_any(&mode, 0111), TRUTH_TRUE);
        ck_assert_int_eq(value_has_any(&mode, 02000), TRUTH_FALSE);
        ck_assert_int_eq(value_has_all(&mode, 04111), TRUTH_TRUE);
        ck_assert_int_eq(value_has_all(&mode, 06000), TRUTH_FALSE);
}
END_TEST

START_TEST(objects_are_equal_when_all_three_numbers_are) {
        struct value a = { .object = { 1, 2, 3 }, .type = VALUE_OBJECT, .state = VALUE_KNOWN }, b = a;

        ck_assert_int_eq(equal(a, b), TRUTH_TRUE);
        b.object.generation = 9;
        ck_assert_int_eq(equal(a, b), TRUTH_FALSE);
        b = a;
        b.object.device = 9;
        ck_assert_int_eq(equal(a, b), TRUTH_FALSE);
        b = a;
        b.object.inode = 9;
        ck_assert_int_eq(equal(a, b), TRUTH_FALSE);
}
END_TEST

START_TEST(padding_of_an_address_does_not_matter) {
        struct value a = address(AF_INET, "10.0.0.1"), b = a;

        b.address.bytes[15] = 1;
        b.address.pad[0] = 1;
        ck_assert_int_eq(equal(a, b), TRUTH_TRUE);
        ck_assert_int_eq(equal(a, address(AF_INET6, "a00:1::")), TRUTH_FALSE);
}
END_TEST

START_TEST(mapped_address_is_the_ipv4_address_that_it_carries) {
        ck_assert_int_eq(equal(address(AF_INET6, "::ffff:10.0.0.1"), address(AF_INET, "10.0.0.1")), TRUTH_TRUE);
        ck_assert_int_eq(equal(address(AF_INET6, "::ffff:10.0.0.1"), address(AF_INET6, "::ffff:10.0.0.1")), TRUTH_TRUE);
        ck_assert_int_eq(equal(address(AF_INET6, "::fffe:10.0.0.1"), address(AF_INET, "10.0.0.1")), TRUTH_FALSE);
        ck_assert_int_eq(in_network(address(AF_INET6, "::ffff:10.0.0.1"), address(AF_INET, "10.0.0.0"), 8), TRUTH_TRUE);
        ck_assert_int_eq(in_network(address(AF_INET6, "::ffff:11.0.0.1"), address(AF_INET, "10.0.0.0"), 8),
                         TRUTH_FALSE);
        ck_assert_int_eq(in_network(address(AF_INET6, "::ffff:10.0.0.1"), address(AF_INET6, "::"), 0), TRUTH_FALSE);
}
END_TEST

START_TEST(address_is_in_its_network_to_the_last_bit) {
        ck_assert_int_eq(in_network(address(AF_INET, "10.255.255.255"), address(AF_INET, "10.0.0.0"), 8), TRUTH_TRUE);
        ck_assert_int_eq(in_network(address(AF_INET, "11.0.0.0"), address(AF_INET, "10.0.0.0"), 8), TRUTH_FALSE);
        ck_assert_int_eq(in_network(address(AF_INET, "172.31.0.1"), address(AF_INET, "172.16.0.0"), 12), TRUTH_TRUE);
        ck_assert_int_eq(in_network(address(AF_INET, "172.32.0.1"), address(AF_INET, "172.16.0.0"), 12), TRUTH_FALSE);
        ck_assert_int_eq(in_network(address(AF_INET, "1.2.3.4"), address(AF_INET, "0.0.0.0"), 0), TRUTH_TRUE);
        ck_assert_int_eq(in_network(address(AF_INET, "1.2.3.4"), address(AF_INET, "1.2.3.4"), 32), TRUTH_TRUE);
        ck_assert_int_eq(in_network(address(AF_INET, "1.2.3.4"), address(AF_INET, "1.2.3.5"), 128), TRUTH_FALSE);
        ck_assert_int_eq(in_network(address(AF_INET6, "fd00::1"), address(AF_INET6, "fc00::"), 7), TRUTH_TRUE);
        ck_assert_int_eq(in_network(address(AF_INET6, "fe00::1"), address(AF_INET6, "fc00::"), 7), TRUTH_FALSE);
        ck_assert_int_eq(in_network(address(AF_INET6, "::1"), address(AF_INET6, "::1"), 128), TRUTH_TRUE);
        ck_assert_int_eq(in_network(address(AF_INET6, "::"), address(AF_INET, "0.0.0.0"), 0), TRUTH_FALSE);
}
END_TEST

UNIT_MAIN("event/compare",
          known_values_are_equal_or_not,
          unknown_compares_as_unknown_even_with_itself,
          cut_string_is_unequal_when_the_prefix_differs_and_unknown_when_it_agrees,
          cut_string_decides_what_its_prefix_decides,
          known_string_decides_everything,
          bytes_are_compared_with_nuls_and_high_bits,
          nul_that_ends_a_cut_list_is_not_part_of_its_prefix,
          numbers_are_ordered_and_have_bits,
          objects_are_equal_when_all_three_numbers_are,
          padding_of_an_address_does_not_matter,
          mapped_address_is_the_ipv4_address_that_it_carries,
          address_is_in_its_network_to_the_last_bit)
