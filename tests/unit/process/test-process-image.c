/* SPDX-License-Identifier: Apache-2.0 */
#include "process/process-image.h"

#include <string.h>

#include "event/encode.h"
#include "unit.h"

static struct process_images images;
static struct record record;

static const char *const argv[] = { "ls", "-l", "a b", NULL };

static void begin(const char *exe, const char *filename) {
        record_begin(&record, WIRE_KIND_execve);
        if (exe)
                record_set_text(&record, FIELD_execve_exe, exe);
        if (filename)
                record_set_text(&record, FIELD_execve_filename, filename);
}

static struct process_image *new_image(void) {
        struct event event;

        ck_assert_int_eq(record_finish(&record), 0);
        ck_assert_int_eq(event_parse(record.data, record.header.size, &event), 0);
        return process_image_new(&images, &event);
}

static const char *show(const struct process_image *image, enum field field) {
        static char text[WIRE_MAX_RECORD];
        struct value v;

        process_image_get(image, field, &v);
        schema_format(field, &v, text, sizeof(text));
        return text;
}

START_TEST(exec_record_becomes_an_image_that_reads_back) {
        struct process_image *image;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        begin("/usr/bin/python3", "/home/u/tool.py");
        record_set_text(&record, FIELD_execve_cwd, "/home/u");
        record_set_text(&record, FIELD_execve_comm, "tool.py");
        record_set_list(&record, FIELD_execve_argv, argv);
        record_set_number(&record, FIELD_execve_file_mode, 0100775);
        record_set_number(&record, FIELD_execve_deleted, 0);
        record_set_number(&record, FIELD_execve_memfd, 1);
        record_set_number(&record, FIELD_execve_tty, 136 << 20 | 2);
        record_set_object(&record, FIELD_execve_file, &(struct wire_object){ .device = 8 << 20, .inode = 5 });
        image = new_image();
        ck_assert_str_eq(show(image, FIELD_PROCESS_exe), "/usr/bin/python3");
        ck_assert_str_eq(show(image, FIELD_PROCESS_filename), "/home/u/tool.py");
        ck_assert_str_eq(show(image, FIELD_PROCESS_name), "tool.py");
        ck_assert_str_eq(show(image, FIELD_PROCESS_cwd), "/home/u");
        ck_assert_str_eq(show(image, FIELD_PROCESS_comm), "tool.py");
        ck_assert_str_eq(show(image, FIELD_PROCESS_argv), "ls -l \"a b\"");
        ck_assert_str_eq(show(image, FIELD_PROCESS_args), "ls -l a b");
        ck_assert_str_eq(show(image, FIELD_PROCESS_file), "8:0/5");
        ck_assert_str_eq(show(image, FIELD_PROCESS_exe_writable), "true");
        ck_assert_str_eq(show(image, FIELD_PROCESS_exe_deleted), "false");
        ck_assert_str_eq(show(image, FIELD_PROCESS_exe_memfd), "true");
        ck_assert_str_eq(show(image, FIELD_PROCESS_upper_layer), "?");
        ck_assert_str_eq(show(image, FIELD_PROCESS_tty), "136:2");
        ck_assert_str_eq(show(image, FIELD_PROCESS_uid), "?");
        ck_assert_ptr_null(process_image_unref(image));
        process_images_done(&images);
}
END_TEST

START_TEST(image_only_the_owner_may_write_is_not_writable_by_others) {
        struct process_image *image;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        begin("/bin/a", NULL);
        record_set_number(&record, FIELD_execve_file_mode, 0104755);
        image = new_image();
        ck_assert_str_eq(show(image, FIELD_PROCESS_exe_writable), "false");
        process_image_unref(image);
        process_images_done(&images);
}
END_TEST

START_TEST(arguments_come_from_user_memory) {
        struct process_image *image;
        struct value v;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        begin("/bin/a", NULL);
        record_set_list(&record, FIELD_execve_argv, argv);
        image = new_image();
        process_image_get(image, FIELD_PROCESS_args, &v);
        ck_assert(v.user);
        process_image_get(image, FIELD_PROCESS_exe, &v);
        ck_assert(!v.user);
        process_image_unref(image);
        process_images_done(&images);
}
END_TEST

START_TEST(nothing_is_known_of_what_the_record_did_not_tell) {
        struct process_image *image;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        begin(NULL, NULL);
        image = new_image();
        for (unsigned field = _FIELD_PROCESS_BEFORE + 1; field < _FIELD_MAX; field++)
                ck_assert_str_eq(show(image, field), "?");
        for (unsigned field = _FIELD_PROCESS_BEFORE + 1; field < _FIELD_MAX; field++)
                ck_assert_str_eq(show(NULL, field), "?");
        process_image_unref(image);
        process_images_done(&images);
}
END_TEST

START_TEST(name_is_the_last_part_of_the_filename_and_without_one_of_the_image) {
        static const struct {
                const char *exe, *filename, *name;
        } cases[] = {
                { "/bin/busybox", "/bin/wget", "wget" },
                { "/bin/busybox", NULL, "busybox" },
                { NULL, "tool", "tool" },
                { "/", "/", "" },
                { NULL, "", "" },
        };

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct process_image *image;

                begin(cases[i].exe, cases[i].filename);
                image = new_image();
                ck_assert_str_eq(show(image, FIELD_PROCESS_name), cases[i].name);
                process_image_unref(image);
        }
        process_images_done(&images);
}
END_TEST

START_TEST(name_of_a_cut_filename_is_not_known) {
        struct process_image *image;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        begin("/bin/a", "/very/long/di");
        record_mark_cut(&record, FIELD_execve_filename);
        image = new_image();
        ck_assert_str_eq(show(image, FIELD_PROCESS_filename), "/very/long/di...");
        ck_assert_str_eq(show(image, FIELD_PROCESS_name), "?");
        process_image_unref(image);
        process_images_done(&images);
}
END_TEST

START_TEST(process_without_arguments_has_known_and_empty_ones) {
        struct process_image *image;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        begin("/bin/a", NULL);
        record_set_list(&record, FIELD_execve_argv, (const char *const[]){ NULL });
        image = new_image();
        ck_assert_str_eq(show(image, FIELD_PROCESS_args), "");
        ck_assert_str_eq(show(image, FIELD_PROCESS_argv), "");
        process_image_unref(image);
        process_images_done(&images);
}
END_TEST

START_TEST(image_that_is_put_into_a_record_comes_back_as_it_was) {
        struct process_image *image, *copy;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        for (unsigned seen = 0; seen < 2; seen++) {
                if (seen)
                        begin("/bin/a", "/bin/a");
                else {
                        record_begin(&record, WIRE_KIND_process);
                        record_set_text(&record, FIELD_process_exe, "/bin/a");
                }
                image = new_image();
                ck_assert_int_eq(process_image_is_before_us(image), !seen);
                process_image_put(image, &record);
                copy = new_image();
                ck_assert_int_eq(process_image_is_before_us(copy), !seen);
                ck_assert_str_eq(show(copy, FIELD_PROCESS_name), "a");
                process_image_unref(copy);
                process_image_unref(image);
        }
        process_images_done(&images);
}
END_TEST

START_TEST(image_lives_as_long_as_its_last_reference) {
        struct process_image *image;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        begin("/bin/a", NULL);
        image = process_image_ref(new_image());
        process_image_unref(image);
        ck_assert_str_eq(show(image, FIELD_PROCESS_exe), "/bin/a");
        ck_assert_uint_eq(images.n_images, 1);
        process_image_unref(image);
        ck_assert_uint_eq(images.n_images, 0);
        ck_assert_uint_eq(images.buddy.used_bytes, 0);
        ck_assert_ptr_null(process_image_unref(NULL));
        ck_assert_ptr_null(process_image_ref(NULL));
        process_images_done(&images);
}
END_TEST

START_TEST(images_that_say_the_same_are_one) {
        struct process_image *a, *b, *other;
        size_t bytes;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        begin("/bin/a", "/bin/a");
        record_set_list(&record, FIELD_execve_argv, argv);
        a = new_image();
        bytes = images.buddy.used_bytes;
        b = new_image();
        ck_assert_ptr_eq(a, b);
        ck_assert_uint_eq(images.n_images, 1);
        ck_assert_uint_eq(images.buddy.used_bytes, bytes);

        /* one number is enough to be another, and so is who it was found by */
        record_set_number(&record, FIELD_execve_tty, 5);
        other = new_image();
        ck_assert_ptr_ne(a, other);
        ck_assert_uint_ne(process_image_number(a), process_image_number(other));
        process_image_unref(other);
        record.header.flags |= WIRE_SYNTHETIC;
        other = new_image();
        ck_assert_ptr_ne(a, other);
        ck_assert(process_image_is_before_us(other) && !process_image_is_before_us(a));
        process_image_unref(other);

        process_image_unref(a);
        ck_assert_str_eq(show(b, FIELD_PROCESS_exe), "/bin/a");
        process_image_unref(b);
        ck_assert_uint_eq(images.n_images, 0);
        ck_assert_uint_eq(images.buddy.used_bytes, 0);

        /* who has gone is not found again */
        begin("/bin/a", "/bin/a");
        a = new_image();
        ck_assert_uint_eq(process_image_number(a), 4);
        process_image_unref(a);
        process_images_done(&images);
}
END_TEST

START_TEST(each_image_has_a_number_of_its_own) {
        struct process_image *a, *b;

        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        begin("/bin/a", NULL);
        a = new_image();
        ck_assert_uint_eq(process_image_number(a), 1);
        process_image_unref(a);
        begin("/bin/a", NULL);
        b = new_image();
        ck_assert_uint_eq(process_image_number(b), 2);
        process_image_unref(b);
        process_images_done(&images);
}
END_TEST

START_TEST(region_that_is_short_of_room_keeps_the_names_and_shortens_arguments) {
        static struct process_image *kept[1000];
        static char big[4000];
        size_t n = 0;
        struct value v;

        memset(big, 'x', sizeof(big) - 1);
        ck_assert_int_eq(process_images_init(&images, 65536), 0);
        do {
                begin("/bin/a", NULL);
                record_set_list(&record, FIELD_execve_argv, (const char *const[]){ "a", big, NULL });
                record_set_number(&record, FIELD_execve_tty, (int64_t)n);
                kept[n] = new_image();
        } while (kept[n] && ++n < 1000);

        ck_assert_uint_gt(images.n_shortened, 0);
        ck_assert_uint_eq(images.n_refused, 1);
        ck_assert_uint_gt(n, 10);
        process_image_get(kept[0], FIELD_PROCESS_argv, &v);
        ck_assert_int_eq(v.state, VALUE_KNOWN);
        ck_assert_uint_eq(v.length, sizeof(big) + 2);
        process_image_get(kept[n - 1], FIELD_PROCESS_argv, &v);
        ck_assert_int_eq(v.state, VALUE_CUT);
        ck_assert_uint_eq(v.length, 512);
        ck_assert_int_eq(v.bytes[511], '\0');
        process_image_get(kept[n - 1], FIELD_PROCESS_args, &v);
        ck_assert_int_eq(v.state, VALUE_CUT);
        ck_assert_str_eq(show(kept[n - 1], FIELD_PROCESS_exe), "/bin/a");
        while (n > 0)
                process_image_unref(kept[--n]);
        ck_assert_uint_eq(images.buddy.used_bytes, 0);
        process_images_done(&images);
}
END_TEST

START_TEST(largest_record_that_can_be_is_an_image_or_is_refused) {
        static char big[WIRE_MAX_RECORD];

        ck_assert_int_eq(process_images_init(&images, 1 << 20), 0);
        begin(NULL, NULL);
        memset(big, 0, sizeof(big));
        record_set_list_bytes(&record, FIELD_execve_argv, big, sizeof(big) - sizeof(struct wire_execve));
        process_image_unref(new_image());
        begin(NULL, NULL);
        record_set_bytes(&record, FIELD_execve_exe, big, 4096);
        record_set_bytes(&record, FIELD_execve_filename, big, 4096);
        record_set_bytes(&record, FIELD_execve_cwd, big, 4096);
        record_set_list_bytes(&record, FIELD_execve_argv, big, 8192);
        struct process_image *image = new_image();
        ck_assert_ptr_nonnull(image);
        process_image_unref(image);
        process_images_done(&images);
}
END_TEST

UNIT_MAIN("process/process-image",
          exec_record_becomes_an_image_that_reads_back,
          image_only_the_owner_may_write_is_not_writable_by_others,
          arguments_come_from_user_memory,
          nothing_is_known_of_what_the_record_did_not_tell,
          name_is_the_last_part_of_the_filename_and_without_one_of_the_image,
          name_of_a_cut_filename_is_not_known,
          process_without_arguments_has_known_and_empty_ones,
          image_that_is_put_into_a_record_comes_back_as_it_was,
          image_lives_as_long_as_its_last_reference,
          images_that_say_the_same_are_one,
          each_image_has_a_number_of_its_own,
          region_that_is_short_of_room_keeps_the_names_and_shortens_arguments,
          largest_record_that_can_be_is_an_image_or_is_refused)
