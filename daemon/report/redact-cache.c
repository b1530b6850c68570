/* SPDX-License-Identifier: Apache-2.0 */
#include "report/redact-cache.h"

#include <string.h>

#include "report/redact-private.h"

_Static_assert((REDACT_CACHE_ENTRIES & (REDACT_CACHE_ENTRIES - 1)) == 0, "a mask makes the place of a hash");

void redact_cache_clear(struct redact_cache *cache) {
        memset(cache->entries, 0, sizeof(cache->entries));
}

static struct redact_cache_entry *entry_of(struct redact_cache *cache, enum redact_mode mode) {
        return cache->entries + ((cache->hash.low + (unsigned)mode) & (REDACT_CACHE_ENTRIES - 1));
}

bool redact_cache_get(struct redact_cache *cache, struct finder *finder) {
        const struct redact_cache_entry *entry;

        if (finder->n > REDACT_CACHE_TEXT)
                return false;

        cache->n_asked++;
        cache->hash = siphash128(finder->text, finder->n, siphash_process_key());
        entry = entry_of(cache, finder->mode);
        if (entry->length != finder->n || entry->mode != finder->mode || entry->hash.low != cache->hash.low ||
            entry->hash.high != cache->hash.high)
                return false;

        cache->n_known++;
        for (uint16_t i = 0; i < entry->n_marks; i++)
                finder_mark(finder, entry->marks[i].start, entry->marks[i].end);
        return true;
}

void redact_cache_put(struct redact_cache *cache, const struct finder *finder) {
        struct redact_cache_entry *entry;

        if (finder->n > REDACT_CACHE_TEXT || finder->n_marks > REDACT_CACHE_MARKS)
                return;

        entry = entry_of(cache, finder->mode);
        entry->hash = cache->hash;
        entry->length = (uint32_t)finder->n;
        entry->mode = (uint16_t)finder->mode;
        entry->n_marks = (uint16_t)finder->n_marks;
        for (size_t i = 0; i < finder->n_marks; i++) {
                entry->marks[i].start = (uint32_t)finder->marks[i].start;
                entry->marks[i].end = (uint32_t)finder->marks[i].end;
        }
}
