/* SPDX-License-Identifier: Apache-2.0 */

/* A regex, a NUL, a text: what the compiler makes of the regex says the same about the text as PCRE2 does. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "compile/pattern.h"
#include "event/compare.h"
#include "program/glob.h"
#include "program/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool part_matches(const struct pattern_part *part, const struct value *value) {
        switch ((int)part->op) {
        case PREDICATE_STRING:
                return value_is_bytes(value, part->text.bytes, part->text.length) == TRUTH_TRUE;
        case PREDICATE_PREFIX:
                return value_starts_with(value, part->text.bytes, part->text.length) == TRUTH_TRUE;
        case PREDICATE_SUFFIX:
                return value_ends_with(value, part->text.bytes, part->text.length) == TRUTH_TRUE;
        case PREDICATE_CONTAINS:
                return value_contains(value, part->text.bytes, part->text.length) == TRUTH_TRUE;
        case PREDICATE_STRING_FOLD:
                return value_is_bytes_ignoring_case(value, part->text.bytes, part->text.length) == TRUTH_TRUE;
        case PREDICATE_PREFIX_FOLD:
                return value_starts_with_ignoring_case(value, part->text.bytes, part->text.length) == TRUTH_TRUE;
        case PREDICATE_SUFFIX_FOLD:
                return value_ends_with_ignoring_case(value, part->text.bytes, part->text.length) == TRUTH_TRUE;
        case PREDICATE_CONTAINS_FOLD:
                return value_contains_ignoring_case(value, part->text.bytes, part->text.length) == TRUTH_TRUE;
        case PREDICATE_GLOB:
                return glob_match(part->text.bytes, part->text.length, value->bytes, value->length, false) ==
                       TRUTH_TRUE;
        }
        assert(false);
        return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        const uint8_t *nul = n > 0 ? memchr(data, 0, n) : NULL;
        struct text text = {.bytes = (const char *)data, .length = nul ? (size_t)(nul - data) : n};
        struct value value = {.type = VALUE_STRING, .state = VALUE_KNOWN};
        struct pattern pattern;
        struct arena arena = {};
        struct regex *regex;
        const char *message;
        size_t offset;
        enum truth truth;
        bool any = false;

        if (regex_new(text.bytes ? text.bytes : "", text.length, false, &regex, &message, &offset) < 0)
                return 0;
        if (nul) {
                value.bytes = (const char *)nul + 1;
                value.length = n - text.length - 1;
        }
        truth = regex_match(regex, value.bytes, value.length);
        assert(pattern_read(&arena, text, &pattern) == 0);
        for (size_t i = 0; i < pattern.n_parts; i++)
                any = any || part_matches(&pattern.parts[i], &value);
        if (truth != TRUTH_UNKNOWN && pattern.n_parts > 0)
                assert(any == (truth == TRUTH_TRUE));
        if (truth == TRUTH_TRUE && pattern.literal.length > 0)
                assert((pattern.fold
                                ? value_contains_ignoring_case(&value, pattern.literal.bytes, pattern.literal.length)
                                : value_contains(&value, pattern.literal.bytes, pattern.literal.length)) == TRUTH_TRUE);
        arena_done(&arena);
        regex_free(regex);
        return 0;
}
