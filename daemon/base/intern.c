/* SPDX-License-Identifier: Apache-2.0 */
#include "base/intern.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buddy.h"
#include "base/cleanup.h"
#include "base/siphash.h"

/* Lies before the text, so that a string alone is enough to count its references. */
struct intern_entry {
        uint64_t hash;
        struct intern_entry *next;      /* same bucket; in a free entry's place see free_ids */
        uint32_t refs;
        uint32_t id;
        uint32_t length;
        char text[];
};

/* Chains instead of open addressing: the entries never move and are few enough. */
struct interner {
        struct buddy memory;
        struct intern_entry **buckets;  /* owned array */
        size_t mask;
        uint32_t *free_ids;             /* owned; a stack of the numbers that are not in use */
        size_t n_strings, max_strings;
        uint64_t n_refused;
        struct siphash_key key;
};

int interner_new(size_t max_strings, size_t max_bytes, struct interner **ret) {
        struct interner *interner;
        size_t n_buckets;
        int r;

        assert(max_strings > 0 && max_bytes > 0 && ret);

        if (max_strings >= UINT32_MAX)
                return -ENOMEM;

        interner = calloc(1, sizeof(*interner));
        if (!interner)
                return -ENOMEM;

        n_buckets = round_up_pow2(max_strings);
        interner->mask = n_buckets - 1;
        interner->max_strings = max_strings;
        interner->key = *siphash_process_key();
        interner->buckets = calloc(n_buckets, sizeof(interner->buckets[0]));
        interner->free_ids = calloc(max_strings, sizeof(interner->free_ids[0]));
        r = interner->buckets && interner->free_ids ? buddy_init(&interner->memory, max_bytes) : -ENOMEM;
        if (r < 0) {
                interner_free(interner);
                return r;
        }

        /* The lowest number is on top: small programs use small numbers. */
        for (size_t i = 0; i < max_strings; i++)
                interner->free_ids[i] = max_strings - 1 - i;

        *ret = interner;
        return 0;
}

struct interner *interner_free(struct interner *interner) {
        if (!interner)
                return NULL;

        buddy_done(&interner->memory);
        free(interner->buckets);
        free(interner->free_ids);
        free(interner);
        return NULL;
}

static struct intern_entry *intern_entry_of(const char *s) {
        return container_of(s, struct intern_entry, text);
}

static struct intern_entry *interner_lookup(const struct interner *interner, uint64_t hash, const char *s, size_t n) {
        for (struct intern_entry *e = interner->buckets[hash & interner->mask]; e; e = e->next)
                if (e->hash == hash && e->length == n && (n == 0 || memcmp(e->text, s, n) == 0))
                        return e;
        return NULL;
}

const char *intern_find(const struct interner *interner, const char *s, size_t n) {
        struct intern_entry *e = interner_lookup(interner, siphash_table(s, n, &interner->key), s, n);

        return e ? e->text : NULL;
}

int intern_get(struct interner *interner, const char *s, size_t n, const char **ret) {
        uint64_t hash = siphash_table(s, n, &interner->key);
        struct intern_entry *e = interner_lookup(interner, hash, s, n);

        if (e) {
                /* A count that would wrap would free a string in use: 2^32 owners do not fit in memory, but be sure. */
                if (e->refs == UINT32_MAX) {
                        interner->n_refused++;
                        return -ENOSPC;
                }
                e->refs++;
                *ret = e->text;
                return 0;
        }

        if (n <= INTERN_LENGTH_MAX && interner->n_strings < interner->max_strings)
                e = buddy_alloc(&interner->memory, sizeof(*e) + n + 1);
        if (!e) {
                interner->n_refused++;
                return -ENOSPC;
        }

        *e = (struct intern_entry){
                .hash = hash,
                .next = interner->buckets[hash & interner->mask],
                .refs = 1,
                .id = interner->free_ids[interner->max_strings - interner->n_strings - 1],
                .length = n,
        };
        if (n > 0)
                memcpy(e->text, s, n);
        e->text[n] = 0;

        interner->buckets[hash & interner->mask] = e;
        interner->n_strings++;
        *ret = e->text;
        return 0;
}

const char *intern_ref(const char *s) {
        if (s) {
                assert(intern_entry_of(s)->refs < UINT32_MAX);
                intern_entry_of(s)->refs++;
        }
        return s;
}

const char *intern_unref(struct interner *interner, const char *s) {
        struct intern_entry *e, **link;

        if (!s)
                return NULL;

        e = intern_entry_of(s);
        assert(e->refs > 0);
        if (--e->refs > 0)
                return NULL;

        for (link = &interner->buckets[e->hash & interner->mask]; *link != e; link = &(*link)->next)
                assert(*link);          /* not a string of this interner */
        *link = e->next;
        interner->n_strings--;
        interner->free_ids[interner->max_strings - interner->n_strings - 1] = e->id;
        buddy_free(&interner->memory, e);
        return NULL;
}

size_t intern_length(const char *s) {
        return intern_entry_of(s)->length;
}

uint32_t intern_id(const char *s) {
        return intern_entry_of(s)->id;
}

struct interner_stats interner_get_stats(const struct interner *interner) {
        return (struct interner_stats){
                .n_strings = interner->n_strings,
                .max_strings = interner->max_strings,
                .used_bytes = interner->memory.used_bytes,
                .max_bytes = interner->memory.size,
                .n_refused = interner->n_refused,
        };
}
