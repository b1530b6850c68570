/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/summary.h"

#include "../unit.h"

#include "base/clock.h"
#include "base/strbuf.h"
#include "report/redact.h"

static struct redactor *redactor;
static struct report *report;

static void begin(void) {
        struct redact_options redact = {};
        struct report_options options = {};

        ck_assert_int_eq(redactor_new(&redact, &redactor), 0);
        options.redactor = redactor;
        ck_assert_int_eq(report_new(&options, &report), 0);
}

static void end(void) {
        report = report_free(report);
        redactor = redactor_free(redactor);
}

START_TEST(a_quiet_stream_is_said_in_a_few_lines) {
        struct capture_stats capture = {};
        struct pipeline_stats pipeline = {};
        struct strbuf b = {};

        begin();
        capture.produced[WIRE_KIND_openat] = capture.delivered[WIRE_KIND_openat] = 7;
        capture.produced[WIRE_KIND_tick] = capture.delivered[WIRE_KIND_tick] = 99;
        summary_put(&capture, &pipeline, report, 1500 * NSEC_PER_MSEC, &b);
        ck_assert_str_eq(strbuf_str(&b), "watched for 1.5 s: 7 events delivered, dropped 0\n"
                                         "  events   openat 7\n"
                                         "  produced 7 = delivered 7 + lost 0\n"
                                         "alerts: 0 told\n");
        strbuf_done(&b);
        end();
}
END_TEST

START_TEST(each_loss_is_told_with_kind_and_reason_and_the_sum_holds) {
        struct capture_stats capture = {};
        struct pipeline_stats pipeline = {};
        struct strbuf b = {};

        begin();
        capture.produced[WIRE_KIND_openat] = 10;
        capture.delivered[WIRE_KIND_openat] = 6;
        capture.lost[WIRE_KIND_openat][WIRE_LOSS_RING_FULL] = 3;
        capture.lost[WIRE_KIND_openat][WIRE_LOSS_INVALID] = 1;
        ck_assert_uint_eq(summary_dropped(&capture), 4);
        summary_put(&capture, &pipeline, report, 0, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "dropped 4\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "  lost     openat 3 (ring full)\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "  lost     openat 1 (invalid record)\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "  produced 10 = delivered 6 + lost 4\n"));
        strbuf_done(&b);
        end();
}
END_TEST

START_TEST(a_sum_that_does_not_hold_yet_says_why) {
        struct capture_stats capture = {};
        struct pipeline_stats pipeline = {};
        struct strbuf b = {};

        begin();
        capture.produced[WIRE_KIND_exit] = 10;
        capture.delivered[WIRE_KIND_exit] = 9;
        summary_put(&capture, &pipeline, report, 0, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "lost 0 (the rest was under way)\n"));
        strbuf_done(&b);
        end();
}
END_TEST

START_TEST(bounds_that_were_met_are_told_and_only_those) {
        struct capture_stats capture = {};
        struct pipeline_stats pipeline = {};
        struct strbuf b = {};

        begin();
        pipeline.engine.n_evicted = 3;
        pipeline.report.n_alerts = 5;
        pipeline.report.n_below = 2;
        pipeline.report.n_failed = 1;
        summary_put(&capture, &pipeline, report, 0, &b);
        ck_assert_ptr_nonnull(
                strstr(strbuf_str(&b), "alerts: 2 told, 2 below the severity that is told, 1 NOT DELIVERED\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "  note: 3 open stories made room"));
        ck_assert_ptr_null(strstr(strbuf_str(&b), "remembered"));
        ck_assert_ptr_null(strstr(strbuf_str(&b), "process.max_processes"));
        strbuf_done(&b);
        end();
}
END_TEST

START_TEST(what_alerts_had_in_common_is_told_of_a_live_stream) {
        struct capture_stats capture = {.ring_bytes = 1 << 20};
        struct pipeline_stats pipeline = {};
        struct strbuf b = {};

        begin();
        pipeline.report.n_asked = 30;
        pipeline.report.n_remembered = 29;
        summary_put(&capture, &pipeline, report, 0, &b);
        ck_assert_ptr_nonnull(
                strstr(strbuf_str(&b), "  looked up 30 texts and programs for them, 29 were remembered\n"));
        strbuf_done(&b);
        end();
}
END_TEST

UNIT_MAIN("pipeline/summary", a_quiet_stream_is_said_in_a_few_lines,
          each_loss_is_told_with_kind_and_reason_and_the_sum_holds, a_sum_that_does_not_hold_yet_says_why,
          bounds_that_were_met_are_told_and_only_those, what_alerts_had_in_common_is_told_of_a_live_stream)
