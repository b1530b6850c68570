/* SPDX-License-Identifier: Apache-2.0 */
/* Advance - what one event does to one path: step 3 of docs/SEMANTICS.md, in its order.
 *
 * First it is found out which edges the event could go at all: the conjuncts that do not depend on a run are worked out
 * once per position, and most positions end there. Of the runs that wait at the others only those are touched whose
 * captures can be equal to what the event holds. */
#include <string.h>

#include "engine/engine-private.h"

/* Does the event hold all that the edge captures? Unknown or cut, it binds nothing, and the step is not taken, unless
 * the write is a weak one. */
static bool engine_can_bind(struct engine *engine, const struct edge *edge) {
        for (uint32_t i = 0; i < edge->writes.n; i++) {
                const struct slot_write *write = &engine->program->writes[edge->writes.first + i];
                struct value value;

                if (!write->weak &&
                    eval_get(&engine->eval, write->subject, write->field, write->index, &value) != EVAL_KNOWN)
                        return false;
        }
        return true;
}

/* What of an edge the event alone decides. False: nothing can come of it. */
static bool engine_is_active(struct engine *engine, const struct plan_edge *edge, enum truth *ret_free) {
        bool ends = edge->action == PLAN_KILL || edge->action == PLAN_UNTIL;
        struct eval *eval = &engine->eval;
        enum truth truth = TRUTH_TRUE;

        if (edge->kind != event_kind(engine->event) ||
            (!edge->any_result && (engine->event->wire->flags & WIRE_FAILED)))
                return false;

        for (uint32_t i = 0; i < edge->n_free && truth != TRUTH_FALSE; i++)
                truth = truth_and(truth, eval_condition(eval, engine->plan.conjuncts[edge->free + i], EVIDENCE_NONE));
        if (truth == TRUTH_FALSE || (truth == TRUTH_UNKNOWN && !ends))
                return false;

        if (edge->guard != PROGRAM_NONE) {
                uint8_t state = eval_guard(eval, edge->guard)->state;

                if (state == EVAL_ABSENT || (state == EVAL_UNKNOWN && !ends))
                        return false;
        }

        *ret_free = truth;
        return ends || edge->action == PLAN_LOOP ||
               engine_can_bind(engine, &engine->program->edges[edge->edge]);
}

uint32_t engine_activate(struct engine *engine, uint32_t path, uint8_t position) {
        const struct plan_position *at = plan_position(&engine->plan, path, position);
        const struct plan_edge *edges = &engine->plan.edges[at->edges];

        if (engine->active_known[position / 64] >> position % 64 & 1)
                return engine->active_at[position].n;

        engine->active_known[position / 64] |= UINT64_C(1) << position % 64;
        engine->active_at[position].first = engine->n_actives;
        for (uint32_t i = 0; i < at->n_edges; i++) {
                enum truth free;

                if (engine_is_active(engine, &edges[i], &free))
                        engine->scratch.actives[engine->n_actives++] = (struct active){&edges[i], free};
        }
        return engine->active_at[position].n = engine->n_actives - engine->active_at[position].first;
}

static enum truth engine_truth(struct engine *engine, const struct active *active, uint32_t steps) {
        enum truth truth = active->free;

        for (uint32_t i = 0; i < active->edge->n_bound && truth != TRUTH_FALSE; i++)
                truth = truth_and(
                        truth, eval_condition(&engine->eval, engine->plan.conjuncts[active->edge->bound + i], steps));
        return truth;
}

static bool engine_holds(const struct engine *engine, uint32_t run, uint16_t slot, const struct eval_guard *guard) {
        const struct captured *capture = evidence_find(&engine->evidence, pool_run(&engine->pool, run)->steps, slot);

        return capture && capture->type == guard->type && token_equal(&capture->token, &guard->token);
}

/* Once, though several edges may ask for it. */
static void engine_add_candidate(struct engine *engine, uint32_t run) {
        struct instance *instance = pool_run(&engine->pool, run);

        if (instance->flags & INSTANCE_GATHERED)
                return;
        instance->flags |= INSTANCE_GATHERED;
        engine->scratch.candidates[engine->n_candidates++] = run;
}

/* The runs of a cell that the active edges of its position can concern. */
static void engine_gather(struct engine *engine, uint32_t path, uint32_t cell_number) {
        const struct cell *cell = pool_cell(&engine->pool, cell_number);
        uint32_t n = engine_activate(engine, path, cell->position);
        const struct active *actives = &engine->scratch.actives[engine->active_at[cell->position].first];
        bool all = false;

        if (n == 0)
                return;

        for (uint32_t i = 0; i < n; i++)
                if (actives[i].edge->index == PLAN_NO_INDEX ||
                    eval_guard(&engine->eval, actives[i].edge->guard)->state != EVAL_KNOWN)
                        all = true;
        if (all) {
                for (uint32_t run = cell->first; run != POOL_NONE; run = pool_run(&engine->pool, run)->next)
                        engine_add_candidate(engine, run);
                return;
        }

        for (uint32_t i = 0; i < n; i++) {
                const struct plan_edge *edge = actives[i].edge;
                const struct eval_guard *guard = eval_guard(&engine->eval, edge->guard);
                uint16_t slot = engine->program->guards[edge->guard].slot;

                for (uint32_t run = pool_index_first(&engine->pool, cell_number, edge->index, &guard->token);
                     run != POOL_NONE; run = pool_index_next(&engine->pool, run, edge->index))
                        if (pool_run(&engine->pool, run)->cell == cell_number && engine_holds(engine, run, slot, guard))
                                engine_add_candidate(engine, run);

                /* To those that could not bind the slot the comparison is unknown, which a `not` minds. */
                if (edge->weak && edge->action == PLAN_KILL) {
                        const struct token none = {};

                        for (uint32_t run = pool_index_first(&engine->pool, cell_number, edge->index, &none);
                             run != POOL_NONE; run = pool_index_next(&engine->pool, run, edge->index))
                                if (pool_run(&engine->pool, run)->cell == cell_number &&
                                    !(pool_run(&engine->pool, run)->bound >> slot & 1))
                                        engine_add_candidate(engine, run);
                }
        }
}

/* Sorting: runs by serial, or complete ones by what makes them the same. Heapsort: in place, and no worse for an
 * attacker's order. */

typedef bool run_before_t(const struct instance *a, const struct instance *b);

static bool run_is_older(const struct instance *a, const struct instance *b) {
        return a->serial < b->serial;
}

static bool run_captures_less(const struct instance *a, const struct instance *b) {
        if (a->captures.low != b->captures.low)
                return a->captures.low < b->captures.low;
        if (a->captures.high != b->captures.high)
                return a->captures.high < b->captures.high;
        return a->group < b->group;
}

static void engine_sift(const struct engine *engine, uint32_t *runs, uint32_t at, uint32_t n, run_before_t *before) {
        uint32_t run = runs[at];

        for (;;) {
                uint32_t child = 2 * at + 1;

                if (child >= n)
                        break;
                if (child + 1 < n &&
                    before(pool_run(&engine->pool, runs[child]), pool_run(&engine->pool, runs[child + 1])))
                        child++;
                if (!before(pool_run(&engine->pool, run), pool_run(&engine->pool, runs[child])))
                        break;
                runs[at] = runs[child];
                at = child;
        }
        runs[at] = run;
}

static void engine_sort(const struct engine *engine, uint32_t *runs, uint32_t n, run_before_t *before) {
        bool sorted = true;

        for (uint32_t i = 1; i < n && sorted; i++)
                sorted = !before(pool_run(&engine->pool, runs[i]), pool_run(&engine->pool, runs[i - 1]));
        if (sorted)
                return;

        for (uint32_t i = n / 2; i-- > 0;)
                engine_sift(engine, runs, i, n, before);
        for (uint32_t i = n - 1; i > 0; i--) {
                uint32_t run = runs[0];

                runs[0] = runs[i];
                runs[i] = run;
                engine_sift(engine, runs, 0, i, before);
        }
}

/* An `except` that names captures, with the event that binds the last of them. */
static enum truth engine_captures_excepted(struct engine *engine, uint32_t path, const struct instance *instance,
                                           uint16_t written) {
        const struct program_range range = engine->program->paths[path].exceptions;
        enum truth truth = TRUTH_FALSE;

        for (uint32_t i = range.first; i < range.first + range.n && truth != TRUTH_TRUE; i++) {
                const struct path_exception *exception = &engine->program->exceptions[i];

                if ((exception->slots & written) == 0 || (exception->slots & ~(uint64_t)instance->bound) != 0)
                        continue;
                truth = truth_or(truth, eval_condition(&engine->eval, exception->condition, instance->steps));
                engine->scratch.hidden[i] += truth == TRUTH_TRUE;
        }
        return truth;
}

uint8_t engine_take(struct engine *engine, uint32_t path, uint32_t run, const struct plan_edge *plan_edge) {
        const struct edge *edge = &engine->program->edges[plan_edge->edge];
        struct instance_world world = pool_world(&engine->pool);
        struct instance *instance = pool_run(&engine->pool, run);
        uint16_t written = 0;
        uint8_t flags;

        instance_take(&world, instance, path, plan_edge);
        engine_note(engine, RUN_TAKES, path, run, 0, plan_edge->edge);
        for (uint32_t i = 0; i < edge->writes.n; i++) {
                const struct slot_write *write = &engine->program->writes[edge->writes.first + i];
                struct value value;

                if (write->slot == SLOT_DISTINCT ||
                    eval_get(&engine->eval, write->subject, write->field, write->index, &value) != EVAL_KNOWN)
                        continue;       /* a weak one: the slot stays unbound */
                instance_bind(&world, instance, write->slot, &value);
                written |= 1U << write->slot;
        }

        if (engine->uncertain || (!plan_edge->any_result && (engine->event->wire->flags & WIRE_NO_RESULT)))
                instance->flags |= INSTANCE_UNCERTAIN;

        if (written != 0 && engine->plan.paths[path].has_capture_exceptions) {
                enum truth excepted = engine_captures_excepted(engine, path, instance, written);

                if (excepted == TRUTH_UNKNOWN)
                        instance->flags |= INSTANCE_UNCERTAIN;
                if (excepted == TRUTH_TRUE) {
                        flags = instance->flags;
                        engine_note(engine, RUN_IS_EXCEPTED, path, run, 0, PROGRAM_NONE);
                        engine->stats.n_killed++;
                        pool_give(&engine->pool, run);
                        return flags;
                }
        }

        flags = instance->flags;
        if (instance->position == INSTANCE_COMPLETE)
                engine->scratch.completed[engine->n_completed++] = run;
        else {
                engine_touch(engine, run, path, engine->now_ns);
                engine->scratch.moved[engine->n_moved++] = run;
        }
        return flags;
}

/* A run like another one was before the event, with a serial of its own. */
static uint32_t engine_copy(struct engine *engine, uint32_t path, const struct instance *before) {
        uint32_t run = pool_take(&engine->pool);
        struct instance *instance = pool_run(&engine->pool, run);

        *instance = *before;
        instance->serial = ++engine->pool.last_serial;
        instance->counter = COUNTERS_NONE;      /* a copy waits elsewhere */
        evidence_ref(&engine->evidence, instance->steps);
        engine_note(engine, RUN_IS_COPIED, path, run, before->serial, PROGRAM_NONE);
        return run;
}

/* True: the run is still where it was. */
static bool engine_advance_run(struct engine *engine, uint32_t path, uint32_t run) {
        struct instance *instance = pool_run(&engine->pool, run);
        struct instance_world world = pool_world(&engine->pool);
        const struct active *actives = &engine->scratch.actives[engine->active_at[instance->position].first];
        uint32_t n_actives = engine->active_at[instance->position].n, n_ways = 0, n_all = 0;
        const struct plan_edge *loop = NULL, *count = NULL;
        bool killed = false, unknown = false, full = false, stays;
        struct instance before;
        uint8_t flags;

        instance->flags &= ~INSTANCE_GATHERED;
        /* In the order of the plan: ADVANCE or COUNT, KILL, LOOP, RESTART. */
        for (uint32_t i = 0; i < n_actives; i++) {
                const struct plan_edge *edge = actives[i].edge;
                enum truth truth;

                if ((n_ways > 0 || count) && (edge->action == PLAN_KILL || edge->action == PLAN_LOOP))
                        continue;
                truth = engine_truth(engine, &actives[i], instance->steps);
                switch ((enum plan_action)edge->action) {
                case PLAN_ADVANCE:
                        if (truth == TRUTH_TRUE)
                                engine->scratch.ways[n_all++] = edge;
                        n_ways = n_all;
                        break;
                case PLAN_COUNT:        /* once, whichever of its steps */
                        if (truth == TRUTH_TRUE && !count)
                                count = edge;
                        break;
                case PLAN_KILL:
                        killed = killed || truth == TRUTH_TRUE;
                        unknown = unknown || truth == TRUTH_UNKNOWN;
                        break;
                case PLAN_LOOP:
                        if (truth == TRUTH_TRUE && !killed && !loop)
                                loop = edge;
                        break;
                case PLAN_RESTART:
                        if (truth == TRUTH_TRUE)
                                engine->scratch.ways[n_all++] = edge;
                        break;
                case PLAN_SCORE:        /* of a path of their own */
                case PLAN_UNTIL:        /* when all else is done */
                        break;
                }
        }
        if (n_all == 0 && !killed && !unknown && !loop && !count)
                return true;

        before = *instance;
        evidence_ref(&engine->evidence, before.steps);
        flags = before.flags;
        if (count) {
                full = engine_count(engine, path, run, count);
                flags = instance->flags;
        }
        stays = n_ways == 0 && !full && !killed;

        if (n_ways > 0) {
                pool_unfile(&engine->pool, run);
                engine->stats.n_advanced++;
                flags = engine_take(engine, path, run, engine->scratch.ways[0]);
                for (uint32_t i = 1; i < n_ways; i++)
                        (void)engine_take(engine, path, engine_copy(engine, path, &before), engine->scratch.ways[i]);
        } else if (full) {
                engine_leave_start(engine, run);
                pool_unfile(&engine->pool, run);
                engine->stats.n_advanced++;
                flags = engine_take(engine, path, run, count);
        } else if (count) {
                pool_refile(&engine->pool, run);
                engine_note(engine, RUN_COUNTS, path, run, 0, count->edge);
        } else if (killed) {
                /* Its group is looked at when the path is done: it may not be empty then. */
                engine_note(engine, RUN_IS_KILLED, path, run, 0, PROGRAM_NONE);
                engine->stats.n_killed++;
                pool_unfile(&engine->pool, run);
                pool_give(&engine->pool, run);
        } else {
                if (unknown) {
                        flags = instance->flags |= INSTANCE_UNCERTAIN;
                        engine_note(engine, RUN_DOUBTS, path, run, 0, PROGRAM_NONE);
                }
                if (loop) {
                        instance_count(&world, instance, path, loop);
                        engine_note(engine, RUN_COUNTS, path, run, 0, loop->edge);
                        /* A step that comes none or more times is taken the first time. */
                        if (engine_has_responses(engine, path) && instance->steps != before.steps &&
                            evidence_step(&engine->evidence, instance->steps)->number == engine->event->number &&
                            evidence_step(&engine->evidence, instance->steps)->count == 1)
                                engine_tell_step_slowly(engine, run, path, NULL);
                }
        }

        for (uint32_t i = n_ways; i < n_all; i++) {
                uint32_t copy = engine_copy(engine, path, &before);

                pool_run(&engine->pool, copy)->flags |= flags;
                instance_fall_back(&world, pool_run(&engine->pool, copy), path, engine->scratch.ways[i]->depth);
                engine_note(engine, RUN_FALLS_BACK, path, copy, 0, PROGRAM_NONE);
                (void)engine_take(engine, path, copy, engine->scratch.ways[i]);
        }
        evidence_unref(&engine->evidence, before.steps);
        return stays;
}

static void engine_advance_runs(struct engine *engine, uint32_t path) {
        bool is_score = engine->program->paths[path].score.threshold > 0;
        bool has_untils = engine->program->paths[path].untils.n > 0;

        engine_sort(engine, engine->scratch.candidates, engine->n_candidates, run_is_older);
        for (uint32_t i = 0; i < engine->n_candidates; i++) {
                uint32_t run = engine->scratch.candidates[i];
                bool stays = is_score ? engine_advance_score(engine, path, run) : engine_advance_run(engine, path, run);

                if (stays && has_untils && engine_meets_until(engine, path, run)) {
                        pool_unfile(&engine->pool, run);
                        pool_give(&engine->pool, run);
                }
        }
        if (has_untils)
                engine_end_moved(engine, path);
}

/* Begin new runs. Returns the group where they are, or POOL_NONE if none needed one. `own`: the group of the event's
 * own key if the event concerns it. */
static uint32_t engine_start(struct engine *engine, uint32_t path, const struct key *key, uint32_t own) {
        uint32_t n = engine_activate(engine, path, 0), concerned = own;

        for (uint32_t i = 0; i < n; i++) {
                const struct active *active = &engine->scratch.actives[engine->active_at[0].first + i];
                struct instance *instance;
                uint32_t run;

                if (active->edge->action != PLAN_ADVANCE || engine_truth(engine, active, EVIDENCE_NONE) != TRUTH_TRUE)
                        continue;

                /* A story of one step needs no place to wait. */
                if (active->edge->target != POSITION_ACCEPT && own == POOL_NONE) {
                        own = pool_get_group(&engine->pool, key, path);
                        if (own == POOL_NONE) {
                                engine_tell_evicted(engine, path, key);
                                continue;
                        }
                }

                run = pool_take(&engine->pool);
                instance = pool_run(&engine->pool, run);
                instance_begin(instance, ++engine->pool.last_serial, engine->event, engine->now_ns);
                instance->group = active->edge->target == POSITION_ACCEPT ? concerned : own;
                engine->stats.n_started++;
                engine_note(engine, RUN_BEGINS, path, run, 0, PROGRAM_NONE);
                (void)engine_take(engine, path, run, active->edge);
        }
        return own;
}

static bool engine_has_start(struct engine *engine, uint32_t path) {
        uint32_t n = engine_activate(engine, path, 0);

        for (uint32_t i = 0; i < n; i++)
                if (engine->scratch.actives[engine->active_at[0].first + i].edge->action <= PLAN_SCORE)
                        return true;
        return false;
}

/* Is the event hidden from the path? Unknown marks what it does. */
static bool engine_is_excepted(struct engine *engine, uint32_t path) {
        const struct program_range range = engine->program->paths[path].exceptions;
        enum truth truth = TRUTH_FALSE;

        if (engine->plan.paths[path].has_exceptions)
                for (uint32_t i = range.first; i < range.first + range.n && truth != TRUTH_TRUE; i++)
                        if (engine->program->exceptions[i].slots == 0) {
                                truth = truth_or(truth,
                                                 eval_condition(&engine->eval, engine->program->exceptions[i].condition,
                                                                EVIDENCE_NONE));
                                engine->scratch.hidden[i] += truth == TRUTH_TRUE;
                        }

        engine->uncertain = truth == TRUTH_UNKNOWN;
        return truth == TRUTH_TRUE;
}

/* Complete runs of the same key and captures are one; of one `descent` and the ones around it the outermost is told. */
static void engine_merge_completed(struct engine *engine, uint32_t path) {
        struct instance_world world = pool_world(&engine->pool);
        uint32_t n = 0;

        if (engine->n_completed < 2)
                return;

        engine_sort(engine, engine->scratch.completed, engine->n_completed, run_captures_less);
        for (uint32_t i = 0; i < engine->n_completed; i++) {
                uint32_t run = engine->scratch.completed[i],
                         other = n > 0 ? engine->scratch.completed[n - 1] : POOL_NONE, loser;
                struct instance *a = pool_run(&engine->pool, run), *b;

                if (other == POOL_NONE || !token_equal(&a->captures, &pool_run(&engine->pool, other)->captures)) {
                        engine->scratch.completed[n++] = run;
                        continue;
                }

                b = pool_run(&engine->pool, other);
                if (a->group == b->group) {
                        loser = instance_survives(&world, a, b, path) ? other : run;
                        if (loser == other)
                                a->starts = instance_starts(a, b, engine->event->number);
                        else
                                b->starts = instance_starts(b, a, engine->event->number);
                        engine->stats.n_merged++;
                } else {
                        uint32_t depth_a = a->group == POOL_NONE ? 0 : pool_group(&engine->pool, a->group)->depth;
                        uint32_t depth_b = b->group == POOL_NONE ? 0 : pool_group(&engine->pool, b->group)->depth;

                        loser = depth_a > depth_b ? other : run;
                }
                engine_note(engine, RUN_IS_MERGED, path, loser,
                            pool_run(&engine->pool, loser == run ? other : run)->serial, PROGRAM_NONE);
                engine->scratch.completed[n - 1] = loser == run ? other : run;
                pool_give(&engine->pool, loser);
        }
        engine->n_completed = n;
        engine_sort(engine, engine->scratch.completed, n, run_is_older);
}

static void engine_evict(struct engine *engine, uint32_t run) {
        uint32_t group = pool_run(&engine->pool, run)->group;
        struct key key = scope_key(pool_scope(&engine->pool, pool_group(&engine->pool, group)->scope));

        engine_tell_evicted(engine, pool_group(&engine->pool, group)->path, &key);
        engine_note(engine, RUN_IS_EVICTED, pool_group(&engine->pool, group)->path, run, 0, PROGRAM_NONE);
        pool_unfile(&engine->pool, run);
        pool_give(&engine->pool, run);
        engine_leave(engine, group);
}

static void engine_enforce_bounds(struct engine *engine, uint32_t concerned, uint32_t own) {
        uint32_t run;

        while ((run = pool_victim_of_counting(&engine->pool)) != POOL_NONE)
                engine_evict(engine, run);
        for (uint32_t g = concerned; g != POOL_NONE; g = pool_group(&engine->pool, g)->concerned)
                while ((run = pool_victim_of_group(&engine->pool, g)) != POOL_NONE)
                        engine_evict(engine, run);
        if (own != POOL_NONE)
                while ((run = pool_victim_of_group(&engine->pool, own)) != POOL_NONE)
                        engine_evict(engine, run);
        while ((run = pool_victim(&engine->pool)) != POOL_NONE)
                engine_evict(engine, run);
}

static void engine_tell_steps(struct engine *engine, uint32_t path, const uint32_t *runs, uint32_t n,
                              const struct key *own_key) {
        if (engine_has_responses(engine, path))
                for (uint32_t i = 0; i < n; i++)
                        engine_tell_step_slowly(engine, runs[i], path, own_key);
}

static void engine_tell_completed(struct engine *engine, uint32_t path, const struct key *own_key) {
        for (uint32_t i = 0; i < engine->n_completed; i++) {
                uint32_t run = engine->scratch.completed[i], group = pool_run(&engine->pool, run)->group;
                struct key key = group == POOL_NONE
                                       ? *own_key
                                       : scope_key(pool_scope(&engine->pool, pool_group(&engine->pool, group)->scope));

                engine_tell(engine, run, path, &key);
                pool_give(&engine->pool, run);
        }
}

static void engine_advance_path(struct engine *engine, uint32_t path, bool may_start) {
        uint32_t concerned = engine->scratch.concerned[path], own = POOL_NONE;
        const struct key *key = NULL;

        engine->scratch.concerned[path] = POOL_NONE;
        memset(engine->active_known, 0, sizeof(engine->active_known));
        engine->n_actives = engine->n_candidates = engine->n_moved = engine->n_completed = engine->n_asked = 0;
        engine->spent = false;

        for (uint32_t g = concerned; g != POOL_NONE; g = pool_group(&engine->pool, g)->concerned) {
                if (pool_group(&engine->pool, g)->depth == 0)
                        own = g;
                for (uint32_t c = pool_group(&engine->pool, g)->cells; c != POOL_NONE;
                     c = pool_cell(&engine->pool, c)->next)
                        engine_gather(engine, path, c);
        }

        if (may_start && engine_has_start(engine, path))
                key = engine_key(engine, engine->plan.paths[path].by);
        if (engine->n_candidates == 0 && !key)
                return;
        if (engine_is_excepted(engine, path)) {
                for (uint32_t i = 0; i < engine->n_candidates; i++)
                        pool_run(&engine->pool, engine->scratch.candidates[i])->flags &= ~INSTANCE_GATHERED;
                return;
        }

        engine_advance_runs(engine, path);
        if (key)
                own = engine->plan.paths[path].is_lone ? engine_start_lone(engine, path, key, own)
                                                       : engine_start(engine, path, key, own);

        engine_tell_steps(engine, path, engine->scratch.moved, engine->n_moved, key);
        for (uint32_t i = 0; i < engine->n_moved; i++)
                engine_file(engine, engine->scratch.moved[i]);
        engine_merge_completed(engine, path);
        engine_tell_steps(engine, path, engine->scratch.completed, engine->n_completed, key);
        engine_enforce_bounds(engine, concerned, own);
        engine_tell_completed(engine, path, key);

        for (uint32_t g = concerned; g != POOL_NONE; g = pool_group(&engine->pool, g)->concerned)
                engine_leave(engine, g);
        if (own != POOL_NONE)
                engine_leave(engine, own);
}

void engine_advance(struct engine *engine, uint32_t path, bool may_start) {
        engine->eval.met_limit = false;
        engine_advance_path(engine, path, may_start);
        if (engine->eval.met_limit)
                engine_tell_limit(engine, path);
}
