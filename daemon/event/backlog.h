/* SPDX-License-Identifier: Apache-2.0 */
/* Backlog - the last records of a stream, as they were, in a block of memory of fixed size.
 *
 * A new record costs one copy; the oldest make room for it, and whoever wants to know what goes is told before. Nothing
 * is allocated after backlog_new(), and pages are not touched before records come. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "event/event.h"

#define BACKLOG_MIN_BYTES ((size_t)256 << 10)

struct backlog;

/* At least BACKLOG_MIN_BYTES, a multiple of 8. -ENOMEM. `on_leave` (may be NULL) gets each record that makes room. */
int backlog_new(size_t bytes, void (*on_leave)(const struct wire_header *record, void *userdata), void *userdata,
                struct backlog **ret);
struct backlog *backlog_free(struct backlog *backlog);
DEFINE_CLEANUP(struct backlog *, backlog_free)

/* Append a checked record. */
void backlog_add(struct backlog *backlog, const struct wire_header *record);

/* Oldest first: NULL gives the oldest, the newest gives NULL. */
const struct wire_header *backlog_next(const struct backlog *backlog, const struct wire_header *record);

size_t backlog_count(const struct backlog *backlog);
