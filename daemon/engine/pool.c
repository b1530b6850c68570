/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "engine/victims.h"

size_t pool_capacity(size_t max_runs, const struct plan *plan) {
        return max_runs * (1 + (size_t)plan->max_copies) + plan->max_starts + 1;
}

/* A group that loses its last run stays until the event is over, and by then each path may have opened another. */
size_t pool_max_groups(size_t max_runs, const struct plan *plan) {
        return pool_capacity(max_runs, plan) + plan->program->n_paths;
}

int pool_init(struct pool *pool, const struct plan *plan, struct evidence *evidence, size_t max_runs, size_t max_tuples,
              size_t max_keys, size_t max_counts) {
        size_t capacity = pool_capacity(max_runs, plan), max_groups = pool_max_groups(max_runs, plan);
        int r;

        *pool = (struct pool){
                .plan = plan,
                .evidence = evidence,
                .secret = siphash_process_key()->k1 | 1,
                .max_runs = max_runs,
                .max_tuples = max_tuples,
                .n_equal = round_up_pow2(capacity * 2),
                .n_index = round_up_pow2(max_runs + 1),
                .n_group_heads = round_up_pow2(max_runs + 2),
        };

        r = stock_init(&pool->instances, sizeof(struct instance), capacity);
        if (r >= 0)
                r = stock_init(&pool->cells, sizeof(struct cell), capacity);
        if (r >= 0)
                r = stock_init(&pool->groups, sizeof(struct group), max_groups);
        if (r >= 0)
                r = scopes_init(&pool->scopes, MIN(max_keys, capacity + _KEY_MAX));
        if (r >= 0)
                r = deadlines_init(&pool->deadlines, capacity);
        if (r >= 0)
                r = ranking_init(&pool->counting, capacity);
        if (r >= 0)
                r = counters_init(&pool->counters, max_counts, capacity);
        if (r >= 0)
                r = ranking_init(&pool->sizes, max_groups);
        if (r >= 0) {
                pool->equal = calloc(pool->n_equal, sizeof(*pool->equal));
                pool->index = calloc((size_t)pool->n_index * PLAN_MAX_INDEXES, sizeof(*pool->index));
                pool->group_heads = calloc(pool->n_group_heads, sizeof(*pool->group_heads));
                if (!pool->equal || !pool->index || !pool->group_heads)
                        r = -ENOMEM;
        }
        if (r < 0)
                pool_done(pool);
        return r;
}

void pool_done(struct pool *pool) {
        free(pool->group_heads);
        free(pool->index);
        free(pool->equal);
        ranking_done(&pool->sizes);
        counters_done(&pool->counters);
        ranking_done(&pool->counting);
        deadlines_done(&pool->deadlines);
        scopes_done(&pool->scopes);
        stock_done(&pool->groups);
        stock_done(&pool->cells);
        stock_done(&pool->instances);
        *pool = (struct pool){};
}

static void pool_insert_equal(struct pool_slot *slots, uint32_t n_slots, uint32_t run, uint32_t hash) {
        uint32_t i = hash & (n_slots - 1);

        while (slots[i].run != 0)
                i = (i + 1) & (n_slots - 1);
        slots[i] = (struct pool_slot){run + 1, hash};
}

/* Runs for which there is no room yet are filed for a moment too. */
static int pool_grow_equal(struct pool *pool, uint32_t n_slots) {
        struct pool_slot *slots;

        if (n_slots <= pool->n_equal)
                return 0;
        slots = calloc(n_slots, sizeof(*slots));
        if (!slots)
                return -ENOMEM;

        for (uint32_t i = 0; i < pool->n_equal; i++)
                if (pool->equal[i].run != 0)
                        pool_insert_equal(slots, n_slots, pool->equal[i].run - 1, pool->equal[i].hash);
        free(pool->equal);
        pool->equal = slots;
        pool->n_equal = n_slots;
        return 0;
}

int pool_grow(struct pool *pool, const struct plan *plan) {
        size_t capacity = pool_capacity(pool->max_runs, plan), max_groups = pool_max_groups(pool->max_runs, plan);
        int r;

        r = stock_grow(&pool->instances, capacity);
        if (r >= 0)
                r = stock_grow(&pool->cells, capacity);
        if (r >= 0)
                r = stock_grow(&pool->groups, max_groups);
        if (r >= 0)
                r = deadlines_grow(&pool->deadlines, capacity);
        if (r >= 0)
                r = ranking_grow(&pool->counting, capacity);
        if (r >= 0)
                r = counters_grow(&pool->counters, capacity);
        if (r >= 0)
                r = ranking_grow(&pool->sizes, max_groups);
        if (r >= 0)
                r = pool_grow_equal(pool, round_up_pow2(capacity * 2));
        return r;
}

/* To spread numbers and tokens over tables. Tokens of strings are secret hashes already; the others, and numbers, are
 * not. */
static uint32_t pool_hash(const struct pool *pool, uint64_t a, uint64_t b, uint64_t c) {
        unsigned __int128 product =
                (unsigned __int128)((a ^ pool->secret) * UINT64_C(0x9e3779b97f4a7c15) ^ b) * (c ^ pool->secret);

        product = (unsigned __int128)((uint64_t)product ^ (uint64_t)(product >> 64)) * pool->secret;
        return (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64));
}

static uint32_t *pool_group_head(const struct pool *pool, uint32_t scope, uint32_t path) {
        return &pool->group_heads[pool_hash(pool, (uint64_t)scope << 32 | path, 0, 1) & (pool->n_group_heads - 1)];
}

uint32_t pool_find_group(const struct pool *pool, uint32_t scope, uint32_t path) {
        for (uint32_t g = *pool_group_head(pool, scope, path); g != 0; g = pool_group(pool, g - 1)->same_hash)
                if (pool_group(pool, g - 1)->scope == scope && pool_group(pool, g - 1)->path == path)
                        return g - 1;
        return POOL_NONE;
}

uint32_t pool_get_group(struct pool *pool, const struct key *key, uint32_t path) {
        uint32_t scope = scopes_get(&pool->scopes, key), number, *head;
        struct group *group;

        if (scope == SCOPE_NONE)
                return POOL_NONE;
        number = pool_find_group(pool, scope, path);
        if (number != POOL_NONE)
                return number;

        number = stock_take(&pool->groups);
        assert(number != STOCK_NONE);
        group = pool_group(pool, number);
        head = pool_group_head(pool, scope, path);
        *group = (struct group){
                .next = pool_scope(pool, scope)->groups,
                .previous = POOL_NONE,
                .same_hash = *head,
                .scope = scope,
                .path = path,
                .cells = POOL_NONE,
                .victims = POOL_NONE,
                .concerned = POOL_NONE,
        };
        if (group->next != POOL_NONE)
                pool_group(pool, group->next)->previous = number;
        pool_scope(pool, scope)->groups = number;
        *head = number + 1;
        return number;
}

void pool_close_group(struct pool *pool, uint32_t number) {
        struct group *group = pool_group(pool, number);
        uint32_t *link;

        if (group->n_runs > 0)
                return;

        link = pool_group_head(pool, group->scope, group->path);
        while (*link != number + 1)
                link = &pool_group(pool, *link - 1)->same_hash;
        *link = group->same_hash;

        if (group->next != POOL_NONE)
                pool_group(pool, group->next)->previous = group->previous;
        if (group->previous != POOL_NONE)
                pool_group(pool, group->previous)->next = group->next;
        else
                pool_scope(pool, group->scope)->groups = group->next;
        if (pool_scope(pool, group->scope)->groups == POOL_NONE)
                scopes_remove(&pool->scopes, group->scope);

        stock_give(&pool->groups, number);
}

uint32_t pool_take(struct pool *pool) {
        uint32_t run = stock_take(&pool->instances);

        assert(run != STOCK_NONE);              /* see pool_capacity() */
        return run;
}

void pool_give(struct pool *pool, uint32_t run) {
        evidence_unref(pool->evidence, pool_run(pool, run)->steps);
        counters_give(&pool->counters, pool_run(pool, run)->counter);
        stock_give(&pool->instances, run);
}

/* Cells */

static void pool_await(struct pool *pool, const struct group *group, uint64_t kinds, int by) {
        unsigned type = pool_scope(pool, group->scope)->type;

        for (; kinds != 0; kinds &= kinds - 1) {
                unsigned kind = __builtin_ctzll(kinds);

                pool->n_awaited[type][kind] += by;
                if (pool->n_awaited[type][kind] == 0)
                        pool->awaiting[kind] &= ~(1U << type);
                else
                        pool->awaiting[kind] |= 1U << type;
        }
}

static uint32_t pool_get_cell(struct pool *pool, uint32_t group_number, uint8_t position) {
        struct group *group = pool_group(pool, group_number);
        uint64_t kinds = plan_position(pool->plan, group->path, position)->kinds;
        uint32_t number;

        for (number = group->cells; number != POOL_NONE; number = pool_cell(pool, number)->next)
                if (pool_cell(pool, number)->position == position)
                        return number;

        number = stock_take(&pool->cells);
        assert(number != STOCK_NONE);
        *pool_cell(pool, number) = (struct cell){
                .next = group->cells,
                .previous = POOL_NONE,
                .group = group_number,
                .first = POOL_NONE,
                .last = POOL_NONE,
                .position = position,
        };
        if (group->cells != POOL_NONE)
                pool_cell(pool, group->cells)->previous = number;
        group->cells = number;

        group->kinds |= kinds;
        pool_scope(pool, group->scope)->kinds |= kinds;
        pool_await(pool, group, kinds, 1);
        return number;
}

static void pool_drop_cell(struct pool *pool, uint32_t number) {
        struct cell *cell = pool_cell(pool, number);
        struct group *group = pool_group(pool, cell->group);

        pool_await(pool, group, plan_position(pool->plan, group->path, cell->position)->kinds, -1);
        if (cell->next != POOL_NONE)
                pool_cell(pool, cell->next)->previous = cell->previous;
        if (cell->previous != POOL_NONE)
                pool_cell(pool, cell->previous)->next = cell->next;
        else
                group->cells = cell->next;
        stock_give(&pool->cells, number);

        /* What a group waits for is kept exact, there are few cells in it. The scope finds out when it is next looked
         * at. */
        group->kinds = 0;
        for (uint32_t c = group->cells; c != POOL_NONE; c = pool_cell(pool, c)->next)
                group->kinds |= plan_position(pool->plan, group->path, pool_cell(pool, c)->position)->kinds;
}

/* Equality: open addressing without tombstones. A run that is filed has no equal. */

static uint32_t pool_equality_hash(const struct pool *pool, const struct instance *instance) {
        return pool_hash(pool, (uint64_t)instance->group << 8 | instance->position, instance->captures.low,
                         instance->captures.high);
}

static bool instances_equal(const struct instance *a, const struct instance *b) {
        return a->group == b->group && a->position == b->position && token_equal(&a->captures, &b->captures);
}

uint32_t pool_find_equal(const struct pool *pool, uint32_t run) {
        const struct instance *instance = pool_run(pool, run);
        uint32_t hash = pool_equality_hash(pool, instance);

        for (uint32_t i = hash & (pool->n_equal - 1); pool->equal[i].run != 0; i = (i + 1) & (pool->n_equal - 1))
                if (pool->equal[i].hash == hash && instances_equal(pool_run(pool, pool->equal[i].run - 1), instance))
                        return pool->equal[i].run - 1;
        return POOL_NONE;
}

static void pool_remove_equal(struct pool *pool, uint32_t run) {
        uint32_t mask = pool->n_equal - 1, i = pool_equality_hash(pool, pool_run(pool, run)) & mask, hole;

        while (pool->equal[i].run != run + 1)
                i = (i + 1) & mask;

        /* Those behind that could not be where they wanted to be move up. */
        for (hole = i, i = (i + 1) & mask; pool->equal[i].run != 0; i = (i + 1) & mask)
                if (((i - pool->equal[i].hash) & mask) >= ((i - hole) & mask)) {
                        pool->equal[hole] = pool->equal[i];
                        hole = i;
                }
        pool->equal[hole] = (struct pool_slot){};
}

/* Index by capture: chains through the runs. */

/* Each index has heads of its own: a run is in one chain of each, through links that bear the index's number. */
static uint32_t *pool_index_head(const struct pool *pool, uint32_t cell, unsigned index, const struct token *token) {
        return &pool->index[index * pool->n_index +
                            (pool_hash(pool, cell, token->low, token->high) & (pool->n_index - 1))];
}

uint32_t pool_index_first(const struct pool *pool, uint32_t cell, unsigned index, const struct token *token) {
        uint32_t run = *pool_index_head(pool, cell, index, token);

        return run == 0 ? POOL_NONE : run - 1;
}

/* Runs that did not bind the slot lie together, under a token of zeros. */
static struct token pool_token(const struct pool *pool, const struct instance *instance, uint8_t slot) {
        const struct captured *capture = evidence_find(pool->evidence, instance->steps, slot);

        return capture ? capture->token : (struct token){};
}

static void pool_add_to_index(struct pool *pool, uint32_t run, unsigned index, uint8_t slot) {
        struct instance *instance = pool_run(pool, run);
        const struct token token = pool_token(pool, instance, slot);
        uint32_t *head = pool_index_head(pool, instance->cell, index, &token);

        instance->index_previous[index] = POOL_NONE;
        instance->index_next[index] = *head == 0 ? POOL_NONE : *head - 1;
        if (*head != 0)
                pool_run(pool, *head - 1)->index_previous[index] = run;
        *head = run + 1;
}

static void pool_remove_from_index(struct pool *pool, uint32_t run, unsigned index, uint8_t slot) {
        const struct instance *instance = pool_run(pool, run);
        uint32_t next = instance->index_next[index], previous = instance->index_previous[index];

        if (next != POOL_NONE)
                pool_run(pool, next)->index_previous[index] = previous;
        if (previous != POOL_NONE)
                pool_run(pool, previous)->index_next[index] = next;
        else {
                const struct token token = pool_token(pool, instance, slot);

                *pool_index_head(pool, instance->cell, index, &token) = next == POOL_NONE ? 0 : next + 1;
        }
}

static void pool_count(struct pool *pool, uint32_t number, int by) {
        struct group *group = pool_group(pool, number);

        pool->n_runs += by;
        group->n_runs += by;
        if (group->n_runs > 0 && group->opened == 0)
                group->opened = ++pool->last_opened;
        if (group->n_runs == 0)
                ranking_remove(&pool->sizes, number);
        else
                ranking_set(&pool->sizes, number, UINT64_MAX - group->n_runs, group->opened);
}

static void pool_rank_counter(struct pool *pool, uint32_t run) {
        const struct instance *instance = pool_run(pool, run);

        ranking_set(&pool->counting, run, UINT64_MAX - counters_at(&pool->counters, instance->counter)->n,
                    instance->serial);
}

void pool_file(struct pool *pool, uint32_t run) {
        struct instance_world world = pool_world(pool);
        struct instance *instance = pool_run(pool, run);
        struct group *group = pool_group(pool, instance->group);
        const struct plan_position *at = plan_position(pool->plan, group->path, instance->position);
        uint64_t deadline_ns = instance_deadline(&world, instance, group->path);
        struct cell *cell;

        instance->cell = pool_get_cell(pool, instance->group, instance->position);
        cell = pool_cell(pool, instance->cell);
        instance->next = POOL_NONE;
        instance->previous = cell->last;
        if (cell->last != POOL_NONE)
                pool_run(pool, cell->last)->next = run;
        else
                cell->first = run;
        cell->last = run;
        cell->n_runs++;

        for (unsigned i = 0; i < at->n_slots; i++)
                pool_add_to_index(pool, run, i, at->slots[i]);
        pool_insert_equal(pool->equal, pool->n_equal, run, pool_equality_hash(pool, instance));
        victims_add(pool_run(pool, 0), &group->victims, run);
        if (deadline_ns != UINT64_MAX)
                deadlines_set(&pool->deadlines, run, deadline_ns, instance->serial);
        if (instance->counter != COUNTERS_NONE)
                pool_rank_counter(pool, run);
        pool_count(pool, instance->group, 1);
        if (unlikely(at->arms) && pool->on_arms)
                pool->on_arms(instance->group, true, pool->arms_data);
}

void pool_refile(struct pool *pool, uint32_t run) {
        struct instance_world world = pool_world(pool);
        const struct instance *instance = pool_run(pool, run);
        uint32_t path = pool_group(pool, instance->group)->path;

        if (instance->counter != COUNTERS_NONE)
                pool_rank_counter(pool, run);
        if (instance->position == 0) {
                uint64_t deadline_ns = instance_deadline(&world, instance, path);

                if (deadline_ns != UINT64_MAX)
                        deadlines_set(&pool->deadlines, run, deadline_ns, instance->serial);
                else
                        deadlines_remove(&pool->deadlines, run);
        }
}

uint32_t pool_first_at_start(const struct pool *pool, uint32_t group) {
        for (uint32_t c = pool_group(pool, group)->cells; c != POOL_NONE; c = pool_cell(pool, c)->next)
                if (pool_cell(pool, c)->position == 0)
                        return pool_cell(pool, c)->first;
        return POOL_NONE;
}

void pool_unfile(struct pool *pool, uint32_t run) {
        struct instance *instance = pool_run(pool, run);
        struct group *group = pool_group(pool, instance->group);
        const struct plan_position *at = plan_position(pool->plan, group->path, instance->position);
        struct cell *cell = pool_cell(pool, instance->cell);

        pool_count(pool, instance->group, -1);
        deadlines_remove(&pool->deadlines, run);
        if (instance->counter != COUNTERS_NONE)
                ranking_remove(&pool->counting, run);
        victims_remove(pool_run(pool, 0), &group->victims, run);
        pool_remove_equal(pool, run);
        for (unsigned i = 0; i < at->n_slots; i++)
                pool_remove_from_index(pool, run, i, at->slots[i]);

        if (instance->next != POOL_NONE)
                pool_run(pool, instance->next)->previous = instance->previous;
        else
                cell->last = instance->previous;
        if (instance->previous != POOL_NONE)
                pool_run(pool, instance->previous)->next = instance->next;
        else
                cell->first = instance->next;
        if (--cell->n_runs == 0)
                pool_drop_cell(pool, instance->cell);
        if (unlikely(at->arms) && pool->on_arms)
                pool->on_arms(instance->group, false, pool->arms_data);
}

uint32_t pool_victim_of_group(const struct pool *pool, uint32_t group) {
        return pool_group(pool, group)->n_runs > pool->max_tuples ? pool_group(pool, group)->victims : POOL_NONE;
}

uint32_t pool_victim(const struct pool *pool) {
        return pool->n_runs > pool->max_runs ? pool_group(pool, ranking_first(&pool->sizes))->victims : POOL_NONE;
}

void pool_renumber(struct pool *pool, const uint32_t *paths) {
        memset(pool->group_heads, 0, pool->n_group_heads * sizeof(*pool->group_heads));
        for (uint32_t i = 0; i < pool->sizes.n; i++) {
                uint32_t number = pool->sizes.entries[i].id, *head;
                struct group *group = pool_group(pool, number);

                group->path = paths[group->path];
                head = pool_group_head(pool, group->scope, group->path);
                group->same_hash = *head;
                *head = number + 1;
        }
}
