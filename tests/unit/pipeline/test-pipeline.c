/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/pipeline.h"

#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "config/config.h"
#include "event/encode.h"
#include "policy/policy-set.h"

#define WALL_NS ((int64_t)(UINT64_C(1700000000) * NSEC_PER_SEC))

static const char two_steps[] = "path \"two\" {\n"
                                "    description = \"x\"\n    severity = low\n    by = process\n    suppress = 0s\n"
                                "    openat { pathname == \"/1\" }\n"
                                "    openat { pathname == \"/2\" }\n"
                                "}\n";

static struct pipeline *pipeline;
static struct redactor *redactor;
static struct program *program;
static struct config config;
static struct record record;
static FILE *file;
static uint64_t number;
static int n_sunk;
static uint64_t skipped_kinds, n_skipped, asked_for;    /* what the kernel skipped, and of which kinds that was asked */
static size_t n_asked;
static char kept_bytes[1 << 16] __attribute__((aligned(8)));
static size_t n_kept;
static bool kept;

static struct program *compile(const char *text) {
        struct policy_options options = {};
        struct compile_options compile_options = {};
        struct diag_set diags = {};
        struct policy_set *set = NULL;
        struct program *result = NULL;
        struct strbuf b = {};

        diag_set_init(&diags, 0);
        if (policy_set_parse("test.policy", text, strlen(text), &options, &diags, &set) < 0 ||
            compile_policies(set, &compile_options, &diags, &result) < 0) {
                policy_set_put_diags(set, &diags, &b);
                ck_abort_msg("%s", strbuf_str(&b));
        }
        policy_set_free(set);
        diag_set_done(&diags);
        return result;
}

static void on_match(const struct match *match, void *userdata) {
        ck_assert_ptr_eq(userdata, &n_sunk);
        n_sunk++;
}

static void skipped(uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX], void *userdata) {
        ck_assert_ptr_eq(userdata, &n_sunk);
        asked_for = kinds;
        n_asked++;
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                ret[kind] = kinds & skipped_kinds & wire_kind_bit(kind) ? n_skipped : 0;
}

/* A recording: what is said ahead of an event stands before it. */
static void keep(const struct event *event, void *userdata) {
        if (!kept)
                return;
        ck_assert_uint_le(n_kept + event->wire->size, sizeof(kept_bytes));
        memcpy(kept_bytes + n_kept, event->wire, event->wire->size);
        n_kept += event->wire->size;
}

static int make(const struct pipeline_options *options, struct pipeline **ret) {
        struct pipeline_sink sink = {.on_match = on_match, .skipped = skipped, .on_ahead = keep};

        return pipeline_new(program, options, &sink, &n_sunk, ret);
}

static void options_of(struct pipeline_options *ret) {
        pipeline_configure(&config, ret);
        ret->table.max_image_bytes = 1 << 20;
        ret->engine.evidence_bytes = 1 << 20;
        ret->report.outputs = REPORT_JSON;
        ret->report.fd = fileno(file);
        ret->report.redactor = redactor;
}

static void prepare(const char *policies) {
        struct redact_options redact = {};

        file = tmpfile();
        number = 0;
        n_sunk = 0;
        skipped_kinds = n_skipped = asked_for = n_asked = n_kept = 0;
        kept = false;
        ck_assert_int_eq(config_init(CONFIG_PROFILE_BALANCED, &config), 0);
        ck_assert_int_eq(redactor_new(&redact, &redactor), 0);
        program = compile(policies);
}

static void begin(const char *policies) {
        struct pipeline_options options;

        prepare(policies);
        options_of(&options);
        ck_assert_int_eq(make(&options, &pipeline), 0);
}

static void end(void) {
        pipeline = pipeline_free(pipeline);
        redactor = redactor_free(redactor);
        program_unref(program);
        config_done(&config);
        fclose(file);
}

static const char *written(void) {
        static char text[1 << 16];
        ssize_t n = pread(fileno(file), text, sizeof(text) - 1, 0);

        ck_assert_int_ge(n, 0);
        text[n] = 0;
        return text;
}

static int count(const char *part) {
        const char *text = written();
        int n = 0;

        while ((text = strstr(text, part))) {
                text += strlen(part);
                n++;
        }
        return n;
}

static void start(enum wire_kind kind, uint64_t time_ns) {
        record_begin(&record, kind);
        record.header.time_ns = time_ns;
}

static void feed(void) {
        struct event event;

        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        event.number = ++number;
        pipeline_feed(pipeline, &event);
        keep(&event, &n_sunk);
}

static void feed_clock(uint64_t time_ns, int64_t offset_ns) {
        start(WIRE_KIND_clock, time_ns);
        record_set_number(&record, FIELD_clock_offset_ns, offset_ns);
        feed();
}

static void feed_open(uint32_t pid, const char *path, uint64_t time_ns) {
        start(WIRE_KIND_openat, time_ns);
        record.header.tgid = record.header.tid = record.header.tree_tgid = pid;
        record.header.start_ns = record.header.tree_start_ns = 1;
        record.header.loginuid = record.header.session = UINT32_MAX;
        record_set_text(&record, FIELD_openat_pathname, path);
        feed();
}

START_TEST(a_story_goes_through_to_the_report_with_the_stream_s_wall_clock) {
        begin(two_steps);
        feed_clock(1, WALL_NS);
        feed_open(10, "/1", NSEC_PER_SEC);
        feed_open(11, "/2", 2 * NSEC_PER_SEC);
        ck_assert_str_eq(written(), "");
        feed_open(10, "/2", 3 * NSEC_PER_SEC);
        ck_assert_int_eq(count("\"time\":1700000003.000000000,\"first\":1700000001.000000000,\"policy\":\"two\""), 1);
        ck_assert_int_eq(n_sunk, 1);

        /* The clock was set meanwhile: what comes then has the new time. */
        feed_clock(4 * NSEC_PER_SEC, WALL_NS + (int64_t)NSEC_PER_HOUR);
        feed_open(10, "/1", 5 * NSEC_PER_SEC);
        feed_open(10, "/2", 6 * NSEC_PER_SEC);
        ck_assert_int_eq(count("\"time\":1700003606.000000000,\"first\""), 1);
        end();
}
END_TEST

START_TEST(events_are_counted_by_kind) {
        struct pipeline_stats stats;

        begin(two_steps);
        feed_clock(1, WALL_NS);
        feed_open(10, "/1", 2);
        feed_open(10, "/3", 3);
        pipeline_stats(pipeline, &stats);
        ck_assert_uint_eq(stats.n_events[WIRE_KIND_clock], 1);
        ck_assert_uint_eq(stats.n_events[WIRE_KIND_openat], 2);
        ck_assert_uint_eq(stats.engine.n_events, 2);
        ck_assert_uint_eq(stats.engine.n_runs, 1);
        ck_assert_uint_eq(stats.table.n_running, 1);
        end();
}
END_TEST

START_TEST(a_story_under_way_survives_a_swap_to_the_same_policy) {
        struct program *other;

        begin(two_steps);
        feed_clock(1, WALL_NS);
        feed_open(10, "/1", 2);
        other = compile(two_steps);
        ck_assert_int_eq(pipeline_swap(pipeline, other), 0);
        program_unref(other);
        feed_open(10, "/2", 3);
        ck_assert_int_eq(n_sunk, 1);
        end();
}
END_TEST

START_TEST(what_could_hide_a_story_is_an_event_to_policies_and_told) {
        struct pipeline_options options;
        struct pipeline_stats stats;

        prepare("path \"many\" {\n"
                "    description = \"x\"\n    severity = low\n    by = process\n"
                "    openat { $a = pathname }\n    unlink { pathname == $a }\n"
                "}\n"
                "path \"watch\" {\n"
                "    description = \"x\"\n    severity = high\n    by = host\n    suppress = 0s\n"
                "    obscured { subject == \"many\" }\n"
                "}\n");
        options_of(&options);
        options.engine.max_tuples = 2;
        ck_assert_int_eq(make(&options, &pipeline), 0);

        feed_clock(1, WALL_NS);
        for (int i = 0; i < 5; i++) {
                char path[16];

                snprintf(path, sizeof(path), "/%d", i);
                feed_open(10, path, NSEC_PER_SEC + i);
        }
        pipeline_stats(pipeline, &stats);
        ck_assert_uint_eq(stats.engine.n_evicted, 3);
        ck_assert_uint_eq(stats.n_obscured_told, 3);
        ck_assert_int_eq(count("\"policy\":\"watch\""), 3);
        ck_assert_int_eq(count("\"type\":\"obscured\""), 1);
        pipeline_end(pipeline);
        ck_assert_int_eq(count("\"type\":\"obscured\""), 2);
        end();
}
END_TEST

/* A gap tells of it within a second; the story may be over before. */
START_TEST(a_story_that_is_complete_says_what_the_kernel_skipped_of_its_kinds) {
        begin(two_steps);
        feed_clock(1, WALL_NS);
        feed_open(10, "/1", 2);
        ck_assert_uint_eq(asked_for, 0);
        feed_open(10, "/2", 3);
        ck_assert_uint_eq(asked_for, wire_kind_bit(WIRE_KIND_openat));
        ck_assert_int_eq(count("\"gap\":null"), 1);

        skipped_kinds = wire_kind_bit(WIRE_KIND_unlink);        /* not of its kinds */
        n_skipped = 5;
        feed_open(10, "/1", 4);
        feed_open(10, "/2", 5);
        ck_assert_int_eq(count("\"gap\":null"), 2);

        skipped_kinds |= wire_kind_bit(WIRE_KIND_openat);
        feed_open(10, "/1", 6);
        feed_open(10, "/2", 7);
        ck_assert_int_eq(count("\"gap\":null"), 2);
        ck_assert_int_eq(count("\"gap\":{\"count\":5,\"kinds\":[\"openat\"],\"reasons\":[\"skipped by the kernel\"]"),
                         1);
        ck_assert_int_eq(n_sunk, 3);
        end();
}
END_TEST

/* Both are counted, and both reasons said. */
START_TEST(what_was_skipped_is_added_to_a_gap_that_was_told) {
        begin(two_steps);
        feed_clock(1, WALL_NS);
        feed_open(10, "/1", 2);
        start(WIRE_KIND_gap, 3);
        record_set_number(&record, FIELD_gap_count, 7);
        record_set_number(&record, FIELD_gap_kinds, (int64_t)wire_kind_bit(WIRE_KIND_openat));
        record_set_number(&record, FIELD_gap_reason, WIRE_LOSS_RING_FULL);
        feed();
        skipped_kinds = wire_kind_bit(WIRE_KIND_openat);
        n_skipped = 5;
        feed_open(10, "/2", 4);
        ck_assert_int_eq(count("\"gap\":{\"count\":12,\"kinds\":[\"openat\"],"), 1);
        ck_assert_int_eq(count("skipped by the kernel"), 1);
        end();
}
END_TEST

static const char of_two_kinds[] =
        "path \"opened\" { description = \"x\"  severity = low  by = process  suppress = 0s\n"
        "openat { pathname == \"/1\" }  openat { pathname == \"/2\" } }\n"
        "path \"removed\" { description = \"x\"  severity = low  by = process  suppress = 0s\n"
        "unlink { pathname == \"/1\" }  openat { pathname == \"/2\" } }\n";

static void play_skipped(void) {
        kept = true;
        feed_clock(1, WALL_NS);
        feed_open(10, "/1", 2);
        feed_open(10, "/2", 3);
        start(WIRE_KIND_unlink, 4);
        record.header.tgid = record.header.tid = record.header.tree_tgid = 10;
        record.header.start_ns = record.header.tree_start_ns = 1;
        record.header.loginuid = record.header.session = UINT32_MAX;
        record_set_text(&record, FIELD_unlink_pathname, "/1");
        feed();
        feed_open(10, "/1", 5);
        skipped_kinds = wire_kind_bit(WIRE_KIND_openat) | wire_kind_bit(WIRE_KIND_unlink) |
                        wire_kind_bit(WIRE_KIND_mkdir);
        n_skipped = 5;
        feed_open(10, "/2", 6);
        skipped_kinds = 0;
        feed_open(10, "/1", 7);
        feed_open(10, "/2", 8);
}

START_TEST(a_recording_of_what_the_kernel_skipped_gives_the_same_alerts_byte_for_byte) {
        static char live[1 << 16];
        struct pipeline_options options;
        size_t at = 0, n;

        begin(of_two_kinds);
        play_skipped();
        ck_assert_int_eq(count("\"policy\":\"opened\""), 3);
        ck_assert_int_eq(count("\"policy\":\"removed\""), 1);
        ck_assert_int_eq(count("\"gap\":null"), 2);
        ck_assert_int_eq(count("\"gap\":{\"count\":5,\"kinds\":[\"openat\"],\"reasons\":[\"skipped by the kernel\"]"),
                         1);
        ck_assert_int_eq(count("\"gap\":{\"count\":10,"), 1);
        ck_assert_uint_eq(n_asked, 4);          /* of each kind once, for all stories of an event */
        snprintf(live, sizeof(live), "%s", written());
        pipeline_free(pipeline);

        /* Again, from what was kept, with nobody to ask. */
        ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
        ck_assert_int_eq(lseek(fileno(file), 0, SEEK_SET), 0);
        options_of(&options);
        ck_assert_int_eq(pipeline_new(program, &options, NULL, NULL, &pipeline), 0);
        number = 0;
        for (n = n_kept; at < n;) {
                struct event event;

                ck_assert_int_eq(
                        event_parse(kept_bytes + at, ((const struct wire_header *)(kept_bytes + at))->size, &event), 0);
                event.number = event.wire->flags & WIRE_AHEAD ? number + 1 : ++number;
                at += event.wire->size;
                pipeline_feed(pipeline, &event);
        }
        ck_assert_str_eq(written(), live);
        end();
}
END_TEST

START_TEST(what_a_recording_says_ahead_is_of_the_next_event_alone_and_touches_no_story) {
        begin(two_steps);
        feed_clock(1, WALL_NS);
        feed_open(10, "/1", 2);
        start(WIRE_KIND_gap, 3);
        record.header.flags = WIRE_SYNTHETIC | WIRE_AHEAD;
        record_set_number(&record, FIELD_gap_count, 7);
        record_set_number(&record, FIELD_gap_kinds, (int64_t)wire_kind_bit(WIRE_KIND_openat));
        record_set_number(&record, FIELD_gap_reason, WIRE_LOSS_SKIPPED);
        feed();
        feed_open(10, "/3", 4);
        feed_open(10, "/2", 5);
        ck_assert_int_eq(count("\"gap\":null"), 1);
        end();
}
END_TEST

START_TEST(a_steady_state_allocates_nothing) {
        size_t before;

        begin(two_steps);
        feed_clock(1, WALL_NS);
        for (int i = 0; i < 1000; i++)
                feed_open(10 + i % 7, i % 2 ? "/1" : "/x", NSEC_PER_SEC + i);
        before = alloc_count();
        for (int i = 0; i < 1000; i++)
                feed_open(10 + i % 7, i % 2 ? "/1" : "/x", 2 * NSEC_PER_SEC + i);
        ck_assert_uint_eq(alloc_count(), before);
        end();
}
END_TEST

static int make_once(void *userdata) {
        struct pipeline *p = NULL;
        int r = make(userdata, &p);

        pipeline_free(p);
        return r;
}

START_TEST(out_of_memory_fails_whole) {
        struct pipeline_options options;

        prepare(two_steps);
        options_of(&options);
        ck_assert_uint_ge(alloc_fail_sweep(make_once, &options), 3);
        end();
}
END_TEST

UNIT_MAIN("pipeline/pipeline", a_story_goes_through_to_the_report_with_the_stream_s_wall_clock,
          events_are_counted_by_kind, a_story_under_way_survives_a_swap_to_the_same_policy,
          what_could_hide_a_story_is_an_event_to_policies_and_told,
          a_story_that_is_complete_says_what_the_kernel_skipped_of_its_kinds,
          what_was_skipped_is_added_to_a_gap_that_was_told,
          a_recording_of_what_the_kernel_skipped_gives_the_same_alerts_byte_for_byte,
          what_a_recording_says_ahead_is_of_the_next_event_alone_and_touches_no_story,
          a_steady_state_allocates_nothing,
          out_of_memory_fails_whole)
