/* SPDX-License-Identifier: Apache-2.0 */
/* Handover - a new program takes the place of the old one between two events.
 *
 * All memory that the new one needs is there before anything changes. Paths of equal hash mean the same, position by
 * position and edge by edge, so their runs go on where they are: only the number of the path changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "engine/carry-private.h"
#include "engine/engine-private.h"

#define PATH_GONE UINT32_MAX

/* Also of the same shape, lest a wrong hash leads runs out of bounds. */
bool path_is(const struct program *program, uint32_t path, const struct path_face *face) {
        const struct path *p = &program->paths[path];

        return p->name.length == face->n_name &&
               memcmp(program_text(program, p->name), face->name, face->n_name) == 0 &&
               memcmp(p->hash, face->hash, sizeof(p->hash)) == 0 && p->by == face->by &&
               p->positions.n == face->n_positions;
}

/* By name: paths are in order of name in both, and a path that was given another name is another one. */
static void map_paths(const struct engine *engine, const struct program *new, uint32_t *map) {
        const struct program *old = engine->program;
        uint32_t j = 0;

        for (uint32_t i = 0; i < old->n_paths; i++) {
                const struct path *path = &old->paths[i];
                const struct path_face face = {
                        .name = program_text(old, path->name),
                        .n_name = path->name.length,
                        .hash = path->hash,
                        .by = path->by,
                        .n_positions = path->positions.n,
                };

                while (j < new->n_paths && strcmp(program_text(new, new->paths[j].name), face.name) < 0)
                        j++;
                map[i] = PATH_GONE;
                if (j < new->n_paths && path_is(new, j, &face))
                        map[i] = j;
        }
}

/* Exceptions are in the hash: of a path that is the same they are the same. */
static void hand_over_hidden(const struct engine *engine, uint32_t i, const struct program *new, uint32_t j,
                             struct engine_scratch *scratch) {
        struct program_range from = engine->program->paths[i].exceptions, to = new->paths[j].exceptions;

        for (uint32_t e = 0; e < MIN(from.n, to.n); e++)
                scratch->hidden[to.first + e] = engine->scratch.hidden[from.first + e];
}

static void end_paths(struct engine *engine, const uint32_t *map) {
        uint32_t n = 0;

        /* Ranked groups move while runs end: note first which ones go. */
        for (uint32_t i = 0; i < engine->pool.sizes.n; i++) {
                uint32_t group = engine->pool.sizes.entries[i].id;

                if (map[pool_group(&engine->pool, group)->path] == PATH_GONE)
                        engine->scratch.moved[n++] = group;
        }
        for (uint32_t i = 0; i < n; i++)
                while (pool_group(&engine->pool, engine->scratch.moved[i])->n_runs > 0)
                        engine_end_run(engine, pool_group(&engine->pool, engine->scratch.moved[i])->victims,
                                       &engine->stats.n_ended_by_reload);
        engine_close_groups(engine);
}

/* In the order of their deadlines, as at the end of the stream. */
static void end_suppression(struct engine *engine, const uint32_t *map) {
        struct ranking *deadlines = &engine->suppress.deadlines;

        for (;;) {
                uint32_t first = SUPPRESS_NONE;
                const struct suppressed *a, *b;

                for (uint32_t i = 0; i < deadlines->n; i++) {
                        a = suppress_at(&engine->suppress, deadlines->entries[i].id);
                        if (map[a->path] != PATH_GONE)
                                continue;
                        b = first == SUPPRESS_NONE ? NULL : suppress_at(&engine->suppress, first);
                        if (!b || a->deadline_ns < b->deadline_ns ||
                            (a->deadline_ns == b->deadline_ns && a->number < b->number))
                                first = deadlines->entries[i].id;
                }
                if (first == SUPPRESS_NONE)
                        return;
                engine_sum_up(engine, first);
        }
}

int engine_swap(struct engine *engine, struct program *program) {
        uint32_t *map;
        struct engine_scratch scratch = {};
        struct eval eval = {};
        struct plan *plan;
        size_t capacity;
        int r;

        assert(!engine->event);

        map = malloc((engine->program->n_paths + 1) * sizeof(*map));
        plan = calloc(1, sizeof(*plan));
        if (!map || !plan) {
                free(map);
                free(plan);
                return -ENOMEM;
        }

        r = plan_init(plan, program);
        if (r >= 0)
                r = eval_init(&eval, program, plan, engine->table, &engine->evidence);
        if (r >= 0) {
                capacity = MAX(pool_capacity(engine->limits.max_runs, plan), (size_t)engine->pool.instances.capacity);
                r = engine_scratch_init(&scratch, plan, capacity);
        }
        if (r >= 0)
                r = pool_grow(&engine->pool, plan);
        if (r >= 0)
                r = evidence_grow(&engine->evidence, engine_max_steps(&engine->limits, plan),
                                  engine_max_captures(&engine->limits, plan));
        if (r < 0) {
                engine_scratch_done(&scratch);
                eval_done(&eval);
                plan_done(plan);
                free(plan);
                free(map);
                return r;
        }

        map_paths(engine, program, map);
        end_suppression(engine, map);
        end_paths(engine, map);
        for (uint32_t i = 0; i < engine->program->n_paths; i++)
                if (map[i] != PATH_GONE) {
                        scratch.counters[map[i]] = engine->scratch.counters[i];
                        hand_over_hidden(engine, i, program, map[i], &scratch);
                }
        pool_renumber(&engine->pool, map);
        suppress_renumber(&engine->suppress, map);

        eval.generation = engine->eval.generation;
        eval.lists = engine->lists;
        eval.n_predicates = engine->eval.n_predicates;
        eval.n_unknown = engine->eval.n_unknown;
        engine_scratch_done(&engine->scratch);
        eval_done(&engine->eval);
        plan_done(&engine->plan);
        engine->scratch = scratch;
        engine->eval = eval;
        engine->plan = *plan;
        engine->eval.plan = &engine->plan;
        free(plan);
        free(map);

        program_ref(program);
        program_unref(engine->program);
        engine->program = program;
        return 0;
}
