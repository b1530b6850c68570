/* SPDX-License-Identifier: Apache-2.0 */
/* Work - how much was done, in basic blocks of our own code. What the C library does counts as often as it calls back;
 * copying and comparing bytes is not counted. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Compile a text as the daemon would. The blocks that it took; *ret_result (may be NULL) is what came of it: 0,
 * -EBADMSG... */
uint64_t work_of(const char *text, size_t length, int *ret_result);

/* What a text of this length may take: so many blocks, for length times its logarithm, on top of what an empty one
 * takes. */
uint64_t work_allowed(size_t length);
