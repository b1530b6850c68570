/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Journal door - entries to journald, without ever waiting for it, and in their order.
 *
 * The library's way (sd_journal_sendv) waits when journald does not read, and answers "sent" when it is not there. Here
 * an entry that cannot be sent now goes into a spool (journal-spool.h), with all that come after it, and is sent when
 * journald takes it again; it has a field EXECRAY_SPOOLED then. Without a spool, or when that is full, it is refused.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "report/journal-spool.h"

struct journal_door;

/* The socket of journald. */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* `socket` NULL: JOURNAL_SOCKET; borrowed for good. `spool` NULL: none; taken over. -ENOMEM. */
int journal_door_new(const char *socket, struct journal_spool *spool, struct journal_door **ret);
struct journal_door *journal_door_free(struct journal_door *door);
DEFINE_CLEANUP(struct journal_door *, journal_door_free)

/* Fields as NAME=value, each name only once in a place where order matters. 0: sent; 1: it waits in the spool;
 * -ENOTCONN, -EAGAIN, ...: gone. */
int journal_door_send(struct journal_door *door, const struct iovec *fields, size_t n_fields);

/* Try what waits. True: there is more, try again soon. */
bool journal_door_work(struct journal_door *door);
bool journal_door_waits(const struct journal_door *door);

void journal_door_stats(const struct journal_door *door, struct journal_spool_stats *ret);
