/* SPDX-License-Identifier: Apache-2.0 */
#include "event/constants.h"

#include <string.h>

#include "unit.h"

static int64_t constant(const char *name, enum field_format format) {
        int64_t value;

        ck_assert_msg(schema_constant(name, strlen(name), format, &value), "no constant %s", name);
        return value;
}

static bool is_constant(const char *name, enum field_format format) {
        int64_t value;

        return schema_constant(name, strlen(name), format, &value);
}

START_TEST(constants_have_the_values_of_the_kernel) {
        ck_assert_int_eq(constant("O_WRONLY", FORMAT_OPEN), 1);
        ck_assert_int_eq(constant("O_RDONLY", FORMAT_OPEN), 0);
        /* 0 in the C library on 64-bit machines, a bit in the kernel. */
        ck_assert_int_ne(constant("O_LARGEFILE", FORMAT_OPEN), 0);
        ck_assert_int_eq(constant("S_ISUID", FORMAT_MODE), 04000);
        ck_assert_int_eq(constant("SIGKILL", FORMAT_SIGNAL), 9);
        ck_assert_int_eq(constant("AF_INET6", FORMAT_FAMILY), 10);
        ck_assert_int_eq(constant("SOCK_DGRAM", FORMAT_SOCKTYPE), 2);
        ck_assert_int_eq(constant("IPPROTO_TCP", FORMAT_PROTOCOL), 6);
        ck_assert_int_eq(constant("ENOENT", FORMAT_RESULT), 2);
        ck_assert_int_eq(constant("CLONE_NEWUSER", FORMAT_CLONE), 0x10000000);
        ck_assert_int_eq(constant("CLONE_INTO_CGROUP", FORMAT_CLONE), 0x200000000);
        ck_assert_int_eq(constant("AT_REMOVEDIR", FORMAT_AT), 0x200);
        ck_assert_int_eq(constant("RENAME_EXCHANGE", FORMAT_RENAME), 2);
        ck_assert_int_eq(constant("socket", FORMAT_OBJTYPE), WIRE_OBJECT_SOCKET);
        ck_assert_int_eq(constant("true", FORMAT_BOOLEAN), 1);
}
END_TEST

START_TEST(constant_makes_sense_only_for_its_format_or_a_plain_number) {
        ck_assert(!is_constant("O_WRONLY", FORMAT_MODE));
        ck_assert(!is_constant("socket", FORMAT_FAMILY));
        ck_assert(is_constant("O_WRONLY", FORMAT_PLAIN));
        ck_assert(is_constant("socket", FORMAT_PLAIN));
        ck_assert(!is_constant("O_WRONL", FORMAT_OPEN));
        ck_assert(!is_constant("O_WRONLYY", FORMAT_OPEN));
        ck_assert(!is_constant("", FORMAT_PLAIN));
}
END_TEST

START_TEST(no_name_but_that_of_a_call_is_in_the_list_twice) {
        const struct constant *a, *b;

        for (size_t i = 0; (a = constant_at(i)); i++)
                for (size_t j = i + 1; (b = constant_at(j)); j++)
                        ck_assert_msg(
                                (a->format != b->format && (a->format == FORMAT_CALL || b->format == FORMAT_CALL)) ||
                                        strcmp(a->name, b->name) != 0,
                                "%s is there twice", a->name);
}
END_TEST

START_TEST(every_object_type_has_a_word) {
        for (int i = 0; i < _WIRE_OBJECT_MAX; i++)
                ck_assert_ptr_nonnull(constant_name(FORMAT_OBJTYPE, i));
}
END_TEST

START_TEST(first_of_two_names_is_the_one_that_is_shown) {
        ck_assert_str_eq(constant_name(FORMAT_FAMILY, 1), "AF_UNIX");
        ck_assert_str_eq(constant_name(FORMAT_SIGNAL, 6), "SIGABRT");
        ck_assert_str_eq(constant_name(FORMAT_RESULT, 11), "EAGAIN");
        ck_assert_ptr_null(constant_name(FORMAT_FAMILY, 999));
}
END_TEST

UNIT_MAIN("event/constants",
          constants_have_the_values_of_the_kernel,
          constant_makes_sense_only_for_its_format_or_a_plain_number,
          no_name_but_that_of_a_call_is_in_the_list_twice,
          every_object_type_has_a_word,
          first_of_two_names_is_the_one_that_is_shown)
