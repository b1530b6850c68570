/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Redact cache - where the secrets of a text lie, remembered for the next alert that shows the same text.
 *
 * A storm of alerts tells of the same few processes and their ancestors again and again, and to look for secrets in
 * their arguments is the dearest part of it. Texts are known by a 128-bit keyed hash, their bytes are not kept; what is
 * found depends on nothing but the redactor and the text, so that an answer never gets old: whoever exchanges the
 * redactor clears the cache. Texts with many secrets and very long ones are looked through each time. Of fixed size,
 * direct-mapped. */

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"

#define REDACT_CACHE_ENTRIES 512        /* a power of two */
#define REDACT_CACHE_MARKS 3
#define REDACT_CACHE_TEXT (64U << 10)   /* longer texts are not remembered */

struct finder;

struct redact_cache {
        struct redact_cache_entry {
                struct siphash128 hash;
                uint32_t length;        /* 0: empty */
                uint16_t mode;          /* enum redact_mode */
                uint16_t n_marks;
                struct { uint32_t start, end; } marks[REDACT_CACHE_MARKS];
        } entries[REDACT_CACHE_ENTRIES];
        struct siphash128 hash;         /* of the text that redact_cache_get() did not know */
        uint64_t n_asked, n_known;
};

void redact_cache_clear(struct redact_cache *cache);

/* Give the finder the marks of its text, if they are known; else redact_cache_put(), when it has found them. */
bool redact_cache_get(struct redact_cache *cache, struct finder *finder);
void redact_cache_put(struct redact_cache *cache, const struct finder *finder);
