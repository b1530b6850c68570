/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager keep - what the service manager holds for the next process, while this one is restarted or exchanged for
 * another version: the queue with programs, maps and ring (capture/keep.h). One descriptor, so that what is in it can
 * be changed and taken back here, and the service manager never closes a hundred links.
 *
 * Where there is no store ($FDSTORE, which systemd sets since 254, and our unit for those before) nothing is kept. */

#include <stdbool.h>

#include "capture/capture.h"

struct manager_keep {
        struct capture_keep ends;       /* owned descriptors */
        bool on;
};

/* Once, before any other process is started: what the process before left, and a new queue. */
void manager_keep_init(struct manager_keep *keep);
void manager_keep_done(struct manager_keep *keep);

/* Everything is in the queue now: give it to the service manager, in the place of the one before. */
void manager_keep_store(struct manager_keep *keep);

/* We were asked to end: is another process to follow? The service manager is asked whether it restarts the unit. If it
 * does not answer, yes: it lets go of what it holds if none does, though it stands still while the kernel detaches. */
bool manager_keep_has_heir(const struct manager_keep *keep);

/* What the stream so far says of processes and groups, as a recording in memory. A descriptor, or a negative errno. */
struct pipeline;
int manager_keep_write_table(struct pipeline *pipeline);

/* For the capture; NULL: nothing is kept. */
const struct capture_keep *manager_keep_ends(const struct manager_keep *keep);
