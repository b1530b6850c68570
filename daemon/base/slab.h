/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Slab - items of one size that come and go, up to a bound.
 * Items never move, so they may point to each other. Memory is taken in chunks as it is needed, the given-back items
 * are used first, and nothing is returned before slab_done(): the peak is paid for, once, and a steady state allocates
 * nothing. */

#include "base/macro.h"

struct slab_chunk;
struct slab_item;

struct slab {
        struct slab_chunk *chunks;      /* owned; newest first */
        struct slab_item *free;         /* given back */
        size_t item_size;
        size_t n_used, capacity;        /* items */
        size_t n_carved;                /* items that were ever handed out */
        size_t n_room;                  /* items that the newest chunk has left */
        uint64_t n_refused;             /* full, or out of memory */
};

/* item_size > 0, capacity > 0. Does not allocate yet. */
void slab_init(struct slab *slab, size_t item_size, size_t capacity);
void slab_done(struct slab *slab);

/* A zeroed item, or NULL. */
void *slab_alloc(struct slab *slab);

/* From the same slab, or NULL. */
void slab_free(struct slab *slab, void *item);
