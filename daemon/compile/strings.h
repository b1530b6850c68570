/* SPDX-License-Identifier: Apache-2.0 */
/* Strings - all string comparisons on one field become one table, which program/matcher.c decides in one pass over the
 * text; or two, for those under which first steps are filed have to be decided for every event, the others only when a
 * run waits for them.
 *
 * Fields of the event and of its process only: parents and ancestors are asked rarely. Comparisons that would make a
 * table larger than its limits are left out, and decided one by one. */
#pragma once

#include "compile/compilation.h"

/* Mark what a matcher can decide. Needs the kinds of the predicates (dispatch.h). */
void strings_find_candidates(struct compilation *c);

/* Make the tables. Those of the candidates for which there is no room are no longer marked. */
void strings_build_matchers(struct compilation *c);

/* A table by itself, for tests: patterns in the order of `predicates`, strings from `out`. 0 and bytes for free(), or
 * -ENOMEM. */
struct strings_pattern {
        enum predicate_op op;
        const struct text *texts;
        size_t n_texts;
};
/* Patterns that take letters in either case wherever they stand have a table by themselves: one has only these, or none
 * of them. (A whole string in either case goes with the others.) */
static inline bool strings_are_folded(enum predicate_op op) {
        return op == PREDICATE_PREFIX_FOLD || op == PREDICATE_SUFFIX_FOLD || op == PREDICATE_CONTAINS_FOLD;
}

int strings_table(struct arena *arena, const struct strings_pattern *patterns, size_t n, void **ret, size_t *ret_size);

/* Is there room in one table for all of these? */
bool strings_fit(const struct strings_pattern *patterns, size_t n);
