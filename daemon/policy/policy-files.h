/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files - from places to texts: which files there are, which of them stand, and what they hold.
 *
 * The only part of the room that reads files; nothing in them is looked into here. See policy-set.h for what a place
 * is and what masks what. */
#pragma once

#include "policy/policy-set.h"

struct policy_files {
        struct policy_origin *origins;  /* arena: in order of place, then of name */
        size_t n_texts;                 /* that were read, drop-ins among them */
        size_t n_masked;                /* or switched off */
        int first_error;                /* the first that was reported about reading, or 0 */
};

/* Faults are reported, and reading goes on. 0, or -ENOMEM. `options` may not be NULL. */
int policy_files_read(const char *const *places, size_t n_places, const struct policy_options *options,
                      struct arena *arena, struct diag_set *diags, struct policy_files *ret);
