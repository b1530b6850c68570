/* SPDX-License-Identifier: Apache-2.0 */
/* Lower - the conditions that people wrote become conditions of the program: one predicate for each comparison with a
 * constant, one guard for each with a capture.
 *
 * Negative comparisons are `not` over the positive one, so that unknown stays unknown. A comparison that says the same
 * in simpler words is written in those: a list of one, a glob without wildcards, a regex that is really a string. */
#pragma once

#include "compile/condition.h"

/* The number of the condition; NULL is true. Errors as in condition.h; what is too large is told in a diag and makes
 * -EBADMSG. */
uint32_t lower_expr(struct compilation *c, const struct path_node *path, const struct expr *expr);
