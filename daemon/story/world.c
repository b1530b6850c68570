/* SPDX-License-Identifier: Apache-2.0 */
#include "story/world.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/macro.h"

static int append(struct world *world, const struct wire_header *wire) {
        uint64_t before_ns = world->records.n > 0 ? array_last(&world->records)->time_ns : 0;

        return array_push(&world->records, ((struct world_record){
                .wire = wire,
                .time_ns = MAX(before_ns, (uint64_t)wire->time_ns),
                .line = world->line,
        }));
}

struct world_process *world_find(const struct world *world, const char *label) {
        for (size_t i = world->processes.n; i > 0; i--)
                if (streq(world->processes.items[i - 1]->label, label))
                        return world->processes.items[i - 1];
        return NULL;
}

struct world_process *world_add(struct world *world, const char *label, struct world_process *parent,
                                uint64_t start_ns) {
        struct world_process *process = arena_new(&world->arena, struct world_process);

        if (!process || array_push(&world->processes, process) < 0)
                return NULL;

        *process = (struct world_process){
                .label = arena_strdup(&world->arena, label),
                .parent = parent,
                .id = { .start_ns = start_ns, .pid = parent ? world->next_pid++ : 1 },
                .loginuid = parent ? parent->loginuid : UINT32_MAX,
                .session = parent ? parent->session : UINT32_MAX,
                .uid = parent ? parent->uid : 0,
                .euid = parent ? parent->euid : 0,
                .gid = parent ? parent->gid : 0,
                .egid = parent ? parent->egid : 0,
                .cgroup_id = parent ? parent->cgroup_id : 0,
                .exe = parent ? parent->exe : "/usr/lib/systemd/systemd",
        };
        process->tree = parent && !parent->supervisor ? parent->tree : process->id;
        return process->label ? process : NULL;
}

int world_init(struct world *world) {
        *world = (struct world){
                .now_ns = WORLD_START_NS,
                .next_pid = 100,
        };
        arena_init(&world->arena, 0);
        world->record = malloc(sizeof(*world->record));
        if (!world->record)
                return -ENOMEM;

        world->init = world_add(world, "init", NULL, 1);
        if (!world->init)
                return -ENOMEM;
        world->init->supervisor = true;
        return world_tell(world, world->init, (const char *const[]){ "/sbin/init", NULL });
}

void world_done(struct world *world) {
        array_done(&world->processes);
        array_done(&world->records);
        array_done(&world->cgroups);
        free(world->record);
        arena_done(&world->arena);
        *world = (struct world){};
}

struct record *world_begin(struct world *world, struct world_process *actor, enum wire_kind kind) {
        struct wire_header *header = &world->record->header;

        record_begin(world->record, kind);
        header->time_ns = world->now_ns;
        if (!actor)
                return world->record;

        header->tgid = header->tid = actor->id.pid;
        header->start_ns = actor->id.start_ns;
        if (actor->parent && !actor->hides_creator) {
                header->creator_tgid = actor->parent->id.pid;
                header->creator_start_ns = actor->parent->id.start_ns;
        }
        if (!actor->hides_tree) {
                header->tree_tgid = actor->tree.pid;
                header->tree_start_ns = actor->tree.start_ns;
        }
        header->uid = actor->uid;
        header->euid = actor->euid;
        header->gid = actor->gid;
        header->egid = actor->egid;
        header->loginuid = actor->loginuid;
        header->session = actor->session;
        header->cgroup_id = actor->cgroup_id;
        header->flags |= actor->kthread ? WIRE_KTHREAD : 0;
        return world->record;
}

int world_end(struct world *world) {
        const struct wire_header *wire;
        int r;

        r = record_finish(world->record);
        if (r < 0)
                return r;
        wire = arena_memdup(&world->arena, world->record->data, world->record->header.size);
        if (!wire)
                return -ENOMEM;
        return append(world, wire);
}

uint64_t world_cgroup(struct world *world, const char *path) {
        struct record *record;

        for (size_t i = 0; i < world->cgroups.n; i++)
                if (streq(world->cgroups.items[i], path))
                        return i + 1;

        path = arena_strdup(&world->arena, path);
        if (!path || array_push(&world->cgroups, path) < 0)
                return 0;
        record = world_begin(world, NULL, WIRE_KIND_cgroup);
        record_set_number(record, FIELD_cgroup_id, world->cgroups.n);
        record_set_text(record, FIELD_cgroup_path, path);
        return world_end(world) < 0 ? 0 : world->cgroups.n;
}

static const char *last_part(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

int world_tell(struct world *world, struct world_process *process, const char *const *argv) {
        struct record *record = world_begin(world, process, WIRE_KIND_process);
        struct wire_object file = world_object(process->exe);

        record_set_text(record, FIELD_process_exe, process->exe);
        record_set_list(record, FIELD_process_argv, argv ?: (const char *const[]){ last_part(process->exe), NULL });
        record_set_bytes(record, FIELD_process_comm, last_part(process->exe),
                         MIN(strlen(last_part(process->exe)), (size_t)15));
        record_set_text(record, FIELD_process_cwd, "/");
        record_set_object(record, FIELD_process_file, &file);
        record_set_number(record, FIELD_process_tty, 0);
        record_set_number(record, FIELD_process_memfd, 0);
        record_set_number(record, FIELD_process_deleted, 0);
        record_set_number(record, FIELD_process_kthread, process->kthread);
        record_set_number(record, FIELD_process_supervisor, process->supervisor);
        for (unsigned i = 0; i < ELEMENTSOF(process->namespaces); i++)
                if (process->namespaces[i] != 0)
                        record_set_number(record, (enum field)(FIELD_process_ns_mnt + i), process->namespaces[i]);
        return world_end(world);
}

int world_fork_begin(struct world *world, struct world_process *actor, const char *label, struct world_process **ret) {
        struct world_process *child;
        struct record *record;

        /* As in a kernel: no child is as old as its creator, whatever the clock's resolution. */
        world->last_start_ns = MAX(world->now_ns, world->last_start_ns + 1);
        child = world_add(world, label, actor, world->last_start_ns);
        if (!child)
                return -ENOMEM;

        record = world_begin(world, actor, WIRE_KIND_fork);
        record->header.result = child->id.pid;
        record_set_number(record, FIELD_fork_child_pid, child->id.pid);
        record_set_number(record, FIELD_fork_child_start, (int64_t)child->id.start_ns);
        record_set_number(record, FIELD_fork_flags, 0);
        *ret = child;
        return 0;
}

int world_fork(struct world *world, struct world_process *actor, const char *label, struct world_process **ret) {
        struct world_process *child;
        int r;

        r = world_fork_begin(world, actor, label, &child);
        if (r >= 0)
                r = world_end(world);
        if (r >= 0 && ret)
                *ret = child;
        return r;
}

int world_exit(struct world *world, struct world_process *actor) {
        struct record *record = world_begin(world, actor, WIRE_KIND_exit);

        record_set_number(record, FIELD_exit_code, 0);
        record_set_number(record, FIELD_exit_signal, 0);
        record_set_number(record, FIELD_exit_core, 0);
        actor->exited = true;
        return world_end(world);
}

int world_event(const struct world *world, size_t i, struct event *ret) {
        const struct wire_header *wire = world->records.items[i].wire;
        int r;

        r = event_parse(wire, wire->size, ret);
        if (r < 0)
                return r;
        ret->time_ns = world->records.items[i].time_ns;
        ret->number = i + 1;
        return 0;
}

struct wire_object world_object(const char *name) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *name; name++)
                hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
        return (struct wire_object){ .device = 8 << 20 | 1, .generation = 1, .inode = hash >> 16 };
}
