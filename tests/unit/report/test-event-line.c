/* SPDX-License-Identifier: Apache-2.0 */
#include "report/event-line.h"

#include <errno.h>
#include <sys/socket.h>

#include "../unit.h"

#include "base/strbuf.h"
#include "base/utf8.h"
#include "report/report-json.h"
#include "sample-match.h"

static struct record record;
static struct strbuf b;

/* The event in the record, as a line and as JSON. */
static void tell(const struct event_line_style *style, bool json) {
        struct redact_options redact = {};
        struct alert_context context = {.offset_ns = (int64_t)(86400 * NSEC_PER_SEC)};
        struct alert_event_options options = {.brief = !json};
        struct event event = sample_finish(&record);
        struct redactor *redactor;
        struct alert_event told;
        struct arena arena = {};

        ck_assert_int_eq(redactor_new(&redact, &redactor), 0);
        context.redactor = redactor;
        ck_assert_int_eq(alert_event_build(&event, NULL, &options, &context, &arena, &told), 0);
        strbuf_clear(&b);
        if (json)
                report_json_event(&told, &b);
        else
                event_line_put(&told, style, &b);
        arena_done(&arena);
        redactor_free(redactor);
}

static void line_is(const struct event_line_style *style, const char *wanted) {
        tell(style, false);
        ck_assert_str_eq(strbuf_str(&b), wanted);
        strbuf_done(&b);
}

static const struct event_line_style wide = {.kind_width = 7};

static void begin(enum wire_kind kind) {
        sample_begin(&record, kind, 300, 1, 3661 * NSEC_PER_SEC + 5 * NSEC_PER_MSEC);
}

START_TEST(a_path_and_flags_stand_without_their_names) {
        begin(WIRE_KIND_openat);
        record_set_text(&record, FIELD_openat_pathname, "/tmp/x");
        record_set_number(&record, FIELD_openat_flags, O_WRONLY | O_CREAT);
        line_is(&wide, "01:01:01.005     300 ?               openat  /tmp/x O_WRONLY|O_CREAT\n");
}
END_TEST

START_TEST(address_and_port_are_one_word) {
        const struct wire_address four = {.family = AF_INET, .bytes = {10, 0, 0, 1}};
        const struct wire_address six = {.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = 1}};
        struct value value = {.type = VALUE_ADDRESS, .state = VALUE_KNOWN, .address = four};

        begin(WIRE_KIND_connect);
        record_set_value(&record, FIELD_connect_daddr, &value);
        record_set_number(&record, FIELD_connect_dport, 443);
        line_is(&wide, "01:01:01.005     300 ?               connect 10.0.0.1:443\n");

        begin(WIRE_KIND_connect);
        value.address = six;
        record_set_value(&record, FIELD_connect_daddr, &value);
        record_set_number(&record, FIELD_connect_dport, 443);
        line_is(&wide, "01:01:01.005     300 ?               connect [fe80::1]:443\n");
}
END_TEST

START_TEST(a_line_is_cut_to_its_width_and_keeps_its_result) {
        struct event_line_style style = {.kind_width = 6, .width = 60};
        unsigned columns = 0;

        begin(WIRE_KIND_openat);
        record.header.flags |= WIRE_FAILED;
        record.header.result = -EACCES;
        record_set_text(&record, FIELD_openat_pathname, "/a/very/long/p\xc3\xa4th/that/does/not/fit/into/the/line");
        line_is(&style, "01:01:01.005     300 ?               openat /a/ve… = -EACCES\n");

        for (style.width = 1; style.width < 130; style.width++) {
                tell(&style, false);
                columns = 0;
                ck_assert(utf8_is_valid(b.data, b.n));
                for (size_t i = 0; i < b.n; i++)
                        columns += ((unsigned char)b.data[i] & 0xc0) != 0x80;
                ck_assert_uint_le(columns - 1, MAX(style.width, 10u));
                strbuf_done(&b);
        }
}
END_TEST

START_TEST(no_byte_of_a_path_reaches_the_terminal_raw) {
        begin(WIRE_KIND_unlink);
        record_set_text(&record, FIELD_unlink_pathname, "/a\x1b[2J\n\xff\xe2\x80\xae");
        tell(&wide, false);
        for (size_t i = 0; i + 1 < b.n; i++)
                ck_assert_int_ge((unsigned char)b.data[i], 0x20);
        ck_assert(utf8_is_valid(b.data, b.n));
        ck_assert_ptr_nonnull(strstr(b.data, "/a\\x1b[2J\\x0a\\xff\\xe2\\x80\\xae"));
        strbuf_done(&b);

        tell(&wide, true);
        ck_assert(utf8_is_valid(b.data, b.n));
        for (size_t i = 0; i + 1 < b.n; i++)
                ck_assert_int_ge((unsigned char)b.data[i], 0x20);
        strbuf_done(&b);
}
END_TEST

START_TEST(json_has_every_field_that_is_known_and_no_other) {
        begin(WIRE_KIND_rename);
        record_set_text(&record, FIELD_rename_pathname, "/a");
        record_set_text(&record, FIELD_rename_newpath, "/b");
        record_set_text(&record, FIELD_rename_given, "a");
        record.header.flags |= WIRE_RACED | WIRE_ROOT_OTHER;
        tell(&wide, true);
        ck_assert_ptr_nonnull(strstr(b.data, "\"kind\":\"rename\""));
        ck_assert_ptr_nonnull(strstr(b.data, "\"tid\":300,\"parent\":1,\"result\":0,\"fields\":{\"pathname\":\"/a\","
                                             "\"newpath\":\"/b\",\"pathname.given\":\"a\"}"));
        ck_assert_ptr_nonnull(strstr(b.data, "\"flags\":[\"raced\",\"other_root\"]"));
        strbuf_done(&b);
}
END_TEST

START_TEST(an_aggregate_says_how_many_more_there_were_and_since_when) {
        begin(WIRE_KIND_write);
        record_set_text(&record, FIELD_write_pathname, "/tmp/log");
        record.aggregate =
                (struct wire_aggregate){.count = 12, .first_ns = 3661 * NSEC_PER_SEC + NSEC_PER_MSEC, .bytes = 480};
        line_is(&wide, "01:01:01.005     300 ?               write   /tmp/log (12 more)\n");

        tell(&wide, true);
        ck_assert_ptr_nonnull(strstr(b.data, "\"more\":{\"count\":12,\"first\":90061.001"));
        ck_assert_ptr_nonnull(strstr(b.data, "\"bytes\":480}}\n"));
        strbuf_done(&b);
}
END_TEST

START_TEST(a_gap_says_what_was_lost_and_why) {
        record_begin(&record, WIRE_KIND_gap);
        record.header.time_ns = NSEC_PER_SEC;
        record_set_number(&record, FIELD_gap_kinds, 1LL << WIRE_KIND_openat | 1LL << WIRE_KIND_connect);
        record_set_number(&record, FIELD_gap_count, 7);
        record_set_number(&record, FIELD_gap_reason, WIRE_LOSS_RING_FULL);
        line_is(&wide, "00:00:01.000       - -               gap     count=7 kinds=openat,connect reason=ring full\n");
        tell(&wide, true);
        ck_assert_ptr_nonnull(
                strstr(b.data, "\"fields\":{\"count\":7,\"kinds\":[\"openat\",\"connect\"],\"reason\":\"ring full\"}"));
        ck_assert_ptr_null(strstr(b.data, "process"));
        strbuf_done(&b);
}
END_TEST

UNIT_MAIN("report/event-line", a_path_and_flags_stand_without_their_names, address_and_port_are_one_word,
          a_line_is_cut_to_its_width_and_keeps_its_result, no_byte_of_a_path_reaches_the_terminal_raw,
          json_has_every_field_that_is_known_and_no_other, an_aggregate_says_how_many_more_there_were_and_since_when,
          a_gap_says_what_was_lost_and_why)
