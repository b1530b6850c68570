/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report-json.h"

#include "../unit.h"

#include "base/strbuf.h"
#include "base/utf8.h"
#include "sample-alert.h"

START_TEST(an_alert_is_one_line_with_all_its_parts) {
        struct alert alert = sample_alert();
        struct strbuf b = {};

        report_json_alert(&alert, &b);
        ck_assert_int_eq(b.error, 0);
        ck_assert_str_eq(
                strbuf_str(&b),
                "{\"version\":1,\"type\":\"alert\",\"number\":3,\"generation\":1,\"time\":1700000000.417000000,"
                "\"first\":1699999999.417000000,"
                "\"policy\":\"dropped_and_run\",\"severity\":\"high\",\"description\":\"A file is written and run by "
                "the same activity\","
                "\"techniques\":[\"T1105\",\"T1204.002\"],\"by\":\"tree\",\"key\":\"tree 4700\","
                "\"process\":{\"pid\":4711,\"start\":1700000000.416999995,\"name\":\"x\",\"exe\":\"/tmp/"
                "x\",\"args\":\"/tmp/x -i\","
                "\"argv\":[\"/tmp/"
                "x\",\"-i\"],\"cwd\":null,\"uid\":33,\"euid\":33,\"gid\":33,\"egid\":33,\"loginuid\":null,\"session\":"
                "null,"
                "\"unit\":\"nginx.service\",\"user_unit\":null,\"container\":null,\"cgroup\":null,\"package\":\"\"},"
                "\"ancestors\":[{\"pid\":1,\"start\":null,\"name\":\"systemd\",\"exe\":\"/usr/lib/systemd/"
                "systemd\",\"args\":null,"
                "\"unit\":null,\"container\":null,\"package\":\"systemd\",\"package_version\":\"252.39-1\"}],"
                "\"ancestors_complete\":true,"
                "\"steps\":[{\"step\":1,\"time\":1699999999.417000000,\"kind\":\"write\",\"count\":2,\"last\":"
                "1699999999.917000000,"
                "\"process\":{\"pid\":4709,\"start\":null,\"name\":\"curl\",\"exe\":null,\"args\":null,\"unit\":null,"
                "\"container\":null},"
                "\"result\":51200,\"fields\":{\"pathname\":\"/tmp/"
                "x\",\"length\":51200,\"content\":null},\"user_stable\":[\"pathname\"]},"
                "{\"step\":2,\"time\":1700000000.417000000,\"kind\":\"execve\","
                "\"process\":{\"pid\":4711,\"start\":1700000000.416999995,\"name\":\"x\",\"exe\":\"/tmp/"
                "x\",\"args\":\"/tmp/x -i\","
                "\"uid\":33,\"euid\":33,\"unit\":\"nginx.service\",\"container\":null,\"package\":\"\"},"
                "\"fields\":{\"filename\":\"/tmp/x\"},\"unverified\":[\"filename\"]}],"
                "\"captures\":{\"file\":\"/tmp/x\"},\"starts\":1,\"suppressed\":0,\"uncertain\":false,\"gap\":null,"
                "\"source\":{\"file\":\"policies/dropped.policy\",\"line\":4}}\n");
        strbuf_done(&b);
}
END_TEST

START_TEST(bytes_of_an_attacker_stay_inside_their_string) {
        static const char evil[] = "a\"b\\c\nd\x1b[2J\xff\xc3\x28\xe2\x80\xae/end";
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.process.exe = (struct alert_text){.bytes = evil, .length = sizeof(evil) - 1, .known = true};
        alert.steps[0].fields[0].text = alert.process.exe;
        report_json_alert(&alert, &b);

        ck_assert(utf8_is_valid(b.data, b.n));
        for (size_t i = 0; i + 1 < b.n; i++)
                ck_assert_int_ge((unsigned char)b.data[i], 0x20);
        ck_assert_ptr_nonnull(strstr(b.data, "\"exe\":\"a\\\"b\\\\c\\nd\\u001b[2J\\\\xff\\\\xc3(\\u202e/end\""));
        strbuf_done(&b);
}
END_TEST

START_TEST(a_gap_says_how_many_of_what_and_why) {
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.gap = true;
        alert.gap_count = 7;
        alert.gap_kinds = wire_kind_bit(WIRE_KIND_openat) | wire_kind_bit(WIRE_KIND_connect);
        alert.gap_reasons[0] = (struct alert_text){.known = true, .bytes = "sampled", .length = 7};
        alert.gap_reasons[1] = (struct alert_text){.known = true, .bytes = "ring full", .length = 9};
        alert.n_gap_reasons = 2;
        alert.uncertain = true;
        report_json_alert(&alert, &b);
        ck_assert_ptr_nonnull(strstr(b.data,
                                     "\"uncertain\":true,\"gap\":{\"count\":7,\"kinds\":[\"openat\",\"connect\"],"
                                     "\"reasons\":[\"sampled\",\"ring full\"]}"));
        strbuf_done(&b);
}
END_TEST

START_TEST(cut_values_are_named) {
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.process.args.cut = alert.process.cwd.cut = true;
        alert.steps[0].fields[0].cut = true;
        alert.steps[0].kept = true;
        report_json_alert(&alert, &b);
        ck_assert_ptr_nonnull(strstr(b.data, "\"cut\":[\"args\",\"cwd\"]"));
        ck_assert_ptr_nonnull(strstr(b.data, "\"content\":null},\"cut\":[\"pathname\"]"));
        strbuf_done(&b);
}
END_TEST

START_TEST(who_ran_before_the_watch_began_says_so) {
        struct alert alert = sample_alert();
        struct strbuf b = {};

        report_json_alert(&alert, &b);
        ck_assert_ptr_null(strstr(b.data, "before_us"));
        strbuf_clear(&b);
        alert.process.writable = alert.process.before_us = true;
        alert.steps[0].process.image_before_us = true;
        report_json_alert(&alert, &b);
        ck_assert_ptr_nonnull(strstr(b.data, "\"exe_writable_by_others\":true,\"before_us\":true}"));
        ck_assert_ptr_nonnull(strstr(b.data, "\"exe_before_us\":true}"));
        strbuf_done(&b);
}
END_TEST

START_TEST(evidence_that_was_not_kept_is_null) {
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.steps[0].kept = false;
        report_json_alert(&alert, &b);
        ck_assert_ptr_nonnull(strstr(b.data, "\"fields\":null"));
        strbuf_done(&b);
}
END_TEST

START_TEST(a_notice_is_one_object) {
        struct strbuf b = {};

        report_json_obscured(WIRE_OBSCURED_EVICTED, "p", "tree 1\n", 4, SAMPLE_TIME_NS, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "{\"version\":1,\"type\":\"obscured\",\"time\":1700000000.417000000,\"policy\":\"p\","
                         "\"reason\":\"evicted\",\"key\":\"tree 1\\n\",\"count\":4}\n");
        strbuf_done(&b);
}
END_TEST

START_TEST(a_step_is_no_alert_and_says_which_it_is) {
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.step = 2;
        report_json_alert(&alert, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "\"type\":\"step\",\"step\":2,\"number\":"));
        strbuf_done(&b);
}
END_TEST

START_TEST(absence_and_score_have_keys_of_their_own) {
        struct alert alert = sample_alert();
        struct strbuf b = {};

        report_json_alert(&alert, &b);
        ck_assert_ptr_null(strstr(strbuf_str(&b), "absent"));
        ck_assert_ptr_null(strstr(strbuf_str(&b), "score"));
        strbuf_done(&b);

        alert.steps[1].absent = true;
        alert.steps[1].kept = false;
        alert.steps[1].within_ns = 30 * NSEC_PER_SEC;
        alert.steps[0].points = 20;
        alert.score = 57;
        alert.threshold = 50;
        report_json_alert(&alert, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "\"points\":20,\"process\":"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "\"absent\":true,\"within\":30.000000000,\"process\":"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "\"score\":{\"sum\":57,\"threshold\":50},\"starts\":"));
        strbuf_done(&b);
}
END_TEST

UNIT_MAIN("report/report-json", an_alert_is_one_line_with_all_its_parts, bytes_of_an_attacker_stay_inside_their_string,
          a_gap_says_how_many_of_what_and_why, cut_values_are_named, who_ran_before_the_watch_began_says_so,
          evidence_that_was_not_kept_is_null, a_step_is_no_alert_and_says_which_it_is,
          absence_and_score_have_keys_of_their_own, a_notice_is_one_object)
