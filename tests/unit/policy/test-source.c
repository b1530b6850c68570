/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/source.h"

#include "base/arena.h"

#include "fixture.h"

static const struct source *make(struct arena *arena, const char *text, size_t n) {
        const struct source *source;

        ck_assert_int_eq(source_new(arena, "t.policy", text, n, &source), 0);
        return source;
}

static void expect_place(const struct source *source, uint32_t offset, uint32_t line, uint32_t column) {
        struct diag_span span = source_span(source, offset, 0);

        ck_assert_uint_eq(span.line, line);
        ck_assert_uint_eq(span.column, column);
        ck_assert_uint_eq(span.offset, offset);
        ck_assert_str_eq(span.file, "t.policy");
}

START_TEST(each_byte_has_its_line_and_column) {
        struct arena arena = {};
        const struct source *source = make(&arena, "ab\n\nc\n", 6);

        expect_place(source, 0, 1, 1);
        expect_place(source, 1, 1, 2);
        expect_place(source, 2, 1, 3);
        expect_place(source, 3, 2, 1);
        expect_place(source, 4, 3, 1);
        expect_place(source, 6, 4, 1);
        ck_assert_uint_eq(source->n_lines, 4);
        arena_done(&arena);
}
END_TEST

START_TEST(an_empty_text_has_one_line) {
        struct arena arena = {};
        const struct source *source = make(&arena, NULL, 0);

        expect_place(source, 0, 1, 1);
        ck_assert_uint_eq(source->n_lines, 1);
        ck_assert_int_eq(source->text[0], '\0');
        arena_done(&arena);
}
END_TEST

START_TEST(every_place_agrees_with_counting) {
        char text[2000];
        struct arena arena = {};
        const struct source *source;
        uint32_t line = 1, column = 1;

        for (size_t i = 0; i < sizeof(text); i++)
                text[i] = i * i % 7 == 2 ? '\n' : 'x';
        source = make(&arena, text, sizeof(text));
        for (uint32_t i = 0; i < sizeof(text); i++) {
                expect_place(source, i, line, column);
                column++;
                if (text[i] == '\n') {
                        line++;
                        column = 1;
                }
        }
        arena_done(&arena);
}
END_TEST

START_TEST(a_text_that_is_too_long_is_refused) {
        const struct source *source;
        struct arena arena = {};

        ck_assert_int_eq(source_new(&arena, "t", "", (size_t)SOURCE_MAX_BYTES + 1, &source), -EFBIG);
        arena_done(&arena);
}
END_TEST

START_TEST(spans_are_joined_and_cut) {
        struct arena arena = {};
        const struct source *source = make(&arena, "abcdef", 6);
        struct diag_span all = span_join(source_span(source, 1, 1), source_span(source, 3, 2)),
                         part = span_part(all, 1, 2);

        ck_assert_uint_eq(all.offset, 1);
        ck_assert_uint_eq(all.length, 4);
        ck_assert_uint_eq(part.offset, 2);
        ck_assert_uint_eq(part.column, 3);
        ck_assert_uint_eq(part.length, 2);
        arena_done(&arena);
}
END_TEST

UNIT_MAIN("policy/source", each_byte_has_its_line_and_column, an_empty_text_has_one_line,
          every_place_agrees_with_counting, a_text_that_is_too_long_is_refused, spans_are_joined_and_cut)
