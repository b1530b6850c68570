/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/macro.h"

static uint64_t mix(uint64_t z) {
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

/* Mixed, or the dice of a seed would be those of the seed before, one throw later. */
void random_init(struct random *random, uint64_t seed) {
        random->state = mix(seed * UINT64_C(0xd1342543de82ef95) + UINT64_C(0x632be59bd9b4e019));
}

/* splitmix64 */
uint32_t random_below(struct random *random, uint32_t n) {
        return (mix(random->state += UINT64_C(0x9e3779b97f4a7c15)) >> 33) % n;
}

bool random_chance(struct random *random, unsigned percent) {
        return random_below(random, 100) < percent;
}

static const char *const paths[] = { "/a", "/b", "/c", "/a/x", "/tmp/f" };
static const char *const programs[] = { "/bin/a", "/bin/b", "/bin/sh", "/tmp/f" };
static const char *const words[] = { "-c", "x", "/a", "-i" };
static const char *const units[] = { "nginx.service", "ssh.service" };
#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const char *const cgroups[] = {
        "/system.slice/nginx.service",
        "/system.slice/ssh.service",
        "/user.slice",
        "/system.slice/docker-" CONTAINER ".scope",
};

/* A string field: mostly known, sometimes cut or not known at all. */
static void put_string(struct random *random, struct record *record, enum field field, const char *text) {
        if (random_chance(random, 6))
                return;
        if (random_chance(random, 6)) {
                record_set_bytes(record, field, text, random_below(random, strlen(text) + 1));
                record_mark_cut(record, field);
                return;
        }
        record_set_text(record, field, text);
}

static void put_number(struct random *random, struct record *record, enum field field, int64_t number) {
        if (!random_chance(random, 6))
                record_set_number(record, field, number);
}

static void put_object(struct random *random, struct record *record, enum field field, const char *name) {
        struct wire_object object = world_object(name);

        if (!random_chance(random, 8))
                record_set_object(record, field, &object);
}

static void put_argv(struct random *random, struct record *record, const char *first) {
        const char *argv[5] = { first };
        size_t n = 1;

        while (n < 4 && random_chance(random, 50))
                argv[n++] = RANDOM_PICK(random, words);
        if (random_chance(random, 6))
                return;
        record_set_list(record, FIELD_execve_argv, argv);
        record_set_number(record, FIELD_execve_argc, n);
        if (random_chance(random, 8))
                record_mark_cut(record, FIELD_execve_argv);
}

static void put_address(struct random *random, struct record *record, enum field field) {
        struct wire_address address = { .family = AF_INET };

        if (random_chance(random, 8))
                return;
        address.bytes[0] = random_chance(random, 50) ? 10 : 203;
        address.bytes[3] = random_below(random, 3);
        if (random_chance(random, 20)) {                /* the same, as the other family carries it */
                memcpy(address.bytes + 12, address.bytes, 4);
                memset(address.bytes, 0, 10);
                address.bytes[10] = address.bytes[11] = 0xff;
                address.family = AF_INET6;
        }
        record_set_address(record, field, &address);
}

static void put_result(struct random *random, struct record *record) {
        if (random_chance(random, 8))
                record->header.result = random_chance(random, 70) ? -EACCES : -EINPROGRESS;
        if (random_chance(random, 4))
                record->header.flags |= WIRE_NO_RESULT;
}

/* What descriptors are. */
static const char *const pipes[] = { "pipe 1", "pipe 2" };
static const int ends[] = { WIRE_OBJECT_PIPE, WIRE_OBJECT_PIPE, WIRE_OBJECT_SOCKET, WIRE_OBJECT_FILE };

static int put_execve(struct random *random, struct world *world, struct world_process *actor) {
        struct record *record = world_begin(world, actor, WIRE_KIND_execve);
        const char *exe = RANDOM_PICK(random, programs),
                   *filename = random_chance(random, 80) ? exe : RANDOM_PICK(random, paths);

        put_result(random, record);
        put_string(random, record, FIELD_execve_filename, filename);
        put_string(random, record, FIELD_execve_exe, exe);
        put_argv(random, record, strrchr(filename, '/') + 1);
        put_string(random, record, FIELD_execve_comm, strrchr(filename, '/') + 1);
        put_object(random, record, FIELD_execve_file, exe);
        put_number(random, record, FIELD_execve_stdin_type, RANDOM_PICK(random, ends));
        put_object(random, record, FIELD_execve_stdin_object, RANDOM_PICK(random, pipes));
        put_number(random, record, FIELD_execve_stdout_type, RANDOM_PICK(random, ends));
        put_object(random, record, FIELD_execve_stdout_object, RANDOM_PICK(random, pipes));
        put_number(random, record, FIELD_execve_stderr_type, WIRE_OBJECT_TTY);
        record_set_text(record, FIELD_execve_cwd, "/");
        record_set_number(record, FIELD_execve_old_uid, actor->uid);
        return world_end(world);
}

static int put_event(struct random *random, const struct random_style *style, struct world *world,
                     struct world_process *actor) {
        static const enum wire_kind kinds[] = {
                WIRE_KIND_openat, WIRE_KIND_openat, WIRE_KIND_openat, WIRE_KIND_unlink,  WIRE_KIND_unlink,
                WIRE_KIND_chmod,  WIRE_KIND_write,  WIRE_KIND_rename, WIRE_KIND_connect, WIRE_KIND_execve,
        };
        enum wire_kind kind = RANDOM_PICK(random, kinds);
        const char *path = RANDOM_PICK(random, paths);
        struct record *record;

        if (kind == WIRE_KIND_execve)
                return put_execve(random, world, actor);
        record = world_begin(world, actor, kind);
        put_result(random, record);
        if (style->aggregates && random_chance(random, 40))
                record->aggregate = (struct wire_aggregate){
                        .count = 1 + random_below(random, 5),
                        .first_ns = world->now_ns,
                };
        switch ((int)kind) {
        case WIRE_KIND_openat:
                put_string(random, record, FIELD_openat_pathname, path);
                put_number(random, record, FIELD_openat_flags,
                           random_chance(random, 50) ? O_RDONLY : O_WRONLY | O_CREAT);
                put_object(random, record, FIELD_openat_file, path);
                break;
        case WIRE_KIND_unlink:
                put_string(random, record, FIELD_unlink_pathname, path);
                break;
        case WIRE_KIND_chmod:
                put_string(random, record, FIELD_chmod_pathname, path);
                put_number(random, record, FIELD_chmod_mode, random_chance(random, 50) ? 0755 : 0600);
                put_object(random, record, FIELD_chmod_file, path);
                break;
        case WIRE_KIND_write:
                put_string(random, record, FIELD_write_pathname, path);
                put_object(random, record, FIELD_write_file,
                           random_chance(random, 20) ? RANDOM_PICK(random, pipes) : path);
                put_number(random, record, FIELD_write_type,
                           random_chance(random, 50) ? WIRE_OBJECT_PIPE : WIRE_OBJECT_FILE);
                if (record->aggregate.count == 0)
                        put_number(random, record, FIELD_write_length, random_below(random, 4));
                break;
        case WIRE_KIND_rename:
                put_string(random, record, FIELD_rename_pathname, path);
                put_string(random, record, FIELD_rename_newpath, RANDOM_PICK(random, paths));
                break;
        case WIRE_KIND_connect:
                put_address(random, record, FIELD_connect_daddr);
                put_number(random, record, FIELD_connect_dport, random_chance(random, 50) ? 443 : 4444);
                break;
        }
        return world_end(world);
}

/* What happens to a unit or container: told of whoever did it, or of nobody. */
static int put_lifetime(struct random *random, struct world *world, struct world_process *actor) {
        bool unit = random_chance(random, 50);
        struct record *record;

        record = world_begin(world, random_chance(random, 30) ? NULL : actor,
                             unit ? WIRE_KIND_unit : WIRE_KIND_container);
        if (unit)
                put_string(random, record, FIELD_unit_name, RANDOM_PICK(random, units));
        else {
                put_string(random, record, FIELD_container_id, CONTAINER);
                put_string(random, record, FIELD_container_name, RANDOM_PICK(random, paths));
        }
        return world_end(world);
}

static int put_gap(struct random *random, struct world *world) {
        struct record *record = world_begin(world, NULL, WIRE_KIND_gap);
        static const enum wire_kind lost[] = {
                WIRE_KIND_fork,  WIRE_KIND_execve, WIRE_KIND_exit,   WIRE_KIND_openat, WIRE_KIND_write,
                WIRE_KIND_connect, WIRE_KIND_unlink, WIRE_KIND_rename, WIRE_KIND_chmod,
        };
        uint64_t kinds = 0;

        while (kinds == 0 || random_chance(random, 40))
                kinds |= wire_kind_bit(RANDOM_PICK(random, lost));
        put_number(random, record, FIELD_gap_kinds, (int64_t)kinds);
        put_number(random, record, FIELD_gap_count, 1 + random_below(random, 9));
        put_number(random, record, FIELD_gap_reason, 1 + random_below(random, _WIRE_LOSS_MAX - 1));
        if (random_chance(random, 50))
                put_number(random, record, FIELD_gap_until,
                           (int64_t)(world->now_ns - UINT64_C(1000000000) +
                                     random_below(random, 8) * UINT64_C(500000000)));
        return world_end(world);
}

/* Somebody who acts: mostly who lives, now and then a record of who does not any more. */
static struct world_process *pick_actor(struct random *random, const struct world *world) {
        for (unsigned i = 0; i < 100; i++) {
                struct world_process *p = world->processes.items[random_below(random, world->processes.n)];

                if (p != world->init && (!p->exited || random_chance(random, 3)))
                        return p;
        }
        return NULL;
}

/* The pid of who has gone may be somebody else's now. */
static uint32_t take_pid(struct random *random, struct world *world) {
        uint32_t next = world->next_pid;

        if (random_chance(random, 30))
                for (size_t i = 0; i < world->processes.n; i++) {
                        const struct world_process *p = world->processes.items[i];
                        bool alive = false;

                        for (size_t k = 0; k < world->processes.n; k++)
                                alive |= !world->processes.items[k]->exited &&
                                         world->processes.items[k]->id.pid == p->id.pid;
                        if (!alive) {
                                world->next_pid = p->id.pid;
                                break;
                        }
                }
        return next;
}

static void pass_time(struct random *random, const struct random_style *style, struct world *world) {
        static const unsigned steps_ms[] = { 1, 1, 500, 1000, 1000, 2000, 5000 };

        if (random_chance(random, style->flat_time ? 70 : 15))
                return;
        if (style->quick && random_chance(random, 90)) {
                world->now_ns += 500 * (1 + random_below(random, 2)) * UINT64_C(1000000);
                return;
        }
        if (random_chance(random, 4)) {
                world->now_ns -= 700 * UINT64_C(1000000);      /* the record comes late */
                return;
        }
        world->now_ns += RANDOM_PICK(random, steps_ms) * UINT64_C(1000000);
}

static int put_anything(struct random *random, const struct random_style *style, struct world *world) {
        struct world_process *actor = pick_actor(random, world);
        char label[16];

        if (!actor || world->processes.n < 4) {
                struct world_process *p;
                int r;

                snprintf(label, sizeof(label), "p%zu", world->processes.n);
                p = world_add(world, label, world->init, WORLD_START_NS / 2 + world->next_pid);
                if (!p)
                        return -ENOMEM;
                p->uid = p->euid = random_chance(random, 50) ? 1000 : 0;
                p->loginuid = random_chance(random, 50) ? 1000 : UINT32_MAX;
                p->exe = RANDOM_PICK(random, programs);
                if (random_chance(random, 60))
                        p->cgroup_id = world_cgroup(world, RANDOM_PICK(random, cgroups));
                p->hides_tree = random_chance(random, 3);
                p->hides_creator = random_chance(random, 5);
                r = random_chance(random, 90) ? world_tell(world, p, NULL) : 0;
                return r;
        }

        pass_time(random, style, world);
        if (random_chance(random, 8) && !actor->exited && world->processes.n < 14) {
                uint32_t next = take_pid(random, world);
                struct world_process *child = NULL;
                int r;

                snprintf(label, sizeof(label), "p%zu", world->processes.n);
                r = world_fork(world, actor, label, &child);
                world->next_pid = MAX(world->next_pid, next);
                if (r >= 0 && random_chance(random, 3))
                        child->hides_tree = true;
                return r;
        }
        if (random_chance(random, 4))
                return world_exit(world, actor);
        if (random_chance(random, 3))
                return put_gap(random, world);
        if (random_chance(random, 6))
                return put_lifetime(random, world, actor);
        if (random_chance(random, 3)) {
                world_begin(world, NULL, WIRE_KIND_tick);
                return world_end(world);
        }
        return put_event(random, style, world, actor);
}

int random_stream(struct random *random, const struct random_style *style, struct world *world) {
        int r = 0;

        for (unsigned i = 0; i < style->n_events && r >= 0; i++)
                r = put_anything(random, style, world);
        return r;
}
