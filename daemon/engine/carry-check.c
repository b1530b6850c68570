/* SPDX-License-Identifier: Apache-2.0 */
/* Carry, checked - is a run that somebody says was open one that can be? Everything that the engine takes for granted
 * of the runs that it made itself is asked here of those that it did not make. */
#include "base/macro.h"
#include "engine/carry-private.h"

static const struct position *position_at(const struct engine *engine, uint32_t path, uint8_t position) {
        return &engine->program->positions[engine->program->paths[path].positions.first + position];
}

static bool check_step(const struct engine *engine, uint32_t path, const struct evidence_step *step) {
        const struct position *position;
        const struct edge *edge;

        if (step->position >= engine->plan.paths[path].n_positions || step->taken_ns > engine->now_ns ||
            step->count == 0)
                return false;
        position = position_at(engine, path, step->position);
        if (step->absent)
                return !step->loop && position->absence != PROGRAM_NONE && step->previous != EVIDENCE_NONE;
        if (step->local >= position->edges.n)
                return false;
        edge = plan_edge_at(&engine->plan, path, step->position, step->local);
        if (edge->step == PROGRAM_NONE)
                return false;
        switch ((enum edge_type)edge->type) {
        case EDGE_ADVANCE:
        case EDGE_COUNT:
                return !step->loop;
        case EDGE_LOOP:
        case EDGE_SCORE:
                return step->loop;
        case EDGE_KILL:
        case _EDGE_TYPE_MAX:
                break;
        }
        return false;
}

static bool check_captures(struct engine *engine, uint32_t path, const struct evidence_step *step,
                           struct instance *instance) {
        const struct plan_path *plan = &engine->plan.paths[path];

        for (uint32_t c = step->captures; c != EVIDENCE_NONE; c = evidence_capture(&engine->evidence, c)->next) {
                const struct captured *capture = evidence_capture(&engine->evidence, c);
                const struct field_info *field;

                if (capture->slot >= engine->program->paths[path].slots.n || capture->slot >= PROGRAM_MAX_SLOTS ||
                    instance->bound & 1U << capture->slot)
                        return false;
                field = schema_field(plan->slot_fields[capture->slot]);
                if (!field || (capture->type != field->type &&
                               !(field->type == VALUE_LIST && capture->type == VALUE_STRING)))
                        return false;
                instance_add_capture(&(struct instance_world){&engine->plan, &engine->evidence, NULL}, instance,
                                     capture->slot, capture->type, &capture->token);
        }
        return true;
}

static bool check_chain(struct engine *engine, uint32_t path, struct instance *instance) {
        uint32_t n = 0, done = instance->done;

        for (uint32_t s = instance->steps; s != EVIDENCE_NONE; s = evidence_step(&engine->evidence, s)->previous) {
                const struct evidence_step *step = evidence_step(&engine->evidence, s);

                if (++n > engine->plan.max_steps || step->done != done || (!step->loop && done == 0) ||
                    !check_step(engine, path, step) || !check_captures(engine, path, step, instance))
                        return false;
                done -= !step->loop;
        }
        return done == 0;
}

static bool check_counter(const struct engine *engine, const struct plan_position *at,
                          const struct instance *instance) {
        bool counts = at->wait == WAIT_FOR_COUNT || at->wait == WAIT_FOR_FIRST_COUNT;
        uint32_t n;

        if (!counts || instance->counter == COUNTERS_NONE)
                return !counts && instance->counter == COUNTERS_NONE;
        n = counters_at(&engine->pool.counters, instance->counter)->n;
        return n < at->count && (n > 0 || at->wait == WAIT_FOR_COUNT);
}

bool carry_check_run(struct engine *engine, uint32_t path, struct instance *instance) {
        const struct plan_path *plan = &engine->plan.paths[path];
        const struct plan_position *at;

        if (instance->position >= plan->n_positions || instance->done > PROGRAM_MAX_POSITIONS ||
            instance->start_ns > engine->now_ns || instance->starts == 0)
                return false;
        at = plan_position(&engine->plan, path, instance->position);
        /* Who waits at the start is there before anything was taken. */
        if (instance->position == 0 ? !plan->is_lone || instance->done > 0 : instance->done == 0)
                return false;
        if ((instance->flags & INSTANCE_KEYLESS) && at->wait != WAIT_FOR_ABSENCE)
                return false;
        for (unsigned d = 0; d < at->n_blocks; d++)
                if (instance->window_done[d] >= instance->done)
                        return false;
        if (at->wait == WAIT_FOR_SCORE && (instance->points == 0 || instance->points > INT32_MAX))
                return false;
        return check_counter(engine, at, instance) && check_chain(engine, path, instance);
}
