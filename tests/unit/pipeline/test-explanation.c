/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/explanation.h"

#include "base/strbuf.h"

#include "unit.h"

static char *explain(const char *text, const char *name) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        const struct path_node *path;
        struct config config;
        struct strbuf b = {};
        struct diag_set diags;
        char *ret;

        diag_set_init(&diags, 0);
        ck_assert_int_eq(policy_set_parse("t.policy", text, strlen(text), NULL, &diags, &set), 0);
        diag_set_done(&diags);
        for (path = set->paths; !text_is(path->name, name); path = path->next)
                ;
        ck_assert_int_eq(config_init(CONFIG_PROFILE_BALANCED, &config), 0);
        ck_assert_int_eq(explanation_put(set, path, &config, &b), 0);
        config_done(&config);
        ck_assert_int_eq(strbuf_take(&b, &ret), 0);
        return ret;
}

static void expect(const char *text, const char *name, const char *part) {
        char *said = explain(text, name);

        ck_assert_msg(strstr(said, part), "'%s' is not in\n%s", part, said);
        free(said);
}

START_TEST(places_say_what_leads_where_and_what_ends_it) {
        const char policy[] =
                "path \"p\" { openat { created, $f = file } not exit { } write { file == $f } .. exit { } }";

        expect(policy, "p", "  place 0, the start: an event begins a run\n    step 1 -> place 1\n");
        expect(policy, "p", "  place 1\n    step 2 -> place 2\n    ends at exit { }\n");
        expect(policy, "p", "  place 2\n    step 3 -> alert\n    step 2 again is counted\n");
        expect(policy, "p", "  $f (object): the file as an object; kept at step 1\n");
}
END_TEST

START_TEST(the_ways_of_a_conditional_say_when) {
        expect("path \"p\" { exit { code == 1 } openat { created } ? write { } : connect { } exit { } }", "p",
               "    step 2 -> place 2 if not (created == false)\n    step 2 -> place 3 if created == false\n");
}
END_TEST

START_TEST(counts_absences_and_scores_are_places_too) {
        expect("path \"p\" { repeat 40 distinct dport within 10s { connect { } } no exit { } within 30s }", "p",
               "  place 0, the start: an event begins a run, counts to 40 different ones within 10s\n"
               "    step 1 is counted; the last -> place 1\n"
               "  place 1\n"
               "    step 2, when 30s have passed -> alert\n"
               "    ends at exit { }\n");
        expect("path \"p\" { repeat 40 within 10s { connect { } } }", "p",
               "    and up to 40 counted times in place 0, of ");
        expect("path \"p\" { score = 20 openat { created } +10 write { } +5 until exit { code == 1 } }", "p",
               "    step 1 adds 10 points\n    step 2 adds 5 points\n  everywhere\n    ends at exit { code == 1 }\n");
}
END_TEST

START_TEST(the_kernel_is_asked_for_what_this_path_needs_and_no_more) {
        const char policies[] =
                "path \"p\" { openat { pathname == \"/a\", flags & O_WRONLY } write { content contains \"x\" } }"
                "path \"q\" { openat { pathname == \"/b\", failed } execve { any env startswith \"X=\" } }";

        expect(policies, "p", "  openat: calls that succeed with any of O_WRONLY; the rest is dropped in the kernel\n");
        expect(policies, "p", "; attached for this policy alone\n  of each write: the first 256 bytes that ");
        expect(policies, "q", "  openat: calls that fail; the rest is dropped in the kernel\n");
        expect(policies, "q", "  the variable X of each program that is started\n");
        expect(policies, "q", "  execve: always attached");
}
END_TEST

START_TEST(cost_is_told_by_what_first_steps_are_filed_under) {
        expect("path \"p\" { openat { pathname == \"/a\" } exit { } }", "p",
               "  low: an event without its strings costs nothing\n  a first step is tried only if openat.pathname == "
               "\"/a\"\n");
        expect("path \"p\" { openat { created } exit { } }", "p", "  every openat is tried as step 1\n");
        expect("path \"p\" { openat { pathname =~ '^/[a-z]+[0-9]$' } exit { } }", "p",
               "  high: a regex is run on every value that it is asked about\n");
        expect("path \"p\" { openat { pathname =~ '^/k[a-z]+key[0-9]$' } exit { } }", "p", "is tried where '");
}
END_TEST

START_TEST(memory_is_that_of_the_longest_way) {
        expect("path \"p\" { openat { pathname == \"/a\" } }", "p", "  none: a story of one step is told at once");
        expect("path \"p\" { any { openat { created } block \"b\" { write { } write { } write { } } } exit { } }", "p",
               "bytes, with 3 steps and 0 captures\n");
        expect("path \"p\" { openat { created, $f = file } exit { } }", "p", "bytes, with 1 step and 1 capture\n");
}
END_TEST

UNIT_MAIN("pipeline/explanation", places_say_what_leads_where_and_what_ends_it, the_ways_of_a_conditional_say_when,
          counts_absences_and_scores_are_places_too, the_kernel_is_asked_for_what_this_path_needs_and_no_more,
          cost_is_told_by_what_first_steps_are_filed_under, memory_is_that_of_the_longest_way)
