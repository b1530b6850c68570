/* SPDX-License-Identifier: Apache-2.0 */
#include "event/schema.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "unit.h"

static char text[512];

static const char *show(enum field field, struct value v) {
        size_t n = schema_format(field, &v, text, sizeof(text));

        ck_assert_uint_eq(n, strlen(text));
        return text;
}

static const char *show_number(enum field field, int64_t n) {
        return show(field, (struct value){ .number = n, .type = VALUE_NUMBER, .state = VALUE_KNOWN });
}

static const char *show_bytes(enum field field, enum value_type type, const char *s, size_t n, enum value_state state) {
        return show(field, (struct value){ .bytes = s, .length = n, .type = type, .state = state });
}

START_TEST(numbers_are_written_as_their_format_says) {
        ck_assert_str_eq(show_number(FIELD_openat_fd, 3), "3");
        ck_assert_str_eq(show_number(FIELD_openat_mode, 0755), "0755");
        ck_assert_str_eq(show_number(FIELD_openat_mode, 0), "0000");
        ck_assert_str_eq(show_number(FIELD_openat_file_mode, 0100644), "0100644");
        ck_assert_str_eq(show_number(FIELD_openat_created, 1), "true");
        ck_assert_str_eq(show_number(FIELD_exit_signal, 9), "SIGKILL");
        ck_assert_str_eq(show_number(FIELD_exit_signal, 0), "none");
        ck_assert_str_eq(show_number(FIELD_exit_signal, 40), "40");
        ck_assert_str_eq(show_number(FIELD_connect_family, 10), "AF_INET6");
        ck_assert_str_eq(show_number(FIELD_connect_type, 1), "SOCK_STREAM");
        ck_assert_str_eq(show_number(FIELD_connect_protocol, 17), "IPPROTO_UDP");
        ck_assert_str_eq(show_number(FIELD_connect_protocol, 250), "250");
        ck_assert_str_eq(show_number(FIELD_execve_stdin_type, WIRE_OBJECT_SOCKET), "socket");
        ck_assert_str_eq(show_number(FIELD_execve_tty, 136 << 20 | 3), "136:3");
        ck_assert_str_eq(show_number(FIELD_execve_tty, 0), "none");
        ck_assert_str_eq(show_number(FIELD_COMMON_result, -ENOENT), "-ENOENT");
        ck_assert_str_eq(show_number(FIELD_COMMON_result, 7), "7");
        ck_assert_str_eq(show_number(FIELD_COMMON_result, -4000), "-4000");
        ck_assert_str_eq(show_number(FIELD_COMMON_result, INT64_MIN), "-9223372036854775808");
        ck_assert_str_eq(show_number(FIELD_PROCESS_loginuid, -1), "-1");
}
END_TEST

START_TEST(flags_are_written_by_name_and_the_rest_in_hex) {
        ck_assert_str_eq(show_number(FIELD_openat_flags, O_RDONLY), "O_RDONLY");
        ck_assert_str_eq(show_number(FIELD_openat_flags, O_RDWR | O_CREAT | O_TRUNC), "O_RDWR|O_CREAT|O_TRUNC");
        ck_assert_str_eq(show_number(FIELD_openat_flags, O_WRONLY | O_SYNC), "O_WRONLY|O_SYNC");
        ck_assert_str_eq(show_number(FIELD_openat_flags, O_WRONLY | O_DSYNC), "O_WRONLY|O_DSYNC");
        ck_assert_str_eq(show_number(FIELD_openat_flags, O_RDWR | O_TMPFILE), "O_RDWR|O_TMPFILE");
        ck_assert_str_eq(show_number(FIELD_openat_flags, 0x40000000), "O_RDONLY|0x40000000");
        ck_assert_str_eq(show_number(FIELD_openat_flags, 3), "O_WRONLY|O_RDWR");
        ck_assert_str_eq(show_number(FIELD_unlink_flags, 0), "0");
        ck_assert_str_eq(show_number(FIELD_unlink_flags, 0x200), "AT_REMOVEDIR");
        ck_assert_str_eq(show_number(FIELD_rename_flags, 3), "RENAME_NOREPLACE|RENAME_EXCHANGE");
        ck_assert_str_eq(show_number(FIELD_fork_flags, 0x10000000), "CLONE_NEWUSER");
        ck_assert_str_eq(show_number(FIELD_rename_flags, -1),
                         "RENAME_NOREPLACE|RENAME_EXCHANGE|RENAME_WHITEOUT|0xfffffffffffffff8");
}
END_TEST

START_TEST(times_are_seconds_without_trailing_zeroes) {
        ck_assert_str_eq(show_number(FIELD_exit_run_ns, 1500000000), "1.5s");
        ck_assert_str_eq(show_number(FIELD_exit_run_ns, 2000000000), "2s");
        ck_assert_str_eq(show_number(FIELD_exit_run_ns, 1), "0.000000001s");
        ck_assert_str_eq(show_number(FIELD_clock_offset_ns, -1000000001), "-1.000000001s");
        ck_assert_str_eq(show_number(FIELD_clock_offset_ns, INT64_MIN), "-9223372036.854775808s");
        ck_assert_str_eq(show_number(FIELD_COMMON_time, 12345678), "0.012345678");
}
END_TEST

START_TEST(bytes_of_an_attacker_are_safe_on_a_terminal) {
        ck_assert_str_eq(show_bytes(FIELD_openat_pathname, VALUE_STRING, "/a\n\033[2J\xff", 8, VALUE_KNOWN),
                         "/a\\x0a\\x1b[2J\\xff");
        ck_assert_str_eq(show_bytes(FIELD_openat_pathname, VALUE_STRING, "/tmp/a", 6, VALUE_CUT), "/tmp/a...");
        ck_assert_str_eq(show_bytes(FIELD_openat_pathname, VALUE_STRING, "", 0, VALUE_KNOWN), "");
}
END_TEST

START_TEST(elements_of_a_list_can_be_told_apart) {
        ck_assert_str_eq(show_bytes(FIELD_execve_argv, VALUE_LIST, "sh\0-c\0id; \"x\"\0\0", 15, VALUE_KNOWN),
                         "sh -c \"id; \\\"x\\\"\" \"\"");
        ck_assert_str_eq(show_bytes(FIELD_execve_argv, VALUE_LIST, "sh\0-", 5, VALUE_CUT), "sh -...");
        ck_assert_str_eq(show_bytes(FIELD_execve_argv, VALUE_LIST, "", 0, VALUE_KNOWN), "");
}
END_TEST

START_TEST(objects_and_addresses_are_written_as_people_know_them) {
        struct value object = {
                .object = {.device = 8 << 20 | 1, .inode = 77},
                .type = VALUE_OBJECT,
                .state = VALUE_KNOWN,
        };
        struct value address = { .type = VALUE_ADDRESS, .state = VALUE_KNOWN };

        ck_assert_str_eq(show(FIELD_openat_file, object), "8:1/77");
        object.object.generation = 5;
        ck_assert_str_eq(show(FIELD_openat_file, object), "8:1/77.5");
        address.address.family = AF_INET;
        inet_pton(AF_INET, "10.0.0.1", address.address.bytes);
        ck_assert_str_eq(show(FIELD_connect_daddr, address), "10.0.0.1");
        address.address.family = AF_INET6;
        inet_pton(AF_INET6, "fd00::1", address.address.bytes);
        ck_assert_str_eq(show(FIELD_connect_daddr, address), "fd00::1");
}
END_TEST

START_TEST(what_is_not_known_is_a_question_mark) {
        ck_assert_str_eq(show(FIELD_connect_daddr, (struct value){ .type = VALUE_ADDRESS }), "?");
        ck_assert_str_eq(show(FIELD_openat_fd, (struct value){ .type = VALUE_NUMBER }), "?");
}
END_TEST

START_TEST(small_buffer_gets_what_fits_and_always_a_nul) {
        struct value v = { .bytes = "/etc/shadow", .length = 11, .type = VALUE_STRING, .state = VALUE_KNOWN };
        char small[8] = "xxxxxxx";

        ck_assert_uint_eq(schema_format(FIELD_openat_pathname, &v, small, 0), 0);
        ck_assert_int_eq(small[0], 'x');
        for (size_t size = 1; size <= sizeof(small); size++) {
                memset(small, 'x', sizeof(small));
                size_t n = schema_format(FIELD_openat_pathname, &v, small, size);
                ck_assert_uint_eq(n, size - 1);
                ck_assert_uint_eq(strlen(small), n);
                if (size < sizeof(small))
                        ck_assert_int_eq(small[size], 'x');
        }
}
END_TEST

UNIT_MAIN("event/schema-format",
          numbers_are_written_as_their_format_says,
          flags_are_written_by_name_and_the_rest_in_hex,
          times_are_seconds_without_trailing_zeroes,
          bytes_of_an_attacker_are_safe_on_a_terminal,
          elements_of_a_list_can_be_told_apart,
          objects_and_addresses_are_written_as_people_know_them,
          what_is_not_known_is_a_question_mark,
          small_buffer_gets_what_fits_and_always_a_nul)
