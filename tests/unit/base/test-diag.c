/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <errno.h>

#include "base/strbuf.h"
#include "unit.h"

static const char text[] = "path \"shell\" {\n"
                           "\tseverity = hihg\n"
                           "    exec.pth == \"/bin/sh\"\n"
                           "}\n";
static const struct diag_source source = {.file = "a.policy", .text = text, .n = sizeof(text) - 1};

static struct diag_span at(uint32_t line, uint32_t column, uint32_t length) {
        return (struct diag_span){.file = "a.policy", .line = line, .column = column, .length = length};
}

static void prints(const struct diag_set *set, const char *expected) {
        struct strbuf b = {};

        diag_set_put_text(set, &source, 1, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
}

START_TEST(an_error_answers_ebadmsg_and_the_others_do_not) {
        struct diag_set set;

        diag_set_init(&set, 0);
        ck_assert_int_eq(diag_note(&set, at(1, 1, 1), "n"), 0);
        ck_assert_int_eq(diag_warning(&set, at(1, 1, 1), "w"), 0);
        ck_assert_int_eq(diag_set_result(&set), 0);
        ck_assert_int_eq(diag_error(&set, at(1, 1, 1), "e"), -EBADMSG);
        ck_assert_int_eq(diag_set_result(&set), -EBADMSG);
        ck_assert_int_eq(diag_error(NULL, at(1, 1, 1), "nobody listens"), -EBADMSG);
        diag_hint(NULL, "nor here");
        ck_assert_uint_eq(set.n_errors, 1);
        ck_assert_uint_eq(set.n_warnings, 1);
        ck_assert_uint_eq(set.n_notes, 1);
        diag_set_done(&set);
}
END_TEST

START_TEST(a_message_is_printed_with_excerpt_caret_and_hint) {
        static const char *const fields[] = {"exec.args", "exec.path", "exec.uid"};
        struct diag_set set;

        diag_set_init(&set, 0);
        diag_error(&set, at(3, 5, 8), "unknown field '%s'", "exec.pth");
        diag_did_you_mean(&set, diag_closest("exec.pth", fields, 3));
        diag_related(&set, at(1, 6, 7), "in this policy");
        prints(&set,
               "a.policy:3:5: error: unknown field 'exec.pth'\n"
               "    3 |     exec.pth == \"/bin/sh\"\n"
               "      |     ^~~~~~~~\n"
               "      = did you mean 'exec.path'?\n"
               "a.policy:1:6: note: in this policy\n"
               "    1 | path \"shell\" {\n"
               "      |      ^~~~~~~\n");
        diag_set_done(&set);
}
END_TEST

START_TEST(a_tab_before_the_place_does_not_move_the_caret) {
        struct diag_set set;

        diag_set_init(&set, 0);
        diag_warning(&set, at(2, 13, 4), "no such severity");
        prints(&set,
               "a.policy:2:13: warning: no such severity\n"
               "    2 |  severity = hihg\n"
               "      |             ^~~~\n");
        diag_set_done(&set);
}
END_TEST

START_TEST(a_caret_reaches_no_further_than_the_line) {
        struct diag_set set;

        diag_set_init(&set, 0);
        diag_error(&set, at(4, 1, 1000), "e");
        diag_error(&set, at(4, 900, 1), "e");
        diag_error(&set, at(900, 1, 1), "no such line");
        diag_error(&set, at(0, 0, 0), "the whole file");
        diag_error(&set, (struct diag_span){}, "no file");
        prints(&set,
               "a.policy:4:1: error: e\n"
               "    4 | }\n"
               "      | ^\n"
               "a.policy:4:900: error: e\n"
               "    4 | }\n"
               "      |  ^\n"
               "a.policy:900:1: error: no such line\n"
               "a.policy: error: the whole file\n"
               "error: no file\n");
        diag_set_done(&set);
}
END_TEST

START_TEST(hostile_bytes_in_message_and_source_come_out_harmless) {
        const char hostile[] = "a\x1b[2Jb = \xff\r\n";
        struct diag_source s = {.file = "h", .text = hostile, .n = sizeof(hostile) - 1};
        struct diag_set set;
        struct strbuf b = {};

        diag_set_init(&set, 0);
        diag_error(&set, (struct diag_span){.file = "h", .line = 1, .column = 10, .length = 1}, "bad '%s'",
                   "\x1b[1m\n");
        diag_set_put_text(&set, &s, 1, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "h:1:10: error: bad '\\x1b[1m\\x0a'\n"
                         "    1 | a\\x1b[2Jb = \\xff\n"
                         "      |             ^~~~\n");
        strbuf_done(&b);
        diag_set_done(&set);
}
END_TEST

START_TEST(of_a_very_long_line_only_the_part_around_the_place_is_shown) {
        static char line[100000];
        struct diag_source s = {.file = "l", .text = line, .n = sizeof(line)};
        struct strbuf b = {};
        struct diag_set set;

        memset(line, 'x', sizeof(line));
        line[50000] = '!';
        diag_set_init(&set, 0);
        diag_error(&set, (struct diag_span){.file = "l", .line = 1, .column = 50001, .length = 1}, "e");
        diag_set_put_text(&set, &s, 1, &b);
        ck_assert_uint_lt(b.n, 500);
        ck_assert_ptr_nonnull(strstr(b.data, "...xxx"));
        ck_assert_ptr_nonnull(strstr(b.data, "x!x"));
        /* the caret stands under the mark */
        ck_assert_int_eq(strchr(strchr(b.data, '\n') + 1, '!') - strchr(b.data, '\n'),
                         strchr(b.data, '^') - strchr(strchr(b.data, '\n') + 1, '\n'));
        strbuf_done(&b);
        diag_set_done(&set);
}
END_TEST

START_TEST(beyond_the_limit_messages_are_counted_not_kept) {
        struct diag_set set;

        diag_set_init(&set, 2);
        for (int i = 0; i < 5; i++) {
                diag_error(&set, at(0, 0, 0), "number %d", i);
                diag_hint(&set, "hint %d", i);
        }
        ck_assert_uint_eq(set.list.n, 2);
        ck_assert_uint_eq(set.n_errors, 5);
        ck_assert_uint_eq(set.n_dropped, 3);
        prints(&set,
               "a.policy: error: number 0\n"
               "      = hint 0\n"
               "a.policy: error: number 1\n"
               "      = hint 1\n"
               "(3 more not shown)\n");
        diag_set_done(&set);
}
END_TEST

START_TEST(sorting_is_by_place_and_stable) {
        struct diag_set set;

        diag_set_init(&set, 0);
        diag_error(&set, at(3, 1, 1), "d");
        diag_error(&set, at(1, 2, 1), "b");
        diag_error(&set, at(1, 2, 1), "c");
        diag_error(&set, (struct diag_span){.file = "b.policy", .line = 1, .column = 1}, "e");
        diag_error(&set, at(1, 1, 1), "a");
        diag_set_sort(&set);
        for (size_t i = 0; i < 5; i++)
                ck_assert_int_eq(set.list.items[i].text[0], 'a' + i);
        diag_set_done(&set);
}
END_TEST

START_TEST(names_and_texts_are_copied) {
        char file[] = "a.policy", name[] = "x";
        struct diag_set set;

        diag_set_init(&set, 0);
        diag_error(&set, (struct diag_span){.file = file, .line = 1, .column = 1}, "'%s'", name);
        file[0] = name[0] = '?';
        ck_assert_str_eq(set.list.items[0].span.file, "a.policy");
        ck_assert_str_eq(set.list.items[0].text, "'x'");
        diag_set_done(&set);
}
END_TEST

START_TEST(json_has_every_part) {
        struct diag_set set;
        struct strbuf b = {};

        diag_set_init(&set, 0);
        diag_set_put_json(&set, &b);
        ck_assert_str_eq(strbuf_str(&b), "[]");
        strbuf_clear(&b);

        diag_error(&set, (struct diag_span){.file = "a\"b", .line = 2, .column = 3, .length = 4, .offset = 17},
                   "bad \xff");
        diag_hint(&set, "did you mean it?");
        diag_related(&set, at(1, 1, 1), "first here");
        diag_note(&set, (struct diag_span){}, "n");
        diag_set_put_json(&set, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "[{\"severity\":\"error\",\"code\":\"bad\",\"file\":\"a\\\"b\",\"line\":2,\"column\":3,"
                         "\"end\":7,\"length\":4,\"offset\":17,\"message\":\"bad \\\\xff\",\"notes\":["
                         "{\"file\":\"a.policy\",\"line\":1,\"column\":1,\"end\":2,\"length\":1,\"offset\":0,"
                         "\"message\":\"first here\"}],\"hints\":[\"did you mean it?\"]},"
                         "{\"severity\":\"note\",\"code\":\"n\",\"file\":null,\"line\":0,\"column\":0,\"end\":0,"
                         "\"length\":0,\"offset\":0,\"message\":\"n\",\"notes\":[],\"hints\":[]}]");
        strbuf_done(&b);
        diag_set_done(&set);
}
END_TEST

START_TEST(a_code_says_which_message_it_is_whatever_names_are_in_it) {
        struct diag_set set;

        diag_set_init(&set, 0);
        diag_error(&set, at(1, 1, 1), "unknown value '%s' of '%.*s': %zu left", "a", 1, "b", (size_t)3);
        diag_error(&set, at(1, 1, 1), "don't, %% is 5%%");
        diag_error(&set, at(1, 1, 1), "'%s'", "x");
        diag_error(&set, at(1, 1, 1), "A sentence that is so long that nobody wants to read all of it as one word");
        diag_warning(&set, at(1, 1, 1), "one");
        diag_code(&set, "given-by-hand");
        ck_assert_str_eq(set.list.items[0].code, "unknown-value-of-left");
        ck_assert_str_eq(set.list.items[1].code, "dont-is-5");
        ck_assert_str_eq(set.list.items[2].code, "message");
        ck_assert_str_eq(set.list.items[3].code, "a-sentence-that-is-so-long-that-nobody-wants-to");
        ck_assert_str_eq(set.list.items[4].code, "given-by-hand");
        diag_set_done(&set);
}
END_TEST

START_TEST(the_closest_name_is_a_slip_away_or_nothing) {
        static const char *const names[] = {"openat", "execve", "write", "connect", "unlink",
                                            "rename", "chmod",  "fork",  "exit",    "O_WRONLY"};
        static const struct {
                const char *written, *meant;
        } slips[] = {
                {"opneat", "openat"},
                {"open", "openat"},
                {"exceve", "execve"},
                {"exec", "execve"},
                {"wirte", "write"},
                {"wriet", "write"},
                {"Connect", "connect"},
                {"CHMOD", "chmod"},
                {"chmodd", "chmod"},
                {"frok", "fork"},
                {"o_wronly", "O_WRONLY"},
                {"mount", NULL},
                {"zzzzzz", NULL},
                {"", NULL},
                {"x", NULL},
                {"connectionless_protocol", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(slips); i++) {
                const char *got = diag_closest(slips[i].written, names, ELEMENTSOF(names));

                ck_assert_msg(streq(got, slips[i].meant), "'%s' gave '%s'", slips[i].written, got ? got : "nothing");
        }
        ck_assert_ptr_null(diag_closest("openat", names, 0));
        ck_assert_str_eq(diag_closest_n("opnat = 5", 5, names, ELEMENTSOF(names)), "openat");
}
END_TEST

static int report_some(void *userdata) {
        struct diag_set set;
        int r;

        diag_set_init(&set, 0);
        for (int i = 0; i < 30; i++)
                diag_error(&set, at(i, 1, 1), "%0500d", i);
        ck_assert_int_eq(diag_set_result(&set), -EBADMSG);      /* that there was an error is never lost */
        ck_assert_uint_eq(set.n_errors, 30);
        ck_assert_uint_eq(set.list.n + set.n_dropped, 30);
        r = set.n_dropped > 0 ? -ENOMEM : 0;
        diag_set_done(&set);
        return r;
}

START_TEST(without_memory_messages_are_lost_but_not_the_verdict) {
        ck_assert_uint_gt(alloc_fail_sweep(report_some, NULL), 3);
}
END_TEST

UNIT_MAIN("base/diag",
          an_error_answers_ebadmsg_and_the_others_do_not,
          a_message_is_printed_with_excerpt_caret_and_hint,
          a_tab_before_the_place_does_not_move_the_caret,
          a_caret_reaches_no_further_than_the_line,
          hostile_bytes_in_message_and_source_come_out_harmless,
          of_a_very_long_line_only_the_part_around_the_place_is_shown,
          beyond_the_limit_messages_are_counted_not_kept,
          sorting_is_by_place_and_stable,
          names_and_texts_are_copied,
          json_has_every_part, a_code_says_which_message_it_is_whatever_names_are_in_it,
          the_closest_name_is_a_slip_away_or_nothing,
          without_memory_messages_are_lost_but_not_the_verdict)
