/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hierarchy - which hierarchy tells units apart on this host, and the names in it.
 *
 * On v2 it is v2. A host with both kinds of hierarchies may keep all processes in the root of v2: then it is v1's
 * name=systemd. The programs in the kernel are told which, so that ids and names agree. Names of new cgroups come from
 * the kernel as they are made; here are those that existed before, and the ones whose record was lost. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/idmap.h"

#define HIERARCHY_MAX 65536

struct hierarchy {
        char *mount;                    /* owned; where the hierarchy is; NULL: nowhere, and there are no names */
        char *v2;                       /* owned; where v2 is, which need not be the same; NULL: nowhere */
        int mount_fd;
        bool named;                     /* name=systemd of v1 */
        struct idmap known;             /* ids whose name was told; forgotten all at once when full */
        uint64_t last_id;               /* of the last record: nearly always the next one's, too */
};

/* Find the hierarchy. Only out of memory is an error. */
int hierarchy_init(struct hierarchy *hierarchy);
void hierarchy_done(struct hierarchy *hierarchy);

typedef void (*hierarchy_each)(uint64_t id, const char *path, void *userdata);

/* Tell every cgroup there is, from the root down, and remember it as known. Returns how many, bounded by HIERARCHY_MAX.
 */
size_t hierarchy_scan(struct hierarchy *hierarchy, hierarchy_each each, void *userdata);

/* The same, whatever is known, and nothing is remembered. */
size_t hierarchy_list(struct hierarchy *hierarchy, hierarchy_each each, void *userdata);

/* From here on no name is known: all are told again. */
void hierarchy_forget(struct hierarchy *hierarchy);

/* Is the name of this one known? If not it is from now on. */
bool hierarchy_see(struct hierarchy *hierarchy, uint64_t id);

/* Did root make it? Whoever owns the group around it could; it may have been given away since. False also if it is
 * gone. */
bool hierarchy_is_roots(const struct hierarchy *hierarchy, uint64_t id);

/* Ask the kernel for its name: a path below the hierarchy's root, in memory of the caller. -ESTALE or -ENOENT: it is
 * gone. */
int hierarchy_name(const struct hierarchy *hierarchy, uint64_t id, char *buffer, size_t size);
