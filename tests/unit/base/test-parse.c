/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include <errno.h>

#include "base/clock.h"
#include "unit.h"

static void duration_is(const char *s, uint64_t expected_ns) {
        uint64_t ns = 0;
        int r = parse_duration(s, 0, UINT64_MAX, &ns);

        ck_assert_msg(r == 0 && ns == expected_ns, "'%s': %d, %lu ns", s, r, (unsigned long)ns);
}

static void duration_fails(const char *s, int expected) {
        uint64_t ns = 77;
        int r = parse_duration(s, 0, UINT64_MAX, &ns);

        ck_assert_msg(r == expected, "'%s': %d", s, r);
        ck_assert_uint_eq(ns, 77);
}

START_TEST(numbers_are_read_as_in_c) {
        uint64_t u;
        int64_t i;

        ck_assert_int_eq(parse_u64("0", 0, UINT64_MAX, &u), 0);
        ck_assert_uint_eq(u, 0);
        ck_assert_int_eq(parse_u64("0x1F", 0, UINT64_MAX, &u), 0);
        ck_assert_uint_eq(u, 31);
        ck_assert_int_eq(parse_u64("0644", 0, UINT64_MAX, &u), 0);
        ck_assert_uint_eq(u, 0644);
        ck_assert_int_eq(parse_u64("18446744073709551615", 0, UINT64_MAX, &u), 0);
        ck_assert_uint_eq(u, UINT64_MAX);
        ck_assert_int_eq(parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &i), 0);
        ck_assert_int_eq(i, INT64_MIN);
        ck_assert_int_eq(parse_i64("+0x10", INT64_MIN, INT64_MAX, &i), 0);
        ck_assert_int_eq(i, 16);
        ck_assert_int_eq(parse_u64_n("123456", 3, 0, UINT64_MAX, &u), 0);
        ck_assert_uint_eq(u, 123);
}
END_TEST

START_TEST(what_is_not_wholly_a_number_is_refused) {
        static const char *const bad[] = {"",    " 1", "1 ", "x",   "0x",  "0xg",     "08",
                                          "1e3", "-1", "+1", "--1", "1.5", "\xd9\xa1"};
        uint64_t u = 77;
        int64_t i = 77;

        for (size_t k = 0; k < ELEMENTSOF(bad); k++)
                ck_assert_msg(parse_u64(bad[k], 0, UINT64_MAX, &u) == -EINVAL, "'%s'", bad[k]);
        ck_assert_int_eq(parse_i64("-", INT64_MIN, INT64_MAX, &i), -EINVAL);
        ck_assert_int_eq(parse_i64("--1", INT64_MIN, INT64_MAX, &i), -EINVAL);
        ck_assert_int_eq(parse_u64_n("1\0", 2, 0, UINT64_MAX, &u), -EINVAL);
        ck_assert_uint_eq(u, 77);
        ck_assert_int_eq(i, 77);
}
END_TEST

START_TEST(numbers_out_of_range_say_so) {
        uint64_t u = 77;
        int64_t i;

        ck_assert_int_eq(parse_u64("18446744073709551616", 0, UINT64_MAX, &u), -ERANGE);
        ck_assert_int_eq(parse_u64("99999999999999999999999", 0, UINT64_MAX, &u), -ERANGE);
        ck_assert_int_eq(parse_u64("99999999999999999999999x", 0, UINT64_MAX, &u), -EINVAL);
        ck_assert_int_eq(parse_u64("9", 10, 20, &u), -ERANGE);
        ck_assert_int_eq(parse_u64("21", 10, 20, &u), -ERANGE);
        ck_assert_int_eq(parse_u64("10", 10, 20, &u), 0);
        ck_assert_int_eq(parse_u64("20", 10, 20, &u), 0);
        ck_assert_int_eq(parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &i), -ERANGE);
        ck_assert_int_eq(parse_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &i), -ERANGE);
        ck_assert_int_eq(parse_i64("-3", -2, 2, &i), -ERANGE);
}
END_TEST

START_TEST(durations_take_every_unit_and_add_up) {
        duration_is("0", 0);
        duration_is("0s", 0);
        duration_is("30s", 30 * NSEC_PER_SEC);
        duration_is("5m", 5 * NSEC_PER_MIN);
        duration_is("10min", 10 * NSEC_PER_MIN);
        duration_is("1h30m", 90 * NSEC_PER_MIN);
        duration_is("500ms", 500 * NSEC_PER_MSEC);
        duration_is("2d", 2 * NSEC_PER_DAY);
        duration_is("1w", 7 * NSEC_PER_DAY);
        duration_is("7us", 7 * NSEC_PER_USEC);
        duration_is("7ns", 7);
        duration_is("1d2h3min4s5ms6us7ns", NSEC_PER_DAY + 2 * NSEC_PER_HOUR + 3 * NSEC_PER_MIN + 4 * NSEC_PER_SEC +
                                                   5 * NSEC_PER_MSEC + 6 * NSEC_PER_USEC + 7);
        duration_is("1.5s", 1500 * NSEC_PER_MSEC);
        duration_is("0.000000001s", 1);
        duration_is("1h0.5min", NSEC_PER_HOUR + 30 * NSEC_PER_SEC);
        duration_is("1.50000000000000000s", 1500 * NSEC_PER_MSEC);
        duration_is("010s", 10 * NSEC_PER_SEC);
}
END_TEST

START_TEST(durations_of_the_wrong_form_are_refused) {
        static const char *const bad[] = {"",
                                          "5",
                                          "s",
                                          "5 s",
                                          "5x",
                                          "5sec",
                                          "-5s",
                                          "5s5m",
                                          "5s5s",
                                          "1m1min",
                                          "1.s",
                                          ".5s",
                                          "1.5h3s",
                                          "1..5s",
                                          "5S",
                                          "0x5s",
                                          "0.0000000001s",
                                          "1.5ns",
                                          "5s ",
                                          "99999999999999999999999w!"};

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                duration_fails(bad[i], -EINVAL);
}
END_TEST

START_TEST(durations_too_long_for_the_type_or_the_range_say_so) {
        uint64_t ns;

        duration_fails("99999999999999999999999s", -ERANGE);
        duration_fails("600000d", -ERANGE);
        duration_fails("18446744073709551615ns1x", -EINVAL);
        ck_assert_int_eq(parse_duration("1s", 2 * NSEC_PER_SEC, NSEC_PER_HOUR, &ns), -ERANGE);
        ck_assert_int_eq(parse_duration("2h", 2 * NSEC_PER_SEC, NSEC_PER_HOUR, &ns), -ERANGE);
        ck_assert_int_eq(parse_duration("1h", 2 * NSEC_PER_SEC, NSEC_PER_HOUR, &ns), 0);
}
END_TEST

START_TEST(sizes_are_powers_of_1024) {
        static const struct {
                const char *s;
                uint64_t bytes;
        } good[] = {{"0", 0},
                    {"4096", 4096},
                    {"4K", 4096},
                    {"16M", 16 << 20},
                    {"3G", UINT64_C(3) << 30},
                    {"1T", UINT64_C(1) << 40},
                    {"4KiB", 4096},
                    {"0x10K", 16384}};
        static const char *const bad[] = {"", "K", "4k", "4KB", "4B", "4 K", "-4K", "4KK", "KiB", "4iB", "4P"};
        uint64_t bytes;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                ck_assert_msg(parse_size(good[i].s, 0, UINT64_MAX, &bytes) == 0, "'%s'", good[i].s);
                ck_assert_uint_eq(bytes, good[i].bytes);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(parse_size(bad[i], 0, UINT64_MAX, &bytes) == -EINVAL, "'%s'", bad[i]);
        ck_assert_int_eq(parse_size("16777216T", 0, UINT64_MAX, &bytes), -ERANGE);
        ck_assert_int_eq(parse_size("1K", 0, 1023, &bytes), -ERANGE);
        ck_assert_int_eq(parse_size_n("4\0", 2, 0, UINT64_MAX, &bytes), -EINVAL);
}
END_TEST

START_TEST(modes_are_octal_with_or_without_a_zero) {
        uint32_t mode;

        ck_assert_int_eq(parse_mode("755", &mode), 0);
        ck_assert_uint_eq(mode, 0755);
        ck_assert_int_eq(parse_mode("04755", &mode), 0);
        ck_assert_uint_eq(mode, 04755);
        ck_assert_int_eq(parse_mode("0o600", &mode), 0);
        ck_assert_uint_eq(mode, 0600);
        ck_assert_int_eq(parse_mode("10000", &mode), -ERANGE);
        ck_assert_int_eq(parse_mode("8", &mode), -EINVAL);
        ck_assert_int_eq(parse_mode("", &mode), -EINVAL);
        ck_assert_int_eq(parse_mode("0o", &mode), -EINVAL);
}
END_TEST

START_TEST(booleans_have_four_spellings_each) {
        static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
        bool b;

        for (int i = 0; i < 4; i++) {
                b = false;
                ck_assert_int_eq(parse_bool(yes[i], &b), 0);
                ck_assert(b);
                ck_assert_int_eq(parse_bool(no[i], &b), 0);
                ck_assert(!b);
        }
        ck_assert_int_eq(parse_bool("Yes", &b), -EINVAL);
        ck_assert_int_eq(parse_bool("", &b), -EINVAL);
}
END_TEST

START_TEST(what_is_formatted_is_short_and_reads_back) {
        static const struct {
                uint64_t ns;
                const char *s;
        } durations[] = {{0, "0s"},
                         {NSEC_PER_SEC, "1s"},
                         {90 * NSEC_PER_MIN, "1h30min"},
                         {10 * NSEC_PER_DAY, "10d"},
                         {1500 * NSEC_PER_MSEC, "1s500ms"},
                         {1, "1ns"}};
        char duration[FORMAT_DURATION_MAX], size[FORMAT_SIZE_MAX];

        for (size_t i = 0; i < ELEMENTSOF(durations); i++) {
                ck_assert_str_eq(format_duration(duration, durations[i].ns), durations[i].s);
                duration_is(duration, durations[i].ns);
        }
        duration_is(format_duration(duration, UINT64_MAX - 1), UINT64_MAX - 1);
        ck_assert_str_eq(format_duration(duration, NSEC_INFINITY), "infinity");

        ck_assert_str_eq(format_size(size, 0), "0");
        ck_assert_str_eq(format_size(size, 4095), "4095");
        ck_assert_str_eq(format_size(size, 4096), "4K");
        ck_assert_str_eq(format_size(size, 4 << 20), "4M");
        ck_assert_str_eq(format_size(size, UINT64_MAX), "18446744073709551615");
}
END_TEST

UNIT_MAIN("base/parse",
          numbers_are_read_as_in_c,
          what_is_not_wholly_a_number_is_refused,
          numbers_out_of_range_say_so,
          durations_take_every_unit_and_add_up,
          durations_of_the_wrong_form_are_refused,
          durations_too_long_for_the_type_or_the_range_say_so,
          sizes_are_powers_of_1024,
          modes_are_octal_with_or_without_a_zero,
          booleans_have_four_spellings_each,
          what_is_formatted_is_short_and_reads_back)
