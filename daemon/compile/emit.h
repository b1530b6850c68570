/* SPDX-License-Identifier: Apache-2.0 */
/* Emit - drafts become records of the program.
 *
 * A path's hash is that of its meaning: name, key, windows, severity, responses and suppression, places and edges with
 * what their conditions say, captures, exceptions. Not in it: where it stands in the file, how it is described and
 * tagged, what its captures are called, and how predicates and conditions happen to be numbered. A path with the same
 * hash in the next program goes on where it is. */
#pragma once

#include "compile/positions.h"

/* Append the path with its positions, edges, steps, blocks and exceptions. */
void emit_path(struct compilation *c, const struct path_node *path, const struct draft *draft);
