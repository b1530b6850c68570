/* SPDX-License-Identifier: Apache-2.0 */
#include "event/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "event/encode.h"
#include "unit.h"

static struct record record;
static char file[65536] __attribute__((aligned(8)));
static size_t n_file;
static struct trace_state state;

static void put(const void *data, size_t n) {
        memcpy(file + n_file, data, n);
        n_file += n;
}

static void put_header(const char *text) {
        static const char zeroes[8];
        struct trace_header header;

        trace_header_init(&header, text);
        n_file = 0;
        put(&header, sizeof(header));
        put(text ? text : "", header.text_length);
        put(zeroes, header.size - n_file);
}

static void put_open(uint64_t time_ns, const char *path) {
        record_begin(&record, WIRE_KIND_openat);
        record.header.tgid = 42;
        record.header.time_ns = time_ns;
        record_set_text(&record, FIELD_openat_pathname, path);
        ck_assert_int_eq(record_finish(&record), 0);
        put(record.data, record.header.size);
}

static struct trace_header *header(void) {
        return (struct trace_header *)file;
}

static int take_header(void) {
        const struct trace_header *ret = NULL;
        int r;

        r = trace_take_header(&state, file, n_file, &ret);
        if (r > 0)
                ck_assert_ptr_eq(ret, file);
        return r;
}

static int take_record(struct event *event) {
        return trace_take_record(&state, file + state.offset, n_file - state.offset, event);
}

static const char *describe(void) {
        static char text[200];

        trace_describe(&state, text, sizeof(text));
        return text;
}

START_TEST(records_come_back_in_order_with_numbers_and_a_time_that_never_runs_backwards) {
        struct event event;

        put_header("some host");
        put_open(100, "/a");
        put_open(90, "/b");
        put_open(110, "/c");
        ck_assert_int_eq(take_header(), 1);
        ck_assert_int_eq(take_record(&event), 1);
        ck_assert_uint_eq(event.number, 1);
        ck_assert_uint_eq(event.time_ns, 100);
        ck_assert_int_eq(take_record(&event), 1);
        ck_assert_uint_eq(event.number, 2);
        ck_assert_uint_eq(event.time_ns, 100);
        ck_assert_uint_eq(event.wire->time_ns, 90);
        ck_assert_int_eq(take_record(&event), 1);
        ck_assert_uint_eq(event.time_ns, 110);
        ck_assert_uint_eq(state.offset, n_file);
        ck_assert_int_eq(take_record(&event), 0);
        ck_assert_int_eq(trace_take_end(&state, 0), 0);
        ck_assert_str_eq(describe(), "is complete, with 3 records");
}
END_TEST

START_TEST(header_asks_for_more_until_it_is_whole) {
        const struct trace_header *ret;

        put_header("a text of some length");
        for (size_t n = 0; n < n_file; n++)
                ck_assert_int_eq(trace_take_header(&state, file, n, &ret), 0);
        ck_assert_int_eq(take_header(), 1);
        ck_assert_uint_eq(state.offset, n_file);
        ck_assert_mem_eq(header() + 1, "a text of some length", header()->text_length);
}
END_TEST

START_TEST(each_foreign_thing_is_told_apart) {
        put_header(NULL);
        file[0] = 'X';
        ck_assert_int_eq(take_header(), -EBADMSG);
        ck_assert_int_eq(state.fault, TRACE_FOREIGN);

        /* A transfer that thought it was text. */
        put_header(NULL);
        file[5] = '\n';
        ck_assert_int_eq(take_header(), -EBADMSG);
        ck_assert_int_eq(state.fault, TRACE_FOREIGN);

        put_header(NULL);
        header()->byte_order = __builtin_bswap32(TRACE_BYTE_ORDER);
        ck_assert_int_eq(take_header(), -EPROTO);
        ck_assert_int_eq(state.fault, TRACE_BYTES);

        put_header(NULL);
        header()->version++;
        ck_assert_int_eq(take_header(), -EPROTO);
        ck_assert_int_eq(state.fault, TRACE_FORMAT);

        put_header(NULL);
        header()->wire_version++;
        ck_assert_int_eq(take_header(), -EPROTO);
        ck_assert_int_eq(state.fault, TRACE_WIRE);

        put_header(NULL);
        header()->fingerprint ^= 1;
        ck_assert_int_eq(take_header(), -EPROTO);
        ck_assert_int_eq(state.fault, TRACE_SCHEMA);

        put_header(NULL);
        strcpy(header()->machine, "pdp11");
        ck_assert_int_eq(take_header(), -EPROTO);
        ck_assert_int_eq(state.fault, TRACE_MACHINE);
        ck_assert_ptr_nonnull(strstr(describe(), "another kind of machine"));
}
END_TEST

START_TEST(header_that_does_not_add_up_is_damaged) {
        put_header(NULL);
        header()->size += 8;
        ck_assert_int_eq(take_header(), -EBADMSG);
        ck_assert_int_eq(state.fault, TRACE_HEADER);

        put_header(NULL);
        header()->text_length = UINT32_MAX;
        ck_assert_int_eq(take_header(), -EBADMSG);
        ck_assert_int_eq(state.fault, TRACE_HEADER);

        put_header(NULL);
        memset(header()->kernel, 'k', sizeof(header()->kernel));
        ck_assert_int_eq(take_header(), -EBADMSG);
        ck_assert_int_eq(state.fault, TRACE_HEADER);
}
END_TEST

START_TEST(file_that_ends_in_its_header_is_damaged_and_one_without_any_is_foreign) {
        const struct trace_header *ret;

        put_header(NULL);
        ck_assert_int_eq(trace_take_header(&state, file, 100, &ret), 0);
        ck_assert_int_eq(trace_take_end(&state, 100), -EBADMSG);
        ck_assert_int_eq(state.fault, TRACE_HEADER);
        ck_assert_int_eq(trace_take_header(&state, file, 0, &ret), 0);
        ck_assert_int_eq(trace_take_end(&state, 0), -EBADMSG);
        ck_assert_int_eq(state.fault, TRACE_FOREIGN);
}
END_TEST

START_TEST(torn_tail_is_told_with_how_many_records_were_good) {
        struct event event;
        char expected[200];
        size_t start;

        put_header(NULL);
        put_open(1, "/a");
        start = n_file;
        put_open(2, "/b");
        n_file -= 8;
        ck_assert_int_eq(take_header(), 1);
        ck_assert_int_eq(take_record(&event), 1);
        ck_assert_int_eq(take_record(&event), 0);
        ck_assert_int_eq(trace_take_end(&state, n_file - state.offset), -ENODATA);
        ck_assert_int_eq(state.fault, TRACE_TORN);
        ck_assert_uint_eq(state.n_records, 1);
        ck_assert_uint_eq(state.offset, start);
        snprintf(expected, sizeof(expected),
                 "ends within the block at byte %zu, after 1 good records: the recorder was interrupted", start);
        ck_assert_str_eq(describe(), expected);
        /* The same again. */
        ck_assert_int_eq(trace_take_end(&state, 0), -ENODATA);
}
END_TEST

START_TEST(damaged_record_is_told_with_its_place_before_the_reader_waits_for_it) {
        struct event event;
        size_t start;

        put_header(NULL);
        put_open(1, "/a");
        start = n_file;
        put_open(2, "/b");
        ((struct wire_header *)(file + start))->size = UINT32_MAX;
        n_file = start + sizeof(struct wire_header);
        ck_assert_int_eq(take_header(), 1);
        ck_assert_int_eq(take_record(&event), 1);
        ck_assert_int_eq(take_record(&event), -EBADMSG);
        ck_assert_int_eq(state.fault, TRACE_RECORD);
        ck_assert_uint_eq(state.offset, start);
        ck_assert_uint_eq(state.n_records, 1);
}
END_TEST

START_TEST(record_that_the_decoder_refuses_is_damage) {
        struct event event;

        put_header(NULL);
        put_open(1, "/a");
        ((struct wire_openat *)(file + header()->size))->pathname.offset = 1;
        ck_assert_int_eq(take_header(), 1);
        ck_assert_int_eq(take_record(&event), -EBADMSG);
        ck_assert_uint_eq(state.n_records, 0);
}
END_TEST

START_TEST(text_of_any_length_is_cut_to_a_page) {
        static char text[TRACE_MAX_TEXT + 100];
        struct trace_header h;

        memset(text, 'x', sizeof(text) - 1);
        trace_header_init(&h, text);
        ck_assert_uint_eq(h.text_length, TRACE_MAX_TEXT);
        ck_assert_uint_eq(h.size, sizeof(h) + TRACE_MAX_TEXT);
        trace_header_init(&h, "123");
        ck_assert_uint_eq(h.size, sizeof(h) + 8);
}
END_TEST

UNIT_MAIN("event/trace",
          records_come_back_in_order_with_numbers_and_a_time_that_never_runs_backwards,
          header_asks_for_more_until_it_is_whole,
          each_foreign_thing_is_told_apart,
          header_that_does_not_add_up_is_damaged,
          file_that_ends_in_its_header_is_damaged_and_one_without_any_is_foreign,
          torn_tail_is_told_with_how_many_records_were_good,
          damaged_record_is_told_with_its_place_before_the_reader_waits_for_it,
          record_that_the_decoder_refuses_is_damage,
          text_of_any_length_is_cut_to_a_page)
