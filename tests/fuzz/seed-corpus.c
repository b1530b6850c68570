/* SPDX-License-Identifier: Apache-2.0 */

/* Writes the corpora of `event` and `trace`, which are binary: seed-corpus DIRECTORY, with the directories event/ and
 * trace/ in it. To be run again when the records change; what a fuzzer found stays beside it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "event/encode.h"
#include "event/trace.h"

static struct record record;
static const char *directory;
static FILE *trace;

static void put(FILE *f, const void *data, size_t n) {
        if (fwrite(data, 1, n, f) != n)
                exit(EXIT_FAILURE);
}

static FILE *create(const char *target, const char *name) {
        char path[4096];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s/%s", directory, target, name);
        f = fopen(path, "we");
        if (!f) {
                perror(path);
                exit(EXIT_FAILURE);
        }
        return f;
}

/* Every field of the kind with some value, so that the fuzzer need not find the layout. */
static void begin_full(enum wire_kind kind) {
        const struct kind_info *info = schema_kind(kind);
        static const char *const list[] = { "sh", "-c", "", "id; uname -a", NULL };
        const struct wire_address address = { .bytes = { 10, 0, 0, 1 }, .family = AF_INET };

        record_begin(&record, kind);
        record.header.tgid = record.header.tid = 300;
        record.header.start_ns = 3000;
        record.header.creator_tgid = 200;
        record.header.creator_start_ns = 2000;
        record.header.time_ns = 1000000;
        record.header.cgroup_id = 7;
        for (unsigned f = info->first_field; f < info->first_field + info->n_fields; f++)
                switch (schema_field(f)->type) {
                case VALUE_NUMBER:
                        record_set_number(&record, f, 7);
                        break;
                case VALUE_STRING:
                        record_set_text(&record, f, "/system.slice/a.service");
                        break;
                case VALUE_LIST:
                        record_set_list(&record, f, list);
                        break;
                case VALUE_OBJECT:
                        record_set_object(&record, f, &(struct wire_object){ .device = 8 << 20 | 1, .inode = 77 });
                        break;
                case VALUE_ADDRESS:
                        record_set_address(&record, f, &address);
                        break;
                case VALUE_IDENTITY:
                case _VALUE_TYPE_MAX:
                        abort();
                }
}

static void write_record(const char *name) {
        FILE *f = create("event", name);

        if (record_finish(&record) < 0)
                abort();
        put(f, record.data, record.header.size);
        fclose(f);
}

static void begin(enum wire_kind kind, uint32_t pid) {
        record_begin(&record, kind);
        record.header.tgid = record.header.tid = pid;
        record.header.start_ns = pid * 10;
        record.header.time_ns = 1000000 + pid;
}

static void add(void) {
        if (record_finish(&record) < 0)
                abort();
        put(trace, record.data, record.header.size);
}

static void add_fork(uint32_t pid, uint32_t child) {
        begin(WIRE_KIND_fork, pid);
        record_set_number(&record, FIELD_fork_child_pid, child);
        record_set_number(&record, FIELD_fork_child_start, child * 10);
        add();
}

/* A family in few bytes: a snapshot, forks, an exec, exits before and after their children's. */
static void add_family(void) {
        begin(WIRE_KIND_process, 1);
        add();
        begin(WIRE_KIND_cgroup, 0);
        record_set_number(&record, FIELD_cgroup_id, 7);
        record_set_text(&record, FIELD_cgroup_path, "/lxc/web");
        add();
        begin(WIRE_KIND_start, 0);
        add();
        add_fork(1, 20);
        add_fork(20, 30);
        begin(WIRE_KIND_execve, 30);
        record.header.cgroup_id = 7;
        record_set_text(&record, FIELD_execve_exe, "/bin/sh");
        record_set_list(&record, FIELD_execve_argv, (const char *const[]){ "sh", "-c", NULL });
        add();
        begin(WIRE_KIND_exit, 20);
        add();
        add_fork(30, 40);
        begin(WIRE_KIND_openat, 40);
        record.header.creator_tgid = 30;
        record.header.creator_start_ns = 300;
        record.header.tree_tgid = 20;
        record.header.tree_start_ns = 200;
        add();
        begin(WIRE_KIND_exit, 30);
        add();
        begin(WIRE_KIND_exit, 40);
        add();
        begin(WIRE_KIND_gap, 0);
        add();
}

int main(int argc, char **argv) {
        static const char text[] = "a page of text ";
        struct trace_header header;

        if (argc != 2) {
                fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
                return EXIT_FAILURE;
        }
        directory = argv[1];

        for (unsigned kind = WIRE_NONE + 1; kind < _WIRE_KIND_MAX; kind++) {
                begin_full(kind);
                write_record(schema_kind(kind)->name);
        }
        begin_full(WIRE_KIND_execve);
        record_mark_cut(&record, FIELD_execve_argv);
        record_mark_user(&record, FIELD_execve_exe);
        write_record("cut-list");
        record_begin(&record, WIRE_KIND_openat);
        write_record("nothing-known");

        trace = create("trace", "family-without-header");
        add_family();
        fclose(trace);

        trace_header_init(&header, text);
        trace = create("trace", "whole-recording");
        put(trace, &header, sizeof(header));
        put(trace, text, header.size - sizeof(header));
        add_family();
        fclose(trace);

        trace = create("trace", "torn-tail");
        put(trace, &header, sizeof(header));
        put(trace, text, header.size - sizeof(header));
        begin_full(WIRE_KIND_execve);
        add();
        begin_full(WIRE_KIND_write);
        if (record_finish(&record) < 0)
                abort();
        put(trace, record.data, record.header.size - 8);
        fclose(trace);
        return EXIT_SUCCESS;
}
