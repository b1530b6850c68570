/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report-text.h"

#include "../unit.h"

#include "base/strbuf.h"
#include "base/utf8.h"
#include "sample-alert.h"

START_TEST(an_alert_reads_as_headline_and_story) {
        struct report_text_style style = {};
        struct alert alert = sample_alert();
        struct strbuf b = {};

        report_text_alert(&alert, &style, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "HIGH dropped_and_run  2023-11-14 22:13:20.417 UTC  #3\n"
                         "  A file is written and run by the same activity\n"
                         "  who    x[4711] uid 33, nginx.service: /tmp/x -i\n"
                         "  image  /tmp/x, of no package\n"
                         "  below  systemd[1]\n"
                         "  1  +0.000  write   curl[4709]  /tmp/x length=51200 content=? (2 times, last +0.500)\n"
                         "  2  +1.000  execve  x[4711]  /tmp/x: /tmp/x -i\n"
                         "  T1105 T1204.002; tree 4700; file=/tmp/x\n");
        strbuf_done(&b);
}
END_TEST

START_TEST(what_did_not_happen_and_what_was_added_up_are_said) {
        struct report_text_style style = {};
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.steps[1].absent = true;
        alert.steps[1].kept = false;
        alert.steps[1].n_fields = 0;
        alert.steps[1].kind = "connect";
        alert.steps[1].within_ns = 30 * NSEC_PER_SEC;
        alert.steps[0].points = 20;
        alert.score = 57;
        alert.threshold = 50;
        report_text_story(&alert, &style, &b);
        ck_assert_str_eq(
                strbuf_str(&b),
                "  who    x[4711] uid 33, nginx.service: /tmp/x -i\n"
                         "  image  /tmp/x, of no package\n"
                "  below  systemd[1]\n"
                "  1  +0.000  write       curl[4709]  /tmp/x length=51200 content=? (2 times, last +0.500) +40\n"
                "  2  +1.000  no connect  x[4711]  within 30s\n"
                "  T1105 T1204.002; tree 4700; file=/tmp/x; score 57 of 50\n");
        strbuf_done(&b);
}
END_TEST

START_TEST(what_was_lost_meanwhile_is_said_and_why) {
        struct report_text_style style = {};
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.gap = true;
        report_text_story(&alert, &style, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "; events may have been lost meanwhile\n"));
        strbuf_done(&b);

        b = (struct strbuf){};
        alert.gap_count = 7;
        alert.gap_reasons[0] = (struct alert_text){.known = true, .bytes = "sampled", .length = 7};
        alert.gap_reasons[1] = (struct alert_text){.known = true, .bytes = "shed", .length = 4};
        alert.n_gap_reasons = 2;
        report_text_story(&alert, &style, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "; 7 events were lost meanwhile (sampled, shed)\n"));
        strbuf_done(&b);
}
END_TEST

START_TEST(who_ran_before_the_watch_began_is_named_once) {
        struct report_text_style style = {};
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.process.before_us = alert.steps[0].process.before_us = alert.steps[1].process.before_us = true;
        alert.steps[1].process.id = alert.process.id;
        report_text_story(&alert, &style, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "nginx.service: /tmp/x -i (ran before us)\n"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "; ran before us: curl[4709]\n"));
        strbuf_done(&b);

        b = (struct strbuf){};
        alert.process.before_us = alert.steps[1].process.before_us = false;
        alert.steps[1].process = alert.steps[0].process;
        report_text_story(&alert, &style, &b);
        ck_assert_ptr_null(strstr(strbuf_str(&b), "(ran before us)"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b), "; ran before us: curl[4709]\n"));
        strbuf_done(&b);
}
END_TEST

START_TEST(what_the_kernel_did_and_where_what_led_to_it_is_saved_are_said) {
        struct report_text_style style = {};
        struct alert alert = sample_alert();
        struct strbuf b = {};

        report_text_story(&alert, &style, &b);
        ck_assert_ptr_null(strstr(strbuf_str(&b), "enforced"));
        ck_assert_ptr_null(strstr(strbuf_str(&b), "recording"));
        strbuf_done(&b);

        b = (struct strbuf){};
        alert.enforced = sample_text("killed");
        alert.recording = sample_text("/var/lib/execrayd/recordings/a.recording");
        report_text_story(&alert, &style, &b);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&b),
                                     "; enforced: killed; recording: /var/lib/execrayd/recordings/a.recording\n"));
        strbuf_done(&b);
}
END_TEST

START_TEST(no_byte_can_forge_a_line_or_move_the_cursor) {
        struct report_text_style style = {};
        struct alert alert = sample_alert();
        struct strbuf b = {}, plain = {};
        unsigned n_lines = 0, n_plain = 0;

        report_text_alert(&alert, &style, &plain);
        for (size_t i = 0; i < plain.n; i++)
                n_plain += plain.data[i] == '\n';

        alert.process.exe = alert.process.args = alert.process.name = alert.steps[0].fields[0].text = alert.key =
                alert.captures[0].value.text = alert.description =
                        sample_text("x\nCRITICAL y\x1b[2J\r\x9b\xc2\x9b\xe2\x80\xae\xffz\x7f");
        report_text_alert(&alert, &style, &b);
        for (size_t i = 0; i < b.n; i++) {
                n_lines += b.data[i] == '\n';
                ck_assert(b.data[i] == '\n' || (unsigned char)b.data[i] >= 0x20);
                ck_assert_int_ne(b.data[i], 0x7f);
        }
        ck_assert_uint_eq(n_lines, n_plain);
        ck_assert(utf8_is_valid(b.data, b.n));
        ck_assert_ptr_null(strstr(b.data, "\xc2\x9b"));
        ck_assert_ptr_null(strstr(b.data, "\xe2\x80\xae"));
        strbuf_done(&plain);
        strbuf_done(&b);
}
END_TEST

START_TEST(lines_fit_the_terminal) {
        struct alert alert = sample_alert();
        char path[600];

        memset(path, 'a', sizeof(path) - 1);
        path[sizeof(path) - 1] = 0;
        alert.process.args = alert.steps[0].fields[0].text = alert.policy = sample_text(path);
        alert.description = sample_text(
                "many words of the author, which go on and on, further than one line of a small terminal can hold, "
                "so that they must be broken");

        for (unsigned width = 30; width < 200; width += 17) {
                struct report_text_style style = {.width = width, .colour = width % 2};
                struct strbuf b = {};
                unsigned columns = 0;

                report_text_alert(&alert, &style, &b);
                for (size_t i = 0; i < b.n;) {
                        uint32_t c;
                        size_t n = utf8_decode(b.data + i, b.n - i, &c);

                        ck_assert_uint_gt(n, 0);
                        if (c == 0x1b) {
                                while (b.data[i] != 'm')
                                        i++;
                                i++;
                                continue;
                        }
                        columns = c == '\n' ? 0 : columns + 1;
                        ck_assert_uint_le(columns, width);
                        i += n;
                }
                strbuf_done(&b);
        }
}
END_TEST

START_TEST(colour_only_where_asked_and_always_taken_back) {
        struct report_text_style style = {.colour = true};
        struct alert alert = sample_alert();
        struct strbuf b = {};

        report_text_alert(&alert, &style, &b);
        ck_assert_ptr_eq(strstr(b.data, "\033[1;31mHIGH\033[0m dropped_and_run"), b.data);
        ck_assert_ptr_null(strstr(b.data + 20, "\033"));
        strbuf_done(&b);
}
END_TEST

START_TEST(a_failed_call_says_how_it_failed) {
        struct report_text_style style = {};
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.steps[0].result = -13;
        report_text_alert(&alert, &style, &b);
        ck_assert_ptr_nonnull(strstr(b.data, " = -EACCES"));
        strbuf_done(&b);
}
END_TEST

START_TEST(a_summary_says_how_many_and_nothing_twice) {
        struct report_text_style style = {};
        struct alert alert = sample_alert();
        struct strbuf b = {};

        alert.summary = true;
        alert.suppressed = 12;
        alert.first_ns = alert.time_ns - 60 * NSEC_PER_SEC;
        report_text_alert(&alert, &style, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "HIGH dropped_and_run  2023-11-14 22:13:20.417 UTC  #3: 12 more of these in the last 60 s\n"
                         "  who    x[4711] uid 33, nginx.service: /tmp/x -i\n"
                         "  image  /tmp/x, of no package\n");
        strbuf_done(&b);
}
END_TEST

START_TEST(the_headline_of_an_entry_is_one_line) {
        struct alert alert = sample_alert();
        struct strbuf b = {};

        report_text_headline(&alert, &b);
        ck_assert_str_eq(strbuf_str(&b),
                         "dropped_and_run: A file is written and run by the same activity (x[4711] /tmp/x)");
        strbuf_done(&b);
}
END_TEST

START_TEST(a_notice_says_why) {
        struct report_text_style style = {};
        struct strbuf b = {};

        report_text_obscured(WIRE_OBSCURED_EVICTED, "p", "tree 1", 4, SAMPLE_TIME_NS, &style, &b);
        ck_assert_str_eq(
                strbuf_str(&b),
                "OBSCURED p  2023-11-14 22:13:20.417 UTC  an open story made room for another, 4 times: tree 1\n");
        strbuf_done(&b);
}
END_TEST

UNIT_MAIN("report/report-text", an_alert_reads_as_headline_and_story,
          what_did_not_happen_and_what_was_added_up_are_said, what_was_lost_meanwhile_is_said_and_why,
          who_ran_before_the_watch_began_is_named_once,
          what_the_kernel_did_and_where_what_led_to_it_is_saved_are_said,
          no_byte_can_forge_a_line_or_move_the_cursor, lines_fit_the_terminal,
          colour_only_where_asked_and_always_taken_back, a_failed_call_says_how_it_failed,
          a_summary_says_how_many_and_nothing_twice, the_headline_of_an_entry_is_one_line, a_notice_says_why)
