/* SPDX-License-Identifier: Apache-2.0 */
#include "program/glob.h"

#include <string.h>

#include "unit.h"

static enum truth match(const char *pattern, const char *text) {
        return glob_match(pattern, strlen(pattern), text, strlen(text), false);
}

static enum truth match_cut(const char *pattern, const char *text) {
        return glob_match(pattern, strlen(pattern), text, strlen(text), true);
}

START_TEST(plain_bytes_match_themselves_and_nothing_else) {
        ck_assert_int_eq(match("/etc/shadow", "/etc/shadow"), TRUTH_TRUE);
        ck_assert_int_eq(match("/etc/shadow", "/etc/shadow-"), TRUTH_FALSE);
        ck_assert_int_eq(match("/etc/shadow", "/etc/shado"), TRUTH_FALSE);
        ck_assert_int_eq(match("", ""), TRUTH_TRUE);
        ck_assert_int_eq(match("", "a"), TRUTH_FALSE);
}
END_TEST

START_TEST(one_star_stays_within_a_component) {
        ck_assert_int_eq(match("/home/*/.ssh", "/home/eve/.ssh"), TRUTH_TRUE);
        ck_assert_int_eq(match("/home/*/.ssh", "/home//.ssh"), TRUTH_TRUE);
        ck_assert_int_eq(match("/home/*/.ssh", "/home/a/b/.ssh"), TRUTH_FALSE);
        ck_assert_int_eq(match("*", "abc"), TRUTH_TRUE);
        ck_assert_int_eq(match("*", "a/c"), TRUTH_FALSE);
        ck_assert_int_eq(match("*a*b*c", "xxaxbbxc"), TRUTH_TRUE);
        ck_assert_int_eq(match("*a*b*c", "xxaxcbx"), TRUTH_FALSE);
}
END_TEST

START_TEST(two_stars_cross_components) {
        ck_assert_int_eq(match("/home/**/id_*", "/home/eve/.ssh/id_rsa"), TRUTH_TRUE);
        ck_assert_int_eq(match("/home/**/id_*", "/home/eve/.ssh/id_/x"), TRUTH_FALSE);
        ck_assert_int_eq(match("**", ""), TRUTH_TRUE);
        ck_assert_int_eq(match("**.so", "/lib/x.so.so"), TRUTH_TRUE);
        ck_assert_int_eq(match("/a/**", "/a/"), TRUTH_TRUE);
        ck_assert_int_eq(match("/a/**", "/a"), TRUTH_FALSE);
        /* The later star has to give back what the earlier one must take. */
        ck_assert_int_eq(match("**/x*/y", "/x1/x2/y"), TRUTH_TRUE);
        ck_assert_int_eq(match("**/x*/y", "/x1/x2/x3/z/y"), TRUTH_FALSE);
}
END_TEST

START_TEST(question_mark_and_sets_take_one_byte_that_is_no_slash) {
        ck_assert_int_eq(match("/dev/tty?", "/dev/tty1"), TRUTH_TRUE);
        ck_assert_int_eq(match("/dev?tty", "/dev/tty"), TRUTH_FALSE);
        ck_assert_int_eq(match("[a-c]x", "bx"), TRUTH_TRUE);
        ck_assert_int_eq(match("[a-c]x", "dx"), TRUTH_FALSE);
        ck_assert_int_eq(match("[!a-c]x", "dx"), TRUTH_TRUE);
        ck_assert_int_eq(match("[^a-c]x", "bx"), TRUTH_FALSE);
        ck_assert_int_eq(match("[!a]x", "/x"), TRUTH_FALSE);
        ck_assert_int_eq(match("[]a]", "]"), TRUTH_TRUE);
        ck_assert_int_eq(match("[a-]", "-"), TRUTH_TRUE);
        ck_assert_int_eq(match("[\\]]", "]"), TRUTH_TRUE);
        ck_assert_int_eq(match("[ab", "[ab"), TRUTH_TRUE);
        ck_assert_int_eq(match("[\xe0-\xff]", "\xf0"), TRUTH_TRUE);
}
END_TEST

START_TEST(a_backslash_takes_the_meaning_away) {
        ck_assert_int_eq(match("a\\*b", "a*b"), TRUTH_TRUE);
        ck_assert_int_eq(match("a\\*b", "axb"), TRUTH_FALSE);
        ck_assert_int_eq(match("a\\", "a\\"), TRUTH_TRUE);
}
END_TEST

START_TEST(of_a_cut_text_only_what_is_decided_is_told) {
        ck_assert_int_eq(match_cut("/tmp/**", "/tmp/aaa"), TRUTH_TRUE);
        ck_assert_int_eq(match_cut("/tmp/*", "/tmp/aaa"), TRUTH_UNKNOWN);
        ck_assert_int_eq(match_cut("/tmp/*", "/tmp/aaa/b"), TRUTH_FALSE);
        ck_assert_int_eq(match_cut("/tmp/abc", "/tmp/"), TRUTH_UNKNOWN);
        ck_assert_int_eq(match_cut("/tmp/abc", "/etc/"), TRUTH_FALSE);
        ck_assert_int_eq(match_cut("/tmp/abc", "/tmp/abc"), TRUTH_UNKNOWN);
        ck_assert_int_eq(match_cut("**.sh", "/tmp/a.sh"), TRUTH_UNKNOWN);
}
END_TEST

START_TEST(many_stars_on_a_long_text_end_in_time) {
        char text[4097];

        memset(text, 'a', 4096);
        text[4096] = 0;
        ck_assert_int_eq(match("**a**a**a**a**a**a**a*a*a*a*a*a*a*a*a**b*c", text), TRUTH_FALSE);
}
END_TEST

static const char *literal(const char *pattern, enum glob_place *place) {
        static char bytes[GLOB_MAX + 1];
        size_t n = glob_literal(pattern, strlen(pattern), bytes, place);

        bytes[n] = 0;
        return bytes;
}

START_TEST(the_longest_run_of_plain_bytes_is_required) {
        enum glob_place place;

        ck_assert_str_eq(literal("/home/*/.ssh/**", &place), "/home/");
        ck_assert_int_eq(place, GLOB_PREFIX);
        ck_assert_str_eq(literal("/h/*/.ssh/**", &place), "/.ssh/");
        ck_assert_int_eq(place, GLOB_INSIDE);
        ck_assert_str_eq(literal("*.service", &place), ".service");
        ck_assert_int_eq(place, GLOB_SUFFIX);
        ck_assert_str_eq(literal("a\\*b", &place), "a*b");
        ck_assert_int_eq(place, GLOB_WHOLE);
        ck_assert_str_eq(literal("**?*", &place), "");
}
END_TEST

START_TEST(two_stars_at_the_ends_are_a_plain_comparison) {
        char bytes[GLOB_MAX];
        enum glob_place place;
        size_t n;

        ck_assert(glob_is_plain("/tmp/**", 7, bytes, &n, &place));
        ck_assert_int_eq(place, GLOB_PREFIX);
        ck_assert_uint_eq(n, 5);
        ck_assert(glob_is_plain("**.sh", 5, bytes, &n, &place));
        ck_assert_int_eq(place, GLOB_SUFFIX);
        ck_assert(glob_is_plain("**nc**", 6, bytes, &n, &place));
        ck_assert_int_eq(place, GLOB_INSIDE);
        ck_assert(glob_is_plain("/etc", 4, bytes, &n, &place));
        ck_assert_int_eq(place, GLOB_WHOLE);
        ck_assert(glob_is_plain("**", 2, bytes, &n, &place));
        ck_assert_int_eq(place, GLOB_INSIDE);
        ck_assert_uint_eq(n, 0);
        ck_assert(!glob_is_plain("/tmp/*", 6, bytes, &n, &place));
        ck_assert(!glob_is_plain("/a**b", 5, bytes, &n, &place));
}
END_TEST

/* What the header says, written down: try every way. */
static bool slow_match(const char *p, const char *s) {
        if (!*p)
                return !*s;
        if (p[0] == '*' && p[1] == '*') {
                while (*p == '*')
                        p++;
                for (;; s++) {
                        if (slow_match(p, s))
                                return true;
                        if (!*s)
                                return false;
                }
        }
        if (*p == '*') {
                for (;; s++) {
                        if (slow_match(p + 1, s))
                                return true;
                        if (!*s || *s == '/')
                                return false;
                }
        }
        if (*p == '?')
                return *s && *s != '/' && slow_match(p + 1, s + 1);
        return *p == *s && slow_match(p + 1, s + 1);
}

static void random_text(char *text, size_t max, const char *letters) {
        size_t n = rand() % max, k = strlen(letters);

        for (size_t i = 0; i < n; i++)
                text[i] = letters[rand() % k];
        text[n] = 0;
}

START_TEST(random_patterns_match_as_if_every_way_were_tried) {
        char pattern[10], text[12];
        unsigned n_true = 0;

        srand(1);
        for (unsigned i = 0; i < 100000; i++) {
                bool slow;

                random_text(pattern, sizeof(pattern), "ab/**?");
                random_text(text, sizeof(text), "ab/");
                slow = slow_match(pattern, text);
                n_true += slow;
                ck_assert_msg(match(pattern, text) == (slow ? TRUTH_TRUE : TRUTH_FALSE), "'%s' on '%s'", pattern, text);

                /* A cut text whose whole value is this one: what is decided of any beginning holds for the whole. */
                for (size_t n = 0; n <= strlen(text); n++) {
                        enum truth cut = glob_match(pattern, strlen(pattern), text, n, true);

                        ck_assert_msg(cut == TRUTH_UNKNOWN || cut == match(pattern, text), "'%s' on '%.*s' of '%s'",
                                      pattern, (int)n, text, text);
                }
        }
        ck_assert_uint_gt(n_true, 1000);
}
END_TEST

UNIT_MAIN("program/glob",
          plain_bytes_match_themselves_and_nothing_else,
          one_star_stays_within_a_component,
          two_stars_cross_components,
          question_mark_and_sets_take_one_byte_that_is_no_slash,
          a_backslash_takes_the_meaning_away,
          of_a_cut_text_only_what_is_decided_is_told,
          many_stars_on_a_long_text_end_in_time,
          the_longest_run_of_plain_bytes_is_required,
          two_stars_at_the_ends_are_a_plain_comparison,
          random_patterns_match_as_if_every_way_were_tried)
