/* SPDX-License-Identifier: Apache-2.0 */
#include "story/suite.h"

#include <errno.h>

#include "base/strbuf.h"
#include "unit.h"

static struct suite *suite;
static struct diag_set diags;

static int parse(const char *text) {
        diag_set_done(&diags);
        diag_set_init(&diags, 0);
        suite = suite_free(suite);
        return suite_parse("dir/x.test.yaml", text, strlen(text), &diags, &suite);
}

static void says(const char *text, const char *expected) {
        const struct diag_source source = {"dir/x.test.yaml", text, strlen(text)};
        struct strbuf b = {};

        ck_assert_int_eq(parse(text), -EBADMSG);
        diag_set_put_text(&diags, &source, 1, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        strbuf_done(&b);
}

#define EVENTS                  \
        "    events: |\n"       \
        "      0s p exit\n"

START_TEST(test_has_a_name_a_story_and_what_is_expected_of_it) {
        const struct suite_alert *alert;

        ck_assert_int_eq(parse("policies: [a.policy, b]\n"
                               "tests:\n"
                               "  - name: first\n"
                               "    events: |\n"
                               "      0s p openat pathname=/a\n"
                               "\n"
                               "      # in the middle\n"
                               "      1s p exit\n"
                               "    alerts:\n"
                               "      - plain\n"
                               "      - path: full\n"
                               "        count: 2\n"
                               "        at: 1.5s\n"
                               "        key: tree:p\n"
                               "        steps: [1@0s, 2, 3*4]\n"
                               "        captures: {$file: /a, $n: 3}\n"
                               "        uncertain: no\n"
                               "        gap: 7\n"
                               "        starts: 2\n"
                               "        summary: 3\n"
                               "    others: allowed\n"
                               "    no_alerts: [third]\n"),
                         0);
        ck_assert_uint_eq(suite->policies.n, 2);
        ck_assert_str_eq(suite->policies.items[1].text, "b");
        ck_assert_uint_eq(suite->tests.n, 1);

        ck_assert_str_eq(suite->tests.items[0].name, "first");
        ck_assert(suite->tests.items[0].has_alerts && suite->tests.items[0].others_allowed);
        ck_assert_str_eq(suite->tests.items[0].no_alerts.items[0].text, "third");
        ck_assert_uint_eq(suite->tests.items[0].alerts.n, 2);
        ck_assert_str_eq(suite->tests.items[0].alerts.items[0].path, "plain");
        ck_assert_uint_eq(suite->tests.items[0].alerts.items[0].count, 1);

        alert = &suite->tests.items[0].alerts.items[1];
        ck_assert_str_eq(alert->path, "full");
        ck_assert_uint_eq(alert->count, 2);
        ck_assert(alert->has_at && alert->at_ns == 1500000000);
        ck_assert_str_eq(alert->key, "tree:p");
        ck_assert_uint_eq(alert->steps.n, 3);
        ck_assert(alert->steps.items[0].number == 1 && alert->steps.items[0].has_time);
        ck_assert(alert->steps.items[1].number == 2 && !alert->steps.items[1].has_time);
        ck_assert(alert->steps.items[2].has_count && alert->steps.items[2].count == 4);
        ck_assert_uint_eq(alert->captures.n, 2);
        ck_assert_str_eq(alert->captures.items[0].name, "$file");
        ck_assert_str_eq(alert->captures.items[0].text, "/a");
        ck_assert(alert->has_uncertain && !alert->uncertain);
        ck_assert(alert->has_gap && alert->gap == 7);
        ck_assert_uint_eq(alert->starts, 2);
        ck_assert(alert->has_summary && alert->summary == 3);
}
END_TEST

START_TEST(story_is_taken_as_it_stands_in_the_file) {
        const struct story_source *events;

        ck_assert_int_eq(parse("tests:\n"
                               "  - name: a\n"
                               "    events: |\n"
                               "      0s p exit\n"
                               "      1s q exit\n"
                               "\n"
                               "    # not of the story\n"
                               "    alerts: none\n"),
                         0);
        events = &suite->tests.items[0].events;
        ck_assert_uint_eq(events->line, 4);
        ck_assert(memeq_str(events->text, events->n, "      0s p exit\n      1s q exit\n"));
        ck_assert_ptr_eq(events->text, suite->text + events->offset);
        ck_assert(suite->tests.items[0].has_alerts);
        ck_assert_uint_eq(suite->tests.items[0].alerts.n, 0);
}
END_TEST

START_TEST(story_at_the_end_of_a_file_without_a_newline_is_whole) {
        const struct story_source *events;

        ck_assert_int_eq(
                parse("tests:\n  - name: a\n    alerts: none\n    events: |\n      0s p exit\n      1s q exit"), 0);
        events = &suite->tests.items[0].events;
        ck_assert(memeq_str(events->text, events->n, "      0s p exit\n      1s q exit"));
}
END_TEST

START_TEST(recording_takes_the_place_of_a_story) {
        ck_assert_int_eq(parse("tests:\n  - {name: a, recording: b.trace, no_alerts: [x]}\n"), 0);
        ck_assert_str_eq(suite->tests.items[0].recording.text, "b.trace");
        ck_assert_ptr_null(suite->tests.items[0].events.text);
        ck_assert(!suite->tests.items[0].has_alerts);
}
END_TEST

START_TEST(origin_says_whether_somebody_wrote_the_stories_or_a_kernel_told_them) {
        ck_assert_int_eq(parse("origin: hand-written\ntests:\n  - {name: a, recording: b, no_alerts: [x]}\n"), 0);
        ck_assert_str_eq(suite->origin, "hand-written");
        ck_assert_int_eq(parse("origin: \"recorded, Linux 6.1, 2025-01-31\"\n"
                               "tests:\n  - {name: a, recording: b, no_alerts: [x]}\n"),
                         0);
        ck_assert_str_eq(suite->origin, "recorded, Linux 6.1, 2025-01-31");
        says("origin: somewhere\ntests:\n  - {name: a, recording: b, no_alerts: [x]}\n",
             "dir/x.test.yaml:1:9: error: stories are hand-written, or \"recorded, KERNEL, DATE\"\n"
             "    1 | origin: somewhere\n"
             "      |         ^~~~~~~~~\n");
}
END_TEST

START_TEST(word_that_is_not_known_is_said_with_what_was_meant) {
        says("polices: x\n"
             "tests:\n"
             "  - name: a\n"
             "    event: |\n"
             "      0s p exit\n"
             "    alerts:\n"
             "      - pth: x\n",
             "dir/x.test.yaml:1:1: error: a file of tests has no 'polices'\n"
             "    1 | polices: x\n"
             "      | ^~~~~~~\n"
             "      = did you mean 'policies'?\n"
             "dir/x.test.yaml:4:5: error: a test has no 'event'\n"
             "    4 |     event: |\n"
             "      |     ^~~~~\n"
             "      = did you mean 'events'?\n"
             "dir/x.test.yaml:7:9: error: an alert has no 'pth'\n"
             "    7 |       - pth: x\n"
             "      |         ^~~\n"
             "      = did you mean 'path'?\n");
}
END_TEST

START_TEST(test_that_could_not_fail_is_refused) {
        says("tests:\n  - name: a\n" EVENTS,
             "dir/x.test.yaml:2:5: error: a test that expects nothing shows nothing: it needs `alerts` or `no_alerts`\n"
             "    2 |   - name: a\n"
             "      |     ^\n");
        says("tests:\n  - name: a\n    alerts: none\n",
             "dir/x.test.yaml:2:5: error: a test needs either `events` or a `recording`\n"
             "    2 |   - name: a\n"
             "      |     ^\n");
        says("policies: x\n",
             "dir/x.test.yaml:1:1: error: there are no `tests`\n"
             "    1 | policies: x\n"
             "      | ^\n");
        says("# nothing\n", "dir/x.test.yaml: error: the file is empty\n");
}
END_TEST

START_TEST(values_of_the_wrong_form_are_said_with_their_place) {
        says("tests:\n"
             "  - name: a\n"
             "    events: 0s p exit\n"
             "    alerts:\n"
             "      - path: x\n"
             "        steps: [one]\n"
             "        at: noon\n"
             "        count: -1\n"
             "        uncertain: perhaps\n"
             "        captures: {file: /a}\n"
             "    others: maybe\n",
             "dir/x.test.yaml:3:13: error: a story is a block of lines\n"
             "    3 |     events: 0s p exit\n"
             "      |             ^~~~~~~~~\n"
             "      = write `events: |` and the events below, one a line, indented\n"
             "dir/x.test.yaml:6:17: error: 'one' is no step: write 2, 2@1.5s or 2*3, as in [1@0s, 2*3]\n"
             "    6 |         steps: [one]\n"
             "      |                 ^~~\n"
             "dir/x.test.yaml:7:13: error: 'noon' is no time, as in 1.5s\n"
             "    7 |         at: noon\n"
             "      |             ^~~~\n"
             "dir/x.test.yaml:8:16: error: '-1' is no number from 0 to 1000\n"
             "    8 |         count: -1\n"
             "      |                ^~\n"
             "dir/x.test.yaml:9:20: error: 'perhaps' is neither yes nor no\n"
             "    9 |         uncertain: perhaps\n"
             "      |                    ^~~~~~~\n"
             "dir/x.test.yaml:10:20: error: the name of a capture begins with a dollar sign\n"
             "   10 |         captures: {file: /a}\n"
             "      |                    ^~~~\n"
             "dir/x.test.yaml:11:13: error: others are allowed or forbidden\n"
             "   11 |     others: maybe\n"
             "      |             ^~~~~\n");
}
END_TEST

static int attempt(void *userdata) {
        static const char text[] = "policies: [a]\n"
                                   "tests:\n"
                                   "  - name: a\n" EVENTS "    alerts:\n"
                                   "      - {path: x, steps: [1, 2], captures: {$a: b}}\n"
                                   "    no_alerts: [y]\n";
        struct suite *s = NULL;
        int r;

        r = suite_parse("s", text, sizeof(text) - 1, NULL, &s);
        suite_free(s);
        return r;
}

START_TEST(memory_that_runs_out_is_said_and_nothing_leaks) {
        ck_assert_uint_gt(alloc_fail_sweep(attempt, NULL), 5);
}
END_TEST

UNIT_MAIN("story/suite",
          test_has_a_name_a_story_and_what_is_expected_of_it,
          story_is_taken_as_it_stands_in_the_file,
          story_at_the_end_of_a_file_without_a_newline_is_whole,
          recording_takes_the_place_of_a_story,
          origin_says_whether_somebody_wrote_the_stories_or_a_kernel_told_them,
          word_that_is_not_known_is_said_with_what_was_meant,
          test_that_could_not_fail_is_refused,
          values_of_the_wrong_form_are_said_with_their_place,
          memory_that_runs_out_is_said_and_nothing_leaks)
