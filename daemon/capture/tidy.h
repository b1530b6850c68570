/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tidy - the last touch to a record from the kernel, where programs in the kernel are too small for it: names that a
 * program passed lose their `.`, `..` and doubled slashes, by the letters (symbolic links are not looked at: they may
 * be others by now). Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "event/encode.h"
#include "event/event.h"

/* Take `.`, `..`, doubled and trailing slashes out of an absolute path, in place. Returns the new length, at least 1.
 */
size_t tidy_path(char *path, size_t length);

/* Is there anything to take out? */
bool tidy_path_needed(const char *path, size_t length);

/* If a name in the event needs it, make a tidied copy in `record` and return true. */
bool tidy_event(const struct event *event, struct record *record);

/* Why the event does not show everything: WIRE_OBSCURED_NONE if it does. *ret_subject is "kind.field". */
enum wire_reason tidy_obscured(const struct event *event, const char **ret_subject);
