/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/filter.h"

#include <errno.h>

#include "../unit.h"

#include "base/macro.h"
#include "base/strbuf.h"

#define BIT(kind) wire_kind_bit(WIRE_KIND_##kind)

static struct strbuf messages;
static struct program *program;

static int compile(uint64_t kinds, const char *first, const char *second, bool failed) {
        const struct filter_condition conditions[] = {{"one", first}, {"two", second}};
        const struct filter_options options = {
                .kinds = kinds,
                .conditions = conditions,
                .n_conditions = !first ? 0 : !second ? 1 : 2,
                .failed = failed,
        };

        strbuf_clear(&messages);
        if (program)
                program = program_unref(program);
        return filter_compile(&options, &messages, &program);
}

static void done(void) {
        strbuf_done(&messages);
        if (program)
                program = program_unref(program);
}

START_TEST(only_kinds_that_have_the_fields_are_asked_for) {
        ck_assert_int_eq(compile(0, "daddr in 10.0.0.0/8", "dport == 443", false), 0);
        ck_assert_uint_eq(program->header->interest.kinds & BIT(connect), BIT(connect));
        ck_assert_uint_eq(program->header->interest.kinds & (BIT(openat) | BIT(fork) | BIT(gap)), 0);
        done();
}
END_TEST

START_TEST(without_conditions_every_kind_is_meant_but_not_the_daemons_own) {
        ck_assert_int_eq(compile(0, NULL, NULL, false), 0);
        for (int kind = WIRE_NONE + 1; kind < _WIRE_KIND_MAX; kind++) {
                bool is_event = schema_kind((enum wire_kind)kind)->class != EVENT_META;

                ck_assert_int_eq((program->header->interest.kinds & wire_kind_bit(kind)) != 0, is_event);
        }
        done();
}
END_TEST

START_TEST(failures_are_of_interest_and_may_be_the_only_ones) {
        const struct interest_filter *filter;

        ck_assert_int_eq(compile(BIT(openat), "pathname == \"/a\"", NULL, false), 0);
        filter = &program->header->interest.filter[WIRE_KIND_openat];
        ck_assert(filter->failures && filter->successes);

        ck_assert_int_eq(compile(BIT(openat), "flags & O_CREAT", NULL, true), 0);
        filter = &program->header->interest.filter[WIRE_KIND_openat];
        ck_assert(filter->failures && !filter->successes);
        ck_assert_uint_ne(filter->flags_any, 0);
        done();
}
END_TEST

START_TEST(a_fault_is_shown_in_the_text_that_it_is_in) {
        ck_assert_int_eq(compile(0, "proc.uid == 0", "pathname startswith \"/etc/\",\n  mood == 3", false), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "two:2:3: error: "));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "    2 |   mood == 3\n"));
        ck_assert_ptr_null(strstr(strbuf_str(&messages), "filter"));

        /* What is missed behind the end of the text. */
        ck_assert_int_eq(compile(BIT(exit), "(code == 1", NULL, false), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "one:1:11: error: "));
        done();
}
END_TEST

START_TEST(a_text_cannot_leave_the_braces_that_it_stands_in) {
        static const char *const texts[] = {
                "code == 1 } exit {",         "} } path \"x\" { exit {",       "code == 1 } until exit {",
                "} } list a = [1] macro b {", "} except { code == 1 } exit {", "$c = code",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                ck_assert_int_eq(compile(BIT(exit), texts[i], NULL, false), -EBADMSG);
                ck_assert_uint_gt(messages.n, 0);
        }
        done();
}
END_TEST

START_TEST(of_kinds_that_were_named_each_must_fit) {
        ck_assert_int_eq(compile(BIT(openat) | BIT(connect), "pathname == \"/a\"", NULL, false), -EBADMSG);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "'connect' has no field 'pathname'"));
        done();
}
END_TEST

START_TEST(kinds_are_named_with_commas_between_them) {
        uint64_t kinds = 0;

        ck_assert(filter_add_kinds("openat,connect", &kinds, &messages));
        ck_assert_uint_eq(kinds, BIT(openat) | BIT(connect));
        ck_assert(!filter_add_kinds("openat,", &kinds, &messages));
        ck_assert(!filter_add_kinds("gap", &kinds, &messages));
        strbuf_clear(&messages);
        ck_assert(!filter_add_kinds("conect", &kinds, &messages));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&messages), "did you mean 'connect'?"));
        done();
}
END_TEST

UNIT_MAIN("pipeline/filter", only_kinds_that_have_the_fields_are_asked_for,
          without_conditions_every_kind_is_meant_but_not_the_daemons_own,
          failures_are_of_interest_and_may_be_the_only_ones, a_fault_is_shown_in_the_text_that_it_is_in,
          a_text_cannot_leave_the_braces_that_it_stands_in, of_kinds_that_were_named_each_must_fit,
          kinds_are_named_with_commas_between_them)
