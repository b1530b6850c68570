/* SPDX-License-Identifier: Apache-2.0 */
#include "report/package-index.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_PACKAGES 32768U             /* a number fits 16 bits */
#define MAX_FILES (1U << 20)
#define MAX_TEXT_BYTES ((size_t)8 << 20)        /* names and versions */
#define FIRST_SLOTS 32768U

#define NUMBER_BITS 16
#define NUMBER_MASK ((UINT64_C(1) << NUMBER_BITS) - 1)

void package_index_init(struct package_index *index) {
        *index = (struct package_index){};
        hashmap_init(&index->by_name);
        arena_init(&index->texts, MAX_TEXT_BYTES);
}

void package_index_done(struct package_index *index) {
        free(index->slots);
        array_done(&index->packages);
        hashmap_done(&index->by_name);
        arena_done(&index->texts);
        *index = (struct package_index){};
}

int package_index_add(struct package_index *index, const char *name, size_t n, size_t *ret_number) {
        size_t number = index->packages.n;
        struct package package;
        int r;

        if (number >= MAX_PACKAGES)
                return -ENOSPC;
        package = (struct package){.name = arena_strndup(&index->texts, name, n)};
        if (!package.name)
                return -ENOMEM;
        r = array_push(&index->packages, package);
        if (r < 0)
                return r;
        r = hashmap_put(&index->by_name, package.name, n, (void *)(uintptr_t)(number + 1));
        if (r < 0)
                return r;
        *ret_number = number;
        return 0;
}

/* Where the hash is, or would be. The highest bits choose the slot, so that the table is almost sorted. */
static uint64_t *slot_of(uint64_t *slots, size_t n_slots, uint64_t hash) {
        size_t i = hash >> (64 - (unsigned)__builtin_ctzll(n_slots));

        while (slots[i] != 0 && (slots[i] ^ hash) >> NUMBER_BITS)
                i = (i + 1) & (n_slots - 1);
        return slots + i;
}

static int grow(struct package_index *index) {
        size_t n_slots = index->n_slots > 0 ? index->n_slots * 2 : FIRST_SLOTS;
        uint64_t *slots = calloc(n_slots, sizeof(*slots));

        if (!slots)
                return -ENOMEM;
        for (size_t i = 0; i < index->n_slots; i++)
                if (index->slots[i] != 0)
                        *slot_of(slots, n_slots, index->slots[i]) = index->slots[i];
        free(index->slots);
        index->slots = slots;
        index->n_slots = n_slots;
        return 0;
}

int package_index_add_file(struct package_index *index, uint64_t hash, size_t number) {
        uint64_t *slot;
        int r;

        assert(number < index->packages.n && !index->is_sorted);

        /* Three of four slots are used at most. */
        if (index->n_files >= index->n_slots / 4 * 3) {
                if (index->n_files >= MAX_FILES)
                        return -ENOSPC;
                r = grow(index);
                if (r < 0)
                        return r;
        }
        slot = slot_of(index->slots, index->n_slots, hash);
        if (*slot == 0) {
                *slot = (hash & ~NUMBER_MASK) | (number + 1);
                index->n_files++;
        }
        return 0;
}

int package_index_set_version(struct package_index *index, const char *name, size_t n_name, const char *arch,
                              size_t n_arch, const char *version, size_t n_version) {
        struct package *package;
        uintptr_t number = 0;
        char full[512];
        int n;

        n = snprintf(full, sizeof(full), "%.*s:%.*s", (int)n_name, name, (int)n_arch, arch);
        if (n < (int)sizeof(full))
                number = (uintptr_t)hashmap_find(&index->by_name, full, (size_t)n);
        if (number == 0)
                number = (uintptr_t)hashmap_find(&index->by_name, name, n_name);
        if (number == 0)
                return 0;
        package = index->packages.items + (number - 1);
        package->version = arena_strndup(&index->texts, version, n_version);
        return package->version ? 0 : -ENOMEM;
}

/* Sorted they need no empty slots among them, which are a quarter to five eighths of all. Each is a few places from
 * where it belongs, but for those few that had gone from the end of the table to its beginning: insertion takes no
 * longer than doubling the table did. */
static int sort(struct package_index *index) {
        uint64_t *slots;
        size_t n = 0;

        for (size_t i = 0; i < index->n_slots; i++)
                if (index->slots[i] != 0) {
                        uint64_t slot = index->slots[i];
                        size_t at = n++;

                        for (; at > 0 && index->slots[at - 1] > slot; at--)
                                index->slots[at] = index->slots[at - 1];
                        index->slots[at] = slot;
                }
        index->n_slots = n;
        index->is_sorted = true;
        if (n == 0)
                return 0;
        slots = realloc(index->slots, n * sizeof(*slots));
        if (!slots)
                return -ENOMEM;
        index->slots = slots;
        return 0;
}

int package_index_finish(struct package_index *index) {
        hashmap_done(&index->by_name);
        hashmap_init(&index->by_name);
        return sort(index);
}

/* The first whose hash is not below it; all may be. */
static const uint64_t *search(const struct package_index *index, uint64_t hash) {
        size_t begin = 0, end = index->n_slots;

        while (begin < end) {
                size_t middle = begin + (end - begin) / 2;

                if (index->slots[middle] >> NUMBER_BITS < hash >> NUMBER_BITS)
                        begin = middle + 1;
                else
                        end = middle;
        }
        return index->slots + begin;
}

const struct package *package_index_find(const struct package_index *index, uint64_t hash) {
        const uint64_t *slot;

        if (index->n_slots == 0)
                return NULL;
        slot = index->is_sorted ? search(index, hash) : slot_of(index->slots, index->n_slots, hash);
        if (slot == index->slots + index->n_slots || (*slot ^ hash) >> NUMBER_BITS)
                return NULL;
        return *slot != 0 ? index->packages.items + ((*slot & NUMBER_MASK) - 1) : NULL;
}

size_t package_index_bytes(const struct package_index *index) {
        return index->n_slots * sizeof(*index->slots) + index->packages.capacity * sizeof(*index->packages.items) +
               index->texts.reserved_bytes;
}
