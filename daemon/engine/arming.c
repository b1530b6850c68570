/* SPDX-License-Identifier: Apache-2.0 */
/* Arming: the kernel is told of each path and key of which a story has come to a last step that it decides. */
#include <string.h>

#include "engine/engine-private.h"
#include "event/enforcement.h"

/* The run that came last to such a position; POOL_NONE: there is none. */
static uint32_t find_run(const struct engine *engine, uint32_t number) {
        const struct group *group = pool_group(&engine->pool, number);
        uint32_t found = POOL_NONE;

        for (uint32_t c = group->cells; c != POOL_NONE; c = pool_cell(&engine->pool, c)->next) {
                const struct cell *cell = pool_cell(&engine->pool, c);

                if (plan_position(&engine->plan, group->path, cell->position)->arms && cell->last != POOL_NONE &&
                    (found == POOL_NONE ||
                     pool_run(&engine->pool, cell->last)->serial > pool_run(&engine->pool, found)->serial))
                        found = cell->last;
        }
        return found;
}

static bool find_value(const struct engine *engine, const struct instance *run, uint16_t slot, enum value_type type,
                       struct value *ret) {
        const struct captured *capture =
                slot < PROGRAM_MAX_SLOTS ? evidence_find(&engine->evidence, run->steps, slot) : NULL;

        if (!capture)
                return false;
        evidence_value(capture, ret);
        return ret->state == VALUE_KNOWN && ret->type == type;
}

void engine_on_arms(uint32_t number, void *data) {
        struct engine *engine = data;
        const struct group *group = pool_group(&engine->pool, number);
        const struct plan_path *path = &engine->plan.paths[group->path];
        const struct scope *scope = pool_scope(&engine->pool, group->scope);
        struct instance_world world = pool_world(&engine->pool);
        struct enforcement_arming arming = {.path = group->path, .deadline_ns = UINT64_MAX};
        uint32_t run = find_run(engine, number);
        const struct instance *instance;
        struct value value;

        if (path->by != KEY_HOST) {
                arming.id = scope->id.pid;
                arming.start_ns = path->by == KEY_USER ? 0 : scope->id.start_ns;
        }
        if (run == POOL_NONE) {
                engine->sink.on_arming(&arming, false, engine->sink.data);
                return;
        }
        instance = pool_run(&engine->pool, run);
        arming.deadline_ns = instance_deadline(&world, instance, group->path);
        arming.has_file = find_value(engine, instance, path->file_slot, VALUE_OBJECT, &value);
        if (arming.has_file)
                arming.file = value.object;
        arming.has_address = find_value(engine, instance, path->address_slot, VALUE_ADDRESS, &value);
        if (arming.has_address)
                arming.address = value.address;
        engine->sink.on_arming(&arming, true, engine->sink.data);
}

void engine_arm_again(struct engine *engine) {
        if (!engine->sink.on_arming)
                return;
        for (uint32_t i = 0; i < engine->pool.sizes.n; i++) {
                uint32_t group = engine->pool.sizes.entries[i].id;

                if (engine->plan.paths[pool_group(&engine->pool, group)->path].arms &&
                    find_run(engine, group) != POOL_NONE)
                        engine_on_arms(group, engine);
        }
}

const char *match_enforced_to_string(enum match_enforced enforced) {
        switch (enforced) {
        case MATCH_NOT_ENFORCED: return NULL;
        case MATCH_KILLED: return "killed";
        case MATCH_LATE: return "late";
        case MATCH_REFUSED: return "refused";
        case MATCH_WOULD: return "would";
        case MATCH_PROTECTED: return "protected";
        case MATCH_FAILED: return "failed";
        case _MATCH_ENFORCED_MAX: break;
        }
        return NULL;
}
