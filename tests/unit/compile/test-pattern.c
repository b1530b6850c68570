/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/pattern.h"

#include <string.h>

#include "base/strbuf.h"
#include "event/compare.h"
#include "program/glob.h"
#include "program/regex.h"
#include "unit.h"

static void read_pattern(struct arena *arena, const char *regex, struct pattern *pattern) {
        ck_assert_int_eq(pattern_read(arena, (struct text){.bytes = regex, .length = strlen(regex)}, pattern), 0);
}

static const char *op_name(enum predicate_op op) {
        switch ((int)op) {
        case PREDICATE_STRING: return "==";
        case PREDICATE_PREFIX: return "startswith";
        case PREDICATE_SUFFIX: return "endswith";
        case PREDICATE_CONTAINS: return "contains";
        case PREDICATE_GLOB: return "glob";
        case PREDICATE_STRING_FOLD: return "==~";
        case PREDICATE_PREFIX_FOLD: return "startswith~";
        case PREDICATE_SUFFIX_FOLD: return "endswith~";
        case PREDICATE_CONTAINS_FOLD: return "contains~";
        }
        return "?";
}

/* "== /bin/sh | endswith .py", or "needs curl", or "" if nothing is known. */
static void says(const char *regex, const char *expected) {
        struct arena arena = {};
        struct strbuf text = {};
        struct pattern pattern;

        read_pattern(&arena, regex, &pattern);
        for (size_t i = 0; i < pattern.n_parts; i++) {
                strbuf_printf(&text, "%s%s ", i > 0 ? " | " : "", op_name(pattern.parts[i].op));
                strbuf_put_text(&text, pattern.parts[i].text.bytes, pattern.parts[i].text.length);
        }
        if (pattern.n_parts == 0 && pattern.literal.length > 0) {
                strbuf_put(&text, pattern.fold ? "needs~ " : "needs ");
                strbuf_put_text(&text, pattern.literal.bytes, pattern.literal.length);
        }
        ck_assert_msg(strcmp(strbuf_str(&text), expected) == 0, "'%s' says '%s', not '%s'", regex, strbuf_str(&text),
                      expected);
        strbuf_done(&text);
        arena_done(&arena);
}

START_TEST(anchors_tell_whole_strings_prefixes_suffixes_and_parts) {
        says("^/bin/sh$", "== /bin/sh");
        says("^/tmp/", "startswith /tmp/");
        says("\\.sh$", "endswith .sh");
        says("curl", "contains curl");
        says("^$", "== ");
        says("\\A/tmp/.*", "startswith /tmp/");
        says(".*\\.key\\z", "endswith .key");
        says("^.*secret.*$", "contains secret");
}
END_TEST

START_TEST(small_alternations_become_several_comparisons) {
        says("\\.(sh|py|pl)$", "endswith .sh | endswith .py | endswith .pl");
        says("^/(tmp|var/tmp|dev/shm)/", "startswith /tmp/ | startswith /var/tmp/ | startswith /dev/shm/");
        says("^/bin/(ba|da)?sh$", "== /bin/sh | == /bin/bash | == /bin/dash");
        says("id_[rd]sa", "contains id_dsa | contains id_rsa");
        says("(^|/)nc$", "== nc | endswith /nc");
        says("^(?:a|b)$", "== a | == b");
}
END_TEST

START_TEST(wildcards_become_globs) {
        says("^/home/[^/]+/\\.ssh/", "glob /home/?*/.ssh/**");
        says("^/tmp/.*\\.sh$", "glob /tmp/**.sh");
        says("curl.*\\|.*sh", "glob **curl**|**sh**");
        says("^/proc/[^/]*/mem$", "glob /proc/*/mem");
        says("^/etc/.$", "glob /etc/? | == /etc//");
        says("a\\*b.*c", "glob **a\\*b**c**");
        says("^/tmp/.+", "glob /tmp/?** | startswith /tmp//");
}
END_TEST

START_TEST(of_the_others_the_longest_literal_is_known) {
        says("/(tmp|var)/[a-z0-9]{8}/payload", "needs /payload");
        says("\\bnc\\b", "needs nc");
        says("^/usr/(?=lib)[a-z]+/secret[0-9]", "needs /secret");
        says("(abc)+def[0-9]", "needs abc");
        says("[0-9]+\\.[0-9]+", "");
        says("(foo|bar)[0-9]+", "");
        says("(curl)?[0-9]+x", "");
        says("a[0-9]+", "");
}
END_TEST

START_TEST(what_is_not_understood_says_nothing) {
        says("(?i:shadow)", "");
        says("a(?i)shadow", "");
        says("(?im)shadow", "");
        says("(a)\\1", "");
        says("[[:alpha:]]bcd", "");
        says("(?<name>abc)", "");
        says("\\p{L}abc", "");
        says("(?#x)abc", "");
        says(".*", "");
        says("", "");
        says("a{,3}bcd", "");
}
END_TEST

START_TEST(without_regard_to_case_they_are_comparisons_too) {
        says("(?i)shadow", "contains~ shadow");
        says("(?i)^/Tmp/", "startswith~ /tmp/");
        says("(?i)(?:/nc|/NCat)$", "endswith~ /nc | endswith~ /ncat");
        says("(?i)^Id$", "==~ id");
        says("(?i)[sS]h|[S]U|\\x41b", "contains~ sh | contains~ su | contains~ ab");
        says("(?i)[xY]z", "contains~ xz | contains~ yz");
        says("(?i)1/2", "contains 1/2");
        says("(?i)a|1", "contains~ a | contains 1");
        says("(?i)Curl.*Sh", "needs~ curl");
        says("(?i)^a[^b]", "");
        says("(?i)[0-9]+Pay", "needs~ pay");
}
END_TEST

START_TEST(possessive_and_atomic_are_never_taken_for_plain) {
        says("^abc?+b", "needs ab");
        says("(?>ab|a)bcd", "needs bcd");
}
END_TEST

/* Regexes of the kind that people write, and of the kind that breaks compilers. */
static void random_regex(struct strbuf *out, unsigned depth) {
        static const char *const atoms[] = {"a",   "b",  "/", "\\.", ".",        "[^/]",  "[ab]", "[^A]",
                                            "\\w", "AB", "^", "$",   "\\Qa.\\E", "[a-c]", "\\*",  "\\x61"};
        static const char *const repeats[] = {"", "", "", "", "*", "+", "?", "{2}", "{1,2}", "*?", "++"};
        unsigned n = 1 + rand() % 4;

        for (unsigned i = 0; i < n; i++) {
                unsigned pick = rand() % 20;
                bool anchor = false;

                if (pick < 3 && depth < 3) {
                        strbuf_put(out, pick == 0 ? "(?:" : pick == 1 && rand() % 4 == 0 ? "(?>" : "(");
                        random_regex(out, depth + 1);
                        if (rand() % 2) {
                                strbuf_put(out, "|");
                                random_regex(out, depth + 1);
                        }
                        strbuf_put(out, ")");
                } else {
                        const char *atom = atoms[rand() % (sizeof(atoms) / sizeof(atoms[0]))];

                        anchor = *atom == '^' || *atom == '$';
                        strbuf_put(out, atom);
                }
                if (!anchor && rand() % 3 == 0)
                        strbuf_put(out, repeats[rand() % (sizeof(repeats) / sizeof(repeats[0]))]);
        }
}

static bool part_matches(const struct pattern_part *part, const struct value *value) {
        const char *bytes = part->text.bytes;
        size_t n = part->text.length;

        switch ((int)part->op) {
        case PREDICATE_STRING: return value_is_bytes(value, bytes, n) == TRUTH_TRUE;
        case PREDICATE_PREFIX: return value_starts_with(value, bytes, n) == TRUTH_TRUE;
        case PREDICATE_SUFFIX: return value_ends_with(value, bytes, n) == TRUTH_TRUE;
        case PREDICATE_CONTAINS: return value_contains(value, bytes, n) == TRUTH_TRUE;
        case PREDICATE_GLOB: return glob_match(bytes, n, value->bytes, value->length, false) == TRUTH_TRUE;
        case PREDICATE_STRING_FOLD: return value_is_bytes_ignoring_case(value, bytes, n) == TRUTH_TRUE;
        case PREDICATE_PREFIX_FOLD: return value_starts_with_ignoring_case(value, bytes, n) == TRUTH_TRUE;
        case PREDICATE_SUFFIX_FOLD: return value_ends_with_ignoring_case(value, bytes, n) == TRUTH_TRUE;
        case PREDICATE_CONTAINS_FOLD: return value_contains_ignoring_case(value, bytes, n) == TRUTH_TRUE;
        }
        ck_abort();
        return false;
}

START_TEST(random_regexes_match_what_their_comparisons_match_and_contain_their_literal) {
        unsigned n_lowered = 0, n_literals = 0, n_matches = 0;

        srand(7);
        for (unsigned round = 0; round < 20000; round++) {
                struct strbuf text = {};
                struct arena arena = {};
                struct pattern pattern;
                struct regex *regex;
                const char *message;
                size_t offset;

                if (round % 3 == 0)
                        strbuf_put(&text, "(?i)");
                random_regex(&text, 0);
                if (regex_new(text.data, text.n, false, &regex, &message, &offset) < 0) {
                        strbuf_done(&text);
                        continue;
                }
                read_pattern(&arena, text.data, &pattern);
                n_lowered += pattern.n_parts > 0;
                n_literals += pattern.literal.length > 0;

                for (unsigned i = 0; i < 60 && (pattern.n_parts > 0 || pattern.literal.length > 0); i++) {
                        static const char letters[] = "aabAB//.c*\n\xff_";
                        struct value value = {.type = VALUE_STRING, .state = VALUE_KNOWN};
                        char subject[12];
                        enum truth truth;
                        bool any = false;

                        value.bytes = subject;
                        value.length = rand() % sizeof(subject);
                        for (size_t k = 0; k < value.length; k++)
                                subject[k] = letters[rand() % (sizeof(letters) - 1)];

                        truth = regex_match(regex, subject, value.length);
                        ck_assert_int_ne(truth, TRUTH_UNKNOWN);
                        n_matches += truth == TRUTH_TRUE;
                        if (pattern.n_parts == 0) {
                                if (truth == TRUTH_TRUE)
                                        ck_assert_msg((pattern.fold ? value_contains_ignoring_case
                                                                    : value_contains)(&value, pattern.literal.bytes,
                                                                                      pattern.literal.length) ==
                                                              TRUTH_TRUE,
                                                      "'%s' matches '%.*s' without '%.*s'", text.data,
                                                      (int)value.length, subject, (int)pattern.literal.length,
                                                      pattern.literal.bytes);
                                continue;
                        }
                        for (size_t k = 0; k < pattern.n_parts; k++)
                                any = any || part_matches(&pattern.parts[k], &value);
                        ck_assert_msg(any == (truth == TRUTH_TRUE), "'%s' on '%.*s': regex %d, comparisons %d",
                                      text.data, (int)value.length, subject, truth == TRUTH_TRUE, any);
                }
                regex_free(regex);
                arena_done(&arena);
                strbuf_done(&text);
        }
        /* The test tested something. */
        ck_assert_uint_gt(n_lowered, 2000);
        ck_assert_uint_gt(n_literals, 500);
        ck_assert_uint_gt(n_matches, 10000);
}
END_TEST

START_TEST(a_pattern_that_unfolds_without_end_is_left_to_pcre_in_little_memory) {
        struct arena arena = {};
        struct strbuf text = {};
        struct pattern pattern;

        for (unsigned i = 0; i < 400; i++)
                strbuf_put(&text, "(a|b)");
        read_pattern(&arena, strbuf_str(&text), &pattern);
        ck_assert_uint_eq(pattern.n_parts, 0);
        ck_assert_uint_lt(arena.used_bytes, 1 << 20);
        arena_done(&arena);
        strbuf_clear(&text);
        for (unsigned i = 0; i < 2000; i++)
                strbuf_put(&text, "a");
        read_pattern(&arena, strbuf_str(&text), &pattern);
        ck_assert_uint_eq(pattern.n_parts, 0);
        ck_assert_uint_eq(pattern.literal.length, 2000);
        ck_assert_uint_lt(arena.used_bytes, 1 << 20);
        arena_done(&arena);
        strbuf_done(&text);
}
END_TEST

UNIT_MAIN("compile/pattern",
          anchors_tell_whole_strings_prefixes_suffixes_and_parts,
          small_alternations_become_several_comparisons,
          wildcards_become_globs,
          of_the_others_the_longest_literal_is_known,
          what_is_not_understood_says_nothing,
          without_regard_to_case_they_are_comparisons_too,
          possessive_and_atomic_are_never_taken_for_plain,
          random_regexes_match_what_their_comparisons_match_and_contain_their_literal,
          a_pattern_that_unfolds_without_end_is_left_to_pcre_in_little_memory)
