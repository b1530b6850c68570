/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sigma text - one value that a Sigma rule searches for: bytes and wildcards, what the modifiers make of them, and how
 * the policy language says it.
 *
 * In a value `*` is any bytes, `?` any one, and a backslash before one of these or before itself takes the meaning
 * away; any other backslash stands for itself. Pure; results lie in the arena. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct sigma_expr;

#define SIGMA_TEXT_MAX 3000             /* bytes: what is left of a policy's regex for one value */

/* A row of these. */
enum sigma_atom {
        SIGMA_ATOM_ANYTHING = 256,      /* any bytes; below: this byte */
        SIGMA_ATOM_ONE,                 /* any byte */
        SIGMA_ATOM_DASH,                /* a hyphen, a slash or one of the longer dashes */
};

struct sigma_text {
        uint16_t *atoms;                /* arena */
        size_t n;
        bool open_begin, open_end;      /* anything may stand before, behind it */
};

/* Read a value. -E2BIG if it is longer than SIGMA_TEXT_MAX, -ENOMEM. */
int sigma_text_read(struct arena *arena, const char *value, size_t n, struct sigma_text *ret);

/* The same without wildcards: every byte is itself. */
int sigma_text_literal(struct arena *arena, const char *value, size_t n, struct sigma_text *ret);

/* Modifiers. Those that encode take no wildcards: -EINVAL. */
enum sigma_wide {
        SIGMA_UTF16_LE,
        SIGMA_UTF16_BE,
        SIGMA_UTF16_BOM,                /* little endian with a byte order mark */
};
int sigma_text_wide(struct arena *arena, enum sigma_wide wide, struct sigma_text *text);
int sigma_text_base64(struct arena *arena, struct sigma_text *text);
/* What stays the same wherever the bytes stand in what is encoded, if `offset` (0 to 2) bytes of a group are before
 * them. */
int sigma_text_base64_offset(struct arena *arena, unsigned offset, struct sigma_text *text);
void sigma_text_windash(struct sigma_text *text);

/* Take the wildcards at both ends away: they only say that the text is open there. */
void sigma_text_trim(struct sigma_text *text);

/* Is there a NUL in it? No argument and no path can hold one. */
bool sigma_text_has_nul(const struct sigma_text *text);

/* `field` is one of these texts, in as few comparisons as it takes. `exact`: case counts; if not, ASCII letters are
 * taken in either case. The texts are trimmed. NULL is a lack of memory. */
struct sigma_expr *sigma_text_compare(struct arena *arena, const char *field, const struct sigma_text *texts,
                                      size_t n_texts, bool exact);

/* Bytes as a string of the policy language, with its quotes; a regex that has no quote is written raw. */
const char *sigma_text_quote(struct arena *arena, const char *bytes, size_t n);
const char *sigma_text_quote_regex(struct arena *arena, const char *regex, size_t n);
