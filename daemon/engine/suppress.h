/* SPDX-License-Identifier: Apache-2.0 */
/* Suppress - stories that were told a moment ago: the same one again is counted, not told, until the window ends.
 *
 * Identity is path, key, captures and the image of the last actor; the window is fixed, from the first alert. A story
 * remembers what its summary will show: key, actor, captures (their bytes as far as they fit). Bounded: full, the one
 * whose window ends first has to end early. Pure; nothing allocates after suppress_init(). */
#pragma once

#include "base/siphash.h"
#include "engine/evidence.h"
#include "engine/match.h"
#include "engine/plan.h"
#include "engine/ranking.h"
#include "engine/scope.h"

#define SUPPRESS_NONE STOCK_NONE
#define SUPPRESS_BYTES 512              /* for captured strings, of all slots together */

struct suppressed {
        uint32_t next;                  /* of the same hash */
        uint32_t path;
        struct siphash128 id;
        uint64_t number;                /* of the alert */
        uint64_t first_ns, deadline_ns;
        uint64_t count;                 /* joined */
        enum program_key key_type;
        struct identity key_id;
        struct identity actor;
        struct value captures[PROGRAM_MAX_SLOTS];       /* bytes point into `bytes` */
        char key[SCOPE_TEXT];
        char bytes[SUPPRESS_BYTES];
};

struct suppress {
        struct stock stock;
        struct ranking deadlines;
        uint32_t *heads;                /* owned; by id: number + 1 */
        uint32_t n_heads;               /* a power of two */
        struct siphash_key secret;
};

int suppress_init(struct suppress *suppress, size_t max);       /* -ENOMEM */
void suppress_done(struct suppress *suppress);

static inline struct suppressed *suppress_at(const struct suppress *suppress, uint32_t number) {
        return (struct suppressed *)suppress->stock.items + number;
}

/* The same for equal stories. `exe`: of the last actor, or unknown. */
struct siphash128 suppress_id(const struct suppress *suppress, const struct path *path, const struct key *key,
                              const struct token *captures, const struct value *exe);

uint32_t suppress_find(const struct suppress *suppress, const struct siphash128 *id);

/* Remember an alert that is told now. There is room: suppress_is_full() was asked. */
void suppress_add(struct suppress *suppress, const struct siphash128 *id, uint32_t path, const struct match *match,
                  uint64_t now_ns);
/* File one that was taken from the stock and filled. */
void suppress_put_back(struct suppress *suppress, uint32_t number);
void suppress_remove(struct suppress *suppress, uint32_t number);

static inline bool suppress_is_full(const struct suppress *suppress) {
        return suppress->stock.n_used == suppress->stock.capacity;
}

/* The one whose window ends first, of equal ones that which was told first; SUPPRESS_NONE. */
static inline uint32_t suppress_first(const struct suppress *suppress) {
        return ranking_first(&suppress->deadlines);
}

/* The summary as a match, without steps. Borrows from the suppressed story. */
void suppress_summary(const struct suppress *suppress, uint32_t number, const struct plan *plan, struct match *ret);

/* Paths have other numbers now: `paths` says which, by the old one. */
void suppress_renumber(struct suppress *suppress, const uint32_t *paths);
