/* SPDX-License-Identifier: Apache-2.0 */
/* Arming: the kernel is told of each path and key of which stories have come to a last step that it decides. */
#include <string.h>

#include "engine/engine-private.h"
#include "event/enforcement.h"

static bool find_value(const struct engine *engine, const struct instance *run, uint16_t slot, enum value_type type,
                       struct value *ret) {
        const struct captured *capture =
                slot < PROGRAM_MAX_SLOTS ? evidence_find(&engine->evidence, run->steps, slot) : NULL;

        if (!capture)
                return false;
        evidence_value(capture, ret);
        return ret->state == VALUE_KNOWN && ret->type == type;
}

static void describe(struct engine *engine, const struct instance *run, uint8_t rules, struct enforcement_run *ret) {
        uint32_t number = pool_group(&engine->pool, run->group)->path;
        const struct plan_path *path = &engine->plan.paths[number];
        struct instance_world world = pool_world(&engine->pool);
        struct value value;

        *ret = (struct enforcement_run){.deadline_ns = instance_deadline(&world, run, number), .rules = rules};
        ret->has_file = find_value(engine, run, path->file_slot, VALUE_OBJECT, &value);
        if (ret->has_file)
                ret->file = value.object;
        ret->has_address = find_value(engine, run, path->address_slot, VALUE_ADDRESS, &value);
        if (ret->has_address)
                ret->address = value.address;
}

static bool waits_for_the_same(const struct enforcement_run *a, const struct enforcement_run *b) {
        return a->rules == b->rules && a->has_file == b->has_file && a->has_address == b->has_address &&
               (!a->has_file || (a->file.inode == b->file.inode && a->file.device == b->file.device)) &&
               (!a->has_address || (a->address.family == b->address.family &&
                                    memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes)) == 0));
}

/* False: there is no room. */
static bool add_run(struct enforcement_arming *arming, const struct enforcement_run *run) {
        for (size_t i = 0; i < arming->n_runs; i++)
                if (waits_for_the_same(&arming->runs[i], run)) {
                        arming->runs[i].deadline_ns = MAX(arming->runs[i].deadline_ns, run->deadline_ns);
                        return true;
                }
        if (arming->n_runs == ENFORCEMENT_MAX_RUNS)
                return false;
        arming->runs[arming->n_runs++] = *run;
        return true;
}

/* Where runs wait for what the kernel decides: the next to be told is the last that came there. */
struct tail {
        uint32_t run;                   /* POOL_NONE: no more */
        uint8_t rules;
};

/* Of the tails the one whose story began last; NULL: all are through. */
static struct tail *newest(const struct pool *pool, struct tail *tails, size_t n) {
        struct tail *found = NULL;

        for (size_t i = 0; i < n; i++)
                if (tails[i].run != POOL_NONE &&
                    (!found || pool_run(pool, tails[i].run)->serial > pool_run(pool, found->run)->serial))
                        found = &tails[i];
        return found;
}

static size_t find_tails(const struct engine *engine, const struct group *group, struct tail *tails) {
        size_t n = 0;

        for (uint32_t c = group->cells; c != POOL_NONE; c = pool_cell(&engine->pool, c)->next) {
                const struct cell *cell = pool_cell(&engine->pool, c);
                uint8_t rules = plan_position(&engine->plan, group->path, cell->position)->arms;

                if (rules)
                        tails[n++] = (struct tail){cell->last, rules};
        }
        return n;
}

void engine_on_arms(uint32_t number, bool came, void *data) {
        struct engine *engine = data;
        const struct group *group = pool_group(&engine->pool, number);
        const struct scope *scope = pool_scope(&engine->pool, group->scope);
        struct enforcement_arming arming = {.path = group->path};
        struct tail tails[PROGRAM_MAX_POSITIONS], *next;
        size_t n = find_tails(engine, group, tails);

        if (scope->name) {
                arming.name = scope->name;
                arming.n_name = intern_length(scope->name);
        } else if (engine->plan.paths[group->path].by != KEY_HOST) {
                arming.id = scope->id.pid;
                arming.start_ns = scope->id.start_ns;
        }
        while ((next = newest(&engine->pool, tails, n))) {
                struct enforcement_run run;

                describe(engine, pool_run(&engine->pool, next->run), next->rules, &run);
                if (!add_run(&arming, &run)) {
                        arming.crowded = came;
                        break;
                }
                next->run = pool_run(&engine->pool, next->run)->previous;
        }
        engine->sink.on_arming(&arming, engine->sink.data);
}

void engine_arm_again(struct engine *engine) {
        if (!engine->sink.on_arming)
                return;
        for (uint32_t i = 0; i < engine->pool.sizes.n; i++) {
                uint32_t number = engine->pool.sizes.entries[i].id;
                const struct group *group = pool_group(&engine->pool, number);
                struct tail tails[PROGRAM_MAX_POSITIONS];

                if (engine->plan.paths[group->path].arms && find_tails(engine, group, tails) > 0)
                        engine_on_arms(number, false, engine);
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
