/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sigma expr - the conditions of one step under construction: comparisons in the words of the policy language, joined
 * by and, or, not.
 *
 * What is always or never true is taken out while it is built, so the root says at once whether anything is left.
 * Everything lies in an arena; NULL is a lack of memory, and what is made of NULL is NULL. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct strbuf;

enum sigma_expr_type {
        SIGMA_EXPR_NEVER,
        SIGMA_EXPR_ALWAYS,
        SIGMA_EXPR_COMPARE,
        SIGMA_EXPR_NOT,                 /* of its only child */
        SIGMA_EXPR_ALL,
        SIGMA_EXPR_ANY,
};

struct sigma_expr {
        enum sigma_expr_type type;
        const char *label;              /* name of the selection that it is, or NULL: a comment above it */
        const char *field, *op;   /* of a comparison; without operator and items: a field that is true */
        const char *const *items;       /* operands as they are written; more than one: a list */
        size_t n_items;
        struct sigma_expr *first, *next;        /* children; next among them */
};

struct sigma_expr *sigma_expr_constant(struct arena *arena, bool value);

/* The strings are borrowed; `items` is copied as an array. */
struct sigma_expr *sigma_expr_compare(struct arena *arena, const char *field, const char *op,
                                      const char *const *items, size_t n_items);
struct sigma_expr *sigma_expr_not(struct arena *arena, struct sigma_expr *expr);

/* Join two; either may be a join of the same kind already, and then takes the other in, so that a loop of calls makes
 * one flat row. Start with sigma_expr_constant(): true for `all`, false for `any`. */
struct sigma_expr *sigma_expr_all(struct arena *arena, struct sigma_expr *row, struct sigma_expr *expr);
struct sigma_expr *sigma_expr_any(struct arena *arena, struct sigma_expr *row, struct sigma_expr *expr);

/* As the inside of a step's braces, each line indented by `indent` blanks. Not for NEVER and ALWAYS. */
void sigma_expr_print(const struct sigma_expr *expr, unsigned indent, struct strbuf *b);
