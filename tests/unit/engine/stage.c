/* SPDX-License-Identifier: Apache-2.0 */
#include "event/enforcement.h"
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

struct engine_limits stage_limits = {
        .max_runs = 1000,
        .max_tuples = 100,
        .max_keys = 1000,
        .max_counts = 1000,
        .max_suppressed = 100,
        .evidence_bytes = 1 << 20,
};
struct builder b;
char stage_ended[256];
uint64_t stage_now = STAGE_START, stage_number;

void at(double seconds) {
        stage_now = STAGE_START + (uint64_t)(seconds * SECOND);
}

static void put(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct stage *stage, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        stage->n_told += vsnprintf(stage->told + stage->n_told, sizeof(stage->told) - stage->n_told, format, ap);
        va_end(ap);
        ck_assert_uint_lt(stage->n_told, sizeof(stage->told));
}

static double seconds(uint64_t time_ns) {
        return (double)(time_ns - STAGE_START) / SECOND;
}

/* "name 1@0 2@2*3 3@9^ tree 100 $f=/a score=7/5 starts=2 uncertain gap=7" or "name summary=2 tree 100" or
 * "name step=1 1@0 tree 100", which has taken a step that has responders. */
static void on_match(const struct match *match, void *data) {
        struct stage *stage = data;
        char text[512];

        put(stage, "%s", program_text(match->program, match->path->name));
        if (match->taken) {
                ck_assert_uint_eq(match->number, 0);
                ck_assert_ptr_eq(match->steps[match->n_steps - 1].step, match->taken);
                put(stage, " step=%u", match->taken->number);
        } else
                ck_assert_uint_eq(match->number, ++stage->n_numbers);
        for (size_t i = 0; i < match->n_steps; i++) {
                const struct match_step *step = &match->steps[i];

                put(stage, " %u@%g%s", step->step->number, seconds(step->first_ns), step->absent ? "^" : "");
                if (step->count > 1)
                        put(stage, "*%llu", (unsigned long long)step->count);
                if (step->event.wire) {
                        ck_assert_uint_eq(step->event.wire->kind, step->step->kind);
                        ck_assert_uint_eq(step->event.wire->tgid, step->actor.pid);
                }
        }
        if (match->summary)
                put(stage, " summary=%llu", (unsigned long long)match->suppressed);
        put(stage, " %s", match->key);

        for (uint32_t i = 0; i < match->path->slots.n; i++) {
                if (match->captures[i].state == VALUE_UNKNOWN)
                        continue;
                schema_format((enum field)match->capture_fields[i], &match->captures[i], text, sizeof(text));
                put(stage, " %s=%s", program_text(match->program, match->program->texts[match->path->slots.first + i]),
                    text);
        }
        if (match->threshold > 0)
                put(stage, " score=%llu/%llu", (unsigned long long)match->score, (unsigned long long)match->threshold);
        if (match->starts > 1)
                put(stage, " starts=%llu", (unsigned long long)match->starts);
        if (match->uncertain)
                put(stage, " uncertain");
        if (match->gap)
                put(stage, " gap=%llu", (unsigned long long)match->gap_count);
        for (int loss = WIRE_LOSS_NONE + 1; match->gap && loss < _WIRE_LOSS_MAX; loss++)
                if (match->gap_reasons >> loss & 1)
                        put(stage, ",%s", event_loss_to_string((enum wire_loss)loss));
        put(stage, "\n");
}

static void on_obscured(enum wire_reason reason, const struct path *path, const char *key, void *data) {
        struct stage *stage = data;

        put(stage, "obscured %d %s %s\n", reason, program_text(stage->program, path->name), key);
}

bool stage_arming;

/* Deadlines in seconds from the beginning, "-" for none. */
static void on_arming(const struct enforcement_arming *arming, void *data) {
        struct stage *stage = data;

        put(stage, "armed %.*s%u%s:", (int)arming->n_name, arming->name ?: "", arming->id,
            arming->crowded ? " crowded" : "");
        for (size_t i = 0; i < arming->n_runs; i++) {
                const struct enforcement_run *run = &arming->runs[i];

                if (run->deadline_ns == UINT64_MAX)
                        put(stage, " -");
                else
                        put(stage, " %llu", (unsigned long long)((run->deadline_ns - STAGE_START) / SECOND));
                put(stage, "/%u", run->rules);
                if (run->has_file)
                        put(stage, "/%llu", (unsigned long long)run->file.inode);
                if (run->has_address)
                        put(stage, "/%u", run->address.bytes[3]);
        }
        put(stage, "\n");
}

static struct engine_sink sink_of(struct stage *stage) {
        return (struct engine_sink){.on_match = on_match,
                                    .on_step = on_match,
                                    .on_obscured = on_obscured,
                                    .on_arming = stage_arming ? on_arming : NULL,
                                    .data = stage};
}

void stage_open(struct stage *stage, struct program *program) {
        const struct process_table_limits limits = {
                .max_processes = 1000,
                .max_image_bytes = 1 << 20,
                .max_cgroups = 16,
                .grace_ns = 60 * SECOND,
        };
        const struct engine_sink sink = sink_of(stage);

        memset(stage, 0, sizeof(*stage));
        stage->program = program;
        at(0);
        ck_assert_int_eq(process_table_new(&limits, &stage->table), 0);
        ck_assert_int_eq(engine_new(program, stage->table, &stage_limits, &sink, &stage->engine), 0);
}

static const uint8_t stamp[CARRY_STAMP] = "this boot";

static int put_bytes(const void *data, size_t n, void *userdata) {
        strbuf_put_n(userdata, data, n);
        return 0;
}

void stage_save(struct stage *stage, struct strbuf *to) {
        ck_assert_int_eq(engine_save(stage->engine, stamp, stage_number, &(struct carry_sink){put_bytes, to}), 0);
        ck_assert_int_eq(to->error, 0);
}

static void on_ended(const char *path, size_t length, uint64_t n_runs, void *userdata) {
        size_t n = strlen(stage_ended);

        snprintf(stage_ended + n, sizeof(stage_ended) - n, "%.*s:%llu ", (int)length, path,
                 (unsigned long long)n_runs);
}

int stage_restart(struct stage *stage, struct program *program, const struct strbuf *from, struct carried *ret) {
        const struct engine_sink sink = sink_of(stage);
        struct siphash_key key = *siphash_process_key();

        engine_free(stage->engine);
        if (program) {
                program_unref(stage->program);
                stage->program = program;
        }
        key.k0++;
        siphash_set_process_key(&key);
        stage_ended[0] = 0;
        ck_assert_int_eq(engine_new(stage->program, stage->table, &stage_limits, &sink, &stage->engine), 0);
        return engine_load(stage->engine, stage->table, from->data, from->n, stamp, stage_now, on_ended, NULL, ret);
}

void stage_close(struct stage *stage) {
        engine_free(stage->engine);
        process_table_free(stage->table);
        program_unref(stage->program);
}

void stage_swap(struct stage *stage, struct program *program) {
        ck_assert_int_eq(engine_swap(stage->engine, program), 0);
        program_unref(stage->program);
        stage->program = program;
}

void stage_begin(struct stage *stage, enum wire_kind kind, uint32_t pid) {
        struct wire_header *header = &stage->record.header;

        record_begin(&stage->record, kind);
        header->tgid = header->tid = pid;
        header->start_ns = pid != 0 ? pid * 1000 : 0;
        header->loginuid = UINT32_MAX;
        header->time_ns = stage_now;
}

void stage_feed(struct stage *stage) {
        struct event event;

        /* Each ck_assert() that holds is a write() to the parent: too dear for a million events. */
        if (record_finish(&stage->record) != 0 ||
            event_parse(stage->record.data, stage->record.header.size, &event) != 0)
                ck_abort_msg("the record cannot be");
        event.number = ++stage_number;
        engine_feed(stage->engine, &event, process_table_update(stage->table, &event));
}

static void one_path(struct stage *stage, enum wire_kind kind, uint32_t pid, enum field field, const char *path) {
        stage_begin(stage, kind, pid);
        record_set_text(&stage->record, field, path);
        stage_feed(stage);
}

void opens(struct stage *stage, uint32_t pid, const char *path) {
        one_path(stage, WIRE_KIND_openat, pid, PATHNAME, path);
}

void opens_unknown(struct stage *stage, uint32_t pid) {
        stage_begin(stage, WIRE_KIND_openat, pid);
        stage_feed(stage);
}

void opens_with_result(struct stage *stage, uint32_t pid, const char *path, int64_t result) {
        stage_begin(stage, WIRE_KIND_openat, pid);
        record_set_text(&stage->record, PATHNAME, path);
        stage->record.header.result = result;
        stage_feed(stage);
}

void unlinks(struct stage *stage, uint32_t pid, const char *path) {
        one_path(stage, WIRE_KIND_unlink, pid, UNLINKED, path);
}

void unlinks_unknown(struct stage *stage, uint32_t pid) {
        stage_begin(stage, WIRE_KIND_unlink, pid);
        stage_feed(stage);
}

void chmods(struct stage *stage, uint32_t pid, const char *path, int64_t mode) {
        stage_begin(stage, WIRE_KIND_chmod, pid);
        record_set_text(&stage->record, CHMODDED, path);
        record_set_number(&stage->record, FIELD_chmod_mode, mode);
        stage_feed(stage);
}

void executes(struct stage *stage, uint32_t pid, const char *file) {
        stage_begin(stage, WIRE_KIND_execve, pid);
        record_set_text(&stage->record, FIELD_execve_filename, file);
        record_set_text(&stage->record, FIELD_execve_exe, file);
        stage_feed(stage);
}

void forks(struct stage *stage, uint32_t pid, uint32_t child) {
        stage_begin(stage, WIRE_KIND_fork, pid);
        record_set_number(&stage->record, FIELD_fork_child_pid, child);
        record_set_number(&stage->record, FIELD_fork_child_start, child * 1000);
        stage_feed(stage);
}

void exits(struct stage *stage, uint32_t pid) {
        stage_begin(stage, WIRE_KIND_exit, pid);
        stage_feed(stage);
}

void gap(struct stage *stage, uint64_t kinds, int64_t count) {
        stage_begin(stage, WIRE_KIND_gap, 0);
        record_set_number(&stage->record, FIELD_gap_kinds, (int64_t)kinds);
        record_set_number(&stage->record, FIELD_gap_count, count);
        stage_feed(stage);
}

void gap_until(struct stage *stage, uint64_t kinds, int64_t count, enum wire_loss reason, double seconds) {
        stage_begin(stage, WIRE_KIND_gap, 0);
        record_set_number(&stage->record, FIELD_gap_kinds, (int64_t)kinds);
        record_set_number(&stage->record, FIELD_gap_count, count);
        record_set_number(&stage->record, FIELD_gap_reason, reason);
        record_set_number(&stage->record, FIELD_gap_until, (int64_t)(STAGE_START + (uint64_t)(seconds * SECOND)));
        stage_feed(stage);
}

void tick(struct stage *stage) {
        stage_begin(stage, WIRE_KIND_tick, 0);
        stage_feed(stage);
}

void stage_tells(struct stage *stage, const char *expected) {
        ck_assert_str_eq(stage->told, expected);
        stage->n_told = 0;
        stage->told[0] = '\0';
}

const struct engine_stats *stage_stats(struct stage *stage) {
        engine_stats(stage->engine, &stage->stats);
        return &stage->stats;
}

uint32_t opened(const char *path) {
        return builder_text(&b, PREDICATE_STRING, PATHNAME, path);
}

uint32_t opened_below(const char *path) {
        return builder_text(&b, PREDICATE_PREFIX, PATHNAME, path);
}

uint32_t unlinked(const char *path) {
        return builder_text(&b, PREDICATE_STRING, UNLINKED, path);
}

/* A position with one step. */
struct edge *step(enum wire_kind kind, uint32_t condition, uint16_t target) {
        builder_position(&b);
        return builder_step(&b, kind, condition, target);
}

/* openat /a, openat /b */
struct path *two(const char *name) {
        struct path *path = builder_path(&b, name);

        step(WIRE_KIND_openat, opened("/a"), 1);
        step(WIRE_KIND_openat, opened("/b"), POSITION_ACCEPT);
        return path;
}

struct program *two_by(enum program_key by, uint64_t suppress_ns) {
        struct path *path;

        builder_init(&b);
        path = two("two");
        path->by = by;
        path->suppress_ns = suppress_ns;
        return builder_finish(&b);
}

/* openat any { $f = pathname }, unlink $f */
struct program *tuples(const char *name, uint64_t within_ns) {
        struct path *path;

        builder_init(&b);
        path = builder_path(&b, name);
        path->within_ns = within_ns;
        path->suppress_ns = 0;
        step(WIRE_KIND_openat, builder_true(&b), 1);
        builder_capture(&b, "$f", PATHNAME);
        step(WIRE_KIND_unlink, builder_guard(&b, UNLINKED, 0), POSITION_ACCEPT);
        return builder_finish(&b);
}
