/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager notify - what the service manager is told: READY, RELOADING, STOPPING, STATUS. Says nothing where there is
 * none. */

#include <stddef.h>

#include "base/macro.h"

void notify_ready(void);
void notify_stopping(void);
void notify_status(const char *fmt, ...) _printf_(1, 2);

/* A reload has begun; READY is told when the variable goes out of scope, whatever happened in between:
 *      _cleanup_(notify_reloaded) int reloading = notify_reloading(); */
int notify_reloading(void);
void notify_reloaded(int *reloading);
