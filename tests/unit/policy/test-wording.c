/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/wording.h"

#include "fixture.h"

/* What a step with these conditions says, a line for each. */
static void expect_words(const char *step, const char *expected) {
        char policy[1024];
        struct policy_set *set;
        struct strbuf b = {};

        snprintf(policy, sizeof(policy), "list tools = [\"nc\", \"socat\"]\npath \"p\" { fork { $n = proc.pid } %s }",
                 step);
        set = parse_good(policy);
        wording_step(set->paths->body->next, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
        policy_set_free(set);
}

START_TEST(conditions_are_sentences_one_a_line) {
        expect_words("openat { pathname startswith \"/etc/\", flags & (O_WRONLY|O_RDWR), mode >= 0100, $f = pathname }",
                     "pathname begins with \"/etc/\"\nflags has O_WRONLY|O_RDWR\nmode is at least 0100\n"
                     "pathname is kept as $f\n");
        expect_words("connect { daddr not in private_nets, dport in [80, 443] }",
                     "daddr is not one of private_nets\ndport is 80 or 443\n");
        expect_words("exit { }", "");
}
END_TEST

START_TEST(it_is_said_whose_field_it_is) {
        expect_words(
                "exit { proc.name in tools, parent.exe == \"/a\", ancestor.unit glob \"*.scope\", parent.pid == $n }",
                "the process's name is one of tools\nthe parent's exe is \"/a\"\n"
                "some ancestor's unit looks like \"*.scope\"\nthe parent's pid is $n\n");
        expect_words("execve { any argv startswith \"-\", argv[1] =~ '^x\\.y' }",
                     "any element of argv begins with \"-\"\nargv[1] matches '^x\\.y'\n");
}
END_TEST

START_TEST(negation_goes_to_where_it_can_be_said) {
        expect_words("openat { not (pathname == \"/a\" or pathname == \"/b\" and flags & O_CREAT) }",
                     "pathname is not \"/a\" and (pathname is not \"/b\" or flags has none of O_CREAT)\n");
        expect_words("execve { not script, memfd or not deleted }",
                     "not so: the file named is a script\n"
                     "the image is an anonymous memory file or not so: the image has no name on disk any more\n");
}
END_TEST

START_TEST(what_binds_less_stands_in_parentheses) {
        expect_words("openat { (pathname == \"/a\" or created) and (pathname == \"/b\" or failed), mode != 0 }",
                     "pathname is \"/a\" or this call made the file\npathname is \"/b\" or the call failed\nmode is "
                     "not 0\n");
        expect_words("openat { pathname == \"/a\" or (pathname == \"/b\" or mode == 1) and failed }",
                     "pathname is \"/a\" or (pathname is \"/b\" or mode is 1) and the call failed\n");
}
END_TEST

START_TEST(a_list_that_became_many_comparisons_is_one_again) {
        expect_words("execve { proc.args contains [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"] }",
                     "the process's args contains \"a\", \"b\", \"c\", \"d\" or 2 more\n");
        expect_words("execve { argv[0] in [\"a\", \"b\", \"c\", \"d\", \"e\"] }",
                     "argv[0] is \"a\", \"b\", \"c\", \"d\" or 1 more\n");
}
END_TEST

START_TEST(relations_are_said_and_what_they_are_made_of_is_not) {
        struct policy_set *set =
                parse_good("path \"p\" { fork as $a { } connect { dport == 1 } child of $a same unit as $a }");
        const struct element *e = set->paths->body;
        struct strbuf b = {};

        wording_step(e, &b);
        ck_assert_str_eq(strbuf_str(&b), "its process is called $a\n");
        strbuf_clear(&b);
        wording_step(e->next, &b);
        ck_assert_str_eq(strbuf_str(&b), "dport is 1\ndone by a child of $a\nin the same unit as $a\n");
        strbuf_done(&b);
        policy_set_free(set);
}
END_TEST

START_TEST(one_ancestor_and_bits_have_words) {
        expect_words("connect { ancestor { exe == \"/a\", uid == 3 }, (dport & 0xff00) == 0 }",
                     "there is one ancestor of which: its exe is \"/a\" and its uid is 3\n"
                     "dport, only its bits 0xff00, is 0\n");
}
END_TEST

START_TEST(bytes_of_a_policy_are_harmless) {
        expect_words("execve { proc.args contains \"\\x1b[2J\\n\" }",
                     "the process's args contains \"\\x1b[2J\\x0a\"\n");
}
END_TEST

START_TEST(kinds_keys_and_windows_have_words) {
        struct strbuf b = {};

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++) {
                strbuf_clear(&b);
                wording_kind((enum wire_kind)kind, &b);
                ck_assert_uint_gt(b.n, 5);
                ck_assert_ptr_null(strpbrk(strbuf_str(&b), ":(\n"));
        }
        for (int key = 0; key < _KEY_MAX; key++)
                ck_assert_uint_gt(strlen(wording_key((enum program_key)key)), 5);

        strbuf_clear(&b);
        wording_window(&(struct path_node){.within_ns = UINT64_C(90) * 1000000000}, &b);
        ck_assert_str_eq(strbuf_str(&b), "within 1min30s from the first step to the last");
        strbuf_clear(&b);
        wording_window(&(struct path_node){}, &b);
        ck_assert_str_eq(strbuf_str(&b), "no limit of time");
        strbuf_clear(&b);
        wording_count(&(struct element){.type = ELEMENT_REPEAT, .count = 40, .within_ns = UINT64_C(10) * 1000000000,
                                        .has_distinct = true, .distinct.name = {"dport", 5}},
                      &b);
        ck_assert_str_eq(strbuf_str(&b), "40 times within 10s, counting different values of dport");
        strbuf_done(&b);
}
END_TEST

UNIT_MAIN("policy/wording", conditions_are_sentences_one_a_line, it_is_said_whose_field_it_is,
          negation_goes_to_where_it_can_be_said, what_binds_less_stands_in_parentheses,
          a_list_that_became_many_comparisons_is_one_again, relations_are_said_and_what_they_are_made_of_is_not,
          one_ancestor_and_bits_have_words, bytes_of_a_policy_are_harmless, kinds_keys_and_windows_have_words)
