/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Policies, show - what the author of a policy says of it: the comment that heads its file, in the form that
 * policies/README.md describes. Of the paragraphs about single policies ("# name - what it is", and what is indented
 * below) only that of this one is shown. */

#include "base/strbuf.h"
#include "policy/ast.h"

/* The path must have been read from a file (path->source). Bytes are made harmless. */
void policies_show(const struct path_node *path, struct strbuf *b);
