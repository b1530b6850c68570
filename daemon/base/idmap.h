/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Idmap - 64-bit number to pointer: the hashmap for pids, cgroup ids and hashes, half the size and without a key to
 * compare. Numbers are hashed under a secret key, for pids and inodes can be chosen too. Values are borrowed and never
 * NULL. idmap_init() grows; idmap_init_fixed() takes all its memory at once, never allocates again, and refuses with
 * -ENOSPC when it is full. The order of iteration is that of the secret: never let it reach anything that is printed.
 */

#include "base/macro.h"
#include "base/siphash.h"

struct idmap_entry {
        uint64_t id;
        void *value;                    /* borrowed; NULL is an empty slot */
};

struct idmap {
        struct idmap_entry *slots;      /* owned */
        size_t n_slots;                 /* a power of two, or 0 before the first use */
        size_t n;                       /* entries */
        size_t capacity;                /* of a fixed map: most entries; 0 if it grows */
        uint64_t n_refused;             /* puts that a full fixed map turned down */
        struct siphash_key hash_key;
};

void idmap_init(struct idmap *map);
int idmap_init_fixed(struct idmap *map, size_t capacity);
void idmap_done(struct idmap *map);

/* Take all entries out, keep the memory. */
void idmap_clear(struct idmap *map);

/* The value, or NULL. */
void *idmap_find(const struct idmap *map, uint64_t id);

/* 0 if it was added; -EEXIST if the id is there (the map is unchanged), -ENOSPC, -ENOMEM. */
int idmap_put(struct idmap *map, uint64_t id, void *value);

/* Add, or change the value of what is there; the old value, or NULL, in *ret_old (may be NULL). 0, -ENOSPC, -ENOMEM. */
int idmap_replace(struct idmap *map, uint64_t id, void *value, void **ret_old);

/* The value that was taken out, or NULL if the id was not there. */
void *idmap_remove(struct idmap *map, uint64_t id);

/* Iteration: start with *position = 0; NULL at the end. The map must not change meanwhile. */
struct idmap_entry *idmap_next(const struct idmap *map, size_t *position);

#define IDMAP_FOREACH(entry, map)                                                                                      \
        for (size_t _position_##entry = 0, _once_##entry = 1; _once_##entry; _once_##entry = 0)                        \
                for (struct idmap_entry * entry; (entry = idmap_next(map, &_position_##entry));)
