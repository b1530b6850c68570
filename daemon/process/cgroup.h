/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroup - the control groups that are known by name, and the containers among them.
 *
 * What a name says is worked out once, when the stream tells it (event/cgroup-path.h). What a runtime has written down
 * of a container comes in `container` records. It belongs to one group and to those inside it, found by the path and
 * never by the id in it: a group of the same name elsewhere is not that container. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hashmap.h"
#include "base/idmap.h"
#include "base/slab.h"
#include "event/cgroup-path.h"

#define CONTAINER_TEXT_MAX 1024         /* bytes of a name or image; longer ones are cut */

/* What the stream told of a container: texts that are known, cut or unknown. */
struct container_text {
        char *bytes;                    /* owned; NULL: unknown */
        uint32_t length;
        bool cut;
};

struct container {
        char *path;                     /* owned; of its group: the key */
        size_t path_length;
        struct container_text runtime, name, image;
        uint32_t n_groups;              /* that are known: it stays as long */
};

struct cgroup {
        uint64_t id;
        const char *path;               /* owned; ended by NUL that is not counted */
        const char *container;          /* the container's name without escapes, in the same block */
        uint32_t path_length;
        bool cut;                       /* the path is only a prefix */
        struct cgroup_parts parts;
        struct container *of;           /* the container that it is or lies in; NULL: none, or no memory for it */
        uint32_t n_processes;           /* that are in it, running or kept: it stays as long */
        struct cgroup *next, *previous; /* among those without processes, longest first */
};

struct cgroups {
        struct idmap by_id;
        struct slab slab;
        struct hashmap containers;      /* by path; never more than there are groups */
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

struct value;

/* Learn what runs in the container whose own group this is; what is unknown stays as it was. Nothing if it is not the
 * group of a container, or not known. 0 or -ENOMEM. */
int cgroups_tell(struct cgroups *cgroups, uint64_t id, const struct value *runtime, const struct value *name,
                 const struct value *image);

/* A process has come or gone. */
void cgroups_ref(struct cgroups *cgroups, struct cgroup *cgroup);
void cgroups_unref(struct cgroups *cgroups, struct cgroup *cgroup);
