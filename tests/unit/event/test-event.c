/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "event/encode.h"
#include "unit.h"

static struct record record;
static struct event event;

static void begin_openat(void) {
        record_begin(&record, WIRE_KIND_openat);
        record.header.tgid = record.header.tid = 42;
        record.header.start_ns = 1000;
        record.header.time_ns = 5000;
        record_set_text(&record, FIELD_openat_pathname, "/etc/shadow");
        record_set_text(&record, FIELD_openat_given, "../etc/shadow");
        record_set_number(&record, FIELD_openat_flags, 02);
        record_set_object(&record, FIELD_openat_file, &(struct wire_object){ .device = 8 << 20 | 1, .inode = 77 });
}

static int parse(void) {
        return event_parse(record.data, record.header.size, &event);
}

static struct wire_openat *openat_record(void) {
        return (struct wire_openat *)record.data;
}

static struct wire_execve *execve_record(void) {
        return (struct wire_execve *)record.data;
}

START_TEST(record_that_was_built_is_parsed_and_reads_back) {
        struct value v;

        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        ck_assert_int_eq(event_kind(&event), WIRE_KIND_openat);
        ck_assert_uint_eq(event.time_ns, 5000);
        ck_assert_uint_eq(event.number, 0);
        ck_assert_uint_eq(event_actor(&event).pid, 42);
        ck_assert_uint_eq(event_actor(&event).start_ns, 1000);

        event_get(&event, FIELD_openat_pathname, &v);
        ck_assert_int_eq(v.state, VALUE_KNOWN);
        ck_assert_int_eq(v.type, VALUE_STRING);
        ck_assert_mem_eq(v.bytes, "/etc/shadow", 11);
        ck_assert_uint_eq(v.length, 11);
        ck_assert(!v.user);

        event_get(&event, FIELD_openat_flags, &v);
        ck_assert_int_eq(v.number, 2);
        event_get(&event, FIELD_openat_file, &v);
        ck_assert_uint_eq(v.object.inode, 77);
}
END_TEST

START_TEST(field_that_was_not_captured_is_unknown_not_zero) {
        struct value v;

        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        event_get(&event, FIELD_openat_mode, &v);
        ck_assert_int_eq(v.state, VALUE_UNKNOWN);
        ck_assert_int_eq(v.type, VALUE_NUMBER);
}
END_TEST

START_TEST(field_of_another_kind_is_unknown) {
        struct value v;

        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        for (unsigned field = 0; field < _FIELD_MAX + 3; field++) {
                const struct field_info *info = schema_field(field);

                if (info && (info->scope == FIELD_COMMON || info->kind == WIRE_KIND_openat))
                        continue;
                event_get(&event, field, &v);
                ck_assert_int_eq(v.state, VALUE_UNKNOWN);
        }
}
END_TEST

START_TEST(field_marked_user_in_the_schema_or_the_record_says_so) {
        struct value v;

        begin_openat();
        record_mark_stable(&record, FIELD_openat_pathname);
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        event_get(&event, FIELD_openat_given, &v);
        ck_assert(v.user);
        ck_assert(!v.stable);
        event_get(&event, FIELD_openat_pathname, &v);
        ck_assert(v.user);
        ck_assert(v.stable);
        event_get(&event, FIELD_openat_flags, &v);
        ck_assert(!v.user);
}
END_TEST

START_TEST(cut_string_reads_as_a_prefix) {
        struct value v;

        begin_openat();
        record_mark_cut(&record, FIELD_openat_pathname);
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        event_get(&event, FIELD_openat_pathname, &v);
        ck_assert_int_eq(v.state, VALUE_CUT);
        ck_assert_uint_eq(v.length, 11);
}
END_TEST

START_TEST(common_fields_come_from_the_header) {
        struct value v;

        begin_openat();
        record.header.result = -ENOENT;
        record.header.flags = WIRE_COMPAT;
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        event_get(&event, FIELD_COMMON_result, &v);
        ck_assert_int_eq(v.number, -ENOENT);
        event_get(&event, FIELD_COMMON_failed, &v);
        ck_assert_int_eq(v.number, 1);
        event_get(&event, FIELD_COMMON_tid, &v);
        ck_assert_int_eq(v.number, 42);
        event_get(&event, FIELD_COMMON_time, &v);
        ck_assert_int_eq(v.number, 5000);
        event_get(&event, FIELD_COMMON_compat, &v);
        ck_assert_int_eq(v.number, 1);
}
END_TEST

START_TEST(result_of_a_call_that_has_none_yet_is_unknown) {
        struct value v;

        begin_openat();
        record.header.flags = WIRE_NO_RESULT;
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        event_get(&event, FIELD_COMMON_result, &v);
        ck_assert_int_eq(v.state, VALUE_UNKNOWN);
        event_get(&event, FIELD_COMMON_failed, &v);
        ck_assert_int_eq(v.state, VALUE_UNKNOWN);
}
END_TEST

START_TEST(connect_in_progress_has_not_failed) {
        struct value v;

        record_begin(&record, WIRE_KIND_connect);
        record.header.result = -EINPROGRESS;
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        event_get(&event, FIELD_COMMON_failed, &v);
        ck_assert_int_eq(v.number, 0);
}
END_TEST

START_TEST(record_of_another_version_is_told_apart_from_damage) {
        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        record.header.version = WIRE_VERSION + 1;
        ck_assert_int_eq(parse(), -EPROTO);
}
END_TEST

START_TEST(wrong_sizes_are_refused) {
        static char long_record[WIRE_MAX_RECORD + 8] __attribute__((aligned(8)));

        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size - 8, &event), -EBADMSG);
        ck_assert_int_eq(event_parse(record.data, record.header.size + 8, &event), -EBADMSG);
        ck_assert_int_eq(event_parse(record.data, record.header.size - 1, &event), -EBADMSG);
        ck_assert_int_eq(event_parse(record.data, sizeof(struct wire_header) - 8, &event), -EBADMSG);
        ck_assert_int_eq(event_parse(record.data, 0, &event), -EBADMSG);

        /* Large enough for a header, too small for its kind. */
        record.header.size = sizeof(struct wire_header);
        ck_assert_int_eq(parse(), -EBADMSG);

        memcpy(long_record, record.data, sizeof(struct wire_openat));
        ((struct wire_header *)long_record)->size = sizeof(long_record);
        ck_assert_int_eq(event_parse(long_record, sizeof(long_record), &event), -EBADMSG);
}
END_TEST

START_TEST(record_that_is_not_aligned_is_refused) {
        static char shifted[512] __attribute__((aligned(8)));

        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        memcpy(shifted + 4, record.data, record.header.size);
        ck_assert_int_eq(event_parse(shifted + 4, record.header.size, &event), -EBADMSG);
}
END_TEST

START_TEST(unknown_kinds_are_refused) {
        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        record.header.kind = WIRE_NONE;
        ck_assert_int_eq(parse(), -EBADMSG);
        record.header.kind = _WIRE_KIND_MAX;
        ck_assert_int_eq(parse(), -EBADMSG);
        record.header.kind = UINT16_MAX;
        ck_assert_int_eq(parse(), -EBADMSG);
}
END_TEST

START_TEST(masks_that_name_fields_the_kind_does_not_have_are_refused) {
        const struct kind_info *info = schema_kind(WIRE_KIND_openat);

        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        record.header.known |= UINT64_C(1) << info->n_fields;
        ck_assert_int_eq(parse(), -EBADMSG);
}
END_TEST

START_TEST(number_can_not_be_cut_and_unknown_fields_have_no_marks) {
        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        record.header.cut = WIRE_BIT(openat, flags);
        ck_assert_int_eq(parse(), -EBADMSG);

        record.header.cut = 0;
        record.header.user = WIRE_BIT(openat, mode);
        ck_assert_int_eq(parse(), -EBADMSG);

        record.header.user = 0;
        record.header.known &= ~WIRE_BIT(openat, pathname);
        record.header.cut = WIRE_BIT(openat, pathname);
        ck_assert_int_eq(parse(), -EBADMSG);
}
END_TEST

START_TEST(string_outside_the_record_is_refused) {
        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        openat_record()->pathname.length = record.header.size - openat_record()->pathname.offset + 1;
        ck_assert_int_eq(parse(), -EBADMSG);
        openat_record()->pathname.length = 1;
        openat_record()->pathname.offset = record.header.size;
        ck_assert_int_eq(parse(), -EBADMSG);
        openat_record()->pathname.offset = UINT32_MAX;
        openat_record()->pathname.length = UINT32_MAX;
        ck_assert_int_eq(parse(), -EBADMSG);
        openat_record()->pathname.offset = UINT32_MAX - 3;
        openat_record()->pathname.length = 8;
        ck_assert_int_eq(parse(), -EBADMSG);
}
END_TEST

START_TEST(string_that_points_into_the_fixed_part_is_refused) {
        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        openat_record()->pathname.offset = 0;
        ck_assert_int_eq(parse(), -EBADMSG);
        openat_record()->pathname.offset = sizeof(struct wire_openat) - 1;
        ck_assert_int_eq(parse(), -EBADMSG);
}
END_TEST

START_TEST(place_of_an_unknown_string_is_not_looked_at) {
        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        record.header.known &= ~WIRE_BIT(openat, pathname);
        openat_record()->pathname = (struct wire_bytes){ .offset = UINT32_MAX, .length = UINT32_MAX };
        ck_assert_int_eq(parse(), 0);
}
END_TEST

START_TEST(empty_string_at_the_very_end_is_fine) {
        struct value v;

        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        openat_record()->pathname = (struct wire_bytes){ .offset = record.header.size };
        ck_assert_int_eq(parse(), 0);
        event_get(&event, FIELD_openat_pathname, &v);
        ck_assert_int_eq(v.state, VALUE_KNOWN);
        ck_assert_uint_eq(v.length, 0);
}
END_TEST

START_TEST(content_may_end_in_nul) {
        struct value v;

        record_begin(&record, WIRE_KIND_write);
        record_set_bytes(&record, FIELD_write_content, "a\0b\0", 4);
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        event_get(&event, FIELD_write_content, &v);
        ck_assert_uint_eq(v.length, 4);
        ck_assert_mem_eq(v.bytes, "a\0b\0", 4);
}
END_TEST

START_TEST(list_that_does_not_end_in_nul_is_refused) {
        record_begin(&record, WIRE_KIND_execve);
        record_set_list(&record, FIELD_execve_argv, (const char *const[]){ "sh", "-c", "id", NULL });
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        execve_record()->argv.length--;
        ck_assert_int_eq(parse(), -EBADMSG);
}
END_TEST

START_TEST(empty_list_is_a_list) {
        struct value v, element;

        record_begin(&record, WIRE_KIND_execve);
        record_set_list(&record, FIELD_execve_argv, (const char *const[]){ NULL });
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        event_get(&event, FIELD_execve_argv, &v);
        ck_assert_int_eq(v.state, VALUE_KNOWN);
        ck_assert(!value_list_at(&v, 0, &element));
}
END_TEST

START_TEST(address_of_a_family_without_addresses_is_refused) {
        struct wire_address address = { .bytes = { 10, 0, 0, 1 }, .family = AF_INET };

        record_begin(&record, WIRE_KIND_connect);
        record_set_address(&record, FIELD_connect_daddr, &address);
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        ((struct wire_connect *)record.data)->daddr.family = AF_UNIX;
        ck_assert_int_eq(parse(), -EBADMSG);
}
END_TEST

START_TEST(nothing_is_written_when_a_record_is_refused) {
        const struct event before = { .number = 7, .time_ns = 8 };

        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        record.header.kind = WIRE_NONE;
        event = before;
        ck_assert_int_eq(parse(), -EBADMSG);
        ck_assert_uint_eq(event.number, 7);
        ck_assert_uint_eq(event.time_ns, 8);
        ck_assert_ptr_null(event.wire);
}
END_TEST

/* 5 more of the same, between 4 and 5 us. */
static void begin_aggregate(void) {
        begin_openat();
        record.header.time_ns = 5000;
        record.aggregate = (struct wire_aggregate){.count = 5, .first_ns = 4000, .bytes = 77};
}

START_TEST(aggregate_says_how_many_it_stands_for) {
        struct value v;

        begin_aggregate();
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        ck_assert_uint_eq(event_count(&event), 5);
        ck_assert_uint_eq(event_aggregate(&event)->first_ns, 4000);
        ck_assert_uint_eq(event_aggregate(&event)->bytes, 77);
        event_get(&event, FIELD_openat_pathname, &v);
        ck_assert_mem_eq(v.bytes, "/etc/shadow", 11);
}
END_TEST

START_TEST(record_that_is_none_stands_for_itself) {
        begin_openat();
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), 0);
        ck_assert_ptr_null(event_aggregate(&event));
        ck_assert_uint_eq(event_count(&event), 1);
}
END_TEST

START_TEST(aggregate_of_none_of_too_many_or_backwards_in_time_is_refused) {
        static const struct wire_aggregate wrong[] = {
                {.count = 0, .first_ns = 4000},
                {.count = WIRE_MAX_AGGREGATE + 1, .first_ns = 4000},
                {.count = 1, .first_ns = 5001},
        };

        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                begin_aggregate();
                ck_assert_int_eq(record_finish(&record), 0);
                ck_assert_int_eq(parse(), 0);
                memcpy(record.data + record.header.size - sizeof(wrong[i]), &wrong[i], sizeof(wrong[i]));
                ck_assert_int_eq(parse(), -EBADMSG);
        }
}
END_TEST

START_TEST(aggregate_without_room_for_it_is_refused) {
        record_begin(&record, WIRE_KIND_openat);
        ck_assert_int_eq(record_finish(&record), 0);
        record.header.flags |= WIRE_AGGREGATE;
        ck_assert_int_eq(parse(), -EBADMSG);
}
END_TEST

START_TEST(aggregate_of_what_the_process_table_lives_on_is_refused) {
        record_begin(&record, WIRE_KIND_exit);
        record.aggregate = (struct wire_aggregate){.count = 1};
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(parse(), -EBADMSG);
}
END_TEST

START_TEST(aggregate_that_is_copied_is_one_also_if_bytes_are_added) {
        static struct record copy;

        begin_aggregate();
        ck_assert_int_eq(record_finish(&record), 0);
        record_copy(&copy, &record.header);
        record_set_text(&copy, FIELD_openat_pathname, "/another/and/longer");
        ck_assert_int_eq(record_finish(&copy), 0);
        ck_assert_int_eq(event_parse(copy.data, copy.header.size, &event), 0);
        ck_assert_uint_eq(event_count(&event), 5);

        /* And it goes away with the count. */
        copy.used -= sizeof(struct wire_aggregate);
        copy.aggregate.count = 0;
        ck_assert_int_eq(record_finish(&copy), 0);
        ck_assert_int_eq(event_parse(copy.data, copy.header.size, &event), 0);
        ck_assert_uint_eq(event_count(&event), 1);
}
END_TEST

START_TEST(what_differs_between_writes_is_known) {
        ck_assert(event_field_varies(FIELD_write_offset));
        ck_assert(event_field_varies(FIELD_recvfrom_length));
        ck_assert(event_field_varies(FIELD_COMMON_result));
        ck_assert(!event_field_varies(FIELD_write_pathname));
        ck_assert(!event_field_varies(FIELD_write_content));    /* what has another content is another event */
        ck_assert(!event_field_varies(FIELD_COMMON_failed));
}
END_TEST

UNIT_MAIN("event/event",
          record_that_was_built_is_parsed_and_reads_back,
          field_that_was_not_captured_is_unknown_not_zero,
          field_of_another_kind_is_unknown,
          field_marked_user_in_the_schema_or_the_record_says_so,
          cut_string_reads_as_a_prefix,
          common_fields_come_from_the_header,
          result_of_a_call_that_has_none_yet_is_unknown,
          connect_in_progress_has_not_failed,
          record_of_another_version_is_told_apart_from_damage,
          wrong_sizes_are_refused,
          record_that_is_not_aligned_is_refused,
          unknown_kinds_are_refused,
          masks_that_name_fields_the_kind_does_not_have_are_refused,
          number_can_not_be_cut_and_unknown_fields_have_no_marks,
          string_outside_the_record_is_refused,
          string_that_points_into_the_fixed_part_is_refused,
          place_of_an_unknown_string_is_not_looked_at,
          empty_string_at_the_very_end_is_fine,
          content_may_end_in_nul,
          list_that_does_not_end_in_nul_is_refused,
          empty_list_is_a_list,
          address_of_a_family_without_addresses_is_refused,
          nothing_is_written_when_a_record_is_refused,
          aggregate_says_how_many_it_stands_for,
          record_that_is_none_stands_for_itself,
          aggregate_of_none_of_too_many_or_backwards_in_time_is_refused,
          aggregate_without_room_for_it_is_refused,
          aggregate_of_what_the_process_table_lives_on_is_refused,
          aggregate_that_is_copied_is_one_also_if_bytes_are_added,
          what_differs_between_writes_is_known)
