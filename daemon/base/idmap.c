/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idmap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define IDMAP_SLOTS_MIN 16

void idmap_init(struct idmap *map) {
        *map = (struct idmap){.hash_key = *siphash_process_key()};
}

int idmap_init_fixed(struct idmap *map, size_t capacity) {
        size_t n_slots;

        assert(capacity > 0);

        idmap_init(map);
        if (capacity > SIZE_MAX / 4 / sizeof(struct idmap_entry))
                return -ENOMEM;

        n_slots = round_up_pow2(MAX(capacity + capacity / 3 + 1, (size_t)IDMAP_SLOTS_MIN));
        map->slots = calloc(n_slots, sizeof(map->slots[0]));
        if (!map->slots)
                return -ENOMEM;

        map->n_slots = n_slots;
        map->capacity = capacity;
        return 0;
}

void idmap_done(struct idmap *map) {
        free(map->slots);
        *map = (struct idmap){};
}

void idmap_clear(struct idmap *map) {
        if (map->slots)
                memset(map->slots, 0, map->n_slots * sizeof(map->slots[0]));
        map->n = 0;
}

static inline size_t idmap_home(const struct idmap *map, uint64_t id) {
        return siphash_table_u64(id, &map->hash_key) & (map->n_slots - 1);
}

/* The slot of this id, or the empty slot where it would go. There is always an empty slot. */
static struct idmap_entry *idmap_slot(const struct idmap *map, uint64_t id) {
        size_t mask = map->n_slots - 1;

        for (size_t i = idmap_home(map, id);; i = (i + 1) & mask) {
                struct idmap_entry *e = &map->slots[i];

                if (!e->value || e->id == id)
                        return e;
        }
}

static int idmap_grow(struct idmap *map) {
        struct idmap_entry *old = map->slots, *slots;
        size_t n_old = map->n_slots, n_slots = n_old > 0 ? n_old * 2 : IDMAP_SLOTS_MIN;

        if (n_slots > SIZE_MAX / 2 / sizeof(slots[0]))
                return -ENOMEM;

        slots = calloc(n_slots, sizeof(slots[0]));
        if (!slots)
                return -ENOMEM;

        map->slots = slots;
        map->n_slots = n_slots;
        for (size_t i = 0; i < n_old; i++)
                if (old[i].value)
                        *idmap_slot(map, old[i].id) = old[i];
        free(old);
        return 0;
}

void *idmap_find(const struct idmap *map, uint64_t id) {
        if (map->n == 0)
                return NULL;
        return idmap_slot(map, id)->value;
}

int idmap_replace(struct idmap *map, uint64_t id, void *value, void **ret_old) {
        struct idmap_entry *e = NULL;
        void *old = NULL;
        int r;

        assert(value);

        if (map->n_slots > 0) {
                e = idmap_slot(map, id);
                old = e->value;
        }

        if (!old) {
                if (map->capacity > 0) {
                        if (map->n >= map->capacity) {
                                map->n_refused++;
                                return -ENOSPC;
                        }
                } else if (map->n + map->n / 3 + 1 >= map->n_slots) {
                        r = idmap_grow(map);
                        if (r < 0)
                                return r;
                        e = idmap_slot(map, id);
                }
                map->n++;
        }

        *e = (struct idmap_entry){.id = id, .value = value};
        if (ret_old)
                *ret_old = old;
        return 0;
}

int idmap_put(struct idmap *map, uint64_t id, void *value) {
        if (idmap_find(map, id))
                return -EEXIST;
        return idmap_replace(map, id, value, NULL);
}

void *idmap_remove(struct idmap *map, uint64_t id) {
        size_t mask = map->n_slots - 1, hole;
        struct idmap_entry *e;
        void *value;

        if (map->n == 0)
                return NULL;

        e = idmap_slot(map, id);
        if (!e->value)
                return NULL;
        value = e->value;

        /* As in hashmap_remove(), but the home of an entry is computed: a stored hash would double its size. */
        hole = e - map->slots;
        for (size_t i = (hole + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
                size_t home = idmap_home(map, map->slots[i].id);

                if (((i - home) & mask) < ((i - hole) & mask))
                        continue;
                map->slots[hole] = map->slots[i];
                hole = i;
        }

        map->slots[hole] = (struct idmap_entry){};
        map->n--;
        return value;
}

struct idmap_entry *idmap_next(const struct idmap *map, size_t *position) {
        while (*position < map->n_slots) {
                struct idmap_entry *e = &map->slots[(*position)++];

                if (e->value)
                        return e;
        }
        return NULL;
}
