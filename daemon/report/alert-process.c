/* SPDX-License-Identifier: Apache-2.0 */
#include "report/alert-process.h"

#include "process/process-fields.h"

#define MAX_STEP_ARGS 2048

uint64_t alert_wall(const struct alert_context *context, uint64_t boottime_ns) {
        return boottime_ns == 0 ? 0 : boottime_ns + (uint64_t)context->offset_ns;
}

static struct alert_text process_text(struct alert_builder *builder, const struct process *process,
                                      const struct event *event, enum field field, size_t max) {
        struct value value;

        process_get(process, event, field, &value);
        return alert_text_of(builder, field, &value, max);
}

static bool process_flag(const struct process *process, const struct event *event, enum field field) {
        struct value value;

        process_get(process, event, field, &value);
        return value.state != VALUE_UNKNOWN && value.type == VALUE_NUMBER && value.number != 0;
}

static bool process_id(const struct process *process, const struct event *event, enum field field, uint32_t *ret) {
        struct value value;

        process_get(process, event, field, &value);
        if (value.state == VALUE_UNKNOWN || value.type != VALUE_NUMBER)
                return false;
        *ret = (uint32_t)value.number;
        return true;
}

void alert_process_of(struct alert_builder *builder, const struct alert_context *context,
                         const struct process *process, const struct event *event, enum alert_detail detail,
                         struct alert_process *ret) {
        size_t max_args = detail == ALERT_ACTOR      ? ALERT_MAX_TEXT
                        : detail == ALERT_STEP_ACTOR ? MAX_STEP_ARGS
                                                     : ALERT_MAX_ANCESTOR_ARGS;
        struct value argv, file;

        if (event && !event->wire)
                event = NULL;

        ret->id = process->id;
        ret->start_ns = alert_wall(context, process->id.start_ns);

        ret->has_credentials = process_id(process, event, FIELD_PROCESS_uid, &ret->uid) &&
                               process_id(process, event, FIELD_PROCESS_euid, &ret->euid) &&
                               process_id(process, event, FIELD_PROCESS_gid, &ret->gid) &&
                               process_id(process, event, FIELD_PROCESS_egid, &ret->egid);
        ret->loginuid = ret->session = UINT32_MAX;
        process_id(process, event, FIELD_PROCESS_loginuid, &ret->loginuid);
        process_id(process, event, FIELD_PROCESS_session, &ret->session);

        ret->deleted = process_flag(process, event, FIELD_PROCESS_exe_deleted);
        ret->memfd = process_flag(process, event, FIELD_PROCESS_exe_memfd);
        ret->upper_layer = process_flag(process, event, FIELD_PROCESS_upper_layer);
        ret->writable = process_flag(process, event, FIELD_PROCESS_exe_writable);

        ret->before_us = process->before_us;
        ret->image_before_us = process_image_is_before_us(process->image);

        process_get(process, event, FIELD_PROCESS_file, &file);
        if (file.state == VALUE_KNOWN)
                ret->file = file.object;

        ret->name = process_text(builder, process, event, FIELD_PROCESS_name, ALERT_MAX_TEXT);
        ret->exe = process_text(builder, process, event, FIELD_PROCESS_exe, ALERT_MAX_TEXT);
        ret->unit = process_text(builder, process, event, FIELD_PROCESS_unit, ALERT_MAX_TEXT);
        ret->container = process_text(builder, process, event, FIELD_PROCESS_container, ALERT_MAX_TEXT);

        process_get(process, event, FIELD_PROCESS_argv, &argv);
        if (detail == ALERT_ACTOR) {
                ret->cwd = process_text(builder, process, event, FIELD_PROCESS_cwd, ALERT_MAX_TEXT);
                ret->cgroup = process_text(builder, process, event, FIELD_PROCESS_cgroup, ALERT_MAX_TEXT);
                ret->container_runtime = process_text(builder, process, event, FIELD_PROCESS_container_runtime,
                                                      ALERT_MAX_TEXT);
                ret->container_name = process_text(builder, process, event, FIELD_PROCESS_container_name,
                                                   ALERT_MAX_TEXT);
                ret->container_image = process_text(builder, process, event, FIELD_PROCESS_container_image,
                                                    ALERT_MAX_TEXT);
                ret->login_session = process_text(builder, process, event, FIELD_PROCESS_login_session,
                                                  ALERT_MAX_TEXT);
                ret->user_unit = process_text(builder, process, event, FIELD_PROCESS_user_unit, ALERT_MAX_TEXT);
                alert_arguments(builder, FIELD_PROCESS_argv, &argv, max_args, &ret->args, &ret->argv, &ret->n_argv);
        } else
                alert_arguments(builder, FIELD_PROCESS_argv, &argv, max_args, &ret->args, NULL, NULL);
}
