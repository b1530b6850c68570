/* SPDX-License-Identifier: Apache-2.0 */
#include "workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/macro.h"

#define N_CGROUPS 40
#define N_KTHREADS 60
#define N_SERVICES 150
#define PID_FIRST_SERVICE 500
#define PID_FIRST_JOB 10000
#define N_BEGINNING (1 + N_CGROUPS + 2 + N_KTHREADS + N_SERVICES + 1)

#define SECOND UINT64_C(1000000000)
#define START(pid) (SECOND + (uint64_t)(pid) * 1000000)
#define CGROUP(i) (7000 + (uint64_t)(i))

/* Knuth's linear congruence; the high bits are good enough for a load. */
static uint32_t dice(struct workload *w, uint32_t sides) {
        w->random = w->random * 1664525 + 1013904223;
        return ((uint64_t)(w->random >> 8) * sides) >> 24;
}

static struct identity service(unsigned i) {
        uint32_t pid = PID_FIRST_SERVICE + i * 7;

        return (struct identity){ .pid = pid, .start_ns = START(pid) };
}

static void begin(struct workload *w, enum wire_kind kind, const struct identity *actor) {
        struct wire_header *header = &w->record.header;

        record_begin(&w->record, kind);
        w->now_ns += 5000 + dice(w, 30000);
        header->time_ns = w->now_ns;
        if (!actor)
                return;
        header->tgid = header->tid = actor->pid;
        header->start_ns = actor->start_ns;
        header->uid = header->euid = header->gid = header->egid = actor->pid % 3 == 0 ? 1000 : 0;
        header->loginuid = actor->pid % 3 == 0 ? 1000 : UINT32_MAX;
        header->cgroup_id = CGROUP(actor->pid % N_CGROUPS);
        header->cpu = actor->pid % 4;
}

static void set_text(struct workload *w, enum field field, const char *format, unsigned a, unsigned b) {
        char text[256];

        snprintf(text, sizeof(text), format, a, b);
        record_set_text(&w->record, field, text);
}

static void make_cgroup(struct workload *w, unsigned i) {
        begin(w, WIRE_KIND_cgroup, NULL);
        record_set_number(&w->record, FIELD_cgroup_id, CGROUP(i));
        set_text(w, FIELD_cgroup_path,
                 i % 4 == 3 ? "/user.slice/user-%u.slice/session-%u.scope" : "/system.slice/service-%u-%u.service",
                 1000 + i, i);
}

static void make_snapshot(struct workload *w, const struct identity *id, uint32_t creator, const char *exe,
                          bool kthread) {
        begin(w, WIRE_KIND_process, id);
        w->record.header.creator_tgid = creator;
        w->record.header.creator_start_ns = creator ? START(creator) : 0;
        record_set_number(&w->record, FIELD_process_kthread, kthread);
        if (exe) {
                set_text(w, FIELD_process_exe, exe, id->pid % 50, 0);
                record_set_list(&w->record, FIELD_process_argv,
                                (const char *const[]){exe, "--config", "/etc/service/main.conf", NULL});
                record_set_text(&w->record, FIELD_process_cwd, "/");
        }
        record_set_text(&w->record, FIELD_process_comm, kthread ? "kworker/0:1-events" : "service");
        record_set_number(&w->record, FIELD_process_supervisor, id->pid % 11 == 0);
}

static void make_beginning(struct workload *w, unsigned i) {
        struct identity id;

        if (i == 0) {
                begin(w, WIRE_KIND_clock, NULL);
                record_set_number(&w->record, FIELD_clock_offset_ns, 1700000000 * (int64_t)SECOND);
        } else if (i <= N_CGROUPS)
                make_cgroup(w, i - 1);
        else if (i <= N_CGROUPS + 2 + N_KTHREADS) {
                id.pid = i - N_CGROUPS;
                id.start_ns = START(id.pid);
                make_snapshot(w, &id, id.pid <= 2 ? 0 : 2, id.pid == 1 ? "/usr/lib/systemd/systemd" : NULL,
                              id.pid != 1);
        } else if (i < N_BEGINNING - 1) {
                id = service(i - N_CGROUPS - 3 - N_KTHREADS);
                make_snapshot(w, &id, 1, "/usr/sbin/service-%u", false);
        } else {
                begin(w, WIRE_KIND_start, NULL);
                record_set_number(&w->record, FIELD_start_generation, 1);
        }
}

static void make_openat(struct workload *w, const struct identity *actor) {
        static const char *const paths[] = {
                "/usr/lib/x86_64-linux-gnu/libsample-%u.so.%u", "/etc/service-%u/conf.d/%u.conf", "/proc/%u/stat",
                "/home/user/project-%u/source/module-%u/file.c", "/var/log/service-%u.log", "/tmp/build-%u/object-%u.o",
        };
        unsigned n = dice(w, ELEMENTSOF(paths)), a = dice(w, 200), b = dice(w, 30);
        bool failed = dice(w, 10) == 0;

        begin(w, WIRE_KIND_openat, actor);
        w->record.header.result = failed ? -ENOENT : 3 + (int)dice(w, 20);
        set_text(w, FIELD_openat_pathname, paths[n], a, b);
        set_text(w, FIELD_openat_given, paths[n], a, b);
        record_set_number(&w->record, FIELD_openat_flags, dice(w, 5) == 0 ? 01101 : 02000000);
        record_set_number(&w->record, FIELD_openat_mode, 0644);
        if (failed)
                return;
        record_set_number(&w->record, FIELD_openat_fd, w->record.header.result);
        record_set_object(&w->record, FIELD_openat_file,
                          &(struct wire_object){.device = 8 << 20 | 1, .inode = 100000 + n * 10000 + a * 30 + b});
        record_set_number(&w->record, FIELD_openat_file_mode, 0100644);
        record_set_number(&w->record, FIELD_openat_file_uid, 0);
        record_set_number(&w->record, FIELD_openat_created, 0);
}

static void make_write(struct workload *w, const struct identity *actor) {
        unsigned a = dice(w, 200), b = dice(w, 30);

        begin(w, WIRE_KIND_write, actor);
        w->record.header.result = 100 + dice(w, 4000);
        record_set_number(&w->record, FIELD_write_fd, 1 + dice(w, 20));
        record_set_object(&w->record, FIELD_write_file,
                          &(struct wire_object){.device = 8 << 20 | 1, .inode = 100000 + a * 30 + b});
        record_set_number(&w->record, FIELD_write_type, WIRE_OBJECT_FILE);
        set_text(w, FIELD_write_pathname, "/var/lib/service-%u/data/segment-%u", a, b);
        record_set_number(&w->record, FIELD_write_length, w->record.header.result);
        record_set_number(&w->record, FIELD_write_count, w->record.header.result);
}

static void make_connect(struct workload *w, const struct identity *actor) {
        const struct wire_address address = { .bytes = { 192, 0, 2, (uint8_t)dice(w, 256) }, .family = AF_INET };

        begin(w, WIRE_KIND_connect, actor);
        w->record.header.result = -EINPROGRESS;
        record_set_number(&w->record, FIELD_connect_fd, 5);
        record_set_object(&w->record, FIELD_connect_socket, &(struct wire_object){ .inode = w->now_ns });
        record_set_number(&w->record, FIELD_connect_family, AF_INET);
        record_set_number(&w->record, FIELD_connect_type, SOCK_STREAM);
        record_set_number(&w->record, FIELD_connect_protocol, 6);
        record_set_address(&w->record, FIELD_connect_daddr, &address);
        record_set_number(&w->record, FIELD_connect_dport, dice(w, 3) ? 443 : 5432);
}

static void make_name_change(struct workload *w, const struct identity *actor) {
        unsigned a = dice(w, 200), b = dice(w, 30);

        switch (dice(w, 3)) {
        case 0:
                begin(w, WIRE_KIND_unlink, actor);
                set_text(w, FIELD_unlink_pathname, "/tmp/build-%u/object-%u.o", a, b);
                set_text(w, FIELD_unlink_given, "object-%u-%u.o", a, b);
                record_set_number(&w->record, FIELD_unlink_flags, 0);
                break;
        case 1:
                begin(w, WIRE_KIND_rename, actor);
                set_text(w, FIELD_rename_pathname, "/var/lib/service-%u/data/new-%u", a, b);
                set_text(w, FIELD_rename_newpath, "/var/lib/service-%u/data/segment-%u", a, b);
                record_set_number(&w->record, FIELD_rename_flags, 0);
                break;
        default:
                begin(w, WIRE_KIND_chmod, actor);
                set_text(w, FIELD_chmod_pathname, "/var/lib/service-%u/data/segment-%u", a, b);
                record_set_number(&w->record, FIELD_chmod_mode, 0640);
                break;
        }
}

static void make_work(struct workload *w, const struct identity *actor) {
        unsigned n = dice(w, 100);

        if (n < 65)
                make_openat(w, actor);
        else if (n < 90)
                make_write(w, actor);
        else if (n < 95)
                make_connect(w, actor);
        else
                make_name_change(w, actor);
}

static void make_execve(struct workload *w, const struct identity *actor) {
        char option[64];
        unsigned a = dice(w, 40);

        begin(w, WIRE_KIND_execve, actor);
        snprintf(option, sizeof(option), "--output=/tmp/build-%u/object-%u.o", a, dice(w, 30));
        set_text(w, FIELD_execve_filename, "/usr/bin/tool-%u", a, 0);
        set_text(w, FIELD_execve_exe, "/usr/bin/tool-%u", a, 0);
        record_set_list(&w->record, FIELD_execve_argv,
                        (const char *const[]){"tool", "--verbose", option, "source.c", NULL});
        record_set_number(&w->record, FIELD_execve_argc, 4);
        record_set_text(&w->record, FIELD_execve_cwd, "/home/user/project");
        record_set_text(&w->record, FIELD_execve_comm, "tool");
        record_set_object(&w->record, FIELD_execve_file,
                          &(struct wire_object){.device = 8 << 20 | 1, .inode = 5000 + a});
        record_set_number(&w->record, FIELD_execve_file_mode, 0100755);
        record_set_number(&w->record, FIELD_execve_file_uid, 0);
        record_set_number(&w->record, FIELD_execve_script, 0);
        record_set_number(&w->record, FIELD_execve_memfd, 0);
        record_set_number(&w->record, FIELD_execve_deleted, 0);
        record_set_number(&w->record, FIELD_execve_tty, 136 << 20);
        record_set_number(&w->record, FIELD_execve_stdin_type, WIRE_OBJECT_TTY);
        record_set_number(&w->record, FIELD_execve_stdout_type, WIRE_OBJECT_PIPE);
        record_set_number(&w->record, FIELD_execve_stderr_type, WIRE_OBJECT_TTY);
}

static void make_fork(struct workload *w, unsigned slot) {
        struct identity creator = service(dice(w, N_SERVICES)), child = { .pid = w->next_pid };

        /* Jobs beget jobs, every third time. */
        if (dice(w, 3) == 0 && w->jobs[(slot + 1) % WORKLOAD_JOBS].id.pid != 0)
                creator = w->jobs[(slot + 1) % WORKLOAD_JOBS].id;
        begin(w, WIRE_KIND_fork, &creator);
        child.start_ns = w->now_ns - 1000;
        record_set_number(&w->record, FIELD_fork_child_pid, child.pid);
        record_set_number(&w->record, FIELD_fork_child_start, child.start_ns);
        record_set_number(&w->record, FIELD_fork_flags, 0x1200000);
        w->jobs[slot].id = child;
        w->jobs[slot].creator = creator;
        w->jobs[slot].has_executed = false;
        w->next_pid = w->next_pid >= 4000000 ? PID_FIRST_JOB : w->next_pid + 1;
}

void workload_init(struct workload *w, uint32_t seed) {
        memset(w, 0, sizeof(*w));
        w->random = seed;
        w->now_ns = 100 * SECOND;
        w->next_pid = PID_FIRST_JOB;
}

const struct wire_header *workload_next(struct workload *w) {
        unsigned slot = dice(w, WORKLOAD_JOBS);

        if (w->n_made < N_BEGINNING)
                make_beginning(w, w->n_made++);
        else if (dice(w, 4) == 0) {
                struct identity actor = service(dice(w, N_SERVICES));

                make_work(w, &actor);
        } else if (w->jobs[slot].id.pid == 0)
                make_fork(w, slot);
        else if (!w->jobs[slot].has_executed) {
                make_execve(w, &w->jobs[slot].id);
                w->jobs[slot].has_executed = true;
        } else if (dice(w, 26) == 0) {
                begin(w, WIRE_KIND_exit, &w->jobs[slot].id);
                record_set_number(&w->record, FIELD_exit_code, 0);
                record_set_number(&w->record, FIELD_exit_signal, 0);
                w->jobs[slot].id.pid = 0;
        } else
                make_work(w, &w->jobs[slot].id);

        if (w->n_made == N_BEGINNING && w->jobs[slot].id.pid != 0 && w->record.header.tgid == w->jobs[slot].id.pid) {
                w->record.header.creator_tgid = w->jobs[slot].creator.pid;
                w->record.header.creator_start_ns = w->jobs[slot].creator.start_ns;
        }
        if (record_finish(&w->record) < 0)
                abort();
        return &w->record.header;
}

void workload_make(uint32_t seed, size_t n, char **ret_bytes, struct event **ret_events) {
        static struct workload workload;
        size_t size = 0, capacity = n * 512, *starts;
        struct event *events;
        char *bytes;

        bytes = aligned_alloc(64, ALIGN_UP(capacity, (size_t)64));
        events = calloc(n, sizeof(*events));
        starts = calloc(n, sizeof(*starts));
        if (!bytes || !events || !starts)
                exit(EXIT_FAILURE);

        workload_init(&workload, seed);
        for (size_t i = 0; i < n; i++) {
                const struct wire_header *header = workload_next(&workload);

                if (header->size > capacity - size)
                        abort();
                memcpy(bytes + size, header, header->size);
                starts[i] = size;
                size += header->size;
        }
        for (size_t i = 0; i < n; i++) {
                const struct wire_header *header = (const struct wire_header *)(bytes + starts[i]);

                if (event_parse(header, header->size, &events[i]) < 0)
                        abort();
                events[i].number = i + 1;
        }
        free(starts);
        *ret_bytes = bytes;
        *ret_events = events;
}
