/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ast-print.h"

#include "base/arena.h"
#include "policy/parser.h"
#include "policy/source.h"

#include "fixture.h"

static struct file_node *parse(struct arena *arena, const char *text) {
        const struct source *source;
        struct file_node *file;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(source_new(arena, "t", text, strlen(text), &source), 0);
        ck_assert_int_eq(parser_parse(source, arena, &diags, &file), 0);
        ck_assert_msg(diags.n_errors == 0, "%s\n%s", diags.list.n > 0 ? diags.list.items[0].text : "", text);
        diag_set_done(&diags);
        return file;
}

static void expect_print(const char *text, const char *expected) {
        struct strbuf b = {};
        struct arena arena = {};

        ast_print_file(parse(&arena, text), &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
        arena_done(&arena);
}

static void expect_round_trip(const char *text) {
        struct strbuf first = {}, second = {};
        struct file_node *a, *b;
        struct arena arena = {};

        a = parse(&arena, text);
        ast_print_file(a, &first);
        b = parse(&arena, strbuf_str(&first));
        ck_assert_msg(file_node_equal(a, b), "%s\nbecame\n%s", text, strbuf_str(&first));
        ast_print_file(b, &second);
        ck_assert_str_eq(strbuf_str(&first), strbuf_str(&second));
        strbuf_done(&first);
        strbuf_done(&second);
        arena_done(&arena);
}

START_TEST(a_path_is_printed_in_one_form) {
        expect_print(
                "list a=[\"x\",'y\\z', 1 O_CREAT|O_EXCL,10.0.0.0/8]\n"
                "path \"p\"{ by=process severity=high within=90 s,description='d' mitre=\"T1105\"\n"
                " openat{pathname=\"/x\" flags&O_CREAT and not (created or failed),$f=pathname} .. not exit{}\n"
                " block \"b\" {within=5s any{ exit{code in [1,2]} fork{} }}\n except 'why' {proc.uid=0}}",
                "list a = [\"x\", \"y\\\\z\", 1, O_CREAT|O_EXCL, 10.0.0.0/8]\n"
                "\n"
                "path \"p\" {\n"
                "    description = \"d\"\n"
                "    severity = high\n"
                "    mitre = [\"T1105\"]\n"
                "    by = process\n"
                "    within = 1min30s\n"
                "\n"
                "    openat { pathname == \"/x\", (flags & O_CREAT and not (created or failed)), $f = pathname } ..\n"
                "    not exit { }\n"
                "    block \"b\" within 5s {\n"
                "        any {\n"
                "            exit { code in [1, 2] }\n"
                "            fork { }\n"
                "        }\n"
                "    }\n"
                "\n"
                "    except \"why\" { proc.uid == 0 }\n"
                "}\n");
}
END_TEST

START_TEST(the_whole_language_survives_printing) {
        expect_print(
                "list a+=[1] macro m+={created} path\"p\"{score=5 decay=2 per 60s openat{m}+3 until exit{}}",
                "list a += [1]\n"
                "macro m += { created }\n"
                "\n"
                "path \"p\" {\n"
                "    score = 5\n"
                "    decay = 2 per 1min\n"
                "\n"
                "    openat { m } +3\n"
                "    until exit { }\n"
                "}\n");
        expect_print(
                "path\"p\"{execve as$a{(flags&3)==1 ancestor{uid==0,not failed}}..not any{exit{}fork{}same file as "
                "$a}no "
                "exit{}within 5s all{exit{}fork{}}repeat 3 within 1s distinct dport{connect{}child of $a}on step 1 "
                "respond\"x\"except\"r\"owner\"o\"expires\"d\"{failed}}",
                "path \"p\" {\n"
                "    execve as $a { (flags & 3) == 1, ancestor { uid == 0, not failed } } ..\n"
                "    not exit { }\n"
                "    not fork { } same file as $a\n"
                "    no exit { } within 5s\n"
                "    all {\n"
                "        exit { }\n"
                "        fork { }\n"
                "    }\n"
                "    repeat 3 distinct dport within 1s {\n"
                "        connect { } child of $a\n"
                "    }\n"
                "    on step 1 respond [\"x\"]\n"
                "\n"
                "    except \"r\" owner \"o\" expires \"d\" { failed }\n"
                "}\n");
        expect_round_trip("path \"p\" { exit { } ? not any { fork { } exit { } } : no exit { } within 1s exit { } }");
        expect_round_trip("path \"p\" { exit as $x { $y = code } same unit as $z ? fork { } +1 : exit { } ... }");
}
END_TEST

START_TEST(conditionals_are_printed_so_that_each_colon_has_its_question_mark) {
        expect_print(
                "path \"p\" { exit { } ? { fork { } ? exit { } } : openat { } ? write { } : { exit { } fork { } } }",
                "path \"p\" {\n"
                "    exit { }\n"
                "        ? {\n"
                "            fork { }\n"
                "                ? exit { }\n"
                "        }\n"
                "        : openat { }\n"
                "            ? write { }\n"
                "            : {\n"
                "                exit { }\n"
                "                fork { }\n"
                "            }\n"
                "}\n");
}
END_TEST

START_TEST(long_conditions_stand_below_each_other) {
        expect_print("path \"p\" { openat { pathname startswith \"/a/rather/long/directory/name\", proc.exe == "
                     "\"/usr/bin/something-long\", $f = pathname } }",
                     "path \"p\" {\n"
                     "    openat {\n"
                     "        pathname startswith \"/a/rather/long/directory/name\",\n"
                     "        proc.exe == \"/usr/bin/something-long\",\n"
                     "        $f = pathname\n"
                     "    }\n"
                     "}\n");
}
END_TEST

START_TEST(strings_are_printed_so_that_they_are_read_back) {
        expect_round_trip("path \"p\" { write { content == \"\\x00\\x01\\n\\t\\\"\\\\\\xff\\x7f\\x80'\\303\\244\" } }");
        expect_round_trip("path \"p\" { write { content =~ \"it's\\\\d\\n\" } write { content =~ 'a\"b\\d' } }");
        expect_print("path \"p\" { write { content =~ \"\\\\d+\" } }",
                     "path \"p\" {\n    write { content =~ '\\d+' }\n}\n");
}
END_TEST

START_TEST(parentheses_are_kept_where_they_mean_something) {
        expect_print("path \"p\" { write { ((a)) or (b and c) , (d or e) and f, not not (g), not (h and i), j or (k or "
                     "l) } }",
                     "path \"p\" {\n    write { a or b and c, ((d or e) and f), not not g, not (h and i), j or (k or "
                     "l) }\n}\n");
}
END_TEST

/* Random policies out of the grammar: what comes out of the printer is what went in. */

struct maker {
        uint64_t state;
        struct strbuf text;
};

static unsigned pick(struct maker *m, unsigned n) {
        m->state = m->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (unsigned)(m->state >> 33) % n;
}

static void put_any_of(struct maker *m, const char *const *words, unsigned n) {
        strbuf_put(&m->text, words[pick(m, n)]);
}
#define PUT_ANY_OF(m, ...) \
        put_any_of(m, (const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void put_blank(struct maker *m) {
        PUT_ANY_OF(m, " ", "\n", " # comment\n", "  ", "\t// x\n");
}

static void put_condition(struct maker *m, unsigned depth) {
        switch (pick(m, depth > 4 ? 5 : 9)) {
        case 0:
                PUT_ANY_OF(m, "a", "b.c", "proc.name", "argv[3]", "any argv");
                break;
        case 1:
                PUT_ANY_OF(m, "a == ", "b.c != ", "proc.x < ", "any argv = ", "d >= ");
                PUT_ANY_OF(m, "\"x\"", "'\\x'", "-1", "0x1F", "4K", "10.0.0.1", "$f", "O_A", "-EIO", "O_A|0x4|O_B",
                           "\"\\n\\xfe\"");
                break;
        case 2:
                PUT_ANY_OF(m, "a in ", "a not in ", "a glob ", "a not contains ");
                PUT_ANY_OF(m, "[]", "[1]", "[\"a\", b,\n'c' ]", "name", "::1/64");
                break;
        case 3:
                PUT_ANY_OF(m, "a =~ ", "a !~ ");
                PUT_ANY_OF(m, "'^x\\.$'", "\"a'b\"", "''", "\"\\\\.\"");
                break;
        case 4:
                PUT_ANY_OF(m, "a & (O_A|1)", "a has all 7", "a ~= \"Q\"", "a & 1");
                break;
        case 5:
        case 6:
                put_condition(m, depth + 1);
                put_blank(m);
                PUT_ANY_OF(m, "and", "or");
                put_blank(m);
                put_condition(m, depth + 1);
                break;
        case 7:
                strbuf_put(&m->text, "not ");
                put_condition(m, depth + 1);
                break;
        case 8:
                strbuf_put(&m->text, "(");
                put_condition(m, depth + 1);
                strbuf_put(&m->text, ")");
                break;
        }
}

static void put_step(struct maker *m) {
        unsigned n = pick(m, 4);

        PUT_ANY_OF(m, "openat", "exit", "path", "write", "x.y");
        strbuf_put(&m->text, " {");
        for (unsigned i = 0; i < n; i++) {
                put_blank(m);
                if (pick(m, 4) == 0)
                        PUT_ANY_OF(m, "$f = a", "$g = argv[1]");
                else
                        put_condition(m, 0);
                PUT_ANY_OF(m, ",", "\n");
        }
        strbuf_put(&m->text, "}");
}

static void put_statements(struct maker *m, unsigned depth);

static void put_statement(struct maker *m, unsigned depth) {
        switch (pick(m, depth > 3 ? 4 : 8)) {
        case 0:
        case 1:
                put_step(m);
                PUT_ANY_OF(m, "", "", " ..", " ...");
                return;
        case 2:
                strbuf_put(&m->text, "not ");
                put_step(m);
                return;
        case 3:
                strbuf_put(&m->text, "\n...");
                return;
        case 4:
                PUT_ANY_OF(m, "block \"b\" {", "within 5s {", "block \"c d\" within 1h30m {", "any {",
                           "block \"\" { within = 7 s");
                break;
        default:
                put_step(m);
                put_blank(m);
                strbuf_put(&m->text, "? {");
                put_statements(m, depth + 1);
                strbuf_put(&m->text, "}");
                if (pick(m, 2) == 0)
                        return;
                put_blank(m);
                strbuf_put(&m->text, ": ");
                if (pick(m, 2) == 0) {
                        put_statement(m, depth + 1);
                        return;
                }
                strbuf_put(&m->text, "{");
                break;
        }
        put_statements(m, depth + 1);
        strbuf_put(&m->text, "}");
}

static void put_statements(struct maker *m, unsigned depth) {
        unsigned n = pick(m, 4);

        for (unsigned i = 0; i < n; i++) {
                strbuf_put(&m->text, "\n");
                put_statement(m, depth);
        }
        strbuf_put(&m->text, "\n");
}

START_TEST(whatever_is_printed_parses_to_the_same_tree) {
        struct maker m = {};

        for (unsigned seed = 0; seed < 3000; seed++) {
                m.state = seed;
                strbuf_clear(&m.text);
                if (pick(&m, 3) == 0)
                        PUT_ANY_OF(&m, "list l = [1, \"a\", b]\n", "macro m { a or b, not c }\n");
                strbuf_put(&m.text, "path \"p\" {");
                if (pick(&m, 3) == 0)
                        PUT_ANY_OF(&m, "by = host", "severity = low suppress = 0s", "within = unlimited on_loss = skip",
                                   "respond = [\"a\", 'b']");
                put_statements(&m, 0);
                if (pick(&m, 3) == 0) {
                        PUT_ANY_OF(&m, "except {", "except \"r\" {");
                        put_condition(&m, 0);
                        strbuf_put(&m.text, "}");
                }
                strbuf_put(&m.text, "}");
                expect_round_trip(strbuf_str(&m.text));
        }
        strbuf_done(&m.text);
}
END_TEST

UNIT_MAIN("policy/ast-print", a_path_is_printed_in_one_form, the_whole_language_survives_printing,
          conditionals_are_printed_so_that_each_colon_has_its_question_mark, long_conditions_stand_below_each_other,
          strings_are_printed_so_that_they_are_read_back, parentheses_are_kept_where_they_mean_something,
          whatever_is_printed_parses_to_the_same_tree)
