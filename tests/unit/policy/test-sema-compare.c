/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

START_TEST(addresses_are_compared_with_addresses_and_networks) {
        expect_in_path("connect { daddr == 192.0.2.1, daddr in 192.0.2.0/24, daddr not in [10.0.0.0/8, ::1], daddr != "
                       "\"2001:db8::1\" }",
                       "");
        expect_in_path("connect { daddr in \"10.0.0.0/8\", daddr not in loopback }", "");
        expect_in_path("connect { daddr == 10.0.0.0/8 }",
                       "2:11 error: '==' compares with one address, and this is a network\n  | write 'in'\n");
        expect_in_path("connect { daddr != [10.0.0.1] }",
                       "2:11 error: '!=' compares with one address\n  | write 'not in'\n");
        expect_in_path(
                "connect { daddr =~ '^10' }",
                "2:11 error: '=~' does not work on addresses\n  | 'daddr in 10.0.0.0/8', 'daddr == 192.0.2.1'\n");
        expect_in_path("connect { daddr }", "2:11 error: 'daddr' is an address: compare it with something\n  | 'daddr "
                                            "in 10.0.0.0/8', 'daddr == 192.0.2.1'\n");
        expect_in_path("connect { daddr in privat_nets }",
                       "2:20 error: this is no address\n  | did you mean 'private_nets'?\n");
        expect_in_path("connect { daddr == \"example.org\" }",
                       "2:20 error: this is no address\n  | names are not looked up: write 192.0.2.1, 192.0.2.0/24 or "
                       "2001:db8::/32\n");
}
END_TEST

START_TEST(a_list_as_a_whole_holds_something_or_is_asked_for_an_element) {
        expect_in_path("execve { argv == \"x\" }", "2:10 error: '==' compares one string, and 'argv' is a list\n  | "
                                                   "write 'any argv ...', 'argv[1] ...', or 'argv contains \"...\"'\n");
        expect_in_path("execve { argv }", "2:10 error: 'argv' is a list: compare one element or any of them\n  | write "
                                          "'any argv ...', 'argv[1] ...', or 'argv contains \"...\"'\n");
        expect_in_path("execve { env =~ 'x' }", "2:10 error: '=~' compares one string, and 'env' is a list\n  | write "
                                                "'any env ...' or 'env contains \"...\"'\n");
        expect_in_path("execve { argv contains 5 }", "2:24 error: 'argv' is a string\n  | strings stand in quotes\n");
        expect_in_path("execve { argv contains [\"-a\", \"-b\"] }", "");
}
END_TEST

START_TEST(an_object_is_compared_with_a_captured_one) {
        expect_in_path("openat { created, $f = file }\nwrite { file == $f }", "");
        expect_in_path("openat { file == \"x\" }",
                       "2:10 error: 'file' is an object: only a captured one can be compared with it\n"
                       "  | bind it in an earlier step: '$file = file'; compare here: 'file == $file'\n");
}
END_TEST

START_TEST(a_captured_descriptor_is_the_object_behind_it) {
        struct policy_set *set = parse_good("path \"p\" { openat { $fd = fd, created } write { fd == $fd } connect { "
                                            "$s = fd, dport == 1 } write { fd == 1 } }");
        const struct element *openat = set->paths->body, *write = openat->next, *connect = write->next;

        ck_assert_int_eq(openat->captures->field.field, WIRE_FIELD_openat_file);
        ck_assert_int_eq(write->condition->field.field, WIRE_FIELD_write_file);
        ck_assert_int_eq(connect->captures->field.field, WIRE_FIELD_connect_socket);
        ck_assert_int_eq(connect->next->condition->field.field, WIRE_FIELD_write_fd);
        ck_assert_int_eq(set->paths->capture_fields[0], WIRE_FIELD_openat_file);
        policy_set_free(set);
}
END_TEST

START_TEST(a_capture_is_compared_with_its_own_type) {
        expect_in_path("openat { created, $f = pathname }\nconnect { dport == $f }",
                       "3:11 error: 'dport' is a number, '$f' holds a string\n  @ 2:19 it is bound here\n");
        expect_in_path("openat { created, $f = pathname }\nexecve { argv[1] == $f }", "");
        expect_in_path("openat { created, $f = pathname }\nexecve { any argv == $f or argv contains $f }", "");
        expect_in_path("fork { $p = child.pid, flags & CLONE_NEWUSER }\nexecve { proc.pid == $p }", "");
        expect_in_path("write { $n = length, fd == 1 }\nwrite { length > $n }", "");
}
END_TEST

START_TEST(operators_that_no_capture_has_are_refused) {
        expect_in_path("openat { created, $f = pathname }\nunlink { pathname startswith $f }",
                       "3:10 error: 'startswith' compares with constants, not with captures\n"
                       "  | with captures '==' and '!=' do, of numbers also '<', '<=', '>' and '>='\n");
        expect_in_path("openat { created, $f = pathname }\nunlink { pathname < $f }",
                       "3:10 error: '<' is for numbers, and 'pathname' is a string\n");
        expect_in_path("openat { created, $f = pathname }\nunlink { ancestor.exe == $f }", "");
        expect_in_path("openat { created, $f = pathname }\nexecve { argv == $f }",
                       "3:10 error: 'argv' is a list\n  | write 'any argv == $f'\n");
}
END_TEST

START_TEST(a_capture_is_bound_before_it_is_used) {
        expect_in_path("openat { created, $file = pathname }\nunlink { pathname == $flie }",
                       "3:22 error: nothing before this binds '$flie'\n  | did you mean '$file'?\n");
        expect_in_path("unlink { pathname == $f }\nopenat { created, $f = pathname }",
                       "2:22 error: nothing before this binds '$f'\n");
        expect_in_path("openat { created, pathname == $f, $f = pathname }",
                       "2:31 error: nothing before this binds '$f'\n");
}
END_TEST

UNIT_MAIN("policy/sema-compare", addresses_are_compared_with_addresses_and_networks,
          a_list_as_a_whole_holds_something_or_is_asked_for_an_element, an_object_is_compared_with_a_captured_one,
          a_captured_descriptor_is_the_object_behind_it, a_capture_is_compared_with_its_own_type,
          operators_that_no_capture_has_are_refused, a_capture_is_bound_before_it_is_used)
