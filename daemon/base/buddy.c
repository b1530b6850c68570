/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buddy.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define BUDDY_FREE      0x80            /* beside a level: the block is on the list of that level */
#define BUDDY_INSIDE    0               /* not the first smallest block of anything: as pages are that nobody touched */

/* Lies in the free block itself. */
struct buddy_block {
        struct buddy_block *next, *previous;
};

/* What levels[] says of the first smallest block of a block. */
static uint8_t buddy_mark(unsigned level) {
        return level + 1;
}

int buddy_init(struct buddy *buddy, size_t size_bytes) {
        *buddy = (struct buddy){};

        if (size_bytes > (SIZE_MAX >> 2) || size_bytes > (UINT64_C(1) << (BUDDY_SHIFT_MIN + BUDDY_LEVELS_MAX - 1)))
                return -ENOMEM;

        buddy->size = round_up_pow2(MAX(size_bytes, (size_t)4096));
        buddy->n_levels = __builtin_ctzll(buddy->size) - BUDDY_SHIFT_MIN + 1;
        buddy->levels = calloc(buddy->size >> BUDDY_SHIFT_MIN, 1);
        if (!buddy->levels)
                return -ENOMEM;

        /* mmap, not malloc: what was never touched is never paid for, and buddies are aligned to their size from the
         * start. */
        buddy->region =
                mmap(NULL, buddy->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (buddy->region == MAP_FAILED) {
                buddy->region = NULL;
                free(buddy->levels);
                buddy->levels = NULL;
                return -ENOMEM;
        }

        buddy->levels[0] = buddy_mark(buddy->n_levels - 1) | BUDDY_FREE;
        buddy->free[buddy->n_levels - 1] = (struct buddy_block *)buddy->region;
        buddy->free[buddy->n_levels - 1]->next = buddy->free[buddy->n_levels - 1]->previous = NULL;
        return 0;
}

void buddy_done(struct buddy *buddy) {
        if (buddy->region)
                munmap(buddy->region, buddy->size);
        free(buddy->levels);
        *buddy = (struct buddy){};
}

static unsigned buddy_level(size_t n) {
        return n <= (1u << BUDDY_SHIFT_MIN) ? 0 : 64 - __builtin_clzll(n - 1) - BUDDY_SHIFT_MIN;
}

size_t buddy_block_size(size_t n) {
        return (size_t)1 << (buddy_level(n) + BUDDY_SHIFT_MIN);
}

static size_t buddy_number(const struct buddy *buddy, const void *p) {
        return ((const char *)p - buddy->region) >> BUDDY_SHIFT_MIN;
}

static void buddy_push(struct buddy *buddy, unsigned level, void *p) {
        struct buddy_block *b = p;

        b->previous = NULL;
        b->next = buddy->free[level];
        if (b->next)
                b->next->previous = b;
        buddy->free[level] = b;
        buddy->levels[buddy_number(buddy, p)] = buddy_mark(level) | BUDDY_FREE;
}

static void buddy_unlink(struct buddy *buddy, unsigned level, struct buddy_block *b) {
        if (b->previous)
                b->previous->next = b->next;
        else
                buddy->free[level] = b->next;
        if (b->next)
                b->next->previous = b->previous;
        buddy->levels[buddy_number(buddy, b)] = BUDDY_INSIDE;
}

void *buddy_alloc(struct buddy *buddy, size_t n) {
        unsigned want, level;
        char *p;

        assert(n > 0);

        want = n > buddy->size ? buddy->n_levels : buddy_level(n);
        for (level = want; level < buddy->n_levels && !buddy->free[level]; level++)
                ;
        if (level >= buddy->n_levels) {
                buddy->n_refused++;
                return NULL;
        }

        p = (char *)buddy->free[level];
        buddy_unlink(buddy, level, (struct buddy_block *)p);
        while (level > want) {
                level--;
                buddy_push(buddy, level, p + ((size_t)1 << (level + BUDDY_SHIFT_MIN)));
        }

        buddy->levels[buddy_number(buddy, p)] = buddy_mark(want);
        buddy->used_bytes += (size_t)1 << (want + BUDDY_SHIFT_MIN);
        return p;
}

void buddy_free(struct buddy *buddy, void *p) {
        size_t number;
        unsigned level;

        if (!p)
                return;

        number = buddy_number(buddy, p);
        level = buddy->levels[number] - buddy_mark(0);
        assert(level < buddy->n_levels);        /* a double free, or not ours */
        buddy->used_bytes -= (size_t)1 << (level + BUDDY_SHIFT_MIN);

        for (; level + 1 < buddy->n_levels; level++) {
                size_t neighbour = number ^ ((size_t)1 << level);

                if (buddy->levels[neighbour] != (buddy_mark(level) | BUDDY_FREE))
                        break;
                buddy_unlink(buddy, level, (struct buddy_block *)(buddy->region + (neighbour << BUDDY_SHIFT_MIN)));
                buddy->levels[number] = BUDDY_INSIDE;
                number &= ~((size_t)1 << level);
        }

        buddy_push(buddy, level, buddy->region + (number << BUDDY_SHIFT_MIN));
}

/* Of so many smallest blocks: the largest block that can begin the row. The rest follows it aligned, being smaller. */
static unsigned buddy_first_of(size_t n_smallest) {
        return 63 - __builtin_clzll(n_smallest);
}

static size_t buddy_smallest(size_t n) {
        return (n + (1u << BUDDY_SHIFT_MIN) - 1) >> BUDDY_SHIFT_MIN;
}

void *buddy_alloc_tight(struct buddy *buddy, size_t n) {
        size_t left = buddy_smallest(n), number, end;
        char *p = buddy_alloc(buddy, n);
        unsigned level;

        if (!p)
                return NULL;
        number = buddy_number(buddy, p);
        end = number + (buddy_block_size(n) >> BUDDY_SHIFT_MIN);
        for (; left > 0; left -= (size_t)1 << level, number += (size_t)1 << level) {
                level = buddy_first_of(left);
                buddy->levels[number] = buddy_mark(level);
        }
        /* What is behind it is made of blocks that grow: each begins where its own size divides. */
        buddy->used_bytes -= (end - number) << BUDDY_SHIFT_MIN;
        for (; number < end; number += (size_t)1 << level) {
                level = __builtin_ctzll(number);
                buddy_push(buddy, level, buddy->region + (number << BUDDY_SHIFT_MIN));
        }
        return p;
}

void buddy_free_tight(struct buddy *buddy, void *p, size_t n) {
        size_t left = p ? buddy_smallest(n) : 0;

        for (char *at = p; left > 0;) {
                size_t some = (size_t)1 << buddy_first_of(left);

                buddy_free(buddy, at);
                at += some << BUDDY_SHIFT_MIN;
                left -= some;
        }
}
