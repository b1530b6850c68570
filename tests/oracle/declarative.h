/* SPDX-License-Identifier: Apache-2.0 */
/* Declarative - the reference matcher that knows nothing of engines: for every event that could begin a story it looks
 * through the rest of the stream, with backtracking, for what the story becomes. No bounds, no sharing, one run at a
 * time; at the end, of equal stories that one event completes, one is told. It does not count `starts`. */
#pragma once

#include "run.h"

/* All completions of these paths (linked by `next`, in order of name), in stream order, without suppression. -ENOMEM.
 */
int declarative_match(const struct facts *facts, const struct path_node *paths, struct outcome_list *to);
