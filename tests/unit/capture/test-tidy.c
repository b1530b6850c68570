/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/tidy.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static const char *tidied(const char *path) {
        static char buffer[256];

        strcpy(buffer, path);
        buffer[tidy_path(buffer, strlen(path))] = 0;
        return buffer;
}

START_TEST(dots_and_doubled_slashes_are_taken_out) {
        static const char *const table[][2] = {
                {"/", "/"},
                {"//", "/"},
                {"/.", "/"},
                {"/..", "/"},
                {"/../..", "/"},
                {"/etc/passwd", "/etc/passwd"},
                {"/etc//passwd", "/etc/passwd"},
                {"/etc/./passwd", "/etc/passwd"},
                {"/etc/../etc/passwd", "/etc/passwd"},
                {"/a/b/../../c", "/c"},
                {"/a/b/../../../c", "/c"},
                {"/tmp/./x.sh", "/tmp/x.sh"},
                {"/tmp/dir/", "/tmp/dir"},
                {"/tmp/dir/.", "/tmp/dir"},
                {"/tmp/.hidden/..x/...", "/tmp/.hidden/..x/..."},
        };

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                ck_assert_str_eq(tidied(table[i][0]), table[i][1]);
                ck_assert_int_eq(tidy_path_needed(table[i][0], strlen(table[i][0])),
                                 strcmp(table[i][0], table[i][1]) != 0);
        }
}
END_TEST

static struct record record, copy;

static struct event event_of(struct record *r) {
        struct event event;

        ck_assert_int_eq(record_finish(r), 0);
        ck_assert_int_eq(event_parse(r->data, r->header.size, &event), 0);
        return event;
}

START_TEST(a_tidied_event_keeps_the_name_as_given) {
        struct event event, changed;
        struct value value;

        record_begin(&record, WIRE_KIND_unlink);
        record_set_text(&record, (enum field)WIRE_FIELD_unlink_pathname, "/tmp/a/../b");
        record_mark_user(&record, (enum field)WIRE_FIELD_unlink_pathname);
        record_set_text(&record, (enum field)WIRE_FIELD_unlink_given, "a/../b");
        event = event_of(&record);

        ck_assert(tidy_event(&event, &copy));
        ck_assert_int_eq(event_parse(copy.data, copy.header.size, &changed), 0);
        event_get(&changed, (enum field)WIRE_FIELD_unlink_pathname, &value);
        ck_assert_uint_eq(value.length, 6);
        ck_assert_mem_eq(value.bytes, "/tmp/b", 6);
        ck_assert(value.user);
        event_get(&changed, (enum field)WIRE_FIELD_unlink_given, &value);
        ck_assert_uint_eq(value.length, 6);
        ck_assert_mem_eq(value.bytes, "a/../b", 6);
}
END_TEST

START_TEST(what_the_kernel_resolved_is_left_alone) {
        struct event event;

        record_begin(&record, WIRE_KIND_openat);
        record_set_text(&record, (enum field)WIRE_FIELD_openat_pathname, "/memfd:a/../b");
        event = event_of(&record);
        ck_assert(!tidy_event(&event, &copy));
}
END_TEST

START_TEST(a_tidy_event_is_left_alone) {
        struct event event;

        record_begin(&record, WIRE_KIND_rename);
        record_set_text(&record, (enum field)WIRE_FIELD_rename_pathname, "/tmp/a");
        record_mark_user(&record, (enum field)WIRE_FIELD_rename_pathname);
        record_set_text(&record, (enum field)WIRE_FIELD_rename_newpath, "/tmp/b");
        record_mark_user(&record, (enum field)WIRE_FIELD_rename_newpath);
        event = event_of(&record);
        ck_assert(!tidy_event(&event, &copy));
}
END_TEST

START_TEST(what_could_not_be_seen_is_named) {
        const char *subject = NULL;
        struct event event;

        record_begin(&record, WIRE_KIND_unlink);
        event = event_of(&record);
        ck_assert_int_eq(tidy_obscured(&event, &subject), WIRE_OBSCURED_UNREAD);
        ck_assert_str_eq(subject, "unlink.pathname");

        record_begin(&record, WIRE_KIND_unlink);
        record.header.result = -EFAULT;
        event = event_of(&record);
        ck_assert_int_eq(tidy_obscured(&event, &subject), WIRE_OBSCURED_NONE);

        record_begin(&record, WIRE_KIND_write);
        record.header.flags = WIRE_EXCHANGED;
        event = event_of(&record);
        ck_assert_int_eq(tidy_obscured(&event, &subject), WIRE_OBSCURED_RACED);
        ck_assert_str_eq(subject, "write.file");

        record_begin(&record, WIRE_KIND_write);
        record_set_text(&record, (enum field)WIRE_FIELD_write_content, "prefix");
        record_mark_cut(&record, (enum field)WIRE_FIELD_write_content);
        event = event_of(&record);
        ck_assert_int_eq(tidy_obscured(&event, &subject), WIRE_OBSCURED_NONE);

        record_begin(&record, WIRE_KIND_execve);
        record_set_text(&record, (enum field)WIRE_FIELD_execve_filename, "/x");
        record_set_list_bytes(&record, (enum field)WIRE_FIELD_execve_argv, "a\0b", 4);
        record_set_number(&record, (enum field)WIRE_FIELD_execve_argc, 3);
        record_mark_cut(&record, (enum field)WIRE_FIELD_execve_argv);
        event = event_of(&record);
        ck_assert_int_eq(tidy_obscured(&event, &subject), WIRE_OBSCURED_CUT);
        ck_assert_str_eq(subject, "execve.argv");
}
END_TEST

UNIT_MAIN("capture/tidy",
          dots_and_doubled_slashes_are_taken_out,
          a_tidied_event_keeps_the_name_as_given,
          what_the_kernel_resolved_is_left_alone,
          a_tidy_event_is_left_alone,
          what_could_not_be_seen_is_named)
