/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include "../unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "report/alert.h"
#include "sample-match.h"

static const char *const argv[] = {"/tmp/x", NULL};
static struct sample_match sample;
static struct redactor *redactor;
static struct report *report;
static FILE *file;
static int n_log_lines, n_output_waits;

static void on_log(int level, const char *line, size_t n, void *userdata) {
        n_log_lines++;
}

static void on_output_waits(void *userdata) {
        n_output_waits++;
}

static void begin(unsigned outputs, enum severity min_severity) {
        struct redact_options redact = {};
        struct report_options options = {.outputs = outputs, .min_severity = min_severity};

        sample_match_init(&sample, argv);
        ck_assert_int_eq(redactor_new(&redact, &redactor), 0);
        file = tmpfile();
        ck_assert_ptr_nonnull(file);
        options.fd = fileno(file);
        options.redactor = redactor;
        options.table = sample.table;
        ck_assert_int_eq(report_new(&options, &report), 0);
        report_set_offset(report, (int64_t)(UINT64_C(1700000000) * NSEC_PER_SEC));
        log_set_sink(on_log, NULL);
        n_log_lines = 0;
}

static void end(void) {
        log_set_sink(NULL, NULL);
        report = report_free(report);
        redactor = redactor_free(redactor);
        sample_match_done(&sample);
        fclose(file);
}

/* What was written, whole. */
static const char *written(void) {
        static char text[1 << 20];
        ssize_t n = pread(fileno(file), text, sizeof(text) - 1, 0);

        ck_assert_int_ge(n, 0);
        text[n] = 0;
        return text;
}

static int count(const char *text, const char *part) {
        int n = 0;

        while ((text = strstr(text, part))) {
                text += strlen(part);
                n++;
        }
        return n;
}

START_TEST(each_output_that_was_asked_for_gets_the_alert) {
        begin(REPORT_TEXT | REPORT_JSON, SEVERITY_INFO);
        ck_assert_int_eq(report_match(report, &sample.match), 0);
        ck_assert_int_eq(count(written(), "HIGH dropped_and_run"), 1);
        ck_assert_int_eq(count(written(), "{\"version\":1,"), 1);
        end();
}
END_TEST

START_TEST(no_output_still_counts) {
        struct report_stats stats;

        begin(0, SEVERITY_INFO);
        ck_assert_int_eq(report_match(report, &sample.match), 0);
        report_stats(report, &stats);
        ck_assert_uint_eq(stats.n_alerts, 1);
        ck_assert_uint_eq(stats.n_failed, 0);
        ck_assert_str_eq(written(), "");
        end();
}
END_TEST

START_TEST(alerts_are_counted_by_policy_in_order_of_name) {
        static const char *const names[] = {"mm", "zz", "aa", "mm", "m", "mmm", "aa"};
        const char *name, *last = "";
        uint64_t alerts, suppressed, sum = 0;

        begin(0, SEVERITY_INFO);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                sample.path.name = sample_string(&sample, names[i]);
                report_match(report, &sample.match);
        }
        sample.match.summary = true;
        sample.match.suppressed = 5;
        report_match(report, &sample.match);

        for (size_t i = 0; report_policy_at(report, i, &name, &alerts, &suppressed); i++) {
                ck_assert_int_lt(strcmp(last, name), 0);
                last = name;
                sum += alerts;
                ck_assert_uint_eq(alerts, streq(name, "aa") || streq(name, "mm") ? 2 : 1);
                ck_assert_uint_eq(suppressed, streq(name, "aa") ? 5 : 0);
        }
        ck_assert_uint_eq(sum, ELEMENTSOF(names));
        end();
}
END_TEST

START_TEST(what_is_below_the_severity_is_counted_not_told) {
        struct report_stats stats;

        begin(REPORT_JSON, SEVERITY_CRITICAL);
        report_match(report, &sample.match);
        ck_assert_str_eq(written(), "");
        report_set_min_severity(report, SEVERITY_HIGH);
        report_match(report, &sample.match);
        ck_assert_int_eq(count(written(), "\n"), 1);
        report_stats(report, &stats);
        ck_assert_uint_eq(stats.n_alerts, 2);
        ck_assert_uint_eq(stats.n_below, 1);
        end();
}
END_TEST

/* Scripts, as far as steps are concerned. */
struct asker {
        bool wants;
        int n_wanted, n_asked;
};

static bool wants(const struct match *match, void *userdata) {
        return false;
}

static bool wants_step(const struct match *match, void *userdata) {
        struct asker *asker = userdata;

        asker->n_wanted++;
        return asker->wants;
}

static int ask(uint64_t id, const struct match *match, const struct alert *alert, const char *json, size_t n,
               void *userdata) {
        struct asker *asker = userdata;

        ck_assert_uint_eq(n, strlen(json));
        ck_assert_int_eq(count(json, "\"type\":\"step\",\"step\":"), 1);
        asker->n_asked++;
        return 0;
}

START_TEST(a_step_is_asked_about_and_neither_told_nor_counted) {
        const struct alert_response answer = {.state = ALERT_RESPONSE_LOST};
        struct asker asker = {};
        struct report_hold hold = {.wants = wants, .ask = ask, .wants_step = wants_step, .userdata = &asker};
        struct report_stats stats;

        begin(REPORT_JSON, SEVERITY_INFO);
        sample.match.taken = sample.match.steps[0].step;
        report_step(report, &sample.match);     /* as in a replay: nobody is there to be asked */
        report_set_hold(report, &hold);
        report_step(report, &sample.match);
        asker.wants = true;
        report_step(report, &sample.match);
        ck_assert_int_eq(asker.n_wanted, 2);
        ck_assert_int_eq(asker.n_asked, 1);
        report_set_min_severity(report, SEVERITY_CRITICAL);
        report_step(report, &sample.match);
        ck_assert_int_eq(asker.n_wanted, 2);

        ck_assert_str_eq(written(), "");
        report_stats(report, &stats);
        ck_assert_uint_eq(stats.n_alerts + stats.n_held + stats.n_below + stats.n_failed, 0);

        report_answer(report, &(struct report_told){.generation = 3, .policy = "p", .step = 2}, &answer);
        ck_assert_int_eq(count(written(), "\"type\":\"response\",\"step\":2,\"number\":0,\"generation\":3,"), 1);
        end();
}
END_TEST

START_TEST(an_output_that_fails_is_counted_and_said_once) {
        struct report_stats stats;
        struct report_options options = {.outputs = REPORT_JSON | REPORT_TEXT};

        begin(0, SEVERITY_INFO);
        report = report_free(report);
        options.fd = -1;
        options.redactor = redactor;
        ck_assert_int_eq(report_new(&options, &report), 0);
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(report_match(report, &sample.match), -EBADF);
        report_stats(report, &stats);
        ck_assert_uint_eq(stats.n_failed, 10);
        ck_assert_int_eq(n_log_lines, 1);
        end();
}
END_TEST

START_TEST(a_reader_that_stops_is_not_waited_for_and_what_does_not_fit_is_counted) {
        struct report_options options = {
                .outputs = REPORT_JSON, .never_wait = true, .on_output_waits = on_output_waits};
        struct report_stats stats;
        int pipe_fds[2], n = 0;

        begin(0, SEVERITY_INFO);
        report = report_free(report);
        ck_assert_int_eq(pipe(pipe_fds), 0);
        options.fd = pipe_fds[1];
        options.redactor = redactor;
        ck_assert_int_eq(report_new(&options, &report), 0);
        ck_assert_int_ge(report_output_fd(report), 0);
        while (report_match(report, &sample.match) == 0)
                ck_assert_int_lt(n++, 100000);
        for (int i = 0; i < 9; i++)
                ck_assert_int_eq(report_match(report, &sample.match), -ENOBUFS);
        ck_assert(report_output_waits(report));
        ck_assert_int_eq(n_output_waits, 1);
        ck_assert_int_eq(n_log_lines, 1);
        report_stats(report, &stats);
        ck_assert_uint_eq(stats.n_failed, 10);
        ck_assert_uint_eq(stats.n_output_full, 10);
        ck_assert_uint_gt(stats.n_output_waiting, 0);

        /* He never comes back: what waited has failed, too. */
        report_finish_output(report);
        ck_assert_int_eq(n_log_lines, 2);
        n = (int)stats.n_output_waiting;
        report_stats(report, &stats);
        ck_assert_uint_eq(stats.n_failed, 10 + (uint64_t)n);
        ck_assert_uint_eq(stats.n_output_full, stats.n_failed);
        ck_assert_uint_eq(stats.n_output_waiting, 0);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        end();
}
END_TEST

START_TEST(notices_are_told_at_once_and_then_once_a_minute_with_their_count) {
        uint64_t now = NSEC_PER_SEC;

        begin(REPORT_JSON, SEVERITY_INFO);
        report_obscured(report, WIRE_OBSCURED_EVICTED, "p", "tree 1", now);
        for (int i = 0; i < 1000; i++)
                report_obscured(report, WIRE_OBSCURED_EVICTED, "p", "tree 2", now + i);
        ck_assert_int_eq(count(written(), "\n"), 1);

        /* Another policy or reason is another matter. */
        report_obscured(report, WIRE_OBSCURED_EVICTED, "q", "tree 1", now);
        report_obscured(report, WIRE_OBSCURED_LIMIT, "p", "tree 1", now);
        ck_assert_int_eq(count(written(), "\n"), 3);

        report_obscured(report, WIRE_OBSCURED_EVICTED, "p", "tree 3", now + NSEC_PER_MIN);
        ck_assert_int_eq(count(written(), "\"key\":\"tree 3\",\"count\":1001}"), 1);

        report_obscured(report, WIRE_OBSCURED_EVICTED, "p", "tree 4", now + NSEC_PER_MIN + 1);
        report_flush(report, now + NSEC_PER_MIN + 2);
        report_flush(report, now + NSEC_PER_MIN + 3);
        ck_assert_int_eq(count(written(), "\"key\":\"tree 4\",\"count\":1}"), 1);
        ck_assert_int_eq(count(written(), "\n"), 5);
        end();
}
END_TEST

START_TEST(more_kinds_of_notices_than_fit_are_still_counted) {
        struct report_stats stats;
        char name[16];

        begin(REPORT_JSON, SEVERITY_INFO);
        for (int i = 0; i < 1000; i++) {
                snprintf(name, sizeof(name), "p%d", i);
                report_obscured(report, WIRE_OBSCURED_EVICTED, name, "host", NSEC_PER_SEC);
        }
        report_flush(report, NSEC_PER_SEC);
        report_stats(report, &stats);
        ck_assert_uint_eq(stats.n_obscured, 1000);
        ck_assert_int_le(count(written(), "\n"), 66);
        end();
}
END_TEST

START_TEST(what_is_remembered_changes_nothing_that_is_told) {
        static const char *const secret_argv[] = {"/tmp/x", "--card-pin", "4711", "--token=abcdef", NULL};
        static const char *const names[] = {"card-pin"};
        struct redact_options strict = {.names = names, .n_names = 1};
        struct report_options options = {.outputs = REPORT_JSON | REPORT_TEXT, .remember = true};
        static char forgetful[1 << 16], remembering[1 << 16];
        struct redactor *other = NULL;
        struct report_stats stats;

        begin(REPORT_JSON | REPORT_TEXT, SEVERITY_INFO);
        sample_match_done(&sample);
        sample_match_init(&sample, secret_argv);
        options.fd = fileno(file);
        options.redactor = redactor;
        options.table = sample.table;
        for (int remember = 0; remember < 2; remember++) {
                char *text = remember ? remembering : forgetful;

                options.remember = remember;
                report = report_free(report);
                ck_assert_int_eq(report_new(&options, &report), 0);
                ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
                ck_assert_int_ge(lseek(fileno(file), 0, SEEK_SET), 0);
                for (int i = 0; i < 3; i++)
                        ck_assert_int_eq(report_match(report, &sample.match), 0);
                snprintf(text, sizeof(forgetful), "%s", written());
                report_stats(report, &stats);
                ck_assert_int_eq(stats.n_remembered > 0, remember);
        }
        ck_assert_str_eq(forgetful, remembering);
        ck_assert_int_gt(count(remembering, "4711"), 0);
        ck_assert_int_eq(count(remembering, "abcdef"), 0);

        /* Another redactor knows other secrets. */
        ck_assert_int_eq(redactor_new(&strict, &other), 0);
        report_set_redactor(report, other);
        ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
        ck_assert_int_ge(lseek(fileno(file), 0, SEEK_SET), 0);
        ck_assert_int_eq(report_match(report, &sample.match), 0);
        ck_assert_int_eq(count(written(), "--card-pin 4711"), 0);
        ck_assert_int_gt(count(written(), "--card-pin [redacted]"), 0);
        end();
        redactor_free(other);
}
END_TEST

static int make_once(void *userdata) {
        struct report_options options = {.redactor = redactor};
        struct report *r = NULL;
        int q = report_new(&options, &r);

        report_free(r);
        return q;
}

START_TEST(out_of_memory_fails_whole) {
        begin(0, SEVERITY_INFO);
        ck_assert_uint_ge(alloc_fail_sweep(make_once, NULL), 1);
        end();
}
END_TEST

UNIT_MAIN("report/report", each_output_that_was_asked_for_gets_the_alert, no_output_still_counts,
          alerts_are_counted_by_policy_in_order_of_name, what_is_below_the_severity_is_counted_not_told,
          a_step_is_asked_about_and_neither_told_nor_counted, an_output_that_fails_is_counted_and_said_once,
          notices_are_told_at_once_and_then_once_a_minute_with_their_count,
          more_kinds_of_notices_than_fit_are_still_counted,
          a_reader_that_stops_is_not_waited_for_and_what_does_not_fit_is_counted,
          what_is_remembered_changes_nothing_that_is_told, out_of_memory_fails_whole)
