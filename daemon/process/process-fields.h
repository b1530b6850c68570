/* SPDX-License-Identifier: Apache-2.0 */
/* Process fields - read a field of scope FIELD_PROCESS. What is not known reads as VALUE_UNKNOWN. Pure. */
#pragma once

#include "event/schema.h"
#include "process/process.h"

/* `event` may be NULL; with it, credentials and cgroup are those that the event carries (use it for the acting process
 * only). Being in no unit, slice or container is known: an empty string. Bytes are borrowed from the process and good
 * until the table changes. */
void process_get(const struct process *process, const struct event *event, enum field field, struct value *ret);
