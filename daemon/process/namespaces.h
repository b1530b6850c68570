/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces - the eight that a process lives in, by the inode numbers that /proc/PID/ns shows.
 *
 * Of process ids and of time a process never leaves the one that it began in (of time, until its exec): what unshare
 * and setns say of these two is where its next children will live, and those children's `fork` tells it again.
 *
 * The kernel keeps namespaces for each thread. What is kept here are those of the first one, as /proc/PID/ns has them.
 * Once unshare or setns was seen in a process, its other threads may live elsewhere: of them the ones that were changed
 * are not known. Plain data, 36 bytes. Pure. */
#pragma once

#include <stdint.h>

#include "event/event.h"
#include "event/schema.h"

#define N_NAMESPACES 8                  /* in the order of the fields: mnt, pid, net, user, uts, ipc, cgroup, time */

struct namespaces {
        uint32_t numbers[N_NAMESPACES]; /* 0: not known */
        uint8_t moved;                  /* bit per namespace: some thread left it since the fork or exec */
};

/* Take those that the record tells, in eight fields from `first` on. The others stay. */
void namespaces_take(struct namespaces *namespaces, const struct event *event, enum field first);

/* Those of a child that the process makes, from its `fork`. */
void namespaces_fork(struct namespaces *ret, const struct namespaces *creator, const struct event *fork);

/* What was not known is as it was in `from`. */
void namespaces_complete(struct namespaces *namespaces, const struct namespaces *from);

/* An execve that succeeded: there is one thread, and it tells where it lives. */
void namespaces_exec(struct namespaces *namespaces, const struct event *execve);

/* An unshare or setns that succeeded. */
void namespaces_move(struct namespaces *namespaces, const struct event *event);

/* FIELD_PROCESS_ns_*. Without an event, that of the first thread; else that of the thread that acts. */
void namespaces_get(const struct namespaces *namespaces, const struct event *event, enum field field,
                    struct value *ret);
