/* SPDX-License-Identifier: Apache-2.0 */
/* Lexer - a text as tokens, one after the other.
 *
 * Never allocates and never fails: what is no token is reported (a run of such bytes once), left out, and the next
 * token comes. Linear in the text. Newlines are no tokens: where one matters the parser asks whether a token is the
 * first on its line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct source;

enum token_type {
#define TOKEN(id, name) TOKEN_##id,
#include "policy/token.def"
        _TOKEN_MAX,
};

struct token {
        enum token_type type;
        uint32_t offset, length;        /* with quotes and dollar sign */
        bool first_on_line;
        bool broken;                    /* reported already: an unclosed string, a bad escape */
};

struct lexer {
        const struct source *source;    /* borrowed */
        struct diag_set *diags;         /* borrowed; may be NULL */
        uint32_t position;
        bool started;                   /* a token was taken: only then is the next not the first on its line */
};

void lexer_init(struct lexer *lexer, const struct source *source, struct diag_set *diags);

/* At the end it is TOKEN_EOF for ever. */
struct token lexer_next(struct lexer *lexer);

/* The bytes of a token. */
const char *token_bytes(const struct source *source, const struct token *token);
struct diag_span token_span(const struct source *source, const struct token *token);
const char *token_type_to_string(enum token_type type);

/* Turn the inside of a TOKEN_STRING (escapes resolved) or TOKEN_RAW (as it is) into bytes; `bytes` has room for
 * token->length. Returns how many. Escapes that the lexer reported stand for themselves. */
size_t token_decode(const struct source *source, const struct token *token, char *bytes);
