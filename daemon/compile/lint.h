/* SPDX-License-Identifier: Apache-2.0 */
/* Lint - what is legal and surely not meant.
 *
 * A pass of its own over checked trees: it changes nothing, the daemon does not run it, and it errs on the side of
 * silence. What can be seen of one comparison alone (an unanchored path, a decimal mode, an expired exception) sema
 * says; here is what takes more than that: what other steps say, what an event costs, what a regex can be made to do.
 * Pure. */
#pragma once

#include "base/diag.h"
#include "policy/policy-set.h"

/* Only warnings. 0 or -ENOMEM. */
int lint_policies(const struct policy_set *set, struct diag_set *diags);
