/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics-text.h"

#include "base/strbuf.h"
#include "unit.h"

static struct metrics m;
static uint64_t matches = 3, runs, lost[2] = {7, 0}, waited = 1500000000, refreshed;

static void refresh(void *userdata) {
        refreshed++;
}

static void fill(void) {
        metrics_init(&m);
        ck_assert_int_eq(metrics_add(&m, METRIC_GAUGE, "execray_runs", "Stories under way.", &runs), 0);
        ck_assert_int_eq(
                metrics_add(&m, METRIC_COUNTER, "execray_matches_total", "Stories that were completed.", &matches), 0);
        ck_assert_int_eq(metrics_add(&m, METRIC_COUNTER, "execray_waited_seconds_total", "Time.", &waited), 0);
        for (int i = 0; i < 2; i++) {
                struct metric_label labels[] = {{"kind", i ? "write" : "execve"}, {"reason", "full"}};

                ck_assert_int_eq(metrics_add_labelled(&m, METRIC_COUNTER, "execray_lost_total", "Events lost.",
                                                      &lost[i], labels, 2),
                                 0);
        }
        ck_assert_int_eq(metrics_add_refresh(&m, refresh, NULL), 0);
}

START_TEST(prometheus_gets_each_family_once_with_help_and_type) {
        struct strbuf b = {};

        fill();
        metrics_put_prometheus(&m, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "# HELP execray_lost_total Events lost.\n"
                         "# TYPE execray_lost_total counter\n"
                         "execray_lost_total{kind=\"execve\",reason=\"full\"} 7\n"
                         "execray_lost_total{kind=\"write\",reason=\"full\"} 0\n"
                         "# HELP execray_matches_total Stories that were completed.\n"
                         "# TYPE execray_matches_total counter\n"
                         "execray_matches_total 3\n"
                         "# HELP execray_runs Stories under way.\n"
                         "# TYPE execray_runs gauge\n"
                         "execray_runs 0\n"
                         "# HELP execray_waited_seconds_total Time.\n"
                         "# TYPE execray_waited_seconds_total counter\n"
                         "execray_waited_seconds_total 1.500000000\n");
        ck_assert_uint_eq(refreshed, 1);
        strbuf_done(&b);
        metrics_done(&m);
}
END_TEST

START_TEST(people_may_leave_out_what_is_zero) {
        struct strbuf b = {};

        fill();
        metrics_put_text(&m, true, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "execray_lost_total{kind=\"execve\",reason=\"full\"} 7\n"
                         "execray_matches_total 3\n"
                         "execray_waited_seconds_total 1.500000000\n");
        strbuf_clear(&b);
        runs = UINT64_MAX;
        metrics_put_text(&m, false, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "\nexecray_runs 18446744073709551615\n"));
        ck_assert_uint_eq(refreshed, 2);
        strbuf_done(&b);
        metrics_done(&m);
}
END_TEST

START_TEST(labels_and_help_of_any_bytes_stay_on_their_line) {
        struct metric_label label[] = {{"path", "a\"b\\c\nd\xff\x1b\xc3\xa9"}};
        struct strbuf b = {};

        metrics_init(&m);
        ck_assert_int_eq(
                metrics_add_labelled(&m, METRIC_GAUGE, "execray_x", "A \"help\"\nof two lines.", &matches, label, 1),
                0);
        metrics_put_prometheus(&m, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "# HELP execray_x A \"help\"\\nof two lines.\n"
                         "# TYPE execray_x gauge\n"
                         "execray_x{path=\"a\\\"b\\\\c\\nd\\\\xff\\\\x1b\xc3\xa9\"} 3\n");
        strbuf_done(&b);
        metrics_done(&m);
}
END_TEST

START_TEST(a_histogram_tells_each_bound_the_sum_and_how_many) {
        static const uint64_t bounds[] = {1000000, 2500000000}, up_to[] = {3, 4};
        struct strbuf b = {};

        metric_put_histogram("execray_x_seconds", "X.", bounds, up_to, 2, 5, 9000000001, &b);
        ck_assert_str_eq(strbuf_str(&b), "# HELP execray_x_seconds X.\n"
                                         "# TYPE execray_x_seconds histogram\n"
                                         "execray_x_seconds_bucket{le=\"0.001000000\"} 3\n"
                                         "execray_x_seconds_bucket{le=\"2.500000000\"} 4\n"
                                         "execray_x_seconds_bucket{le=\"+Inf\"} 5\n"
                                         "execray_x_seconds_sum 9.000000001\n"
                                         "execray_x_seconds_count 5\n");
        strbuf_done(&b);
}
END_TEST

UNIT_MAIN("metrics/metrics-text",
          prometheus_gets_each_family_once_with_help_and_type,
          people_may_leave_out_what_is_zero,
          labels_and_help_of_any_bytes_stay_on_their_line,
          a_histogram_tells_each_bound_the_sum_and_how_many)
