/* SPDX-License-Identifier: Apache-2.0 */
/* AST print - a tree as policy text again, in one canonical form: for formatters, for people, and to show what was
 * understood.
 *
 * What is printed of a tree as parsed parses to an equal tree (file_node_equal), and prints the same again. Comments
 * are not in the tree. Of a tree that sema has been through, conditions are printed as it left them. Pure. */
#pragma once

#include "policy/ast.h"

struct strbuf;

void ast_print_file(const struct file_node *file, struct strbuf *b);
void ast_print_path(const struct path_node *path, struct strbuf *b);
void ast_print_expr(const struct expr *expr, struct strbuf *b);
