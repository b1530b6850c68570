/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include <errno.h>

#include "unit.h"

static void check_text(const char *s, size_t n, const char *expected) {
        struct strbuf b = {};

        strbuf_put_text(&b, s, n);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
}

static void check_json(const char *s, size_t n, const char *expected) {
        struct strbuf b = {};

        strbuf_put_json(&b, s, n);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
}

START_TEST(puts_of_every_kind_join_in_order) {
        struct strbuf b = {};
        char *s = NULL;

        ck_assert_str_eq(strbuf_str(&b), "");
        strbuf_put(&b, "a");
        strbuf_put_char(&b, 'b');
        strbuf_put_n(&b, "cde", 2);
        strbuf_printf(&b, "%d%s", 12, "x");
        strbuf_put_repeat(&b, '-', 3);
        strbuf_put_u64(&b, UINT64_MAX);
        strbuf_put_char(&b, ' ');
        strbuf_put_i64(&b, INT64_MIN);
        strbuf_put_i64(&b, 0);
        ck_assert_int_eq(strbuf_take(&b, &s), 0);
        ck_assert_str_eq(s, "abcd12x---18446744073709551615 -92233720368547758080");
        free(s);
        ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(an_empty_string_can_be_taken_too) {
        struct strbuf b = {};
        char *s = NULL;

        ck_assert_int_eq(strbuf_take(&b, &s), 0);
        ck_assert_str_eq(s, "");
        free(s);
}
END_TEST

START_TEST(a_long_printf_grows_the_buffer) {
        struct strbuf b = {};

        strbuf_printf(&b, "%05000d", 7);
        ck_assert_uint_eq(b.n, 5000);
        ck_assert_str_eq(b.data + 4998, "07");
        strbuf_truncate(&b, 2);
        ck_assert_str_eq(strbuf_str(&b), "00");
        strbuf_done(&b);
}
END_TEST

START_TEST(the_first_error_is_kept_and_what_follows_is_ignored) {
        struct strbuf b = {.limit_bytes = 10};
        char *s = NULL;

        strbuf_put(&b, "0123456789");
        ck_assert_int_eq(b.error, 0);
        strbuf_put(&b, "x");
        ck_assert_int_eq(b.error, -ENOSPC);
        strbuf_put(&b, "");
        strbuf_printf(&b, "%d", 1);
        ck_assert_str_eq(strbuf_str(&b), "0123456789");
        ck_assert_int_eq(strbuf_take(&b, &s), -ENOSPC);
        ck_assert_ptr_null(s);
}
END_TEST

START_TEST(the_limit_holds_for_printf_that_would_fit_the_capacity) {
        struct strbuf b = {.limit_bytes = 10};

        strbuf_put(&b, "01234");
        strbuf_printf(&b, "%s", "567890");
        ck_assert_int_eq(b.error, -ENOSPC);
        ck_assert_str_eq(strbuf_str(&b), "01234");
        strbuf_clear(&b);
        ck_assert_int_eq(b.error, 0);
        strbuf_printf(&b, "%s", "0123456789");
        ck_assert_int_eq(b.error, 0);
        strbuf_done(&b);
}
END_TEST

START_TEST(a_fixed_buffer_is_filled_and_cut_between_characters) {
        char memory[8];
        struct strbuf b;

        strbuf_init_fixed(&b, memory, sizeof(memory));
        strbuf_put(&b, "abcdef\xc3\xa9");
        ck_assert_str_eq(strbuf_str(&b), "abcdef");
        ck_assert_int_eq(b.error, -ENOSPC);
        strbuf_put(&b, "g");
        ck_assert_str_eq(strbuf_str(&b), "abcdef");

        strbuf_clear(&b);
        strbuf_printf(&b, "%s", "ab\xe2\x82\xac\xe2\x82\xac");
        ck_assert_str_eq(strbuf_str(&b), "ab\xe2\x82\xac");
        ck_assert(b.is_full);

        strbuf_clear(&b);
        strbuf_put_repeat(&b, '=', 20);
        ck_assert_str_eq(strbuf_str(&b), "=======");

        strbuf_clear(&b);
        strbuf_put(&b, "1234567");
        ck_assert_int_eq(b.error, 0);
        strbuf_done(&b);
}
END_TEST

START_TEST(a_fixed_buffer_never_allocates) {
        char memory[64];
        struct strbuf b;
        size_t before = alloc_count();

        strbuf_init_fixed(&b, memory, sizeof(memory));
        for (int i = 0; i < 20; i++)
                strbuf_printf(&b, "%d,", i * 1000);
        strbuf_put_json(&b, "\x1b", 1);
        ck_assert_uint_eq(alloc_count(), before);
        ck_assert_uint_eq(b.n, 63);
}
END_TEST

START_TEST(text_keeps_what_is_readable) {
        check_text("plain text, na\xc3\xafve \\ and \"quoted\"", 33, "plain text, na\xc3\xafve \\ and \"quoted\"");
        check_text("", 0, "");
}
END_TEST

START_TEST(text_shows_what_would_harm_a_terminal_as_hex) {
        check_text("a\nb\rc\td\x1b[31m", 12, "a\\x0ab\\x0dc\\x09d\\x1b[31m");
        check_text("nul\0del\x7f", 8, "nul\\x00del\\x7f");
        check_text("\xc2\x9b" "31m", 5, "\\xc2\\x9b31m");
        check_text("\xe2\x80\xae" "fdp.exe", 10, "\\xe2\\x80\\xaefdp.exe");
        check_text("\xff\xc3", 2, "\\xff\\xc3");
}
END_TEST

START_TEST(json_is_valid_whatever_the_bytes) {
        check_json("plain \xc3\xa9", 8, "\"plain \xc3\xa9\"");
        check_json("\"\\/\n\r\t", 6, "\"\\\"\\\\/\\n\\r\\t\"");
        check_json("\0\x01\x1b\x7f", 4, "\"\\u0000\\u0001\\u001b\\u007f\"");
        check_json("\xff" "a\xc3", 3, "\"\\\\xffa\\\\xc3\"");
        check_json("\xe2\x80\xa8\xe2\x80\xae", 6, "\"\\u2028\\u202e\"");
        check_json("\xf3\xa0\x81\x81", 4, "\"\\udb40\\udc41\"");
        check_json("", 0, "\"\"");
}
END_TEST

START_TEST(json_of_no_string_is_null) {
        struct strbuf b = {};

        strbuf_put_json_str(&b, NULL);
        strbuf_put_json_str(&b, "s");
        ck_assert_str_eq(strbuf_str(&b), "null\"s\"");
        strbuf_done(&b);
}
END_TEST

static int build(void *userdata) {
        struct strbuf b = {};
        char *s = NULL;
        int r;

        for (int i = 0; i < 100; i++)
                strbuf_printf(&b, "line %d\n", i);
        r = strbuf_take(&b, &s);
        free(s);
        return r;
}

START_TEST(a_lack_of_memory_at_any_point_shows_at_the_end) {
        ck_assert_uint_gt(alloc_fail_sweep(build, NULL), 3);
}
END_TEST

UNIT_MAIN("base/strbuf",
          puts_of_every_kind_join_in_order,
          an_empty_string_can_be_taken_too,
          a_long_printf_grows_the_buffer,
          the_first_error_is_kept_and_what_follows_is_ignored,
          the_limit_holds_for_printf_that_would_fit_the_capacity,
          a_fixed_buffer_is_filled_and_cut_between_characters,
          a_fixed_buffer_never_allocates,
          text_keeps_what_is_readable,
          text_shows_what_would_harm_a_terminal_as_hex,
          json_is_valid_whatever_the_bytes,
          json_of_no_string_is_null,
          a_lack_of_memory_at_any_point_shows_at_the_end)
