/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Refusals - the last calls that the kernel refused for a policy with `enforce`. A call that was refused has no file,
 * and its record only the name that the program gave: what the kernel decided by is in the verdict, and is put into the
 * record of the same call here. So a step that asks for it takes the refused call as it would have taken the other.
 *
 * A verdict is read before the record of its call; some of later calls may be, too. Pure. */

#include <stdbool.h>

#include "base/cleanup.h"
#include "event/encode.h"

#define REFUSALS_MAX 1024               /* kept; the oldest gives way */

struct enforce_verdict;
struct refusals;

/* Pages that cost nothing until something is refused. -ENOMEM. */
int refusals_new(struct refusals **ret);
struct refusals *refusals_free(struct refusals *refusals);
DEFINE_CLEANUP(struct refusals *, refusals_free)

/* Verdicts of all kinds; those that name no file are not kept. */
void refusals_see(struct refusals *refusals, const struct enforce_verdict *verdict);

/* If the record is of a call that was refused: a copy of it in `ret`, with what the kernel knew. It may be in `ret`
 * already, and sealed. */
bool refusals_complete(struct refusals *refusals, const struct wire_header *header, struct record *ret);
