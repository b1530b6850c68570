/* SPDX-License-Identifier: Apache-2.0 */
/* Stock - a fixed number of equal things, taken and given back by number.
 *
 * Numbers are half as long as pointers and stay good when the stock grows (only engine_swap() lets it). The memory is
 * reserved at once and paid for when it is first touched: things that were given back are taken again before fresh
 * ones. Things come as they were left, not zeroed. Pure. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define STOCK_NONE UINT32_MAX

struct stock {
        char *items;                    /* owned, from mmap() */
        size_t item_bytes;
        uint32_t capacity;
        uint32_t n_touched;             /* from here on nothing was ever taken */
        uint32_t n_used;
        uint32_t free;                  /* the one that was given back last: its first four bytes are the next */
};

/* item_bytes >= 4. -ENOMEM. */
int stock_init(struct stock *stock, size_t item_bytes, size_t capacity);
void stock_done(struct stock *stock);

/* Room for `capacity` things; never shrinks. -ENOMEM leaves everything as it was. */
int stock_grow(struct stock *stock, size_t capacity);

static inline void *stock_at(const struct stock *stock, uint32_t number) {
        return stock->items + number * stock->item_bytes;
}

/* STOCK_NONE if all are in use. */
static inline uint32_t stock_take(struct stock *stock) {
        uint32_t number = stock->free;

        if (number != STOCK_NONE)
                stock->free = *(uint32_t *)stock_at(stock, number);
        else if (stock->n_touched < stock->capacity)
                number = stock->n_touched++;
        else
                return STOCK_NONE;

        stock->n_used++;
        return number;
}

static inline void stock_give(struct stock *stock, uint32_t number) {
        assert(number < stock->n_touched);

        *(uint32_t *)stock_at(stock, number) = stock->free;
        stock->free = number;
        stock->n_used--;
}
