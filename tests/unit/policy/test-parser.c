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
                case ELEMENT_ABSENCE:
                        strbuf_printf(b, "%s%s",
                                      e->type == ELEMENT_NOT       ? "not "
                                      : e->type == ELEMENT_ABSENCE ? "no "
                                                                   : "",
                                      e->kind_name.bytes);
                        if (e->as.length > 0)
                                strbuf_printf(b, "=%s", e->as.bytes);
                        for (const struct relation *r = e->relations; r; r = r->next)
                                strbuf_printf(b, "<%s %s>", relation_type_to_string(r->type), r->name.bytes);
                        strbuf_put(b, e->repetition == REPEAT_PLUS ? ".." : e->repetition == REPEAT_STAR ? "..." : "");
                        if (e->has_points)
                                strbuf_printf(b, "+%" PRId64, e->points);
                        if (e->type == ELEMENT_ABSENCE)
                                strbuf_printf(b, "@%" PRIu64, e->within_ns / 1000000000);
                        break;
                case ELEMENT_ANY:
                case ELEMENT_ALL:
                        strbuf_put(b, e->type == ELEMENT_ANY ? "any[" : "all[");
                        put_shape(e->children, b);
                        strbuf_put_char(b, ']');
                        break;
                case ELEMENT_REPEAT:
                        strbuf_printf(b, "%" PRIu32 "*(%s)@%" PRIu64 "[", e->count,
                                      e->has_distinct ? e->distinct.name.bytes : "", e->within_ns / 1000000000);
                        put_shape(e->children, b);
                        strbuf_put_char(b, ']');
                        break;
                case ELEMENT_BLOCK:
                        strbuf_printf(b, "block(%s)[", e->name.bytes ? e->name.bytes : "");
                        put_shape(e->children, b);
                        strbuf_put_char(b, ']');
                        break;
                case ELEMENT_CONDITIONAL:
                        strbuf_put(b, e->kind_name.bytes);
                        for (const struct relation *r = e->relations; r; r = r->next)
                                strbuf_printf(b, "<%s %s>", relation_type_to_string(r->type), r->name.bytes);
                        strbuf_put(b, " ? [");
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

START_TEST(groups_and_absences_are_read) {
        expect_shape("all { openat { } exit { } }", "all[openat exit]");
        expect_shape("repeat 3 { openat { } }", "3*()@0[openat]");
        expect_shape("repeat 3 distinct pathname within 10s { openat { } }", "3*(pathname)@10[openat]");
        expect_shape("repeat 3 within 10s\ndistinct dport { any { connect { } write { } } }",
                     "3*(dport)@10[any[connect write]]");
        expect_shape("exit { } no openat { created } within 5s fork { }", "exit no openat@5 fork");
        expect_shape("exit { } no openat { }\nwithin 5s within 3s { fork { } }", "exit no openat@5 block()[fork]");
        expect_shape("exit { } not any { openat { } fork { } } exit { }", "exit not openat not fork exit");
}
END_TEST

START_TEST(what_stands_around_the_braces_of_a_step_is_read) {
        expect_shape("execve as $a { } .. openat as $b { } child of $a\nsame unit as $a, sibling of $a ..",
                     "execve=$a.. openat=$b<child of $a><same unit as $a><sibling of $a>..");
        expect_shape("exit { } descendant of $a ? fork { } same process as $a : fork { } same pipe as $a",
                     "exit<descendant of $a> ? [fork<same process as $a>] : [fork<same pipe as $a>]");
        expect_shape("openat { } +10 exit { } + 3\nfork { }", "openat+10 exit+3 fork");
        expect_shape("exit { } not fork as $x { } same file as $y no fork { } child of $a within 1m",
                     "exit not fork=$x<same file as $y> no fork<child of $a>@60");
}
END_TEST

START_TEST(what_is_said_of_a_path_is_read) {
        struct arena arena = {};
        struct file_node *file;
        struct diag_set diags;
        const struct path_node *path;

        diag_set_init(&diags, 0);
        file = parse(
                &arena,
                "list a += [1]\nmacro m += { created }\n"
                "path \"p\" { score = 50 decay = 10 per 1m until exit { code == 1 } fork { } +1 until fork { }\n"
                "on step 1 respond [\"a\", \"b $c\"] on step 2 respond \"x\"\n"
                "except \"why\" owner \"who\" expires \"2027-01-31\" { failed } except expires \"x\" owner \"y\" { "
                "failed } }",
                &diags);
        ck_assert_uint_eq(diags.n_errors, 0);
        ck_assert(file->lists->append && file->macros->append);
        path = file->paths;
        ck_assert_uint_eq(path->score, 50);
        ck_assert_uint_eq(path->decay, 10);
        ck_assert_uint_eq(path->decay_ns, UINT64_C(60000000000));
        ck_assert(text_eq(path->untils->kind_name, "exit"));
        ck_assert(text_eq(path->untils->next->kind_name, "fork") && !path->untils->next->next);
        ck_assert(text_eq(path->body->kind_name, "fork") && !path->body->next);
        ck_assert_uint_eq(path->responses->number, 1);
        ck_assert_uint_eq(path->responses->respond.n, 2);
        ck_assert(text_eq(path->responses->respond.items[1], "b $c"));
        ck_assert_uint_eq(path->responses->next->number, 2);
        ck_assert(text_eq(path->exceptions->reason, "why") && text_eq(path->exceptions->owner, "who"));
        ck_assert(text_eq(path->exceptions->expires, "2027-01-31"));
        ck_assert(text_eq(path->exceptions->next->owner, "y") && path->exceptions->next->reason.length == 0);
        diag_set_done(&diags);
        arena_done(&arena);
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
        expect_in_path("openat { mode + 1 > 2 }", "2:15 error: there is no arithmetic on fields\n");
        expect_in_path("openat { flags & 3 == 1 }",
                       "2:20 error: what is left of '&' is compared in parentheses\n"
                       "  | write '(flags & 3) == ...'\n");
        expect_in_path("openat { (flags & 3) < 1 }",
                       "2:22 error: what is left of '&' is compared with ==, !=, in or not in\n");
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
                       "7:1 error: unknown property 'owner'\n"
                       "  | an exception has an owner: 'except \"why\" owner \"who\" { ... }'\n");
        expect_in_path("within = 0s\nexit { code == 1 }", "2:10 error: a window of no time at all\n  | leave it out "
                                                          "for no window; of a path it is 'within = unlimited'\n");
        expect_in_path("severity == high\nexit { code == 1 }", "2:10 error: properties are set with '='\n");
        expect_in_path("severity = high\nseverity = low\nexit { code == 1 }",
                       "3:1 error: 'severity' is set a second time\n  @ 2:1 first here\n");
        expect_in_path("block \"b\" { severity = high exit { code == 1 } }",
                       "2:13 error: 'severity' belongs to the path, not to a block\n");
        expect_in_path("block \"b\" { except { proc.pid == 1 } exit { code == 1 } }",
                       "2:13 error: 'except' belongs to the path as a whole\n");
        expect_in_path("respond += \"x\"\nexit { code == 1 }",
                       "2:9 error: '+=' adds to a list or a macro\n  | properties are set with '='\n");
}
END_TEST

/* Nearly right: one message each, and what follows is read. */

START_TEST(words_of_other_languages_say_how_it_is_written_here) {
        expect_in_path("optional openat { }\nexit { code == 1 }",
                       "2:1 error: there is no 'optional' here\n"
                       "  | 'openat { } ...' is none or more, and changes nothing about the story\n");
        expect_in_path("frequency openat{pathname =~ \"x\"} > 10/minute\nexit { code == 1 }",
                       "2:1 error: there is no 'frequency' here\n  | 'repeat 5 within 10s { ... }' counts\n");
        expect_in_path("anomaly_score events[] > threshold(0.8)\nexit { code == 1 }",
                       "2:1 error: there is no 'anomaly_score' here\n"
                       "  | 'score = 50' is a property of the path, and '+10' stands behind each step\n");
        expect_in_path("connect { distinct daddr }",
                       "2:11 error: there is no 'distinct' here\n"
                       "  | 'repeat 5 distinct dport within 10s { ... }' counts different values\n");
        expect_in_path("execve { all argv startswith \"x\" }",
                       "2:10 error: before a list stands 'any' or nothing\n  | none of them is 'not any argv ...'\n");
        expect_in_path("execve { parent { name == \"x\" } }",
                       "2:10 error: 'parent' is one process: its conditions need no braces\n"
                       "  | write 'parent.' before each field\n");
        expect_messages("score \"x\" {\n exit { }\n}\npath \"p\" { exit { code == 1 } }",
                        "1:1 error: there is no 'score' here\n  | path \"name\" { score = 50 ... }\n");
}
END_TEST

START_TEST(what_is_missing_around_a_step_is_told) {
        expect_in_path("execve as b { argc > 1 }", "2:11 error: expected a name after 'as', found 'b'\n  | 'as $b'\n");
        expect_in_path("execve as { argc > 1 }\nexit { code == 1 }",
                       "2:11 error: expected a name after 'as', found '{'\n");
        expect_in_path("exit { code == 1 } chidl of $a", "2:20 error: there is no relation 'chidl of'\n"
                                                         "  | did you mean 'child of'?\n");
        expect_in_path("exit { code == 1 } parent of $a",
                       "2:20 error: there is no relation 'parent of'\n"
                       "  | name the later step's process: the child is 'child of' the earlier one\n");
        expect_in_path("exit { code == 1 } same file $a", "2:30 error: expected 'as', found '$a'\n");
        expect_in_path("exit { code == 1 } child of a\nexit { code == 2 }",
                       "2:29 error: expected the name of a step's process after 'child of', found 'a'\n"
                       "  | give it one there: 'execve as $p { ... }'\n");
        expect_in_path("exit { code == 1 } -5", "2:20 error: points are added: there are no negative ones\n");
        expect_in_path("exit { code == 1 } +0", "2:21 error: points are 1 to 1000000\n");
        expect_in_path("exit { code == 1 } +1 +2", "2:24 error: a step has points once\n");
}
END_TEST

START_TEST(what_is_missing_in_a_group_is_told) {
        expect_in_path("repeat { exit { } }", "2:8 error: expected how often after 'repeat', found '{'\n"
                                              "  | repeat 5 within 10s { ... }\n");
        expect_in_path("repeat 2000 { exit { code == 1 } }", "2:8 error: 'repeat' counts from 1 to 1024\n");
        expect_in_path("repeat 2 within 1s within 2s { exit { code == 1 } }",
                       "2:20 error: 'within' a second time\n  @ 2:10 first here\n");
        expect_in_path("repeat 2 { within = 5s exit { code == 1 } }",
                       "2:12 error: 'within' belongs to the path, not to 'repeat'\n"
                       "  | before the braces: 'repeat 5 within 10s { ... }'\n");
        expect_in_path("exit { } no fork { }\nopenat { }",
                       "3:1 error: expected 'within' behind the step of 'no', found 'openat'\n"
                       "  | 'no fork { ... } within 5s'; that it must not come before the next step is 'not'\n");
        expect_in_path("exit { } not block \"x\" { exit { } }",
                       "2:14 error: 'not' stands before a step or 'any', not before 'block'\n"
                       "  | what must not happen is one event, of one kind or another\n");
        expect_in_path("exit { } not any { block \"x\" { exit { } } } fork { }",
                       "2:20 error: a member of 'not any' is a step\n");
        expect_in_path(
                "exit { } no any { fork { } } within 5s",
                "2:13 error: 'no' stands before a step, not before 'any'\n"
                "  | a 'not' before the 'no' is in force while it waits: 'not exit { } no unlink { } within 5s'\n");
        expect_in_path("exit { } until any { fork { } }",
                       "2:16 error: 'until' stands before a step, not before 'any'\n  | write one 'until' for each\n");
        expect_in_path("exit { } until fork { } .. exit { }", "2:10 error: a step behind 'until' cannot repeat\n");
        expect_in_path("block \"b\" { exit { }\nuntil fork { }\n}\nexit { }",
                       "3:1 error: 'until' belongs to the path as a whole\n"
                       "  | what must not come before the next step is 'not'\n");
        expect_in_path("exit { }\non step two respond \"x\"\nexit { }",
                       "3:9 error: expected the number of a step, found 'two'\n");
        expect_in_path("exit { }\non step 1 \"x\"\nexit { }",
                       "3:11 error: expected 'respond' after the step, found '\"x\"'\n"
                       "  | on step 2 respond [\"notify\"]\n");
        expect_in_path("score = 10 decay = 5 exit { } +1",
                       "2:22 error: expected 'per' after the points, found 'exit'\n  | decay = 10 per 1m\n");
}
END_TEST

START_TEST(a_list_or_macro_that_adds_needs_one_to_add_to) {
        expect_messages("list ab += [2]\nlist abc = [1]\npath \"p\" { exit { code in abc } }",
                        "1:6 error: there is no list 'ab' to add to\n  | did you mean 'abc'?\n");
        expect_messages("macro ab += { created }\npath \"p\" { openat { ab } }",
                        "1:7 error: there is no macro 'ab' to add to\n  | 'macro ab { ... }' defines one\n");
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
        expect_quick("relations", "path \"p\" { fork as $a { } fork { }", " child of $a", 80000, " }");
        expect_quick("ancestors", "path \"p\" { exit {", "ancestor {", 100000, "");
        expect_quick("alternatives", "macro m { core }\npath \"p\" { exit { m } }\n", "macro m += { core }\n", 50000,
                     "");
        expect_quick("untils", "path \"p\" { fork { } exit { }", " until exit { }", 60000, " }");
        expect_quick("responses", "path \"p\" { fork { } exit { }", " on step 1 respond \"x\"", 40000, " }");
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
        char text[] =
                "list a = [\"x\"]\npath \"p\" { mitre = [\"T1105\"] openat { pathname startswith [\"/a\", "
                "\"/b\"], $x = pathname }\n"
                "any { execve { proc.name in a } exit { code == 1 } } connect { daddr in private_nets } except { "
                "proc.pid == 1 } }\nlist a += [\"y\"]\nmacro m { created }\nmacro m += { failed }\n"
                "path \"q\" { execve as $a { argc > 1 } all { openat { m } exit { code == 1 } } no fork { } within 1s "
                "repeat 2 distinct dport { connect { dport < 9 } } write { } same pipe as $a sibling of $a "
                "until exit { } same unit as $a respond = \"kill $a\" on step 2 respond \"x\" "
                "except expires \"2027-01-31\" { ancestor { uid == 0 } } }";

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
          groups_and_absences_are_read, what_stands_around_the_braces_of_a_step_is_read, what_is_said_of_a_path_is_read,
          words_of_other_languages_say_how_it_is_written_here, what_is_missing_around_a_step_is_told,
          what_is_missing_in_a_group_is_told, a_list_or_macro_that_adds_needs_one_to_add_to, bombs_are_refused_quickly,
          one_word_of_a_mebibyte_is_cut_in_its_message, without_memory_nothing_is_lost)
