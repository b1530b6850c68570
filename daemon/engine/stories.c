/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stories.h"

#include "engine/engine-private.h"

void engine_stories(struct engine *engine, size_t max, void (*on_story)(const struct engine_story *story, void *data),
                    void *data) {
        struct instance_world world = pool_world(&engine->pool);
        const struct pool *pool = &engine->pool;

        for (uint32_t i = 0; i < pool->sizes.n; i++) {
                const struct group *group = pool_group(pool, pool->sizes.entries[i].id);
                struct key key = scope_key(pool_scope(pool, group->scope));
                struct engine_story story = {.path = group->path};

                key_format(&key, story.key, sizeof(story.key));
                for (uint32_t c = group->cells; c != POOL_NONE; c = pool_cell(pool, c)->next)
                        for (uint32_t r = pool_cell(pool, c)->first; r != POOL_NONE; r = pool_run(pool, r)->next) {
                                const struct instance *instance = pool_run(pool, r);

                                if (max-- == 0)
                                        return;
                                story.n_done = instance->done;
                                story.deadline_ns = instance_deadline(&world, instance, group->path);
                                on_story(&story, data);
                        }
        }
}

void engine_path_totals(const struct engine *engine, uint64_t *ret_matches, uint64_t *ret_open, uint64_t *ret_evicted) {
        for (uint32_t i = 0; i < engine->program->n_paths; i++) {
                ret_matches[i] = engine->scratch.counters[i].n_matches;
                ret_evicted[i] = engine->scratch.counters[i].n_evicted;
                ret_open[i] = 0;
        }
        for (uint32_t i = 0; i < engine->pool.sizes.n; i++) {
                const struct group *group = pool_group(&engine->pool, engine->pool.sizes.entries[i].id);

                ret_open[group->path] += group->n_runs;
        }
}
