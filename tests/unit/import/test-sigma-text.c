/* SPDX-License-Identifier: Apache-2.0 */
#include "import/sigma-text.h"

#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "import/sigma-expr.h"
#include "unit.h"

static struct arena arena;

static struct sigma_text read_text(const char *value) {
        struct sigma_text text;

        ck_assert_int_eq(sigma_text_read(&arena, value, strlen(value), &text), 0);
        return text;
}

/* Wildcards as * ? and -, so that the atoms can be looked at. */
static const char *show(const struct sigma_text *text) {
        char *s = arena_alloc(&arena, text->n + 1);

        for (size_t i = 0; i < text->n; i++)
                s[i] = text->atoms[i] == SIGMA_ATOM_ANYTHING ? '*'
                       : text->atoms[i] == SIGMA_ATOM_ONE    ? '?'
                       : text->atoms[i] == SIGMA_ATOM_DASH   ? '#'
                                                             : (char)text->atoms[i];
        return s;
}

static void compares(const char *const *values, size_t n, bool open_begin, bool open_end, bool exact,
                     const char *expected) {
        struct sigma_text texts[64];
        struct strbuf b = {};

        for (size_t i = 0; i < n; i++) {
                texts[i] = read_text(values[i]);
                texts[i].open_begin = open_begin;
                texts[i].open_end = open_end;
                sigma_text_trim(&texts[i]);
        }
        sigma_expr_print(sigma_text_compare(&arena, "f", texts, n, exact), 0, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
        arena_done(&arena);
}

#define COMPARES(expected, open_begin, open_end, exact, ...) \
        compares((const char *const[]){__VA_ARGS__}, ELEMENTSOF(((const char *const[]){__VA_ARGS__})), open_begin, \
                 open_end, exact, expected)

START_TEST(a_backslash_takes_the_meaning_from_wildcards_and_itself) {
        struct sigma_text text = read_text("a*b?c\\*d\\?e\\\\f\\g\\");

        ck_assert_str_eq(show(&text), "a*b?c*d?e\\f\\g\\");
        ck_assert_uint_eq(text.atoms[1], SIGMA_ATOM_ANYTHING);
        ck_assert_uint_eq(text.atoms[3], SIGMA_ATOM_ONE);
        ck_assert_uint_eq(text.atoms[5], '*');
        ck_assert_uint_eq(text.atoms[7], '?');
        text = read_text("\\\\*");
        ck_assert_uint_eq(text.n, 2);
        ck_assert_uint_eq(text.atoms[1], SIGMA_ATOM_ANYTHING);
        arena_done(&arena);
}
END_TEST

START_TEST(stars_at_the_ends_only_open_them) {
        struct sigma_text text = read_text("**a*b*");

        sigma_text_trim(&text);
        ck_assert(text.open_begin && text.open_end);
        ck_assert_str_eq(show(&text), "a*b");
        text = read_text("*");
        sigma_text_trim(&text);
        ck_assert(text.n == 0 && text.open_begin && text.open_end);
        text = read_text("");
        sigma_text_trim(&text);
        ck_assert(text.n == 0 && !text.open_begin && !text.open_end);
        arena_done(&arena);
}
END_TEST

START_TEST(without_letters_or_with_case_the_operators_of_the_language_do) {
        COMPARES("f == \"1\"\n", false, false, false, "1");
        COMPARES("f in [\"1\", \"2\"]\n", false, false, false, "1", "2");
        COMPARES("f contains [\"a\", \"B\"]\n", true, true, true, "a", "B");
        COMPARES("f startswith \"/1/\"\n", false, true, false, "/1/");
        COMPARES("f endswith \"a\"\n", true, false, true, "a");
        COMPARES("f != \"\"\n", false, false, false, "*");
        COMPARES("f == \"\"\n", false, false, false, "");
}
END_TEST

START_TEST(letters_in_either_case_need_a_pattern_or_fold) {
        COMPARES("f ~= \"a\"\n", false, false, false, "a");
        COMPARES("(f ~= \"a\" or f ~= \"b\")\n", false, false, false, "a", "b");
        COMPARES("f =~ '(?i)a|b'\n", true, true, false, "a", "b");
        COMPARES("f =~ '(?i)^a'\n", false, true, false, "a");
        COMPARES("f =~ '(?i)(?:a|b\\.c)$'\n", true, false, false, "a", "b.c");
        COMPARES("(f contains [\"1\", \"2\"] or f =~ '(?i)a')\n", true, true, false, "1", "a", "2");
}
END_TEST

START_TEST(wildcards_inside_need_a_pattern) {
        COMPARES("f =~ '^1.*2.$'\n", false, false, false, "1*2?");
        COMPARES("f =~ '(?i)^a.*b$'\n", false, false, false, "a***b");
        COMPARES("f =~ '(?i)a.*b'\n", false, false, false, "*a*b*");
        COMPARES("f =~ '^a.*b$'\n", false, false, true, "a*b");
}
END_TEST

START_TEST(long_rows_become_several_patterns) {
        const char *values[20];
        struct strbuf b = {};

        for (int i = 0; i < 20; i++)
                values[i] = "abcd";
        strbuf_put(&b, "(\n    f =~ '(?i)abcd");
        for (int i = 1; i < 16; i++)
                strbuf_put(&b, "|abcd");
        strbuf_put(&b, "' or\n    f =~ '(?i)abcd|abcd|abcd|abcd'\n)\n");
        compares(values, 20, true, true, false, strbuf_str(&b));
        strbuf_done(&b);
}
END_TEST

static void becomes(struct sigma_text *text, const char *expected) {
        ck_assert_str_eq(show(text), expected);
        arena_done(&arena);
}

START_TEST(base64_is_what_rfc_4648_says) {
        static const char *const pairs[][2] = {
                {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"},
        };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                struct sigma_text text = read_text(pairs[i][0]);

                ck_assert_int_eq(sigma_text_base64(&arena, &text), 0);
                becomes(&text, pairs[i][1]);
        }
}
END_TEST

/* Whatever stands before and behind it, one of the three is in what is encoded. */
START_TEST(one_of_the_offsets_is_in_every_encoding) {
        srand(1);
        for (int round = 0; round < 2000; round++) {
                char bytes[40], value[12];
                size_t n = sizeof(bytes), before, length = 1 + rand() % 11;
                struct sigma_text whole;

                for (size_t i = 0; i < n; i++)
                        bytes[i] = (char)(1 + rand() % 255);
                before = rand() % (n - length);
                memcpy(value, bytes + before, length);

                ck_assert_int_eq(sigma_text_literal(&arena, bytes, n, &whole), 0);
                ck_assert_int_eq(sigma_text_base64(&arena, &whole), 0);
                for (unsigned offset = 0; offset <= 2; offset++) {
                        struct sigma_text part;
                        const char *found;

                        ck_assert_int_eq(sigma_text_literal(&arena, value, length, &part), 0);
                        ck_assert_int_eq(sigma_text_base64_offset(&arena, offset, &part), 0);
                        found = strstr(show(&whole), show(&part));
                        if (offset == before % 3)
                                ck_assert_ptr_nonnull(found);
                }
                arena_done(&arena);
        }
}
END_TEST

START_TEST(utf16_has_pairs_of_bytes) {
        static const char little[] = "a\0\xf6\0\x3d\xd8\0\xde", big[] = "\0a\0\xf6\xd8\x3d\xde\0";
        struct sigma_text text = read_text("a\xc3\xb6\xf0\x9f\x98\x80");

        ck_assert_int_eq(sigma_text_wide(&arena, SIGMA_UTF16_LE, &text), 0);
        ck_assert_uint_eq(text.n, 8);
        ck_assert_mem_eq(show(&text), little, 8);
        text = read_text("a\xc3\xb6\xf0\x9f\x98\x80");
        ck_assert_int_eq(sigma_text_wide(&arena, SIGMA_UTF16_BE, &text), 0);
        ck_assert_mem_eq(show(&text), big, 8);
        ck_assert(sigma_text_has_nul(&text));
        text = read_text("a");
        ck_assert_int_eq(sigma_text_wide(&arena, SIGMA_UTF16_BOM, &text), 0);
        ck_assert_mem_eq(show(&text), "\xff\xfe" "a", 4);
        arena_done(&arena);
}
END_TEST

START_TEST(wildcards_cannot_be_encoded) {
        struct sigma_text text = read_text("a*b");

        ck_assert_int_eq(sigma_text_base64(&arena, &text), -EINVAL);
        ck_assert_int_eq(sigma_text_base64_offset(&arena, 1, &text), -EINVAL);
        ck_assert_int_eq(sigma_text_wide(&arena, SIGMA_UTF16_LE, &text), -EINVAL);
        text = read_text("\xff");
        ck_assert_int_eq(sigma_text_wide(&arena, SIGMA_UTF16_LE, &text), -EINVAL);
        arena_done(&arena);
}
END_TEST

START_TEST(dashes_before_words_are_any_dash) {
        struct sigma_text text = read_text("-e /f a-b -- -1 - /");

        sigma_text_windash(&text);
        becomes(&text, "#e #f a-b -- #1 - /");
}
END_TEST

START_TEST(strings_and_patterns_are_quoted_so_that_they_stay_what_they_are) {
        ck_assert_str_eq(sigma_text_quote(&arena, "a\"b\\c\n\t\x01\xff", 9), "\"a\\\"b\\\\c\\n\\t\\x01\\xff\"");
        ck_assert_str_eq(sigma_text_quote(&arena, "\xc3\xb6\xe2\x80\xae", 5), "\"\xc3\xb6\\xe2\\x80\\xae\"");
        ck_assert_str_eq(sigma_text_quote_regex(&arena, "^a\\.b$", 6), "'^a\\.b$'");
        ck_assert_str_eq(sigma_text_quote_regex(&arena, "it's\\.", 6), "\"it's\\\\.\"");
        arena_done(&arena);
}
END_TEST

START_TEST(a_value_that_is_too_long_is_refused) {
        char *value = malloc(SIGMA_TEXT_MAX + 1);
        struct sigma_text text;

        memset(value, 'a', SIGMA_TEXT_MAX + 1);
        ck_assert_int_eq(sigma_text_read(&arena, value, SIGMA_TEXT_MAX, &text), 0);
        ck_assert_int_eq(sigma_text_read(&arena, value, SIGMA_TEXT_MAX + 1, &text), -E2BIG);
        ck_assert_int_eq(sigma_text_literal(&arena, value, SIGMA_TEXT_MAX + 1, &text), -E2BIG);
        free(value);
        arena_done(&arena);
}
END_TEST

UNIT_MAIN("import/sigma-text",
          a_backslash_takes_the_meaning_from_wildcards_and_itself,
          stars_at_the_ends_only_open_them,
          without_letters_or_with_case_the_operators_of_the_language_do,
          letters_in_either_case_need_a_pattern_or_fold,
          wildcards_inside_need_a_pattern,
          long_rows_become_several_patterns,
          base64_is_what_rfc_4648_says,
          one_of_the_offsets_is_in_every_encoding,
          utf16_has_pairs_of_bytes,
          wildcards_cannot_be_encoded,
          dashes_before_words_are_any_dash,
          strings_and_patterns_are_quoted_so_that_they_stay_what_they_are,
          a_value_that_is_too_long_is_refused)
