/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

static struct metrics m;
static uint64_t value;

static int add(const char *name, const char *help) {
        return metrics_add(&m, endswith(name, "_total") ? METRIC_COUNTER : METRIC_GAUGE, name, help, &value);
}

START_TEST(entries_are_kept_in_order_of_name) {
        metrics_init(&m);
        ck_assert_int_eq(add("execray_b_total", "h"), 0);
        ck_assert_int_eq(add("execray_c", "h"), 0);
        ck_assert_int_eq(add("execray_a_total", "h"), 0);
        ck_assert_int_eq(add("execray_b", "h"), 0);
        ck_assert_str_eq(m.list.items[0].name, "execray_a_total");
        ck_assert_str_eq(m.list.items[1].name, "execray_b");
        ck_assert_str_eq(m.list.items[2].name, "execray_b_total");
        ck_assert_str_eq(m.list.items[3].name, "execray_c");
        metrics_done(&m);
}
END_TEST

START_TEST(labels_tell_entries_of_one_name_apart) {
        struct metric_label execve[] = {{"kind", "execve"}}, openat[] = {{"kind", "openat"}},
                            both[] = {{"kind", "execve"}, {"reason", "full"}};
        uint64_t other;

        metrics_init(&m);
        ck_assert_int_eq(metrics_add_labelled(&m, METRIC_COUNTER, "execray_lost_total", "h", &value, execve, 1), 0);
        ck_assert_int_eq(metrics_add_labelled(&m, METRIC_COUNTER, "execray_lost_total", "h", &other, openat, 1), 0);
        ck_assert_int_eq(metrics_add_labelled(&m, METRIC_COUNTER, "execray_lost_total", "h", &other, openat, 1),
                         -EEXIST);
        ck_assert_ptr_eq(metrics_find(&m, "execray_lost_total", execve, 1)->value, &value);
        ck_assert_ptr_eq(metrics_find(&m, "execray_lost_total", openat, 1)->value, &other);
        ck_assert_ptr_null(metrics_find(&m, "execray_lost_total", both, 2));
        ck_assert_ptr_null(metrics_find(&m, "execray_lost_total", NULL, 0));
        ck_assert_ptr_null(metrics_find(&m, "execray_lost", NULL, 0));
        ck_assert_ptr_eq(m.list.items[0].value, &value);        /* in order of registration */
        metrics_done(&m);
}
END_TEST

START_TEST(a_name_is_of_one_kind_and_has_one_help) {
        struct metric_label label[] = {{"kind", "x"}};

        metrics_init(&m);
        ck_assert_int_eq(add("execray_runs", "Stories under way."), 0);
        ck_assert_int_eq(add("execray_runs", "Stories under way."), -EEXIST);
        ck_assert_int_eq(metrics_add_labelled(&m, METRIC_GAUGE, "execray_runs", "Something else.", &value, label, 1),
                         -EEXIST);
        ck_assert_int_eq(metrics_add_labelled(&m, METRIC_GAUGE, "execray_runs", "Stories under way.", &value, label, 1),
                         0);
        ck_assert_uint_eq(m.list.n, 2);
        metrics_done(&m);
}
END_TEST

START_TEST(names_and_labels_are_copied) {
        char name[] = "execray_x", help[] = "Help.", label_value[] = "v";
        struct metric_label label[] = {{"l", label_value}};

        metrics_init(&m);
        ck_assert_int_eq(metrics_add_labelled(&m, METRIC_GAUGE, name, help, &value, label, 1), 0);
        name[0] = help[0] = label_value[0] = '?';
        ck_assert_str_eq(m.list.items[0].name, "execray_x");
        ck_assert_str_eq(m.list.items[0].help, "Help.");
        ck_assert_str_eq(m.list.items[0].labels[0].value, "v");
        metrics_done(&m);
}
END_TEST

START_TEST(a_full_register_refuses) {
        char name[32];

        metrics_init(&m);
        for (int i = 0; i < METRICS_MAX; i++) {
                snprintf(name, sizeof(name), "execray_m%d", i);
                ck_assert_int_eq(add(name, "h"), 0);
        }
        ck_assert_int_eq(add("execray_one_more", "h"), -ENOSPC);
        metrics_done(&m);
}
END_TEST

static void double_it(void *userdata) {
        *(uint64_t *)userdata *= 2;
}

static void add_one(void *userdata) {
        *(uint64_t *)userdata += 1;
}

START_TEST(refreshes_run_in_order_of_registration) {
        metrics_init(&m);
        value = 5;
        metrics_do_refresh(&m);
        ck_assert_uint_eq(value, 5);
        ck_assert_int_eq(metrics_add_refresh(&m, double_it, &value), 0);
        ck_assert_int_eq(metrics_add_refresh(&m, add_one, &value), 0);
        metrics_do_refresh(&m);
        ck_assert_uint_eq(value, 11);
        metrics_done(&m);
}
END_TEST

static int add_some(void *userdata) {
        int r = 0;

        metrics_init(&m);
        for (int i = 0; i < 20 && r >= 0; i++) {
                char label_value[600];
                struct metric_label label[] = {{"l", label_value}};

                snprintf(label_value, sizeof(label_value), "%0500d", i);
                r = metrics_add_labelled(&m, METRIC_GAUGE, "execray_x", "h", &value, label, 1);
        }
        if (r >= 0)
                r = metrics_add_refresh(&m, add_one, &value);
        metrics_done(&m);
        return r;
}

START_TEST(without_memory_an_entry_is_refused_and_nothing_leaks) {
        ck_assert_uint_gt(alloc_fail_sweep(add_some, NULL), 4);
}
END_TEST

UNIT_MAIN("metrics/metrics",
          entries_are_kept_in_order_of_name,
          labels_tell_entries_of_one_name_apart,
          a_name_is_of_one_kind_and_has_one_help,
          names_and_labels_are_copied,
          a_full_register_refuses,
          refreshes_run_in_order_of_registration,
          without_memory_an_entry_is_refused_and_nothing_leaks)
