/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "program/aggregate.h"
#include "program/enforce.h"

static uint64_t kind_bit(uint32_t kind) {
        return wire_kind_bit(kind);
}

/* Windowed blocks around a position, from the outermost. */
static void plan_blocks(const struct program *program, const struct position *position, struct plan_position *ret) {
        uint32_t inner[PROGRAM_MAX_WINDOWS], n = 0;

        for (uint32_t b = position->block; b != PROGRAM_NONE && n < PROGRAM_MAX_WINDOWS; b = program->blocks[b].parent)
                inner[n++] = b;

        ret->n_blocks = n;
        for (uint32_t i = 0; i < n; i++)
                ret->blocks[i] = inner[n - 1 - i];
}

/* Is a step whose innermost windowed block is `inner` a step of `block`? */
static bool block_is_around(const struct program *program, uint32_t inner, uint32_t block) {
        while (inner != PROGRAM_NONE && inner != block)
                inner = program->blocks[inner].parent;
        return inner == block;
}

/* Split a condition into its conjuncts. Those without guards are the event's own; of the others, an equality with a
 * capture can be looked up. An `or` around guards stays one conjunct of the run. */
static void plan_split(struct plan *plan, uint32_t condition, bool free, uint32_t *n, uint32_t *guard) {
        const struct condition *c = &plan->program->conditions[condition];

        if (c->op == CONDITION_AND && !c->run_free) {
                for (uint32_t i = 0; i < c->args.n; i++)
                        plan_split(plan, plan->program->children[c->args.first + i].value, free, n, guard);
                return;
        }
        if (c->run_free != free || c->op == CONDITION_TRUE)
                return;

        plan->conjuncts[(*n)++] = condition;
        if (c->op == CONDITION_GUARD && *guard == PROGRAM_NONE) {
                const struct guard *g = &plan->program->guards[c->args.first];

                if (g->op == GUARD_EQUAL && g->index != INDEX_ANY && g->subject != SUBJECT_ANCESTOR)
                        *guard = c->args.first;
        }
}

/* How many conjuncts a condition has at most. */
static size_t plan_count(const struct program *program, uint32_t condition) {
        const struct condition *c = &program->conditions[condition];
        size_t n = 0;

        if (c->op != CONDITION_AND || c->run_free)
                return 1;
        for (uint32_t i = 0; i < c->args.n; i++)
                n += plan_count(program, program->children[c->args.first + i].value);
        return n;
}

static void plan_split_once(struct plan *plan, uint32_t condition, uint32_t *n, struct plan_edge *ret) {
        uint32_t none = PROGRAM_NONE;

        ret->guard = PROGRAM_NONE;
        ret->free = *n;
        plan_split(plan, condition, true, n, &none);
        ret->n_free = *n - ret->free;
        ret->bound = *n;
        plan_split(plan, condition, false, n, &ret->guard);
        ret->n_bound = *n - ret->bound;
}

/* The conjuncts of every edge of the program, then of every `until`, once; edges of the plan share them. */
static void plan_conjuncts(struct plan *plan, struct plan_edge *conjuncts) {
        const struct program *program = plan->program;
        uint32_t n = 0;

        for (uint32_t e = 0; e < program->n_edges; e++)
                plan_split_once(plan, program->edges[e].condition, &n, &conjuncts[e]);
        for (uint32_t u = 0; u < program->n_untils; u++)
                plan_split_once(plan, program->untils[u].condition, &n, &conjuncts[program->n_edges + u]);
}

static uint8_t plan_index(struct plan *plan, struct plan_position *position, uint32_t guard) {
        uint16_t slot;

        if (guard == PROGRAM_NONE)
                return PLAN_NO_INDEX;

        slot = plan->program->guards[guard].slot;
        for (uint8_t i = 0; i < position->n_slots; i++)
                if (position->slots[i] == slot)
                        return i;
        if (position->n_slots == PLAN_MAX_INDEXES)
                return PLAN_NO_INDEX;

        position->slots[position->n_slots] = slot;
        return position->n_slots++;
}

static void plan_add_edge(struct plan *plan, struct plan_position *at, const struct plan_edge *conjuncts, uint32_t path,
                          uint32_t edge, uint32_t local, uint32_t position, enum plan_action action, uint8_t depth) {
        const struct edge *e = &plan->program->edges[edge];
        struct plan_edge *new = &plan->edges[at->edges + at->n_edges++];

        *new = conjuncts[edge];
        new->edge = edge;
        new->kind = e->kind;
        new->target = e->target;
        new->local = local;
        new->action = action;
        new->position = position;
        new->depth = depth;
        new->any_result = e->any_result;
        new->index = plan_index(plan, at, new->guard);
        new->weak = new->guard != PROGRAM_NONE && plan->paths[path].weak >> plan->program->guards[new->guard].slot & 1;

        at->kinds |= kind_bit(e->kind);
        if (action != PLAN_LOOP && action != PLAN_RESTART)
                at->loss_kinds |= kind_bit(e->kind);
}

/* Every `until` of the path is in force wherever a run waits. */
static void plan_add_untils(struct plan *plan, struct plan_position *at, const struct plan_edge *conjuncts,
                            uint32_t path) {
        const struct program_range untils = plan->program->paths[path].untils;

        for (uint32_t u = untils.first; u < untils.first + untils.n; u++) {
                const struct until *until = &plan->program->untils[u];
                struct plan_edge *new = &plan->edges[at->edges + at->n_edges++];

                *new = conjuncts[plan->program->n_edges + u];
                new->edge = u;
                new->kind = until->kind;
                new->target = POSITION_ACCEPT;
                new->action = PLAN_UNTIL;
                new->any_result = until->any_result;
                new->index = plan_index(plan, at, new->guard);  /* who did not bind the slot is not looked at */

                at->kinds |= kind_bit(until->kind);
        }
}

/* What it waits on beside events. */
static void plan_wait(const struct program *program, const struct path *path, uint32_t position,
                      struct plan_position *at) {
        const struct position *p = &program->positions[path->positions.first + position];

        if (p->absence != PROGRAM_NONE) {
                at->wait = WAIT_FOR_ABSENCE;
                at->wait_ns = program->absences[p->absence].within_ns;
        } else if (p->repeat != PROGRAM_NONE) {
                at->wait = position == 0 ? WAIT_FOR_FIRST_COUNT : WAIT_FOR_COUNT;
                at->wait_ns = program->repeats[p->repeat].within_ns;
                at->count = program->repeats[p->repeat].n;
                if (position == 0 && path->within_ns > 0)
                        at->wait_ns = at->wait_ns > 0 ? MIN(at->wait_ns, path->within_ns) : path->within_ns;
        } else if (path->score.threshold > 0)
                at->wait = WAIT_FOR_SCORE;
}

static void plan_add_edges(struct plan *plan, struct plan_position *at, const struct plan_edge *conjuncts,
                           uint32_t path, uint32_t position, enum edge_type type, enum plan_action action) {
        const struct position *p = &plan->program->positions[plan->program->paths[path].positions.first + position];

        for (uint32_t i = 0; i < p->edges.n; i++)
                if (plan->program->edges[p->edges.first + i].type == type)
                        plan_add_edge(plan, at, conjuncts, path, p->edges.first + i, i, position, action, 0);
}

/* The first steps of a windowed block around the position: those that are in it. A block that begins the path starts no
 * copies (a new run does), and one that begins with the block around it restarts together with that one. */
static void plan_add_restarts(struct plan *plan, struct plan_position *at, const struct plan_edge *conjuncts,
                              uint32_t path, uint32_t depth) {
        const struct program *program = plan->program;
        const struct block *block = &program->blocks[at->blocks[depth]];
        const struct position *first = &program->positions[program->paths[path].positions.first + block->first];

        if (block->first == 0 || (depth > 0 && program->blocks[at->blocks[depth - 1]].first == block->first))
                return;

        for (uint32_t i = 0; i < first->edges.n; i++) {
                const struct edge *edge = &program->edges[first->edges.first + i];

                if (edge->type == EDGE_ADVANCE && block_is_around(program, edge->block, at->blocks[depth]))
                        plan_add_edge(plan, at, conjuncts, path, first->edges.first + i, i, block->first,
                                      PLAN_RESTART, depth);
        }
}

static size_t plan_count_edges(const struct program *program) {
        size_t n = program->n_edges;

        for (uint32_t p = 0; p < program->n_paths; p++)
                for (uint32_t i = 0; i < program->paths[p].positions.n; i++) {
                        const struct position *position = &program->positions[program->paths[p].positions.first + i];

                        for (uint32_t b = position->block; b != PROGRAM_NONE; b = program->blocks[b].parent)
                                n += program->positions[program->paths[p].positions.first + program->blocks[b].first]
                                             .edges.n;
                        n += program->paths[p].untils.n;
                }
        return n;
}

/* What one event of the worst kind can make of one run at this position. */
static void plan_measure(struct plan *plan, const struct plan_position *at, bool is_start) {
        uint32_t ways[_WIRE_KIND_MAX] = {}, restarts[_WIRE_KIND_MAX] = {};

        for (uint32_t i = 0; i < at->n_edges; i++) {
                const struct plan_edge *edge = &plan->edges[at->edges + i];

                if (edge->action == PLAN_ADVANCE)
                        ways[edge->kind]++;
                else if (edge->action == PLAN_COUNT || edge->action == PLAN_SCORE)
                        ways[edge->kind] = 1;
                else if (edge->action == PLAN_RESTART)
                        restarts[edge->kind]++;
        }
        for (unsigned k = 0; k < _WIRE_KIND_MAX; k++) {
                if (is_start)
                        plan->max_starts = MAX(plan->max_starts, ways[k]);
                else
                        plan->max_copies = MAX(plan->max_copies, (ways[k] > 1 ? ways[k] - 1 : 0) + restarts[k]);
        }
}

static void plan_captures(const struct program *program, const struct path *path, struct plan_path *ret) {
        for (uint32_t i = 0; i < path->positions.n; i++) {
                struct program_range edges = program->positions[path->positions.first + i].edges;

                for (uint32_t e = edges.first; e < edges.first + edges.n; e++)
                        for (uint32_t w = program->edges[e].writes.first;
                             w < program->edges[e].writes.first + program->edges[e].writes.n; w++) {
                                const struct slot_write *write = &program->writes[w];

                                if (write->slot >= PROGRAM_MAX_SLOTS)
                                        continue;
                                ret->slot_fields[write->slot] = write->field;
                                if (write->weak)
                                        ret->weak |= 1U << write->slot;
                        }
        }
}

static bool plan_has_responses(const struct program *program, const struct path *path) {
        for (uint32_t i = 0; i < path->positions.n; i++) {
                const struct position *position = &program->positions[path->positions.first + i];

                if (position->absence != PROGRAM_NONE &&
                    program->steps[program->absences[position->absence].step].respond.n > 0)
                        return true;
                for (uint32_t e = position->edges.first; e < position->edges.first + position->edges.n; e++)
                        if (program->edges[e].step != PROGRAM_NONE &&
                            program->steps[program->edges[e].step].respond.n > 0)
                                return true;
        }
        return false;
}

static void plan_path(struct plan *plan, uint32_t p, const struct plan_edge *conjuncts, uint32_t *n_positions,
                      uint32_t *n_edges) {
        const struct program *program = plan->program;
        const struct path *path = &program->paths[p];
        struct plan_path *ret = &plan->paths[p];
        uint32_t n_loops = 0, first_edge = *n_edges;

        *ret = (struct plan_path){
                .positions = *n_positions,
                .n_positions = path->positions.n,
                .by = path->by,
                .has_responses = plan_has_responses(program, path),
        };
        *n_positions += path->positions.n;
        for (uint32_t i = 0; i < path->exceptions.n; i++) {
                if (program->exceptions[path->exceptions.first + i].slots)
                        ret->has_capture_exceptions = true;
                else
                        ret->has_exceptions = true;
        }

        plan_captures(program, path, ret);
        /* Blocks first: restarts ask which block a target is inside. */
        for (uint32_t i = 0; i < path->positions.n; i++)
                plan_blocks(program, &program->positions[path->positions.first + i],
                            &plan->positions[ret->positions + i]);

        for (uint32_t i = 0; i < path->positions.n; i++) {
                struct plan_position *at = &plan->positions[ret->positions + i];

                at->edges = *n_edges;
                plan_wait(program, path, i, at);
                if (i == 0)
                        ret->is_lone = at->wait != WAIT_FOR_NOTHING;
                ret->has_absences = ret->has_absences || at->wait == WAIT_FOR_ABSENCE;
                plan_add_edges(plan, at, conjuncts, p, i, EDGE_ADVANCE, PLAN_ADVANCE);
                plan_add_edges(plan, at, conjuncts, p, i, EDGE_COUNT, PLAN_COUNT);
                plan_add_edges(plan, at, conjuncts, p, i, EDGE_SCORE, PLAN_SCORE);
                plan_add_edges(plan, at, conjuncts, p, i, EDGE_KILL, PLAN_KILL);
                plan_add_edges(plan, at, conjuncts, p, i, EDGE_LOOP, PLAN_LOOP);
                for (uint32_t depth = 0; depth < at->n_blocks; depth++)
                        plan_add_restarts(plan, at, conjuncts, p, depth);
                if (i > 0 || ret->is_lone)
                        plan_add_untils(plan, at, conjuncts, p);
                *n_edges += at->n_edges;

                plan_measure(plan, at, i == 0);
                for (uint32_t j = 0; j < at->n_edges; j++)
                        n_loops += plan->edges[at->edges + j].action == PLAN_LOOP ||
                                   plan->edges[at->edges + j].action == PLAN_SCORE;
        }

        plan->max_edges = MAX(plan->max_edges, *n_edges - first_edge);
        plan->max_steps = MAX(plan->max_steps, path->positions.n + n_loops);
        plan->max_slots = MAX(plan->max_slots, path->slots.n);
}

/* Where a run waits for what the kernel decides, and what that compares with. One step alone needs no run. */
static int plan_arms(struct plan *plan) {
        _cleanup_(freep) struct enforcement *enforcement = NULL;
        const struct program *program = plan->program;

        for (uint32_t p = 0; p < program->n_paths; p++) {
                const struct path *path = &program->paths[p];
                struct plan_path *ret = &plan->paths[p];

                ret->file_slot = ret->address_slot = ENFORCEMENT_NO_SLOT;
                if (path->enforce == PATH_ENFORCE_NONE)
                        continue;
                if (!enforcement && !(enforcement = malloc(sizeof(*enforcement))))
                        return -ENOMEM;
                if (enforce_path(program, p, enforcement, NULL) < 0)
                        continue;       /* the compiler lets no such path pass */
                ret->file_slot = enforcement->file_slot;
                ret->address_slot = enforcement->address_slot;
                for (uint32_t i = 1; i < path->positions.n; i++) {
                        plan->positions[ret->positions + i].arms = enforcement->awaited[i];
                        ret->arms = ret->arms || enforcement->awaited[i];
                }
        }
        return 0;
}

static void plan_start(struct plan *plan, const struct start *start) {
        uint32_t kind = plan->program->edges[start->edge].kind;

        plan->kinds[kind].paths[start->path / 64] |= UINT64_C(1) << start->path % 64;
        plan->kinds[kind].starts = true;
}

static bool plan_is_eager(const struct program *program, uint32_t matcher, unsigned kind) {
        const struct matcher_ref *m = &program->matchers[matcher];

        for (uint32_t i = 0; i < m->predicates.n; i++) {
                uint32_t p = program->matched[m->predicates.first + i].value;

                if (p >= program->header->predicate_starts.n)
                        continue;
                for (uint32_t j = 0; j < program->predicate_starts[p].n; j++)
                        if (program->edges[program->starts[program->predicate_starts[p].first + j].edge].kind == kind)
                                return true;
        }
        return false;
}

/* Which matchers have to be run for a kind because what they find begins paths. */
static void plan_dispatch(struct plan *plan) {
        const struct program *program = plan->program;
        uint32_t n_eager = 0;

        for (uint32_t i = 0; i < program->n_starts; i++)
                plan->starts[i] =
                        (struct plan_start){program->edges[program->starts[i].edge].kind, program->starts[i].path};

        for (unsigned k = 0; k < _WIRE_KIND_MAX; k++) {
                struct plan_kind *kind = &plan->kinds[k];

                kind->paths = plan->kind_paths + 2 * k * plan->n_path_words;
                kind->aggregates = kind->paths + plan->n_path_words;
                for (uint32_t p = 0; p < program->n_paths; p++)
                        if (program->paths[p].kinds & wire_kind_bit(k) &&
                            aggregate_most(program, &program->paths[p], (enum wire_kind)k) > 0)
                                kind->aggregates[p / 64] |= UINT64_C(1) << p % 64;
                kind->meta = !schema_kind(k) || schema_kind(k)->class == EVENT_META;
                for (uint32_t i = 0; i < program->header->kind_starts[k].n; i++)
                        plan_start(plan, &program->starts[program->header->kind_starts[k].first + i]);
        }

        for (uint32_t m = 0; m < program->n_matchers; m++)
                for (uint32_t i = 0; i < program->matchers[m].predicates.n; i++)
                        plan->matcher_of[program->matched[program->matchers[m].predicates.first + i].value] = m;

        /* Filed under a predicate that no matcher finds: such a first step is tried for every event of its kind. */
        for (uint32_t p = 0; p < program->header->predicate_starts.n; p++)
                if (plan->matcher_of[p] == PLAN_NO_MATCHER)
                        for (uint32_t i = 0; i < program->predicate_starts[p].n; i++)
                                plan_start(plan, &program->starts[program->predicate_starts[p].first + i]);

        for (unsigned k = 0; k < _WIRE_KIND_MAX; k++) {
                struct plan_kind *kind = &plan->kinds[k];

                kind->eager = n_eager;
                for (uint32_t m = 0; m < program->n_matchers; m++)
                        if (plan_is_eager(program, m, k))
                                plan->eager[n_eager++] = m;
                kind->n_eager = n_eager - kind->eager;
                if (kind->n_eager > 0)
                        kind->starts = true;
        }
}

int plan_init(struct plan *plan, const struct program *program) {
        _cleanup_(freep) struct plan_edge *conjuncts = NULL;
        uint32_t n_positions = 0, n_edges = 0;
        size_t n_conjuncts = 0, max_positions = 0;

        *plan = (struct plan){
                .program = program,
                .n_path_words = MAX(PLAN_WORDS(program->n_paths), 1u),
        };

        for (uint32_t e = 0; e < program->n_edges; e++)
                n_conjuncts += plan_count(program, program->edges[e].condition);
        for (uint32_t u = 0; u < program->n_untils; u++)
                n_conjuncts += plan_count(program, program->untils[u].condition);
        for (uint32_t p = 0; p < program->n_paths; p++)
                max_positions += program->paths[p].positions.n;

        plan->paths = calloc(program->n_paths + 1, sizeof(*plan->paths));
        plan->positions = calloc(max_positions + 1, sizeof(*plan->positions));
        plan->edges = calloc(plan_count_edges(program) + 1, sizeof(*plan->edges));
        plan->conjuncts = calloc(n_conjuncts + 1, sizeof(*plan->conjuncts));
        plan->eager = calloc((size_t)program->n_matchers * _WIRE_KIND_MAX + 1, sizeof(*plan->eager));
        plan->starts = calloc(program->n_starts + 1, sizeof(*plan->starts));
        plan->matcher_of = malloc((program->n_predicates + 1) * sizeof(*plan->matcher_of));
        plan->kind_paths = calloc((size_t)2 * plan->n_path_words * _WIRE_KIND_MAX, sizeof(*plan->kind_paths));
        conjuncts = calloc((size_t)program->n_edges + program->n_untils + 1, sizeof(*conjuncts));
        if (!plan->paths || !plan->positions || !plan->edges || !plan->conjuncts || !plan->eager || !plan->starts ||
            !plan->matcher_of || !plan->kind_paths || !conjuncts) {
                plan_done(plan);
                return -ENOMEM;
        }
        for (uint32_t p = 0; p < program->n_predicates; p++)
                plan->matcher_of[p] = PLAN_NO_MATCHER;

        plan_conjuncts(plan, conjuncts);
        for (uint32_t p = 0; p < program->n_paths; p++)
                plan_path(plan, p, conjuncts, &n_positions, &n_edges);
        plan_dispatch(plan);
        if (plan_arms(plan) < 0) {
                plan_done(plan);
                return -ENOMEM;
        }
        return 0;
}

void plan_done(struct plan *plan) {
        free(plan->paths);
        free(plan->positions);
        free(plan->edges);
        free(plan->conjuncts);
        free(plan->eager);
        free(plan->starts);
        free(plan->matcher_of);
        free(plan->kind_paths);
        *plan = (struct plan){};
}
