/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process-fields.h"

#include <string.h>

#include "process/cgroup.h"
#include "process/process-image.h"

static void set_number(struct value *ret, int64_t number) {
        *ret = (struct value){ .number = number, .type = VALUE_NUMBER, .state = VALUE_KNOWN };
}

/* An id of which the kernel's (uid_t)-1 means that there is none. */
static void set_id(struct value *ret, uint32_t id) {
        set_number(ret, id == UINT32_MAX ? -1 : (int64_t)id);
}

static void set_bytes(struct value *ret, const char *bytes, size_t length, enum value_state state) {
        *ret = (struct value){ .bytes = bytes, .length = length, .type = VALUE_STRING, .state = state };
}

static void set_part(struct value *ret, const char *in, struct cgroup_part part, bool known) {
        set_bytes(ret, in + part.offset, part.length, known ? VALUE_KNOWN : VALUE_UNKNOWN);
}

/* What the stream told of the container. In none it is known that there is no such name. */
static void set_told(struct value *ret, const struct cgroup *cgroup, const struct container_text *text) {
        if (cgroup->parts.has_container && cgroup->parts.container.length == 0)
                set_bytes(ret, "", 0, VALUE_KNOWN);
        else if (!text || !text->bytes)
                set_bytes(ret, NULL, 0, VALUE_UNKNOWN);
        else
                set_bytes(ret, text->bytes, text->length, text->cut ? VALUE_CUT : VALUE_KNOWN);
}

/* The path tells, or else whoever knew where to look. */
static void set_runtime(struct value *ret, const struct cgroup *cgroup) {
        const char *name = container_runtime_to_string((enum container_runtime)cgroup->parts.runtime);

        if (name && *name)
                set_bytes(ret, name, strlen(name), VALUE_KNOWN);
        else
                set_told(ret, cgroup, cgroup->of ? &cgroup->of->runtime : NULL);
}

static void get_from_cgroup(const struct cgroup *cgroup, enum field field, struct value *ret) {
        if (!cgroup)
                set_bytes(ret, NULL, 0, VALUE_UNKNOWN);
        else if (field == FIELD_PROCESS_cgroup)
                set_bytes(ret, cgroup->path, cgroup->path_length, cgroup->cut ? VALUE_CUT : VALUE_KNOWN);
        else if (field == FIELD_PROCESS_unit)
                set_part(ret, cgroup->path, cgroup->parts.unit, cgroup->parts.has_unit);
        else if (field == FIELD_PROCESS_user_unit)
                set_part(ret, cgroup->path, cgroup->parts.user_unit, cgroup->parts.has_user_unit);
        else if (field == FIELD_PROCESS_slice)
                set_part(ret, cgroup->path, cgroup->parts.slice, cgroup->parts.has_slice);
        else if (field == FIELD_PROCESS_login_session)
                set_part(ret, cgroup->path, cgroup->parts.session, cgroup->parts.has_unit);
        else if (field == FIELD_PROCESS_container_runtime)
                set_runtime(ret, cgroup);
        else if (field == FIELD_PROCESS_container_name)
                set_told(ret, cgroup, cgroup->of ? &cgroup->of->name : NULL);
        else if (field == FIELD_PROCESS_container_image)
                set_told(ret, cgroup, cgroup->of ? &cgroup->of->image : NULL);
        else
                set_part(ret, cgroup->container, cgroup->parts.container, cgroup->parts.has_container);
}

/* A kernel thread runs no file: that is known, and is not the same as not knowing which. */
static void get_from_image(const struct process *process, enum field field, struct value *ret) {
        process_image_get(process->image, field, ret);
        if (ret->state == VALUE_UNKNOWN && process->kthread &&
            (field == FIELD_PROCESS_exe || field == FIELD_PROCESS_filename || field == FIELD_PROCESS_args))
                set_bytes(ret, "", 0, VALUE_KNOWN);
}

void process_get(const struct process *process, const struct event *event, enum field field, struct value *ret) {
        const struct wire_header *header = event ? event->wire : NULL;
        uint64_t cgroup_id;

        /* Of an event that nobody did there is nothing to say about who did it. */
        if (process->id.pid == 0) {
                *ret = (struct value){};
                return;
        }

        /* As a number: a switch over the enum would have to name every field of every kind. */
        switch ((unsigned)field) {
        case FIELD_PROCESS_pid:
                set_number(ret, process->id.pid);
                break;
        case FIELD_PROCESS_identity:
                *ret = (struct value){ .identity = process->id, .type = VALUE_IDENTITY, .state = VALUE_KNOWN };
                break;
        case FIELD_PROCESS_start_time:
                set_number(ret, (int64_t)process->id.start_ns);
                break;
        case FIELD_PROCESS_uid:
                set_id(ret, header ? header->uid : process->uid);
                break;
        case FIELD_PROCESS_euid:
                set_id(ret, header ? header->euid : process->euid);
                break;
        case FIELD_PROCESS_gid:
                set_id(ret, header ? header->gid : process->gid);
                break;
        case FIELD_PROCESS_egid:
                set_id(ret, header ? header->egid : process->egid);
                break;
        case FIELD_PROCESS_loginuid:
                set_id(ret, header ? header->loginuid : process->loginuid);
                break;
        case FIELD_PROCESS_session:
                set_id(ret, header ? header->session : process->session);
                break;
        case FIELD_PROCESS_caps:
                set_number(ret, (int64_t)(header ? header->caps : process->caps));
                break;
        case FIELD_PROCESS_kthread:
                set_number(ret, process->kthread);
                break;
        case FIELD_PROCESS_ns_mnt:
        case FIELD_PROCESS_ns_pid:
        case FIELD_PROCESS_ns_net:
        case FIELD_PROCESS_ns_user:
        case FIELD_PROCESS_ns_uts:
        case FIELD_PROCESS_ns_ipc:
        case FIELD_PROCESS_ns_cgroup:
        case FIELD_PROCESS_ns_time:
                namespaces_get(&process->namespaces, event, field, ret);
                break;
        case FIELD_PROCESS_cgroup:
        case FIELD_PROCESS_unit:
        case FIELD_PROCESS_user_unit:
        case FIELD_PROCESS_slice:
        case FIELD_PROCESS_login_session:
        case FIELD_PROCESS_container:
        case FIELD_PROCESS_container_runtime:
        case FIELD_PROCESS_container_name:
        case FIELD_PROCESS_container_image:
                /* A late record may come from a group that the process has left since. Its name is not at hand. */
                cgroup_id = header && header->cgroup_id != 0 ? header->cgroup_id : process->cgroup_id;
                get_from_cgroup(cgroup_id == process->cgroup_id ? process->cgroup : NULL, field, ret);
                break;
        default:
                get_from_image(process, field, ret);
        }
}
