/* SPDX-License-Identifier: Apache-2.0 */
/* Ranking - numbered things in order of a key and, among equal keys, of a second number: who is first, who leaves.
 *
 * A heap of four branches beside an array that says where each thing is, so that any of them can be moved or taken out.
 * Deadlines are ranked by it, and so are the groups of runs by how many they are. Pure, fixed capacity. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANKING_NONE UINT32_MAX

struct ranking_entry {
        uint64_t key, order;
        uint32_t id;
};

struct ranking {
        struct ranking_entry *entries;  /* owned */
        uint32_t *where;                /* owned; by id: place in entries, from 1; 0: not in it */
        uint32_t n;
        uint32_t capacity;              /* ids are smaller */
};

int ranking_init(struct ranking *ranking, size_t capacity);     /* -ENOMEM */
void ranking_done(struct ranking *ranking);
int ranking_grow(struct ranking *ranking, size_t capacity);     /* -ENOMEM: unchanged */

/* Add it, or give it another key. */
void ranking_set(struct ranking *ranking, uint32_t id, uint64_t key, uint64_t order);

/* Take it out; one that is not in it is left alone. */
void ranking_remove(struct ranking *ranking, uint32_t id);

/* The smallest key, of these the smallest order; RANKING_NONE if there is nothing. */
static inline uint32_t ranking_first(const struct ranking *ranking) {
        return ranking->n > 0 ? ranking->entries[0].id : RANKING_NONE;
}

/* Its key; UINT64_MAX if there is nothing. */
static inline uint64_t ranking_first_key(const struct ranking *ranking) {
        return ranking->n > 0 ? ranking->entries[0].key : UINT64_MAX;
}
