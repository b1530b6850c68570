/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/lower.h"

#include "compile-fixture.h"

/* The condition of a step of kind openat, or another, as it is listed afterwards. */
static void becomes_of(const char *kind, const char *condition, const char *expected) {
        struct strbuf policy = {}, text = {};
        struct program *program;

        strbuf_printf(&policy, "path \"p\" { %s { %s } }", kind, condition);
        program = compile(strbuf_str(&policy));
        program_dump_condition(program, 0, program->edges[0].condition, (enum wire_kind)program->edges[0].kind, &text);
        ck_assert_msg(strcmp(strbuf_str(&text), expected) == 0, "%s\nbecame\n%s\nand not\n%s", condition,
                      strbuf_str(&text), expected);
        strbuf_done(&text);
        strbuf_done(&policy);
        program_unref(program);
}

static void becomes(const char *condition, const char *expected) {
        becomes_of("openat", condition, expected);
}

START_TEST(negative_comparisons_are_not_over_the_positive_one) {
        becomes("pathname != \"/a\"", "not (pathname == \"/a\")");
        becomes("pathname !~ 'x[0-9]'", "not (pathname =~ 'x[0-9]')");
        becomes("pathname not in [\"/b\", \"/a\"]", "not (pathname in [\"/a\", \"/b\"])");
        becomes("not (pathname != \"/a\")", "pathname == \"/a\"");
        becomes("not (not (created))", "not (created == false)");
}
END_TEST

START_TEST(lists_are_sorted_without_doubles_and_a_list_of_one_is_no_list) {
        becomes("pathname in [\"/b\", \"/a\", \"/b\"]", "pathname in [\"/a\", \"/b\"]");
        becomes("pathname in [\"/a\"]", "pathname == \"/a\"");
        becomes("fd in [3, 1, 2, 3]", "fd in [1, 2, 3]");
        becomes("fd in [7]", "fd == 7");
        becomes_of("connect", "daddr in [192.168.0.0/16, 10.0.0.0/8]", "daddr in [10.0.0.0/8, 192.168.0.0/16]");
        becomes_of("connect", "daddr == 10.0.0.1", "daddr in [10.0.0.1/32]");
}
END_TEST

START_TEST(globs_and_regexes_that_are_plain_become_comparisons) {
        becomes("pathname glob \"/tmp/**\"", "pathname startswith \"/tmp/\"");
        becomes("pathname glob \"**.key\"", "pathname endswith \".key\"");
        becomes("pathname glob \"/tmp/*\"", "pathname glob \"/tmp/*\"");
        becomes("pathname glob [\"/a/*\", \"/b/*\"]", "pathname glob \"/a/*\" or pathname glob \"/b/*\"");
        becomes("pathname =~ '^/etc/(passwd|shadow)$'", "pathname in [\"/etc/passwd\", \"/etc/shadow\"]");
        becomes("pathname =~ '\\.(sh|py)$'", "pathname endswith \".sh\" or pathname endswith \".py\"");
        becomes("pathname =~ '(?i)secret|/1/|^/Tmp/|\\.SH$|^/b$'",
                "pathname contains (?i) \"secret\" or pathname contains \"/1/\" or pathname startswith (?i) \"/tmp/\" "
                "or "
                "pathname endswith (?i) \".sh\" or pathname ~= \"/b\"");
        becomes("pathname startswith [\"/a/\", \"/b/\"]", "pathname startswith \"/a/\" or pathname startswith \"/b/\"");
}
END_TEST

START_TEST(other_regexes_are_asked_behind_what_they_require) {
        becomes("pathname =~ '/x[0-9]+/secret'", "pathname contains \"/secret\" and pathname =~ '/x[0-9]+/secret'");
        becomes("pathname =~ '(?i)^a[0-9]*Secret'",
                "pathname contains (?i) \"secret\" and pathname =~ '(?i)^a[0-9]*Secret'");
        becomes("pathname !~ '/x[0-9]+/secret'",
                "not (pathname contains \"/secret\" and pathname =~ '/x[0-9]+/secret')");
}
END_TEST

START_TEST(elements_of_lists_are_compared_one_by_one) {
        becomes_of("execve", "argv contains \"-i\"", "any argv == \"-i\"");
        becomes_of("execve", "argv contains [\"-i\", \"-c\"]", "any argv == \"-i\" or any argv == \"-c\"");
        becomes_of("execve", "any argv in [\"-i\", \"-c\"]", "any argv in [\"-c\", \"-i\"]");
        becomes_of("execve", "argv[1] == \"-c\"", "argv[1] == \"-c\"");
}
END_TEST

START_TEST(numbers_and_bits_keep_their_words) {
        becomes("flags & O_CREAT", "flags & O_CREAT");
        becomes("flags has all O_CREAT|O_EXCL", "flags has all O_CREAT|O_EXCL");
        becomes("created", "not (created == false)");
        becomes("fd >= 3, fd < 10", "fd >= 3 and fd < 10");
        becomes("proc.uid == 0", "proc.uid == 0");
        becomes("pathname ~= \"/A\"", "pathname ~= \"/A\"");
}
END_TEST

START_TEST(cheap_comparisons_come_first_and_equal_ones_once) {
        becomes("pathname =~ 'a[0-9]', ancestor.name == \"sshd\", pathname == \"/a\", fd == 3",
                "fd == 3 and pathname == \"/a\" and ancestor.name == \"sshd\" and pathname =~ 'a[0-9]'");
        becomes("fd == 3 and (fd == 3 and created)", "fd == 3 and not (created == false)");
        becomes("fd == 3 or fd == 3", "fd == 3");
        becomes("(fd == 3 or fd == 4) and (fd == 4 or fd == 3)", "fd == 3 or fd == 4");
}
END_TEST

START_TEST(no_condition_is_true) {
        becomes("", "true");
}
END_TEST

START_TEST(captures_become_guards) {
        struct program *program =
                compile("path \"p\" { openat { $f = pathname, $n = flags } unlink { pathname == $f, flags != $n } }");
        struct strbuf text = {};

        ck_assert_uint_eq(program->n_guards, 2);
        program_dump_condition(program, 0, program->edges[1].condition, WIRE_KIND_unlink, &text);
        ck_assert_str_eq(strbuf_str(&text), "pathname == $f and not (flags == $n)");
        ck_assert(!program->conditions[program->edges[1].condition].run_free);
        strbuf_done(&text);
        program_unref(program);
}
END_TEST

START_TEST(equal_comparisons_of_different_policies_are_one_predicate) {
        static const char text[] = "path \"a\" { openat { pathname == \"/a\", flags & O_CREAT } }\n"
                                   "path \"b\" { openat { flags & O_CREAT, pathname == \"/a\" } }\n"
                                   "path \"c\" { openat { flags & O_CREAT } unlink { pathname == \"/a\" } }\n";
        struct compile_options apart = {.without = COMPILE_WITHOUT(SHARE)};
        struct program *program = compile(text);

        ck_assert_uint_eq(program->n_predicates, 3);
        ck_assert_uint_eq(program->edges[0].condition, program->edges[1].condition);
        program_unref(program);

        program = compile_with(text, &apart);
        ck_assert_uint_eq(program->n_predicates, 6);
        program_unref(program);
}
END_TEST

START_TEST(a_long_chain_of_comparisons_is_one_condition) {
        struct strbuf text = {};
        struct program *program;

        strbuf_put(&text, "path \"p\" { openat { pathname == \"/0\"");
        for (unsigned i = 1; i < 200; i++)
                strbuf_printf(&text, " or pathname == \"/%u\"", i);
        strbuf_put(&text, " } }");
        program = compile(strbuf_str(&text));
        ck_assert_uint_eq(program->conditions[program->edges[0].condition].args.n, 200);
        ck_assert_uint_eq(program->conditions[program->edges[0].condition].depth, 1);
        program_unref(program);
        strbuf_done(&text);
}
END_TEST

START_TEST(a_glob_that_is_too_long_is_refused) {
        struct strbuf text = {};

        strbuf_put(&text, "path \"p\" { openat { pathname glob \"/*");
        strbuf_put_repeat(&text, 'a', 300);
        strbuf_put(&text, "\" } }");
        compile_refused(strbuf_str(&text), "the glob is too long: 255 bytes are allowed");
        strbuf_done(&text);
}
END_TEST

UNIT_MAIN("compile/lower",
          negative_comparisons_are_not_over_the_positive_one,
          lists_are_sorted_without_doubles_and_a_list_of_one_is_no_list,
          globs_and_regexes_that_are_plain_become_comparisons,
          other_regexes_are_asked_behind_what_they_require,
          elements_of_lists_are_compared_one_by_one,
          numbers_and_bits_keep_their_words,
          cheap_comparisons_come_first_and_equal_ones_once,
          no_condition_is_true,
          captures_become_guards,
          equal_comparisons_of_different_policies_are_one_predicate,
          a_long_chain_of_comparisons_is_one_condition,
          a_glob_that_is_too_long_is_refused)
