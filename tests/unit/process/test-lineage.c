/* SPDX-License-Identifier: Apache-2.0 */
#include "process/lineage.h"

#include "feed.h"
#include "unit.h"

static struct process_table *table;

static const struct process_table_limits limits = {
        .max_processes = 1000,
        .max_image_bytes = 1 << 20,
        .max_cgroups = 8,
        .grace_ns = 10 * FEED_SECOND,
};

static void setup(void) {
        ck_assert_int_eq(process_table_new(&limits, &table), 0);
        feed_process(table, 1, 0, "/sbin/init");
        feed_process(table, 100, 1, "/usr/bin/shell");
        feed_fork(table, 100, 200);
        feed_fork(table, 200, 300);
}

static void teardown(void) {
        table = process_table_free(table);
}

static enum truth is_descendant(uint32_t pid, uint32_t ancestor) {
        struct identity id = feed_id(ancestor);

        return lineage_is_descendant(table, find(table, pid), &id);
}

START_TEST(ancestors_come_from_the_parent_up_to_the_first_process) {
        struct lineage lineage;

        setup();
        lineage_begin(&lineage, table, find(table, 300));
        ck_assert_ptr_eq(lineage_next(&lineage), find(table, 200));
        ck_assert_ptr_eq(lineage_next(&lineage), find(table, 100));
        ck_assert_ptr_eq(lineage_next(&lineage), find(table, 1));
        ck_assert_ptr_null(lineage_next(&lineage));
        ck_assert(!lineage.broken);
        ck_assert_ptr_null(lineage_next(&lineage));
        teardown();
}
END_TEST

START_TEST(exited_ancestors_are_walked_over) {
        setup();
        feed_exit(table, 200);
        feed_exit(table, 100);
        ck_assert_int_eq(is_descendant(300, 100), TRUTH_TRUE);
        ck_assert_int_eq(is_descendant(300, 1), TRUTH_TRUE);
        teardown();
}
END_TEST

START_TEST(descendant_of_an_ancestor_and_of_nobody_else) {
        setup();
        feed_fork(table, 100, 210);
        ck_assert_int_eq(is_descendant(300, 200), TRUTH_TRUE);
        ck_assert_int_eq(is_descendant(300, 210), TRUTH_FALSE);
        ck_assert_int_eq(is_descendant(300, 300), TRUTH_FALSE);
        ck_assert_int_eq(is_descendant(200, 300), TRUTH_FALSE);
        ck_assert_int_eq(is_descendant(1, 100), TRUTH_FALSE);
        teardown();
}
END_TEST

START_TEST(broken_chain_is_unknown_unless_time_decides) {
        struct lineage lineage;

        setup();
        feed_header.creator_tgid = 400;
        feed_header.creator_start_ns = FEED_START(400);
        feed_open(table, 500);
        /* 400 is not in the table: whose child was it? */
        ck_assert_int_eq(is_descendant(500, 100), TRUTH_UNKNOWN);
        ck_assert_int_eq(is_descendant(500, 400), TRUTH_TRUE);
        /* 450 is younger than 400, so it can not have created it. */
        ck_assert_int_eq(is_descendant(500, 450), TRUTH_FALSE);

        lineage_begin(&lineage, table, find(table, 500));
        ck_assert_ptr_null(lineage_next(&lineage));
        ck_assert(lineage.broken);
        teardown();
}
END_TEST

START_TEST(chain_longer_than_anybody_looks_at_counts_as_broken) {
        struct lineage lineage;
        unsigned n = 0;

        setup();
        for (uint32_t pid = 300; pid < 300 + 2 * LINEAGE_MAX; pid++)
                feed_fork(table, pid, pid + 1);
        lineage_begin(&lineage, table, find(table, 300 + 2 * LINEAGE_MAX));
        while (lineage_next(&lineage))
                n++;
        ck_assert_uint_eq(n, LINEAGE_MAX);
        ck_assert(lineage.broken);
        ck_assert_int_eq(is_descendant(300 + 2 * LINEAGE_MAX, 100), TRUTH_UNKNOWN);
        ck_assert_int_eq(is_descendant(300 + 2 * LINEAGE_MAX, 300 + 2 * LINEAGE_MAX - 10), TRUTH_TRUE);
        teardown();
}
END_TEST

UNIT_MAIN("process/lineage",
          ancestors_come_from_the_parent_up_to_the_first_process,
          exited_ancestors_are_walked_over,
          descendant_of_an_ancestor_and_of_nobody_else,
          broken_chain_is_unknown_unless_time_decides,
          chain_longer_than_anybody_looks_at_counts_as_broken)
