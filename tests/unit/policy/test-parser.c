/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parser.h"

#include <inttypes.h>
#include <time.h>

#include "base/arena.h"
#include "policy/source.h"

#include "fixture.h"

/* Shapes: what was read, without its conditions: "step(openat) not(unlink) any[step(chmod) block(b)[...]]
 * if(x)[..][..]". */
static void put_shape(const struct element *e, struct strbuf *b) {
        for (const struct element *first = e; e; e = e->next) {
                if (e != first)
                        strbuf_put_char(b, ' ');
                switch (e->type) {
                case ELEMENT_STEP:
                case ELEMENT_NOT:
                        strbuf_printf(b, "%s%s%s", e->type == ELEMENT_NOT ? "not " : "", e->kind_name.bytes,
                                      e->repetition == REPEAT_PLUS ? ".." : e->repetition == REPEAT_STAR ? "..." : "");
                        break;
                case ELEMENT_ANY:
                        strbuf_put(b, "any[");
                        put_shape(e->children, b);
                        strbuf_put_char(b, ']');
                        break;
                case ELEMENT_BLOCK:
                        strbuf_printf(b, "block(%s)[", e->name.bytes ? e->name.bytes : "");
                        put_shape(e->children, b);
                        strbuf_put_char(b, ']');
                        break;
                case ELEMENT_CONDITIONAL:
                        strbuf_printf(b, "%s ? [", e->kind_name.bytes);
                        put_shape(e->then, b);
                        strbuf_put(b, "] : [");
                        put_shape(e->otherwise, b);
                        strbuf_put_char(b, ']');
                        break;
                case ELEMENT_ELLIPSIS:
                        strbuf_put(b, "...");
                        break;
                }
        }
}

static struct file_node *parse(struct arena *arena, const char *text, struct diag_set *diags) {
        const struct source *source;
        struct file_node *file;

        ck_assert_int_eq(source_new(arena, "t", text, strlen(text), &source), 0);
        ck_assert_int_eq(parser_parse(source, arena, diags, &file), 0);
        return file;
}

/* The body of one path has this shape and no fault. */
static void expect_shape(const char *body, const char *expected) {
        struct arena arena = {};
        struct strbuf b = {};
        struct diag_set diags;
        struct file_node *file;
        char text[4096];

        snprintf(text, sizeof(text), "path \"p\" { %s }", body);
        diag_set_init(&diags, 0);
        file = parse(&arena, text, &diags);
        ck_assert_msg(diags.n_errors == 0, "%s: %s", body, diags.list.n > 0 ? diags.list.items[0].text : "");
        put_shape(file->paths->body, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
        diag_set_done(&diags);
        arena_done(&arena);
}

START_TEST(every_kind_of_statement_is_read) {
        expect_shape("openat { } not unlink { } execve { }", "openat not unlink execve");
        expect_shape("any { openat { } block \"b\" { exit { } } }", "any[openat block(b)[exit]]");
        expect_shape("within 5s { openat { } } block \"x\" within 1m { exit { } }", "block()[openat] block(x)[exit]");
        expect_shape("block \"b\" { within = 2s openat { } }", "block(b)[openat]");
        expect_shape("openat { } ..\nexecve { } ...\nexit { }", "openat.. execve... exit");
}
END_TEST

START_TEST(an_ellipsis_on_its_own_line_is_a_statement) {
        expect_shape("openat { }\n...\n..\nexit { }", "openat ... ... exit");
        expect_shape("openat { } ... ...\n", "openat... ...");
}
END_TEST

START_TEST(conditionals_nest_and_chain) {
        expect_shape("openat { } ? exit { } : fork { }", "openat ? [exit] : [fork]");
        expect_shape("openat { } ? exit { }", "openat ? [exit] : []");
        expect_shape("openat { } ? exit { } : fork { } ? write { } : unlink { }",
                     "openat ? [exit] : [fork ? [write] : [unlink]]");
        expect_shape("openat { } ? exit { } ? write { } : unlink { } : fork { }",
                     "openat ? [exit ? [write] : [unlink]] : [fork]");
        expect_shape("openat { } ? { exit { } fork { } } : { write { } }", "openat ? [exit fork] : [write]");
        expect_shape("openat { } ? block \"b\" { exit { } openat { } ? fork { } : write { } } : exit { } fork { }",
                     "openat ? [block(b)[exit openat ? [fork] : [write]]] : [exit] fork");
}
END_TEST

START_TEST(newlines_may_stand_anywhere) {
        expect_shape(
                "\nopenat\n{\npathname\n=\n\"/x\"\n,\n\nflags\n&\nO_CREAT\n\n}\n?\n\nexit\n{\n}\n\n:\n\nfork\n{\n}\n",
                "openat ? [exit] : [fork]");
        expect_shape("openat{pathname=\"/x\"}exit{}", "openat exit");
        expect_shape("openat { , pathname = \"/x\" , , } , exit { }", "openat exit");
}
END_TEST

START_TEST(commas_between_conditions_may_be_left_out) {
        struct arena arena = {};
        struct diag_set diags;
        struct file_node *a, *b;

        diag_set_init(&diags, 0);
        a = parse(&arena, "path \"p\" { write { content =~ \"x\", len = \"12\", failed } }", &diags);
        b = parse(&arena, "path \"p\" { write { content =~ \"x\" len = \"12\"\nfailed } }", &diags);
        ck_assert_uint_eq(diags.n_errors, 0);
        ck_assert(file_node_equal(a, b));
        diag_set_done(&diags);
        arena_done(&arena);
}
END_TEST

START_TEST(and_binds_tighter_than_or_and_commas_least) {
        struct arena arena = {};
        struct diag_set diags;
        struct file_node *a, *b, *c;

        diag_set_init(&diags, 0);
        a = parse(&arena, "path \"p\" { write { a or b and not c, d } }", &diags);
        b = parse(&arena, "path \"p\" { write { (a or (b and (not c))) and d } }", &diags);
        c = parse(&arena, "path \"p\" { write { (a or b) and not c and d } }", &diags);
        ck_assert_uint_eq(diags.n_errors, 0);
        ck_assert(file_node_equal(a, b));
        ck_assert(!file_node_equal(a, c));
        diag_set_done(&diags);
        arena_done(&arena);
}
END_TEST

START_TEST(names_are_words_only_where_they_must_be) {
        /* `path`, `block`, `list`, `any`, `within` and `not` are no reserved words. */
        expect_shape("path { path = \"/x\", list == 1 } list { }", "path list");
}
END_TEST

START_TEST(an_empty_block_without_a_name_is_told_what_it_lacks) {
        expect_in_path("block { openat { pathname == \"/x\" } }\nexit { code == 1 }",
                       "2:7 error: a block has a name in quotes before its '{'\n  | block \"name\" { ... }\n");
}
END_TEST

/* One fault, one message. */

START_TEST(two_faults_in_two_paths_are_two_messages) {
        expect_messages(
                "path \"a\" { openat { pathname = } }\npath \"b\" { openat { = \"x\" }\n  exit { code == 1 }\n}\n",
                "1:32 error: expected a value, found '}'\n"
                "2:21 error: expected a condition, found '='\n");
}
END_TEST

START_TEST(several_faults_in_one_step_are_all_told) {
        expect_in_path("openat { pathname == , flags & , created == )\n  $x pathname\n  proc.uid 0, mode & 1 }",
                       "2:22 error: expected a value, found ','\n"
                       "2:32 error: expected a value, found ','\n"
                       "2:45 error: expected a value, found ')'\n"
                       "3:6 error: expected '=' after the capture, found 'pathname'\n"
                       "4:12 error: expected an operator, found '0'\n");
}
END_TEST

START_TEST(a_step_without_its_brace_is_one_message) {
        expect_in_path("openat pathname == \"/x\" }\nexit { code == 1 }",
                       "2:8 error: expected '{' after 'openat', found 'pathname'\n");
        expect_in_path("exit\nexit { code == 1 }", "3:1 error: expected '{' after 'exit', found 'exit'\n");
        expect_messages("path \"p\" { exit }", "1:17 error: expected '{' after 'exit', found '}'\n");
}
END_TEST

START_TEST(a_missing_closing_brace_is_found_at_the_next_statement) {
        expect_in_path("openat { pathname == \"/x\"\nexecve { argc > 1 }",
                       "2:8 error: this '{' of a step is never closed\n"
                       "  @ 3:1 a '}' is missing before this\n");
        expect_messages("path \"a\" {\n  exit { code == 1 }\n\npath \"b\" {\n  exit { code == 2 }\n}\n",
                        "1:10 error: this '{' of the path is never closed\n"
                        "  @ 4:1 a '}' is missing before this\n");
        expect_messages("path \"a\" {\n  block \"b\" {\n    exit { code == 1 }\n",
                        "2:13 error: this '{' of the block is never closed\n");
        expect_messages("path \"a\" {\n  exit { code == 1", "2:8 error: this '{' of a step is never closed\n");
}
END_TEST

START_TEST(a_brace_too_many_is_one_message) {
        expect_messages("path \"a\" { exit { code == 1 } } }\npath \"b\" { exit { code == 2 } }\n",
                        "1:33 error: this '}' closes nothing\n");
}
END_TEST

START_TEST(what_stands_outside_of_paths_is_one_message) {
        expect_messages(
                "severity = high\nopenat { pathname == \"/x\" }\npath \"a\" { exit { code == 1 } }\n",
                "1:1 error: 'severity' stands outside of every path\n  | path \"name\" { ... } goes around it\n");
        expect_messages("import \"x\"\npath \"a\" { exit { code == 1 } }\n",
                        "1:1 error: expected 'path', 'list' or 'macro', found 'import'\n");
}
END_TEST

START_TEST(a_path_without_quotes_is_understood_after_a_message) {
        expect_messages("path name { exit { code == 1 } }",
                        "1:6 error: the name of a path stands in quotes\n  | write path \"name\"\n");
}
END_TEST

START_TEST(captures_stand_where_they_are_always_bound) {
        expect_in_path("openat { created or $x = pathname }",
                       "2:21 error: a capture cannot stand under 'or'\n  | it would be bound only sometimes\n");
        expect_in_path("openat { not $x = pathname, created }",
                       "2:14 error: a capture cannot stand under 'not'\n  | it would be bound only sometimes\n");
        expect_in_path("openat { $x == pathname }", "2:13 error: '$x' is not known yet where it is bound\n  | bind "
                                                    "with '$x = field', compare with 'field == $x'\n");
        expect_in_path("exit { code == 1 } except { $x = proc.pid, proc.pid == 1 }",
                       "2:29 error: a capture cannot be bound in 'except'\n");
}
END_TEST

START_TEST(slips_of_the_pen_get_a_hint) {
        expect_in_path("openat { \"/x\" == pathname }",
                       "2:10 error: a condition begins with a field, found '\"/x\"'\n");
        expect_in_path("write { len(content) > 1 }", "2:9 error: 'len' is no function: there are none\n");
        expect_in_path("openat { mode + 1 > 2 }", "2:15 error: arithmetic on fields is not supported yet\n");
        expect_in_path("openat { flags & 3 == 1 }",
                       "2:20 error: comparing the result of '&' is not supported yet\n"
                       "  | 'field & BITS' is true if any of the bits is set, 'field has all BITS' if all are\n");
        expect_in_path("connect { daddr == 10.0.0.300 }", "2:20 error: '10.0.0.300' is no address\n");
        expect_in_path("connect { daddr in 10.0.0.0/33 }", "2:20 error: the prefix of an IPv4 network is 0 to 32\n");
        expect_in_path("exit { code == 08 }",
                       "2:16 error: '08' is no number\n  | a leading 0 means octal, 0x hexadecimal\n");
        expect_in_path("exit { code == 99999999999999999999 }",
                       "2:16 error: the number '99999999999999999999' is too large\n");
        expect_in_path("execve { argv[x] == \"a\" }", "2:15 error: expected an index from 0 to 8191, found 'x'\n");
}
END_TEST

/* Properties. */

START_TEST(properties_are_read) {
        struct policy_set *set = parse_good(
                "path \"p\" { description = \"d\", severity = high by = process\n within = 60 s\n suppress = 1h30m "
                "on_loss = skip\n mitre = [\"T1105\",\n \"T1204.002\",] respond = \"notify\"\n exit { code == 1 } }");
        const struct path_node *path = set->paths;

        ck_assert(text_eq(path->description, "d"));
        ck_assert_int_eq(path->severity, SEVERITY_HIGH);
        ck_assert_int_eq(path->by, KEY_PROCESS);
        ck_assert_int_eq(path->on_loss, ON_LOSS_SKIP);
        ck_assert_uint_eq(path->within_ns, 60 * UINT64_C(1000000000));
        ck_assert_uint_eq(path->suppress_ns, 5400 * UINT64_C(1000000000));
        ck_assert_uint_eq(path->mitre.n, 2);
        ck_assert(text_eq(path->mitre.items[1], "T1204.002"));
        ck_assert_uint_eq(path->respond.n, 1);
        policy_set_free(set);
}
END_TEST

START_TEST(what_a_path_does_not_say_has_a_default) {
        struct policy_options options = {.default_within_ns = 7, .default_suppress_ns = 8};
        struct policy_set *set;

        ck_assert_int_eq(policy_set_parse("t", "path \"p\" { exit { code == 1 } }", 31, &options, NULL, &set), 0);
        ck_assert_uint_eq(set->paths->within_ns, 7);
        ck_assert_uint_eq(set->paths->suppress_ns, 8);
        ck_assert_int_eq(set->paths->severity, SEVERITY_MEDIUM);
        ck_assert_int_eq(set->paths->by, KEY_TREE);
        ck_assert_int_eq(set->paths->on_loss, ON_LOSS_FLAG);
        policy_set_free(set);

        ck_assert_int_eq(policy_set_parse("t", "path \"p\" { exit { code == 1 } }", 31, NULL, NULL, &set), 0);
        ck_assert_uint_eq(set->paths->within_ns, UINT64_C(600000000000));
        ck_assert_uint_eq(set->paths->suppress_ns, UINT64_C(60000000000));
        policy_set_free(set);

        set = parse_good("path \"p\" { within = unlimited  suppress = 0s  exit { code == 1 } }");
        ck_assert_uint_eq(set->paths->within_ns, 0);
        ck_assert_uint_eq(set->paths->suppress_ns, 0);
        policy_set_free(set);
}
END_TEST

START_TEST(wrong_properties_say_what_would_be_right) {
        expect_in_path("severity = hihg\nby = everyone\nwihtin = 5m\nwithin = 5\nsuppress = soon\nowner = \"me\"\nexit "
                       "{ code == 1 }",
                       "2:12 error: unknown value 'hihg' of 'severity'\n  | did you mean 'high'?\n"
                       "3:6 error: unknown value 'everyone' of 'by'\n  | it is tree, process, descent, unit, "
                       "container, user or host\n"
                       "4:1 error: unknown property 'wihtin'\n  | did you mean 'within'?\n"
                       "5:10 error: '5' is no duration\n  | a number and its unit: 30s, 5m, 1h30m\n"
                       "6:12 error: expected a duration, found 'soon'\n  | a number and its unit: 30s, 5m, 1h30m\n"
                       "7:1 error: the property 'owner' is not supported yet\n");
        expect_in_path("within = 0s\nexit { code == 1 }", "2:10 error: a window of no time at all\n  | leave it out "
                                                          "for no window; of a path it is 'within = unlimited'\n");
        expect_in_path("severity == high\nexit { code == 1 }", "2:10 error: properties are set with '='\n");
        expect_in_path("severity = high\nseverity = low\nexit { code == 1 }",
                       "3:1 error: 'severity' is set a second time\n  @ 2:1 first here\n");
        expect_in_path("block \"b\" { severity = high exit { code == 1 } }",
                       "2:13 error: 'severity' belongs to the path, not to a block\n");
        expect_in_path("block \"b\" { except { proc.pid == 1 } exit { code == 1 } }",
                       "2:13 error: 'except' belongs to the path as a whole\n");
        expect_in_path("respond += \"x\"\nexit { code == 1 }", "2:9 error: '+=' is not supported yet\n");
}
END_TEST

/* What the language has and this version has not. */

START_TEST(each_construct_that_is_not_there_yet_is_one_message) {
        static const struct {
                const char *text, *word;
                unsigned column;
        } constructs[] = {
                {"until exit { code == 1 }", "'until'", 1},
                {"no connect { dport == 443 } within 10s", "'no'", 1},
                {"all {\n openat { pathname = }\n exit { }\n}", "'all'", 1},
                {"repeat 3 within 10s { openat { } }", "'repeat'", 1},
                {"repeat 3\n{ openat { } }", "'repeat'", 1},
                {"score 10 { openat { } +10 }", "'score'", 1},
                {"optional openat { }", "'optional'", 1},
                {"on step 2 respond [\"snapshot\"]", "'on'", 1},
                {"eventually openat { }", "'eventually'", 1},
                {"frequency openat{pathname =~ \"x\"} > 10/minute", "'frequency'", 1},
                {"anomaly_score events[] > threshold(0.8)", "'anomaly_score'", 1},
                {"distinct daddr 40", "'distinct'", 1},
                {"execve as $b { argc > 1 }", "'as', a name for a step's process,", 8},
                {"execve { argc > 1 } child of $a", "'child' behind a step", 21},
                {"execve { argc > 1 } same file as $a", "'same' behind a step", 21},
                {"execve { argc > 1 } +10", "'+', points for a step,", 21},
                {"not any { exit { } }", "'not' before 'any'", 5},
                {"not block \"x\" { exit { } }", "'not' before a block", 5},
                {"execve { ancestor { name == \"x\", uid == 0 } }", "a group of conditions on one process", 10},
                {"connect { distinct daddr }", "'distinct'", 11},
                {"mmap { prot & PROT_EXEC }", "'mmap'", 1},
        };

        for (size_t i = 0; i < ELEMENTSOF(constructs); i++) {
                char body[256], expected[256];

                snprintf(body, sizeof(body), "%s\nexit { code == 1 }", constructs[i].text);
                snprintf(expected, sizeof(expected), "2:%u error: %s is not supported yet\n%s", constructs[i].column,
                         constructs[i].word,
                         streq(constructs[i].word, "'not' before 'any'") ? "  | write one 'not' for each step\n" : "");
                expect_in_path(body, expected);
        }
        expect_messages("score \"x\" {\n exit { }\n}\npath \"p\" { exit { code == 1 } }",
                        "1:1 error: 'score' is not supported yet\n");
        expect_messages("list a = [1]\nlist a += [2]\npath \"p\" { exit { code in a } }",
                        "2:8 error: appending to a list is not supported yet\n");
}
END_TEST

/* Bombs: refused in time that grows as they do. */

static uint64_t cpu_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* The processor's time that it takes to read `head`, n times `part`, `tail`. */
static uint64_t read_bomb(const char *name, const char *head, const char *part, size_t n, const char *tail,
                          bool refused) {
        size_t h = strlen(head), p = strlen(part), t = strlen(tail), length = h + n * p + t;
        char *text = malloc(length + 1);
        struct policy_set *set = NULL;
        struct diag_set diags;
        uint64_t took;
        int r;

        memcpy(text, head, h);
        for (size_t i = 0; i < n; i++)
                memcpy(text + h + i * p, part, p);
        memcpy(text + h + n * p, tail, t + 1);

        diag_set_init(&diags, 0);
        took = cpu_ns();
        r = policy_set_parse(name, text, length, NULL, &diags, &set);
        took = cpu_ns() - took;
        if (refused) {
                ck_assert_msg(r == -EBADMSG, "%s: %d", name, r);
                ck_assert_uint_ge(diags.n_errors, 1);
        }
        policy_set_free(set);
        diag_set_done(&diags);
        free(text);
        return took;
}

/* Eight times the text takes eight times as long if the parser is linear, 64 times if it is quadratic. Half a second
 * more is for what a small text does not see: caches, fresh pages, a busy machine. */
static void expect_quick(const char *name, const char *head, const char *part, size_t n, const char *tail) {
        uint64_t small = read_bomb(name, head, part, n / 8, tail, false);
        uint64_t large = read_bomb(name, head, part, n, tail, true);

        ck_assert_msg(large < 24 * small + UINT64_C(500000000), "%s: %" PRIu64 " ns, and %" PRIu64 " for an eighth",
                      name, large, small);
}

START_TEST(bombs_are_refused_quickly) {
        expect_quick("nested blocks", "path \"p\" {", "block \"b\" {", 100000, "");
        expect_quick("closed nested blocks", "path \"p\" {", "block\"b\"{", 100000, "}}}}}}");
        expect_quick("conditionals", "path \"p\" {", "exit { } ? ", 100000, "");
        expect_quick("conditionals on lines", "path \"p\" {", "exit { } ?\n", 100000, "");
        expect_quick("else if", "path \"p\" {", "exit { } ? exit { } : ", 50000, "");
        expect_quick("parentheses", "path \"p\" { exit {", "(", 1000000, "");
        expect_quick("not", "path \"p\" { exit {", "not ", 250000, "");
        expect_quick("or", "path \"p\" { exit { core", " or core", 100000, " } }");
        expect_quick("one word", "", "a", 1 << 20, "");
        expect_quick("braces", "", "{", 1 << 20, "");
        expect_quick("closing braces", "", "}", 1 << 20, "");
        expect_quick("junk", "", "@ ", 500000, "");
        expect_quick("quotes", "", "\"\n", 500000, "");
        expect_quick("steps", "path \"p\" {", "fork{}", 170000, "}");
        expect_quick("paths", "", "path\"a\"{}", 110000, "");
        expect_quick("items", "list a = [", "1,", 500000, "]");
        expect_quick("lists", "", "list a=[a]\n", 100000, "");
        expect_quick("unknown items", "list a = [", "abcdefghijkl,", 60000, "]");
        expect_quick("unknown fields", "path \"p\" { exit { ", "abcdefghijkl,", 60000, "} }");
        expect_quick("C comments", "", "/*", 500000, "");
        expect_quick("a negative flag", "path \"p\" { exit { code == ", "-", 1000000, "1 } }");
        expect_quick("flags", "path \"p\" { exit { code == 1", "|1", 400000, "x } }");
}
END_TEST

START_TEST(one_word_of_a_mebibyte_is_cut_in_its_message) {
        size_t n = 1 << 20;
        char *text = malloc(n);
        struct policy_set *set = NULL;
        struct diag_set diags;

        memset(text, 'a', n);
        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse("t", text, n, NULL, &diags, &set), -EBADMSG);
        ck_assert_uint_eq(diags.list.n, 1);
        ck_assert_str_eq(diags.list.items[0].text,
                         "expected 'path', 'list' or 'macro', found 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...'");
        policy_set_free(set);
        diag_set_done(&diags);
        free(text);
}
END_TEST

static int parse_attempt(void *userdata) {
        const char *text = userdata;
        struct policy_set *set = NULL;
        int r;

        r = policy_set_parse("t", text, strlen(text), NULL, NULL, &set);
        policy_set_free(set);
        return r;
}

START_TEST(without_memory_nothing_is_lost) {
        char text[] = "list a = [\"x\"]\npath \"p\" { mitre = [\"T1105\"] openat { pathname startswith [\"/a\", "
                      "\"/b\"], $x = pathname }\n"
                      "any { execve { proc.name in a } exit { code == 1 } } connect { daddr in private_nets } except { "
                      "proc.pid == 1 } }";

        alloc_fail_sweep(parse_attempt, text);
}
END_TEST

UNIT_MAIN("policy/parser", every_kind_of_statement_is_read, an_ellipsis_on_its_own_line_is_a_statement,
          conditionals_nest_and_chain, newlines_may_stand_anywhere, commas_between_conditions_may_be_left_out,
          and_binds_tighter_than_or_and_commas_least, names_are_words_only_where_they_must_be,
          an_empty_block_without_a_name_is_told_what_it_lacks, two_faults_in_two_paths_are_two_messages,
          several_faults_in_one_step_are_all_told, a_step_without_its_brace_is_one_message,
          a_missing_closing_brace_is_found_at_the_next_statement, a_brace_too_many_is_one_message,
          what_stands_outside_of_paths_is_one_message, a_path_without_quotes_is_understood_after_a_message,
          captures_stand_where_they_are_always_bound, slips_of_the_pen_get_a_hint, properties_are_read,
          what_a_path_does_not_say_has_a_default, wrong_properties_say_what_would_be_right,
          each_construct_that_is_not_there_yet_is_one_message, bombs_are_refused_quickly,
          one_word_of_a_mebibyte_is_cut_in_its_message, without_memory_nothing_is_lost)
