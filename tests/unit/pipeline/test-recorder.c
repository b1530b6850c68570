/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/recorder.h"

#include <check.h>
#include <errno.h>

#include "base/array.h"
#include "base/macro.h"
#include "event/backlog.h"
#include "event/encode.h"

#include "../unit.h"

static const struct process_table_limits limits = {
        .max_processes = 1000,
        .max_image_bytes = 1 << 20,
        .max_cgroups = 8,
        .grace_ns = 1000,
};

static struct recorder *recorder;
static struct process_table *table;     /* fed with what is told */
static struct record record;
static uint64_t now_ns, n_told, last_ns, n_of[_WIRE_KIND_MAX];
static int first_kind;

static void begin(enum wire_kind kind, uint32_t pid) {
        record_begin(&record, kind);
        record.header.time_ns = ++now_ns;
        record.header.tgid = record.header.tid = pid;
        record.header.start_ns = pid;
}

static void add(void) {
        struct event event;

        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        recorder_add(recorder, &event);
}

static void add_beginning(void) {
        begin(WIRE_KIND_clock, 0);
        record_set_number(&record, FIELD_clock_offset_ns, 77);
        add();
        begin(WIRE_KIND_process, 1);
        record_set_text(&record, FIELD_process_exe, "/sbin/init");
        add();
        begin(WIRE_KIND_start, 0);
        record_set_number(&record, FIELD_start_generation, 1);
        add();
}

static void add_child(uint32_t pid) {
        begin(WIRE_KIND_fork, 1);
        record_set_number(&record, FIELD_fork_child_pid, pid);
        record_set_number(&record, FIELD_fork_child_start, pid);
        add();
        begin(WIRE_KIND_execve, pid);
        record_set_text(&record, FIELD_execve_exe, "/bin/child");
        add();
}

static void add_opens(uint32_t pid, unsigned n) {
        while (n-- > 0) {
                begin(WIRE_KIND_openat, pid);
                record_set_text(&record, FIELD_openat_pathname, "/some/path/that/takes/room");
                add();
        }
}

static int on_told(const struct event *event, void *userdata) {
        struct event parsed;

        ck_assert_int_eq(event_parse(event->wire, event->wire->size, &parsed), 0);
        ck_assert_uint_ge(event->time_ns, last_ns);
        last_ns = event->time_ns;
        if (n_told++ == 0)
                first_kind = event->wire->kind;
        n_of[event->wire->kind]++;
        (void)process_table_update(table, event);
        return 0;
}

static void tell(void) {
        table = process_table_free(table);
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        n_told = last_ns = 0;
        memset(n_of, 0, sizeof(n_of));
        ck_assert_int_eq(recorder_tell(recorder, on_told, NULL), 0);
        ck_assert_int_eq(first_kind, WIRE_KIND_clock);
        ck_assert_uint_eq(n_of[WIRE_KIND_clock], 1);
        ck_assert_uint_eq(n_of[WIRE_KIND_start], 1);
}

static const struct process *told(uint32_t pid) {
        struct identity id = {.pid = pid, .start_ns = pid};

        return process_table_find(table, &id);
}

static void setup(void) {
        now_ns = 1000;
        ck_assert_int_eq(recorder_new(0, &limits, NULL, &recorder), 0);
        add_beginning();
}

static void teardown(void) {
        recorder = recorder_free(recorder);
        table = process_table_free(table);
}

START_TEST(what_all_fits_is_told_as_it_came) {
        struct recorder_stats stats;

        setup();
        add_child(100);
        add_opens(100, 10);
        tell();
        ck_assert_uint_eq(n_told, 3 + 2 + 10);
        recorder_stats(recorder, &stats);
        ck_assert_uint_eq(stats.n_records, n_told);
        ck_assert_uint_eq(stats.n_left, 0);
        ck_assert_uint_eq(stats.first_ns, 1001);
        ck_assert_uint_eq(stats.last_ns, now_ns);
        teardown();
}
END_TEST

START_TEST(who_ran_when_the_oldest_event_happened_is_told_before_it) {
        setup();
        add_child(100);
        add_child(101);
        begin(WIRE_KIND_exit, 101);
        add();
        add_opens(100, 5000);
        add_child(102);
        tell();
        ck_assert_uint_lt(n_of[WIRE_KIND_openat], 5000);
        ck_assert_uint_gt(n_of[WIRE_KIND_openat], 500);
        ck_assert_uint_eq(n_of[WIRE_KIND_process], 2);
        ck_assert_ptr_nonnull(told(1));
        ck_assert_ptr_nonnull(told(100));
        ck_assert_ptr_null(told(101));  /* was over long before */
        ck_assert_ptr_nonnull(told(102));
        ck_assert_uint_eq(told(100)->creator.pid, 1);
        ck_assert_ptr_nonnull(told(100)->image);
        teardown();
}
END_TEST

START_TEST(the_newest_clock_that_has_left_is_told) {
        setup();
        add_opens(1, 100);
        begin(WIRE_KIND_clock, 0);
        record_set_number(&record, FIELD_clock_offset_ns, 78);
        add();
        add_opens(1, 5000);
        tell();
        ck_assert_uint_eq(n_of[WIRE_KIND_clock], 1);
        teardown();
}
END_TEST

START_TEST(at_any_moment_a_recording_is_whole) {
        setup();
        for (uint32_t i = 0; i < 60; i++) {
                add_child(100 + i);
                add_opens(100 + i, i * 7);
                if (i >= 10) {
                        begin(WIRE_KIND_exit, 90 + i);
                        add();
                }
                tell();
                for (uint32_t k = 0; k <= i; k++)
                        if (k + 10 > i)
                                ck_assert_ptr_nonnull(told(100 + k));
        }
        teardown();
}
END_TEST

START_TEST(images_are_shared_with_the_table_of_the_daemon) {
        struct process_table *daemon = NULL;
        struct process_table_stats stats;

        now_ns = 1000;
        ck_assert_int_eq(process_table_new(&limits, &daemon), 0);
        ck_assert_int_eq(recorder_new(0, &limits, daemon, &recorder), 0);
        add_beginning();
        add_child(100);
        for (unsigned i = 0; i < 100; i++)
                add_opens(100, 100);
        tell();
        ck_assert_ptr_nonnull(told(100));

        /* The daemon was told nothing here: what images there are, the recorder has. */
        process_table_stats(daemon, &stats);
        ck_assert_uint_eq(stats.n_running, 0);
        ck_assert_uint_gt(stats.n_images, 0);
        daemon = process_table_free(daemon);
        tell();
        ck_assert_ptr_nonnull(told(100));
        teardown();
}
END_TEST

static int make(void *userdata) {
        int r = recorder_new(0, &limits, NULL, &recorder);

        recorder = recorder_free(recorder);
        return r;
}

START_TEST(without_memory_there_is_none) {
        ck_assert_uint_ge(alloc_fail_sweep(make, NULL), 3);
}
END_TEST

UNIT_MAIN("pipeline/recorder", what_all_fits_is_told_as_it_came,
          who_ran_when_the_oldest_event_happened_is_told_before_it, the_newest_clock_that_has_left_is_told,
          at_any_moment_a_recording_is_whole, images_are_shared_with_the_table_of_the_daemon,
          without_memory_there_is_none)
