/* SPDX-License-Identifier: Apache-2.0 */
/* Uses - what a program makes of each kind of event, and so what the kernel may leave out (event/prefilter.h).
 *
 * Worked out from the verified program, so nobody has to trust it: what an event of a use must hold (program/facts.h).
 *
 * A story's later steps wait for an armed key if each event that may begin it comes from the programs in the kernel,
 * which do the arming.
 *
 * Urgent is the last step of a path, wherever it may end, and one with a response of its own; with `enforce` also the
 * step before it, with which the kernel learns of the story. Of steps that are counted only those that a few of end the
 * story; of many *soon* is enough, for the last one comes while the reader is on its way. Pure. */
#pragma once

#include <stdbool.h>

#include "event/prefilter.h"
#include "program/program.h"

enum {
        USES_FILTER = 1U << 0,          /* leave out by what events hold */
        USES_ARM = 1U << 1,             /* and later steps, until their story began */
        USES_AGGREGATE = 1U << 2,       /* count what comes again and again, where uses only count */
};

/* What is urgent is said in any case. -ENOMEM. */
int uses_collect(const struct program *program, unsigned what, struct prefilter **ret);
