/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Child - a process that does one thing that takes its time, and says what came of it: forked, with a pipe for the
 * answer, watched by a pidfd. For this room: webhooks and copies. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

struct child {
        int pidfd, answer_fd;           /* owned; -1: there is none */
        sd_event_source *ended;         /* owned */
};

#define CHILD_NONE ((struct child){.pidfd = -1, .answer_fd = -1})

static inline bool child_runs(const struct child *child) {
        return child->pidfd >= 0;
}

/* `run` is called in it, with where to write the answer, and does not return. `on_ended` when it is over, however that
 * came. Fails as if nothing had happened. */
typedef void (*child_run)(void *userdata, int answer_fd);
int child_start(struct child *child, sd_event *loop, child_run run, sd_event_io_handler_t on_ended, void *userdata);

/* All of what it said. -ENODATA: it ended before it had. */
int child_read_answer(struct child *child, void *answer, size_t size);

/* SIGKILL: `on_ended` follows. */
void child_kill(struct child *child);

/* End it, and forget it. `on_ended` does not follow. */
void child_free(struct child *child);
