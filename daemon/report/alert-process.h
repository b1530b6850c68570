/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Alert process - a process as it is told to the outside: who it was at an event. */

#include "process/process.h"
#include "report/alert-value.h"

/* Wall clock; 0 stays 0, "not known". */
uint64_t alert_wall(const struct alert_context *context, uint64_t boottime_ns);

/* `event` may be NULL, or have no record; with one, credentials and cgroup are those that it carries. `*ret` is zeroed
 * before. */
void alert_process_of(struct alert_builder *builder, const struct alert_context *context,
                      const struct process *process, const struct event *event, enum alert_detail detail,
                      struct alert_process *ret);
