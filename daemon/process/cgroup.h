/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroup - what the name of a control group says about the processes in it: systemd unit and slice, login session,
 * container.
 *
 * Worked out from the path alone, once, when the stream tells the name. What stands further up in the path was named by
 * somebody with more privilege: below a unit or a container its owner may make groups of any name. So unit, slice and
 * container are those nearest to the root, and nobody leaves them by calling a group of his own `ssh.service`. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/idmap.h"
#include "base/slab.h"

/* A part of the path, or a name made from it. length 0: there is none. */
struct cgroup_part {
        uint16_t offset;                /* into the path, or into the name for container */
        uint16_t length;
};

struct cgroup_parts {
        struct cgroup_part unit;        /* the system manager's: "nginx.service", "session-3.scope" */
        struct cgroup_part user_unit;   /* below user@UID.service that user's manager's: "app-firefox-42.scope" */
        struct cgroup_part slice;       /* that the unit is in: "system.slice" */
        struct cgroup_part container;   /* 64 hex digits for most engines, the name for LXC and systemd-nspawn */
        struct cgroup_part session;     /* of "session-3.scope": "3" */
        uint32_t uid;                   /* of "user-1000.slice" */
        bool has_uid;
        /* Known, also when known to be none: false only behind a cut. */
        bool has_unit, has_user_unit, has_slice, has_container;
};

struct cgroup {
        uint64_t id;
        const char *path;               /* owned; ended by NUL that is not counted */
        const char *container;          /* the container's name without escapes, in the same block */
        uint32_t path_length;
        bool cut;                       /* the path is only a prefix */
        struct cgroup_parts parts;
        uint32_t n_processes;           /* that are in it, running or kept: it stays as long */
        struct cgroup *next, *previous; /* among those without processes, longest first */
};

/* Take a path apart. `name` has room for `length` or CGROUP_NAME_MAX bytes, whichever is less, and gets the container's
 * name; is_cut: the path goes on. */
#define CGROUP_NAME_MAX 256
void cgroup_parse(const char *path, size_t length, bool is_cut, struct cgroup_parts *ret, char *name);

struct cgroups {
        struct idmap by_id;
        struct slab slab;
        struct cgroup *idle_first, *idle_last;
        uint64_t n_refused, n_evicted;
};

void cgroups_init(struct cgroups *cgroups, size_t max_cgroups);
void cgroups_done(struct cgroups *cgroups);

/* NULL if not known. */
struct cgroup *cgroups_find(const struct cgroups *cgroups, uint64_t id);

/* Learn the name of one; a known one gets the new name, where it lies. Full: the one longest without a process goes.
 * 0, -ENOSPC, -ENOMEM. */
int cgroups_add(struct cgroups *cgroups, uint64_t id, const char *path, size_t length, bool is_cut);

/* A process has come or gone. */
void cgroups_ref(struct cgroups *cgroups, struct cgroup *cgroup);
void cgroups_unref(struct cgroups *cgroups, struct cgroup *cgroup);
