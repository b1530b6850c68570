/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Control group - a directory of the v2 hierarchy as something that can be frozen, thawed and killed.
 *
 * Opened below the hierarchy's root without following a link, and told by its number (the id of events) if that is
 * given: another group may have the name by now. On hosts that keep their processes in v1 there is nothing to open. */

#include <stdbool.h>
#include <stdint.h>

/* The directory of the group. -ENOENT: there is none of that name in v2, or no v2; -ESTALE: one of another number. */
int control_group_open(const char *path, uint64_t id);

/* `frozen` or not, and wait until it is so, at most that long. -ETIMEDOUT: it was asked for and has not come about yet;
 * a process in the kernel may take its time. */
int control_group_freeze(int fd, bool frozen, uint64_t timeout_ns);

/* Is it frozen by its own doing? */
int control_group_is_frozen(int fd);

/* Everybody in it and below, at once; those forked meanwhile, too. -ENOENT: the kernel is older than 5.14. */
int control_group_kill(int fd);

/* Are there processes in it? 0 or 1. */
int control_group_is_populated(int fd);

/* The number of the group. */
int control_group_id(int fd, uint64_t *ret);
