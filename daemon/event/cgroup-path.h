/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroup path - what the name of a control group says about the processes in it: systemd unit and slice, login session,
 * container and what runs it.
 *
 * What stands further up in the path was named by somebody with more privilege: below a unit or a container its owner
 * may make groups of any name. So unit, slice and container are those nearest to the root, and nobody leaves them by
 * calling a group of his own `ssh.service`. A name alone is still only a name: whoever may make groups anywhere may
 * make one that looks like a container. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What runs a container. */
enum container_runtime {
        CONTAINER_NONE,                 /* there is no container */
        CONTAINER_OTHER,                /* there is one, and its name does not tell */
        CONTAINER_DOCKER,
        CONTAINER_PODMAN,
        CONTAINER_CONTAINERD,
        CONTAINER_CRIO,
        CONTAINER_LXC,
        CONTAINER_NSPAWN,
        _CONTAINER_RUNTIME_MAX,
};

/* "docker", "podman", "containerd", "cri-o", "lxc", "nspawn"; "" for none, NULL for one that is not known. */
const char *container_runtime_to_string(enum container_runtime runtime);

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
        uint8_t runtime;                /* enum container_runtime */
        uint16_t container_end;         /* so much of the path is the container's own group: the rest is inside it */
        /* Known, also when known to be none: false only behind a cut. */
        bool has_unit, has_user_unit, has_slice, has_container;
};

/* Take a path apart. `name` has room for `length` or CGROUP_NAME_MAX bytes, whichever is less, and gets the container's
 * name; is_cut: the path goes on. */
#define CGROUP_NAME_MAX 256
void cgroup_parse(const char *path, size_t length, bool is_cut, struct cgroup_parts *ret, char *name);
