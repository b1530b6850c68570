/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hashmap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define HASHMAP_SLOTS_MIN 16

void hashmap_init(struct hashmap *map) {
        *map = (struct hashmap){.hash_key = *siphash_process_key()};
}

int hashmap_init_fixed(struct hashmap *map, size_t capacity) {
        size_t n_slots;

        assert(capacity > 0);

        hashmap_init(map);
        if (capacity > SIZE_MAX / 4 / sizeof(struct hashmap_entry))
                return -ENOMEM;

        /* At most three quarters full, so that a search for what is not there stays short. */
        n_slots = round_up_pow2(MAX(capacity + capacity / 3 + 1, (size_t)HASHMAP_SLOTS_MIN));
        map->slots = calloc(n_slots, sizeof(map->slots[0]));
        if (!map->slots)
                return -ENOMEM;

        map->n_slots = n_slots;
        map->capacity = capacity;
        return 0;
}

void hashmap_done(struct hashmap *map) {
        free(map->slots);
        *map = (struct hashmap){};
}

void hashmap_clear(struct hashmap *map) {
        if (map->slots)
                memset(map->slots, 0, map->n_slots * sizeof(map->slots[0]));
        map->n = 0;
}

/* The slot of this key, or the empty slot where it would go. There is always an empty slot. */
static struct hashmap_entry *hashmap_slot(const struct hashmap *map, uint64_t hash, const void *key, size_t key_len) {
        size_t mask = map->n_slots - 1;

        for (size_t i = hash & mask;; i = (i + 1) & mask) {
                struct hashmap_entry *e = &map->slots[i];

                if (!e->key)
                        return e;
                if (e->hash == hash && e->key_len == key_len && (key_len == 0 || memcmp(e->key, key, key_len) == 0))
                        return e;
        }
}

static int hashmap_grow(struct hashmap *map) {
        struct hashmap old = *map;
        size_t n_slots = old.n_slots > 0 ? old.n_slots * 2 : HASHMAP_SLOTS_MIN;
        size_t mask = n_slots - 1;
        struct hashmap_entry *slots;

        if (n_slots > SIZE_MAX / 2 / sizeof(slots[0]))
                return -ENOMEM;

        slots = calloc(n_slots, sizeof(slots[0]));
        if (!slots)
                return -ENOMEM;

        for (size_t i = 0; i < old.n_slots; i++) {
                size_t k = old.slots[i].hash & mask;

                if (!old.slots[i].key)
                        continue;
                while (slots[k].key)
                        k = (k + 1) & mask;
                slots[k] = old.slots[i];
        }

        free(old.slots);
        map->slots = slots;
        map->n_slots = n_slots;
        return 0;
}

void *hashmap_find(const struct hashmap *map, const void *key, size_t key_len) {
        assert(key);

        if (map->n == 0)
                return NULL;
        return hashmap_slot(map, siphash_table(key, key_len, &map->hash_key), key, key_len)->value;
}

int hashmap_put(struct hashmap *map, const void *key, size_t key_len, void *value) {
        struct hashmap_entry *e;
        uint64_t hash;
        int r;

        assert(key && value);

        hash = siphash_table(key, key_len, &map->hash_key);
        if (map->n_slots > 0 && hashmap_slot(map, hash, key, key_len)->key)
                return -EEXIST;

        if (map->capacity > 0) {
                if (map->n >= map->capacity) {
                        map->n_refused++;
                        return -ENOSPC;
                }
        } else if (map->n + map->n / 3 + 1 >= map->n_slots) {
                r = hashmap_grow(map);
                if (r < 0)
                        return r;
        }

        e = hashmap_slot(map, hash, key, key_len);
        *e = (struct hashmap_entry){.hash = hash, .key = key, .value = value, .key_len = key_len};
        map->n++;
        return 0;
}

void *hashmap_remove(struct hashmap *map, const void *key, size_t key_len) {
        size_t mask = map->n_slots - 1, hole;
        struct hashmap_entry *e;
        void *value;

        assert(key);

        if (map->n == 0)
                return NULL;

        e = hashmap_slot(map, siphash_table(key, key_len, &map->hash_key), key, key_len);
        if (!e->key)
                return NULL;
        value = e->value;

        /* Pull back every entry that the hole would cut off from the slot where its search starts (Knuth 6.4, R). */
        hole = e - map->slots;
        for (size_t i = (hole + 1) & mask; map->slots[i].key; i = (i + 1) & mask) {
                size_t home = map->slots[i].hash & mask;

                if (((i - home) & mask) < ((i - hole) & mask))
                        continue;
                map->slots[hole] = map->slots[i];
                hole = i;
        }

        map->slots[hole] = (struct hashmap_entry){};
        map->n--;
        return value;
}

struct hashmap_entry *hashmap_next(const struct hashmap *map, size_t *position) {
        while (*position < map->n_slots) {
                struct hashmap_entry *e = &map->slots[(*position)++];

                if (e->key)
                        return e;
        }
        return NULL;
}
