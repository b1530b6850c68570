/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager notify - what the service manager is told: READY, RELOADING, STOPPING, STATUS, and that the loop still turns.
 * Says nothing where there is none. */

#include <stddef.h>

#include <systemd/sd-event.h>

#include "base/macro.h"

void notify_ready(void);
void notify_stopping(void);
void notify_status(const char *fmt, ...) _printf_(1, 2);

/* A reload has begun; notify_ready() at its end, whatever came of it. */
void notify_reloading(void);

/* From now on, twice in each WatchdogSec= of the service, if it has one, for as long as the loop gets round. */
void notify_watchdog(sd_event *loop);
