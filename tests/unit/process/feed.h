/* SPDX-License-Identifier: Apache-2.0 */
/* Feed - records for a process table, one line each. A process is named by its pid and started at FEED_START(pid), so
 * that higher pids are younger as long as a test says nothing else. Time goes on by a nanosecond per record. */
#pragma once

#include <check.h>
#include <string.h>

#include "event/encode.h"
#include "process/process-fields.h"
#include "process/process-table.h"

#define FEED_SECOND UINT64_C(1000000000)
#define FEED_START(pid) ((uint64_t)(pid) * 1000)

static uint64_t feed_now = 1000 * FEED_SECOND;
/* What the next record carries beside its actor: credentials, cgroup, creator, tree, flags, result. Zeroed when it was
 * used. */
static struct wire_header feed_header;
static struct record feed_record;

static inline struct identity feed_id(uint32_t pid) {
        return (struct identity){ .start_ns = FEED_START(pid), .pid = pid };
}

/* Begin a record of this actor at the next nanosecond; then set fields of feed_record; then feed_send(). */
static inline void feed_begin(enum wire_kind kind, struct identity actor) {
        struct wire_header *header = &feed_record.header;

        record_begin(&feed_record, kind);
        header->time_ns = ++feed_now;
        header->tgid = header->tid = actor.pid;
        header->start_ns = actor.start_ns;
        header->creator_tgid = feed_header.creator_tgid;
        header->creator_start_ns = feed_header.creator_start_ns;
        header->tree_tgid = feed_header.tree_tgid;
        header->tree_start_ns = feed_header.tree_start_ns;
        header->uid = feed_header.uid;
        header->euid = feed_header.euid;
        header->gid = feed_header.gid;
        header->egid = feed_header.egid;
        if (feed_header.loginuid != 0)
                header->loginuid = feed_header.loginuid;
        header->cgroup_id = feed_header.cgroup_id;
        header->flags = feed_header.flags;
        header->result = feed_header.result;
        memset(&feed_header, 0, sizeof(feed_header));
}

static inline struct process *feed_send(struct process_table *table) {
        struct event event;

        ck_assert_int_eq(record_finish(&feed_record), 0);
        ck_assert_int_eq(event_parse(feed_record.data, feed_record.header.size, &event), 0);
        return process_table_update(table, &event);
}

static inline struct process *feed_fork_of(struct process_table *table, struct identity actor, struct identity child) {
        feed_begin(WIRE_KIND_fork, actor);
        record_set_number(&feed_record, FIELD_fork_child_pid, child.pid);
        record_set_number(&feed_record, FIELD_fork_child_start, child.start_ns);
        return feed_send(table);
}

static inline struct process *feed_fork(struct process_table *table, uint32_t pid, uint32_t child) {
        return feed_fork_of(table, feed_id(pid), feed_id(child));
}

static inline struct process *feed_exec_argv(struct process_table *table, uint32_t pid, const char *exe,
                                             const char *const *argv) {
        feed_begin(WIRE_KIND_execve, feed_id(pid));
        record_set_text(&feed_record, FIELD_execve_exe, exe);
        record_set_text(&feed_record, FIELD_execve_filename, exe);
        if (argv)
                record_set_list(&feed_record, FIELD_execve_argv, argv);
        return feed_send(table);
}

static inline struct process *feed_exec(struct process_table *table, uint32_t pid, const char *exe) {
        return feed_exec_argv(table, pid, exe, NULL);
}

static inline struct process *feed_exit(struct process_table *table, uint32_t pid) {
        feed_begin(WIRE_KIND_exit, feed_id(pid));
        record_set_number(&feed_record, FIELD_exit_code, 0);
        return feed_send(table);
}

static inline struct process *feed_open_of(struct process_table *table, struct identity actor) {
        feed_begin(WIRE_KIND_openat, actor);
        record_set_text(&feed_record, FIELD_openat_pathname, "/etc/passwd");
        return feed_send(table);
}

static inline struct process *feed_open(struct process_table *table, uint32_t pid) {
        return feed_open_of(table, feed_id(pid));
}

/* A process of the snapshot. */
static inline void begin_process(uint32_t pid, uint32_t creator, const char *exe) {
        if (creator != 0) {
                feed_header.creator_tgid = creator;
                feed_header.creator_start_ns = FEED_START(creator);
        }
        feed_begin(WIRE_KIND_process, feed_id(pid));
        if (exe)
                record_set_text(&feed_record, FIELD_process_exe, exe);
}

static inline void feed_process(struct process_table *table, uint32_t pid, uint32_t creator, const char *exe) {
        begin_process(pid, creator, exe);
        ck_assert_ptr_null(feed_send(table));
}

static inline void feed_supervisor(struct process_table *table, uint32_t pid, uint32_t creator, const char *exe) {
        begin_process(pid, creator, exe);
        record_set_number(&feed_record, FIELD_process_supervisor, 1);
        ck_assert_ptr_null(feed_send(table));
}

static inline void feed_cgroup(struct process_table *table, uint64_t id, const char *path) {
        feed_begin(WIRE_KIND_cgroup, (struct identity){});
        record_set_number(&feed_record, FIELD_cgroup_id, id);
        record_set_text(&feed_record, FIELD_cgroup_path, path);
        ck_assert_ptr_null(feed_send(table));
}

static inline struct process *find(const struct process_table *table, uint32_t pid) {
        struct identity id = feed_id(pid);

        return process_table_find(table, &id);
}

/* A field of a process as text, good until the next call. */
static inline const char *show(const struct process *process, enum field field) {
        static char text[16384];
        struct value v;

        process_get(process, NULL, field, &v);
        schema_format(field, &v, text, sizeof(text));
        return text;
}
