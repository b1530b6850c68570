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

static void due(enum wire_kind kind, uint32_t flags, enum wire_reason expected, const char *expected_subject) {
        const char *subject = NULL;
        struct event event;

        record.header.flags = flags;
        event = event_of(&record);
        ck_assert_int_eq(event_kind(&event), kind);
        ck_assert_int_eq(tidy_obscured(&event, &subject), expected);
        if (expected_subject)
                ck_assert_str_eq(subject, expected_subject);
}

START_TEST(a_path_may_be_missing_where_a_descriptor_named_the_file) {
        static const struct wire_object object = {.device = 1, .inode = 2};

        record_begin(&record, WIRE_KIND_chown);
        due(WIRE_KIND_chown, 0, WIRE_OBSCURED_UNREAD, "chown.pathname");
        record_set_object(&record, FIELD_chown_file, &object);
        due(WIRE_KIND_chown, 0, WIRE_OBSCURED_NONE, NULL);

        record_begin(&record, WIRE_KIND_link);
        record_set_object(&record, FIELD_link_file, &object);
        due(WIRE_KIND_link, 0, WIRE_OBSCURED_UNREAD, "link.newpath");
        due(WIRE_KIND_link, WIRE_EXCHANGED, WIRE_OBSCURED_RACED, "link.file");

        record_begin(&record, WIRE_KIND_setxattr);
        record_set_text(&record, FIELD_setxattr_pathname, "/x");
        due(WIRE_KIND_setxattr, 0, WIRE_OBSCURED_UNREAD, "setxattr.name");
}
END_TEST

START_TEST(a_new_descriptor_that_another_thread_took_away_is_said_to_be) {
        static const struct wire_object object = {.device = 1, .inode = 2};

        record_begin(&record, WIRE_KIND_memfd_create);
        due(WIRE_KIND_memfd_create, 0, WIRE_OBSCURED_RACED, "memfd_create.file");
        record.header.result = -EPERM;
        due(WIRE_KIND_memfd_create, WIRE_FAILED, WIRE_OBSCURED_NONE, NULL);
        record.header.result = 0;
        record_set_object(&record, FIELD_memfd_create_file, &object);
        due(WIRE_KIND_memfd_create, 0, WIRE_OBSCURED_NONE, NULL);
}
END_TEST

START_TEST(a_name_is_due_of_calls_that_would_have_failed_without_it) {
        record_begin(&record, WIRE_KIND_umount);
        due(WIRE_KIND_umount, 0, WIRE_OBSCURED_UNREAD, "umount.target");
        record.header.result = -EPERM;
        due(WIRE_KIND_umount, WIRE_FAILED, WIRE_OBSCURED_NONE, NULL);

        record_begin(&record, WIRE_KIND_mount);
        due(WIRE_KIND_mount, 0, WIRE_OBSCURED_UNREAD, "mount.target");
        record_set_text(&record, FIELD_mount_given, "mnt");
        due(WIRE_KIND_mount, 0, WIRE_OBSCURED_CUT, "mount.target");
        record_set_number(&record, FIELD_mount_fd, 3);
        due(WIRE_KIND_mount, 0, WIRE_OBSCURED_NONE, NULL);      /* a mount without a name, yet */
        record_begin(&record, WIRE_KIND_mount);
        record.header.result = -EPERM;
        due(WIRE_KIND_mount, WIRE_FAILED, WIRE_OBSCURED_NONE, NULL);

        record_begin(&record, WIRE_KIND_delete_module);
        due(WIRE_KIND_delete_module, 0, WIRE_OBSCURED_UNREAD, "delete_module.name");
        record.header.result = -EPERM;
        due(WIRE_KIND_delete_module, WIRE_FAILED, WIRE_OBSCURED_NONE, NULL);

        record_begin(&record, WIRE_KIND_pivot_root);
        record_set_text(&record, FIELD_pivot_root_pathname, "/new");
        due(WIRE_KIND_pivot_root, 0, WIRE_OBSCURED_UNREAD, "pivot_root.newpath");
        record_begin(&record, WIRE_KIND_chroot);
        due(WIRE_KIND_chroot, 0, WIRE_OBSCURED_UNREAD, "chroot.pathname");
        record_begin(&record, WIRE_KIND_swapon);
        due(WIRE_KIND_swapon, 0, WIRE_OBSCURED_UNREAD, "swapon.pathname");
}
END_TEST

START_TEST(a_name_without_its_directory_is_raced_or_too_deep) {
        record_begin(&record, WIRE_KIND_rename);
        record_set_text(&record, FIELD_rename_pathname, "/x");
        record_set_text(&record, FIELD_rename_newgiven, "y");
        due(WIRE_KIND_rename, 0, WIRE_OBSCURED_CUT, "rename.newpath");
        due(WIRE_KIND_rename, WIRE_RACED, WIRE_OBSCURED_RACED, "rename.newpath");
        record.header.result = -EBADF;
        due(WIRE_KIND_rename, 0, WIRE_OBSCURED_NONE, NULL);     /* there was none */
}
END_TEST

START_TEST(every_path_made_of_names_is_tidied) {
        size_t n = 0;

        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++)
                for (uint32_t i = 0; i < schema_kind(kind)->n_fields; i++) {
                        enum field field = schema_kind(kind)->first_field + i;
                        struct event event, changed;
                        struct value value;

                        if (!(schema_field(field)->flags & (FIELD_PATH | FIELD_TIER)))
                                continue;
                        record_begin(&record, kind);
                        record_set_text(&record, field, "/a/./b");
                        record_mark_stable(&record, field);
                        event = event_of(&record);
                        ck_assert(tidy_event(&event, &copy));
                        ck_assert_int_eq(event_parse(copy.data, copy.header.size, &changed), 0);
                        event_get(&changed, field, &value);
                        ck_assert_uint_eq(value.length, 4);
                        ck_assert_mem_eq(value.bytes, "/a/b", 4);
                        ck_assert(value.stable);
                        n++;
                }
        ck_assert_uint_gt(n, 20);
}
END_TEST

UNIT_MAIN("capture/tidy",
          a_path_may_be_missing_where_a_descriptor_named_the_file,
          a_name_is_due_of_calls_that_would_have_failed_without_it,
          a_new_descriptor_that_another_thread_took_away_is_said_to_be,
          a_name_without_its_directory_is_raced_or_too_deep,
          every_path_made_of_names_is_tidied,
          dots_and_doubled_slashes_are_taken_out,
          a_tidied_event_keeps_the_name_as_given,
          what_the_kernel_resolved_is_left_alone,
          a_tidy_event_is_left_alone,
          what_could_not_be_seen_is_named)
