/* SPDX-License-Identifier: Apache-2.0 */
/* Compile - checked policies become a program. The passes stand in compile.c, top to bottom, and nothing else does.
 * Pure. */
#pragma once

#include <stddef.h>

#include "base/diag.h"
#include "policy/policy-set.h"
#include "program/program.h"

struct compile_options {
        /* Each optimisation has a switch; meaning never changes (tests/oracle runs with all on, all off, and each one
         * off). */
        bool no_matchers;               /* decide every string pattern by itself */
        bool no_dispatch;               /* try every first step of a kind */
        bool no_sharing;                /* no hash-consing of predicates and conditions */
};

/* Returns 0, *ret owned by the caller; -EBADMSG: over a budget, a diag names the path; -ENOMEM. */
int compile_policies(const struct policy_set *set, const struct compile_options *options, struct diag_set *diags,
                     struct program **ret);
