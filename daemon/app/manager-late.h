/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager late - whom the kernel could not kill at the last step of his story, since it did not know of the story yet,
 * is killed as soon as the daemon does. By pidfd, if he is still the one who took the step, and never who is protected
 * (action/guard.h). */

#include <stdint.h>

#include "event/event.h"
#include "governor/histogram.h"

struct config;
struct late_guard;
struct strbuf;

struct manager_late {
        struct late_guard *guard;       /* owned; borrows its lists from the configuration. NULL: not known yet */
        uint64_t n_killed;
        uint64_t n_gone;                /* had ended by themselves */
        uint64_t n_protected, n_failed;
        struct histogram delays;        /* from the last step to the signal, of those killed */
};

/* Who is protected may be somebody else from now on; also at the end. */
void manager_late_forget(struct manager_late *late);

/* 0: killed. -ESRCH: he had ended. -EPERM: he is protected. Others: it could not be done. Said, but for the second.
 * `config` is borrowed until manager_late_forget(). */
int manager_late_kill(struct manager_late *late, const struct config *config, const struct identity *who,
                      const char *policy, uint64_t step_ns);

void manager_late_put(const struct manager_late *late, struct strbuf *b);
