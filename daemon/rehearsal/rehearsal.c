/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearsal/rehearsal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "rehearsal/account.h"

#define MAX_ALERTS 10000                /* kept; a story that gives more is not looked at alert by alert */

static const struct process_table_limits table_limits = {
        .max_processes = 32768,
        .max_image_bytes = 32 << 20,
        .max_cgroups = 4096,
        .grace_ns = 60 * UINT64_C(1000000000),
};

static const struct engine_limits engine_limits = {
        .max_runs = 16384,
        .max_tuples = 1024,
        .max_keys = 16384,
        .max_counts = 65536,
        .max_suppressed = 4096,
        .evidence_bytes = 16 << 20,
};

struct rehearsal {
        struct program *program;        /* owned reference */
        struct process_table *table;    /* owned */
        struct engine *engine;          /* owned */
        struct account *account;        /* owned; NULL: nobody asked */
        struct rehearsal_options options;
        struct arena arena;
        struct rehearsal_alerts alerts;
        int error;
};

uint32_t rehearsal_find_path(const struct program *program, const char *name) {
        for (uint32_t i = 0; i < program->n_paths; i++)
                if (memeq_str(program_text(program, program->paths[i].name), program->paths[i].name.length, name))
                        return i;
        return PROGRAM_NONE;
}

static const char *process_text(struct rehearsal *rehearsal, const struct identity *id) {
        const char *label =
                rehearsal->options.label ? rehearsal->options.label(id, rehearsal->options.data) : NULL;

        return label ?: arena_printf(&rehearsal->arena, "%u", id->pid);
}

static const char *key_text(struct rehearsal *rehearsal, const struct match *match) {
        const char *blank = strchr(match->key, ' '), *process;

        if (match->key_type == KEY_TREE || match->key_type == KEY_PROCESS || match->key_type == KEY_DESCENT) {
                process = process_text(rehearsal, &match->key_identity);
                return process
                             ? arena_printf(&rehearsal->arena, "%s:%s", program_key_to_string(match->key_type), process)
                             : NULL;
        }
        if (!blank)
                return arena_strdup(&rehearsal->arena, match->key);
        return arena_printf(&rehearsal->arena, "%.*s:%s", (int)(blank - match->key), match->key, blank + 1);
}

static int take_captures(struct rehearsal *rehearsal, const struct match *match, struct rehearsal_alert *alert) {
        alert->captures = arena_new_array(&rehearsal->arena, struct rehearsal_capture, match->path->slots.n + 1);
        if (!alert->captures)
                return -ENOMEM;
        for (uint32_t i = 0; i < match->path->slots.n && i < ELEMENTSOF(match->captures); i++) {
                struct program_string name = match->program->texts[match->path->slots.first + i];
                const struct value *value = &match->captures[i];
                struct rehearsal_capture *capture = &alert->captures[alert->n_captures];
                char text[4200];

                if (value->state == VALUE_UNKNOWN || memchr(program_text(match->program, name), '.', name.length))
                        continue;
                schema_format((enum field)match->capture_fields[i], value, text, sizeof(text));
                capture->name = arena_strndup(&rehearsal->arena, program_text(match->program, name), name.length);
                capture->text = value->type == VALUE_IDENTITY ? process_text(rehearsal, &value->identity)
                                                              : arena_strdup(&rehearsal->arena, text);
                if (!capture->name || !capture->text)
                        return -ENOMEM;
                alert->n_captures++;
        }
        return 0;
}

static int take_alert(struct rehearsal *rehearsal, const struct match *match) {
        struct rehearsal_alert alert = {
                .path = arena_strndup(&rehearsal->arena, program_text(match->program, match->path->name),
                                      match->path->name.length),
                .time_ns = match->time_ns,
                .key = key_text(rehearsal, match),
                .uncertain = match->uncertain,
                .gap = match->gap,
                .gap_count = match->gap_count,
                .starts = match->starts,
                .summary = match->summary,
                .suppressed = match->suppressed,
        };
        size_t n_steps = match->summary ? 0 : match->n_steps;
        int r;

        alert.steps = arena_new_array(&rehearsal->arena, struct rehearsal_step, n_steps + 1);
        if (!alert.path || !alert.key || !alert.steps)
                return -ENOMEM;
        for (size_t i = 0; i < n_steps; i++)
                alert.steps[alert.n_steps++] = (struct rehearsal_step){
                        .number = match->steps[i].step->number,
                        .line = match->steps[i].step->line,
                        .first_ns = match->steps[i].first_ns,
                        .count = match->steps[i].count,
                };
        r = take_captures(rehearsal, match, &alert);
        return r < 0 ? r : array_push(&rehearsal->alerts, alert);
}

static void on_match(const struct match *match, void *data) {
        struct rehearsal *rehearsal = data;

        if (rehearsal->alerts.n >= MAX_ALERTS)
                rehearsal->error = -E2BIG;
        else if (take_alert(rehearsal, match) < 0)
                rehearsal->error = -ENOMEM;
}

static void on_obscured(enum wire_reason reason, const struct path *path, const char *key, void *data) {
}

static int open_account(struct rehearsal *rehearsal, const struct rehearsal_options *options) {
        const struct account_options account = {
                .path = rehearsal_find_path(rehearsal->program, options->account_of),
                .origin_ns = options->origin_ns,
                .label = options->label,
                .data = options->data,
        };

        if (account.path == PROGRAM_NONE)
                return -ENOENT;
        return account_new(rehearsal->engine, rehearsal->table, &account, &rehearsal->account);
}

int rehearsal_new(struct program *program, const struct rehearsal_options *options, struct rehearsal **ret) {
        _cleanup_(rehearsal_freep) struct rehearsal *rehearsal = NULL;
        struct engine_sink sink = {.on_match = on_match, .on_obscured = on_obscured};
        int r;

        assert(program && options && ret);

        rehearsal = calloc(1, sizeof(*rehearsal));
        if (!rehearsal)
                return -ENOMEM;
        rehearsal->program = program_ref(program);
        rehearsal->options = *options;
        sink.data = rehearsal;

        r = process_table_new(&table_limits, &rehearsal->table);
        if (r >= 0)
                r = engine_new(program, rehearsal->table, &engine_limits, &sink, &rehearsal->engine);
        if (r >= 0 && options->account_of)
                r = open_account(rehearsal, options);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(rehearsal);
        return 0;
}

struct rehearsal *rehearsal_free(struct rehearsal *rehearsal) {
        if (!rehearsal)
                return NULL;
        account_free(rehearsal->account);
        engine_free(rehearsal->engine);
        process_table_free(rehearsal->table);
        program_unref(rehearsal->program);
        array_done(&rehearsal->alerts);
        arena_done(&rehearsal->arena);
        free(rehearsal);
        return NULL;
}

int rehearsal_feed(struct rehearsal *rehearsal, const struct event *event) {
        engine_feed(rehearsal->engine, event, process_table_update(rehearsal->table, event));
        if (rehearsal->account) {
                account_end_event(rehearsal->account);
                if (account_error(rehearsal->account) < 0)
                        return account_error(rehearsal->account);
        }
        process_table_expire(rehearsal->table, event->time_ns);
        return rehearsal->error;
}

int rehearsal_end(struct rehearsal *rehearsal) {
        engine_end(rehearsal->engine);
        return rehearsal->error;
}

const struct rehearsal_alerts *rehearsal_alerts(const struct rehearsal *rehearsal) {
        return &rehearsal->alerts;
}

const struct account *rehearsal_account(const struct rehearsal *rehearsal) {
        return rehearsal->account;
}
