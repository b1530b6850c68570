/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/instance.h"

#include "../compile/compile-fixture.h"
#include "event/encode.h"

#define SECOND UINT64_C(1000000000)

static struct program *program;
static struct plan plan;
static struct evidence evidence;
static struct counters counters;
static struct instance_world world = {&plan, &evidence, &counters};
static struct record record;
static struct event event;

static void setup(const char *policies) {
        program = compile(policies);
        ck_assert_int_eq(plan_init(&plan, program), 0);
        ck_assert_int_eq(evidence_init(&evidence, 100, 100, 1 << 16), 0);
}

static void teardown(void) {
        evidence_done(&evidence);
        plan_done(&plan);
        program_unref(program);
}

/* An event at this second, to be taken. */
static void happens(uint64_t second) {
        static uint64_t number;

        if (event.wire)
                evidence_end(&evidence);
        record_begin(&record, WIRE_KIND_openat);
        record.header.tgid = record.header.tid = 1;
        record.header.time_ns = second * SECOND;
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        event.number = ++number;
        evidence_begin(&evidence, &event, NULL, event.time_ns);
}

static struct instance begun(uint64_t serial) {
        struct instance i;

        instance_begin(&i, serial, &event, event.time_ns);
        return i;
}

/* Along the n-th edge of where it waits. */
static void take(struct instance *i, uint32_t n) {
        instance_take(&world, i, 0, &plan.edges[plan_position(&plan, 0, i->position)->edges + n]);
}

#define BURST \
        "path \"p\" { within = 60s  openat { pathname == \"/a\" }" \
        "  block \"b\" { within = 2s  openat { pathname == \"/b\", $x = pathname }  openat { pathname == $x }  " \
        "openat { } } }"

START_TEST(deadline_is_the_earliest_of_path_and_windows) {
        struct instance i;

        setup(BURST);
        happens(10);
        i = begun(1);
        take(&i, 0);
        ck_assert_uint_eq(instance_deadline(&world, &i, 0), 70 * SECOND);
        happens(20);
        take(&i, 0);
        ck_assert_uint_eq(instance_deadline(&world, &i, 0), 22 * SECOND);
        happens(21);
        take(&i, 0);
        ck_assert_uint_eq(instance_deadline(&world, &i, 0), 22 * SECOND);      /* from the first step of the block */
        happens(22);
        take(&i, 0);
        ck_assert_uint_eq(i.position, INSTANCE_COMPLETE);
        ck_assert_uint_eq(i.done, 4);
        evidence_unref(&evidence, i.steps);
        teardown();
}
END_TEST

START_TEST(fallen_back_run_has_forgotten_the_block_and_nothing_else) {
        struct value value = {.bytes = "/b", .length = 2, .type = VALUE_STRING, .state = VALUE_KNOWN};
        struct instance i;

        setup(BURST);
        happens(10);
        i = begun(1);
        take(&i, 0);
        i.flags = INSTANCE_UNCERTAIN;
        happens(20);
        take(&i, 0);
        instance_bind(&world, &i, 0, &value);
        happens(21);
        take(&i, 0);
        ck_assert_uint_eq(i.bound, 1);
        ck_assert(i.captures.low != 0);

        ck_assert_int_eq(instance_expire(&world, &i, 0, 22 * SECOND), INSTANCE_FALLS_BACK);
        ck_assert_uint_eq(i.position, 1);
        ck_assert_uint_eq(i.done, 1);
        ck_assert_uint_eq(i.bound, 0);
        ck_assert_uint_eq(i.captures.low, 0);
        ck_assert_uint_eq(i.captures.high, 0);
        ck_assert_uint_eq(i.flags, INSTANCE_UNCERTAIN);
        ck_assert_uint_eq(evidence_step(&evidence, i.steps)->first_ns, 10 * SECOND);
        ck_assert_int_eq(instance_expire(&world, &i, 0, 70 * SECOND), INSTANCE_ENDS);
        evidence_unref(&evidence, i.steps);
        teardown();
}
END_TEST

START_TEST(order_in_which_captures_were_bound_leaves_no_trace) {
        const struct value x = {.number = 1, .type = VALUE_NUMBER, .state = VALUE_KNOWN};
        const struct value y = {.number = 2, .type = VALUE_NUMBER, .state = VALUE_KNOWN};
        struct instance a, b;

        setup("path \"p\" { openat { } openat { } }");
        happens(1);
        a = begun(1);
        b = begun(2);
        take(&a, 0);
        take(&b, 0);
        instance_bind(&world, &a, 0, &x);
        instance_bind(&world, &a, 1, &y);
        instance_bind(&world, &b, 1, &y);
        ck_assert(!token_equal(&a.captures, &b.captures));
        instance_bind(&world, &b, 0, &x);
        ck_assert(token_equal(&a.captures, &b.captures));
        evidence_unref(&evidence, a.steps);
        evidence_unref(&evidence, b.steps);
        teardown();
}
END_TEST

START_TEST(later_step_survives_then_the_one_that_stands_first_then_fewer_marks_then_the_older_run) {
        struct instance a, b;

        setup("path \"p\" { openat { } any { openat { } openat { flags & O_CREAT } } openat { } }");
        happens(1);
        a = begun(1);
        take(&a, 0);
        happens(2);
        b = begun(2);
        take(&b, 0);
        ck_assert(instance_survives(&world, &b, &a, 0));
        ck_assert(!instance_survives(&world, &a, &b, 0));
        evidence_unref(&evidence, b.steps);

        b = a;
        b.serial = 2;
        evidence_ref(&evidence, b.steps);
        take(&a, 1);
        take(&b, 0);
        ck_assert(instance_survives(&world, &b, &a, 0));
        ck_assert(!instance_survives(&world, &a, &b, 0));

        evidence_unref(&evidence, a.steps);
        a = b;
        a.serial = 1;
        evidence_ref(&evidence, a.steps);
        ck_assert(instance_survives(&world, &a, &b, 0));
        a.gap_count = 3;
        ck_assert(instance_survives(&world, &b, &a, 0));
        b.flags = INSTANCE_UNCERTAIN;
        ck_assert(instance_survives(&world, &a, &b, 0));
        evidence_unref(&evidence, a.steps);
        evidence_unref(&evidence, b.steps);
        teardown();
}
END_TEST

START_TEST(starts_count_only_what_a_new_run_takes_the_place_of) {
        struct instance old = {.start_number = 1, .starts = 4}, older = {.start_number = 1, .starts = 2};
        struct instance new = {.start_number = 5, .starts = 1};

        ck_assert_uint_eq(instance_starts(&new, &old, 5), 5);
        ck_assert_uint_eq(instance_starts(&old, &new, 5), 4);   /* it took no place: an absence was waited for */
        ck_assert_uint_eq(instance_starts(&old, &older, 5), 4);
        new.starts = 5;                         /* took the place of one already: the largest stands */
        ck_assert_uint_eq(instance_starts(&new, &older, 5), 5);
        ck_assert_uint_eq(instance_starts(&new, &new, 5), 5);
}
END_TEST

START_TEST(repetition_counts_at_its_own_step_or_makes_evidence_that_is_no_step) {
        struct instance i;
        const struct plan_edge *loop;

        setup("path \"p\" { openat { pathname == \"/a\" } ..  unlink { } }");
        happens(1);
        i = begun(1);
        take(&i, 0);
        loop = &plan.edges[plan_position(&plan, 0, 1)->edges + 1];
        ck_assert_int_eq(loop->action, PLAN_LOOP);
        happens(2);
        instance_count(&world, &i, 0, loop);
        ck_assert_uint_eq(evidence_step(&evidence, i.steps)->count, 2);
        ck_assert_uint_eq(i.done, 1);
        evidence_unref(&evidence, i.steps);
        teardown();

        setup("path \"p\" { openat { pathname == \"/a\" }  write { } ...  unlink { } }");
        happens(3);
        i = begun(1);
        take(&i, 0);
        loop = &plan.edges[plan_position(&plan, 0, 1)->edges + 1];
        happens(4);
        instance_count(&world, &i, 0, loop);
        happens(5);
        instance_count(&world, &i, 0, loop);
        ck_assert(evidence_step(&evidence, i.steps)->loop);
        ck_assert_uint_eq(evidence_step(&evidence, i.steps)->count, 2);
        ck_assert_uint_eq(evidence_step(&evidence, i.steps)->done, 1);
        evidence_unref(&evidence, i.steps);
        teardown();
}
END_TEST

UNIT_MAIN("engine/instance",
          deadline_is_the_earliest_of_path_and_windows,
          fallen_back_run_has_forgotten_the_block_and_nothing_else,
          order_in_which_captures_were_bound_leaves_no_trace,
          later_step_survives_then_the_one_that_stands_first_then_fewer_marks_then_the_older_run,
          starts_count_only_what_a_new_run_takes_the_place_of,
          repetition_counts_at_its_own_step_or_makes_evidence_that_is_no_step)
