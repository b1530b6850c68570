/* SPDX-License-Identifier: Apache-2.0 */
/* Required - which predicates must be true for a condition to be true: those that stand in it alone or under `and`. Conservative: what it does not
 * name may be needed all the same. */
#pragma once

#include "compile/compilation.h"

/* Called for each of them, of the positive ones and (`negated`) of those that must be false. */
typedef void (*required_callback)(uint32_t predicate, bool negated, void *data);

void required_each(const struct compilation *c, uint32_t condition, required_callback callback, void *data);
