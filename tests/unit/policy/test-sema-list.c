/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static const struct expr *first_condition(const struct policy_set *set) {
        return set->paths->body->condition;
}

START_TEST(lists_in_lists_are_spelled_out_in_order) {
        struct policy_set *set = parse_good("list c = [b, \"z\"]\nlist a = [\"x\"]\nlist b = [a, \"y\", a]\n"
                                            "path \"p\" { execve { proc.name in c } }");
        const struct operand *list = &first_condition(set)->operand;

        ck_assert_uint_eq(list->n_items, 4);
        ck_assert(text_eq(list->items[0].text, "x"));
        ck_assert(text_eq(list->items[1].text, "y"));
        ck_assert(text_eq(list->items[2].text, "x"));
        ck_assert(text_eq(list->items[3].text, "z"));
        policy_set_free(set);
}
END_TEST

START_TEST(a_list_may_be_used_before_it_is_defined) {
        policy_set_free(parse_good("path \"p\" { execve { proc.name in a } }\nlist a = [\"x\"]"));
}
END_TEST

START_TEST(a_literal_list_may_hold_named_ones) {
        struct policy_set *set =
                parse_good("list a = [\"x\", \"y\"]\npath \"p\" { execve { proc.name in [a, \"z\"] } }");

        ck_assert_uint_eq(first_condition(set)->operand.n_items, 3);
        policy_set_free(set);
}
END_TEST

START_TEST(constants_in_a_list_are_numbers) {
        struct policy_set *set = parse_good("list a = [SIGKILL, 15, -1, O_CREAT|O_EXCL]\npath \"p\" { exit { code in "
                                            "[1, 2], signal in [SIGKILL] } }");

        policy_set_free(set);
        set = parse_good("list a = [SIGKILL, 15]\npath \"p\" { exit { signal in a } }");
        ck_assert_int_eq(first_condition(set)->operand.items[0].number, 9);
        policy_set_free(set);
}
END_TEST

START_TEST(networks_are_built_in) {
        static const char *const names[] = {"private_nets", "loopback", "link_local", "multicast", "carrier_nat",
                                            "unspecified", "local_nets"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                struct policy_set *set;
                char text[128];

                snprintf(text, sizeof(text), "path \"p\" { connect { daddr not in %s } }", names[i]);
                set = parse_good(text);
                ck_assert_uint_ge(first_condition(set)->operand.n_items, 1);
                for (size_t k = 0; k < first_condition(set)->operand.n_items; k++)
                        ck_assert_int_eq(first_condition(set)->operand.items[k].type, OPERAND_NETWORK);
                policy_set_free(set);
        }
}
END_TEST

START_TEST(a_list_that_contains_itself_is_told_once) {
        expect_messages(
                "list a = [b, \"x\"]\nlist b = [c]\nlist c = [a, \"y\"]\npath \"p\" { execve { proc.name in a } }",
                "3:11 error: the list 'a' contains itself\n  @ 1:6 it is defined here\n");
        expect_messages("list a = [a]\npath \"p\" { exit { code == 1 } }",
                        "1:11 error: the list 'a' contains itself\n");
}
END_TEST

START_TEST(two_lists_of_one_name_are_told_with_both_places) {
        expect_messages("list a = [1]\nlist a = [2]\npath \"p\" { exit { code in a } }",
                        "2:6 error: a second list 'a'\n  @ 1:6 first defined here\n");
        expect_messages("list loopback = [127.0.0.1]\npath \"p\" { exit { code == 1 } }",
                        "1:6 error: the list 'loopback' is built in\n  | 'list loopback += [...]' adds to it\n");
}
END_TEST

START_TEST(a_name_in_a_list_that_is_nothing_is_told_once) {
        expect_messages(
                "list a = [shels]\nlist shells = [\"sh\"]\npath \"p\" { execve { proc.name in a, proc.comm in a } }",
                "1:11 error: 'shels' is neither a list nor a constant\n  | did you mean 'shells'?\n");
        expect_messages("list a = [curl]\npath \"p\" { execve { proc.name in a } }",
                        "1:11 error: 'curl' is neither a list nor a constant\n  | strings stand in quotes\n");
}
END_TEST

START_TEST(an_item_of_the_wrong_type_is_told_with_the_comparison) {
        expect_messages("list a = [\"x\", 1]\npath \"p\" {\n execve { proc.name in a } }",
                        "1:16 error: 'proc.name' is a string\n  | strings stand in quotes\n  @ 3:11 compared here\n");
        expect_messages("list a = [80, 70000]\npath \"p\" {\n connect { dport in a } }",
                        "1:15 error: this can never match: 'dport' is 0 to 65535\n  @ 3:12 compared here\n");
        expect_messages("list a = [\"10.0.0.1\", \"example.org\"]\npath \"p\" {\n connect { daddr in a } }",
                        "1:23 error: this is no address\n  | names are not looked up: write 192.0.2.1, 192.0.2.0/24 or "
                        "2001:db8::/32\n"
                        "  @ 3:12 compared here\n");
}
END_TEST

START_TEST(a_list_means_the_same_to_each_of_its_uses) {
        struct policy_set *set = parse_good("list a = [\"10.0.0.1\", \"10.0.0.0/8\"]\n"
                                            "path \"p\" { connect { daddr in a } execve { any argv in a } }");

        ck_assert_int_eq(first_condition(set)->operand.items[1].type, OPERAND_NETWORK);
        ck_assert_uint_eq(first_condition(set)->operand.items[1].network.prefix, 8);
        ck_assert_int_eq(set->paths->body->next->condition->operand.items[1].type, OPERAND_STRING);
        policy_set_free(set);
}
END_TEST

START_TEST(lists_that_double_each_other_end_at_a_bound) {
        struct policy_set *set = NULL;
        struct strbuf b = {};
        struct diag_set diags;

        for (int i = 0; i < 60; i++)
                strbuf_printf(&b, "list l%d = [l%d, l%d]\n", i, i + 1, i + 1);
        strbuf_put(&b, "list l60 = [1]\npath \"p\" { exit { code in l0 } }");
        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse("t", strbuf_str(&b), b.n, NULL, &diags, &set), -EBADMSG);
        ck_assert_uint_eq(diags.list.n, 1);
        ck_assert_str_eq(diags.list.items[0].text, "the lists are too large: more than 1048576 items in all");
        policy_set_free(set);
        diag_set_done(&diags);
        strbuf_done(&b);
}
END_TEST

START_TEST(lists_in_lists_are_bounded) {
        struct policy_set *set = NULL;
        struct strbuf b = {};
        struct diag_set diags;

        for (int i = 0; i < 20000; i++)
                strbuf_printf(&b, "list l%d = [l%d]\n", i, i + 1);
        strbuf_put(&b, "list l20000 = [1]\npath \"p\" { exit { code in l0 } }");
        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse("t", strbuf_str(&b), b.n, NULL, &diags, &set), -EBADMSG);
        ck_assert_str_eq(diags.list.items[0].text, "lists in lists, more than 64 deep");
        policy_set_free(set);
        diag_set_done(&diags);
        strbuf_done(&b);
}
END_TEST

START_TEST(an_empty_list_matches_nothing) {
        expect_messages("list a = []\npath \"p\" { exit { code in a } }", "2:27 error: nothing is in an empty list\n");
}
END_TEST

UNIT_MAIN("policy/sema-list", lists_in_lists_are_spelled_out_in_order, a_list_may_be_used_before_it_is_defined,
          a_literal_list_may_hold_named_ones, constants_in_a_list_are_numbers, networks_are_built_in,
          a_list_that_contains_itself_is_told_once, two_lists_of_one_name_are_told_with_both_places,
          a_name_in_a_list_that_is_nothing_is_told_once, an_item_of_the_wrong_type_is_told_with_the_comparison,
          a_list_means_the_same_to_each_of_its_uses, lists_that_double_each_other_end_at_a_bound,
          lists_in_lists_are_bounded, an_empty_list_matches_nothing)
