/* SPDX-License-Identifier: Apache-2.0 */
/* Declarative - the reference matcher that knows nothing of runs, places and serials: it carries every way in which the
 * text can be read along the stream, as a list of what is still to come, equal ones side by side, and of equal stories
 * that one event completes, one is told at the end. Only what belongs to a key and not to a story is shared: counters,
 * sums, and the wait on an absence. No bounds, no reload. It does not count `starts`. */
#pragma once

#include "run.h"

/* All completions of these paths (linked by `next`, in order of name), in stream order, without suppression. -ENOMEM.
 */
int declarative_match(const struct facts *facts, const struct path_node *paths, struct outcome_list *to);
