/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "engine/engine-private.h"
#include "process/lineage.h"
#include "process/process-fields.h"
#include "program/value-lists.h"

size_t engine_max_steps(const struct engine_limits *limits, const struct plan *plan) {
        return pool_capacity(limits->max_runs, plan) * MAX(plan->max_steps, 1u);
}

size_t engine_max_captures(const struct engine_limits *limits, const struct plan *plan) {
        return pool_capacity(limits->max_runs, plan) * MAX(plan->max_slots, 1u);
}

int engine_scratch_init(struct engine_scratch *scratch, const struct plan *plan, size_t capacity) {
        uint32_t n_paths = plan->program->n_paths;

        *scratch = (struct engine_scratch){
                .starting = calloc(plan->n_path_words, sizeof(*scratch->starting)),
                .concerning = calloc(plan->n_path_words, sizeof(*scratch->concerning)),
                .concerned = calloc(n_paths + 1, sizeof(*scratch->concerned)),
                .counters = calloc(n_paths + 1, sizeof(*scratch->counters)),
                .hidden = calloc(plan->program->n_exceptions + 1, sizeof(*scratch->hidden)),
                .actives = calloc(plan->max_edges + 1, sizeof(*scratch->actives)),
                .ways = calloc(plan->max_edges + 1, sizeof(*scratch->ways)),
                .candidates = calloc(capacity, sizeof(*scratch->candidates)),
                .moved = calloc(capacity, sizeof(*scratch->moved)),
                .completed = calloc(capacity, sizeof(*scratch->completed)),
                .left = calloc(capacity + n_paths, sizeof(*scratch->left)),
        };
        if (!scratch->starting || !scratch->concerning || !scratch->concerned || !scratch->counters ||
            !scratch->hidden || !scratch->actives || !scratch->ways || !scratch->candidates || !scratch->moved ||
            !scratch->completed || !scratch->left) {
                engine_scratch_done(scratch);
                return -ENOMEM;
        }
        for (uint32_t p = 0; p < n_paths; p++)
                scratch->concerned[p] = POOL_NONE;
        return 0;
}

void engine_scratch_done(struct engine_scratch *scratch) {
        free(scratch->starting);
        free(scratch->concerning);
        free(scratch->concerned);
        free(scratch->counters);
        free(scratch->hidden);
        free(scratch->actives);
        free(scratch->ways);
        free(scratch->candidates);
        free(scratch->moved);
        free(scratch->completed);
        free(scratch->left);
        *scratch = (struct engine_scratch){};
}

int engine_new(struct program *program, const struct process_table *table, const struct engine_limits *limits,
               const struct engine_sink *sink, struct engine **ret) {
        _cleanup_(engine_freep) struct engine *engine = NULL;
        int r;

        assert(program && table && limits && sink && ret);
        assert(limits->max_runs > 0 && limits->max_tuples > 0 && limits->max_keys > 0 && limits->max_counts > 0 &&
               limits->max_suppressed > 0);

        engine = calloc(1, sizeof(*engine));
        if (!engine)
                return -ENOMEM;

        engine->program = program_ref(program);
        engine->table = table;
        engine->sink = *sink;
        engine->limits = *limits;
        engine->lists = value_lists_new();
        if (!engine->lists)
                return -ENOMEM;

        r = plan_init(&engine->plan, program);
        if (r >= 0)
                r = evidence_init(&engine->evidence, engine_max_steps(limits, &engine->plan),
                                  engine_max_captures(limits, &engine->plan), limits->evidence_bytes);
        if (r >= 0)
                r = eval_init(&engine->eval, program, &engine->plan, table, &engine->evidence);
        if (r >= 0)
                r = pool_init(&engine->pool, &engine->plan, &engine->evidence, limits->max_runs, limits->max_tuples,
                              limits->max_keys, limits->max_counts);
        if (r >= 0)
                r = suppress_init(&engine->suppress, limits->max_suppressed);
        if (r >= 0)
                r = engine_scratch_init(&engine->scratch, &engine->plan, engine->pool.instances.capacity);
        if (r < 0)
                return r;

        engine->eval.lists = engine->lists;
        if (sink->on_arming) {
                engine->pool.on_arms = engine_on_arms;
                engine->pool.arms_data = engine;
        }
        *ret = TAKE_PTR(engine);
        return 0;
}

void engine_drop_runs(struct engine *engine) {
        while (engine->pool.sizes.n > 0) {
                uint32_t group = ranking_first(&engine->pool.sizes);

                while (pool_group(&engine->pool, group)->n_runs > 0)
                        engine_end_run(engine, pool_group(&engine->pool, group)->victims, &engine->stats.n_key_ended);
        }
        engine_close_groups(engine);
}

struct engine *engine_free(struct engine *engine) {
        if (!engine)
                return NULL;

        engine->observer = NULL;
        engine->pool.on_arms = NULL;
        if (engine->scratch.left)       /* evidence holds references to images */
                engine_drop_runs(engine);
        engine_scratch_done(&engine->scratch);
        suppress_done(&engine->suppress);
        pool_done(&engine->pool);
        eval_done(&engine->eval);
        evidence_done(&engine->evidence);
        plan_done(&engine->plan);
        value_lists_free(engine->lists);
        program_unref(engine->program);
        free(engine);
        return NULL;
}

void engine_leave(struct engine *engine, uint32_t number) {
        struct group *group = pool_group(&engine->pool, number);

        if (group->n_runs > 0 || group->leaving)
                return;

        /* From here on it counts as empty, though it stays where others may still refer to it until the event is over.
         */
        group->opened = 0;
        group->leaving = true;
        engine->scratch.left[engine->n_left++] = number;
}

void engine_close_groups(struct engine *engine) {
        for (uint32_t i = 0; i < engine->n_left; i++) {
                pool_group(&engine->pool, engine->scratch.left[i])->leaving = false;
                pool_close_group(&engine->pool, engine->scratch.left[i]);
        }
        engine->n_left = 0;
}

void engine_end_run(struct engine *engine, uint32_t run, uint64_t *counter) {
        uint32_t group = pool_run(&engine->pool, run)->group;

        engine_note(engine, RUN_LOSES_KEY, pool_group(&engine->pool, group)->path, run, 0, PROGRAM_NONE);
        pool_unfile(&engine->pool, run);
        pool_give(&engine->pool, run);
        engine_leave(engine, group);
        ++*counter;
}

void engine_file(struct engine *engine, uint32_t run) {
        struct instance_world world = pool_world(&engine->pool);
        uint32_t other = pool_find_equal(&engine->pool, run);
        uint64_t number = engine->event ? engine->event->number : UINT64_MAX;
        struct instance *a = pool_run(&engine->pool, run), *b;
        uint32_t path = pool_group(&engine->pool, a->group)->path;

        if (plan_position(&engine->plan, path, a->position)->wait == WAIT_FOR_COUNT && a->counter == COUNTERS_NONE)
                a->counter = counters_take(&engine->pool.counters, engine->last_coming);
        if (other == POOL_NONE) {
                pool_file(&engine->pool, run);
                return;
        }

        b = pool_run(&engine->pool, other);
        engine->stats.n_merged++;
        if (instance_survives(&world, a, b, path)) {
                engine_note(engine, RUN_IS_MERGED, path, other, a->serial, PROGRAM_NONE);
                pool_unfile(&engine->pool, other);
                instance_inherit(a, b, &engine->pool.counters);
                a->starts = instance_starts(a, b, number);
                pool_give(&engine->pool, other);
                pool_file(&engine->pool, run);
        } else {
                b->starts = instance_starts(b, a, number);
                engine_note(engine, RUN_IS_MERGED, path, run, b->serial, PROGRAM_NONE);
                pool_give(&engine->pool, run);
        }
}

/* Step 1: the clock. */

/* A run waits elsewhere without an event. One whose key has ended can wait on nothing but an absence. */
static void engine_go_on(struct engine *engine, uint32_t run, uint32_t path) {
        const struct instance *instance = pool_run(&engine->pool, run);
        uint32_t group = instance->group;

        if (!(instance->flags & INSTANCE_KEYLESS) ||
            plan_position(&engine->plan, path, instance->position)->wait == WAIT_FOR_ABSENCE) {
                engine_file(engine, run);
                return;
        }
        engine_note(engine, RUN_LOSES_KEY, path, run, 0, PROGRAM_NONE);
        pool_give(&engine->pool, run);
        engine_leave(engine, group);
        engine->stats.n_key_ended++;
}

static void engine_complete_absent(struct engine *engine, uint32_t run, uint32_t path, uint64_t time_ns) {
        uint32_t group = pool_run(&engine->pool, run)->group;
        struct key key = scope_key(pool_scope(&engine->pool, pool_group(&engine->pool, group)->scope));

        engine_tell_absent(engine, run, path, &key, time_ns);
        pool_give(&engine->pool, run);
        engine_leave(engine, group);
}

static void engine_expire_run(struct engine *engine, uint32_t run, uint64_t deadline_ns) {
        struct instance_world world = pool_world(&engine->pool);
        struct instance *instance = pool_run(&engine->pool, run);
        uint32_t path = pool_group(&engine->pool, instance->group)->path, group = instance->group;

        pool_unfile(&engine->pool, run);
        switch (instance_expire(&world, instance, path, deadline_ns)) {
        case INSTANCE_ENDS:
                engine->stats.n_expired++;
                if (engine->observer)
                        engine_note_slowly(engine, RUN_EXPIRES, path, run, 0, PROGRAM_NONE, deadline_ns);
                pool_give(&engine->pool, run);
                engine_leave(engine, group);
                break;
        case INSTANCE_FALLS_BACK:
                if (engine->observer)
                        engine_note_slowly(engine, RUN_FALLS_BACK, path, run, 0, PROGRAM_NONE, deadline_ns);
                engine_touch(engine, run, path, deadline_ns);
                engine_go_on(engine, run, path);
                break;
        case INSTANCE_GOES_ON:
                engine->stats.n_absent++;
                if (engine->observer)
                        engine_note_slowly(engine, RUN_WAITED, path, run, 0, PROGRAM_NONE, deadline_ns);
                if (engine_has_responses(engine, path))
                        engine_tell_absent_step_slowly(engine, run, path, deadline_ns);
                if (instance->position == INSTANCE_COMPLETE)
                        engine_complete_absent(engine, run, path, deadline_ns);
                else {
                        engine_touch(engine, run, path, deadline_ns);
                        engine_go_on(engine, run, path);
                }
                break;
        }
}

/* In the order of time, for what completes without an event may be joined to an alert; runs first. */
static void engine_fire(struct engine *engine) {
        engine->last_coming++;
        for (;;) {
                uint64_t run_ns = engine->pool.deadlines.first_ns;
                uint64_t story_ns = ranking_first_key(&engine->suppress.deadlines);

                if (MIN(run_ns, story_ns) >= engine->now_ns)
                        break;
                if (run_ns <= story_ns)
                        engine_expire_run(engine, engine->pool.deadlines.first, run_ns);
                else
                        engine_sum_up(engine, suppress_first(&engine->suppress));
        }
        engine_close_groups(engine);
}

static void engine_pass_time(struct engine *engine, uint64_t now_ns) {
        engine->now_ns = MAX(engine->now_ns, now_ns);

        if (engine->pool.deadlines.first_ns < engine->now_ns ||
            ranking_first_key(&engine->suppress.deadlines) < engine->now_ns)
                engine_fire(engine);
        if (unlikely(engine->lists->next_ns <= engine->now_ns))
                (void)value_lists_expire(engine->lists, engine->now_ns);
        if (unlikely(engine->loss.n > 0))
                loss_forget(&engine->loss, engine->now_ns);
}

/* Keys */

/* What an event says about a unit or a container itself (`of`) is that one's, whoever acted. */
static bool engine_name_key(struct engine *engine, enum field of, enum field of_actor, struct key *ret) {
        struct value value;

        if (event_kind(engine->event) == schema_field(of)->kind)
                event_get(engine->event, of, &value);
        else if (event_actor(engine->event).pid == 0)
                return false;
        else
                process_get(engine->eval.actor, engine->event, of_actor, &value);
        if (value.state != VALUE_KNOWN || value.length == 0)
                return false;

        ret->name = value.bytes;
        ret->n_name = value.length;
        return true;
}

static bool engine_tree_key(const struct engine *engine, struct key *ret) {
        const struct wire_header *wire = engine->event->wire;

        ret->id = (struct identity){.start_ns = wire->tree_start_ns, .pid = wire->tree_tgid};
        if (ret->id.pid == 0 && engine->actor)
                ret->id = engine->actor->tree;
        if (ret->id.pid == 0)
                return false;
        return !engine->late || process_table_tree_members(engine->table, &ret->id) > 0;
}

static bool engine_make_key(struct engine *engine, enum program_key type, struct key *ret) {
        const struct wire_header *wire = engine->event->wire;
        struct identity actor = event_actor(engine->event);

        *ret = (struct key){.type = type};
        switch (type) {
        case KEY_TREE:
                return engine_tree_key(engine, ret);
        case KEY_PROCESS:
                ret->id = actor;
                return actor.pid != 0 && !engine->late;
        case KEY_DESCENT:
                ret->id = actor;
                return actor.pid != 0 && (!engine->late || (engine->actor && engine->actor->n_live_children > 0));
        case KEY_UNIT:
                return engine_name_key(engine, FIELD_unit_name, FIELD_PROCESS_unit, ret);
        case KEY_CONTAINER:
                return engine_name_key(engine, FIELD_container_id, FIELD_PROCESS_container, ret);
        case KEY_USER:
                ret->id.pid = wire->loginuid != UINT32_MAX ? wire->loginuid : wire->uid;
                return actor.pid != 0 && ret->id.pid != UINT32_MAX;
        case KEY_HOST:
                return true;
        case _KEY_MAX:
                break;
        }
        return false;
}

const struct key *engine_key(struct engine *engine, enum program_key type) {
        struct event_key *key = &engine->keys[type];

        if (key->generation != engine->eval.generation) {
                key->generation = engine->eval.generation;
                key->is_there = engine_make_key(engine, type, &key->key);
        }
        return key->is_there ? &key->key : NULL;
}

/* Step 3: which paths does the event concern? */

static void engine_concern_scope(struct engine *engine, const struct key *key, uint32_t depth) {
        uint32_t number = scopes_find(&engine->pool.scopes, key);
        uint64_t bit = wire_kind_bit(event_kind(engine->event)), kinds = 0;
        struct scope *scope;

        if (number == SCOPE_NONE)
                return;
        scope = pool_scope(&engine->pool, number);
        if (!(scope->kinds & bit))
                return;

        for (uint32_t g = scope->groups; g != POOL_NONE; g = pool_group(&engine->pool, g)->next) {
                struct group *group = pool_group(&engine->pool, g);

                kinds |= group->kinds;
                if (!(group->kinds & bit))
                        continue;
                group->depth = depth;
                group->concerned = engine->scratch.concerned[group->path];
                engine->scratch.concerned[group->path] = g;
                engine->scratch.concerning[group->path / 64] |= UINT64_C(1) << group->path % 64;
        }
        scope->kinds = kinds;
}

static void engine_concern_descent(struct engine *engine) {
        const struct process *process;
        struct lineage lineage;
        uint32_t depth = 0;

        if (!engine->actor)
                return;
        process = engine->actor;
        lineage_begin(&lineage, engine->table, engine->actor);
        do {
                /* A descent without members may still hold runs that wait on an absence; a late record is not theirs.
                 */
                if (!engine->late || process->state != PROCESS_EXITED || process->n_live_children > 0)
                        engine_concern_scope(engine, &(struct key){.type = KEY_DESCENT, .id = process->id}, depth);
                depth++;
        } while ((process = lineage_next(&lineage)));
}

static void engine_concern(struct engine *engine) {
        for (unsigned types = engine->pool.awaiting[event_kind(engine->event)]; types != 0; types &= types - 1) {
                unsigned type = __builtin_ctz(types);
                const struct key *key;

                if (type == KEY_DESCENT) {
                        engine_concern_descent(engine);
                        continue;
                }
                key = engine_key(engine, (enum program_key)type);
                if (key)
                        engine_concern_scope(engine, key, 0);
        }
}

static void engine_advance_all(struct engine *engine) {
        struct engine_scratch *scratch = &engine->scratch;

        for (uint32_t w = 0; w < engine->plan.n_path_words; w++) {
                uint64_t starting = scratch->starting[w], all = starting | scratch->concerning[w];

                if (all == 0)
                        continue;
                scratch->starting[w] = scratch->concerning[w] = 0;
                if (unlikely(engine->event->wire->flags & WIRE_AGGREGATE)) {
                        uint64_t counting = engine->plan.kinds[event_kind(engine->event)].aggregates[w];

                        for (uint64_t others = all & ~counting; others != 0; others &= others - 1)
                                scratch->concerned[w * 64 + __builtin_ctzll(others)] = POOL_NONE;
                        all &= counting;
                }
                for (; all != 0; all &= all - 1)
                        engine_advance(engine, w * 64 + __builtin_ctzll(all), starting & all & -all);
        }
}

/* Step 4: the members of a key exit. */

/* Of a key that has ended: those that wait on an absence stay until it is proved. */
static void engine_end_waiting(struct engine *engine, uint32_t group) {
        uint32_t next_cell, next;

        for (uint32_t c = pool_group(&engine->pool, group)->cells; c != POOL_NONE; c = next_cell) {
                const struct cell *cell = pool_cell(&engine->pool, c);
                uint32_t path = pool_group(&engine->pool, group)->path;
                bool stays = plan_position(&engine->plan, path, cell->position)->wait == WAIT_FOR_ABSENCE;

                next_cell = cell->next;
                for (uint32_t run = cell->first; run != POOL_NONE; run = next) {
                        next = pool_run(&engine->pool, run)->next;
                        if (stays)
                                pool_run(&engine->pool, run)->flags |= INSTANCE_KEYLESS;
                        else
                                engine_end_run(engine, run, &engine->stats.n_key_ended);
                }
        }
}

static void engine_end_key(struct engine *engine, enum program_key type, const struct identity *id) {
        const struct key key = {.type = type, .id = *id};
        uint32_t scope, next;

        scope = scopes_find(&engine->pool.scopes, &key);
        if (scope == SCOPE_NONE)
                return;

        for (uint32_t g = pool_scope(&engine->pool, scope)->groups; g != POOL_NONE; g = next) {
                next = pool_group(&engine->pool, g)->next;
                if (engine->plan.paths[pool_group(&engine->pool, g)->path].has_absences) {
                        engine_end_waiting(engine, g);
                        continue;
                }
                while (pool_group(&engine->pool, g)->n_runs > 0)
                        engine_end_run(engine, pool_group(&engine->pool, g)->victims, &engine->stats.n_key_ended);
        }
}

static void engine_exit(struct engine *engine) {
        const struct process *process = engine->actor;
        struct identity id = event_actor(engine->event);
        const struct key *tree = engine_key(engine, KEY_TREE);

        if (id.pid == 0 || engine->late)
                return;

        engine_end_key(engine, KEY_PROCESS, &id);
        if (tree && process_table_tree_members(engine->table, &tree->id) == 0)
                engine_end_key(engine, KEY_TREE, &tree->id);
        /* The descents of which this was the last member: its own, and those of exited creators that have nobody left.
         */
        for (; process && process->state == PROCESS_EXITED && process->n_live_children == 0;
             process = process_table_creator(engine->table, process, NULL))
                engine_end_key(engine, KEY_DESCENT, &process->id);
}

static bool engine_is_late(const struct engine *engine) {
        const struct process *actor = engine->actor;
        struct identity id = event_actor(engine->event);

        if (!actor)
                return id.pid != 0 && process_table_has_departed(engine->table, &id);
        if (actor->state != PROCESS_EXITED)
                return false;
        return event_kind(engine->event) != WIRE_KIND_exit || actor->exit_ns != engine->event->time_ns;
}

/* Step 3, and 4. `again`: one more of those that an aggregate stands for. */
static void engine_meet(struct engine *engine, const struct event *event, bool starts, bool again) {
        struct process_image *image = engine->actor ? engine->actor->image : NULL;

        engine->event = event;
        engine->last_coming++;
        engine->late = engine_is_late(engine);
        eval_begin(&engine->eval, event, engine->actor);
        evidence_begin(&engine->evidence, event, image, engine->now_ns);
        if (engine->observer && !again)
                engine->observer->on_event(engine, engine->observer->data);

        if (starts)
                eval_dispatch(&engine->eval, engine->scratch.starting);
        engine_concern(engine);
        engine_advance_all(engine);
        if (event_kind(event) == WIRE_KIND_exit)
                engine_exit(engine);

        if (engine->n_left > 0)
                engine_close_groups(engine);
        evidence_end(&engine->evidence);
        engine->event = NULL;
}

void engine_feed(struct engine *engine, const struct event *event, struct process *actor) {
        enum wire_kind kind = event_kind(event);
        struct identity id = event_actor(event);
        bool starts = engine->plan.kinds[kind].starts;

        engine_pass_time(engine, event->time_ns);
        if (kind == WIRE_KIND_tick)
                return;
        if (kind == WIRE_KIND_gap) {
                if (!(event->wire->flags & WIRE_AHEAD))
                        engine_gap(engine, event);
                return;
        }
        engine->stats.n_events += engine->plan.kinds[kind].meta ? 0 : event_count(event);

        /* Most events of most hosts are of a kind that begins nothing, and that nobody waits for. */
        if (!starts && engine->pool.awaiting[kind] == 0 && (kind != WIRE_KIND_exit || engine->pool.n_runs == 0) &&
            !engine->observer) {
                engine->stats.n_passed_by += !engine->plan.kinds[kind].meta;
                return;
        }

        engine->actor = actor ? actor : id.pid != 0 ? process_table_find(engine->table, &id) : NULL;
        engine_meet(engine, event, starts, false);
        for (uint64_t n = event_count(event); n > 1; n--)
                engine_meet(engine, event, starts, true);
}

void engine_tick(struct engine *engine, uint64_t now_ns) {
        engine_pass_time(engine, now_ns);
}

uint64_t engine_next_deadline(const struct engine *engine) {
        uint64_t deadline_ns =
                MIN(engine->pool.deadlines.first_ns, ranking_first_key(&engine->suppress.deadlines));

        return deadline_ns == UINT64_MAX ? UINT64_MAX : deadline_ns + 1;       /* it fires once it has passed */
}

void engine_end(struct engine *engine) {
        uint32_t story;

        while ((story = suppress_first(&engine->suppress)) != SUPPRESS_NONE)
                engine_sum_up(engine, story);
}

void engine_observe(struct engine *engine, const struct engine_observer *observer) {
        engine->observer = observer;
}

void engine_note_slowly(struct engine *engine, enum run_fate fate, uint32_t path, uint32_t run, uint64_t other,
                        uint32_t edge, uint64_t time_ns) {
        const struct observation observation = {
                .fate = fate,
                .path = path,
                .serial = pool_run(&engine->pool, run)->serial,
                .other = other,
                .edge = edge,
                .time_ns = time_ns,
        };

        engine->observer->on_run(&observation, engine->observer->data);
}

void engine_stats(const struct engine *engine, struct engine_stats *ret) {
        *ret = engine->stats;
        ret->n_predicates = engine->eval.n_predicates;
        ret->n_unknown = engine->eval.n_unknown;
        ret->n_evidence_refused = engine->evidence.n_refused;
        ret->n_listed = engine->lists->n_values;
        ret->n_list_refused = engine->lists->n_refused;
        ret->n_runs = engine->pool.n_runs;
        ret->n_keys = engine->pool.scopes.stock.n_used;
        ret->n_counts = engine->pool.counters.times.n_used;
        ret->evidence_used = engine->evidence.slab.used_bytes;
}

struct value_lists *engine_lists(struct engine *engine) {
        return engine->lists;
}

void engine_path_stats(const struct engine *engine, uint32_t path, uint64_t *ret_matches, uint64_t *ret_runs) {
        uint64_t n_runs = 0;

        assert(path < engine->program->n_paths);
        for (uint32_t i = 0; i < engine->pool.sizes.n; i++) {
                const struct group *group = pool_group(&engine->pool, engine->pool.sizes.entries[i].id);

                if (group->path == path)
                        n_runs += group->n_runs;
        }
        *ret_matches = engine->scratch.counters[path].n_matches;
        *ret_runs = n_runs;
}

uint64_t engine_exception_stats(const struct engine *engine, uint32_t exception) {
        assert(exception < engine->program->n_exceptions);
        return engine->scratch.hidden[exception];
}
