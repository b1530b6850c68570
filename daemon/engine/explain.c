/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/explain.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/engine-private.h"
#include "engine/explain-private.h"
#include "process/lineage.h"

struct explain {
        struct engine *engine;          /* borrowed */
        struct eval eval;               /* one of our own */
        const char *(*label)(const struct identity *id, void *data);
        void *data;
};

int explain_new(struct engine *engine, struct explain **ret) {
        _cleanup_(explain_freep) struct explain *explain = NULL;
        int r;

        assert(engine && ret);

        explain = calloc(1, sizeof(*explain));
        if (!explain)
                return -ENOMEM;
        explain->engine = engine;
        r = eval_init(&explain->eval, engine->program, &engine->plan, engine->table, &engine->evidence);
        if (r < 0)
                return r;

        explain->eval.lists = engine->lists;
        *ret = TAKE_PTR(explain);
        return 0;
}

struct explain *explain_free(struct explain *explain) {
        if (!explain)
                return NULL;
        eval_done(&explain->eval);
        free(explain);
        return NULL;
}

void explain_begin(struct explain *explain) {
        assert(explain->engine->event && explain->eval.program == explain->engine->program);
        eval_begin(&explain->eval, explain->engine->event, explain->engine->actor);
}

const struct program *explain_program(const struct explain *explain) {
        return explain->eval.program;
}

const struct event *explain_event(const struct explain *explain) {
        return explain->engine->event;
}

void explain_set_label(struct explain *explain, const char *(*label)(const struct identity *id, void *data),
                       void *data) {
        explain->label = label;
        explain->data = data;
}

const char *explain_label(struct explain *explain, const struct identity *id) {
        return explain->label ? explain->label(id, explain->data) : NULL;
}

struct eval *explain_eval(struct explain *explain) {
        return &explain->eval;
}

static bool same_key(const struct key *key, const struct scope *scope) {
        struct key other = scope_key(scope);

        return key->type == other.type && identity_equal(&key->id, &other.id) && key->n_name == other.n_name &&
               (key->n_name == 0 || memcmp(key->name, other.name, key->n_name) == 0);
}

/* Does the event belong to the key of this group? */
static bool explain_concerns(struct explain *explain, const struct group *group) {
        struct engine *engine = explain->engine;
        const struct scope *scope = pool_scope(&engine->pool, group->scope);
        const struct process *process;
        const struct key *key;
        struct lineage lineage;

        if (scope->type != KEY_DESCENT) {
                key = engine_key(engine, (enum program_key)scope->type);
                return key && same_key(key, scope);
        }
        if (!engine->actor)
                return false;
        if (identity_equal(&engine->actor->id, &scope->id))
                return true;
        lineage_begin(&lineage, engine->table, engine->actor);
        while ((process = lineage_next(&lineage)))
                if (identity_equal(&process->id, &scope->id))
                        return true;
        return false;
}

void explain_runs(struct explain *explain, uint32_t path, void (*on_run)(const struct explain_run *run, void *data),
                  void *data) {
        struct engine *engine = explain->engine;
        struct instance_world world = pool_world(&engine->pool);
        struct explain_run run = {
                .path = path,
                .steps = EVIDENCE_NONE,
                .concerned = engine_key(engine, (enum program_key)engine->program->paths[path].by) != NULL,
                .deadline_ns = UINT64_MAX,
        };

        on_run(&run, data);
        for (uint32_t i = 0; i < engine->pool.sizes.n; i++) {
                const struct group *group = pool_group(&engine->pool, engine->pool.sizes.entries[i].id);

                if (group->path != path)
                        continue;
                run.concerned = explain_concerns(explain, group);
                for (uint32_t c = group->cells; c != POOL_NONE; c = pool_cell(&engine->pool, c)->next)
                        for (uint32_t r = pool_cell(&engine->pool, c)->first; r != POOL_NONE;
                             r = pool_run(&engine->pool, r)->next) {
                                const struct instance *instance = pool_run(&engine->pool, r);

                                run.serial = instance->serial;
                                run.steps = instance->steps;
                                run.position = instance->position;
                                run.done = instance->done;
                                run.deadline_ns = instance_deadline(&world, instance, path);
                                on_run(&run, data);
                        }
        }
}

static uint32_t explain_find_run(const struct explain *explain, uint32_t path, uint64_t serial) {
        const struct pool *pool = &explain->engine->pool;

        for (uint32_t i = 0; i < pool->sizes.n; i++) {
                const struct group *group = pool_group(pool, pool->sizes.entries[i].id);

                if (group->path != path)
                        continue;
                for (uint32_t c = group->cells; c != POOL_NONE; c = pool_cell(pool, c)->next)
                        for (uint32_t r = pool_cell(pool, c)->first; r != POOL_NONE; r = pool_run(pool, r)->next)
                                if (pool_run(pool, r)->serial == serial)
                                        return r;
        }
        return POOL_NONE;
}

uint64_t explain_deadline(const struct explain *explain, uint32_t path, uint64_t serial) {
        const struct instance_world world = pool_world(&explain->engine->pool);
        uint32_t run = explain_find_run(explain, path, serial);

        return run == POOL_NONE ? UINT64_MAX
                                : instance_deadline(&world, pool_run(&explain->engine->pool, run), path);
}

bool explain_key(struct explain *explain, const struct explain_run *run, struct key *ret) {
        const struct pool *pool = &explain->engine->pool;
        uint32_t found;

        if (run->serial == 0)
                return explain_event_key(explain, run->path, ret);
        found = explain_find_run(explain, run->path, run->serial);
        if (found == POOL_NONE)
                return false;
        *ret = scope_key(pool_scope(pool, pool_group(pool, pool_run(pool, found)->group)->scope));
        return true;
}

bool explain_event_key(struct explain *explain, uint32_t path, struct key *ret) {
        const struct key *key =
                engine_key(explain->engine, (enum program_key)explain->engine->program->paths[path].by);

        if (key)
                *ret = *key;
        return key != NULL;
}

static bool explain_can_bind(struct explain *explain, const struct edge *edge) {
        for (uint32_t i = 0; i < edge->writes.n; i++) {
                const struct slot_write *write = &explain->engine->program->writes[edge->writes.first + i];
                struct value value;

                if (write->weak)
                        continue;
                if (eval_get(&explain->eval, (enum program_subject)write->subject, (enum field)write->field,
                             write->index, &value) != EVAL_KNOWN)
                        return false;
        }
        return true;
}

static enum explain_verdict explain_judge(struct explain *explain, const struct explain_run *run, uint32_t condition,
                                          bool any_result) {
        enum truth truth = eval_condition(&explain->eval, condition, run->steps);

        if (truth == TRUTH_FALSE)
                return EXPLAIN_FALSE;
        if (!any_result && (explain->engine->event->wire->flags & WIRE_FAILED))
                return EXPLAIN_FAILED;
        return truth == TRUTH_UNKNOWN ? EXPLAIN_UNKNOWN : EXPLAIN_TAKES;
}

static enum explain_verdict explain_judge_edge(struct explain *explain, const struct explain_run *run,
                                               const struct edge *edge) {
        enum explain_verdict verdict = explain_judge(explain, run, edge->condition, edge->any_result);
        bool binds = edge->type == EDGE_ADVANCE || edge->type == EDGE_COUNT;

        return verdict == EXPLAIN_TAKES && binds && !explain_can_bind(explain, edge) ? EXPLAIN_NOT_CAPTURED : verdict;
}

/* Steps behind the place where the run waits. */
static void explain_later(struct explain *explain, const struct explain_run *run,
                          void (*on_edge)(const struct explain_edge *edge, void *data), void *data) {
        const struct program *program = explain->engine->program;
        const struct path *path = &program->paths[run->path];
        const struct position *here = &program->positions[path->positions.first + run->position];

        for (uint32_t p = run->position + 1; p < path->positions.n; p++) {
                const struct position *position = &program->positions[path->positions.first + p];

                for (uint32_t i = 0; i < position->edges.n; i++) {
                        struct explain_edge found = {
                                .edge = position->edges.first + i,
                                .until = PROGRAM_NONE,
                                .verdict = EXPLAIN_TAKES,
                                .later = true,
                        };
                        const struct edge *edge = &program->edges[found.edge];
                        bool is_here = edge->kind != event_kind(explain->engine->event) || edge->type != EDGE_ADVANCE;

                        for (uint32_t k = 0; k < here->edges.n && !is_here; k++)
                                is_here = program->edges[here->edges.first + k].step == edge->step;
                        if (is_here || explain_judge_edge(explain, run, edge) != EXPLAIN_TAKES)
                                continue;
                        on_edge(&found, data);
                        return;         /* the first is enough */
                }
        }
}

void explain_edges(struct explain *explain, const struct explain_run *run,
                   void (*on_edge)(const struct explain_edge *edge, void *data), void *data) {
        const struct program *program = explain->engine->program;
        const struct path *path = &program->paths[run->path];
        const struct position *here = &program->positions[path->positions.first + run->position];
        bool taken = false;

        for (uint32_t i = 0; i < here->edges.n; i++) {
                struct explain_edge found = {.edge = here->edges.first + i, .until = PROGRAM_NONE};
                const struct edge *edge = &program->edges[found.edge];

                if (edge->kind != event_kind(explain->engine->event))
                        continue;
                found.type = (enum edge_type)edge->type;
                found.verdict = explain_judge_edge(explain, run, edge);
                taken = taken || (found.verdict == EXPLAIN_TAKES && edge->type != EDGE_LOOP);
                on_edge(&found, data);
        }
        for (uint32_t i = 0; i < path->untils.n && run->serial > 0; i++) {
                struct explain_edge found = {
                        .edge = PROGRAM_NONE,
                        .until = path->untils.first + i,
                        .type = EDGE_KILL,
                };
                const struct until *until = &program->untils[found.until];

                if (until->kind != event_kind(explain->engine->event))
                        continue;
                found.verdict = explain_judge(explain, run, until->condition, until->any_result);
                on_edge(&found, data);
        }
        if (!taken)
                explain_later(explain, run, on_edge, data);
}

uint32_t explain_exception(struct explain *explain, uint32_t path, bool *ret_unknown) {
        const struct program *program = explain->engine->program;
        const struct program_range range = program->paths[path].exceptions;
        uint32_t unknown = PROGRAM_NONE;

        *ret_unknown = false;
        for (uint32_t i = range.first; i < range.first + range.n; i++) {
                enum truth truth;

                if (program->exceptions[i].slots != 0)
                        continue;
                truth = eval_condition(&explain->eval, program->exceptions[i].condition, EVIDENCE_NONE);
                if (truth == TRUTH_TRUE)
                        return i;
                if (truth == TRUTH_UNKNOWN && unknown == PROGRAM_NONE)
                        unknown = i;
        }
        *ret_unknown = unknown != PROGRAM_NONE;
        return unknown;
}

struct walk {
        struct explain *explain;
        const struct explain_run *run;
        struct explain_node *nodes;
        size_t n, max;
};

/* `joined`: the operator of the node around it, whose members stand at `depth`; one of the same needs no line. */
static void walk_condition(struct walk *w, uint32_t number, uint8_t depth, enum condition_op joined, bool negated) {
        const struct program *program = w->explain->engine->program;
        const struct condition *c = &program->conditions[number];
        enum condition_op op = (enum condition_op)c->op;
        enum truth truth;

        if (op == CONDITION_NOT) {
                walk_condition(w, c->args.first, depth, joined, !negated);
                return;
        }
        /* not (a or b) is: neither of them; not (a and b): one of them is not. */
        if (negated && (op == CONDITION_AND || op == CONDITION_OR))
                op = op == CONDITION_AND ? CONDITION_OR : CONDITION_AND;
        if (op == joined) {
                for (uint32_t i = 0; i < c->args.n; i++)
                        walk_condition(w, program->children[c->args.first + i].value, depth, joined, negated);
                return;
        }
        if (w->n == w->max)
                return;

        truth = eval_condition(&w->explain->eval, number, w->run->steps);
        w->nodes[w->n++] = (struct explain_node){
                .condition = number,
                .shape = op == CONDITION_AND ? EXPLAIN_ALL : op == CONDITION_OR ? EXPLAIN_ANY : EXPLAIN_LEAF,
                .truth = negated ? truth_not(truth) : truth,
                .depth = depth,
                .negated = negated,
        };
        if (op == CONDITION_AND || op == CONDITION_OR)
                for (uint32_t i = 0; i < c->args.n; i++)
                        walk_condition(w, program->children[c->args.first + i].value, depth + 1, op, negated);
}

size_t explain_condition(struct explain *explain, const struct explain_run *run, uint32_t condition,
                         struct explain_node *nodes, size_t max) {
        struct walk walk = {.explain = explain, .run = run, .nodes = nodes, .max = max};

        if (explain->engine->program->conditions[condition].op != CONDITION_TRUE)
                walk_condition(&walk, condition, 0, CONDITION_AND, false);
        return walk.n;
}
