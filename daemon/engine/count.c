/* SPDX-License-Identifier: Apache-2.0 */
/* Count - what an event does to runs that count: repeats, and scores. */
#include "engine/engine-private.h"

/* An event that is counted marks like one that advances: it is a part of the step. */
static void engine_mark(struct engine *engine, struct instance *instance, const struct plan_edge *edge) {
        if (engine->uncertain || (!edge->any_result && (engine->event->wire->flags & WIRE_NO_RESULT)))
                instance->flags |= INSTANCE_UNCERTAIN;
}

bool engine_count(struct engine *engine, uint32_t path, uint32_t run, const struct plan_edge *plan_edge) {
        const struct edge *edge = &engine->program->edges[plan_edge->edge];
        struct instance_world world = pool_world(&engine->pool);
        struct instance *instance = pool_run(&engine->pool, run);
        struct token token;
        struct value value;

        engine_mark(engine, instance, plan_edge);
        if (edge->writes.n > 0) {
                const struct slot_write *write = &engine->program->writes[edge->writes.first];

                (void)eval_get(&engine->eval, write->subject, write->field, write->index, &value);
                token = evidence_token(&engine->evidence, &value);
        }
        engine->stats.n_counted++;
        return instance_add(&world, instance, path, edge->writes.n > 0 ? &token : NULL, engine->now_ns);
}

/* Points of all steps that take the event, each of which is told once. */
static uint32_t engine_add_points(struct engine *engine, uint32_t path, uint32_t run) {
        uint32_t n = engine_activate(engine, path, 0), n_points = 0;
        struct instance_world world = pool_world(&engine->pool);
        struct instance *instance = pool_run(&engine->pool, run);

        for (uint32_t i = 0; i < n; i++) {
                const struct active *active = &engine->scratch.actives[engine->active_at[0].first + i];

                if (active->edge->action != PLAN_SCORE)
                        continue;
                n_points += (uint32_t)engine->program->edges[active->edge->edge].points;
                engine_mark(engine, instance, active->edge);
                instance_count(&world, instance, path, active->edge);
                engine_note(engine, RUN_COUNTS, path, run, 0, active->edge->edge);
        }
        instance->points += n_points;
        engine->stats.n_counted += n_points > 0;
        return n_points;
}

static bool engine_scores(struct engine *engine, uint32_t path) {
        uint32_t n = engine_activate(engine, path, 0);

        for (uint32_t i = 0; i < n; i++)
                if (engine->scratch.actives[engine->active_at[0].first + i].edge->action == PLAN_SCORE)
                        return true;
        return false;
}

static bool engine_score_is_enough(struct engine *engine, uint32_t path, uint32_t run) {
        struct instance_world world = pool_world(&engine->pool);

        return instance_sum(&world, pool_run(&engine->pool, run), path, engine->now_ns) >=
               engine->program->paths[path].score.threshold;
}

bool engine_advance_score(struct engine *engine, uint32_t path, uint32_t run) {
        struct instance *instance = pool_run(&engine->pool, run);

        instance->flags &= ~INSTANCE_GATHERED;
        if (!engine_scores(engine, path))
                return true;

        (void)engine_add_points(engine, path, run);
        if (!engine_score_is_enough(engine, path, run)) {
                pool_refile(&engine->pool, run);
                return true;
        }

        engine_leave_start(engine, run);
        pool_unfile(&engine->pool, run);
        instance->position = INSTANCE_COMPLETE;
        engine->scratch.completed[engine->n_completed++] = run;
        return false;
}

void engine_leave_start(struct engine *engine, uint32_t run) {
        const struct instance *instance = pool_run(&engine->pool, run);

        if (instance->position == 0 && pool_group(&engine->pool, instance->group)->depth == 0)
                engine->spent = true;
}

/* Is there one already, or has the event just completed one? */
static bool engine_has_lone(const struct engine *engine, uint32_t own) {
        return engine->spent || (own != POOL_NONE && pool_first_at_start(&engine->pool, own) != POOL_NONE);
}

static const struct plan_edge *engine_first_count(struct engine *engine, uint32_t path) {
        uint32_t n = engine_activate(engine, path, 0);

        for (uint32_t i = 0; i < n; i++) {
                const struct active *active = &engine->scratch.actives[engine->active_at[0].first + i];

                if (active->edge->action == PLAN_COUNT && active->free == TRUTH_TRUE)
                        return active->edge;
        }
        return NULL;
}

uint32_t engine_start_lone(struct engine *engine, uint32_t path, const struct key *key, uint32_t own) {
        const struct plan_edge *edge = engine_first_count(engine, path);
        struct instance *instance;
        uint32_t run;

        if (engine_has_lone(engine, own) || (!edge && !engine_scores(engine, path)))
                return own;
        if (own == POOL_NONE) {
                own = pool_get_group(&engine->pool, key, path);
                if (own == POOL_NONE) {
                        engine_tell_evicted(engine, path, key);
                        return own;
                }
        }

        run = pool_take(&engine->pool);
        instance = pool_run(&engine->pool, run);
        instance_begin(instance, ++engine->pool.last_serial, engine->event, engine->now_ns);
        instance->group = own;
        engine->stats.n_started++;
        engine_note(engine, RUN_BEGINS, path, run, 0, PROGRAM_NONE);

        if (edge) {
                if (engine_count(engine, path, run, edge))
                        (void)engine_take(engine, path, run, edge);
                else {
                        engine_note(engine, RUN_COUNTS, path, run, 0, edge->edge);
                        engine_touch(engine, run, path, engine->now_ns);
                        engine->scratch.moved[engine->n_moved++] = run;
                }
                return own;
        }

        (void)engine_add_points(engine, path, run);
        if (engine_score_is_enough(engine, path, run)) {
                instance->position = INSTANCE_COMPLETE;
                engine->scratch.completed[engine->n_completed++] = run;
        } else {
                engine_touch(engine, run, path, engine->now_ns);
                engine->scratch.moved[engine->n_moved++] = run;
        }
        return own;
}
