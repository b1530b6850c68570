/* SPDX-License-Identifier: Apache-2.0 */
#include "program/regex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/cleanup.h"
#include "base/macro.h"

/* One match costs at most MATCH_LIMIT steps back, some 10 ns each. The depth is that of nested choices: (a|b)* needs
 * one per byte. */
#define MATCH_LIMIT 50000
#define DEPTH_LIMIT 5000
#define HEAP_LIMIT_KIB 1024
#define PARENS_LIMIT 64

/* PCRE2 counts the steps for each place where a match could begin: of a search they are shared out. */
#define SEARCH_LIMIT 10000000
#define SEARCH_LIMIT_MIN 50U

struct regex_scratch {
        unsigned n_refs;
        pcre2_match_data *data;         /* owned */
        pcre2_match_data *groups;       /* owned; NULL until somebody searches */
        pcre2_match_context *context;   /* owned */
};

struct regex {
        size_t size;                    /* of the code */
        pcre2_code *code;               /* owned */
        struct regex_scratch *scratch;  /* owned reference; NULL until needed */
        uint64_t n_limit_hits;
};

DEFINE_CLEANUP(struct regex *, regex_free)
DEFINE_CLEANUP(struct regex_scratch *, regex_scratch_unref)
DEFINE_CLEANUP(pcre2_compile_context *, pcre2_compile_context_free)

int regex_scratch_new(struct regex_scratch **ret) {
        _cleanup_(regex_scratch_unrefp) struct regex_scratch *scratch = NULL;

        scratch = calloc(1, sizeof(*scratch));
        if (!scratch)
                return -ENOMEM;

        scratch->n_refs = 1;
        scratch->context = pcre2_match_context_create(NULL);
        scratch->data = pcre2_match_data_create(1, NULL);       /* only whether it matches, not where the groups are */
        if (!scratch->context || !scratch->data)
                return -ENOMEM;

        pcre2_set_match_limit(scratch->context, MATCH_LIMIT);
        pcre2_set_depth_limit(scratch->context, DEPTH_LIMIT);
        pcre2_set_heap_limit(scratch->context, HEAP_LIMIT_KIB);

        *ret = TAKE_PTR(scratch);
        return 0;
}

struct regex_scratch *regex_scratch_unref(struct regex_scratch *scratch) {
        if (!scratch || --scratch->n_refs > 0)
                return NULL;

        pcre2_match_data_free(scratch->groups);
        pcre2_match_data_free(scratch->data);
        pcre2_match_context_free(scratch->context);
        free(scratch);
        return NULL;
}

void regex_set_scratch(struct regex *regex, struct regex_scratch *scratch) {
        scratch->n_refs++;
        regex_scratch_unref(regex->scratch);
        regex->scratch = scratch;
}

/* `(*` begins a verb, and some verbs lift the options that we rely on; `(?C` begins a callout. Found wherever the
 * parenthesis is not escaped, in sets and comments too: what looks like one there is refused as well, which costs an
 * author one backslash, while finding out whether it is one would mean reading the pattern exactly as PCRE2 does. */
static const char *find_forbidden(const char *pattern, size_t length, size_t *ret_offset) {
        for (size_t i = 0; i < length; i++) {
                if (pattern[i] == '\\') {
                        i++;
                        if (i < length && pattern[i] == 'c')
                                i++;    /* \c\ is one character */
                        continue;
                }
                if (pattern[i] != '(')
                        continue;
                *ret_offset = i;
                if (i + 1 < length && pattern[i + 1] == '*')
                        return "verbs like (*ACCEPT) are not allowed; write \\( if a parenthesis is meant";
                if (i + 2 < length && pattern[i + 1] == '?' && pattern[i + 2] == 'C')
                        return "callouts are not allowed";
        }
        return NULL;
}

/* In our own words: PCRE2's are copied into memory of the caller, who has none here. */
static const char *compile_message(int code) {
        switch (code) {
        case PCRE2_ERROR_END_BACKSLASH: return "a backslash at the end";
        case PCRE2_ERROR_END_BACKSLASH_C: return "\\c at the end";
        case PCRE2_ERROR_UNKNOWN_ESCAPE: return "a backslash before a letter that has no meaning with it";
        case PCRE2_ERROR_QUANTIFIER_OUT_OF_ORDER: return "the numbers in {} are out of order";
        case PCRE2_ERROR_QUANTIFIER_TOO_BIG: return "the number in {} is too large";
        case PCRE2_ERROR_QUANTIFIER_INVALID: return "a repetition of nothing";
        case PCRE2_ERROR_MISSING_SQUARE_BRACKET: return "']' is missing";
        case PCRE2_ERROR_ESCAPE_INVALID_IN_CLASS: return "this escape has no meaning inside [ ]";
        case PCRE2_ERROR_CLASS_RANGE_ORDER: return "the range inside [ ] is out of order";
        case PCRE2_ERROR_CLASS_INVALID_RANGE: return "the range inside [ ] has an end that is no byte";
        case PCRE2_ERROR_POSIX_CLASS_NOT_IN_CLASS: return "a class like [:alpha:] belongs inside [ ]";
        case PCRE2_ERROR_UNKNOWN_POSIX_CLASS: return "no class like [:alpha:] has this name";
        case PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS: return "')' is missing";
        case PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS: return "')' without '('";
        case PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP: return "parentheses are nested too deeply";
        case PCRE2_ERROR_INVALID_AFTER_PARENS_QUERY: return "this has no meaning after '(?'";
        case PCRE2_ERROR_MISSING_COMMENT_CLOSING: return "')' is missing after a comment";
        case PCRE2_ERROR_BAD_SUBPATTERN_REFERENCE: return "there is no such group";
        case PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH: return "a look behind must have a fixed length";
        case PCRE2_ERROR_BACKSLASH_C_CALLER_DISABLED: return "\\C is not allowed; '.' is any byte";
        case PCRE2_ERROR_UNSUPPORTED_ESCAPE_SEQUENCE: return "this escape is not supported";
        case PCRE2_ERROR_PATTERN_TOO_LARGE:
        case PCRE2_ERROR_PATTERN_STRING_TOO_LONG: return "the pattern is too large";
        default: return "the pattern is not valid";
        }
}

int regex_new(const char *pattern, size_t length, bool caseless, struct regex **ret, const char **ret_message,
              size_t *ret_offset) {
        _cleanup_(pcre2_compile_context_freep) pcre2_compile_context *context = NULL;
        _cleanup_(regex_freep) struct regex *regex = NULL;
        uint32_t options =
                PCRE2_DOLLAR_ENDONLY | PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
        size_t offset = 0, size = 0;
        const char *message;
        int code = 0;

        if (length > REGEX_MAX_PATTERN) {
                *ret_message = "the pattern is too long";
                *ret_offset = REGEX_MAX_PATTERN;
                return -EBADMSG;
        }

        message = find_forbidden(pattern, length, &offset);
        if (message) {
                *ret_message = message;
                *ret_offset = offset;
                return -EBADMSG;
        }

        regex = calloc(1, sizeof(*regex));
        context = pcre2_compile_context_create(NULL);
        if (!regex || !context)
                return -ENOMEM;

        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        pcre2_set_parens_nest_limit(context, PARENS_LIMIT);
        if (caseless)
                options |= PCRE2_CASELESS;

        regex->code = pcre2_compile((PCRE2_SPTR)pattern, length, options, &code, &offset, context);
        if (!regex->code) {
                if (code == PCRE2_ERROR_HEAP_FAILED || code == PCRE2_ERROR_NOMEMORY)
                        return -ENOMEM;
                *ret_message = compile_message(code);
                *ret_offset = offset < length ? offset : length;
                return -EBADMSG;
        }

        if (pcre2_pattern_info(regex->code, PCRE2_INFO_SIZE, &size) < 0 || size > REGEX_MAX_COMPILED) {
                *ret_message = "the pattern is too large once its repetitions are written out";
                *ret_offset = 0;
                return -EBADMSG;
        }

        regex->size = size;
        *ret = TAKE_PTR(regex);
        return 0;
}

size_t regex_size(const struct regex *regex) {
        return regex->size;
}

struct regex *regex_free(struct regex *regex) {
        if (!regex)
                return NULL;

        pcre2_code_free(regex->code);
        regex_scratch_unref(regex->scratch);
        free(regex);
        return NULL;
}

enum truth regex_match(const struct regex *regex, const char *bytes, size_t length) {
        struct regex *self = (struct regex *)regex;     /* the counter and the scratch are no part of its meaning */
        int r;

        if (!self->scratch && regex_scratch_new(&self->scratch) < 0)
                return TRUTH_UNKNOWN;

        r = pcre2_match(self->code, (PCRE2_SPTR)(bytes ? bytes : ""), length, 0, 0, self->scratch->data,
                        self->scratch->context);
        if (r >= 0)
                return TRUTH_TRUE;
        if (r == PCRE2_ERROR_NOMATCH)
                return TRUTH_FALSE;

        self->n_limit_hits++;
        return TRUTH_UNKNOWN;
}

enum truth regex_search(const struct regex *regex, const char *bytes, size_t length, size_t from,
                        struct regex_span spans[], size_t n) {
        struct regex *self = (struct regex *)regex;
        uint32_t limit = MAX(MIN((uint32_t)(SEARCH_LIMIT / (length + 1)), (uint32_t)MATCH_LIMIT), SEARCH_LIMIT_MIN);
        const PCRE2_SIZE *ends;
        int r;

        if (!self->scratch && regex_scratch_new(&self->scratch) < 0)
                return TRUTH_UNKNOWN;
        if (!self->scratch->groups)
                self->scratch->groups = pcre2_match_data_create(REGEX_MAX_SPANS, NULL);
        if (!self->scratch->groups)
                return TRUTH_UNKNOWN;

        pcre2_set_match_limit(self->scratch->context, limit);
        r = pcre2_match(self->code, (PCRE2_SPTR)(bytes ? bytes : ""), length, from, 0, self->scratch->groups,
                        self->scratch->context);
        pcre2_set_match_limit(self->scratch->context, MATCH_LIMIT);
        if (r == PCRE2_ERROR_NOMATCH)
                return TRUTH_FALSE;
        if (r < 0) {
                self->n_limit_hits++;
                return TRUTH_UNKNOWN;
        }

        /* 0: there are more groups than fit. */
        ends = pcre2_get_ovector_pointer(self->scratch->groups);
        if (r == 0)
                r = REGEX_MAX_SPANS;
        for (size_t i = 0; i < n; i++) {
                bool known = i < (size_t)r && ends[2 * i] != PCRE2_UNSET && ends[2 * i] <= ends[2 * i + 1];

                spans[i] = (struct regex_span){.from = known ? ends[2 * i] : REGEX_NO_SPAN,
                                               .to = known ? ends[2 * i + 1] : REGEX_NO_SPAN};
        }
        return TRUTH_TRUE;
}

uint64_t regex_limit_hits(const struct regex *regex) {
        return regex->n_limit_hits;
}
