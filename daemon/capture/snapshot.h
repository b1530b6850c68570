/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Snapshot - the processes that run, as `process` records, parents first: those that ran before the daemon, and later,
 * after a loss (mend.h), those that run then. The dead that nobody has waited for are left out.
 *
 * Who they are and what they run comes from the kernel's task iterator (start times in nanoseconds, images from the
 * kernel's own files), only the arguments from /proc, matched by start time in ticks. Where each belongs is made out
 * here: a process whose parent is a supervisor is the first of its tree, any other belongs to its parent's. The parent
 * of an orphan is whoever adopted it: its real creator cannot be known any more. Of processes whose fork the hooks saw,
 * the kernel remembers creator and tree, even if the record was lost. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "event/encode.h"
#include "event/event.h"

#define SNAPSHOT_MAX_BYTES (256U << 20)

struct snapshot;

/* Read all records from the iterator. `supervisors` are absolute paths of programs. */
int snapshot_read(int iterator_fd, const char *const *supervisors, size_t n_supervisors, struct snapshot **ret);
struct snapshot *snapshot_free(struct snapshot *snapshot);
DEFINE_CLEANUP(struct snapshot *, snapshot_free)

size_t snapshot_size(const struct snapshot *snapshot);

/* Newer is known of this one. */
void snapshot_forget(struct snapshot *snapshot, const struct identity *id);

/* The i-th as the kernel told it, without its arguments: good until the snapshot is freed. NULL if it is forgotten. */
const struct wire_header *snapshot_header(const struct snapshot *snapshot, size_t i);

/* Not from the snapshot but from /proc, now: the iterator can miss a process whose threads change places in an exec. */
bool snapshot_is_alive(const struct identity *id);

/* The i-th, complete: arguments, tree, supervisor. NULL if the kernel's bytes were wrong. Builds it in `record`. */
const struct wire_header *snapshot_get(struct snapshot *snapshot, size_t i, struct record *record);
