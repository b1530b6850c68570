/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lexer.h"

#include "base/arena.h"
#include "policy/source.h"

#include "fixture.h"

/* Tokens as "TYPE(text)", blanks between, a `/` before the first of a line. */
static void expect_tokens(const char *text, const char *expected, const char *messages) {
        const struct source *source;
        struct arena arena = {};
        struct strbuf b = {};
        struct diag_set diags;
        struct lexer lexer;
        struct token token;
        char *said;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(source_new(&arena, "t", text, strlen(text), &source), 0);
        lexer_init(&lexer, source, &diags);
        for (token = lexer_next(&lexer); token.type != TOKEN_EOF; token = lexer_next(&lexer)) {
                strbuf_printf(&b, "%s%s%.*s", b.n > 0 ? " " : "", token.first_on_line ? "/" : "", (int)token.length,
                              token_bytes(source, &token));
                if (token.broken)
                        strbuf_put(&b, "*");
        }
        ck_assert_str_eq(strbuf_str(&b), expected);
        said = messages_of(&diags);
        ck_assert_str_eq(said ? said : "", messages);

        free(said);
        strbuf_done(&b);
        diag_set_done(&diags);
        arena_done(&arena);
}

static void expect_type(const char *text, enum token_type type) {
        const struct source *source;
        struct arena arena = {};
        struct lexer lexer;
        struct token token;

        ck_assert_int_eq(source_new(&arena, "t", text, strlen(text), &source), 0);
        lexer_init(&lexer, source, NULL);
        token = lexer_next(&lexer);
        ck_assert_msg(token.type == type && token.length == strlen(text), "'%s' is %s of %u bytes", text,
                      token_type_to_string(token.type), token.length);
        arena_done(&arena);
}

static void expect_decoded(const char *text, const char *bytes, size_t n) {
        const struct source *source;
        struct arena arena = {};
        struct lexer lexer;
        struct token token;
        char decoded[256];

        ck_assert_int_eq(source_new(&arena, "t", text, strlen(text), &source), 0);
        lexer_init(&lexer, source, NULL);
        token = lexer_next(&lexer);
        ck_assert_uint_eq(token_decode(source, &token, decoded), n);
        ck_assert_mem_eq(decoded, bytes, n);
        arena_done(&arena);
}

START_TEST(a_policy_is_cut_into_its_tokens) {
        expect_tokens("path \"x\" {\n  openat { a.b=\"c\", $d = e } ..\n}\n",
                      "/path \"x\" { /openat { a.b = \"c\" , $d = e } .. /}", "");
}
END_TEST

START_TEST(signs_are_taken_as_long_as_they_can_be) {
        expect_tokens("= == =~ ~= != !~ < <= > >= . .. ... ....", "/= == =~ ~= != !~ < <= > >= .. ... ...",
                      "1:28 error: unexpected '.'\n1:40 error: unexpected '.'\n");
        expect_tokens("a=b==c=~d", "/a = b == c =~ d", "");
}
END_TEST

START_TEST(comments_of_both_kinds_end_with_their_line) {
        expect_tokens("a // b \"\nc # d {\n// e\nf", "/a /c /f", "");
}
END_TEST

START_TEST(a_c_comment_is_reported_once_and_left_out) {
        expect_tokens("a /* b\nc */ d", "/a /d",
                      "1:3 error: comments start with '#' or '//' and end with their line\n");
        expect_tokens("a /* b", "/a", "1:3 error: comments start with '#' or '//' and end with their line\n");
}
END_TEST

START_TEST(words_numbers_and_addresses_are_told_apart) {
        expect_type("openat", TOKEN_WORD);
        expect_type("proc.name", TOKEN_WORD);
        expect_type("_x9", TOKEN_WORD);
        expect_type("42", TOKEN_NUMBER);
        expect_type("0x1f", TOKEN_NUMBER);
        expect_type("1h30m", TOKEN_NUMBER);
        expect_type("1.5s", TOKEN_NUMBER);
        expect_type("10.0.0.1", TOKEN_ADDRESS);
        expect_type("10.0.0.0/8", TOKEN_ADDRESS);
        expect_type("::1", TOKEN_ADDRESS);
        expect_type("::", TOKEN_ADDRESS);
        expect_type("fe80::1/64", TOKEN_ADDRESS);
        expect_type("dead:beef:1:2:3:4:5:6", TOKEN_ADDRESS);
        expect_type("2001:db8::10.0.0.1", TOKEN_ADDRESS);
        expect_type("$file", TOKEN_CAPTURE);
}
END_TEST

START_TEST(the_colon_of_a_conditional_is_no_address) {
        expect_tokens("a {} ? b {} : c {} :d", "/a { } ? b { } : c { } : d", "");
}
END_TEST

START_TEST(a_word_with_dots_ends_before_an_ellipsis) {
        expect_tokens("a.b.. c...", "/a.b .. c ...", "");
}
END_TEST

START_TEST(escapes_become_bytes) {
        expect_decoded("\"a\\n\\t\\\\\\\"\\x41\\101\\0z\"", "a\n\t\\\"AA\0z", 9);
        expect_decoded("\"\\x4142\"", "A42", 3);
}
END_TEST

START_TEST(raw_strings_know_no_escapes) {
        expect_decoded("'a\\n\\'", "a\\n\\", 4);
}
END_TEST

START_TEST(an_unknown_escape_names_the_fix) {
        expect_tokens("\"\\.sh\" x", "/\"\\.sh\"* x",
                      "1:2 error: unknown escape '\\.'\n"
                      "  | write '\\\\.' for a backslash before '.', or put the text in single quotes, which know no "
                      "escapes\n");
}
END_TEST

START_TEST(escapes_that_are_no_byte_are_reported) {
        expect_tokens("\"\\x4\" \"\\400\" \"\\9\"", "/\"\\x4\"* \"\\400\"* \"\\9\"*",
                      "1:2 error: '\\x' needs two hexadecimal digits\n"
                      "1:8 error: this escape is no byte: octal goes up to '\\377'\n"
                      "1:15 error: this escape is no byte: octal goes up to '\\377'\n");
}
END_TEST

START_TEST(a_string_that_is_not_closed_ends_with_its_line) {
        expect_tokens("\"abc\ndef", "/\"abc* /def",
                      "1:1 error: this string is not closed before the end of its line\n");
        expect_tokens("'abc\\", "/'abc\\*", "1:1 error: this string is not closed before the end of its line\n");
        expect_tokens("\"abc\\", "/\"abc\\*",
                      "1:1 error: this string is not closed before the end of its line\n"
                      "1:5 error: unknown escape\n");
}
END_TEST

START_TEST(habits_of_other_languages_are_understood_after_a_message) {
        expect_tokens("a && b || c", "/a &&* b ||* c",
                      "1:3 error: unexpected '&&'\n  | write 'and'\n"
                      "1:8 error: unexpected '||'\n  | write 'or'\n");
        expect_tokens("a; b", "/a b", "1:2 error: unexpected ';'\n  | a line end or a comma is enough\n");
        expect_tokens("!a", "/a", "1:1 error: unexpected '!'\n  | write 'not'\n");
        expect_tokens("= /etc/passwd, x", "/= /etc/passwd* , x", "1:3 error: strings stand in quotes\n");
}
END_TEST

START_TEST(a_run_of_foreign_bytes_is_one_message) {
        expect_tokens("a \x01\x02\xff\xfe b", "/a b", "1:3 error: unexpected byte 0x01 outside of a string\n");
        expect_tokens("@^@ b", "/b", "1:1 error: unexpected '@'\n");
}
END_TEST

START_TEST(a_byte_order_mark_and_carriage_returns_are_blanks) {
        expect_tokens("\xef\xbb\xbfpath\r\n x", "/path /x", "");
}
END_TEST

START_TEST(a_dollar_needs_a_name) {
        expect_tokens("$ $1a $b", "/$* $1a* $b",
                      "1:1 error: '$' needs a name: '$file'\n1:3 error: '$' needs a name: '$file'\n");
}
END_TEST

UNIT_MAIN("policy/lexer", a_policy_is_cut_into_its_tokens, signs_are_taken_as_long_as_they_can_be,
          comments_of_both_kinds_end_with_their_line, a_c_comment_is_reported_once_and_left_out,
          words_numbers_and_addresses_are_told_apart, the_colon_of_a_conditional_is_no_address,
          a_word_with_dots_ends_before_an_ellipsis, escapes_become_bytes, raw_strings_know_no_escapes,
          an_unknown_escape_names_the_fix, escapes_that_are_no_byte_are_reported,
          a_string_that_is_not_closed_ends_with_its_line, habits_of_other_languages_are_understood_after_a_message,
          a_run_of_foreign_bytes_is_one_message, a_byte_order_mark_and_carriage_returns_are_blanks,
          a_dollar_needs_a_name)
