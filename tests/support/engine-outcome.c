/* SPDX-License-Identifier: Apache-2.0 */
#include "engine-outcome.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/siphash.h"
#include "base/strbuf.h"
#include "engine/carry.h"
#include "prefilter-model.h"
#include "process/process-table.h"
#include "program/uses.h"

const struct engine_limits engine_trial_wide = {
        .max_runs = 4096,
        .max_tuples = 1024,
        .max_keys = 4096,
        .max_counts = 65536,
        .max_suppressed = 4096,
        .evidence_bytes = 4 << 20,
};

static const struct process_table_limits table_limits = {
        .max_processes = 65536,
        .max_image_bytes = 64 << 20,
        .max_cgroups = 4096,
        .grace_ns = UINT64_MAX / 2,
};

struct sink {
        struct outcome_list *to;
        size_t record;                  /* number of the one that is being fed */
        uint64_t clock_ns;
        int error;
};

static const char *key_text(struct outcome_list *to, const struct match *match) {
        switch (match->key_type) {
        case KEY_TREE:
        case KEY_PROCESS:
        case KEY_DESCENT:
                return arena_printf(&to->arena, "%s %u@%llu", program_key_to_string(match->key_type),
                                    match->key_identity.pid, (unsigned long long)match->key_identity.start_ns);
        case KEY_UNIT:
        case KEY_CONTAINER:
        case KEY_USER:
        case KEY_HOST:
        case _KEY_MAX:
                break;
        }
        return arena_strdup(&to->arena, match->key);
}

static const char *captures_text(struct outcome_list *to, const struct match *match) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        const struct path *path = match->path;

        for (uint32_t i = 0; i < path->slots.n; i++) {
                struct program_string name = match->program->texts[path->slots.first + i];

                if (match->captures[i].state == VALUE_UNKNOWN)
                        continue;
                strbuf_printf(&b, " %.*s=", (int)name.length, program_text(match->program, name));
                outcome_put_value((enum field)match->capture_fields[i], &match->captures[i], &b);
        }
        return arena_strdup(&to->arena, strbuf_str(&b));
}

static void on_match(const struct match *match, void *data) {
        struct sink *sink = data;
        struct outcome_list *to = sink->to;
        struct outcome o = {
                .path = arena_strndup(&to->arena, program_text(match->program, match->path->name),
                                      match->path->name.length),
                .record = match->summary ? 0 : sink->record,
                .time_ns = match->time_ns,
                .clock = !match->summary && match->time_ns < sink->clock_ns,
                .key = key_text(to, match),
                .captures = captures_text(to, match),
                .uncertain = match->uncertain,
                .gap = match->gap,
                .gap_count = match->gap_count,
                .gap_kinds = match->gap_kinds,
                .gap_reasons = match->gap_reasons,
                .starts = match->starts,
                .summary = match->summary,
                .suppressed = match->suppressed,
                .n_steps = match->n_steps,
        };

        o.steps = arena_new_array(&to->arena, struct outcome_step, match->n_steps);
        if (!o.path || !o.key || !o.captures || !o.steps) {
                sink->error = -ENOMEM;
                return;
        }
        for (size_t i = 0; i < match->n_steps; i++)
                o.steps[i] = (struct outcome_step){
                        .number = match->steps[i].step->number,
                        .record = match->steps[i].event.number,
                        .first_ns = match->steps[i].first_ns,
                        .last_ns = match->steps[i].last_ns,
                        .count = match->steps[i].count,
                };
        if (array_push(&to->list, o) < 0)
                sink->error = -ENOMEM;
}

static void on_obscured(enum wire_reason reason, const struct path *path, const char *key, void *data) {
}

struct filter {
        struct prefilter *prefilter;    /* NULL: none */
        struct prefilter_model model;
        struct process_table *table;    /* owned; of the kernel, which sees everything */
        struct wire_tick tick;          /* in place of the record */
};

static void filter_done(struct filter *filter) {
        prefilter_model_done(&filter->model);
        prefilter_free(filter->prefilter);
        process_table_free(filter->table);
}

static int filter_set(struct filter *filter, unsigned uses, const struct program *program) {
        filter->prefilter = prefilter_free(filter->prefilter);
        filter->model.prefilter = NULL;
        return uses_collect(program, uses, &filter->prefilter);
}

static int filter_event(struct filter *filter, struct event *event) {
        const struct process *actor;
        int r;

        filter->model.prefilter = filter->prefilter;
        if (!filter->prefilter)
                return 0;
        actor = process_table_update(filter->table, event);
        r = prefilter_model_admits(&filter->model, event, actor);
        if (r != 0)
                return r;
        filter->tick = (struct wire_tick){.header = {
                                                  .size = sizeof(filter->tick),
                                                  .version = WIRE_VERSION,
                                                  .kind = WIRE_KIND_tick,
                                                  .time_ns = event->wire->time_ns,
                                                  .flags = WIRE_SYNTHETIC,
                                          }};
        event->wire = &filter->tick.header;
        return 0;
}

static int put(const void *data, size_t n, void *userdata) {
        strbuf_put_n(userdata, data, n);
        return 0;
}

/* What is told of evictions is of all engines together. */
static int restart(const struct engine_trial *trial, struct program *program, struct process_table *table,
                   const struct engine_sink *sink, uint64_t number, struct engine_stats *sum, struct engine **engine) {
        static const uint8_t stamp[CARRY_STAMP] = {1};
        _cleanup_(strbuf_done) struct strbuf b = {};
        const struct carry_sink to = {put, &b};
        struct siphash_key key = *siphash_process_key();
        struct engine_stats stats;
        struct carried carried;
        uint64_t n_runs;
        int r;

        r = engine_save(*engine, stamp, number, &to);
        if (r < 0 || b.error < 0)
                return r < 0 ? r : b.error;
        engine_stats(*engine, &stats);
        sum->n_evicted += stats.n_evicted;
        n_runs = stats.n_runs;
        *engine = engine_free(*engine);

        key.k0++;
        siphash_set_process_key(&key);
        r = engine_new(program, table, trial->limits ?: &engine_trial_wide, sink, engine);
        if (r >= 0)
                r = engine_load(*engine, table, b.data, b.n, stamp, UINT64_MAX, NULL, NULL, &carried);
        if (r >= 0 && (carried.n_runs != n_runs || carried.number != number || carried.n_ended || carried.n_forgotten))
                r = -EIO;
        return r;
}

static int feed(const struct engine_trial *trial, struct process_table *table, const struct engine_sink *engine_sink,
                struct engine_stats *sum, struct engine **engine) {
        struct program *program = trial->program;
        struct sink *sink = engine_sink->data;
        _cleanup_(filter_done) struct filter filter = {};
        int r;

        if (trial->uses) {
                r = process_table_new(&table_limits, &filter.table);
                if (r >= 0)
                        r = filter_set(&filter, trial->uses, trial->program);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < trial->world->records.n; i++) {
                struct event event;

                if (trial->swap_to && i == trial->swap_before) {
                        r = engine_swap(*engine, trial->swap_to);
                        program = trial->swap_to;
                        if (r >= 0 && trial->uses)
                                r = filter_set(&filter, trial->uses, trial->swap_to);
                        if (r < 0)
                                return r;
                }
                r = world_event(trial->world, i, &event);
                if (r < 0)
                        return r;
                r = filter_event(&filter, &event);
                if (r < 0)
                        return r;
                sink->record = event.number;
                sink->clock_ns = MAX(sink->clock_ns, event.time_ns);
                engine_feed(*engine, &event, process_table_update(table, &event));
                if (trial->restart_every && i % trial->restart_every == trial->restart_every - 1) {
                        r = restart(trial, program, table, engine_sink, event.number, sum, engine);
                        if (r < 0)
                                return r;
                }
        }
        engine_end(*engine);
        if (trial->tally)
                prefilter_tally_add(trial->tally, &filter.model.tally);
        return 0;
}

int engine_outcome(const struct engine_trial *trial, struct outcome_list *to, struct engine_stats *ret_stats) {
        struct sink sink = { .to = to };
        const struct engine_sink engine_sink = {.on_match = on_match, .on_obscured = on_obscured, .data = &sink};
        struct process_table *table = NULL;
        struct engine *engine = NULL;
        struct engine_stats sum = {};
        int r;

        r = process_table_new(&table_limits, &table);
        if (r >= 0)
                r = engine_new(trial->program, table, trial->limits ?: &engine_trial_wide, &engine_sink, &engine);
        if (r >= 0)
                r = feed(trial, table, &engine_sink, &sum, &engine);
        if (r >= 0 && ret_stats) {
                engine_stats(engine, ret_stats);
                ret_stats->n_evicted += sum.n_evicted;
        }
        engine_free(engine);
        process_table_free(table);
        return r < 0 ? r : sink.error;
}
