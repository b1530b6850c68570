/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "event/encode.h"
#include "event/schema.h"
#include "process/retell.h"

#define MAX_PENDING 16                  /* obscured events of one event */

/* An obscured event that waits until the event that caused it is through. */
struct pending {
        enum wire_reason reason;
        const struct path *path;        /* borrowed from the program, which stays while it waits */
        char subject[WIRE_MAX_NAME];
        char key[WIRE_MAX_NAME];
        uint64_t count;
};

struct pipeline {
        struct process_table *table;    /* owned */
        struct engine *engine;          /* owned */
        struct report *report;          /* owned */
        struct program *program;        /* owned reference */
        struct pipeline_sink sink;
        void *userdata;

        uint64_t now_ns;                /* of the stream */
        uint64_t number;                /* of the last event */
        struct pending pending[MAX_PENDING];
        size_t n_pending;
        bool telling;                   /* an obscured event is being fed: what it obscures is reported only */
        struct {
                uint64_t counts[64];    /* skipped, by kind, and not told yet by a gap: of this event's alerts */
                uint64_t kinds, asked;
                struct record record;
        } ahead;
        struct record record;
        struct pipeline_stats stats;
};

/* What a gap will tell of, one record for each kind. */
static void tell_ahead(struct pipeline *pipeline, enum wire_kind kind, uint64_t n) {
        struct record *record = &pipeline->ahead.record;
        struct event event;

        if (!pipeline->sink.on_ahead)
                return;
        record_begin(record, WIRE_KIND_gap);
        record->header.time_ns = pipeline->now_ns;
        record->header.flags = WIRE_SYNTHETIC | WIRE_AHEAD;
        record_set_number(record, FIELD_gap_kinds, (int64_t)wire_kind_bit(kind));
        record_set_number(record, FIELD_gap_count, (int64_t)n);
        record_set_number(record, FIELD_gap_reason, WIRE_LOSS_SKIPPED);
        if (record_finish(record) < 0 || event_parse(record->data, record->header.size, &event) < 0)
                return;                 /* cannot be: they are numbers */
        event.time_ns = pipeline->now_ns;
        event.number = pipeline->number;
        pipeline->sink.on_ahead(&event, pipeline->userdata);
}

/* Of each kind once for each event: all its alerts say the same, here and from a recording. */
static void ask_skipped(struct pipeline *pipeline, uint64_t kinds) {
        uint64_t counts[_WIRE_KIND_MAX];

        kinds &= ~pipeline->ahead.asked;
        if (!pipeline->sink.skipped || kinds == 0)
                return;
        pipeline->ahead.asked |= kinds;
        pipeline->sink.skipped(kinds, counts, pipeline->userdata);
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                if (counts[kind] > 0 && kinds & wire_kind_bit(kind)) {
                        pipeline->ahead.kinds |= wire_kind_bit(kind);
                        pipeline->ahead.counts[kind] += counts[kind];
                        tell_ahead(pipeline, (enum wire_kind)kind, counts[kind]);
                }
}

/* From a recording. A record has one kind; what has more counts as its first. */
static void take_ahead(struct pipeline *pipeline, const struct event *event) {
        struct value kinds, count;

        event_get(event, FIELD_gap_kinds, &kinds);
        event_get(event, FIELD_gap_count, &count);
        if (kinds.state != VALUE_KNOWN || count.state != VALUE_KNOWN || kinds.number == 0)
                return;
        pipeline->ahead.kinds |= (uint64_t)kinds.number;
        pipeline->ahead.counts[__builtin_ctzll((uint64_t)kinds.number)] += (uint64_t)count.number;
}

static void forget_ahead(struct pipeline *pipeline) {
        if (likely((pipeline->ahead.asked | pipeline->ahead.kinds) == 0))
                return;
        pipeline->ahead.asked = pipeline->ahead.kinds = 0;
        memset(pipeline->ahead.counts, 0, sizeof(pipeline->ahead.counts));
}

/* As if a gap had told of it in time. */
static void mark_skipped(struct pipeline *pipeline, struct match *match) {
        uint64_t kinds = pipeline->ahead.kinds & match->path->kinds, n = 0;

        if (kinds == 0)
                return;
        for (uint64_t left = kinds; left != 0; left &= left - 1)
                n += pipeline->ahead.counts[__builtin_ctzll(left)];
        match->gap_count = match->gap ? match->gap_count + n : n;
        match->gap_kinds = match->gap ? match->gap_kinds | kinds : kinds;
        match->gap_reasons = (match->gap ? match->gap_reasons : 0) | 1U << WIRE_LOSS_SKIPPED;
        match->gap = true;
}

static void on_match(const struct match *match, void *userdata) {
        struct pipeline *pipeline = userdata;
        struct match marked = *match;

        if (!match->summary) {
                ask_skipped(pipeline, match->path->kinds);
                mark_skipped(pipeline, &marked);
        }
        if (match->path->enforce != PATH_ENFORCE_NONE && !match->summary && pipeline->sink.enforced)
                marked.enforced = pipeline->sink.enforced(&marked, pipeline->userdata);
        report_match(pipeline->report, &marked);
        if (pipeline->sink.on_match)
                pipeline->sink.on_match(&marked, pipeline->userdata);
}

static void on_arming(const struct enforcement_arming *arming, void *userdata) {
        struct pipeline *pipeline = userdata;

        pipeline->sink.on_arming(arming, pipeline->userdata);
}

static void on_step(const struct match *match, void *userdata) {
        struct pipeline *pipeline = userdata;

        report_step(pipeline->report, match);
}

static void put_name(char to[static WIRE_MAX_NAME], const char *from, size_t length) {
        length = MIN(length, (size_t)WIRE_MAX_NAME - 1);
        memcpy(to, from, length);
        to[length] = 0;
}

static void on_obscured(enum wire_reason reason, const struct path *path, const char *key, void *userdata) {
        struct pipeline *pipeline = userdata;
        struct pending *pending;
        char subject[WIRE_MAX_NAME];

        put_name(subject, path ? program_text(pipeline->program, path->name) : "", path ? path->name.length : 0);
        report_obscured(pipeline->report, reason, subject, key, pipeline->now_ns);
        if (pipeline->telling)
                return;

        for (size_t i = 0; i < pipeline->n_pending; i++)
                if (pipeline->pending[i].reason == reason && pipeline->pending[i].path == path) {
                        pipeline->pending[i].count++;
                        return;
                }
        if (pipeline->n_pending == MAX_PENDING) {
                pipeline->pending[MAX_PENDING - 1].count++;
                pipeline->stats.n_obscured_joined++;
                return;
        }

        pending = pipeline->pending + pipeline->n_pending++;
        pending->reason = reason;
        pending->path = path;
        pending->count = 1;
        memcpy(pending->subject, subject, sizeof(subject));
        put_name(pending->key, key ?: "", key ? strlen(key) : 0);
}

void pipeline_configure(const struct config *config, struct pipeline_options *ret) {
        *ret = (struct pipeline_options){
                .table = {
                        .max_processes = config->process.max_processes,
                        .max_image_bytes = config->process.image_memory_bytes,
                        .max_cgroups = config->process.max_cgroups,
                        .grace_ns = config->process.grace_ns,
                },
                .engine = {
                        .max_runs = config->engine.max_runs,
                        .max_tuples = config->engine.max_tuples_per_key,
                        .max_keys = config->engine.max_keys,
                        .max_counts = config->engine.max_counts,
                        .max_suppressed = config->engine.max_suppressed,
                        .evidence_bytes = config->engine.evidence_memory_bytes,
                },
                .report = {
                        .min_severity = (enum severity)config->alerts.min_severity,
                        .remember = config->alerts.remember,
                },
        };
}

int pipeline_new(struct program *program, const struct pipeline_options *options, const struct pipeline_sink *sink,
                 void *userdata, struct pipeline **ret) {
        struct engine_sink engine_sink = {.on_match = on_match, .on_step = on_step, .on_obscured = on_obscured};
        _cleanup_(pipeline_freep) struct pipeline *pipeline = NULL;
        struct report_options report;
        int r;

        assert(program && options && ret);

        pipeline = calloc(1, sizeof(*pipeline));
        if (!pipeline)
                return -ENOMEM;

        pipeline->program = program_ref(program);
        pipeline->userdata = userdata;
        if (sink)
                pipeline->sink = *sink;

        r = process_table_new(&options->table, &pipeline->table);
        if (r < 0)
                return r;

        engine_sink.data = pipeline;
        if (pipeline->sink.on_arming)
                engine_sink.on_arming = on_arming;
        r = engine_new(program, pipeline->table, &options->engine, &engine_sink, &pipeline->engine);
        if (r < 0)
                return r;

        report = options->report;
        report.table = pipeline->table;
        r = report_new(&report, &pipeline->report);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(pipeline);
        return 0;
}

struct process_table *pipeline_table(struct pipeline *pipeline) {
        return pipeline->table;
}

struct pipeline *pipeline_free(struct pipeline *pipeline) {
        if (!pipeline)
                return NULL;

        report_free(pipeline->report);
        engine_free(pipeline->engine);
        process_table_free(pipeline->table);
        if (pipeline->program)
                program_unref(pipeline->program);
        free(pipeline);
        return NULL;
}

/* Through table and engine, one event. */
static void step(struct pipeline *pipeline, const struct event *event) {
        struct process *actor = process_table_update(pipeline->table, event);

        engine_feed(pipeline->engine, event, actor);
}

static void tell_obscured(struct pipeline *pipeline) {
        pipeline->telling = true;
        for (size_t i = 0; i < pipeline->n_pending; i++) {
                const struct pending *pending = pipeline->pending + i;
                struct event event;

                record_begin(&pipeline->record, WIRE_KIND_obscured);
                pipeline->record.header.time_ns = pipeline->now_ns;
                pipeline->record.header.flags = WIRE_SYNTHETIC;
                record_set_number(&pipeline->record, FIELD_obscured_reason, pending->reason);
                record_set_text(&pipeline->record, FIELD_obscured_subject, pending->subject);
                record_set_text(&pipeline->record, FIELD_obscured_key, pending->key);
                record_set_number(&pipeline->record, FIELD_obscured_count, (int64_t)pending->count);
                if (record_finish(&pipeline->record) < 0 ||
                    event_parse(pipeline->record.data, pipeline->record.header.size, &event) < 0)
                        continue;       /* cannot be: names are short; the report has told it anyway */
                event.time_ns = pipeline->now_ns;
                event.number = pipeline->number;
                step(pipeline, &event);
                pipeline->stats.n_obscured_told++;
        }
        pipeline->n_pending = 0;
        pipeline->telling = false;
}

void pipeline_feed(struct pipeline *pipeline, const struct event *event) {
        struct value offset;

        if (unlikely(event_kind(event) == WIRE_KIND_gap && event->wire->flags & WIRE_AHEAD)) {
                take_ahead(pipeline, event);
                return;
        }
        pipeline->stats.n_events[event_kind(event)]++;
        pipeline->now_ns = event->time_ns;
        pipeline->number = event->number;

        if (event_kind(event) == WIRE_KIND_clock) {
                event_get(event, FIELD_clock_offset_ns, &offset);
                if (offset.state == VALUE_KNOWN)
                        report_set_offset(pipeline->report, offset.number);
        }

        step(pipeline, event);
        if (pipeline->n_pending > 0)
                tell_obscured(pipeline);
        forget_ahead(pipeline);
        process_table_expire(pipeline->table, pipeline->now_ns);
}

uint64_t pipeline_next_deadline(const struct pipeline *pipeline) {
        return engine_next_deadline(pipeline->engine);
}

int pipeline_swap(struct pipeline *pipeline, struct program *program) {
        struct program *old = pipeline->program;
        int r;

        r = engine_swap(pipeline->engine, program);
        if (r < 0)
                return r;

        pipeline->program = program_ref(program);
        program_unref(old);
        return 0;
}

void pipeline_end(struct pipeline *pipeline) {
        engine_end(pipeline->engine);
        report_flush(pipeline->report, pipeline->now_ns);
}

int pipeline_save(struct pipeline *pipeline, const uint8_t stamp[static CARRY_STAMP], const struct carry_sink *sink) {
        return engine_save(pipeline->engine, stamp, pipeline->number, sink);
}

void pipeline_leave(struct pipeline *pipeline) {
        report_flush(pipeline->report, pipeline->now_ns);
}

int pipeline_load(struct pipeline *pipeline, const void *data, size_t n, const uint8_t stamp[static CARRY_STAMP],
                  uint64_t now_ns,
                  void (*on_ended)(const char *path, size_t length, uint64_t n_runs, void *userdata), void *userdata,
                  struct carried *ret) {
        int r;

        r = engine_load(pipeline->engine, pipeline->table, data, n, stamp, now_ns, on_ended, userdata, ret);
        if (r >= 0)
                pipeline->number = ret->number;
        return r;
}

int pipeline_retell(struct pipeline *pipeline, int (*tell)(const struct event *event, void *userdata), void *userdata) {
        return retell_table(pipeline->table, pipeline->now_ns, &pipeline->record, tell, userdata);
}

struct report *pipeline_report(struct pipeline *pipeline) {
        return pipeline->report;
}

struct engine *pipeline_engine(struct pipeline *pipeline) {
        return pipeline->engine;
}

void pipeline_stats(const struct pipeline *pipeline, struct pipeline_stats *ret) {
        *ret = pipeline->stats;
        process_table_stats(pipeline->table, &ret->table);
        engine_stats(pipeline->engine, &ret->engine);
        report_stats(pipeline->report, &ret->report);
}
