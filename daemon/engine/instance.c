/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/instance.h"

#include <string.h>

#include "base/macro.h"

static uint64_t add_ns(uint64_t a, uint64_t b) {
        return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void instance_begin(struct instance *instance, uint64_t serial, const struct event *event, uint64_t now_ns) {
        *instance = (struct instance){
                .serial = serial,
                .start_number = event->number,
                .start_ns = now_ns,
                .starts = 1,
                .steps = EVIDENCE_NONE,
                .counter = COUNTERS_NONE,
        };
}

/* Behind a step that leads to another position, or completes the path. */
static void instance_go(struct instance_world *world, struct instance *instance, uint32_t path, uint16_t target) {
        const struct plan_position *from = plan_position(world->plan, path, instance->position), *to;

        if (target != POSITION_ACCEPT) {
                to = plan_position(world->plan, path, target);
                for (unsigned d = 0; d < to->n_blocks; d++)
                        if (d >= from->n_blocks || from->blocks[d] != to->blocks[d])
                                instance->window_done[d] = instance->done;
                instance->position = target;
        } else
                instance->position = INSTANCE_COMPLETE;
        instance->done++;
}

static void instance_drop_counter(struct instance_world *world, struct instance *instance) {
        counters_give(world->counters, instance->counter);
        instance->counter = COUNTERS_NONE;
}

/* The step that was just taken stands for all that was counted. A path that begins with it begins with the oldest of
 * them; but which of two runs began later is decided by the event that filled the count. */
static void instance_show_count(struct instance_world *world, struct instance *instance, uint32_t path) {
        struct evidence_step *step = evidence_step(world->evidence, instance->steps);

        if (instance->counter != COUNTERS_NONE) {
                const struct counter *counter = counters_at(world->counters, instance->counter);

                if (counter->n > 0) {
                        step->count = counter->n;
                        step->first_ns = counters_time(world->counters, counter->oldest)->time_ns;
                }
                instance_drop_counter(world, instance);
        }
        if (instance->position == 0) {
                instance->start_ns = step->count > 1 ? step->first_ns : step->taken_ns;
                instance->start_number = step->number;
        }
}

void instance_take(struct instance_world *world, struct instance *instance, uint32_t path,
                   const struct plan_edge *edge) {
        assert(instance->position == edge->position);

        instance->steps = evidence_push(world->evidence, instance->steps, edge->position, edge->local, false,
                                        edge->target == POSITION_ACCEPT);
        if (edge->action == PLAN_COUNT)
                instance_show_count(world, instance, path);
        instance_go(world, instance, path, edge->target);
}

void instance_add_capture(struct instance_world *world, struct instance *instance, uint16_t slot, uint8_t type,
                          const struct token *token) {
        struct token weight = evidence_weight(world->evidence, slot, type, token);

        /* 128-bit addition: the order in which slots were bound leaves no trace. */
        instance->captures.low += weight.low;
        instance->captures.high += weight.high + (instance->captures.low < weight.low);
        instance->bound |= 1U << slot;
}

void instance_bind(struct instance_world *world, struct instance *instance, uint16_t slot, const struct value *value) {
        struct token token = evidence_token(world->evidence, value);

        evidence_bind(world->evidence, instance->steps, slot, value, &token);
        instance_add_capture(world, instance, slot, value->type, &token);
}

static uint32_t instance_step_id(const struct instance_world *world, uint32_t path, const struct evidence_step *step) {
        const struct program *program = world->plan->program;

        if (step->absent)
                return program->absences[program->positions[program->paths[path].positions.first + step->position]
                                                 .absence]
                        .step;
        return plan_edge_at(world->plan, path, step->position, step->local)->step;
}

void instance_count(struct instance_world *world, struct instance *instance, uint32_t path,
                    const struct plan_edge *edge) {
        uint32_t same = instance->steps, id = world->plan->program->edges[edge->edge].step;

        /* The steps that were counted at this place, and the one that led here. */
        while (same != EVIDENCE_NONE) {
                const struct evidence_step *step = evidence_step(world->evidence, same);

                if (instance_step_id(world, path, step) == id) {
                        instance->steps = evidence_count(world->evidence, instance->steps, same);
                        return;
                }
                if (!step->loop)
                        break;
                same = step->previous;
        }

        instance->steps = evidence_push(world->evidence, instance->steps, edge->position, edge->local, true, false);
}

void instance_fall_back(struct instance_world *world, struct instance *instance, uint32_t path, unsigned depth) {
        const struct plan_position *at = plan_position(world->plan, path, instance->position);

        assert(depth < at->n_blocks);

        instance_drop_counter(world, instance);
        instance->position = world->plan->program->blocks[at->blocks[depth]].first;
        instance->done = instance->window_done[depth];
        instance->steps = evidence_cut(world->evidence, instance->steps, instance->done);

        instance->captures = (struct token){};
        instance->bound = 0;
        for (uint32_t s = instance->steps; s != EVIDENCE_NONE; s = evidence_step(world->evidence, s)->previous)
                for (uint32_t c = evidence_step(world->evidence, s)->captures; c != EVIDENCE_NONE;) {
                        const struct captured *capture = evidence_capture(world->evidence, c);

                        instance_add_capture(world, instance, capture->slot, capture->type, &capture->token);
                        c = capture->next;
                }
}

/* When the window of a block closes: measured from its first step. */
static uint64_t instance_window_deadline(const struct instance_world *world, const struct instance *instance,
                                         const struct plan_position *at, unsigned depth) {
        uint32_t s = instance->steps;
        const struct evidence_step *step;

        do {
                step = evidence_step(world->evidence, s);
                s = step->previous;
        } while (step->loop || step->done > instance->window_done[depth] + 1);

        return add_ns(step->taken_ns, world->plan->program->blocks[at->blocks[depth]].within_ns);
}

static uint64_t instance_path_deadline(const struct instance_world *world, const struct instance *instance,
                                       uint32_t path) {
        uint64_t within_ns = world->plan->program->paths[path].within_ns;

        return within_ns == 0 ? UINT64_MAX : add_ns(instance->start_ns, within_ns);
}

/* Of the path and of its blocks. */
static uint64_t instance_own_deadline(const struct instance_world *world, const struct instance *instance,
                                      const struct plan_position *at, uint32_t path) {
        uint64_t deadline_ns = instance_path_deadline(world, instance, path);

        for (unsigned d = 0; d < at->n_blocks; d++)
                deadline_ns = MIN(deadline_ns, instance_window_deadline(world, instance, at, d));
        return deadline_ns;
}

/* When what must not happen has not happened. */
static uint64_t instance_proof(const struct instance_world *world, const struct instance *instance,
                               const struct plan_position *at) {
        uint32_t before = evidence_newest(world->evidence, instance->steps);

        return add_ns(evidence_step(world->evidence, before)->taken_ns, at->wait_ns);
}

/* The last time at which a score is more than nothing. */
static uint64_t instance_score_deadline(const struct instance_world *world, const struct instance *instance,
                                        uint32_t path) {
        const struct score *score = &world->plan->program->paths[path].score;
        unsigned __int128 ns = (unsigned __int128)instance->points * score->decay_ns + score->decay - 1;

        ns = ns / score->decay - 1;
        return ns > UINT64_MAX ? UINT64_MAX : add_ns(instance->start_ns, (uint64_t)ns);
}

static uint64_t instance_count_deadline(const struct instance_world *world, const struct instance *instance,
                                        const struct plan_position *at) {
        const struct counter *counter = counters_at(world->counters, instance->counter);

        if (at->wait_ns == 0)
                return UINT64_MAX;
        return add_ns(counters_time(world->counters, counter->newest)->time_ns, at->wait_ns);
}

uint64_t instance_deadline(const struct instance_world *world, const struct instance *instance, uint32_t path) {
        const struct plan_position *at = plan_position(world->plan, path, instance->position);

        switch ((enum plan_wait)at->wait) {
        case WAIT_FOR_NOTHING:
        case WAIT_FOR_COUNT:
                break;
        case WAIT_FOR_ABSENCE:
                return MIN(instance_own_deadline(world, instance, at, path), instance_proof(world, instance, at));
        case WAIT_FOR_FIRST_COUNT:
                return instance_count_deadline(world, instance, at);
        case WAIT_FOR_SCORE:
                return instance_score_deadline(world, instance, path);
        }
        return instance_own_deadline(world, instance, at, path);
}

bool instance_add(struct instance_world *world, struct instance *instance, uint32_t path, const struct token *value,
                  uint64_t now_ns) {
        const struct plan_position *at = plan_position(world->plan, path, instance->position);

        if (at->count == 1)
                return true;
        if (instance->counter == COUNTERS_NONE)
                instance->counter = counters_take(world->counters, 0);
        if (at->wait_ns > 0 && now_ns > at->wait_ns)
                counters_forget(world->counters, instance->counter, now_ns - at->wait_ns);
        counters_add(world->counters, instance->counter, now_ns, value);
        return counters_at(world->counters, instance->counter)->n >= at->count;
}

uint64_t instance_sum(const struct instance_world *world, const struct instance *instance, uint32_t path,
                      uint64_t now_ns) {
        const struct score *score = &world->plan->program->paths[path].score;
        unsigned __int128 forgotten =
                (unsigned __int128)(now_ns - instance->start_ns) * score->decay / score->decay_ns;

        return forgotten < instance->points ? instance->points - (uint64_t)forgotten : 0;
}

enum instance_fate instance_expire(struct instance_world *world, struct instance *instance, uint32_t path,
                                   uint64_t deadline_ns) {
        const struct plan_position *at = plan_position(world->plan, path, instance->position);

        /* Before its windows, which may close at the same time. */
        if (at->wait == WAIT_FOR_ABSENCE && instance_proof(world, instance, at) <= deadline_ns) {
                const struct program *program = world->plan->program;
                const struct position *position =
                        &program->positions[program->paths[path].positions.first + instance->position];

                instance->steps = evidence_push_absent(world->evidence, instance->steps, instance->position,
                                                       deadline_ns);
                instance_go(world, instance, path, program->absences[position->absence].target);
                return INSTANCE_GOES_ON;
        }
        if (at->wait == WAIT_FOR_FIRST_COUNT || at->wait == WAIT_FOR_SCORE ||
            instance_path_deadline(world, instance, path) <= deadline_ns)
                return INSTANCE_ENDS;

        for (unsigned d = 0; d < at->n_blocks; d++)
                if (instance_window_deadline(world, instance, at, d) <= deadline_ns) {
                        /* A block that begins the path leaves nothing to wait with. */
                        if (world->plan->program->blocks[at->blocks[d]].first == 0)
                                return INSTANCE_ENDS;
                        instance_fall_back(world, instance, path, d);
                        return INSTANCE_FALLS_BACK;
                }
        return INSTANCE_ENDS;
}

/* The steps from the first on, without repetitions. Returns how many. */
static unsigned instance_list_steps(const struct instance_world *world, const struct instance *instance,
                                    const struct evidence_step *ret[static PROGRAM_MAX_POSITIONS]) {
        for (uint32_t s = instance->steps; s != EVIDENCE_NONE; s = evidence_step(world->evidence, s)->previous)
                if (!evidence_step(world->evidence, s)->loop)
                        ret[evidence_step(world->evidence, s)->done - 1] = evidence_step(world->evidence, s);
        return instance->done;
}

/* Of two equal runs that wait on an absence the one survives that came there first, or whoever repeats the step before
 * it would never be told; but not for the sake of a run whose window closes too early. 1: `a`, -1: `b`, 0: the steps
 * before it decide. */
static int instance_waits_longer(const struct instance_world *world, const struct instance *a, const struct instance *b,
                                 const struct plan_position *at, uint32_t path) {
        uint64_t proof_a = instance_proof(world, a, at), proof_b = instance_proof(world, b, at);
        bool in_vain_a = instance_own_deadline(world, a, at, path) < proof_a;
        bool in_vain_b = instance_own_deadline(world, b, at, path) < proof_b;
        uint64_t number_a, number_b;

        if (in_vain_a != in_vain_b)
                return in_vain_a ? -1 : 1;
        if (proof_a != proof_b)
                return proof_a < proof_b ? 1 : -1;
        number_a = evidence_step(world->evidence, evidence_newest(world->evidence, a->steps))->number;
        number_b = evidence_step(world->evidence, evidence_newest(world->evidence, b->steps))->number;
        return number_a < number_b ? 1 : number_a > number_b ? -1 : 0;
}

bool instance_survives(const struct instance_world *world, const struct instance *a, const struct instance *b,
                       uint32_t path) {
        const struct evidence_step *steps_a[PROGRAM_MAX_POSITIONS], *steps_b[PROGRAM_MAX_POSITIONS];
        const struct program *program = world->plan->program;
        const struct plan_position *at =
                a->position == INSTANCE_COMPLETE ? NULL : plan_position(world->plan, path, a->position);
        unsigned n_a, n_b, n_blocks;

        if (at && at->wait == WAIT_FOR_ABSENCE) {
                int longer = instance_waits_longer(world, a, b, at, path);

                if (longer != 0)
                        return longer > 0;
        }
        if (a->start_number != b->start_number)
                return a->start_number > b->start_number;

        n_a = instance_list_steps(world, a, steps_a);
        n_b = instance_list_steps(world, b, steps_b);
        for (unsigned i = 0; i < MIN(n_a, n_b); i++) {
                uint32_t text_a, text_b;

                if (steps_a[i] == steps_b[i])
                        continue;
                if (steps_a[i]->number != steps_b[i]->number)
                        return steps_a[i]->number > steps_b[i]->number;
                text_a = program->steps[instance_step_id(world, path, steps_a[i])].number;
                text_b = program->steps[instance_step_id(world, path, steps_b[i])].number;
                if (text_a != text_b)
                        return text_a < text_b;
        }

        n_blocks = at ? at->n_blocks : 0;
        for (unsigned d = 0; d < n_blocks; d++)
                if (a->window_done[d] != b->window_done[d])
                        return a->window_done[d] > b->window_done[d];

        if ((a->flags ^ b->flags) & INSTANCE_UNCERTAIN)
                return !(a->flags & INSTANCE_UNCERTAIN);
        if (a->gap_count != b->gap_count)
                return a->gap_count < b->gap_count;
        return a->serial < b->serial;
}

void instance_inherit(struct instance *survivor, struct instance *other, const struct counters *counters) {
        uint32_t counter = other->counter;

        if (counter == COUNTERS_NONE ||
            counters_at(counters, counter)->came >= counters_at(counters, survivor->counter)->came)
                return;

        other->counter = survivor->counter;
        survivor->counter = counter;
        survivor->flags |= other->flags & (INSTANCE_UNCERTAIN | INSTANCE_GAP);
        survivor->gap_kinds |= other->gap_kinds;
        survivor->gap_reasons |= other->gap_reasons;
        survivor->gap_count = MAX(survivor->gap_count, other->gap_count);
}

uint32_t instance_starts(const struct instance *survivor, const struct instance *other, uint64_t number) {
        bool is_new = survivor->start_number == number && other->start_number != number;

        /* One that begins counts itself and what it takes the place of. */
        return MAX(survivor->starts, other->starts + (is_new && other->starts < UINT32_MAX));
}
