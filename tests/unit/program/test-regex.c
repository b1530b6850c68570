/* SPDX-License-Identifier: Apache-2.0 */
#include "program/regex.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static struct regex *compile(const char *pattern, bool caseless) {
        const char *message = NULL;
        struct regex *regex;
        size_t offset = 0;
        int r = regex_new(pattern, strlen(pattern), caseless, &regex, &message, &offset);

        ck_assert_msg(r == 0, "%s: %s at %zu", pattern, message, offset);
        return regex;
}

static enum truth match(const char *pattern, const char *text, size_t n) {
        struct regex *regex = compile(pattern, false);
        enum truth answer = regex_match(regex, text, n);

        regex_free(regex);
        return answer;
}

static void refused(const char *pattern, size_t at) {
        const char *message = NULL;
        struct regex *regex = NULL;
        size_t offset = SIZE_MAX;

        ck_assert_msg(regex_new(pattern, strlen(pattern), false, &regex, &message, &offset) == -EBADMSG, "%s was taken",
                      pattern);
        ck_assert_ptr_null(regex);
        ck_assert_ptr_nonnull(message);
        ck_assert_msg(offset == at, "%s: %s at %zu", pattern, message, offset);
}

START_TEST(a_pattern_is_searched_for_anywhere) {
        ck_assert_int_eq(match("bin/sh", "/usr/bin/shred", 14), TRUTH_TRUE);
        ck_assert_int_eq(match("^/bin/sh$", "/usr/bin/sh", 11), TRUTH_FALSE);
        ck_assert_int_eq(match("", "", 0), TRUTH_TRUE);
}
END_TEST

START_TEST(a_dollar_is_the_end_and_not_the_line_break_before_it) {
        ck_assert_int_eq(match("\\.sh$", "a.sh", 4), TRUTH_TRUE);
        ck_assert_int_eq(match("\\.sh$", "a.sh\n", 5), TRUTH_FALSE);
}
END_TEST

START_TEST(a_dot_is_any_byte) {
        ck_assert_int_eq(match("^a.b$", "a\nb", 3), TRUTH_TRUE);
        ck_assert_int_eq(match("^a.b$", "a\0b", 3), TRUTH_TRUE);
        ck_assert_int_eq(match("^a.b$", "a\xff\x62", 3), TRUTH_TRUE);
        ck_assert_int_eq(match("^a..b$", "a\xc3\xa4" "b", 4), TRUTH_TRUE);
}
END_TEST

START_TEST(case_is_ignored_only_on_request) {
        struct regex *regex = compile("SHADOW", true);

        ck_assert_int_eq(regex_match(regex, "/etc/shadow", 11), TRUTH_TRUE);
        regex_free(regex);
        ck_assert_int_eq(match("SHADOW", "/etc/shadow", 11), TRUTH_FALSE);
        ck_assert_int_eq(match("(?i)SHADOW", "/etc/shadow", 11), TRUTH_TRUE);
}
END_TEST

START_TEST(a_wrong_pattern_is_refused_with_its_place) {
        refused("a(b", 3);
        refused("[a", 2);
        refused("a{2,1}", 5);
}
END_TEST

START_TEST(verbs_callouts_and_utf_are_refused) {
        refused("(*UTF)a", 0);
        refused("a(*ACCEPT)", 1);
        refused("\\c\\(*ACCEPT)", 3);
        refused("\\\\(*FAIL)", 2);
        refused("\\Q\\\\E(*FAIL)", 5);
        refused("(?x)#\\Q\n(*FAIL)", 8);
        refused("a(?C1)", 1);
        refused("\\C", 2);
        regex_free(compile("\\(*", false));
}
END_TEST

START_TEST(a_pattern_that_writes_out_to_megabytes_is_refused) {
        refused("((a{1,1000}b){1,1000}c){1,1000}", 31);
}
END_TEST

START_TEST(catastrophic_backtracking_ends_at_the_limit_and_is_counted) {
        struct regex *regex = compile("^(a+)+$", false);
        char text[4096];

        memset(text, 'a', sizeof(text));
        text[sizeof(text) - 1] = '!';
        ck_assert_int_eq(regex_match(regex, text, sizeof(text)), TRUTH_UNKNOWN);
        ck_assert_uint_eq(regex_limit_hits(regex), 1);
        ck_assert_int_eq(regex_match(regex, "aaa", 3), TRUTH_TRUE);
        ck_assert_uint_eq(regex_limit_hits(regex), 1);
        regex_free(regex);
}
END_TEST

START_TEST(regexes_share_one_scratch) {
        struct regex *a = compile("^(x|y)*z", false), *b = compile("b", false);
        struct regex_scratch *scratch;

        ck_assert_int_eq(regex_scratch_new(&scratch), 0);
        regex_set_scratch(a, scratch);
        regex_set_scratch(b, scratch);
        regex_scratch_unref(scratch);
        ck_assert_int_eq(regex_match(a, "xyxyz", 5), TRUTH_TRUE);
        regex_free(a);
        ck_assert_int_eq(regex_match(b, "ab", 2), TRUTH_TRUE);
        regex_free(b);
}
END_TEST

START_TEST(a_search_says_where_the_match_and_its_groups_are) {
        struct regex *regex = compile("(a)|(b+)", false);
        struct regex_span spans[4];

        ck_assert_int_eq(regex_search(regex, "xxbbx", 5, 0, spans, 4), TRUTH_TRUE);
        ck_assert_uint_eq(spans[0].from, 2);
        ck_assert_uint_eq(spans[0].to, 4);
        ck_assert_uint_eq(spans[1].from, REGEX_NO_SPAN);
        ck_assert_uint_eq(spans[2].from, 2);
        ck_assert_uint_eq(spans[3].from, REGEX_NO_SPAN);
        ck_assert_int_eq(regex_search(regex, "xxbbx", 5, 4, spans, 4), TRUTH_FALSE);
        regex_free(regex);
}
END_TEST

START_TEST(a_search_of_a_long_text_takes_no_more_steps_than_of_a_short_one) {
        struct regex *regex = compile("(a+)+b", false);
        struct regex_span spans[1];
        char *text = malloc(1U << 20);

        /* Each place alone stays below the limit of a match: all of them together must not take a minute. */
        memset(text, 'a', 1U << 20);
        for (size_t i = 0; i < 1U << 20; i += 12)
                text[i] = 'b' + 1;
        ck_assert_int_ne(regex_search(regex, text, 1U << 20, 0, spans, 1), TRUTH_TRUE);
        free(text);
        regex_free(regex);
}
END_TEST

UNIT_MAIN("program/regex",
          a_pattern_is_searched_for_anywhere,
          a_dollar_is_the_end_and_not_the_line_break_before_it,
          a_dot_is_any_byte,
          case_is_ignored_only_on_request,
          a_wrong_pattern_is_refused_with_its_place,
          verbs_callouts_and_utf_are_refused,
          a_pattern_that_writes_out_to_megabytes_is_refused,
          catastrophic_backtracking_ends_at_the_limit_and_is_counted,
          regexes_share_one_scratch,
          a_search_says_where_the_match_and_its_groups_are,
          a_search_of_a_long_text_takes_no_more_steps_than_of_a_short_one)
