/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Package index - which file belongs to which package: a keyed hash for each path, not the path.
 *
 * 8 bytes a file: 48 bits of the hash and the number of the package. Two paths in a million million share their bits,
 * and nobody outside can find out which. Filled step by step; adding a file costs the same whatever is there already,
 * but for the times when the table doubles; finished, it has no slot more than files. Pure. */

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/hashmap.h"

struct package {
        const char *name;               /* with an architecture if dpkg gives it one */
        const char *version;            /* NULL: not known */
};

struct package_index {
        uint64_t *slots;                /* owned; hash and number + 1; 0 is an empty one */
        size_t n_slots;                 /* a power of two, or 0; n_files once it is finished */
        size_t n_files;
        bool is_sorted;                 /* by hash: it is finished */
        ARRAY(struct package) packages; /* their texts are in the arena */
        struct hashmap by_name;         /* number + 1; until package_index_finish() */
        struct arena texts;
};

void package_index_init(struct package_index *index);
void package_index_done(struct package_index *index);

/* -ENOSPC: there are more than the index takes; -ENOMEM. */
int package_index_add(struct package_index *index, const char *name, size_t n, size_t *ret_number);
int package_index_add_file(struct package_index *index, uint64_t hash, size_t number);

/* The version of the package `name:arch`, or of `name` where there is none by that name. Of neither: 0. */
int package_index_set_version(struct package_index *index, const char *name, size_t n_name, const char *arch,
                              size_t n_arch, const char *version, size_t n_version);

/* Nothing is added any more: give back what that needs, most of all the empty slots. -ENOMEM: there was no memory even
 * for that; what was added is found all the same. */
int package_index_finish(struct package_index *index);

/* Whose file is it? NULL: of none. */
const struct package *package_index_find(const struct package_index *index, uint64_t hash);

size_t package_index_bytes(const struct package_index *index);
