/* SPDX-License-Identifier: Apache-2.0 */
/* Tell - from a complete run to a match: what it shows, and whether it is told at all. */
#include <string.h>

#include "engine/engine-private.h"
#include "process/process-fields.h"

static void engine_fill_step(const struct engine *engine, uint32_t path, const struct evidence_step *step,
                             struct match_step *ret) {
        const struct program *program = engine->program;
        const struct position *position = &program->positions[program->paths[path].positions.first + step->position];
        const struct edge *edge;

        *ret = (struct match_step){
                .event = {.time_ns = step->first_ns, .number = step->number},
                .actor = step->actor,
                .first_ns = step->first_ns,
                .last_ns = step->last_ns,
                .count = step->count,
        };

        if (step->absent) {
                const struct absence *absence = &program->absences[position->absence];

                ret->step = &program->steps[absence->step];
                ret->absent = true;
                ret->within_ns = absence->within_ns;
                ret->event.number = 0;
                ret->image = step->kept ? step->kept->image : NULL;
                return;
        }

        edge = plan_edge_at(&engine->plan, path, step->position, step->local);
        ret->step = &program->steps[edge->step];
        if (edge->type == EDGE_COUNT) {
                ret->event.time_ns = step->last_ns;     /* the last one is shown */
                ret->within_ns = program->repeats[position->repeat].within_ns;
        }
        if (edge->type == EDGE_SCORE)
                ret->points = (uint32_t)edge->points;

        if (step->live) {
                ret->event.wire = engine->event->wire;
                ret->image = engine->actor ? engine->actor->image : NULL;
        } else if (step->kept) {
                ret->event.wire = (const struct wire_header *)step->kept->record;
                ret->image = step->kept->image;
        }
}

/* From the first step on. Repetitions of zero or more are left out where there is no room. */
static size_t engine_fill_steps(struct engine *engine, const struct instance *instance, uint32_t path) {
        const struct evidence_step *step;
        size_t n = 0, n_loops = 0, skip;

        for (uint32_t s = instance->steps; s != EVIDENCE_NONE; s = step->previous) {
                step = evidence_step(&engine->evidence, s);
                n_loops += step->loop;
                n++;
        }

        skip = n > MATCH_MAX_STEPS ? n - MATCH_MAX_STEPS : 0;
        assert(skip <= n_loops);        /* a path has at most MATCH_MAX_STEPS positions */
        n -= skip;
        for (uint32_t s = instance->steps, at = n; s != EVIDENCE_NONE; s = step->previous) {
                step = evidence_step(&engine->evidence, s);
                if (step->loop && skip > 0)
                        skip--;
                else
                        engine_fill_step(engine, path, step, &engine->steps[--at]);
        }
        return n;
}

/* When a run is complete, and by whom. */
struct completion {
        uint64_t time_ns;               /* as it is shown */
        uint64_t clock_ns;              /* of the stream */
        struct process *actor;          /* NULL: not in the table */
        struct identity actor_id;
        struct value exe;               /* of the actor */
};

static void engine_fill(struct engine *engine, const struct instance *instance, uint32_t path, const struct key *key,
                        const struct completion *completion) {
        struct instance_world world = pool_world(&engine->pool);
        struct match *match = &engine->match;

        key_format(key, engine->key_text, sizeof(engine->key_text));
        *match = (struct match){
                .program = engine->program,
                .path = &engine->program->paths[path],
                .time_ns = completion->time_ns,
                .key = engine->key_text,
                .key_type = key->type,
                .actor = completion->actor,
                .actor_id = completion->actor_id,
                .steps = engine->steps,
                .n_steps = engine_fill_steps(engine, instance, path),
                .starts = instance->starts,
                .uncertain = instance->flags & INSTANCE_UNCERTAIN,
                .first_ns = instance->start_ns,
        };
        if (match->path->score.threshold > 0) {
                match->threshold = match->path->score.threshold;
                match->score = instance_sum(&world, instance, path, completion->clock_ns);
        }
        if (key->type == KEY_TREE || key->type == KEY_PROCESS || key->type == KEY_DESCENT)
                match->key_identity = key->id;
        if ((instance->flags & INSTANCE_GAP) && match->path->on_loss != ON_LOSS_ALERT) {
                match->gap = true;
                match->gap_count = instance->gap_count;
                match->gap_kinds = instance->gap_kinds;
                match->gap_reasons = instance->gap_reasons;
        }

        memcpy(match->capture_fields, engine->plan.paths[path].slot_fields, sizeof(match->capture_fields));
        for (unsigned slot = 0; slot < PROGRAM_MAX_SLOTS; slot++) {
                const struct captured *capture = evidence_find(&engine->evidence, instance->steps, slot);

                if (capture)
                        evidence_value(capture, &match->captures[slot]);
        }
}

static void engine_complete(struct engine *engine, uint32_t run, uint32_t path, const struct key *key,
                            const struct completion *completion) {
        const struct path *p = &engine->program->paths[path];
        const struct instance *instance = pool_run(&engine->pool, run);
        uint32_t story = SUPPRESS_NONE;
        struct siphash128 id;

        if ((instance->flags & INSTANCE_GAP) && p->on_loss == ON_LOSS_SKIP && p->absence) {
                engine->stats.n_withheld++;
                engine_note(engine, RUN_IS_WITHHELD, path, run, 0, PROGRAM_NONE);
                return;
        }

        engine->stats.n_completed++;
        engine->scratch.counters[path].n_matches++;

        if (p->suppress_ns > 0) {
                id = suppress_id(&engine->suppress, p, key, &instance->captures, &completion->exe);
                story = suppress_find(&engine->suppress, &id);
                if (story != SUPPRESS_NONE) {
                        suppress_at(&engine->suppress, story)->count++;
                        engine->stats.n_suppressed++;
                        engine_note(engine, RUN_IS_JOINED, path, run, 0, PROGRAM_NONE);
                        return;
                }
                if (suppress_is_full(&engine->suppress))
                        engine_sum_up(engine, suppress_first(&engine->suppress));
        }

        engine_note(engine, RUN_ALERTS, path, run, 0, PROGRAM_NONE);
        engine_fill(engine, instance, path, key, completion);
        engine->match.number = ++engine->last_match;
        if (p->suppress_ns > 0)
                suppress_add(&engine->suppress, &id, path, &engine->match, completion->clock_ns);
        if (engine->sink.on_match)
                engine->sink.on_match(&engine->match, engine->sink.data);
}

void engine_tell(struct engine *engine, uint32_t run, uint32_t path, const struct key *key) {
        struct completion completion = {
                .time_ns = engine->event->time_ns,
                .clock_ns = engine->now_ns,
                .actor = engine->actor,
                .actor_id = event_actor(engine->event),
        };

        if (engine->program->paths[path].suppress_ns > 0)
                process_get(engine->eval.actor, engine->event, FIELD_PROCESS_exe, &completion.exe);
        engine_complete(engine, run, path, key, &completion);
}

/* The actor is that of the step before. */
static struct completion engine_completion_absent(const struct engine *engine, uint32_t run, uint64_t time_ns) {
        const struct evidence_step *step =
                evidence_step(&engine->evidence, pool_run(&engine->pool, run)->steps);

        return (struct completion){
                .time_ns = time_ns,
                .clock_ns = time_ns,
                .actor = process_table_find(engine->table, &step->actor),
                .actor_id = step->actor,
        };
}

/* With the image that it ran then. */
void engine_tell_absent(struct engine *engine, uint32_t run, uint32_t path, const struct key *key, uint64_t time_ns) {
        const struct evidence_step *step =
                evidence_step(&engine->evidence, pool_run(&engine->pool, run)->steps);
        struct completion completion = engine_completion_absent(engine, run, time_ns);
        struct process then = {.id = step->actor, .image = step->kept ? step->kept->image : NULL};

        if (step->kept)
                process_get(&then, NULL, FIELD_PROCESS_exe, &completion.exe);
        else if (completion.actor)
                process_get(completion.actor, NULL, FIELD_PROCESS_exe, &completion.exe);
        engine_complete(engine, run, path, key, &completion);
}

/* ---- steps with responders ---- */

/* The step that the run has taken last, if it has responders. */
static const struct step *engine_step_taken(const struct engine *engine, uint32_t run, uint32_t path) {
        const struct program *program = engine->program;
        const struct evidence_step *taken =
                evidence_step(&engine->evidence, pool_run(&engine->pool, run)->steps);
        const struct position *position = &program->positions[program->paths[path].positions.first + taken->position];
        const struct step *step =
                &program->steps[taken->absent ? program->absences[position->absence].step
                                              : plan_edge_at(&engine->plan, path, taken->position, taken->local)->step];

        return step->respond.n > 0 ? step : NULL;
}

static void engine_tell_step(struct engine *engine, uint32_t run, uint32_t path, const struct key *own,
                             const struct step *step, const struct completion *completion) {
        const struct instance *instance = pool_run(&engine->pool, run);
        struct key key =
                instance->group == POOL_NONE
                        ? *own
                        : scope_key(pool_scope(&engine->pool, pool_group(&engine->pool, instance->group)->scope));

        engine_fill(engine, instance, path, &key, completion);
        engine->match.taken = step;
        engine->stats.n_steps_told++;
        engine->sink.on_step(&engine->match, engine->sink.data);
}

void engine_tell_step_slowly(struct engine *engine, uint32_t run, uint32_t path, const struct key *own) {
        const struct completion completion = {
                .time_ns = engine->event->time_ns,
                .clock_ns = engine->now_ns,
                .actor = engine->actor,
                .actor_id = event_actor(engine->event),
        };
        const struct step *step = engine_step_taken(engine, run, path);
        const struct token *captures = &pool_run(&engine->pool, run)->captures;

        if (!step)
                return;
        for (uint32_t i = 0; i < engine->n_asked; i++)
                if (engine->asked[i].step == step && token_equal(&engine->asked[i].captures, captures))
                        return;
        if (engine->n_asked == ENGINE_MAX_ASKED) {
                engine->stats.n_steps_left++;
                return;
        }
        engine->asked[engine->n_asked++] = (struct asked){*captures, step};
        engine_tell_step(engine, run, path, own, step, &completion);
}

void engine_tell_absent_step_slowly(struct engine *engine, uint32_t run, uint32_t path, uint64_t time_ns) {
        const struct completion completion = engine_completion_absent(engine, run, time_ns);
        const struct step *step = engine_step_taken(engine, run, path);

        if (step)
                engine_tell_step(engine, run, path, NULL, step, &completion);
}

void engine_sum_up(struct engine *engine, uint32_t story) {
        struct match match;

        if (suppress_at(&engine->suppress, story)->count > 0) {
                suppress_summary(&engine->suppress, story, &engine->plan, &match);
                match.number = ++engine->last_match;
                match.actor = process_table_find(engine->table, &match.actor_id);
                if (engine->sink.on_match)
                        engine->sink.on_match(&match, engine->sink.data);
        }
        suppress_remove(&engine->suppress, story);
}

void engine_tell_evicted(struct engine *engine, uint32_t path, const struct key *key) {
        char text[SCOPE_TEXT];

        engine->stats.n_evicted++;
        engine->scratch.counters[path].n_evicted++;
        key_format(key, text, sizeof(text));
        if (engine->sink.on_obscured)
                engine->sink.on_obscured(WIRE_OBSCURED_EVICTED, &engine->program->paths[path], text, engine->sink.data);
}

void engine_tell_limit(struct engine *engine, uint32_t path) {
        const struct key *key = engine_key(engine, engine->plan.paths[path].by);
        char text[SCOPE_TEXT] = "";

        if (key)
                key_format(key, text, sizeof(text));
        if (engine->sink.on_obscured)
                engine->sink.on_obscured(WIRE_OBSCURED_LIMIT, &engine->program->paths[path], text, engine->sink.data);
}
