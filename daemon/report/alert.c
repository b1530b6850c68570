/* SPDX-License-Identifier: Apache-2.0 */
#include "report/alert.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "event/telling.h"
#include "process/process-fields.h"
#include "report/alert-process.h"
#include "report/alert-value.h"


static struct alert_text text_of_string(struct alert_builder *builder, const struct program *program,
                                        struct program_string string) {
        return alert_text_plain(builder, program_text(program, string), string.length);
}

static void *take(struct alert_builder *builder, size_t n, size_t size) {
        void *p = builder->error < 0 ? NULL : arena_calloc(builder->arena, n, size);

        if (!p && builder->error >= 0)
                builder->error = -ENOMEM;
        return p;
}

/* The actor of a step as it was then: what is known of it now, with the image that it ran at the step. */
static struct process process_at(const struct alert_context *context, const struct match_step *step) {
        const struct process *found = context->table ? process_table_find(context->table, &step->actor) : NULL;
        struct process process = {};

        if (found)
                process = *found;
        else if (step->event.wire)
                process.creator = (struct identity){.pid = step->event.wire->creator_tgid,
                                                    .start_ns = step->event.wire->creator_start_ns};
        process.id = step->actor;
        process.image = (struct process_image *)step->image;
        return process;
}

/* A copy is not in the table: its creator is looked up by name. */
static const struct process *creator_of(const struct alert_context *context, const struct process *process,
                                        bool *ret_unknown) {
        const struct process *found, *creator;

        *ret_unknown = true;
        if (!context->table)
                return NULL;
        found = process_table_find(context->table, &process->id);
        if (found)
                return process_table_creator(context->table, found, ret_unknown);

        creator = process->creator.pid != 0 ? process_table_find(context->table, &process->creator) : NULL;
        *ret_unknown = !creator;
        return creator;
}

static void fill_ancestors(struct alert_builder *builder, const struct alert_context *context,
                           const struct process *actor, struct alert *alert) {
        const struct process *process = actor;
        bool unknown = false;

        while ((process = creator_of(context, process, &unknown))) {
                if (alert->n_ancestors == ALERT_MAX_ANCESTORS) {
                        unknown = true;
                        break;
                }
                alert_process_of(builder, context, process, NULL, ALERT_ANCESTOR,
                                 alert->ancestors + alert->n_ancestors++);
        }
        alert->ancestors_broken = unknown;
}

/* "argv[1]", "parent.exe": as the policy writes it. */
static const char *field_name(struct alert_builder *builder, enum field field, enum program_subject subject,
                              int index) {
        static const char *const prefixes[] = {
                [SUBJECT_EVENT] = "",
                [SUBJECT_PROCESS] = "proc.",
                [SUBJECT_PARENT] = "parent.",
                [SUBJECT_ANCESTOR] = "ancestor.",
        };
        const struct field_info *info = schema_field(field);
        const char *name;

        if (!info)
                return "?";
        if (subject == SUBJECT_EVENT && index < 0)
                return info->name;

        if (builder->error < 0)
                return "?";
        name = index >= 0 ? arena_printf(builder->arena, "%s%s[%d]", prefixes[subject], info->name, index) :
                            arena_printf(builder->arena, "%s%s", prefixes[subject], info->name);
        if (!name)
                builder->error = -ENOMEM;
        return name ?: "?";
}

static void read_field(const struct alert_context *context, const struct match_step *step, enum field field,
                       enum program_subject subject, int index, struct value *ret) {
        struct process actor = process_at(context, step);
        const struct process *parent;
        struct value list;
        bool unknown;

        *ret = (struct value){};
        switch (subject) {
        case SUBJECT_EVENT:
                event_get(&step->event, field, ret);
                break;
        case SUBJECT_PROCESS:
                process_get(&actor, &step->event, field, ret);
                break;
        case SUBJECT_PARENT:
                parent = creator_of(context, &actor, &unknown);
                if (parent)
                        process_get(parent, NULL, field, ret);
                break;
        case SUBJECT_ANCESTOR:          /* which of them it was is not known; all of them are in the alert */
        case SUBJECT_EACH:
        case _SUBJECT_MAX:
                return;
        }

        if (index >= 0 && ret->type == VALUE_LIST && ret->state != VALUE_UNKNOWN) {
                list = *ret;
                if (!value_list_at(&list, index, ret))
                        *ret = (struct value){.type = VALUE_STRING};
        }
}

static void add_field(struct alert_builder *builder, const struct alert_context *context, const struct match_step *step,
                      enum field field, enum program_subject subject, int index, bool deciding,
                      struct alert_step *ret) {
        struct alert_field *f = ret->fields + ret->n_fields;
        struct value value;
        const char *name;

        if (ret->n_fields == ALERT_MAX_FIELDS || subject == SUBJECT_ANCESTOR)
                return;
        if (index < 0)
                index = INDEX_NONE;

        name = field_name(builder, field, subject, index);
        for (size_t i = 0; i < ret->n_fields; i++)
                if (strcmp(ret->fields[i].name, name) == 0)
                        return;

        read_field(context, step, field, subject, index, &value);
        if (!deciding && value.state == VALUE_UNKNOWN)
                return;

        *f = (struct alert_field){.name = name, .subject = subject};
        alert_field_of(builder, field, &value, context->offset_ns, f);
        ret->n_fields++;
}

static void fill_step(struct alert_builder *builder, const struct alert_context *context, const struct match *match,
                      const struct match_step *step, struct alert_step *ret) {
        const struct program *program = match->program;
        const struct kind_info *kind = schema_kind((enum wire_kind)step->step->kind);
        struct process actor = process_at(context, step);
        const uint16_t *telling;
        size_t n_telling;

        *ret = (struct alert_step){
                .number = step->step->number,
                .line = step->step->line,
                .kind = kind ? kind->name : "?",
                .time_ns = alert_wall(context, step->first_ns),
                .last_ns = alert_wall(context, step->last_ns),
                .count = step->count,
                .absent = step->absent,
                .within_ns = step->within_ns,
                .points = step->points,
                .kept = step->event.wire != NULL,
        };
        if (step->step->block != PROGRAM_NONE && step->step->block < program->n_blocks)
                ret->block = text_of_string(builder, program, program->blocks[step->step->block].name);

        alert_process_of(builder, context, &actor, &step->event, ALERT_STEP_ACTOR, &ret->process);
        if (!ret->kept)
                return;

        ret->has_result = !(step->event.wire->flags & WIRE_NO_RESULT) && kind && kind->class == EVENT_EVENT;
        ret->result = step->event.wire->result;

        telling = telling_fields(event_kind(&step->event), &n_telling);
        for (size_t i = 0; i < n_telling; i++)
                add_field(builder, context, step, (enum field)telling[i], SUBJECT_EVENT, INDEX_NONE, false, ret);
        for (uint32_t i = 0; i < step->step->fields.n; i++) {
                const struct step_field *f = program->fields + step->step->fields.first + i;

                add_field(builder, context, step, (enum field)f->field, (enum program_subject)f->subject, f->index,
                          true, ret);
        }
}

static void fill_captures(struct alert_builder *builder, const struct alert_context *context, const struct match *match,
                          struct alert *alert) {
        const struct program_range slots = match->path->slots;

        for (uint32_t i = 0; i < slots.n && i < PROGRAM_MAX_SLOTS; i++) {
                struct program_string name = match->program->texts[slots.first + i];
                struct alert_capture *capture = alert->captures + alert->n_captures;
                const char *bytes = program_text(match->program, name);

                if (match->captures[i].state == VALUE_UNKNOWN)
                        continue;
                if (name.length > 0 && bytes[0] == '$') {
                        bytes++;
                        name.length--;
                }
                capture->name = alert_text_plain(builder, bytes, name.length);
                capture->value.name = capture->name.bytes;
                alert_field_of(builder, (enum field)match->capture_fields[i], match->captures + i, context->offset_ns,
                               &capture->value);
                alert->n_captures++;
        }
}

static void learn_process(struct alert_builder *builder, const struct process *process) {
        struct value argv;

        process_get(process, NULL, FIELD_PROCESS_argv, &argv);
        alert_learn(builder, FIELD_PROCESS_argv, &argv);
}

/* All secrets first, so that the value of `--password` in one step is hidden where another step captured it alone. */
static void learn(struct alert_builder *builder, const struct alert_context *context, const struct match *match,
                  const struct process *actor) {
        learn_process(builder, actor);
        for (size_t i = 0; i < match->n_steps; i++) {
                const struct match_step *step = match->steps + i;
                struct process process = process_at(context, step);
                struct value value;

                learn_process(builder, &process);
                if (!step->event.wire || event_kind(&step->event) != WIRE_KIND_execve)
                        continue;
                event_get(&step->event, FIELD_execve_argv, &value);
                alert_learn(builder, FIELD_execve_argv, &value);
                event_get(&step->event, FIELD_execve_env, &value);
                alert_learn(builder, FIELD_execve_env, &value);
        }
}

/* The first step of each of them counts. */
bool alert_step_names_before_us(const struct alert *alert, size_t i) {
        const struct alert_process *process = &alert->steps[i].process;

        if (!process->before_us || identity_equal(&process->id, &alert->process.id))
                return false;
        for (size_t j = 0; j < i; j++)
                if (identity_equal(&alert->steps[j].process.id, &process->id))
                        return false;
        return true;
}

static uint64_t count_before_us(const struct alert *alert) {
        uint64_t n = alert->process.before_us;

        for (size_t i = 0; i < alert->n_steps; i++)
                n += alert_step_names_before_us(alert, i);
        return n;
}

int alert_build(const struct match *match, const struct alert_context *context, struct arena *arena,
                struct alert **ret) {
        struct alert_builder builder = {.arena = arena, .redactor = context->redactor, .cache = context->cache};
        const struct program *program = match->program;
        const struct path *path = match->path;
        const struct match_step *last = match->n_steps > 0 ? match->steps + match->n_steps - 1 : NULL;
        const struct event *event = last && identity_equal(&last->actor, &match->actor_id) ? &last->event : NULL;
        struct process stranger = {.id = match->actor_id};
        const struct process *actor = match->actor;
        struct alert *alert;

        assert(match && context && context->redactor && ret);

        if (!actor && last && event)
                stranger = process_at(context, last);
        if (!actor)
                actor = &stranger;

        alert = take(&builder, 1, sizeof(*alert));
        if (!alert)
                return builder.error;

        *alert = (struct alert){
                .number = match->number,
                .generation = program->header->generation,
                .summary = match->summary,
                .step = match->taken ? match->taken->number : 0,
                .time_ns = alert_wall(context, match->time_ns),
                .first_ns = alert_wall(context, match->first_ns),
                .policy = text_of_string(&builder, program, path->name),
                .description = text_of_string(&builder, program, path->description),
                .file = text_of_string(&builder, program, path->file),
                .line = path->line,
                .severity = (enum severity)path->severity,
                .by = match->key_type,
                .key = alert_text_plain(&builder, match->key ?: "", match->key ? strlen(match->key) : 0),
                .score = match->score,
                .threshold = match->threshold,
                .starts = match->starts,
                .suppressed = match->suppressed,
                .uncertain = match->uncertain,
                .gap = match->gap,
                .gap_count = match->gap_count,
                .gap_kinds = match->gap_kinds,
        };

        for (int loss = WIRE_LOSS_NONE + 1; loss < _WIRE_LOSS_MAX; loss++)
                if (match->gap_reasons >> loss & 1) {
                        const char *reason = event_loss_to_string((enum wire_loss)loss);

                        alert->gap_reasons[alert->n_gap_reasons++] =
                                alert_text_plain(&builder, reason, strlen(reason));
                }
        if (match->enforced != MATCH_NOT_ENFORCED) {
                const char *enforced = match_enforced_to_string(match->enforced);

                alert->enforced = alert_text_plain(&builder, enforced, strlen(enforced));
        }
        if (path->techniques.n > 0)
                alert->techniques = take(&builder, path->techniques.n, sizeof(*alert->techniques));
        for (uint32_t i = 0; alert->techniques && i < path->techniques.n; i++)
                alert->techniques[alert->n_techniques++] =
                        text_of_string(&builder, program, program->texts[path->techniques.first + i]);

        learn(&builder, context, match, actor);
        alert_process_of(&builder, context, actor, event, ALERT_ACTOR, &alert->process);
        fill_ancestors(&builder, context, actor, alert);

        if (match->n_steps > 0)
                alert->steps = take(&builder, match->n_steps, sizeof(*alert->steps));
        for (size_t i = 0; alert->steps && i < match->n_steps; i++)
                fill_step(&builder, context, match, match->steps + i, alert->steps + alert->n_steps++);
        fill_captures(&builder, context, match, alert);
        alert->n_before_us = count_before_us(alert);

        if (builder.error < 0)
                return builder.error;

        *ret = alert;
        return 0;
}
