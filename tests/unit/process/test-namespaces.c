/* SPDX-License-Identifier: Apache-2.0 */
#include "process/namespaces.h"

#include "feed.h"
#include "unit.h"

static struct process_table *table;

static const struct process_table_limits limits = {
        .max_processes = 100,
        .max_image_bytes = 1 << 20,
        .max_cgroups = 8,
        .grace_ns = 10 * FEED_SECOND,
};

static void set_all(enum field first, int64_t base) {
        for (unsigned i = 0; i < N_NAMESPACES; i++)
                record_set_number(&feed_record, (enum field)(first + i), base + i);
}

/* 100 lives in 1000 (mnt) to 1007 (time), by the snapshot. */
static void setup(void) {
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        feed_process(table, 1, 0, "/sbin/init");
        begin_process(100, 1, "/usr/bin/shell");
        set_all(FIELD_process_ns_mnt, 1000);
        ck_assert_ptr_null(feed_send(table));
}

static void teardown(void) {
        table = process_table_free(table);
}

static void begin_move(enum wire_kind kind, uint32_t pid, uint32_t tid, int64_t old, int64_t new) {
        feed_begin(kind, feed_id(pid));
        feed_record.header.tid = tid;
        set_all(kind == WIRE_KIND_unshare ? FIELD_unshare_old_ns_mnt : FIELD_setns_old_ns_mnt, old);
        set_all(kind == WIRE_KIND_unshare ? FIELD_unshare_ns_mnt : FIELD_setns_ns_mnt, new);
}

static const char *mnt(uint32_t pid) {
        return show(find(table, pid), FIELD_PROCESS_ns_mnt);
}

/* As an event of this thread sees it. */
static enum value_state seen_by(uint32_t pid, uint32_t tid, enum field field) {
        struct event event;
        struct value v;

        feed_begin(WIRE_KIND_openat, feed_id(pid));
        feed_record.header.tid = tid;
        ck_assert_int_eq(record_finish(&feed_record), 0);
        ck_assert_int_eq(event_parse(feed_record.data, feed_record.header.size, &event), 0);
        process_get(find(table, pid), &event, field, &v);
        return v.state;
}

START_TEST(snapshot_tells_all_of_them) {
        setup();
        ck_assert_str_eq(mnt(100), "1000");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_ns_pid), "1001");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_ns_time), "1007");
        ck_assert_str_eq(mnt(1), "?");
        teardown();
}
END_TEST

START_TEST(child_lives_where_its_creator_does_but_for_what_the_fork_tells) {
        setup();
        feed_begin(WIRE_KIND_fork, feed_id(100));
        record_set_number(&feed_record, FIELD_fork_child_pid, 200);
        record_set_number(&feed_record, FIELD_fork_child_start, FEED_START(200));
        record_set_number(&feed_record, FIELD_fork_child_ns_pid, 77);
        feed_send(table);
        ck_assert_str_eq(mnt(200), "1000");
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_ns_pid), "77");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_ns_pid), "1001");
        /* Of a creator that is not known nothing comes. */
        feed_fork(table, 1, 201);
        ck_assert_str_eq(mnt(201), "?");
        teardown();
}
END_TEST

START_TEST(exec_tells_them_and_one_that_failed_changes_nothing) {
        setup();
        feed_fork(table, 1, 200);
        feed_begin(WIRE_KIND_execve, feed_id(200));
        set_all(FIELD_execve_ns_mnt, 2000);
        feed_send(table);
        ck_assert_str_eq(mnt(200), "2000");
        feed_header.flags = WIRE_FAILED;
        feed_header.result = -2;
        feed_begin(WIRE_KIND_execve, feed_id(200));
        set_all(FIELD_execve_ns_mnt, 3000);
        feed_send(table);
        ck_assert_str_eq(mnt(200), "2000");
        teardown();
}
END_TEST

START_TEST(unshare_and_setns_move_the_process_but_of_pids_and_time_only_its_next_children) {
        setup();
        begin_move(WIRE_KIND_unshare, 100, 100, 1000, 2000);
        feed_send(table);
        ck_assert_str_eq(mnt(100), "2000");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_ns_user), "2003");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_ns_pid), "1001");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_ns_time), "1007");
        begin_move(WIRE_KIND_setns, 100, 100, 2000, 1000);
        feed_send(table);
        ck_assert_str_eq(mnt(100), "1000");
        teardown();
}
END_TEST

START_TEST(move_that_failed_moves_nobody) {
        setup();
        feed_header.flags = WIRE_FAILED;
        feed_header.result = -1;
        begin_move(WIRE_KIND_unshare, 100, 100, 1000, 2000);
        feed_send(table);
        ck_assert_str_eq(mnt(100), "1000");
        teardown();
}
END_TEST

START_TEST(where_another_thread_lives_is_not_known_once_a_thread_moved) {
        setup();
        ck_assert_int_eq(seen_by(100, 101, FIELD_PROCESS_ns_mnt), VALUE_KNOWN);
        feed_begin(WIRE_KIND_setns, feed_id(100));
        feed_record.header.tid = 101;
        record_set_number(&feed_record, FIELD_setns_old_ns_net, 1002);
        record_set_number(&feed_record, FIELD_setns_ns_net, 55);
        record_set_number(&feed_record, FIELD_setns_old_ns_mnt, 1000);
        record_set_number(&feed_record, FIELD_setns_ns_mnt, 1000);
        feed_send(table);
        /* The process is where its first thread is. */
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_ns_net), "1002");
        ck_assert_int_eq(seen_by(100, 100, FIELD_PROCESS_ns_net), VALUE_KNOWN);
        ck_assert_int_eq(seen_by(100, 101, FIELD_PROCESS_ns_net), VALUE_UNKNOWN);
        ck_assert_int_eq(seen_by(100, 102, FIELD_PROCESS_ns_net), VALUE_UNKNOWN);
        ck_assert_int_eq(seen_by(100, 101, FIELD_PROCESS_ns_mnt), VALUE_KNOWN);

        /* So it is for a child of that thread, till it executes something. */
        feed_begin(WIRE_KIND_fork, feed_id(100));
        feed_record.header.tid = 101;
        record_set_number(&feed_record, FIELD_fork_child_pid, 200);
        record_set_number(&feed_record, FIELD_fork_child_start, FEED_START(200));
        feed_send(table);
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_ns_net), "?");
        ck_assert_str_eq(mnt(200), "1000");
        feed_begin(WIRE_KIND_execve, feed_id(200));
        set_all(FIELD_execve_ns_mnt, 3000);
        feed_send(table);
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_ns_net), "3002");

        /* After an exec there is one thread, and those that it makes are where it is. */
        feed_begin(WIRE_KIND_execve, feed_id(100));
        set_all(FIELD_execve_ns_mnt, 1000);
        feed_send(table);
        ck_assert_int_eq(seen_by(100, 101, FIELD_PROCESS_ns_net), VALUE_KNOWN);
        teardown();
}
END_TEST

START_TEST(later_look_at_all_that_run_tells_who_moved_unseen) {
        setup();
        begin_process(100, 1, "/usr/bin/shell");
        set_all(FIELD_process_ns_mnt, 4000);
        ck_assert_ptr_null(feed_send(table));
        ck_assert_str_eq(mnt(100), "4000");
        teardown();
}
END_TEST

START_TEST(fork_told_after_the_childs_own_record_fills_in_and_overwrites_nothing) {
        setup();
        feed_begin(WIRE_KIND_execve, feed_id(200));
        record_set_number(&feed_record, FIELD_execve_ns_mnt, 2000);
        feed_send(table);
        feed_fork(table, 100, 200);
        ck_assert_str_eq(mnt(200), "2000");
        ck_assert_str_eq(show(find(table, 200), FIELD_PROCESS_ns_net), "1002");
        teardown();
}
END_TEST

UNIT_MAIN("process/namespaces", snapshot_tells_all_of_them,
          child_lives_where_its_creator_does_but_for_what_the_fork_tells,
          exec_tells_them_and_one_that_failed_changes_nothing,
          unshare_and_setns_move_the_process_but_of_pids_and_time_only_its_next_children, move_that_failed_moves_nobody,
          where_another_thread_lives_is_not_known_once_a_thread_moved,
          later_look_at_all_that_run_tells_who_moved_unseen,
          fork_told_after_the_childs_own_record_fills_in_and_overwrites_nothing)
