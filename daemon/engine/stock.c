/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stock.h"

#include <errno.h>
#include <sys/mman.h>

int stock_init(struct stock *stock, size_t item_bytes, size_t capacity) {
        assert(item_bytes >= sizeof(uint32_t));

        *stock = (struct stock){
                .item_bytes = item_bytes,
                .free = STOCK_NONE,
        };
        return stock_grow(stock, capacity);
}

void stock_done(struct stock *stock) {
        if (stock->items)
                munmap(stock->items, stock->item_bytes * stock->capacity);
        *stock = (struct stock){.free = STOCK_NONE};
}

int stock_grow(struct stock *stock, size_t capacity) {
        size_t bytes;
        void *items;

        if (capacity <= stock->capacity)
                return 0;
        if (capacity >= STOCK_NONE || __builtin_mul_overflow(capacity, stock->item_bytes, &bytes))
                return -ENOMEM;

        /* mmap, not malloc: what was never touched costs nothing, and growing moves pages, not bytes. */
        if (stock->items)
                items = mremap(stock->items, stock->item_bytes * stock->capacity, bytes, MREMAP_MAYMOVE);
        else
                items = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (items == MAP_FAILED)
                return -ENOMEM;

        stock->items = items;
        stock->capacity = capacity;
        return 0;
}
