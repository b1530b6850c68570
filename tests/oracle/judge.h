/* SPDX-License-Identifier: Apache-2.0 */
/* Judge - the conditions of the checked AST on facts, three-valued, as docs/SEMANTICS.md says under "Comparing". */
#pragma once

#include "facts.h"

/* What a run has captured; state VALUE_UNKNOWN: nothing. */
struct bindings {
        struct value values[PROGRAM_MAX_SLOTS];
};

/* A condition; NULL is true. */
enum truth judge(const struct facts *facts, const struct fact *fact, const struct expr *expr,
                 const struct bindings *bindings);

/* Does the step (or `not`, or deciding step) take the event: kind, result, conditions, and all that it captures known?
 */
enum truth judge_step(const struct facts *facts, const struct fact *fact, const struct element *step,
                      const struct bindings *bindings);

/* Does a repetition of the step count the event? As above, but what the first event captured is not captured again. */
enum truth judge_repeats(const struct facts *facts, const struct fact *fact, const struct element *step,
                         const struct bindings *bindings);

/* Bind what the step captures; it has taken the event. */
void judge_bind(const struct facts *facts, const struct fact *fact, const struct element *step,
                struct bindings *bindings);

/* Does `repeat` count the event with this step of its body? Then *ret is the value of its `distinct` field, if it has
 * one. */
bool judge_counts(const struct facts *facts, const struct fact *fact, const struct element *repeat,
                  const struct element *step, const struct bindings *bindings, struct value *ret);

/* Does an `until` that looks at a run with these captures take the event? And the kinds of those that do look at it. */
enum truth judge_until(const struct facts *facts, const struct fact *fact, const struct path_node *path,
                       const struct bindings *bindings);
uint64_t judge_until_kinds(const struct path_node *path, const struct bindings *bindings);

/* Is it hidden by an `except` that names no captures? */
enum truth judge_hidden(const struct facts *facts, const struct fact *fact, const struct path_node *path);

/* Is it hidden by an `except` whose last capture the event has just bound (`before` does not have it, `after` has all)?
 */
enum truth judge_excepted(const struct facts *facts, const struct fact *fact, const struct path_node *path,
                          const struct bindings *before, const struct bindings *after);

bool bindings_equal(const struct bindings *a, const struct bindings *b);
bool value_same(const struct value *a, const struct value *b);
