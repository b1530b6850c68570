/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Guard executables - patterns of the programs that are protected whatever the administrator lists (guard.h), for those
 * who have to know them before there is anything to do: what the kernel refuses is decided there. */

#include <stddef.h>

extern const char *const guard_executables[];
extern const size_t n_guard_executables;
