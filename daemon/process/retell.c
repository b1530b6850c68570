/* SPDX-License-Identifier: Apache-2.0 */
#include "process/retell.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "process/cgroup.h"
#include "process/process-fields.h"
#include "process/process-table-private.h"

struct retelling {
        const struct process_table *table;
        uint64_t time_ns;
        struct record *record;
        int (*tell)(const struct event *event, void *userdata);
        void *userdata;
};

static void begin(struct retelling *r, enum wire_kind kind) {
        record_begin(r->record, kind);
        r->record->header.time_ns = r->time_ns;
        r->record->header.flags = WIRE_SYNTHETIC;
}

/* What cannot be put together is left out. */
static int finish(struct retelling *r) {
        struct event event;

        if (record_finish(r->record) < 0 || event_parse(r->record->data, r->record->header.size, &event) < 0)
                return 0;
        return r->tell(&event, r->userdata);
}

static int compare_groups(const void *a, const void *b) {
        uint64_t x = (*(struct cgroup *const *)a)->id, y = (*(struct cgroup *const *)b)->id;

        return (x > y) - (x < y);
}

static void set_text(struct retelling *r, enum field field, const struct container_text *text) {
        struct value value = {.type = VALUE_STRING, .state = text->cut ? VALUE_CUT : VALUE_KNOWN};

        if (!text->bytes)
                return;
        value.bytes = text->bytes;
        value.length = text->length;
        record_set_value(r->record, field, &value);
}

static int tell_cgroup(struct retelling *r, const struct cgroup *cgroup) {
        const struct container *container = cgroup->of;
        int q;

        begin(r, WIRE_KIND_cgroup);
        record_set_number(r->record, FIELD_cgroup_id, (int64_t)cgroup->id);
        record_set_bytes(r->record, FIELD_cgroup_path, cgroup->path, cgroup->path_length);
        if (cgroup->cut)
                record_mark_cut(r->record, FIELD_cgroup_path);
        q = finish(r);
        if (q < 0 || !container || container->path_length != cgroup->path_length)
                return q;

        begin(r, WIRE_KIND_container);
        record_set_text(r->record, FIELD_container_action, "running");
        record_set_bytes(r->record, FIELD_container_id, cgroup->container + cgroup->parts.container.offset,
                         cgroup->parts.container.length);
        set_text(r, FIELD_container_runtime, &container->runtime);
        set_text(r, FIELD_container_name, &container->name);
        set_text(r, FIELD_container_image, &container->image);
        record_set_number(r->record, FIELD_container_cgroup, (int64_t)cgroup->id);
        return finish(r);
}

static int tell_cgroups(struct retelling *r) {
        const struct idmap *map = &r->table->cgroups.by_id;
        _cleanup_(freep) struct cgroup **groups = calloc(map->n + 1, sizeof(struct cgroup *));
        size_t n = 0;
        int q = 0;

        if (!groups)
                return -ENOMEM;
        IDMAP_FOREACH(entry, map)
                groups[n++] = entry->value;
        if (n > 0)
                qsort(groups, n, sizeof(struct cgroup *), compare_groups);
        for (size_t i = 0; i < n && q >= 0; i++)
                q = tell_cgroup(r, groups[i]);
        return q;
}

static void set_field(struct retelling *r, const struct process *process, enum field from, enum field to) {
        struct value value;

        process_get(process, NULL, from, &value);
        if (value.state != VALUE_UNKNOWN)
                record_set_value(r->record, to, &value);
}

static void put_process(struct retelling *r, const struct process *process, bool whole) {
        static const struct {
                enum field from, to;
        } fields[] = {
                {FIELD_PROCESS_exe, FIELD_process_exe},
                {FIELD_PROCESS_argv, FIELD_process_argv},
                {FIELD_PROCESS_comm, FIELD_process_comm},
                {FIELD_PROCESS_cwd, FIELD_process_cwd},
                {FIELD_PROCESS_file, FIELD_process_file},
                {FIELD_PROCESS_tty, FIELD_process_tty},
                {FIELD_PROCESS_exe_memfd, FIELD_process_memfd},
                {FIELD_PROCESS_exe_deleted, FIELD_process_deleted},
                {FIELD_PROCESS_ns_mnt, FIELD_process_ns_mnt},
                {FIELD_PROCESS_ns_pid, FIELD_process_ns_pid},
                {FIELD_PROCESS_ns_net, FIELD_process_ns_net},
                {FIELD_PROCESS_ns_user, FIELD_process_ns_user},
                {FIELD_PROCESS_ns_uts, FIELD_process_ns_uts},
                {FIELD_PROCESS_ns_ipc, FIELD_process_ns_ipc},
                {FIELD_PROCESS_ns_cgroup, FIELD_process_ns_cgroup},
                {FIELD_PROCESS_ns_time, FIELD_process_ns_time},
        };
        struct wire_header *header = &r->record->header;

        begin(r, WIRE_KIND_process);
        header->tgid = header->tid = process->id.pid;
        header->start_ns = process->id.start_ns;
        header->creator_tgid = process->creator.pid;
        header->creator_start_ns = process->creator.start_ns;
        header->tree_tgid = process->tree.pid;
        header->tree_start_ns = process->tree.start_ns;
        header->uid = process->uid;
        header->euid = process->euid;
        header->gid = process->gid;
        header->egid = process->egid;
        header->loginuid = process->loginuid;
        header->session = process->session;
        header->caps = process->caps;
        header->cgroup_id = process->cgroup_id;
        header->flags |= process->kthread ? WIRE_KTHREAD : 0;
        header->flags |= process->before_us ? 0 : WIRE_SEEN;
        header->flags |= process->image && !process_image_is_before_us(process->image) ? WIRE_EXEC_SEEN : 0;
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (whole || fields[i].to != FIELD_process_argv)
                        set_field(r, process, fields[i].from, fields[i].to);
        if (process->kthread)
                record_set_number(r->record, FIELD_process_kthread, true);
        if (process->supervisor)
                record_set_number(r->record, FIELD_process_supervisor, true);
}

/* An image may have as many arguments as fill an `execve`, which has no room for more: then they are left out. */
static int tell_process(struct retelling *r, const struct process *process) {
        put_process(r, process, true);
        if (r->record->error < 0)
                put_process(r, process, false);
        return finish(r);
}

int retell_table(const struct process_table *table, uint64_t time_ns, struct record *record,
                 int (*tell)(const struct event *event, void *userdata), void *userdata) {
        struct retelling r = {table, time_ns, record, tell, userdata};
        int q = tell_cgroups(&r);

        /* Ancestors that have ended first: the table finds a creator that was told before. */
        for (unsigned running = 0; running < 2; running++)
                for (const struct process *p = process_table_next(table, NULL); p && q >= 0;
                     p = process_table_next(table, p))
                        if (running ? p->state == PROCESS_RUNNING
                                    : p->state == PROCESS_EXITED && p->n_live_children > 0)
                                q = tell_process(&r, p);
        return q < 0 ? q : 0;
}
