/* SPDX-License-Identifier: Apache-2.0 */
/* Constants - the symbolic names of numbers, made of constants.def. What the language reads with schema_constant() and
 * schema_format() writes. Constant and pure. */
#pragma once

#include "event/schema.h"

struct constant {
        const char *name;
        enum field_format format;
        int64_t value;
};

/* The i-th of all constants, in the order of the list; NULL behind the last. */
const struct constant *constant_at(size_t i);

/* The name of the value among the constants of this format, NULL if it has none. */
const char *constant_name(enum field_format format, int64_t value);

/* One step of writing a set of flags: the name of a constant of this format whose bits are all in *bits, which are then
 * taken away from it. NULL if there is none (left). Values of 0 and below are no flags. */
const char *constant_take_flag(enum field_format format, uint64_t *bits);
