/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process-fields.h"

#include "feed.h"
#include "unit.h"

static struct process_table *table;

static const struct process_table_limits limits = {
        .max_processes = 100,
        .max_image_bytes = 1 << 20,
        .max_cgroups = 8,
        .grace_ns = 10 * FEED_SECOND,
};

static void setup(void) {
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        feed_process(table, 1, 0, "/sbin/init");
        feed_process(table, 100, 1, "/usr/bin/shell");
        feed_cgroup(table, 7,
                    "/system.slice/docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope");
        feed_cgroup(table, 8, "/user.slice/user-1000.slice/user@1000.service/app.slice/ssh.service");
        feed_cgroup(table, 9, "/");
}

static void teardown(void) {
        table = process_table_free(table);
}

static struct process *open_in(uint64_t cgroup_id) {
        feed_header.cgroup_id = cgroup_id;
        return feed_open(table, 100);
}

START_TEST(every_process_field_has_the_type_that_the_schema_says) {
        struct value v;

        setup();
        open_in(7);
        for (unsigned field = _FIELD_PROCESS_BEFORE + 1; field < _FIELD_MAX; field++) {
                process_get(find(table, 100), NULL, field, &v);
                ck_assert_int_eq(v.type, schema_field(field)->type);
        }
        teardown();
}
END_TEST

START_TEST(numbers_of_a_process_read_back) {
        struct process *process;

        setup();
        feed_header.uid = 1;
        feed_header.euid = 2;
        feed_header.gid = 3;
        feed_header.egid = 4;
        process = feed_open(table, 100);
        ck_assert_str_eq(show(process, FIELD_PROCESS_pid), "100");
        ck_assert_str_eq(show(process, FIELD_PROCESS_start_time), "0.0001");
        ck_assert_str_eq(show(process, FIELD_PROCESS_uid), "1");
        ck_assert_str_eq(show(process, FIELD_PROCESS_euid), "2");
        ck_assert_str_eq(show(process, FIELD_PROCESS_gid), "3");
        ck_assert_str_eq(show(process, FIELD_PROCESS_egid), "4");
        ck_assert_str_eq(show(process, FIELD_PROCESS_loginuid), "-1");
        ck_assert_str_eq(show(process, FIELD_PROCESS_session), "-1");
        ck_assert_str_eq(show(process, FIELD_PROCESS_kthread), "false");
        teardown();
}
END_TEST

START_TEST(credentials_and_cgroup_are_those_of_the_event_where_there_is_one) {
        struct process *process;
        struct event event;
        struct value v;

        setup();
        process = open_in(7);
        feed_header.uid = 42;
        feed_header.cgroup_id = 8;
        feed_begin(WIRE_KIND_openat, feed_id(100));
        ck_assert_int_eq(record_finish(&feed_record), 0);
        ck_assert_int_eq(event_parse(feed_record.data, feed_record.header.size, &event), 0);
        process_get(process, &event, FIELD_PROCESS_uid, &v);
        ck_assert_int_eq(v.number, 42);
        /* Its name is not at hand: not known, and not the name of another group. */
        process_get(process, &event, FIELD_PROCESS_unit, &v);
        ck_assert_int_eq(v.state, VALUE_UNKNOWN);

        process = process_table_update(table, &event);
        process_get(process, &event, FIELD_PROCESS_unit, &v);
        ck_assert_int_eq(v.state, VALUE_KNOWN);
        teardown();
}
END_TEST

START_TEST(unit_slice_and_container_come_from_the_cgroup) {
        setup();
        ck_assert_str_eq(show(open_in(7), FIELD_PROCESS_container),
                         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_slice), "system.slice");
        ck_assert_str_eq(show(open_in(8), FIELD_PROCESS_unit), "user@1000.service");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_user_unit), "ssh.service");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_cgroup),
                         "/user.slice/user-1000.slice/user@1000.service/app.slice/ssh.service");
        teardown();
}
END_TEST

START_TEST(runtime_of_a_container_and_login_session_come_from_the_cgroup) {
        setup();
        ck_assert_str_eq(show(open_in(7), FIELD_PROCESS_container_runtime), "docker");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_container_image), "?");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_login_session), "");
        feed_cgroup(table, 10, "/user.slice/user-7.slice/session-c3.scope");
        ck_assert_str_eq(show(open_in(10), FIELD_PROCESS_login_session), "c3");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_container_runtime), "");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_container_image), "");
        ck_assert_str_eq(show(find(table, 100), FIELD_PROCESS_container_name), "");
        feed_cgroup(table, 11, "/kubepods/pod1/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
        ck_assert_str_eq(show(open_in(11), FIELD_PROCESS_container_runtime), "?");
        teardown();
}
END_TEST

START_TEST(being_in_no_unit_is_known_and_empty_and_not_knowing_is_unknown) {
        struct value v;

        setup();
        process_get(find(table, 100), NULL, FIELD_PROCESS_unit, &v);
        ck_assert_int_eq(v.state, VALUE_UNKNOWN);
        process_get(open_in(9), NULL, FIELD_PROCESS_unit, &v);
        ck_assert_int_eq(v.state, VALUE_KNOWN);
        ck_assert_uint_eq(v.length, 0);
        process_get(find(table, 100), NULL, FIELD_PROCESS_container, &v);
        ck_assert_int_eq(v.state, VALUE_KNOWN);
        ck_assert_uint_eq(v.length, 0);
        teardown();
}
END_TEST

START_TEST(kernel_thread_runs_no_file_and_that_is_known) {
        setup();
        feed_begin(WIRE_KIND_process, feed_id(50));
        record_set_number(&feed_record, FIELD_process_kthread, 1);
        record_set_text(&feed_record, FIELD_process_comm, "kworker/0:1");
        feed_send(table);
        ck_assert_str_eq(show(find(table, 50), FIELD_PROCESS_exe), "");
        ck_assert_str_eq(show(find(table, 50), FIELD_PROCESS_args), "");
        ck_assert_str_eq(show(find(table, 50), FIELD_PROCESS_comm), "kworker/0:1");
        ck_assert_str_eq(show(find(table, 50), FIELD_PROCESS_cwd), "?");
        teardown();
}
END_TEST

START_TEST(field_of_an_event_is_no_field_of_a_process) {
        setup();
        ck_assert_str_eq(show(find(table, 100), FIELD_openat_pathname), "?");
        ck_assert_str_eq(show(find(table, 100), FIELD_COMMON_result), "?");
        teardown();
}
END_TEST

START_TEST(nobody_has_no_fields) {
        const struct process nobody = {.loginuid = UINT32_MAX};

        for (unsigned field = _FIELD_PROCESS_BEFORE + 1; field < _FIELD_MAX; field++)
                ck_assert_str_eq(show(&nobody, (enum field)field), "?");
}
END_TEST

UNIT_MAIN("process/process-fields",
          every_process_field_has_the_type_that_the_schema_says,
          numbers_of_a_process_read_back,
          credentials_and_cgroup_are_those_of_the_event_where_there_is_one,
          unit_slice_and_container_come_from_the_cgroup,
          runtime_of_a_container_and_login_session_come_from_the_cgroup,
          being_in_no_unit_is_known_and_empty_and_not_knowing_is_unknown,
          kernel_thread_runs_no_file_and_that_is_known,
          field_of_an_event_is_no_field_of_a_process,
          nobody_has_no_fields)
