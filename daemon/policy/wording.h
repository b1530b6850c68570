/* SPDX-License-Identifier: Apache-2.0 */
/* Wording - what a checked policy says, in words: for people who have not read the language's page. Used for pictures
 * and explanations; ast-print.h writes policy text.
 *
 * Of the trees that sema has been through. Bytes from policies are made harmless (strbuf_put_text). Pure. */
#pragma once

#include <stdbool.h>

#include "policy/ast.h"

struct strbuf;

/* "a file was opened" */
void wording_kind(enum wire_kind kind, struct strbuf *b);

/* "the process's name is one of downloaders" */
void wording_expr(const struct expr *expr, struct strbuf *b);

/* All that a step asks for and keeps, a line for each: conditions, relations to other steps, captures. Nothing if it
 * asks for nothing. */
void wording_step(const struct element *step, struct strbuf *b);

/* "of one process and what it started" */
const char *wording_key(enum program_key key);

/* "within 5m from the first step to the last", or that there is no limit. */
void wording_window(const struct path_node *path, struct strbuf *b);

/* "40 times within 10s, counting different values of dport" of a `repeat`; "within 10s" of a block with a window. */
void wording_count(const struct element *element, struct strbuf *b);
