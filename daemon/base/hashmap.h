/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hashmap - byte string to pointer, under a secret key, so that chosen keys do not collide on purpose.
 * Keys are borrowed: they must stay where they are, unchanged, while they are in the map (usually they lie in the
 * value). Values are borrowed and never NULL. Open addressing, removal leaves nothing behind. A map made by
 * hashmap_init() grows; one made by hashmap_init_fixed() takes all its memory there and then, never allocates again,
 * and refuses with -ENOSPC when it is full. The order of iteration is that of the secret: never let it reach anything
 * that is printed or reported. For integers see idmap.h. */

#include "base/macro.h"
#include "base/siphash.h"

struct hashmap_entry {
        uint64_t hash;
        const void *key;                /* borrowed; NULL is an empty slot */
        void *value;                    /* borrowed */
        size_t key_len;
};

struct hashmap {
        struct hashmap_entry *slots;    /* owned */
        size_t n_slots;                 /* a power of two, or 0 before the first use */
        size_t n;                       /* entries */
        size_t capacity;                /* of a fixed map: most entries; 0 if it grows */
        uint64_t n_refused;             /* puts that a full fixed map turned down */
        struct siphash_key hash_key;
};

/* A growing map allocates at its first put. -ENOMEM only from the fixed one. */
void hashmap_init(struct hashmap *map);
int hashmap_init_fixed(struct hashmap *map, size_t capacity);
void hashmap_done(struct hashmap *map);

/* Take all entries out, keep the memory. */
void hashmap_clear(struct hashmap *map);

/* The value, or NULL. */
void *hashmap_find(const struct hashmap *map, const void *key, size_t key_len);

/* 0 if it was added; -EEXIST if the key is there (the map is unchanged), -ENOSPC, -ENOMEM. key is not NULL. */
int hashmap_put(struct hashmap *map, const void *key, size_t key_len, void *value);

/* The value that was taken out, or NULL if the key was not there. */
void *hashmap_remove(struct hashmap *map, const void *key, size_t key_len);

/* The same with C strings as keys. */
static inline void *hashmap_find_str(const struct hashmap *map, const char *key) {
        return hashmap_find(map, key, strlen(key));
}
static inline int hashmap_put_str(struct hashmap *map, const char *key, void *value) {
        return hashmap_put(map, key, strlen(key), value);
}
static inline void *hashmap_remove_str(struct hashmap *map, const char *key) {
        return hashmap_remove(map, key, strlen(key));
}

/* Iteration: start with *position = 0; NULL at the end. The map must not change meanwhile. */
struct hashmap_entry *hashmap_next(const struct hashmap *map, size_t *position);

#define HASHMAP_FOREACH(entry, map)                                                                                    \
        for (size_t _position_##entry = 0, _once_##entry = 1; _once_##entry; _once_##entry = 0)                        \
                for (struct hashmap_entry * entry; (entry = hashmap_next(map, &_position_##entry));)
