/* SPDX-License-Identifier: Apache-2.0 */
/* Group filter - which uses of a prefilter are left of who is in a cgroup, by what the cgroup is called. Names are
 * looked at here, and not in the kernel: once for each cgroup and set of policies. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "event/prefilter.h"

#define GROUP_FILTER_KINDS 64           /* by enum wire_kind: all that a kernel tells are below */

struct group_filter;

/* Is the dimension about cgroups? */
bool group_filter_looks(enum prefilter_dimension dimension);

/* What it needs is copied. *ret is NULL if no use looks at cgroups, and with -ENOMEM. */
int group_filter_new(const struct prefilter *prefilter, struct group_filter **ret);
struct group_filter *group_filter_free(struct group_filter *filter);
DEFINE_CLEANUP(struct group_filter *, group_filter_free)

/* By kind, of the cgroup with this path; `cut`: the path goes on. What is not known, as behind a cut, leaves all. */
void group_filter_uses(const struct group_filter *filter, const char *path, size_t length, bool cut,
                       uint64_t ret[static GROUP_FILTER_KINDS]);
