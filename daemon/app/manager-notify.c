/* SPDX-License-Identifier: Apache-2.0 */
#include "app/manager-notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"

void notify_ready(void) {
        sd_notify(0, "READY=1");
}

void notify_stopping(void) {
        sd_notify(0, "STOPPING=1");
}

void notify_status(const char *fmt, ...) {
        char line[256];
        struct strbuf b;
        va_list ap;

        strbuf_init_fixed(&b, line, sizeof(line));
        strbuf_put(&b, "STATUS=");
        va_start(ap, fmt);
        strbuf_vprintf(&b, fmt, ap);
        va_end(ap);
        sd_notify(0, strbuf_str(&b));
}

void notify_reloading(void) {
        /* systemd wants CLOCK_MONOTONIC here, which is none of ours. */
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                   (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / NSEC_PER_USEC);
}

void notify_watchdog(sd_event *loop) {
        int r = sd_event_set_watchdog(loop, true);

        if (r < 0)
                log_warning_errno(r, "Cannot tell the service manager that we live, it will end us (WatchdogSec=): %m");
}
