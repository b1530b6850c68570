/* SPDX-License-Identifier: Apache-2.0 */
/* Retell - what a process table knows, as the records that a stream begins with: `cgroup`, `container`, `process`.
 *
 * A table that is fed with them knows the same: who runs, what, whose child, in which activity, group and container,
 * with which credentials and namespaces, and whether that was found when the watch began or seen (WIRE_SEEN). Ended
 * processes are told only as ancestors of those that run, and then as if they ran. How an image was named at its exec
 * (the script, the link) is not in a `process` record, so `proc.name` is that of its arguments. Pure; the order is the
 * same for the same table. */
#pragma once

#include "event/encode.h"
#include "process/process-table.h"

/* All at `time_ns`, each put together in `record`. Returns 0; -ENOMEM; or what `tell` returned below 0. */
int retell_table(const struct process_table *table, uint64_t time_ns, struct record *record,
                 int (*tell)(const struct event *event, void *userdata), void *userdata);
