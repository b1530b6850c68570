/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/sieve.h"

#include <errno.h>

#include "../compile/compile-fixture.h"
#include "event/encode.h"
#include "process/process-table.h"

static struct program *program;
static struct process_table *table;
static struct sieve *sieve;
static struct record record;

static void setup(const char *policies) {
        const struct process_table_limits limits = {
                .max_processes = 100,
                .max_image_bytes = 1 << 20,
                .max_cgroups = 4,
                .grace_ns = 1000,
        };

        program = compile_with(policies, NULL);
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        ck_assert_int_eq(sieve_new(program, table, &sieve), 0);
}

static void teardown(void) {
        sieve = sieve_free(sieve);
        process_table_free(table);
        program_unref(program);
}

static enum truth opens(const char *path, int64_t result) {
        static uint64_t now;
        struct event event;

        record_begin(&record, WIRE_KIND_openat);
        record.header.tgid = record.header.tid = 100;
        record.header.start_ns = 1000;
        record.header.time_ns = ++now;
        record.header.result = result;
        record.header.flags = result < 0 ? WIRE_FAILED : 0;
        if (path)
                record_set_text(&record, FIELD_openat_pathname, path);
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        return sieve_look(sieve, &event, process_table_update(table, &event));
}

START_TEST(an_event_that_a_first_step_asks_for_passes_each_time) {
        setup("path \"p\" { openat { pathname == \"/a\" } }");
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(opens("/a", 3), TRUTH_TRUE);
        ck_assert_int_eq(opens("/b", 3), TRUTH_FALSE);
        teardown();
}
END_TEST

START_TEST(it_passes_if_any_path_asks_for_it) {
        setup("path \"p\" { openat { pathname == \"/a\" } } path \"q\" { openat { pathname startswith \"/b\" } } "
              "path \"r\" { exit { } }");
        ck_assert_int_eq(opens("/bb", 3), TRUTH_TRUE);
        ck_assert_int_eq(opens("/c", 3), TRUTH_FALSE);
        teardown();
}
END_TEST

START_TEST(what_is_not_known_is_neither) {
        setup("path \"p\" { openat { pathname == \"/a\" } }");
        ck_assert_int_eq(opens(NULL, 3), TRUTH_UNKNOWN);
        teardown();
}
END_TEST

START_TEST(failed_calls_pass_where_the_step_takes_them) {
        setup("path \"p\" { openat { pathname == \"/a\" } } path \"q\" { openat { pathname == \"/b\", failed } }");
        ck_assert_int_eq(opens("/a", -ENOENT), TRUTH_FALSE);
        ck_assert_int_eq(opens("/b", -ENOENT), TRUTH_TRUE);
        ck_assert_int_eq(opens("/b", 3), TRUTH_FALSE);
        teardown();
}
END_TEST

static int new_again(void *data) {
        struct sieve *again = NULL;
        int r = sieve_new(program, table, &again);

        sieve_free(again);
        return r;
}

START_TEST(every_failing_allocation_is_reported) {
        setup("path \"p\" { openat { pathname == \"/a\" } }");
        alloc_fail_sweep(new_again, NULL);
        teardown();
}
END_TEST

UNIT_MAIN("engine/sieve", an_event_that_a_first_step_asks_for_passes_each_time, it_passes_if_any_path_asks_for_it,
          what_is_not_known_is_neither, failed_calls_pass_where_the_step_takes_them,
          every_failing_allocation_is_reported)
