/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"

#include <assert.h>
#include <stdlib.h>

/* Large enough to be worth a call, small enough that a quiet host does not pay for a busy one. */
#define SLAB_CHUNK_BYTES 32768
#define SLAB_ALIGN 16

struct slab_chunk {
        struct slab_chunk *next;
        size_t n_items;
        char items[] __attribute__((aligned(SLAB_ALIGN)));
};

struct slab_item {
        struct slab_item *next;
};

void slab_init(struct slab *slab, size_t item_size, size_t capacity) {
        assert(item_size > 0 && item_size <= SLAB_CHUNK_BYTES && capacity > 0);

        *slab = (struct slab){
                .item_size = ALIGN_UP(item_size, (size_t)SLAB_ALIGN),
                .capacity = capacity,
        };
}

void slab_done(struct slab *slab) {
        for (struct slab_chunk *chunk = slab->chunks, *next; chunk; chunk = next) {
                next = chunk->next;
                free(chunk);
        }
        *slab = (struct slab){};
}

static bool slab_grow(struct slab *slab) {
        size_t n_items = MIN(SLAB_CHUNK_BYTES / slab->item_size, slab->capacity - slab->n_carved);
        struct slab_chunk *chunk;

        chunk = malloc(sizeof(*chunk) + n_items * slab->item_size);
        if (!chunk)
                return false;

        chunk->next = slab->chunks;
        chunk->n_items = n_items;
        slab->chunks = chunk;
        slab->n_room = n_items;
        return true;
}

void *slab_alloc(struct slab *slab) {
        void *item;

        if (slab->free) {
                item = slab->free;
                slab->free = slab->free->next;
        } else if (slab->n_used < slab->capacity && (slab->n_room > 0 || slab_grow(slab))) {
                item = slab->chunks->items + (slab->chunks->n_items - slab->n_room) * slab->item_size;
                slab->n_room--;
                slab->n_carved++;
        } else {
                slab->n_refused++;
                return NULL;
        }

        slab->n_used++;
        return memset(item, 0, slab->item_size);
}

void slab_free(struct slab *slab, void *item) {
        struct slab_item *i = item;

        if (!i)
                return;

        assert(slab->n_used > 0);
        i->next = slab->free;
        slab->free = i;
        slab->n_used--;
}
