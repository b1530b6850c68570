/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static void expect_number(const char *step, int64_t number) {
        struct policy_set *set;
        char text[256];

        snprintf(text, sizeof(text), "path \"p\" { %s }", step);
        set = parse_good(text);
        ck_assert_int_eq(set->paths->body->condition->operand.type, OPERAND_NUMBER);
        ck_assert_int_eq(set->paths->body->condition->operand.number, number);
        policy_set_free(set);
}

START_TEST(numbers_are_read_in_every_notation) {
        expect_number("exit { code == 42 }", 42);
        expect_number("exit { code == 0x2a }", 42);
        expect_number("openat { mode == 0644 }", 0644);
        expect_number("write { length >= 4K }", 4096);
        expect_number("write { length == \"12\" }", 12);
        expect_number("exit { run_time < 1h30m }", INT64_C(5400000000000));
        expect_number("exit { run_time < 1.5s }", 1500000000);
        expect_number("openat { result == -13 }", -13);
        expect_number("openat { result == -EACCES }", -13);
        expect_number("openat { flags & O_WRONLY|O_CREAT }", 0101);
        expect_number("openat { flags & (O_WRONLY|0x40) }", 0101);
        expect_number("openat { flags has all O_CREAT|O_EXCL }", 0300);
        expect_number("chmod { mode & S_ISUID }", 04000);
        expect_number("exit { signal == SIGKILL }", 9);
        expect_number("connect { family == AF_INET6 }", 10);
        expect_number("execve { stdin.type == socket }", WIRE_OBJECT_SOCKET);
        expect_number("execve { stdin.type == \"socket\" }", WIRE_OBJECT_SOCKET);
        expect_number("openat { created == true }", 1);
        expect_number("openat { created == 0 }", 0);
}
END_TEST

START_TEST(a_boolean_stands_by_itself_and_a_number_is_warned_about) {
        expect_in_path("openat { created, not failed }", "");
        expect_in_path("openat { mode, created }",
                       "2:10 warning: 'mode' is a number: by itself it means 'not 0'\n  | write 'mode != 0'\n");
}
END_TEST

START_TEST(constants_outside_of_a_fields_range_are_errors) {
        expect_in_path("connect { dport == 70000 }", "2:20 error: this can never match: 'dport' is 0 to 65535\n");
        expect_in_path("connect { dport in [443, 70000, -1] }",
                       "2:26 error: this can never match: 'dport' is 0 to 65535\n2:33 error: this can never match: "
                       "'dport' is 0 to 65535\n");
        expect_in_path("openat { created == 2 }", "2:21 error: this can never match: 'created' is 0 to 1\n");
        expect_in_path("exit { signal == 65 }", "2:18 error: this can never match: 'signal' is 0 to 64\n");
        expect_in_path("write { length == -1 }", "2:19 error: this can never match: 'length' is 0 or more\n");
        expect_in_path("openat { proc.pid == 5000000 }",
                       "2:22 error: this can never match: 'proc.pid' is 0 to 4194304\n");
        expect_in_path("openat { proc.loginuid == -1 }", "");
}
END_TEST

START_TEST(comparisons_that_are_decided_already_are_told) {
        expect_in_path("connect { dport < 0 }", "2:11 error: this is never true: 'dport' is 0 to 65535\n");
        expect_in_path("connect { dport > 65535 }", "2:11 error: this is never true: 'dport' is 0 to 65535\n");
        expect_in_path("connect { dport >= 0, family == AF_INET }",
                       "2:11 warning: this is always true: 'dport' is 0 to 65535\n");
        expect_in_path("write { length >= 0, fd == 1 }",
                       "2:9 warning: this is always true: 'length' is never below 0\n");
        expect_in_path("connect { dport != 70000, family == AF_INET }",
                       "2:11 warning: this is always true: 'dport' is never 70000\n");
        expect_in_path("connect { dport <= 1023, dport > 0 }", "");
        expect_in_path("openat { proc.uid >= 1000 }", "");
}
END_TEST

START_TEST(no_bits_are_never_set) {
        expect_in_path("openat { flags & O_RDONLY }",
                       "2:10 error: this is never true: O_RDONLY is 0, no bit at all\n"
                       "  | opened for reading only is 'not flags & (O_WRONLY|O_RDWR)'\n");
        expect_in_path("chmod { mode & 0 }", "2:9 error: this is never true: 0 is 0, no bit at all\n");
        expect_in_path("chmod { mode has all 0 }", "2:9 error: this is always true: 0 is 0, no bit at all\n");
        expect_in_path("chmod { mode & -1 }", "2:16 error: a negative number is no set of bits\n");
        expect_in_path("openat { not flags & (O_WRONLY|O_RDWR) }", "");
}
END_TEST

START_TEST(comparing_all_open_flags_at_once_is_warned_about) {
        expect_in_path("openat { flags == O_RDWR }",
                       "2:10 warning: '==' compares all flags at once, O_CLOEXEC and O_LARGEFILE among them\n"
                       "  | 'flags & O_RDWR' is true if any of these is set, 'has all' if all are\n");
}
END_TEST

START_TEST(a_decimal_mode_is_warned_about) {
        expect_in_path("chmod { mode == 755 }",
                       "2:17 warning: 755 is a decimal number, and modes are octal\n  | did you mean '0755'?\n");
        expect_in_path("chmod { mode == 0755 }", "");
        expect_in_path("chmod { mode & 64 }", "");
}
END_TEST

START_TEST(durations_and_other_numbers_are_not_mixed) {
        expect_in_path("write { length > 5s }", "2:18 error: '5s' is a duration, and 'length' is none\n");
        expect_in_path("exit { run_time < 5 }", "2:19 error: a duration needs a unit\n  | 5s, 5ms, ...\n");
        expect_in_path("exit { run_time == 0 }", "");
}
END_TEST

START_TEST(unknown_constants_get_the_nearest_that_makes_sense) {
        expect_in_path("openat { flags & O_WRNLY }",
                       "2:18 error: unknown constant 'O_WRNLY'\n  | did you mean 'O_WRONLY'?\n");
        expect_in_path("openat { flags & SIGKILL }", "2:18 error: 'SIGKILL' makes no sense for 'flags'\n");
        expect_in_path("exit { signal == KILL }", "2:18 error: unknown constant 'KILL'\n  | did you mean 'SIGKILL'?\n");
        expect_in_path("openat { proc.uid == root }", "2:22 error: unknown constant 'root'\n  | users and groups are "
                                                      "numbers here: names are looked up by nobody\n");
        expect_in_path("openat { proc.uid == \"root\" }", "2:22 error: 'proc.uid' is a number\n  | users and groups "
                                                          "are numbers here: names are looked up by nobody\n");
        expect_in_path("connect { dport == \"443\" }",
                       "2:20 error: 'dport' is a number\n  | numbers stand without quotes\n");
        expect_in_path("execve { stdin.type == sockt }",
                       "2:24 error: unknown constant 'sockt'\n  | did you mean 'socket'?\n");
}
END_TEST

START_TEST(operators_of_strings_are_refused) {
        expect_in_path("connect { dport =~ '443' }", "2:11 error: '=~' is for strings, and 'dport' is a number\n");
        expect_in_path("connect { dport startswith 4 }",
                       "2:11 error: 'startswith' is for strings, and 'dport' is a number\n");
        expect_in_path("connect { dport == [80, 443] }", "2:11 error: '==' compares with one number\n  | write 'in'\n");
        expect_in_path("connect { dport in 443 }", "2:20 error: 'in' needs a list\n  | [1, 2, 3], or write '=='\n");
}
END_TEST

UNIT_MAIN("policy/sema-number", numbers_are_read_in_every_notation,
          a_boolean_stands_by_itself_and_a_number_is_warned_about, constants_outside_of_a_fields_range_are_errors,
          comparisons_that_are_decided_already_are_told, no_bits_are_never_set,
          comparing_all_open_flags_at_once_is_warned_about, a_decimal_mode_is_warned_about,
          durations_and_other_numbers_are_not_mixed, unknown_constants_get_the_nearest_that_makes_sense,
          operators_of_strings_are_refused)
