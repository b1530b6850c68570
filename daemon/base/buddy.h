/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Buddy - variable-sized blocks out of one fixed region, without ever asking for more.
 * Block sizes are powers of two from 64 bytes to the region; a freed block joins its free neighbour again, so no order
 * of sizes can eat the region up for good. Both directions cost O(log size). After Knowlton (1965), Knuth 2.5.
 * Pages that were never used cost no memory. Memory is not zeroed. */

#include "base/macro.h"

#define BUDDY_SHIFT_MIN 6
#define BUDDY_LEVELS_MAX 32

struct buddy_block;

struct buddy {
        char *region;                   /* owned, from mmap() */
        uint8_t *levels;                /* owned; per smallest block: what begins there, 0 nothing */
        size_t size;                    /* of the region, a power of two */
        size_t used_bytes;              /* in blocks that are handed out, whole */
        unsigned n_levels;              /* level k has blocks of 64 << k bytes */
        struct buddy_block *free[BUDDY_LEVELS_MAX];
        uint64_t n_refused;
};

/* size_bytes is rounded up to a power of two of at least a page. -ENOMEM. */
int buddy_init(struct buddy *buddy, size_t size_bytes);
void buddy_done(struct buddy *buddy);

/* At least n bytes (n > 0), aligned to 64; NULL and one more n_refused if there is no block that large. */
void *buddy_alloc(struct buddy *buddy, size_t n);

/* p is from buddy_alloc() of the same buddy, or NULL. */
void buddy_free(struct buddy *buddy, void *p);

/* What an allocation of n bytes really takes. */
size_t buddy_block_size(size_t n);

/* The same, but what is beyond the last 64 bytes is given back at once: several blocks in a row, for what is of any
 * size and stays long. To be freed as it was allocated, with the same n. */
void *buddy_alloc_tight(struct buddy *buddy, size_t n);
void buddy_free_tight(struct buddy *buddy, void *p, size_t n);
