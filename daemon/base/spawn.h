/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Spawn - a process that has nothing of ours but what it is given: its standard input and output, and our standard
 * error. No signal is blocked or ignored in it, and no other descriptor is open.
 *
 * posix_spawn() shares our memory until the other has begun, so it costs the same however large we are. */

#include <sys/types.h>

/* `executable` NULL: our own, afresh. `name` is the only argument, by which it knows what it is to be. Both descriptors
 * are above those of the standard files, but that `output` may be STDERR_FILENO. -errno. */
int spawn_clean(const char *executable, const char *name, int input, int output, pid_t *ret);
