/* SPDX-License-Identifier: Apache-2.0 */
/* Telling - the two or three fields of an event that say what happened: what reports and live views show when nobody
 * asked for more. Made of telling.def. Constant and pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "event/schema.h"

/* The fields of this kind (enum field), in the order in which to show them. Those that an event does not know are to be
 * left out. NULL and 0 for a kind that says all by its name, and for a number that is no kind. */
const uint16_t *telling_fields(enum wire_kind kind, size_t *ret_n);
