/* SPDX-License-Identifier: Apache-2.0 */
#include "report/alert-event.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "event/telling.h"
#include "process/process-fields.h"
#include "report/alert-process.h"
#include "report/alert-value.h"
#include "report/report-json.h"

static bool is_there(const struct alert_event *told, enum field field, enum program_subject subject) {
        for (size_t i = 0; i < told->n_fields; i++)
                if (told->fields[i].field == field && told->fields[i].subject == subject)
                        return true;
        return false;
}

static struct alert_text word(struct alert_builder *builder, const char *text) {
        return alert_text_plain(builder, text, strlen(text));
}

/* A set of kinds as a list of their names. */
static void fill_kinds(struct alert_builder *builder, uint64_t kinds, struct alert_field *f) {
        f->is_list = true;
        f->is_number = false;
        f->items = arena_new_array(builder->arena, struct alert_text, _WIRE_KIND_MAX);
        for (int kind = 0; f->items && kind < _WIRE_KIND_MAX; kind++)
                if (kinds & wire_kind_bit(kind) && schema_kind((enum wire_kind)kind))
                        f->items[f->n_items++] = word(builder, schema_kind((enum wire_kind)kind)->name);
}

static void add_value(struct alert_builder *builder, const struct alert_context *context, enum field field,
                      enum program_subject subject, const char *name, const struct value *value,
                      struct alert_event *told) {
        struct alert_field *f = told->fields + told->n_fields;

        if (is_there(told, field, subject))
                return;
        *f = (struct alert_field){.name = name, .subject = subject};
        alert_field_of(builder, field, value, context->offset_ns, f);
        if (f->known && field == FIELD_gap_kinds)
                fill_kinds(builder, (uint64_t)value->number, f);
        if (f->known && (field == FIELD_gap_reason || field == FIELD_obscured_reason)) {
                f->is_number = false;
                f->text = word(builder, field == FIELD_gap_reason
                                                ? event_loss_to_string((enum wire_loss)value->number)
                                                : report_reason_to_string((enum wire_reason)value->number));
        }
        told->n_fields++;
}

static void add_field(struct alert_builder *builder, const struct alert_context *context, const struct event *event,
                      enum field field, struct alert_event *told) {
        struct value value;

        event_get(event, field, &value);
        if (value.state != VALUE_UNKNOWN)
                add_value(builder, context, field, SUBJECT_EVENT, schema_field(field)->name, &value, told);
}

/* A field that was asked for is told also if it is not known: that is why a filter let nothing through. */
static void add_asked(struct alert_builder *builder, const struct alert_context *context, const struct event *event,
                      const struct process *actor, const struct step_field *asked, struct alert_event *told) {
        const struct field_info *info = schema_field((enum field)asked->field);
        const struct process *parent;
        struct value value = {};
        const char *name = NULL;
        bool unknown;

        if (!info)
                return;
        switch ((enum program_subject)asked->subject) {
        case SUBJECT_EVENT:
                if ((info->scope == FIELD_EVENT && info->kind != event_kind(event)) ||
                    asked->field == FIELD_COMMON_result || asked->field == FIELD_COMMON_failed)
                        return;         /* the result is told anyway */
                event_get(event, (enum field)asked->field, &value);
                name = info->name;
                break;
        case SUBJECT_PROCESS:
                if (asked->field == FIELD_PROCESS_pid || asked->field == FIELD_PROCESS_name)
                        return;         /* so are these */
                process_get(actor, event, (enum field)asked->field, &value);
                name = arena_printf(builder->arena, "proc.%s", info->name);
                break;
        case SUBJECT_PARENT:
                parent = context->table ? process_table_creator(context->table, actor, &unknown) : NULL;
                if (parent)
                        process_get(parent, NULL, (enum field)asked->field, &value);
                name = arena_printf(builder->arena, "parent.%s", info->name);
                break;
        case SUBJECT_ANCESTOR:
        case SUBJECT_EACH:
        case _SUBJECT_MAX:
                return;
        }
        if (!name)
                builder->error = -ENOMEM;
        else
                add_value(builder, context, (enum field)asked->field, (enum program_subject)asked->subject, name,
                          &value, told);
}

/* Secrets first, so that one that an option names is hidden where it stands alone. A process that has been given one
 * may write it. */
static void learn(struct alert_builder *builder, const struct alert_event_options *options, const struct event *event,
                  const struct process *actor) {
        struct value value;

        event_get(event, FIELD_execve_argv, &value);
        alert_learn(builder, FIELD_execve_argv, &value);
        event_get(event, FIELD_execve_env, &value);
        alert_learn(builder, FIELD_execve_env, &value);
        event_get(event, FIELD_write_content, &value);
        if (!options->brief || value.state != VALUE_UNKNOWN) {
                process_get(actor, NULL, FIELD_PROCESS_argv, &value);
                alert_learn(builder, FIELD_PROCESS_argv, &value);
        }
}

int alert_event_build(const struct event *event, const struct process *actor, const struct alert_event_options *options,
                      const struct alert_context *context, struct arena *arena, struct alert_event *ret) {
        struct alert_builder builder = {.arena = arena, .redactor = context->redactor, .cache = context->cache};
        const struct kind_info *kind = schema_kind(event_kind(event));
        const struct wire_aggregate *aggregate = event_aggregate(event);
        const struct wire_header *wire = event->wire;
        struct process stranger = {.id = event_actor(event),
                                   .creator = {.pid = wire->creator_tgid, .start_ns = wire->creator_start_ns},
                                   .uid = wire->uid, .euid = wire->euid, .gid = wire->gid, .egid = wire->egid,
                                   .loginuid = wire->loginuid, .session = wire->session,
                                   .cgroup_id = wire->cgroup_id};
        const uint16_t *telling;
        size_t n_telling;

        assert(kind && options && context->redactor);

        if (!actor)
                actor = &stranger;
        *ret = (struct alert_event){
                .kind = event_kind(event),
                .number = event->number,
                .time_ns = alert_wall(context, event->time_ns),
                .tid = wire->tid,
                .parent_pid = wire->creator_tgid,
                .has_process = wire->tgid != 0,
                .has_result = kind->class == EVENT_EVENT && !(wire->flags & WIRE_NO_RESULT),
                .result = wire->result,
                .flags = wire->flags,
                .more = aggregate ? aggregate->count : 0,
                .first_ns = aggregate ? alert_wall(context, aggregate->first_ns) : 0,
                .more_bytes = aggregate ? aggregate->bytes : 0,
                .fields = arena_new_array(arena, struct alert_field, kind->n_fields + options->n_fields),
        };
        if (wire->flags & WIRE_FAILED)
                ret->has_result = true; /* of an exec, which tells its failures only */
        if (!ret->fields)
                return -ENOMEM;

        learn(&builder, options, event, actor);
        if (ret->has_process && options->brief) {
                struct value name;

                process_get(actor, event, FIELD_PROCESS_name, &name);
                ret->process.id = actor->id;
                ret->process.name = alert_text_of(&builder, FIELD_PROCESS_name, &name, ALERT_MAX_TEXT);
        } else if (ret->has_process)
                alert_process_of(&builder, context, actor, event, ALERT_STEP_ACTOR, &ret->process);
        telling = telling_fields(ret->kind, &n_telling);
        for (size_t i = 0; i < n_telling; i++)
                add_field(&builder, context, event, (enum field)telling[i], ret);
        for (size_t i = 0; i < options->n_fields; i++)
                add_asked(&builder, context, event, actor, options->fields + i, ret);
        ret->n_shown = ret->n_fields;
        for (uint32_t i = 0; i < kind->n_fields; i++)
                add_field(&builder, context, event, (enum field)(kind->first_field + i), ret);
        if (kind->class == EVENT_META)
                ret->n_shown = ret->n_fields;   /* it has few */
        return builder.error;
}
