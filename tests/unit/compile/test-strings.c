/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/strings.h"

#include <string.h>

#include "event/compare.h"
#include "program/glob.h"
#include "program/matcher.h"
#include "unit.h"

#define MAX_PATTERNS 200

struct answers {
        unsigned char of[MAX_PATTERNS]; /* enum truth */
        unsigned n_reports[MAX_PATTERNS];
};

static void on_match(uint32_t pattern, void *data) {
        struct answers *answers = data;

        answers->of[pattern] = TRUTH_TRUE;
        answers->n_reports[pattern]++;
}

static void on_open(uint32_t pattern, void *data) {
        struct answers *answers = data;

        answers->of[pattern] = TRUTH_UNKNOWN;
        answers->n_reports[pattern]++;
}

static void run(const void *table, const char *bytes, size_t n, bool cut, struct answers *answers) {
        struct matcher_sink sink = {.on_match = on_match, .on_open = on_open, .data = answers};

        memset(answers, 0, sizeof(*answers));
        matcher_run(table, bytes, n, cut, &sink);
}

static void *build(struct arena *arena, const struct strings_pattern *patterns, size_t n) {
        void *table;
        size_t size;

        ck_assert_int_eq(strings_table(arena, patterns, n, &table, &size), 0);
        ck_assert(matcher_verify(table, size, n));
        ck_assert(!matcher_verify(table, size - 4, n));
        ck_assert(!matcher_verify(table, size, n + 1));
        return table;
}

#define TEXT(s) ((struct text){.bytes = s, .length = sizeof(s) - 1})

START_TEST(every_kind_of_comparison_is_found_in_one_pass) {
        static const struct text shells[] = {TEXT("/bin/bash"), TEXT("/bin/sh")};
        struct text texts[] = {TEXT("/bin/sh"), TEXT("/BIN/SH"), TEXT("/bin/"), TEXT("sh"),
                               TEXT("in"),      TEXT("/b*/s?"),  TEXT("/tmp/"), TEXT("?bin**")};
        struct strings_pattern patterns[] = {
                {PREDICATE_STRING, &texts[0], 1},   {PREDICATE_STRING_FOLD, &texts[1], 1},
                {PREDICATE_PREFIX, &texts[2], 1},   {PREDICATE_SUFFIX, &texts[3], 1},
                {PREDICATE_CONTAINS, &texts[4], 1}, {PREDICATE_GLOB, &texts[5], 1},
                {PREDICATE_PREFIX, &texts[6], 1},   {PREDICATE_IN_STRINGS, shells, 2},
                {PREDICATE_GLOB, &texts[7], 1},
        };
        static const bool expected[] = {true, true, true, true, true, true, false, true, false};
        struct arena arena = {};
        struct answers answers;
        void *table = build(&arena, patterns, 9);

        run(table, "/bin/sh", 7, false, &answers);
        for (size_t i = 0; i < 9; i++) {
                ck_assert_msg((answers.of[i] == TRUTH_TRUE) == expected[i], "pattern %zu", i);
                ck_assert_uint_le(answers.n_reports[i], 1);
        }
        free(table);
        arena_done(&arena);
}
END_TEST

START_TEST(no_patterns_make_a_table_that_finds_nothing) {
        struct arena arena = {};
        struct answers answers;
        void *table = build(&arena, NULL, 0);

        run(table, "x", 1, false, &answers);
        run(table, NULL, 0, true, &answers);
        free(table);
        arena_done(&arena);
}
END_TEST

static enum truth one(enum predicate_op op, struct text text, const struct value *value) {
        switch ((int)op) {
        case PREDICATE_STRING: case PREDICATE_IN_STRINGS: return value_is_bytes(value, text.bytes, text.length);
        case PREDICATE_STRING_FOLD: return value_is_bytes_ignoring_case(value, text.bytes, text.length);
        case PREDICATE_PREFIX: return value_starts_with(value, text.bytes, text.length);
        case PREDICATE_SUFFIX: return value_ends_with(value, text.bytes, text.length);
        case PREDICATE_CONTAINS: return value_contains(value, text.bytes, text.length);
        case PREDICATE_PREFIX_FOLD: return value_starts_with_ignoring_case(value, text.bytes, text.length);
        case PREDICATE_SUFFIX_FOLD: return value_ends_with_ignoring_case(value, text.bytes, text.length);
        case PREDICATE_CONTAINS_FOLD: return value_contains_ignoring_case(value, text.bytes, text.length);
        default: return glob_match(text.bytes, text.length, value->bytes, value->length, value->state == VALUE_CUT);
        }
}

static size_t random_bytes(char *bytes, size_t min, size_t max, const char *letters) {
        size_t n = min + rand() % (max - min + 1), k = strlen(letters);

        for (size_t i = 0; i < n; i++)
                bytes[i] = letters[rand() % k];
        return n;
}

START_TEST(random_tables_answer_as_if_each_pattern_were_asked) {
        static const enum predicate_op ops[] = {PREDICATE_STRING, PREDICATE_STRING_FOLD, PREDICATE_IN_STRINGS,
                                                PREDICATE_PREFIX, PREDICATE_SUFFIX,      PREDICATE_CONTAINS,
                                                PREDICATE_GLOB,   PREDICATE_IN_GLOBS};
        static const enum predicate_op folds[] = {PREDICATE_PREFIX_FOLD, PREDICATE_SUFFIX_FOLD,
                                                  PREDICATE_CONTAINS_FOLD};
        static char bytes[MAX_PATTERNS][3][8];
        static struct text texts[MAX_PATTERNS][3];
        unsigned n_true = 0, n_unknown = 0;

        srand(3);
        for (unsigned round = 0; round < 2250; round++) {
                struct strings_pattern patterns[MAX_PATTERNS];
                struct arena arena = {};
                size_t n = 1 + rand() % (round % 10 == 0 ? MAX_PATTERNS : 12);
                void *table;

                for (size_t i = 0; i < n; i++) {
                        enum predicate_op op = round % 3 == 0 ? folds[rand() % 3] : ops[rand() % 8];
                        bool is_glob = op == PREDICATE_GLOB || op == PREDICATE_IN_GLOBS;
                        size_t n_texts = op == PREDICATE_IN_STRINGS || op == PREDICATE_IN_GLOBS ? 1 + rand() % 3 : 1;

                        for (size_t k = 0; k < n_texts; k++)
                                texts[i][k] = (struct text){
                                        .bytes = bytes[i][k],
                                        .length = random_bytes(bytes[i][k],
                                                               op == PREDICATE_CONTAINS || op == PREDICATE_PREFIX ||
                                                                       op == PREDICATE_SUFFIX || round % 3 == 0,
                                                               6, is_glob ? "ab/**?" : "abA/"),
                                };
                        patterns[i] = (struct strings_pattern){.op = op, .texts = texts[i], .n_texts = n_texts};
                }
                table = build(&arena, patterns, n);

                for (unsigned i = 0; i < 40; i++) {
                        struct value value = {.type = VALUE_STRING, .state = i % 4 == 0 ? VALUE_CUT : VALUE_KNOWN};
                        struct answers answers;
                        char subject[14];

                        value.bytes = subject;
                        value.length = random_bytes(subject, 0, sizeof(subject), "abA/");
                        run(table, subject, value.length, value.state == VALUE_CUT, &answers);
                        for (size_t k = 0; k < n; k++) {
                                enum truth truth = TRUTH_FALSE;

                                for (size_t t = 0; t < patterns[k].n_texts; t++)
                                        truth = truth_or(truth, one(patterns[k].op, patterns[k].texts[t], &value));
                                n_true += truth == TRUTH_TRUE;
                                n_unknown += truth == TRUTH_UNKNOWN;
                                ck_assert_msg(answers.of[k] == truth && answers.n_reports[k] == (truth != TRUTH_FALSE),
                                              "op %d '%.*s' on '%.*s'%s: %d, not %d (%u reports)", patterns[k].op,
                                              (int)texts[k][0].length, bytes[k][0], (int)value.length, subject,
                                              value.state == VALUE_CUT ? " cut" : "", answers.of[k], truth,
                                              answers.n_reports[k]);
                        }
                }
                free(table);
                arena_done(&arena);
        }
        ck_assert_uint_gt(n_true, 50000);
        ck_assert_uint_gt(n_unknown, 10000);
}
END_TEST

START_TEST(thousands_of_words_make_a_compact_table) {
        static char words[3000][12];
        static struct text texts[3000];
        static struct strings_pattern patterns[3000];
        struct arena arena = {};
        struct matcher_sink sink = {.on_match = on_match, .on_open = on_open};
        struct answers answers = {};
        size_t size;
        void *table;

        srand(11);
        for (size_t i = 0; i < 3000; i++) {
                texts[i] =
                        (struct text){.bytes = words[i],
                                      .length = random_bytes(words[i], 4, 12, "abcdefghijklmnopqrstuvwxyz0123456789")};
                patterns[i] = (struct strings_pattern){.op = PREDICATE_CONTAINS, .texts = &texts[i], .n_texts = 1};
        }
        ck_assert(strings_fit(patterns, 3000));
        ck_assert_int_eq(strings_table(&arena, patterns, 3000, &table, &size), 0);
        ck_assert(matcher_verify(table, size, 3000));
        ck_assert_uint_lt(size, 700000);
        sink.data = &answers;
        matcher_run(table, "----", 4, false, &sink);
        free(table);
        arena_done(&arena);
}
END_TEST

START_TEST(more_literals_than_a_table_holds_do_not_fit) {
        static char word[66000];
        struct text text = {.bytes = word, .length = sizeof(word)};
        struct strings_pattern pattern = {.op = PREDICATE_CONTAINS, .texts = &text, .n_texts = 1};

        memset(word, 'a', sizeof(word));
        ck_assert(!strings_fit(&pattern, 1));
        text.length = 60000;
        ck_assert(strings_fit(&pattern, 1));
        pattern.op = PREDICATE_PREFIX;
        text.length = sizeof(word);
        ck_assert(strings_fit(&pattern, 1));
}
END_TEST

/* Whatever the bytes of a table are, what verify lets pass is run without harm. */
START_TEST(damaged_tables_are_refused_or_harmless) {
        struct text texts[] = {TEXT("/bin/sh"), TEXT("abc"),  TEXT("/bin/"), TEXT("sh"),
                               TEXT("bc"),      TEXT("a*b?"), TEXT("c"),     TEXT("**?")};
        struct strings_pattern patterns[] = {
                {PREDICATE_STRING, &texts[0], 1},   {PREDICATE_STRING_FOLD, &texts[1], 1},
                {PREDICATE_PREFIX, &texts[2], 1},   {PREDICATE_SUFFIX, &texts[3], 1},
                {PREDICATE_CONTAINS, &texts[4], 1}, {PREDICATE_GLOB, &texts[5], 1},
                {PREDICATE_CONTAINS, &texts[6], 1}, {PREDICATE_GLOB, &texts[7], 1},
        };
        struct arena arena = {};
        unsigned n_accepted = 0;
        char *table, *damaged;
        size_t size;

        ck_assert_int_eq(strings_table(&arena, patterns, 8, (void **)&table, &size), 0);
        damaged = malloc(size);
        srand(5);
        for (unsigned i = 0; i < 60000; i++) {
                memcpy(damaged, table, size);
                for (unsigned k = rand() % 3; k < 3; k++)
                        damaged[rand() % size] = rand() % 4 == 0 ? 0xff : rand();
                if (matcher_verify(damaged, size, 8)) {
                        struct answers answers;

                        run(damaged, "/bin/abcabcsh", 13, false, &answers);
                        run(damaged, "/bin/abcabcsh", 13, true, &answers);
                        n_accepted++;
                }
        }
        ck_assert_uint_gt(n_accepted, 1000);
        free(damaged);
        free(table);
        arena_done(&arena);
}
END_TEST

UNIT_MAIN("compile/strings",
          every_kind_of_comparison_is_found_in_one_pass,
          no_patterns_make_a_table_that_finds_nothing,
          random_tables_answer_as_if_each_pattern_were_asked,
          thousands_of_words_make_a_compact_table,
          more_literals_than_a_table_holds_do_not_fit,
          damaged_tables_are_refused_or_harmless)
