/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-late.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "action/guard.h"
#include "action/proc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "config/config.h"

struct late_guard {
        struct guard guard;
};

void manager_late_forget(struct manager_late *late) {
        if (late->guard)
                guard_done(&late->guard->guard);
        free(late->guard);
        late->guard = NULL;
}

static int learn(struct manager_late *late, const struct config *config) {
        int r;

        if (late->guard)
                return 0;
        late->guard = calloc(1, sizeof(*late->guard));
        if (!late->guard)
                return -ENOMEM;
        r = guard_init(&late->guard->guard, &config->response.protect, &config->response.protect_files,
                       (uint32_t)getpid());
        if (r < 0) {
                free(late->guard);
                late->guard = NULL;
        }
        return r;
}

/* `why` is empty unless he is protected. */
static int try_to_kill(struct manager_late *late, const struct config *config, const struct identity *who,
                       struct strbuf *why) {
        _cleanup_(closep) int pidfd = -1;
        int r;

        r = learn(late, config);
        if (r < 0)
                return r;
        pidfd = proc_open(who, NULL);
        if (pidfd < 0)
                return pidfd;
        r = guard_process(&late->guard->guard, who->pid, why);
        return r < 0 ? r : proc_signal(pidfd, SIGKILL);
}

int manager_late_kill(struct manager_late *late, const struct config *config, const struct identity *who,
                      const char *policy, uint64_t step_ns) {
        _cleanup_(strbuf_done) struct strbuf why = {};
        uint64_t delay_ns;
        int r;

        r = try_to_kill(late, config, who, &why);
        if (r == -EPERM && why.n > 0) {
                late->n_protected++;
                log_notice("Policy '%s': process %" PRIu32 " is not killed: it %s", policy, who->pid, why.data);
                return r;
        }
        if (r == -ESRCH) {
                late->n_gone++;
                return r;
        }
        if (r < 0) {
                late->n_failed++;
                log_warning_errno(r, "Policy '%s': cannot kill process %" PRIu32 ": %m", policy, who->pid);
                return r == -EPERM ? -EACCES : r;
        }
        delay_ns = nsec_sub(clock_boottime_ns(), step_ns);
        late->n_killed++;
        histogram_add(&late->delays, delay_ns);
        log_notice("Policy '%s': process %" PRIu32
                   " was killed %.2f ms after its last step, which came before the kernel knew "
                   "of the others",
                   policy, who->pid, (double)delay_ns / NSEC_PER_MSEC);
        return 0;
}

void manager_late_put(const struct manager_late *late, struct strbuf *b) {
        if (late->n_killed + late->n_gone + late->n_protected + late->n_failed == 0)
                return;
        strbuf_printf(b, "late     %" PRIu64 " killed after their last step", late->n_killed);
        if (late->n_killed > 0)
                strbuf_printf(b, " (p50 %.2f ms, p99 %.2f ms)",
                              (double)histogram_quantile(&late->delays, 500) / NSEC_PER_MSEC,
                              (double)histogram_quantile(&late->delays, 990) / NSEC_PER_MSEC);
        strbuf_printf(b, ", %" PRIu64 " had ended, %" PRIu64 " protected, %" PRIu64 " failed\n", late->n_gone,
                      late->n_protected, late->n_failed);
}
