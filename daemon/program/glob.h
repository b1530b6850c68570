/* SPDX-License-Identifier: Apache-2.0 */
/* Glob - patterns with wildcards on bytes, as people write them for paths.
 *
 *      *           any bytes but '/', also none
 *      **          any bytes, also none
 *      ?           one byte, not '/'
 *      [a-z_]      one byte of the set, never '/'; [!a-z] or [^a-z] one that is not in it; `]` first is a member; `[`
 * without an end is itself \x          the byte x
 *
 * The whole of the bytes has to match. Time is bounded by pattern times text, whatever the two are: all ways are
 * followed at once. Pure, no allocation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/value.h"

#define GLOB_MAX 255 /* bytes of a pattern; longer ones match nothing, and the compiler refuses them */

/* `cut`: the bytes are a prefix of the true value. Then true: whatever follows matches; false: whatever follows does
 * not. */
enum truth glob_match(const char *pattern, size_t length, const char *bytes, size_t n, bool cut);

/* What every match must hold: fills `literal` (GLOB_MAX bytes) with the longest run of plain bytes and says where it
 * stands. The length may be 0. */
enum glob_place {
        GLOB_WHOLE,                     /* the pattern is this string and nothing else */
        GLOB_PREFIX,                    /* every match begins with it */
        GLOB_SUFFIX,                    /* ends with it */
        GLOB_INSIDE,                    /* has it somewhere */
};
size_t glob_literal(const char *pattern, size_t length, char *literal, enum glob_place *ret_place);

/* Is the pattern no more than a comparison? `**` at an end or both around plain bytes: fills `literal` with these and
 * says which. */
bool glob_is_plain(const char *pattern, size_t length, char *literal, size_t *ret_length, enum glob_place *ret_place);
