/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager notify - what the service manager is told: READY, RELOADING, STOPPING, STATUS. Says nothing where there is
 * none. */

#include <stddef.h>

#include "base/macro.h"

void notify_ready(void);
void notify_stopping(void);
void notify_status(const char *fmt, ...) _printf_(1, 2);

/* A reload has begun; notify_ready() at its end, whatever came of it. */
void notify_reloading(void);
