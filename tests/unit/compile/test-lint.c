/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/lint.h"

#include "base/strbuf.h"

#include "unit.h"

/* The codes of all that is said of these policies, by the linter alone. */
static void expect_codes(const char *text, const char *expected) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        struct diag_set diags, said;
        struct strbuf b = {};

        diag_set_init(&diags, 0);
        ck_assert_msg(policy_set_parse("t.policy", text, strlen(text), NULL, &diags, &set) == 0, "%s: %s", text,
                      diags.list.n > 0 ? diags.list.items[0].text : "");
        diag_set_done(&diags);

        diag_set_init(&said, 0);
        ck_assert_int_eq(lint_policies(set, &said), 0);
        ck_assert_uint_eq(said.n_errors, 0);
        ARRAY_FOREACH(d, &said.list)
                strbuf_printf(&b, "%s%u:%s", d > said.list.items ? " " : "", d->span.column, d->code);
        strbuf_put(&b, "");
        ck_assert_msg(streq(strbuf_str(&b), expected), "%s\n  gives '%s'\n  and not '%s'", text, strbuf_str(&b),
                      expected);
        strbuf_done(&b);
        diag_set_done(&said);
}

static void expect_regex(const char *regex, const char *expected) {
        char policy[512];

        snprintf(policy, sizeof(policy), "path \"p\" { write { content =~ '%s' } exit { } }", regex);
        expect_codes(policy, expected);
}

START_TEST(a_member_of_any_that_an_earlier_one_covers_adds_nothing) {
        expect_codes("path \"p\" { any { openat { created } openat { created, failed } } exit { } }", "");
        expect_codes("path \"p\" { any { openat { created } openat { mode == 1, created } } exit { } }",
                     "37:unreachable-member");
        expect_codes(
                "path \"p\" { any { openat { pathname startswith \"/e\" } openat { pathname == \"/etc\" } } exit { } }",
                "54:unreachable-member");
        expect_codes(
                "path \"p\" { any { openat { pathname == \"/etc\" } openat { pathname startswith \"/e\" } } exit { } }",
                "");
        expect_codes("path \"p\" { any { openat { pathname endswith \"/a\" } openat { pathname startswith \"/a\" } } "
                     "exit { } }",
                     "");
        expect_codes("path \"p\" { any { openat { } write { length > 3 } } exit { } }", "");
        expect_codes("path \"p\" { any { openat { $f = file } openat { created, $f = file } } write { file == $f } }",
                     "");
}
END_TEST

START_TEST(a_step_that_until_takes_is_the_last_of_every_story) {
        expect_codes("path \"p\" { until exit { } openat { created } exit { code == 1 } write { } }",
                     "46:unreachable-after-until");
        expect_codes("path \"p\" { until exit { } openat { created } exit { code == 1 } }", "");
        expect_codes("path \"p\" { until exit { code == 1 } openat { created } exit { } write { } }", "");
        expect_codes("path \"p\" { until exit { } openat { created } any { exit { code == 1 } write { } } }", "");
}
END_TEST

START_TEST(a_step_that_an_exception_hides_is_never_taken) {
        expect_codes("path \"p\" { openat { created, proc.uid == 0 } except { proc.uid == 0 } }", "12:hidden-step");
        expect_codes("path \"p\" { openat { created, proc.uid == 1 } except { proc.uid == 0 } }", "");
        expect_codes("path \"p\" { openat { created } except { proc.uid == 0 } }", "");
        expect_codes("path \"p\" { openat { created, proc.uid == 0 } except { proc.uid == 0, failed } }", "");
}
END_TEST

START_TEST(a_story_that_begins_with_a_busy_kind_has_a_window) {
        expect_codes("path \"p\" { within = unlimited openat { created } connect { } }", "31:no-window");
        expect_codes("path \"p\" { within = unlimited any { connect { dport == 1 } block \"b\" { write { } exit { } } "
                     "} connect { } }",
                     "72:no-window");
        expect_codes("path \"p\" { within = unlimited connect { dport == 1 } openat { } }", "");
        expect_codes("path \"p\" { within = unlimited openat { created } }", "");
        expect_codes("path \"p\" { openat { created } connect { } }", "");
}
END_TEST

START_TEST(a_regex_without_a_text_that_must_be_there_is_slow) {
        expect_regex("^[a-z]+[0-9]$", "31:regex-slow");
        expect_regex("^[a-z]+key[0-9]$", "");
        expect_regex("^/tmp/", "");
        expect_regex("\\.(sh|py)$", "");
}
END_TEST

START_TEST(a_regex_beside_a_comparison_that_chooses_is_not_slow) {
        expect_codes("path \"p\" { openat { proc.name == \"sh\", pathname =~ '^/[a-z]+[0-9]$' } }", "");
        expect_codes("path \"p\" { openat { pathname =~ '^/[a-z]+[0-9]$', proc.name in [\"sh\", \"ash\"] } }", "");
        expect_codes("path \"p\" { openat { proc.name == \"sh\" or proc.uid == 0, pathname =~ '^/[a-z]+[0-9]$' } }",
                     "");
        expect_codes("path \"p\" { openat { not proc.name == \"sh\", pathname =~ '^/[a-z]+[0-9]$' } }",
                     "56:regex-slow");
        expect_codes("path \"p\" { openat { proc.name == \"sh\" or pathname =~ '^/[a-z]+[0-9]$' } }", "54:regex-slow");
        expect_codes("path \"p\" { openat { proc.name == \"sh\" or created, pathname =~ '^/[a-z]+[0-9]$' } }",
                     "63:regex-slow");
}
END_TEST

START_TEST(a_repetition_in_a_repetition_of_the_same_backtracks) {
        expect_regex("(x+)+key[0-9]$", "31:regex-backtracks");
        expect_regex("(x*)*key[0-9]", "31:regex-backtracks");
        expect_regex("(.*,)*key[0-9]", "31:regex-backtracks");
        expect_regex("([^=]*=[^;]*;)+key[0-9]", "");
        expect_regex("(a|[a-z]+)*key[0-9]", "31:regex-backtracks");
        expect_regex("(key[a-z]*[0-9]?)+;[0-9]", "31:regex-backtracks");
        expect_regex("^(/[^/]+)*/key[0-9]", "");
        expect_regex("(key[0-9]*;)+[0-9]", "");
        expect_regex("([a-z]+ )+key[0-9]", "");
}
END_TEST

static int sweep(void *userdata) {
        static const char text[] = "path \"p\" { write { content =~ '(x+)+k[0-9]' } exit { } }";
        static struct policy_set *set;
        struct diag_set diags;
        int r;

        if (!set && policy_set_parse("t.policy", text, strlen(text), NULL, NULL, &set) < 0)
                return -ENOMEM;
        diag_set_init(&diags, 0);
        r = lint_policies(set, &diags);
        if (diags.n_dropped > 0)        /* the message went, not the judgement */
                r = -ENOMEM;
        diag_set_done(&diags);
        if (r >= 0)
                set = policy_set_free(set);
        return r;
}

START_TEST(without_memory_nothing_is_judged) {
        alloc_fail_sweep(sweep, NULL);
}
END_TEST

UNIT_MAIN("compile/lint", a_member_of_any_that_an_earlier_one_covers_adds_nothing,
          a_step_that_until_takes_is_the_last_of_every_story, a_step_that_an_exception_hides_is_never_taken,
          a_story_that_begins_with_a_busy_kind_has_a_window, a_regex_without_a_text_that_must_be_there_is_slow,
          a_regex_beside_a_comparison_that_chooses_is_not_slow,
          a_repetition_in_a_repetition_of_the_same_backtracks, without_memory_nothing_is_judged)
