/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/loss.h"

#include <string.h>

#include "base/macro.h"
#include "engine/engine-private.h"

void loss_add(struct loss *loss, const struct loss_gap *gap) {
        if (loss->n == LOSS_MAX) {
                struct loss_gap *first = &loss->gaps[0], *second = &loss->gaps[1];

                second->kinds |= first->kinds;
                second->until_ns = MAX(second->until_ns, first->until_ns);
                second->count += first->count;
                second->reasons |= first->reasons;
                memmove(first, second, --loss->n * sizeof(*first));
        }
        loss->gaps[loss->n++] = *gap;
}

void loss_forget(struct loss *loss, uint64_t now_ns) {
        unsigned n = 0;

        for (unsigned i = 0; i < loss->n; i++)
                if (loss->gaps[i].until_ns >= now_ns)
                        loss->gaps[n++] = loss->gaps[i];
        loss->n = n;
}

/* Nothing was taken yet by a count that is its path's first: when it began is of no matter. */
static bool began_by(const struct instance *instance, const struct loss_gap *gap) {
        return gap->until_ns == 0 || instance->steps == EVIDENCE_NONE || instance->start_ns <= gap->until_ns;
}

static void gap_touch(const struct loss_gap *gap, struct instance *instance, bool counts) {
        instance->flags |= INSTANCE_GAP;
        instance->gap_kinds |= gap->kinds;
        instance->gap_reasons |= gap->reasons;
        if (counts)
                instance->gap_count = MIN(instance->gap_count + gap->count, (uint64_t)UINT32_MAX);
}

void engine_touch_slowly(struct engine *engine, uint32_t run, uint32_t path, uint64_t came_ns) {
        struct instance *instance = pool_run(&engine->pool, run);
        bool counts = !(instance->flags & INSTANCE_GAP);
        uint64_t kinds;

        if (instance->position == INSTANCE_COMPLETE)
                return;
        kinds = plan_position(&engine->plan, path, instance->position)->loss_kinds |
                engine_until_kinds(engine, path, instance);
        for (unsigned i = 0; i < engine->loss.n; i++)
                if (engine->loss.gaps[i].until_ns >= came_ns && engine->loss.gaps[i].kinds & kinds)
                        gap_touch(&engine->loss.gaps[i], instance, counts);
}

static void gap_read(const struct event *event, struct loss_gap *ret) {
        struct value kinds, count, reason, until;
        bool is_reason;

        event_get(event, FIELD_gap_kinds, &kinds);
        event_get(event, FIELD_gap_count, &count);
        event_get(event, FIELD_gap_reason, &reason);
        event_get(event, FIELD_gap_until, &until);
        is_reason = reason.state == VALUE_KNOWN && reason.number > 0 && reason.number < _WIRE_LOSS_MAX;
        *ret = (struct loss_gap){
                .kinds = kinds.state == VALUE_KNOWN ? (uint64_t)kinds.number : UINT64_MAX,
                .until_ns = until.state == VALUE_KNOWN ? (uint64_t)until.number : 0,
                .count = count.state == VALUE_KNOWN && count.number > 0 ? (uint64_t)count.number : 0,
                .reasons = 1U << (is_reason ? reason.number : WIRE_LOSS_NONE),
        };
}

void engine_gap(struct engine *engine, const struct event *event) {
        struct loss_gap gap;

        engine->stats.n_gaps++;
        gap_read(event, &gap);
        for (uint32_t i = 0; i < engine->pool.sizes.n; i++) {
                const struct group *group = pool_group(&engine->pool, engine->pool.sizes.entries[i].id);

                for (uint32_t c = group->cells; c != POOL_NONE; c = pool_cell(&engine->pool, c)->next) {
                        const struct cell *cell = pool_cell(&engine->pool, c);
                        bool all =
                                plan_position(&engine->plan, group->path, cell->position)->loss_kinds & gap.kinds;

                        for (uint32_t run = cell->first; run != POOL_NONE; run = pool_run(&engine->pool, run)->next) {
                                struct instance *instance = pool_run(&engine->pool, run);

                                if (began_by(instance, &gap) &&
                                    (all || engine_until_kinds(engine, group->path, instance) & gap.kinds))
                                        gap_touch(&gap, instance, true);
                        }
                }
        }
        if (gap.until_ns >= engine->now_ns)
                loss_add(&engine->loss, &gap);
}
