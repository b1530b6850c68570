/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Interner - each string once: equal strings are equal pointers, until the last reference is gone.
 * Bounded in strings and in bytes, all memory taken when it is made, so attackers who invent names can fill it but not
 * make it grow, and nothing allocates afterwards: a full interner refuses (-ENOSPC) and counts. Reference-counted,
 * because processes come and go for months; use an arena where everything ends together.
 * A string may hold any bytes, NULs too, and is followed by a NUL that is not counted. */

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

struct interner;

struct interner_stats {
        size_t n_strings, max_strings;
        size_t used_bytes, max_bytes;   /* text and bookkeeping */
        uint64_t n_refused;             /* strings that were turned down */
};

/* -ENOMEM. Both bounds > 0; max_bytes is rounded up to a whole number of pages. */
int interner_new(size_t max_strings, size_t max_bytes, struct interner **ret);

/* All strings become invalid, whatever references remain. Takes NULL, gives NULL back. */
struct interner *interner_free(struct interner *interner);

/* The string with these bytes, with one more reference that the caller owns: 0. -ENOSPC if it is new and there is no
 * room (or longer than INTERN_LENGTH_MAX), and *ret is unchanged. */
#define INTERN_LENGTH_MAX 65535
int intern_get(struct interner *interner, const char *s, size_t n, const char **ret);

/* The interned pointer if the string is there, without a reference; NULL if not. */
const char *intern_find(const struct interner *interner, const char *s, size_t n);

/* One more, and one less. Only for what intern_get() gave; NULL is left alone. unref gives NULL back. */
const char *intern_ref(const char *s);
const char *intern_unref(struct interner *interner, const char *s);

/* Length, and a small number that is this string's alone while it lives (numbers start at 0, stay below max_strings,
 * and are used again later): for bit sets and tables beside the interner. */
size_t intern_length(const char *s);
uint32_t intern_id(const char *s);

struct interner_stats interner_get_stats(const struct interner *interner);
