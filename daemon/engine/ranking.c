/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/ranking.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define BRANCHES 4

int ranking_init(struct ranking *ranking, size_t capacity) {
        *ranking = (struct ranking){};
        return ranking_grow(ranking, capacity);
}

void ranking_done(struct ranking *ranking) {
        free(ranking->entries);
        free(ranking->where);
        *ranking = (struct ranking){};
}

int ranking_grow(struct ranking *ranking, size_t capacity) {
        struct ranking_entry *entries;
        uint32_t *where;

        if (capacity <= ranking->capacity)
                return 0;

        /* calloc, not realloc: what was never touched costs nothing. */
        entries = calloc(capacity, sizeof(*entries));
        where = calloc(capacity, sizeof(*where));
        if (!entries || !where) {
                free(entries);
                free(where);
                return -ENOMEM;
        }

        if (ranking->n > 0)
                memcpy(entries, ranking->entries, ranking->n * sizeof(*entries));
        for (uint32_t i = 0; i < ranking->n; i++)
                where[entries[i].id] = i + 1;
        free(ranking->entries);
        free(ranking->where);
        ranking->entries = entries;
        ranking->where = where;
        ranking->capacity = capacity;
        return 0;
}

static inline bool ranking_before(const struct ranking_entry *a, const struct ranking_entry *b) {
        return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static inline void ranking_put(struct ranking *ranking, uint32_t place, const struct ranking_entry *entry) {
        ranking->entries[place] = *entry;
        ranking->where[entry->id] = place + 1;
}

static void ranking_up(struct ranking *ranking, uint32_t place, struct ranking_entry entry) {
        while (place > 0) {
                uint32_t parent = (place - 1) / BRANCHES;

                if (!ranking_before(&entry, &ranking->entries[parent]))
                        break;
                ranking_put(ranking, place, &ranking->entries[parent]);
                place = parent;
        }
        ranking_put(ranking, place, &entry);
}

static void ranking_down(struct ranking *ranking, uint32_t place, struct ranking_entry entry) {
        for (;;) {
                uint32_t first = place * BRANCHES + 1, best;

                if (first >= ranking->n)
                        break;
                best = first;
                for (uint32_t i = first + 1; i < MIN(first + BRANCHES, ranking->n); i++)
                        if (ranking_before(&ranking->entries[i], &ranking->entries[best]))
                                best = i;
                if (!ranking_before(&ranking->entries[best], &entry))
                        break;
                ranking_put(ranking, place, &ranking->entries[best]);
                place = best;
        }
        ranking_put(ranking, place, &entry);
}

static void ranking_place(struct ranking *ranking, uint32_t place, const struct ranking_entry *entry) {
        if (place > 0 && ranking_before(entry, &ranking->entries[(place - 1) / BRANCHES]))
                ranking_up(ranking, place, *entry);
        else
                ranking_down(ranking, place, *entry);
}

void ranking_set(struct ranking *ranking, uint32_t id, uint64_t key, uint64_t order) {
        const struct ranking_entry entry = {key, order, id};

        assert(id < ranking->capacity);
        if (ranking->where[id] == 0)
                ranking_up(ranking, ranking->n++, entry);
        else
                ranking_place(ranking, ranking->where[id] - 1, &entry);
}

void ranking_remove(struct ranking *ranking, uint32_t id) {
        struct ranking_entry last;
        uint32_t place;

        assert(id < ranking->capacity);
        if (ranking->where[id] == 0)
                return;

        place = ranking->where[id] - 1;
        ranking->where[id] = 0;
        last = ranking->entries[--ranking->n];
        if (last.id != id)
                ranking_place(ranking, place, &last);
}
