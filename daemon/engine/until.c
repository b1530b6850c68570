/* SPDX-License-Identifier: Apache-2.0 */
/* Until - what ends every run of a key that the event has not completed. */
#include "engine/engine-private.h"

/* Of a run as it is now. Who has not bound all that an `until` names is not looked at. */
static enum truth engine_until_truth(struct engine *engine, uint32_t path, const struct instance *instance) {
        const struct program_range range = engine->program->paths[path].untils;
        enum truth truth = TRUTH_FALSE;

        for (uint32_t i = range.first; i < range.first + range.n && truth != TRUTH_TRUE; i++) {
                const struct until *until = &engine->program->untils[i];

                if (until->kind != event_kind(engine->event) ||
                    (!until->any_result && (engine->event->wire->flags & WIRE_FAILED)) ||
                    (until->slots & ~(uint64_t)instance->bound) != 0)
                        continue;
                truth = truth_or(truth, eval_condition(&engine->eval, until->condition, instance->steps));
        }
        return truth;
}

bool engine_meets_until(struct engine *engine, uint32_t path, uint32_t run) {
        struct instance *instance = pool_run(&engine->pool, run);

        switch (engine_until_truth(engine, path, instance)) {
        case TRUTH_FALSE:
                break;
        case TRUTH_UNKNOWN:
                instance->flags |= INSTANCE_UNCERTAIN;
                engine_note(engine, RUN_DOUBTS, path, run, 0, PROGRAM_NONE);
                break;
        case TRUTH_TRUE:
                engine->stats.n_ended_by_until++;
                engine_note(engine, RUN_MEETS_UNTIL, path, run, 0, PROGRAM_NONE);
                return true;
        }
        return false;
}

uint64_t engine_until_kinds(const struct engine *engine, uint32_t path, const struct instance *instance) {
        const struct program_range range = engine->program->paths[path].untils;
        uint64_t kinds = 0;

        for (uint32_t i = range.first; i < range.first + range.n; i++)
                if ((engine->program->untils[i].slots & ~(uint64_t)instance->bound) == 0)
                        kinds |= wire_kind_bit(engine->program->untils[i].kind);
        return kinds;
}

void engine_end_moved(struct engine *engine, uint32_t path) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < engine->n_moved; i++) {
                uint32_t run = engine->scratch.moved[i];

                if (engine_meets_until(engine, path, run))
                        pool_give(&engine->pool, run);
                else
                        engine->scratch.moved[n++] = run;
        }
        engine->n_moved = n;
}
