/* SPDX-License-Identifier: Apache-2.0 */
#include "report/alert.h"

#include "../unit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "report/report-json.h"
#include "report/report-text.h"
#include "sample-match.h"

#define OFFSET_NS ((int64_t)(UINT64_C(1700000000) * NSEC_PER_SEC))

static const char *const plain_argv[] = {"/tmp/x", "-i", NULL};
static struct sample_match sample;
static struct redactor *redactor;
static struct arena arena;

static uint32_t lost_by;
static bool actor_before_us;

static const struct alert *build(const char *const *argv) {
        struct redact_options options = {};
        struct alert_context context = {.offset_ns = OFFSET_NS};
        struct alert *alert = NULL;

        sample_match_init(&sample, argv);
        sample.match.gap_reasons = lost_by;
        sample.match.actor->before_us = actor_before_us;
        ck_assert_int_eq(redactor_new(&options, &redactor), 0);
        context.table = sample.table;
        context.redactor = redactor;
        arena_init(&arena, 4U << 20);
        ck_assert_int_eq(alert_build(&sample.match, &context, &arena, &alert), 0);
        return alert;
}

static void done(void) {
        arena_done(&arena);
        redactor = redactor_free(redactor);
        sample_match_done(&sample);
}

static void text_is(const struct alert_text *text, const char *wanted) {
        ck_assert(text->known);
        ck_assert_uint_eq(text->length, strlen(wanted));
        ck_assert_mem_eq(text->bytes, wanted, text->length);
}

static const struct alert_field *field(const struct alert_step *step, const char *name) {
        for (size_t i = 0; i < step->n_fields; i++)
                if (strcmp(step->fields[i].name, name) == 0)
                        return step->fields + i;
        return NULL;
}

START_TEST(who_what_and_when_are_told) {
        const struct alert *alert = build(plain_argv);

        ck_assert_uint_eq(alert->number, 9);
        ck_assert_uint_eq(alert->generation, 2);
        ck_assert_uint_eq(alert->time_ns, OFFSET_NS + 4 * NSEC_PER_SEC);
        text_is(&alert->policy, "dropped_and_run");
        text_is(&alert->key, "tree 4711");
        ck_assert_uint_eq(alert->n_techniques, 1);
        text_is(alert->techniques, "T1105");

        ck_assert_uint_eq(alert->process.id.pid, 4711);
        text_is(&alert->process.exe, "/usr/bin/dash");
        text_is(&alert->process.args, "/tmp/x -i");
        text_is(&alert->process.cwd, "/tmp");
        text_is(&alert->process.unit, "nginx.service");
        ck_assert_uint_eq(alert->process.n_argv, 2);
        ck_assert(alert->process.has_credentials);
        ck_assert_uint_eq(alert->process.uid, 33);

        ck_assert_uint_eq(alert->n_steps, 2);
        ck_assert_str_eq(alert->steps[0].kind, "write");
        ck_assert_uint_eq(alert->steps[0].time_ns, OFFSET_NS + 3 * NSEC_PER_SEC);
        done();
}
END_TEST

START_TEST(ancestors_go_from_the_parent_upward) {
        const struct alert *alert = build(plain_argv);

        ck_assert_uint_eq(alert->n_ancestors, 2);
        ck_assert_uint_eq(alert->ancestors[0].id.pid, 300);
        text_is(&alert->ancestors[0].exe, "/usr/sbin/php-fpm");
        ck_assert_uint_eq(alert->ancestors[1].id.pid, 1);
        ck_assert(!alert->ancestors_broken);
        done();
}
END_TEST

START_TEST(who_ran_when_the_watch_began_is_marked_and_counted) {
        const struct alert *alert = build(plain_argv);

        ck_assert(alert->ancestors[0].before_us && alert->ancestors[0].image_before_us);
        ck_assert(!alert->process.before_us && !alert->process.image_before_us);
        ck_assert(!alert->steps[0].process.before_us);
        ck_assert(alert->steps[0].process.image_before_us);     /* its parent's, before its own exec */
        ck_assert_uint_eq(alert->n_before_us, 0);
        done();

        actor_before_us = true;
        alert = build(plain_argv);
        actor_before_us = false;
        ck_assert(alert->process.before_us && alert->steps[0].process.before_us);
        ck_assert_uint_eq(alert->n_before_us, 1);
        done();
}
END_TEST

START_TEST(a_step_shows_who_acted_as_it_was_then) {
        const struct alert *alert = build(plain_argv);

        /* The write came before the exec: the forked child still ran its parent's image. */
        text_is(&alert->steps[0].process.exe, "/usr/sbin/php-fpm");
        text_is(&alert->steps[1].process.exe, "/usr/bin/dash");
        done();
}
END_TEST

START_TEST(a_step_shows_its_usual_and_its_deciding_fields_once) {
        const struct alert *alert = build(plain_argv);
        const struct alert_step *write = alert->steps, *exec = alert->steps + 1;

        ck_assert_uint_eq(write->n_fields, 3);
        text_is(&field(write, "pathname")->text, "/tmp/x");
        ck_assert_int_eq(field(write, "pathname")->provenance, ALERT_USER_STABLE);
        ck_assert(field(write, "length")->is_number);
        ck_assert_int_eq(field(write, "length")->number, 16);

        ck_assert_uint_eq(exec->n_fields, 4);
        text_is(&field(exec, "filename")->text, "/tmp/x");
        text_is(&field(exec, "argv[1]")->text, "-i");
        ck_assert_int_eq(field(exec, "argv[1]")->provenance, ALERT_USER);
        ck_assert_int_eq(field(exec, "filename")->provenance, ALERT_KERNEL);
        text_is(&field(exec, "parent.exe")->text, "/usr/sbin/php-fpm");
        ck_assert(!field(exec, "stdin.type")->known);
        done();
}
END_TEST

START_TEST(a_secret_is_hidden_wherever_it_comes_up) {
        static const char *const argv[] = {"/tmp/x", "--password", "hunter2", "hunter2", NULL};
        struct report_text_style style = {};
        const struct alert *alert = build(argv);
        struct strbuf b = {};

        text_is(&alert->process.args, "/tmp/x --password [redacted] [redacted]");
        text_is(&alert->process.argv[3], "[redacted]");
        text_is(&alert->ancestors[0].args, "php-fpm --pass [redacted]");
        text_is(&field(alert->steps, "content")->text, "password=[redacted]\n");
        text_is(&alert->captures[1].value.text, "[redacted]");

        report_json_alert(alert, &b);
        report_text_alert(alert, &style, &b);
        report_text_headline(alert, &b);
        ck_assert_ptr_null(strstr(strbuf_str(&b), "hunter2"));
        strbuf_done(&b);
        done();
}
END_TEST

START_TEST(captures_are_named_without_the_dollar_sign) {
        const struct alert *alert = build(plain_argv);

        ck_assert_uint_eq(alert->n_captures, 2);
        text_is(&alert->captures[0].name, "file");
        text_is(&alert->captures[0].value.text, "/tmp/x");
        done();
}
END_TEST

START_TEST(why_something_was_lost_is_told_in_words) {
        const struct alert *alert = build(plain_argv);

        ck_assert_uint_eq(alert->n_gap_reasons, 0);
        done();
        lost_by = 1U << WIRE_LOSS_SAMPLED | 1U << WIRE_LOSS_RING_FULL | 1U << WIRE_LOSS_NONE;
        alert = build(plain_argv);
        lost_by = 0;
        ck_assert_uint_eq(alert->n_gap_reasons, 2);
        text_is(&alert->gap_reasons[0], "ring full");
        text_is(&alert->gap_reasons[1], "sampled");
        done();
}
END_TEST

START_TEST(long_values_are_cut_and_say_so) {
        static char longer[3000], text[3][3000];
        const char *argv[] = {"/tmp/x", longer, text[0], text[1], NULL};
        const struct alert *alert;

        memset(longer, 'a', sizeof(longer) - 1);
        memset(text[0], 'b', sizeof(text[0]) - 1);
        memset(text[1], 'c', 1000);
        alert = build(argv);
        ck_assert_uint_le(alert->process.args.length, ALERT_MAX_TEXT);
        ck_assert(alert->process.args.cut);
        ck_assert_uint_lt(alert->steps[1].process.args.length, alert->process.args.length);
        ck_assert(alert->steps[1].process.args.cut);
        done();
}
END_TEST

START_TEST(an_actor_who_left_the_table_is_known_by_its_last_step) {
        struct redact_options options = {};
        struct alert_context context = {.offset_ns = OFFSET_NS};
        struct alert *alert = NULL;

        sample_match_init(&sample, plain_argv);
        ck_assert_int_eq(redactor_new(&options, &redactor), 0);
        context.redactor = redactor;
        arena_init(&arena, 4U << 20);
        sample.match.actor = NULL;
        ck_assert_int_eq(alert_build(&sample.match, &context, &arena, &alert), 0);
        ck_assert_uint_eq(alert->process.id.pid, 4711);
        text_is(&alert->process.exe, "/usr/bin/dash");
        ck_assert_uint_eq(alert->process.uid, 33);
        ck_assert_uint_eq(alert->n_ancestors, 0);
        done();
}
END_TEST

START_TEST(evidence_that_was_not_kept_leaves_the_step) {
        struct redact_options options = {};
        struct alert_context context = {.offset_ns = OFFSET_NS};
        struct alert *alert = NULL;

        sample_match_init(&sample, plain_argv);
        ck_assert_int_eq(redactor_new(&options, &redactor), 0);
        context.table = sample.table;
        context.redactor = redactor;
        arena_init(&arena, 4U << 20);
        sample.steps[0].event.wire = NULL;
        sample.steps[1].event.wire = NULL;
        sample.steps[0].image = NULL;
        ck_assert_int_eq(alert_build(&sample.match, &context, &arena, &alert), 0);
        ck_assert(!alert->steps[0].kept);
        ck_assert_uint_eq(alert->steps[0].n_fields, 0);
        ck_assert_str_eq(alert->steps[0].kind, "write");
        ck_assert(!alert->steps[0].process.exe.known);
        done();
}
END_TEST

START_TEST(the_same_match_is_the_same_bytes) {
        struct strbuf first = {}, second = {};

        report_json_alert(build(plain_argv), &first);
        done();
        report_json_alert(build(plain_argv), &second);
        done();
        ck_assert_str_eq(strbuf_str(&first), strbuf_str(&second));
        strbuf_done(&first);
        strbuf_done(&second);
}
END_TEST

static int build_once(void *userdata) {
        struct alert_context *context = userdata;
        struct arena a;
        struct alert *alert;
        int r;

        arena_init(&a, 4U << 20);
        r = alert_build(&sample.match, context, &a, &alert);
        arena_done(&a);
        return r;
}

START_TEST(out_of_memory_fails_whole) {
        struct redact_options options = {};
        struct alert_context context = {.offset_ns = OFFSET_NS};

        sample_match_init(&sample, plain_argv);
        ck_assert_int_eq(redactor_new(&options, &redactor), 0);
        context.table = sample.table;
        context.redactor = redactor;
        ck_assert_uint_ge(alloc_fail_sweep(build_once, &context), 2);
        redactor = redactor_free(redactor);
        sample_match_done(&sample);
}
END_TEST

UNIT_MAIN("report/alert", who_what_and_when_are_told, ancestors_go_from_the_parent_upward,
          who_ran_when_the_watch_began_is_marked_and_counted,
          a_step_shows_who_acted_as_it_was_then, a_step_shows_its_usual_and_its_deciding_fields_once,
          a_secret_is_hidden_wherever_it_comes_up, captures_are_named_without_the_dollar_sign,
          why_something_was_lost_is_told_in_words, long_values_are_cut_and_say_so,
          an_actor_who_left_the_table_is_known_by_its_last_step, evidence_that_was_not_kept_leaves_the_step,
          the_same_match_is_the_same_bytes, out_of_memory_fails_whole)
