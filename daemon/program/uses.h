/* SPDX-License-Identifier: Apache-2.0 */
/* Uses - what a program makes of each kind of event, and so what the kernel may leave out (event/prefilter.h).
 *
 * Worked out from the verified program, so nobody has to trust it: a fact is taken only where the event must have it,
 * through `and` and `or`, whatever else the condition says. What stands under `not`, compares with a capture or with
 * an ancestor is no such fact.
 *
 * A story's later steps wait for an armed key if each event that may begin it comes from the programs in the kernel,
 * which do the arming. Stories by tree and process arm the tree; all others arm the host. Pure. */
#pragma once

#include <stdbool.h>

#include "event/prefilter.h"
#include "program/program.h"

enum {
        USES_FILTER = 1U << 0,          /* leave out by what events hold */
        USES_ARM = 1U << 1,             /* and later steps, until their story began */
        USES_AGGREGATE = 1U << 2,       /* count what comes again and again, where uses only count */
};

/* -ENOMEM. */
int uses_collect(const struct program *program, unsigned what, struct prefilter **ret);
