/* SPDX-License-Identifier: Apache-2.0 */
/* Scope - a key with open runs: one activity, process, unit, user, ... and the paths that have runs there.
 *
 *      key of an event ──(one lookup)──▶ scope ──▶ group (one path) ──▶ cell (one position) ──▶ runs
 *
 * A scope knows which kinds of event its runs wait for, so an event of another kind costs the lookup and a test of a
 * bit; if no run of any scope of that type waits for the kind, not even the lookup. Pure; owned by the pool. */
#pragma once

#include <stdbool.h>

#include "base/intern.h"
#include "base/siphash.h"
#include "engine/stock.h"
#include "event/event.h"
#include "program/program.h"

#define SCOPE_NONE STOCK_NONE
#define SCOPE_TEXT 320                  /* bytes for a key as people read it */

/* The key of an event under one `by`. */
struct key {
        enum program_key type;
        struct identity id;             /* tree, process, descent; user: the uid as pid */
        const char *name;               /* unit, container: borrowed */
        uint32_t n_name;
};

struct scope {
        uint32_t next;                  /* of the same hash */
        uint32_t hash;
        struct identity id;
        const char *name;               /* interned */
        uint64_t kinds; /* bit per kind that its runs wait for; may have bits too many, until somebody looks */
        uint32_t groups;                /* the first, or SCOPE_NONE */
        uint8_t type;
};

struct scopes {
        struct stock stock;
        uint32_t *heads;                /* owned; by hash, number + 1 */
        uint32_t n_heads;               /* a power of two */
        struct interner *names;         /* owned */
        struct siphash_key secret;
        uint32_t max;
};

int scopes_init(struct scopes *scopes, size_t max);     /* -ENOMEM */
void scopes_done(struct scopes *scopes);

static inline struct scope *scope_at(const struct scopes *scopes, uint32_t scope) {
        return (struct scope *)scopes->stock.items + scope;
}

uint32_t scopes_find(const struct scopes *scopes, const struct key *key);

/* The one that is there, or a new one without groups; SCOPE_NONE if there is no room. */
uint32_t scopes_get(struct scopes *scopes, const struct key *key);
void scopes_remove(struct scopes *scopes, uint32_t scope);

struct key scope_key(const struct scope *scope);

/* As people read it: "tree 4711", "unit nginx.service", "host". Ended by NUL, cut if it is too long. */
void key_format(const struct key *key, char *buffer, size_t size);
