/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Child - a process that does one thing that takes its time, and says what came of it: forked, with a pipe for the
 * answer, watched by a pidfd. For webhooks, copies and hashes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
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

/* The same for what is waited for: at most so long, then it is killed (-ETIMEDOUT). An answer of `size` bytes, less
 * than PIPE_BUF. -EBUSY: one of before does not end, as it hangs in the kernel. */
int child_ask(child_run run, void *userdata, uint64_t timeout_ns, void *answer, size_t size);

/* In it: give up all but these descriptors (`to` -1: there is none), which get other numbers; no capabilities, no
 * signals, and an end with the parent. */
void child_become_small(const char *name, int *from, int *to, int *answer, pid_t parent);

/* All of what it said. -ENODATA: it ended before it had. */
int child_read_answer(struct child *child, void *answer, size_t size);

/* SIGKILL: `on_ended` follows. */
void child_kill(struct child *child);

/* End it, and forget it. `on_ended` does not follow. */
void child_free(struct child *child);
