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
        };
}

void instance_take(struct instance_world *world, struct instance *instance, uint32_t path,
                   const struct plan_edge *edge) {
        const struct plan_position *from = plan_position(world->plan, path, instance->position), *to;
        bool completes = edge->target == POSITION_ACCEPT;

        assert(instance->position == edge->position);

        instance->steps =
                evidence_push(world->evidence, instance->steps, edge->position, edge->local, false, completes);
        if (!completes) {
                to = plan_position(world->plan, path, edge->target);
                for (unsigned d = 0; d < to->n_blocks; d++)
                        if (d >= from->n_blocks || from->blocks[d] != to->blocks[d])
                                instance->window_done[d] = instance->done;
                instance->position = edge->target;
        } else
                instance->position = INSTANCE_COMPLETE;
        instance->done++;
}

static void instance_add_capture(struct instance_world *world, struct instance *instance, uint16_t slot, uint8_t type,
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

        return add_ns(step->first_ns, world->plan->program->blocks[at->blocks[depth]].within_ns);
}

static uint64_t instance_path_deadline(const struct instance_world *world, const struct instance *instance,
                                       uint32_t path) {
        uint64_t within_ns = world->plan->program->paths[path].within_ns;

        return within_ns == 0 ? UINT64_MAX : add_ns(instance->start_ns, within_ns);
}

uint64_t instance_deadline(const struct instance_world *world, const struct instance *instance, uint32_t path) {
        const struct plan_position *at = plan_position(world->plan, path, instance->position);
        uint64_t deadline_ns = instance_path_deadline(world, instance, path);

        for (unsigned d = 0; d < at->n_blocks; d++)
                deadline_ns = MIN(deadline_ns, instance_window_deadline(world, instance, at, d));
        return deadline_ns;
}

bool instance_expire(struct instance_world *world, struct instance *instance, uint32_t path, uint64_t deadline_ns) {
        const struct plan_position *at = plan_position(world->plan, path, instance->position);

        if (instance_path_deadline(world, instance, path) <= deadline_ns)
                return true;

        for (unsigned d = 0; d < at->n_blocks; d++)
                if (instance_window_deadline(world, instance, at, d) <= deadline_ns) {
                        /* A block that begins the path leaves nothing to wait with. */
                        if (world->plan->program->blocks[at->blocks[d]].first == 0)
                                return true;
                        instance_fall_back(world, instance, path, d);
                        return false;
                }
        return false;
}

/* The steps from the first on, without repetitions. Returns how many. */
static unsigned instance_list_steps(const struct instance_world *world, const struct instance *instance,
                                    const struct evidence_step *ret[static PROGRAM_MAX_POSITIONS]) {
        for (uint32_t s = instance->steps; s != EVIDENCE_NONE; s = evidence_step(world->evidence, s)->previous)
                if (!evidence_step(world->evidence, s)->loop)
                        ret[evidence_step(world->evidence, s)->done - 1] = evidence_step(world->evidence, s);
        return instance->done;
}

bool instance_survives(const struct instance_world *world, const struct instance *a, const struct instance *b,
                       uint32_t path) {
        const struct evidence_step *steps_a[PROGRAM_MAX_POSITIONS], *steps_b[PROGRAM_MAX_POSITIONS];
        const struct program *program = world->plan->program;
        unsigned n_a, n_b, n_blocks;

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

        n_blocks = a->position == INSTANCE_COMPLETE ? 0 : plan_position(world->plan, path, a->position)->n_blocks;
        for (unsigned d = 0; d < n_blocks; d++)
                if (a->window_done[d] != b->window_done[d])
                        return a->window_done[d] > b->window_done[d];

        if ((a->flags ^ b->flags) & INSTANCE_UNCERTAIN)
                return !(a->flags & INSTANCE_UNCERTAIN);
        if (a->gap_count != b->gap_count)
                return a->gap_count < b->gap_count;
        return a->serial < b->serial;
}

uint32_t instance_starts(const struct instance *a, const struct instance *b, uint64_t number) {
        bool new_a = a->start_number == number, new_b = b->start_number == number;
        uint32_t starts_a = a->starts, starts_b = b->starts;

        /* The one that begins counts itself and what it takes the place of. */
        if (new_a && !new_b && starts_b < UINT32_MAX)
                starts_b++;
        if (new_b && !new_a && starts_a < UINT32_MAX)
                starts_a++;
        return MAX(starts_a, starts_b);
}
