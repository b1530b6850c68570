/* SPDX-License-Identifier: Apache-2.0 */
/* Layout items - the tokens and comments of a text in one row, with what layout.c has to know of each. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/array.h"
#include "base/macro.h"
#include "policy/lexer.h"
#include "policy/source.h"

#define ITEM_COMMENT _TOKEN_MAX /* a comment, to the end of its line */
#define ITEM_NONE UINT32_MAX

enum group {
        GROUP_BODY,                     /* { statements } */
        GROUP_CONDITIONS,               /* { conditions } */
        GROUP_LIST,                     /* [ ] */
        GROUP_PARENS,                   /* ( ) */
};

struct item {
        enum token_type type;
        uint32_t offset, length;
        uint32_t columns;               /* how wide it is */
        uint32_t flat;                  /* where it would begin if all before it stood on one line */
        uint32_t match;                 /* of a bracket: the other one */
        uint32_t parent;                /* the bracket around it; ITEM_NONE */
        enum group group;               /* of an opening bracket */
        bool newline, blank;            /* the author's: first on its line; an empty line before */
        bool start;                     /* first of a statement or definition */
        bool inner;                     /* a comment in the middle of a statement */
        bool space;                     /* a blank before it, if it does not begin a line */
};

struct item_list ARRAY_BODY(struct item);

/* -EBADMSG, -ENOMEM as layout_text() */
int items_scan(const struct source *source, struct item_list *ret);

/* Is it this word? */
bool item_is(const struct source *source, const struct item *item, const char *word);
