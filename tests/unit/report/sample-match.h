/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A match made by hand on a real process table: php-fpm (300, below systemd) forks a shell (4711) that writes a file
 * and runs it. What alerts are built from in tests, without a compiler and an engine. */

#include <check.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "engine/match.h"
#include "event/encode.h"
#include "process/process-table.h"

struct sample_match {
        struct process_table *table;
        struct match match;
        struct match_step steps[2];
        struct record records[2];

        struct program program;
        struct program_header header;
        struct path path;
        struct step step_texts[2];
        struct step_field fields[6];
        struct block block;
        struct program_string texts[3];
        char bytes[512];
        size_t n_bytes;
};

static inline struct program_string sample_string(struct sample_match *s, const char *text) {
        struct program_string string = {.offset = (uint32_t)s->n_bytes, .length = (uint32_t)strlen(text)};

        ck_assert_uint_lt(s->n_bytes + string.length + 1, sizeof(s->bytes));
        memcpy(s->bytes + s->n_bytes, text, string.length + 1);
        s->n_bytes += string.length + 1;
        return string;
}

static inline struct record *sample_begin(struct record *record, enum wire_kind kind, uint32_t pid, uint32_t creator,
                                          uint64_t time_ns) {
        record_begin(record, kind);
        record->header.time_ns = time_ns;
        record->header.tgid = record->header.tid = pid;
        record->header.start_ns = pid * 10;
        record->header.creator_tgid = creator;
        record->header.creator_start_ns = creator * 10;
        record->header.tree_tgid = 4711;
        record->header.tree_start_ns = 47110;
        record->header.uid = record->header.euid = record->header.gid = record->header.egid = 33;
        record->header.loginuid = record->header.session = UINT32_MAX;
        record->header.cgroup_id = 7;
        return record;
}

static inline struct event sample_finish(struct record *record) {
        struct event event;

        ck_assert_int_eq(record_finish(record), 0);
        ck_assert_int_eq(event_parse(record->data, record->header.size, &event), 0);
        event.number = 1;
        return event;
}

static inline struct process *sample_apply(struct sample_match *s, struct record *record) {
        struct event event = sample_finish(record);

        return process_table_update(s->table, &event);
}

/* `argv` is that of the last exec, ended by NULL. */
static inline void sample_match_init(struct sample_match *s, const char *const *argv) {
        static const struct process_table_limits limits = {
                .max_processes = 64, .max_image_bytes = 1 << 20, .max_cgroups = 8, .grace_ns = NSEC_PER_SEC};
        static const char *const php_argv[] = {"php-fpm", "--pass", "hunter2", NULL};
        static struct record record;

        memset(s, 0, sizeof(*s));
        ck_assert_int_eq(process_table_new(&limits, &s->table), 0);

        record_begin(&record, WIRE_KIND_cgroup);
        record_set_number(&record, FIELD_cgroup_id, 7);
        record_set_text(&record, FIELD_cgroup_path, "/system.slice/nginx.service");
        sample_apply(s, &record);

        sample_begin(&record, WIRE_KIND_process, 1, 0, 1);
        record_set_text(&record, FIELD_process_exe, "/usr/lib/systemd/systemd");
        record_set_text(&record, FIELD_process_comm, "systemd");
        sample_apply(s, &record);

        sample_begin(&record, WIRE_KIND_process, 300, 1, 1);
        record_set_text(&record, FIELD_process_exe, "/usr/sbin/php-fpm");
        record_set_list(&record, FIELD_process_argv, php_argv);
        sample_apply(s, &record);

        sample_begin(&record, WIRE_KIND_fork, 300, 1, 2 * NSEC_PER_SEC);
        record_set_number(&record, FIELD_fork_child_pid, 4711);
        record_set_number(&record, FIELD_fork_child_start, 47110);
        sample_apply(s, &record);

        sample_begin(s->records, WIRE_KIND_write, 4711, 300, 3 * NSEC_PER_SEC);
        s->records[0].header.result = 16;
        record_set_text(s->records, FIELD_write_pathname, "/tmp/x");
        record_mark_stable(s->records, FIELD_write_pathname);
        record_set_number(s->records, FIELD_write_length, 16);
        record_set_text(s->records, FIELD_write_content, "password=hunter2\n");
        s->steps[0].event = sample_finish(s->records);
        s->steps[0].image = process_table_update(s->table, &s->steps[0].event)->image;

        sample_begin(s->records + 1, WIRE_KIND_execve, 4711, 300, 4 * NSEC_PER_SEC);
        record_set_text(s->records + 1, FIELD_execve_filename, "/tmp/x");
        record_set_text(s->records + 1, FIELD_execve_exe, "/usr/bin/dash");
        record_set_text(s->records + 1, FIELD_execve_cwd, "/tmp");
        record_set_list(s->records + 1, FIELD_execve_argv, argv);
        record_mark_user(s->records + 1, FIELD_execve_argv);
        s->steps[1].event = sample_finish(s->records + 1);
        s->match.actor = process_table_update(s->table, &s->steps[1].event);
        s->steps[1].image = s->match.actor->image;

        for (int i = 0; i < 2; i++) {
                s->steps[i].step = s->step_texts + i;
                s->steps[i].actor = event_actor(&s->steps[i].event);
                s->steps[i].first_ns = s->steps[i].last_ns = s->steps[i].event.time_ns;
                s->steps[i].count = 1;
                s->step_texts[i] = (struct step){
                        .line = 7 + i, .number = i + 1, .kind = event_kind(&s->steps[i].event), .block = PROGRAM_NONE};
        }
        s->step_texts[0].fields = (struct program_range){.first = 0, .n = 2};
        s->step_texts[1].fields = (struct program_range){.first = 2, .n = 4};
        s->fields[0] = (struct step_field){.field = FIELD_write_content, .subject = SUBJECT_EVENT, .index = INDEX_NONE};
        s->fields[1] =
                (struct step_field){.field = FIELD_write_pathname, .subject = SUBJECT_EVENT, .index = INDEX_NONE};
        s->fields[2] = (struct step_field){.field = FIELD_execve_argv, .subject = SUBJECT_EVENT, .index = 1};
        s->fields[3] = (struct step_field){.field = FIELD_PROCESS_exe, .subject = SUBJECT_PARENT, .index = INDEX_NONE};
        s->fields[4] =
                (struct step_field){.field = FIELD_execve_stdin_type, .subject = SUBJECT_EVENT, .index = INDEX_NONE};
        s->fields[5] =
                (struct step_field){.field = FIELD_PROCESS_exe, .subject = SUBJECT_ANCESTOR, .index = INDEX_NONE};

        s->path = (struct path){
                .name = sample_string(s, "dropped_and_run"),
                .description = sample_string(s, "A file is written and run"),
                .file = sample_string(s, "p.policy"),
                .line = 3,
                .severity = SEVERITY_HIGH,
                .by = KEY_TREE,
                .techniques = {.first = 0, .n = 1},
                .slots = {.first = 1, .n = 2},
        };
        s->texts[0] = sample_string(s, "T1105");
        s->texts[1] = sample_string(s, "$file");
        s->texts[2] = sample_string(s, "$word");
        s->header.generation = 2;
        s->program = (struct program){.header = &s->header,
                                      .paths = &s->path,
                                      .n_paths = 1,
                                      .steps = s->step_texts,
                                      .n_steps = 2,
                                      .fields = s->fields,
                                      .n_fields = 6,
                                      .texts = s->texts,
                                      .n_texts = 3,
                                      .bytes = s->bytes};

        s->match.program = &s->program;
        s->match.path = &s->path;
        s->match.number = 9;
        s->match.time_ns = 4 * NSEC_PER_SEC;
        s->match.first_ns = 3 * NSEC_PER_SEC;
        s->match.key = "tree 4711";
        s->match.key_type = KEY_TREE;
        s->match.actor_id = s->steps[1].actor;
        s->match.steps = s->steps;
        s->match.n_steps = 2;
        s->match.starts = 1;
        event_get(&s->steps[0].event, FIELD_write_pathname, s->match.captures);
        s->match.capture_fields[0] = FIELD_write_pathname;
        s->match.captures[1] =
                (struct value){.bytes = "hunter2", .length = 7, .type = VALUE_STRING, .state = VALUE_KNOWN};
        s->match.capture_fields[1] = FIELD_execve_argv;
}

static inline void sample_match_done(struct sample_match *s) {
        process_table_free(s->table);
}
