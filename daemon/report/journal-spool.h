/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Journal spool - entries that journald could not take, in a file, in their order, until it can.
 *
 * The file outlives the daemon: what is left in it is sent by the next one. It is written without waiting for the disk,
 * so it survives the end of the process, not that of the machine. What was sent is noted after each entry; a process
 * that is killed between the two sends that one again. A record that is torn or damaged ends the file: what stands
 * behind it is cut off and counted. One process at a time has it. Bounded: what does not fit is refused. */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct journal_spool;

struct journal_spool_stats {
        uint64_t n_added, n_refused;    /* since it was opened */
        uint64_t n_cut;                 /* bytes that made no sense when it was opened */
        uint64_t n_waiting, waiting_bytes;      /* now */
};

/* -EWOULDBLOCK: another process has it; -EPERM: it is not ours alone; or what opening says. */
int journal_spool_open(const char *path, uint64_t max_bytes, struct journal_spool **ret);
struct journal_spool *journal_spool_free(struct journal_spool *spool);
DEFINE_CLEANUP(struct journal_spool *, journal_spool_free)

/* Behind what is there. -ENOSPC: full; nothing is half there. */
int journal_spool_add(struct journal_spool *spool, const void *data, size_t n);

/* Hand out at most `max` from the front, while `send` answers 0. What it answers else is handed up, and that entry
 * stays. */
int journal_spool_drain(struct journal_spool *spool, size_t max,
                        int (*send)(const void *data, size_t n, void *userdata), void *userdata);

void journal_spool_stats(const struct journal_spool *spool, struct journal_spool_stats *ret);
