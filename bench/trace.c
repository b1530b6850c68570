/* SPDX-License-Identifier: Apache-2.0 */
/* Trace - write a recording of a busy, quiet host: bench/run measures how fast it is replayed.
 *
 *      trace FILE N            N events of some hundred processes: opens, writes, execs, forks and exits as a build
 * server makes them */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/encode.h"
#include "event/trace-file.h"

#define PROCESSES 200
#define SECOND 1000000000ULL

static struct record record;
static struct trace_writer *writer;
static uint64_t now = 1000 * SECOND;

static void die(int error, const char *what) {
        fprintf(stderr, "trace: %s: %s\n", what, strerror(-error));
        exit(1);
}

static void begin(enum wire_kind kind, uint32_t pid, uint64_t start) {
        record_begin(&record, kind);
        record.header.time_ns = now += 2500;
        record.header.tgid = record.header.tid = pid;
        record.header.start_ns = start;
        record.header.creator_tgid = 1;
        record.header.creator_start_ns = 1;
        record.header.tree_tgid = pid;
        record.header.tree_start_ns = start;
        record.header.loginuid = record.header.session = (uint32_t)-1;
        record.header.cgroup_id = 100 + pid % 10;
}

static void put(void) {
        struct event event;
        int r = record_finish(&record);

        if (r < 0)
                die(r, "cannot make a record");
        r = event_parse(record.data, record.header.size, &event);
        if (r < 0)
                die(r, "made a bad record");
        r = trace_writer_add(writer, &event);
        if (r < 0)
                die(r, "cannot write");
}

static void put_open(uint32_t pid, uint64_t start, uint64_t i) {
        char path[128];

        begin(WIRE_KIND_openat, pid, start);
        snprintf(path, sizeof(path), "/usr/src/project/module%llu/include/header%llu.h", (unsigned long long)(i % 37),
                 (unsigned long long)(i % 811));
        record_set_text(&record, FIELD_openat_pathname, path);
        record_set_text(&record, FIELD_openat_given, path + 17);
        record_set_number(&record, FIELD_openat_flags, i % 5 ? O_RDONLY | O_CLOEXEC : O_WRONLY | O_CREAT | O_TRUNC);
        record_set_number(&record, FIELD_openat_fd, 3);
        record_set_object(&record, FIELD_openat_file, &(struct wire_object){ .device = 1, .inode = i % 811 });
        record_set_number(&record, FIELD_openat_file_mode, 0100644);
        put();
}

static void put_write(uint32_t pid, uint64_t start, uint64_t i) {
        begin(WIRE_KIND_write, pid, start);
        record_set_number(&record, FIELD_write_fd, 3);
        record_set_number(&record, FIELD_write_type, WIRE_OBJECT_FILE);
        record_set_text(&record, FIELD_write_pathname, "/usr/src/project/build/object.o");
        record_set_number(&record, FIELD_write_length, 4096);
        record_set_object(&record, FIELD_write_file, &(struct wire_object){ .device = 1, .inode = i % 811 });
        put();
}

static void put_exec(uint32_t pid, uint64_t start, uint64_t i) {
        static const char *const arguments[] = { "cc", "-O2", "-c", "-o", "object.o", "source.c", NULL };

        begin(WIRE_KIND_execve, pid, start);
        record_set_text(&record, FIELD_execve_filename, "/usr/bin/cc");
        record_set_text(&record, FIELD_execve_exe, "/usr/bin/x86_64-linux-gnu-gcc-12");
        record_set_list(&record, FIELD_execve_argv, arguments);
        record_set_number(&record, FIELD_execve_argc, 6);
        record_set_text(&record, FIELD_execve_cwd, "/usr/src/project");
        record_set_text(&record, FIELD_execve_comm, "cc");
        record_set_object(&record, FIELD_execve_file, &(struct wire_object){ .device = 1, .inode = i % 11 });
        put();
}

int main(int argc, char **argv) {
        uint64_t starts[PROCESSES], n;
        uint32_t pids[PROCESSES], next_pid = 1000;
        int fd, r;

        if (argc != 3 || (n = strtoull(argv[2], NULL, 10)) == 0) {
                fprintf(stderr, "usage: trace FILE N\n");
                return 2;
        }
        fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                die(-errno, argv[1]);
        r = trace_writer_new(fd, &(struct trace_host){ .text = "made for the replay benchmark" }, 0, &writer);
        if (r < 0)
                die(r, argv[1]);
        for (size_t i = 0; i < PROCESSES; i++) {
                pids[i] = next_pid++;
                starts[i] = now + i;
        }
        /* Of 100 events: 62 opens, 32 writes, and a process that is made, executes and ends. */
        for (uint64_t i = 0; i < n; i++) {
                size_t p = i / 7 % PROCESSES;
                uint64_t turn = i % 50;

                if (turn == 0) {
                        begin(WIRE_KIND_exit, pids[p], starts[p]);
                        record_set_number(&record, FIELD_exit_code, 0);
                        put();
                        pids[p] = next_pid++;
                        starts[p] = now;
                } else if (turn == 1)
                        put_exec(pids[p], starts[p], i);
                else if (turn % 3 == 0)
                        put_write(pids[p], starts[p], i);
                else
                        put_open(pids[p], starts[p], i);
        }
        r = trace_writer_flush(writer);
        if (r < 0)
                die(r, argv[1]);
        trace_writer_free(writer);
        return 0;
}
