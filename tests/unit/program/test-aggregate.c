/* SPDX-License-Identifier: Apache-2.0 */
#include "program/aggregate.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "compile/compile.h"
#include "policy/policy-set.h"
#include "program/uses.h"

#include "unit.h"

static struct program *compile(const char *policy) {
        _cleanup_(strbuf_done) struct strbuf messages = {};
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        struct program *program = NULL;
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse("policy", policy, strlen(policy), NULL, &diags, &set);
        policy_set_put_diags(set, &diags, &messages);
        if (r >= 0)
                r = compile_policies(set, NULL, &diags, &program);
        ck_assert_msg(r >= 0, "%s: %.2000s", policy, strbuf_str(&messages));
        diag_set_done(&diags);
        return program;
}

/* Of the path `p { BODY }`, for writes. */
static uint32_t most(const char *body) {
        struct program *program;
        char policy[512];
        uint32_t n;

        snprintf(policy, sizeof(policy), "path \"p\" { %s }", body);
        program = compile(policy);
        n = aggregate_most(program, &program->paths[0], WIRE_KIND_write);
        program_unref(program);
        return n;
}

START_TEST(path_of_one_step_takes_as_many_as_there_are) {
        ck_assert_uint_eq(most("write { }"), WIRE_MAX_AGGREGATE);
        ck_assert_uint_eq(most("write { pathname startswith \"/etc/\" and not proc.exe == \"/bin/a\" }"),
                          WIRE_MAX_AGGREGATE);
        ck_assert_uint_eq(most("any { write { } openat { } }"), WIRE_MAX_AGGREGATE);
        ck_assert_uint_eq(most("by = user write { } except { proc.name == \"a\" }"), WIRE_MAX_AGGREGATE);
}
END_TEST

START_TEST(count_is_complete_at_once_when_a_burst_completes_it) {
        ck_assert_uint_eq(most("repeat 20 within 10s { write { } }"), 19);
        ck_assert_uint_eq(most("repeat 2 { write { } }"), 1);
        ck_assert_uint_eq(most("score = 100 decay = 1 per 60s write { } +10"), 10);
        ck_assert_uint_eq(most("score = 5 decay = 1 per 60s write { } +10"), 1);
}
END_TEST

START_TEST(story_that_needs_each_event_takes_none) {
        static const char *const bodies[] = {
                "execve { } write { }",
                "write { } execve { }",
                "write { } write { }",
                "write { $f = pathname } unlink { pathname == $f }",
                "openat { } not write { } unlink { }",
                "until write { } openat { }",
                "until exit { } write { }",
                "openat { } no write { } within 10s",
                "repeat 5 distinct pathname within 10s { write { } }",
                "repeat 5 within 10s { write { } } execve { }",
                "execve { } repeat 5 within 10s { write { } }",
                "by = descent write { }",
                "suppress = 0s write { }",      /* each is an alert */
                "all { write { } openat { } }",
                "score = 10 write { } +4 openat { } +7",
        };

        for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
                ck_assert_msg(most(bodies[i]) == 0, "%s", bodies[i]);
}
END_TEST

START_TEST(window_that_a_turn_of_the_clock_decides_takes_none) {
        ck_assert_uint_eq(most("repeat 5 within 1s { write { } }"), 0);
        ck_assert_uint_eq(most("repeat 5 within 2s { write { } }"), 4);
        ck_assert_uint_eq(most("within = 1s repeat 5 { write { } }"), 0);
        ck_assert_uint_eq(most("suppress = 1s write { }"), 0);
}
END_TEST

START_TEST(what_differs_between_the_events_must_not_be_looked_at) {
        ck_assert_uint_eq(most("write { length > 100 }"), 0);
        ck_assert_uint_eq(most("write { offset == 0 }"), 0);
        ck_assert_uint_eq(most("write { pathname == \"/a\" or not result == 1 }"), 0);
        ck_assert_uint_eq(most("write { } except { length > 100 }"), 0);
        ck_assert_uint_eq(most("write { failed }"), WIRE_MAX_AGGREGATE);
        ck_assert_uint_eq(most("write { content contains \"x\" }"), WIRE_MAX_AGGREGATE);
}
END_TEST

START_TEST(what_may_have_changed_until_they_are_told_must_not_be_looked_at) {
        ck_assert_uint_eq(most("write { parent.name == \"sh\" }"), 0);
        ck_assert_uint_eq(most("write { ancestor.exe == \"/bin/sh\" }"), 0);
        ck_assert_uint_eq(most("write { ancestor { exe == \"/bin/sh\" and name == \"sh\" } }"), 0);
        ck_assert_uint_eq(most("write { proc.uid == 0 and proc.exe == \"/bin/sh\" and proc.unit == \"a.service\" }"),
                          WIRE_MAX_AGGREGATE);
}
END_TEST

START_TEST(kind_of_another_path_is_its_own_business) {
        struct program *program = compile("path \"p\" { any { write { } read { length > 7 } } }");

        ck_assert_uint_eq(aggregate_most(program, &program->paths[0], WIRE_KIND_write), WIRE_MAX_AGGREGATE);
        ck_assert_uint_eq(aggregate_most(program, &program->paths[0], WIRE_KIND_read), 0);
        program_unref(program);
}
END_TEST

START_TEST(kinds_of_the_process_table_are_never_counted) {
        struct program *program = compile("path \"p\" { any { exit { } fork { } execve { } } }");

        ck_assert_uint_eq(aggregate_most(program, &program->paths[0], WIRE_KIND_exit), 0);
        ck_assert_uint_eq(aggregate_most(program, &program->paths[0], WIRE_KIND_fork), 0);
        ck_assert_uint_eq(aggregate_most(program, &program->paths[0], WIRE_KIND_execve), 0);
        program_unref(program);
}
END_TEST

/* What the kernel is told. */

static struct prefilter *collect(const char *policy, unsigned what) {
        struct program *program = compile(policy);
        struct prefilter *prefilter;

        ck_assert_int_eq(uses_collect(program, what, &prefilter), 0);
        program_unref(program);
        return prefilter;
}

START_TEST(uses_that_only_count_are_told_from_those_that_do_not) {
        struct prefilter *prefilter = collect("path \"p\" { repeat 9 { write { pathname == \"/a\" } } }\n"
                                              "path \"q\" { execve { } write { pathname == \"/b\" } }\n"
                                              "path \"r\" { repeat 5 { write { pathname == \"/c\" } } }\n",
                                              USES_FILTER | USES_AGGREGATE);
        const struct prefilter_kind *writes = &prefilter->kinds[WIRE_KIND_write];

        ck_assert(writes->active);
        ck_assert_uint_eq(writes->n_uses, 3);
        ck_assert_int_eq(__builtin_popcountll(writes->counting & 7), 2);
        ck_assert_uint_eq(writes->counting >> 3, UINT64_MAX >> 3);
        ck_assert_uint_eq(writes->most, 4);     /* the least of them */
        prefilter_free(prefilter);
}
END_TEST

START_TEST(without_it_or_where_all_need_each_event_nothing_is_counted) {
        struct prefilter *prefilter = collect("path \"p\" { repeat 9 { write { } } }", USES_FILTER);

        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_write].counting, 0);
        ck_assert(!prefilter->kinds[WIRE_KIND_write].active);
        prefilter_free(prefilter);

        prefilter = collect("path \"p\" { execve { } write { } }", USES_AGGREGATE);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_write].counting, 0);
        prefilter_free(prefilter);

        prefilter = collect("path \"p\" { repeat 9 { write { } } }", USES_AGGREGATE);
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_write].counting, UINT64_MAX);
        ck_assert(prefilter->kinds[WIRE_KIND_write].active);
        prefilter_free(prefilter);
}
END_TEST

static struct prefilter *collect_crowd(const char *second, unsigned alone) {
        _cleanup_(strbuf_done) struct strbuf policies = {};

        for (unsigned i = 0; i < PREFILTER_MAX_USES + 2; i++) {
                strbuf_printf(&policies, "path \"p%u\" { %s write { pathname == \"/%u\"", i,
                              i == alone ? "suppress = 0s" : "", i);
                strbuf_printf(&policies, second, i);
                strbuf_put(&policies, " } }\n");
        }
        return collect(strbuf_str(&policies), USES_FILTER | USES_AGGREGATE);
}

START_TEST(uses_that_share_a_bit_count_only_if_all_do) {
        struct prefilter *prefilter = collect_crowd("", 7);
        unsigned n_alone[PREFILTER_MAX_USES] = {}, n_shared = 0;

        /* Of one form, all that count have one bit, and who does not has another. */
        ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_write].n_uses, 2);
        ck_assert_int_eq(__builtin_popcountll(prefilter->kinds[WIRE_KIND_write].counting), PREFILTER_MAX_USES - 1);
        prefilter_free(prefilter);

        /* Two more forms than bits: so two bits are those of two. */
        for (unsigned alone = 0; alone < PREFILTER_MAX_USES + 2; alone++) {
                prefilter = collect_crowd(", proc.exe == \"/%u\"", alone);
                ck_assert_uint_eq(prefilter->kinds[WIRE_KIND_write].n_uses, PREFILTER_MAX_USES);
                ck_assert_int_eq(__builtin_popcountll(prefilter->kinds[WIRE_KIND_write].counting),
                                 PREFILTER_MAX_USES - 1);
                n_alone[__builtin_ctzll(~prefilter->kinds[WIRE_KIND_write].counting)]++;
                prefilter_free(prefilter);
        }
        for (unsigned bit = 0; bit < PREFILTER_MAX_USES; bit++) {
                ck_assert_uint_ge(n_alone[bit], 1);
                n_shared += n_alone[bit] - 1;
        }
        ck_assert_uint_eq(n_shared, 2);
}
END_TEST

UNIT_MAIN("program/aggregate",
          path_of_one_step_takes_as_many_as_there_are,
          count_is_complete_at_once_when_a_burst_completes_it,
          story_that_needs_each_event_takes_none,
          window_that_a_turn_of_the_clock_decides_takes_none,
          what_differs_between_the_events_must_not_be_looked_at,
          what_may_have_changed_until_they_are_told_must_not_be_looked_at,
          kind_of_another_path_is_its_own_business,
          kinds_of_the_process_table_are_never_counted,
          uses_that_only_count_are_told_from_those_that_do_not,
          without_it_or_where_all_need_each_event_nothing_is_counted,
          uses_that_share_a_bit_count_only_if_all_do)
