/* SPDX-License-Identifier: Apache-2.0 */
/* Layout - a policy text in its canonical form, comments and all.
 *
 * Works on tokens and knows next to nothing of the grammar: no token is added, left out or moved past another, lines
 * are broken and indented, blanks set. The author's line breaks stand, and with them what means something only on its
 * line; a line is broken where it is too long (LAYOUT_WIDTH), in a body before each statement. Comments stay where they
 * are: on lines of their own or behind what they are about.
 *
 * What comes out parses to an equal tree (file_node_equal) and is its own canonical form. Pure. */
#pragma once

#include <stddef.h>

struct strbuf;

#define LAYOUT_WIDTH 120U
#define LAYOUT_INDENT 4U

/* Append the canonical form of a text without faults. -EBADMSG: brackets do not match, or there are bytes that are no
 * token; -EFBIG: more than a source may have; -ENOMEM. */
int layout_text(const char *text, size_t length, struct strbuf *b);
