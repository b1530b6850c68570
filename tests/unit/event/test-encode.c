/* SPDX-License-Identifier: Apache-2.0 */
#include "event/encode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "event/compare.h"
#include "unit.h"

static struct record record, copy;

/* Some value of the type that differs from field to field. */
static struct value sample(enum field field, enum value_type type, char *text, size_t size) {
        struct value v = { .type = type, .state = VALUE_KNOWN };

        switch (type) {
        case VALUE_NUMBER:
                v.number = -(int64_t)field;
                break;
        case VALUE_STRING:
        case VALUE_LIST:
                v.bytes = text;
                v.length = snprintf(text, size, "field-%u", (unsigned)field) + (type == VALUE_LIST);
                break;
        case VALUE_OBJECT:
                v.object = (struct wire_object){ .device = field, .inode = field + 1, .generation = field + 2 };
                break;
        case VALUE_ADDRESS:
                v.address = (struct wire_address){ .bytes = { 10, 0, 0, (uint8_t)field }, .family = AF_INET };
                break;
        case VALUE_IDENTITY:
        case _VALUE_TYPE_MAX:
                ck_abort();
        }
        return v;
}

START_TEST(every_field_of_every_kind_survives_the_way_to_bytes_and_back) {
        for (unsigned kind = 1; kind < _WIRE_KIND_MAX; kind++) {
                const struct kind_info *info = schema_kind(kind);
                struct event event;
                struct value v, expected;
                char text[32];

                record_begin(&record, kind);
                for (unsigned f = info->first_field; f < info->first_field + info->n_fields; f++) {
                        expected = sample(f, schema_field(f)->type, text, sizeof(text));
                        record_set_value(&record, f, &expected);
                }
                ck_assert_int_eq(record_finish(&record), 0);
                ck_assert_uint_eq(record.header.size % 8, 0);
                ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);

                for (unsigned f = info->first_field; f < info->first_field + info->n_fields; f++) {
                        expected = sample(f, schema_field(f)->type, text, sizeof(text));
                        event_get(&event, f, &v);
                        ck_assert_int_eq(v.state, VALUE_KNOWN);
                        ck_assert_int_eq(value_equal(&v, &expected), TRUTH_TRUE);
                }
        }
}
END_TEST

START_TEST(record_copied_field_by_field_keeps_its_marks) {
        const struct kind_info *info = schema_kind(WIRE_KIND_execve);
        struct event event;
        struct value v;

        record_begin(&record, WIRE_KIND_execve);
        record_set_list(&record, FIELD_execve_argv, (const char *const[]){ "sh", "-c", NULL });
        record_mark_cut(&record, FIELD_execve_argv);
        record_set_text(&record, FIELD_execve_exe, "/bin/sh");
        record_mark_user(&record, FIELD_execve_exe);
        record_set_text(&record, FIELD_execve_cwd, "/");
        record_mark_stable(&record, FIELD_execve_cwd);
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);

        record_begin(&copy, WIRE_KIND_execve);
        for (unsigned f = info->first_field; f < info->first_field + info->n_fields; f++) {
                event_get(&event, f, &v);
                record_set_value(&copy, f, &v);
        }
        ck_assert_int_eq(record_finish(&copy), 0);
        ck_assert_uint_eq(copy.header.known, record.header.known);
        ck_assert_uint_eq(copy.header.cut, record.header.cut);
        ck_assert_int_eq(event_parse(copy.data, copy.header.size, &event), 0);
        event_get(&event, FIELD_execve_exe, &v);
        ck_assert(v.user);
        ck_assert(!v.stable);
        event_get(&event, FIELD_execve_cwd, &v);
        ck_assert(v.user && v.stable);
        event_get(&event, FIELD_execve_argv, &v);
        ck_assert_int_eq(v.state, VALUE_CUT);
}
END_TEST

START_TEST(field_of_another_kind_or_type_is_an_error_that_stays) {
        record_begin(&record, WIRE_KIND_openat);
        record_set_number(&record, FIELD_write_length, 1);
        record_set_number(&record, FIELD_openat_flags, 1);
        ck_assert_int_eq(record_finish(&record), -EINVAL);

        record_begin(&record, WIRE_KIND_openat);
        record_set_number(&record, FIELD_openat_pathname, 1);
        ck_assert_int_eq(record_finish(&record), -EINVAL);

        record_begin(&record, WIRE_KIND_openat);
        record_set_text(&record, FIELD_PROCESS_exe, "/bin/sh");
        ck_assert_int_eq(record_finish(&record), -EINVAL);

        record_begin(&record, WIRE_KIND_openat);
        ck_assert_int_eq(record_finish(&record), 0);
}
END_TEST

START_TEST(mark_on_a_field_without_a_value_is_an_error) {
        record_begin(&record, WIRE_KIND_openat);
        record_mark_cut(&record, FIELD_openat_pathname);
        ck_assert_int_eq(record_finish(&record), -EINVAL);

        record_begin(&record, WIRE_KIND_openat);
        record_set_number(&record, FIELD_openat_flags, 0);
        record_mark_cut(&record, FIELD_openat_flags);
        ck_assert_int_eq(record_finish(&record), -EINVAL);
}
END_TEST

START_TEST(more_bytes_than_a_record_holds_are_refused) {
        static char big[WIRE_MAX_RECORD];

        memset(big, 'a', sizeof(big));
        record_begin(&record, WIRE_KIND_openat);
        record_set_bytes(&record, FIELD_openat_pathname, big, sizeof(big) - sizeof(struct wire_openat));
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_uint_eq(record.header.size, WIRE_MAX_RECORD);

        record_begin(&record, WIRE_KIND_openat);
        record_set_bytes(&record, FIELD_openat_pathname, big, sizeof(big) - sizeof(struct wire_openat) + 1);
        ck_assert_int_eq(record_finish(&record), -E2BIG);
}
END_TEST

START_TEST(list_without_its_last_nul_and_foreign_address_are_refused) {
        record_begin(&record, WIRE_KIND_execve);
        record_set_list_bytes(&record, FIELD_execve_argv, "ab", 2);
        ck_assert_int_eq(record_finish(&record), -EINVAL);

        record_begin(&record, WIRE_KIND_connect);
        record_set_address(&record, FIELD_connect_daddr, &(struct wire_address){ .family = AF_UNIX });
        ck_assert_int_eq(record_finish(&record), -EINVAL);
}
END_TEST

START_TEST(nothing_of_an_earlier_record_is_left_in_the_next) {
        record_begin(&record, WIRE_KIND_process);
        record_set_text(&record, FIELD_process_exe, "/usr/bin/something-long-enough-to-leave-traces");
        record.header.tgid = 7;
        ck_assert_int_eq(record_finish(&record), 0);

        record_begin(&record, WIRE_KIND_unlink);
        record_set_text(&record, FIELD_unlink_pathname, "/a");
        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_uint_eq(record.header.tgid, 0);
        for (size_t i = sizeof(struct wire_unlink) + 2; i < record.header.size; i++)
                ck_assert_int_eq(record.data[i], 0);
}
END_TEST

UNIT_MAIN("event/encode",
          every_field_of_every_kind_survives_the_way_to_bytes_and_back,
          record_copied_field_by_field_keeps_its_marks,
          field_of_another_kind_or_type_is_an_error_that_stays,
          mark_on_a_field_without_a_value_is_an_error,
          more_bytes_than_a_record_holds_are_refused,
          list_without_its_last_nul_and_foreign_address_are_refused,
          nothing_of_an_earlier_record_is_left_in_the_next)
