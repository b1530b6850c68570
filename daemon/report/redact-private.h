/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Redact, inside - what its parts share: a search in progress. */

#include <stdint.h>

#include "report/redact.h"

#define FINDER_MAX_MARKS 192

struct redactor {
        bool disabled;
        char **names;                   /* owned */
        size_t n_names;
        uint64_t tool_letters[4];       /* bit per byte with which the name of a tool begins */
        uint64_t shape_letters[4];      /* the same for tokens that are known by their shape */
};

struct finder {
        const struct redactor *redactor;
        enum redact_mode mode;
        const char *text;
        size_t n;
        struct redact_span marks[FINDER_MAX_MARKS];     /* as found: in no order, may overlap */
        size_t n_marks;
        size_t overflow;                /* from here on everything is hidden: there were more marks than fit */
};

/* Of ASCII, whatever the locale. */
static inline bool finder_is_alpha(char c) {
        return (unsigned char)((c | 0x20) - 'a') < 26;
}

static inline bool finder_is_alnum(char c) {
        return finder_is_alpha(c) || (unsigned char)(c - '0') < 10;
}

static inline bool finder_is_blank(char c) {
        return c == ' ' || c == '\t';
}

static inline bool finder_is_space(char c) {
        return finder_is_blank(c) || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/* Where the string of a list, or the text, ends that position i is in. */
size_t finder_element_end(const struct finder *f, size_t i);

/* text[start..end) is a secret. */
void finder_mark(struct finder *f, size_t start, size_t end);

/* Does the word text[start..end) look like an option rather than the value of one? */
bool finder_is_option(const struct finder *f, size_t start, size_t end);

bool redactor_knows_name(const struct redactor *redactor, const char *name, size_t n);

/* redact-tools.c: options that mean a secret to one tool, and the bytes with which the names of these tools begin. */
void finder_scan_tools(struct finder *f);
void finder_tool_letters(uint64_t ret[static 4]);

static inline void letters_add(uint64_t letters[static 4], char c) {
        letters[(uint8_t)c / 64] |= UINT64_C(1) << (uint8_t)c % 64;
}

static inline bool letters_have(const uint64_t letters[static 4], char c) {
        return letters[(uint8_t)c / 64] >> (uint8_t)c % 64 & 1;
}
