/* SPDX-License-Identifier: Apache-2.0 */
#include "rehearsal/verdict.h"

#include "base/strbuf.h"
#include "play.h"
#include "unit.h"

/* Two alerts: of /a at 1s, of /b at 2s; and another path, one. */
#define POLICY                                                                                                         \
        "path \"each\" { suppress = 0s  by = process  openat { $f = pathname } }\n"                                    \
        "path \"other\" { chmod { } }\n"                                                                               \
        "path \"silent\" { connect { } }\n"
#define EVENTS "1s p openat pathname=/a\n2s q openat pathname=/b\n3s q chmod pathname=/c\n"

static struct play play;

/* The failures of a test that expects this, as text. */
static void judged(const char *expects, const char *expected) {
        struct strbuf text = {}, b = {};
        struct verdict verdict;
        struct suite *suite = NULL;

        strbuf_printf(&text, "tests:\n  - name: t\n    events: |\n      0s p exit\n%s", expects);
        ck_assert_int_eq(suite_parse("s", strbuf_str(&text), text.n, NULL, &suite), 0);
        ck_assert_int_eq(verdict_find(&suite->tests.items[0], rehearsal_alerts(play.rehearsal), WORLD_START_NS,
                                      &verdict),
                         0);
        ARRAY_FOREACH(failure, &verdict.failures)
                verdict_put(failure, rehearsal_alerts(play.rehearsal), WORLD_START_NS, &b);
        ck_assert_str_eq(strbuf_str(&b), expected);
        verdict_done(&verdict);
        suite_free(suite);
        strbuf_done(&text);
        strbuf_done(&b);
}

static void setup(void) {
        play_open(&play, POLICY, EVENTS, NULL);
}

START_TEST(all_that_is_expected_and_nothing_else_is_good) {
        setup();
        judged("    alerts: [each, other, each]\n", "");
        judged("    alerts: [other, {path: each, count: 2}]\n", "");
        judged("    alerts: [{path: other, at: 3s, key: tree:q, steps: [1@3s], uncertain: no, gap: 0, starts: 1}]\n"
               "    others: allowed\n", "");
        play_close(&play);
}
END_TEST

START_TEST(general_line_leaves_the_alert_to_the_one_that_needs_it) {
        setup();
        judged("    alerts: [each, {path: each, captures: {$f: /a}}, other]\n", "");
        judged("    alerts: [each, {path: each, captures: {$f: /b}}, other]\n", "");
        judged("    alerts: [{path: each, key: process:p}, {path: each, captures: {$f: /a}}, other]\n",
               "line 5 expects each with $f=/a: it did not come\n"
               "  came: at 1s, key process:p, steps 1@1s, $f=/a\n"
               "  came: at 2s, key process:q, steps 1@2s, $f=/b\n"
               "not expected: each: it came at 2s, key process:q, steps 1@2s, $f=/b\n");
        play_close(&play);
}
END_TEST

START_TEST(what_is_missing_is_told_with_what_came_instead) {
        setup();
        judged("    alerts: [{path: each, count: 3}, other, silent]\n",
               "line 5 expects each, 3 times: it came 2 times\n"
               "  came: at 1s, key process:p, steps 1@1s, $f=/a\n"
               "  came: at 2s, key process:q, steps 1@2s, $f=/b\n"
               "line 5 expects silent: it did not come\n");
        judged("    alerts: [{path: other, at: 4s, key: tree:p, steps: [1@3s, 2*4], uncertain: yes, gap: 1, starts: 2, "
               "summary: 3}]\n"
               "    others: allowed\n",
               "line 5 expects other with summary 3, at 4s, key tree:p, steps 1@3s 2*4, uncertain, gap 1, starts 2: it "
               "did not come\n"
               "  came: at 3s, key tree:q, steps 1@3s\n");
        play_close(&play);
}
END_TEST

START_TEST(what_may_not_come_fails_when_it_comes) {
        setup();
        judged("    no_alerts: [silent]\n", "");
        judged("    no_alerts: [other]\n", "line 5 forbids other: it came at 3s, key tree:q, steps 1@3s\n");
        judged("    alerts: [{path: each, count: 0, captures: {$f: /b}}]\n    others: allowed\n",
               "line 5 expects none of each with $f=/b: it came at 2s, key process:q, steps 1@2s, $f=/b\n");
        judged("    alerts: none\n",
               "not expected: each: it came at 1s, key process:p, steps 1@1s, $f=/a\n"
               "not expected: each: it came at 2s, key process:q, steps 1@2s, $f=/b\n"
               "not expected: other: it came at 3s, key tree:q, steps 1@3s\n");
        play_close(&play);
}
END_TEST

START_TEST(name_that_no_policy_has_is_said_with_what_was_meant) {
        static const char text[] = "tests:\n  - name: t\n    events: |\n      0s p exit\n    alerts: [eech]\n"
                                   "    no_alerts: [slient, other]\n";
        struct diag_set diags;
        struct suite *suite = NULL;
        struct strbuf b = {};

        setup();
        diag_set_init(&diags, 0);
        ck_assert_int_eq(suite_parse("s", text, sizeof(text) - 1, &diags, &suite), 0);
        verdict_check_names(suite, play.program, &diags);
        diag_set_put_text(&diags, NULL, 0, &b);
        ck_assert_str_eq(strbuf_str(&b), "s:5:14: error: no path of the policies is named 'eech'\n"
                                         "      = did you mean 'each'?\n"
                                         "s:6:17: error: no path of the policies is named 'slient'\n"
                                         "      = did you mean 'silent'?\n");
        suite_free(suite);
        diag_set_done(&diags);
        strbuf_done(&b);
        play_close(&play);
}
END_TEST

UNIT_MAIN("rehearsal/verdict",
          all_that_is_expected_and_nothing_else_is_good,
          general_line_leaves_the_alert_to_the_one_that_needs_it,
          what_is_missing_is_told_with_what_came_instead,
          what_may_not_come_fails_when_it_comes,
          name_that_no_policy_has_is_said_with_what_was_meant)
