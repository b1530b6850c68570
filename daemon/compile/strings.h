/* SPDX-License-Identifier: Apache-2.0 */
/* Strings - all string comparisons on one field become one table, which program/matcher.c decides in one pass over the
 * text.
 *
 * Fields of the event and of its process only: parents and ancestors are asked rarely. Comparisons that would make a
 * table larger than its limits are left out, and decided one by one. */
#pragma once

#include "compile/compilation.h"

/* Needs the kinds of the predicates (dispatch.h); marks those that a matcher decides. */
void strings_build_matchers(struct compilation *c);

/* A table by itself, for tests: patterns in the order of `predicates`, strings from `out`. 0 and bytes for free(), or
 * -ENOMEM. */
struct strings_pattern {
        enum predicate_op op;
        const struct text *texts;
        size_t n_texts;
};
int strings_table(struct arena *arena, const struct strings_pattern *patterns, size_t n, void **ret, size_t *ret_size);

/* Is there room in one table for all of these? */
bool strings_fit(const struct strings_pattern *patterns, size_t n);
