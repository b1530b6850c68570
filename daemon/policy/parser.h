/* SPDX-License-Identifier: Apache-2.0 */
/* Parser - a text becomes a tree. Recursive descent; each production of docs/LANGUAGE.md is a function of the same name
 * here.
 *
 * Linear in the text, bounded in depth and in the size of each thing. A fault gives one message; then reading goes on
 * at the next condition, statement or path, and the path is marked as broken. Names mean nothing yet: that is sema's.
 * Pure. */
#pragma once

#include "base/diag.h"
#include "policy/ast.h"

struct arena;
struct source;

#define PARSER_MAX_DEPTH 64 /* of blocks, branches, parentheses and `not` inside each other */
#define PARSER_MAX_TERMS 1024 /* comparisons in the conditions of one step */
#define PARSER_MAX_ELEMENTS 1024 /* of one path */
#define PARSER_MAX_FLAGS 64             /* constants joined by `|` */
#define PARSER_MAX_RELATIONS 16         /* behind one step */
#define PARSER_MAX_POINTS 1000000       /* of one step, and the threshold of a path */
#define PARSER_MAX_ITEMS 65536 /* of one list */

/* The tree lives in the arena and points into the source. Returns 0 also if there were faults: they are in the diags,
 * and what is left is a tree without them. -ENOMEM if the arena is full. */
int parser_parse(const struct source *source, struct arena *arena, struct diag_set *diags, struct file_node **ret);

/* The same of a file that extends another, which is not looked at: exceptions stand at top level, and what stands in a
 * path is said of one that is written elsewhere. */
int parser_parse_drop_in(const struct source *source, struct arena *arena, struct diag_set *diags,
                         const struct file_node *extends, struct file_node **ret);
