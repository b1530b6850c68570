/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Containers - which groups are those of containers, and since when: makes the `container` records of the stream.
 *
 * A container lives as long as its own control group does, whatever its runtime thinks of it: that group is the first
 * in a path that carries a runtime's kind of name (event/cgroup-path.h). What the runtime has written down of it is
 * read when the group is made, and only if root made it: a user who calls a group of his own after somebody's
 * container gets none of its names. Bounded: what finds no room is told all the same, but without name and image at its
 * end. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/idmap.h"
#include "event/encode.h"

#define CONTAINERS_MAX 4096

struct containers {
        struct idmap by_cgroup;         /* struct living; owned */
        const char *root;               /* borrowed; where the runtimes' files are, "" for / */
        uint64_t n_refused;             /* no room to remember one */
        uint64_t n_unreadable;          /* files that were there and could not be read, or made no sense */
};

void containers_init(struct containers *containers, const char *root);
void containers_done(struct containers *containers);

enum containers_event {
        CONTAINERS_STARTED,
        CONTAINERS_RUNNING,             /* before the daemon was */
};

/* A group has this name. True if it is a container's own that was not known, or is told once more as running: then
 * `record` is a `container` record, but for the header's actor and time, and finished by the caller. `is_roots`: root
 * made the group. */
bool containers_begin(struct containers *containers, enum containers_event event, uint64_t cgroup, const char *path,
                      size_t length, bool is_cut, bool is_roots, struct record *record);

/* A group is gone. True if a container ended with it, `record` as above. */
bool containers_end(struct containers *containers, uint64_t cgroup, const char *path, size_t length, bool is_cut,
                    struct record *record);

/* After a loss: one of those that are believed to live and of which is_there() says that they do not; 0: none. */
uint64_t containers_find_gone(const struct containers *containers, bool (*is_there)(uint64_t cgroup, void *userdata),
                              void *userdata);
