/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/graph.h"

#include "fixture.h"

static void draw(const char *policy, struct strbuf *b) {
        struct policy_set *set = parse_good(policy);

        ck_assert_int_eq(graph_put(set->paths, b), 0);
        policy_set_free(set);
}

static void expect_in(const char *policy, const char *part) {
        struct strbuf b = {};

        draw(policy, &b);
        ck_assert_msg(strstr(strbuf_str(&b), part), "'%s' is not in\n%s", part, strbuf_str(&b));
        strbuf_done(&b);
}

static void expect_not_in(const char *policy, const char *part) {
        struct strbuf b = {};

        draw(policy, &b);
        ck_assert_msg(!strstr(strbuf_str(&b), part), "'%s' is in\n%s", part, strbuf_str(&b));
        strbuf_done(&b);
}

START_TEST(steps_follow_each_other_to_the_alert) {
        const char policy[] = "path \"p\" { openat { } write { } }";

        expect_in(policy, "n1 [ label=<<b>1. openat</b>");
        expect_in(policy, "n0 -> n1 [];\n    n1 -> n2 [];\n    n2 -> n3 [];\n");
        expect_in(policy, "n3 [shape=octagon");
}
END_TEST

START_TEST(a_repetition_leads_to_itself_and_one_of_none_is_passed_by) {
        expect_in("path \"p\" { openat { } .. write { } }", "n1 -> n1 [label=\" again, counted\" ];");
        expect_in("path \"p\" { openat { } connect { } ... write { } }", "n1 -> n3 [];\n    n2 -> n3 [];");
}
END_TEST

START_TEST(what_must_not_happen_is_red_and_leads_nowhere) {
        const char policy[] = "path \"p\" { openat { } not exit { } write { } }";

        expect_in(policy, "n1 -> n2 [style=dashed color=\"#b3261e\"");
        expect_in(policy, "n1 -> n3 [];");
        expect_not_in(policy, "n2 ->");
}
END_TEST

START_TEST(all_members_of_any_lead_on) {
        expect_in("path \"p\" { any { openat { } write { } } exit { } }",
                  "n0 -> n1 [];\n    n0 -> n2 [];\n    n1 -> n3 [];\n    n2 -> n3 [];");
}
END_TEST

START_TEST(a_conditional_has_two_ways_that_meet) {
        expect_in("path \"p\" { openat { created } ? write { } : connect { } exit { } }",
                  "n1 -> n2 [label=\" if so\" ];\n    n1 -> n3 [label=\" if not\" ];\n    n2 -> n4 [];\n    n3 -> n4 "
                  "[];");
        expect_in("path \"p\" { openat { created } ? write { } exit { } }", "n1 -> n3 [label=\" if not\" ];");
}
END_TEST

START_TEST(windows_are_frames) {
        const char policy[] = "path \"p\" { within = 5m openat { } block \"burst\" within 10s { write { } exit { } } }";

        expect_in(policy, "subgraph cluster_0 {");
        expect_in(policy, "within 5min from the first step to the last");
        expect_in(policy, "subgraph cluster_1 {");
        expect_in(policy, "<b>burst</b><br align=\"left\"/>within 10s");
}
END_TEST

START_TEST(a_value_is_traced_from_where_it_is_kept_on_the_same_way) {
        const char policy[] = "path \"p\" { any { block \"a\" { openat { $f = file } write { file == $f } } "
                              "block \"b\" { chmod { $f = file } write { file == $f } } } write { file == $f } }";

        expect_in(policy, "n1 -> n2 [style=dotted");
        expect_in(policy, "n3 -> n4 [style=dotted");
        expect_in(policy, "n1 -> n5 [style=dotted");
        expect_in(policy, "n3 -> n5 [style=dotted");
        expect_not_in(policy, "n1 -> n4");
}
END_TEST

START_TEST(bytes_of_a_policy_do_not_leave_their_label) {
        expect_in("path \"a<b>&\\\"]\" { description = \"\\n\" exit { code == 1 } }",
                  "<b>a&lt;b&gt;&amp;&quot;&#93;</b><br align=\"left\"/>\\x0a<br");
        expect_in("path \"p\" { openat { pathname == \"/<br/>\" } }", "pathname is &quot;/&lt;br/&gt;&quot;");
}
END_TEST

START_TEST(groups_that_count_or_wait_say_how) {
        expect_in("path \"p\" { all { openat { created } write { } } exit { } }", "each of these once, in any order");
        expect_in("path \"p\" { repeat 40 distinct dport within 10s { connect { } } }",
                  "label=<40 times within 10s, counting different values of dport<br");
        expect_in("path \"p\" { openat { created } no write { } within 30s }",
                  "n2 -> n3 [label=\" 30s have passed\" ];");
        expect_in("path \"p\" { until exit { } openat { created } write { } }",
                  "label=\" ends the story at any time\"");
        expect_in("path \"p\" { score = 20 openat { created } +10 write { } +5 }", "alert at 20 points");
}
END_TEST

START_TEST(exceptions_are_notes) {
        expect_in("path \"p\" { exit { code == 1 } except \"they may\" { proc.uid == 7 } }",
                  "they may:<br align=\"left\"/>the process's uid is 7");
}
END_TEST

UNIT_MAIN("policy/graph", steps_follow_each_other_to_the_alert,
          a_repetition_leads_to_itself_and_one_of_none_is_passed_by,
          what_must_not_happen_is_red_and_leads_nowhere, all_members_of_any_lead_on,
          a_conditional_has_two_ways_that_meet, windows_are_frames,
          a_value_is_traced_from_where_it_is_kept_on_the_same_way, bytes_of_a_policy_do_not_leave_their_label,
          groups_that_count_or_wait_say_how, exceptions_are_notes)
