/* SPDX-License-Identifier: Apache-2.0 */
/* Graph - a checked path as a picture, in the language of Graphviz (dot).
 *
 * Steps are boxes from top to bottom, in words (wording.h); windows and groups are frames around them; what must not
 * happen is dashed and red; a dotted line leads from where a value is kept to where it is compared. All bytes from
 * policies are escaped for dot and made harmless. The same path gives the same text. Pure. */
#pragma once

#include "policy/ast.h"

struct strbuf;

/* One digraph. b->error says if memory ran out; -ENOMEM is returned then too. */
int graph_put(const struct path_node *path, struct strbuf *b);
