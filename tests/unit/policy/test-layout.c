/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/layout.h"

#include "base/arena.h"
#include "policy/lexer.h"
#include "policy/parser.h"
#include "policy/source.h"

#include "fixture.h"

/* The tree, or NULL if there is a fault in the text. */
static struct file_node *parse(struct arena *arena, const char *text, size_t n) {
        const struct source *source;
        struct file_node *file;
        struct diag_set diags;
        bool good;

        diag_set_init(&diags, 1);
        ck_assert_int_eq(source_new(arena, "t", text, n, &source), 0);
        ck_assert_int_eq(parser_parse(source, arena, &diags, &file), 0);
        good = diags.n_errors == 0;
        diag_set_done(&diags);
        return good ? file : NULL;
}

static bool expect_stable(const char *text, size_t n) {
        struct strbuf first = {}, second = {};
        struct arena arena = {};
        struct file_node *before = parse(&arena, text, n), *after;

        if (before) {
                ck_assert_int_eq(layout_text(text, n, &first), 0);
                after = parse(&arena, strbuf_str(&first), first.n);
                ck_assert_msg(after && file_node_equal(before, after), "%s\n--- became ---\n%s", text,
                              strbuf_str(&first));
                ck_assert_int_eq(layout_text(strbuf_str(&first), first.n, &second), 0);
                ck_assert_str_eq(strbuf_str(&second), strbuf_str(&first));
        }
        strbuf_done(&first);
        strbuf_done(&second);
        arena_done(&arena);
        return before;
}

static void expect_layout(const char *text, const char *expected) {
        struct strbuf b = {};

        ck_assert_int_eq(layout_text(text, strlen(text), &b), 0);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
        ck_assert_msg(expect_stable(text, strlen(text)), "the text has faults");
}

START_TEST(each_statement_begins_a_line_and_signs_stand_below_each_other) {
        expect_layout(
                "list a=[\"x\"]\nlist bbb = [ 1,2 ]\npath \"p\"\n{ severity=high within = 5m\n\n\n"
                "openat{pathname==\"/a\" , flags&(O_WRONLY |O_RDWR)} exit{} ..\nnot write { len=-1 } connect { } }",
                "list a   = [\"x\"]\n"
                "list bbb = [1, 2]\n"
                "\n"
                "path \"p\" {\n"
                "    severity = high\n"
                "    within   = 5m\n"
                "\n"
                "    openat { pathname == \"/a\", flags & (O_WRONLY|O_RDWR) }\n"
                "    exit   { } ..\n"
                "    not write { len = -1 }\n"
                "    connect { }\n"
                "}\n");
}
END_TEST

START_TEST(lines_of_the_author_stand) {
        expect_layout("path \"p\" {\nopenat {\na == 1, b == 2\n\n  c == 3\n}\nany { openat { a } exit { } }\n"
                      "within 5s {\nexit { }\n}\n}\n",
                      "path \"p\" {\n"
                      "    openat {\n"
                      "        a == 1, b == 2\n"
                      "\n"
                      "        c == 3\n"
                      "    }\n"
                      "    any { openat { a } exit { } }\n"
                      "    within 5s {\n"
                      "        exit { }\n"
                      "    }\n"
                      "}\n");
}
END_TEST

START_TEST(comments_stay_where_they_are) {
        expect_layout(
                "# head\nlist a = [1, # one\n# before two\n2\n]# list\n// of p\npath \"p\" { # open\n"
                "by = tree # by\nwithin = 1m   // within\n# before\nopenat { # first\na # has\n# last\n}\n# end\n}\n"
                "# tail",
                "# head\n"
                "list a = [1,  # one\n"
                "          # before two\n"
                "          2\n"
                "         ]  # list\n"
                "\n"
                "// of p\n"
                "path \"p\" {  # open\n"
                "    by     = tree  # by\n"
                "    within = 1m    // within\n"
                "    # before\n"
                "    openat {  # first\n"
                "        a  # has\n"
                "        # last\n"
                "    }\n"
                "    # end\n"
                "}\n"
                "\n"
                "# tail\n");
}
END_TEST

START_TEST(conditionals_stand_one_level_deeper_each) {
        expect_layout("path \"p\" {\nopenat { a }\n? write { b }\n: openat { c }\n? { write { d } exit { } }\n"
                      "# why\n: execve { e }\nexecve { f } ? exit { g }\nconnect { }\n}\n",
                      "path \"p\" {\n"
                      "    openat { a }\n"
                      "        ? write { b }\n"
                      "        : openat { c }\n"
                      "            ? { write { d } exit { } }\n"
                      "            # why\n"
                      "            : execve { e }\n"
                      "    execve { f } ? exit { g }\n"
                      "    connect { }\n"
                      "}\n");
}
END_TEST

START_TEST(what_is_too_long_is_broken) {
        expect_layout("path \"p\" { openat { pathname startswith \"/a/rather/long/directory/name\", proc.exe == "
                      "\"/usr/bin/something-long\", $f = pathname, b } }\n"
                      "list l = [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", "
                      "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\", \"cccccccccccccccccccc\", \"d\"]\n",
                      "path \"p\" {\n"
                      "    openat {\n"
                      "        pathname startswith \"/a/rather/long/directory/name\",\n"
                      "        proc.exe == \"/usr/bin/something-long\",\n"
                      "        $f = pathname,\n"
                      "        b\n"
                      "    }\n"
                      "}\n"
                      "\n"
                      "list l = [\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", "
                      "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\n"
                      "          \"cccccccccccccccccccc\", \"d\"]\n");
        expect_layout("path \"p\" {\nopenat {\npathname startswith \"/a/rather/long/directory/name\" or proc.exe == "
                      "\"/usr/bin/something-long\" or (aaaaaaaaaaa and bbbbbbbbbbb)\n} }",
                      "path \"p\" {\n"
                      "    openat {\n"
                      "        pathname startswith \"/a/rather/long/directory/name\"\n"
                      "            or proc.exe == \"/usr/bin/something-long\"\n"
                      "            or (aaaaaaaaaaa and bbbbbbbbbbb)\n"
                      "    }\n"
                      "}\n");
}
END_TEST

START_TEST(what_stands_behind_a_step_stays_behind_it) {
        expect_layout(
                "path \"p\" {\nexecve as $b { a, ancestor { x == 1, y } } until exit { }\nno unlink { b } within 30s\n"
                "connect { c } child of $b same unit as $b\nrepeat 4 distinct d within 1s { connect { } }\n"
                "all { openat { } write { } }\non step 2 respond [\"x\"]\nopenat { (d&0xff) == 0 } }\n"
                "path \"s\" { score=10 decay = 5 per 1m\nopenat { } +10 write { } +5 }",
                "path \"p\" {\n"
                "    execve as $b { a, ancestor { x == 1, y } }\n"
                "    until exit { }\n"
                "    no unlink { b } within 30s\n"
                "    connect { c } child of $b same unit as $b\n"
                "    repeat 4 distinct d within 1s { connect { } }\n"
                "    all { openat { } write { } }\n"
                "    on step 2 respond [\"x\"]\n"
                "    openat { (d & 0xff) == 0 }\n"
                "}\n"
                "\n"
                "path \"s\" {\n"
                "    score = 10\n"
                "    decay = 5 per 1m\n"
                "    openat { } +10\n"
                "    write  { } +5\n"
                "}\n");
}
END_TEST

START_TEST(only_tokens_with_matching_brackets_have_a_layout) {
        struct strbuf b = {};

        ck_assert_int_eq(layout_text("", 0, &b), 0);
        ck_assert_str_eq(strbuf_str(&b), "");
        ck_assert_int_eq(layout_text("# c", 3, &b), 0);
        ck_assert_str_eq(strbuf_str(&b), "# c\n");
        ck_assert_int_eq(layout_text("path {", 6, &b), -EBADMSG);
        ck_assert_int_eq(layout_text("{ ( }", 5, &b), -EBADMSG);
        ck_assert_int_eq(layout_text("}", 1, &b), -EBADMSG);
        ck_assert_int_eq(layout_text("a ; b", 5, &b), -EBADMSG);
        ck_assert_int_eq(layout_text("/* c */", 7, &b), -EBADMSG);
        strbuf_done(&b);
}
END_TEST

/* A policy with other blanks between its tokens, and sometimes a comment: whatever still is a policy, is the same one
 * in its canonical form. */
START_TEST(any_policy_means_the_same_in_its_canonical_form) {
        static const char policy[] =
                "list l = [1, \"a\", b, 'c']\n"
                "macro m { a or b, not c and argv[3] in [1] }\n"
                "path \"p\" { severity = low suppress = 0 s mitre = [\"T1\", \"T2\"]\n"
                "openat { a == \"x\", b & (O_A|0x4), $f = pathname, (c or d and (e or not f)), any argv glob l }\n"
                "not write { d =~ \"x\" e == -1 } any { exit { } block \"b\" within 5s { exit { } exit { } .. } }\n"
                "...\n"
                "until exit { } execve as $b { ancestor { a, b == 1 } (c & 7) == 1 } child of $f no exit { } within "
                "5s\n"
                "repeat 3 distinct d within 1s { exit { } } all { exit { } write { } } on step 1 respond [\"x\"]\n"
                "openat { a ~= \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" or b == "
                "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\" }\n"
                "openat { a } ? write { b } : openat { c } ? { write { d } exit { } } : within 5s { exit { } }\n"
                "except \"why\" { aa.b != 10.0.0.0/8 and (bbbbbbbbbbbbbbbbb.c or ccccccccccccccccccccccccccc.d) } }\n";
        static const char *const blanks[] = {" ",       "  ",       "\n",   "\n\n", "\n\n\n",
                                             "\t# c\n", "\n# cc\n", "\r\n", ", ",   ""};
        struct strbuf b = {};
        struct arena arena = {};
        const struct source *source;
        uint64_t state = 1;
        unsigned n = 0;

        ck_assert_int_eq(source_new(&arena, "t", policy, strlen(policy), &source), 0);
        for (unsigned seed = 0; seed < 4000; seed++) {
                struct lexer lexer;
                struct token token;

                strbuf_clear(&b);
                lexer_init(&lexer, source, NULL);
                while ((token = lexer_next(&lexer)).type != TOKEN_EOF) {
                        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                        if (state >> 40 & 7)
                                strbuf_put_char(&b, token.first_on_line ? '\n' : ' ');
                        else
                                strbuf_put(&b, blanks[(state >> 33) % ELEMENTSOF(blanks)]);
                        strbuf_put_n(&b, token_bytes(source, &token), token.length);
                }
                n += expect_stable(strbuf_str(&b), b.n);
        }
        ck_assert_msg(n > 400, "only %u of them were policies", n);
        strbuf_done(&b);
        arena_done(&arena);
}
END_TEST

static int sweep(void *userdata) {
        static const char text[] = "path \"p\" { openat { a, b } exit { } } # c";
        struct strbuf b = {};
        int r = layout_text(text, strlen(text), &b);

        strbuf_done(&b);
        return r;
}

START_TEST(without_memory_there_is_no_layout) {
        alloc_fail_sweep(sweep, NULL);
}
END_TEST

UNIT_MAIN("policy/layout", each_statement_begins_a_line_and_signs_stand_below_each_other, lines_of_the_author_stand,
          comments_stay_where_they_are, conditionals_stand_one_level_deeper_each, what_is_too_long_is_broken,
          what_stands_behind_a_step_stays_behind_it,
          only_tokens_with_matching_brackets_have_a_layout, any_policy_means_the_same_in_its_canonical_form,
          without_memory_there_is_no_layout)
