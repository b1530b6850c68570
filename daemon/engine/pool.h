/* SPDX-License-Identifier: Apache-2.0 */
/* Pool - all open runs, filed so that an event finds those that it concerns and no others.
 *
 *      by key       scope ──▶ group (path and key) ──▶ cell (position) ──▶ runs, in the order in which they came there
 *      by capture   (cell, slot, value) ──▶ runs: `== $x` is one lookup, however many runs wait with other values
 *      by equality  (group, position, captures) ──▶ the one run that is so: equal ones merge
 *      by deadline  queues: (deadline, serial)
 *      by counter   ranking: who holds the most times of a `repeat`
 *      by bound     groups ranked by how many runs they hold, and in each group who would be evicted first (victims.h)
 *
 * Full means eviction by the rule of docs/SEMANTICS.md. A run in the hands of whoever changes it is not filed, but
 * keeps its group alive. Numbers, not pointers, everywhere: the stocks may grow at a reload. Pure; nothing allocates
 * after pool_init() but pool_grow(). */
#pragma once

#include "engine/deadlines.h"
#include "engine/instance.h"
#include "engine/ranking.h"
#include "engine/scope.h"

#define POOL_NONE STOCK_NONE

struct cell {
        uint32_t next;                  /* of the same group */
        uint32_t previous;
        uint32_t group;
        uint32_t first, last;           /* runs */
        uint32_t n_runs;
        uint8_t position;
};

struct group {
        uint32_t next;                  /* of the same scope */
        uint32_t previous;
        uint32_t same_hash;             /* next with the same hash of (scope, path) */
        uint32_t scope;
        uint32_t path;
        uint32_t n_runs;                /* filed ones */
        uint32_t cells;                 /* the first */
        uint32_t victims;               /* root */
        uint32_t concerned;             /* the next group of the same path that the event being fed concerns */
        uint32_t depth;                 /* of these: how far up the chain of creators its anchor is */
        uint64_t opened; /* order in which groups came to hold a run, since they were last empty; 0: empty */
        bool leaving;                   /* may be empty, and will be looked at when the event is over */
        uint64_t kinds;                 /* bit per kind that its runs wait for */
};

/* Where runs are found by their equality. */
struct pool_slot {
        uint32_t run;                   /* number + 1; 0: empty */
        uint32_t hash;
};

struct pool {
        const struct plan *plan;        /* borrowed */
        struct evidence *evidence;      /* borrowed */

        struct stock instances, cells, groups;
        struct scopes scopes;
        struct deadlines deadlines;     /* of runs */
        struct ranking counting;        /* runs with a counter, the largest first */
        struct counters counters;
        struct ranking sizes;           /* groups, the largest first */
        struct pool_slot *equal;        /* owned */
        uint32_t n_equal;               /* a power of two */
        uint32_t *index;                /* owned; for each index by (cell, value): run + 1 */
        uint32_t n_index;               /* heads of one index, a power of two */
        uint32_t *group_heads;          /* owned; by (scope, path): group + 1 */
        uint32_t n_group_heads;         /* a power of two */
        uint64_t secret;

        /* A run came to a position that arms, or left one. NULL: nobody asks. */
        void (*on_arms)(uint32_t group, bool came, void *data);
        void *arms_data;

        uint32_t max_runs, max_tuples;
        uint32_t n_runs;                /* filed */
        uint64_t last_serial, last_opened;

        /* Cells that wait for a kind, by the type of their key, and the types for which there is one. */
        uint32_t n_awaited[_KEY_MAX][_WIRE_KIND_MAX];
        uint8_t awaiting[_WIRE_KIND_MAX];       /* bit per type */
};

/* Bounds: runs in all, runs of one path and key, keys, times that are counted in all. */
int pool_init(struct pool *pool, const struct plan *plan, struct evidence *evidence, size_t max_runs, size_t max_tuples,
              size_t max_keys, size_t max_counts);      /* -ENOMEM */
void pool_done(struct pool *pool);

/* How many runs there can be for a moment, while one event is fed: what bounds are enforced upon afterwards. */
size_t pool_capacity(size_t max_runs, const struct plan *plan);
size_t pool_max_groups(size_t max_runs, const struct plan *plan);

/* Room for what the plan of another program can need. -ENOMEM: nothing has changed that matters. */
int pool_grow(struct pool *pool, const struct plan *plan);

static inline struct instance *pool_run(const struct pool *pool, uint32_t run) {
        return (struct instance *)pool->instances.items + run;
}
static inline struct group *pool_group(const struct pool *pool, uint32_t group) {
        return (struct group *)pool->groups.items + group;
}
static inline struct cell *pool_cell(const struct pool *pool, uint32_t cell) {
        return (struct cell *)pool->cells.items + cell;
}
static inline struct scope *pool_scope(const struct pool *pool, uint32_t scope) {
        return scope_at(&pool->scopes, scope);
}

static inline struct instance_world pool_world(struct pool *pool) {
        return (struct instance_world){pool->plan, pool->evidence, &pool->counters};
}

/* The group of a path in a scope; POOL_NONE if there is none. */
uint32_t pool_find_group(const struct pool *pool, uint32_t scope, uint32_t path);

/* The one that is there, or a new one, in a new scope if need be. POOL_NONE: no room for another key. */
uint32_t pool_get_group(struct pool *pool, const struct key *key, uint32_t path);

/* Forget a group that has no runs, and its scope if it was the last there. One with runs is left alone. */
void pool_close_group(struct pool *pool, uint32_t group);

/* A run that is not filed and not initialised, and its end: its evidence is given up. */
uint32_t pool_take(struct pool *pool);
void pool_give(struct pool *pool, uint32_t run);

/* File a run where it waits (its group and position are set), and take it out again. The pool does not look for equal
 * ones. */
void pool_file(struct pool *pool, uint32_t run);
void pool_unfile(struct pool *pool, uint32_t run);

/* A filed run has counted or scored where it is: its deadline, and what it holds, are others. */
void pool_refile(struct pool *pool, uint32_t run);

/* The filed run that is equal to this one, which is not filed. POOL_NONE if there is none. */
uint32_t pool_find_equal(const struct pool *pool, uint32_t run);

/* The first run of a cell whose capture in the indexed slot number `index` could have this token, and the next. Others
 * may be among them. */
uint32_t pool_index_first(const struct pool *pool, uint32_t cell, unsigned index, const struct token *token);
static inline uint32_t pool_index_next(const struct pool *pool, uint32_t run, unsigned index) {
        return pool_run(pool, run)->index_next[index];
}

/* Who has to go because this group, or the pool, is over its bound; POOL_NONE if nobody. */
uint32_t pool_victim_of_group(const struct pool *pool, uint32_t group);
uint32_t pool_victim(const struct pool *pool);

/* Who has to go because too many times are counted: the run that holds the most. */
static inline uint32_t pool_victim_of_counting(const struct pool *pool) {
        return counters_are_too_many(&pool->counters) ? ranking_first(&pool->counting) : POOL_NONE;
}

/* The run of a group that waits at the start of its path, if there is one. */
uint32_t pool_first_at_start(const struct pool *pool, uint32_t group);

/* Paths have other numbers now: `paths` says which, by the old one. All groups hold runs. */
void pool_renumber(struct pool *pool, const uint32_t *paths);
