/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/census.h"

#include <errno.h>

#include "event/encode.h"

#include "unit.h"

#define START(pid) ((uint64_t)(pid) * 1000)

static struct census census;
static struct record record;

static struct identity id_of(uint32_t pid) {
        return (struct identity){.start_ns = START(pid), .pid = pid};
}

static void begin(enum wire_kind kind, struct identity id) {
        record_begin(&record, kind);
        record.header.start_ns = id.start_ns;
        record.header.tgid = record.header.tid = id.pid;
        record.header.uid = 1000;
        record.header.tree_tgid = 9;
        record.header.tree_start_ns = START(9);
}

static void see(void) {
        struct event event;

        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        census_see(&census, &event);
}

static void see_process(uint32_t pid, uint64_t inode) {
        begin(WIRE_KIND_process, id_of(pid));
        record_set_object(&record, FIELD_process_file, &(struct wire_object){.inode = inode});
        see();
}

static void see_exec(uint32_t pid, uint64_t inode, int64_t result) {
        begin(WIRE_KIND_execve, id_of(pid));
        record.header.result = result;
        record_set_object(&record, FIELD_execve_file, &(struct wire_object){.inode = inode});
        see();
}

static void see_fork(uint32_t pid, struct identity child) {
        begin(WIRE_KIND_fork, id_of(pid));
        record_set_number(&record, FIELD_fork_child_pid, child.pid);
        record_set_number(&record, FIELD_fork_child_start, child.start_ns);
        see();
}

static void see_exit(struct identity id) {
        begin(WIRE_KIND_exit, id);
        see();
}

static struct resident *find(uint32_t pid) {
        struct identity id = id_of(pid);

        return census_find(&census, &id);
}

START_TEST(child_runs_what_its_creator_runs_until_it_executes) {
        census_init(&census, 10);
        see_process(100, 1);
        see_fork(100, id_of(200));
        ck_assert_uint_eq(find(200)->image.inode, 1);
        ck_assert_uint_eq(find(200)->last.tgid, 200);
        ck_assert_uint_eq(find(200)->last.tid, 200);
        ck_assert_uint_eq(find(200)->last.creator_tgid, 100);
        ck_assert_uint_eq(find(200)->last.creator_start_ns, START(100));
        ck_assert_uint_eq(find(200)->last.uid, 1000);
        ck_assert_uint_eq(find(200)->last.tree_tgid, 0);        /* may be its own */
        see_exec(200, 2, 0);
        ck_assert_uint_eq(find(200)->image.inode, 2);
        ck_assert_uint_eq(find(200)->last.tree_tgid, 9);
        ck_assert_uint_eq(find(100)->image.inode, 1);
        see_exec(200, 3, -ENOENT);
        ck_assert_uint_eq(find(200)->image.inode, 2);
        census_done(&census);
}
END_TEST

START_TEST(who_exits_is_struck_out_and_nobody_else) {
        census_init(&census, 10);
        see_process(100, 1);
        see_fork(100, id_of(200));
        see_exit((struct identity){.start_ns = 5, .pid = 200});
        ck_assert_ptr_nonnull(find(200));
        see_exit(id_of(200));
        ck_assert_ptr_null(find(200));
        ck_assert_ptr_nonnull(find(100));
        see_exit(id_of(200));
        ck_assert_uint_eq(census.residents.n_used, 1);
        ck_assert_uint_eq(census.by_pid.n, 1);
        census_done(&census);
}
END_TEST

START_TEST(another_process_with_the_same_pid_is_found_and_takes_its_place) {
        struct identity newer = {.start_ns = START(200) + 1, .pid = 200};

        census_init(&census, 10);
        see_process(200, 1);
        ck_assert_ptr_null(census_find_other(&census, &(struct identity){.start_ns = START(200), .pid = 200}));
        ck_assert_ptr_eq(census_find_other(&census, &newer), find(200));
        ck_assert_ptr_null(census_find_other(&census, &(struct identity){.start_ns = 1, .pid = 201}));
        see_fork(100, newer);
        ck_assert_ptr_null(find(200));
        ck_assert_ptr_nonnull(census_find(&census, &newer));
        ck_assert_uint_eq(census_find(&census, &newer)->image.inode, 0);        /* nor is its creator's known */
        ck_assert_uint_eq(census.residents.n_used, 2);
        census_done(&census);
}
END_TEST

START_TEST(only_what_changes_who_lives_is_looked_at) {
        census_init(&census, 10);
        begin(WIRE_KIND_openat, id_of(100));
        see();
        begin(WIRE_KIND_tick, (struct identity){});
        see();
        see_process(0, 1);
        begin(WIRE_KIND_fork, id_of(100));      /* does not tell its child */
        see();
        ck_assert_uint_eq(census.residents.n_used, 1);
        ck_assert_ptr_nonnull(find(100));
        census_done(&census);
}
END_TEST

START_TEST(who_finds_no_room_is_counted_and_enters_when_there_is) {
        census_init(&census, 2);
        see_process(1, 1);
        see_process(2, 1);
        see_process(3, 1);
        ck_assert_ptr_null(find(3));
        ck_assert_uint_eq(census.residents.n_refused, 1);
        see_exit(id_of(1));
        see_exec(3, 1, 0);
        ck_assert_ptr_nonnull(find(3));
        census_done(&census);
}
END_TEST

START_TEST(rounds_tell_who_was_heard_of_since) {
        census_init(&census, 10);
        see_process(100, 1);
        see_process(101, 1);
        census.round++;
        see_exec(101, 2, 0);
        see_fork(101, id_of(102));
        ck_assert_uint_eq(find(100)->round, 0);
        ck_assert_uint_eq(find(101)->round, 1);
        ck_assert_uint_eq(find(102)->round, 1);
        census_done(&census);
}
END_TEST

UNIT_MAIN("capture/census",
          child_runs_what_its_creator_runs_until_it_executes,
          who_exits_is_struck_out_and_nobody_else,
          another_process_with_the_same_pid_is_found_and_takes_its_place,
          only_what_changes_who_lives_is_looked_at,
          who_finds_no_room_is_counted_and_enters_when_there_is,
          rounds_tell_who_was_heard_of_since)
