/* SPDX-License-Identifier: Apache-2.0 */
#include "action/runtime-list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#include "unit.h"

#define NOW (1000 * NSEC_PER_SEC)

struct place {
        char root[64], directory[96], file[128];
};

static void place_init(struct place *place) {
        strcpy(place->root, "/tmp/execray-lists-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(place->root));
        snprintf(place->directory, sizeof(place->directory), "%s/lists", place->root);
        snprintf(place->file, sizeof(place->file), "%s/bad", place->directory);
}

static void place_done(struct place *place) {
        (void)unlink(place->file);
        (void)rmdir(place->directory);
        ck_assert_int_eq(rmdir(place->root), 0);
}

static struct runtime_lists *open_lists(struct place *place, size_t n_bad) {
        struct runtime_lists *lists;
        size_t found;

        ck_assert_int_eq(runtime_lists_new(place->directory, NOW, &found, &lists), 0);
        ck_assert_uint_eq(found, n_bad);
        return lists;
}

START_TEST(a_value_is_on_its_list_until_its_time) {
        struct runtime_lists *lists;
        struct place place;

        place_init(&place);
        lists = open_lists(&place, 0);
        ck_assert(!runtime_list_has(lists, "bad", "10.0.0.1", NOW));
        ck_assert_int_eq(runtime_list_add(lists, "bad", "10.0.0.1", NOW + 10), 1);
        ck_assert_int_eq(runtime_list_add(lists, "bad", "10.0.0.2", NOW + 20), 1);
        ck_assert(runtime_list_has(lists, "bad", "10.0.0.1", NOW + 9));
        ck_assert(!runtime_list_has(lists, "bad", "10.0.0.1", NOW + 10));
        ck_assert(!runtime_list_has(lists, "good", "10.0.0.1", NOW));
        ck_assert_uint_eq(runtime_lists_expire(lists, NOW + 9), 0);
        ck_assert_uint_eq(runtime_lists_expire(lists, NOW + 10), 1);
        ck_assert_uint_eq(runtime_lists_n_values(lists), 1);
        ck_assert_int_eq(runtime_list_add(lists, "bad", "10.0.0.2", NOW + 30), 0);
        ck_assert_uint_eq(runtime_lists_expire(lists, NOW + 20), 0);
        ck_assert_int_eq(runtime_list_remove(lists, "bad", "10.0.0.2"), 1);
        ck_assert_int_eq(runtime_list_remove(lists, "bad", "10.0.0.2"), 0);
        ck_assert_uint_eq(runtime_lists_n_values(lists), 0);
        runtime_lists_free(lists);
        place_done(&place);
}
END_TEST

START_TEST(whoever_opens_them_again_has_them_again) {
        _cleanup_(freep) char *text = NULL;
        struct runtime_lists *lists;
        struct place place;
        size_t n;

        place_init(&place);
        lists = open_lists(&place, 0);
        ck_assert_int_eq(runtime_list_add(lists, "bad", "b c", NOW + 100), 1);
        ck_assert_int_eq(runtime_list_add(lists, "bad", "a", NOW + 5), 1);
        runtime_lists_free(lists);
        ck_assert_int_eq(read_file_at(AT_FDCWD, place.file, 4096, &text, &n), 0);
        ck_assert_str_eq(text, "execray-list 1\n1000000000005 a\n1000000000100 b c\n");
        ck_assert_int_eq(runtime_lists_new(place.directory, NOW + 50, NULL, &lists), 0);
        ck_assert(runtime_list_has(lists, "bad", "b c", NOW + 50));
        ck_assert_uint_eq(runtime_lists_n_values(lists), 1);
        runtime_lists_free(lists);
        place_done(&place);
}
END_TEST

START_TEST(what_another_process_has_written_is_read_again) {
        struct runtime_lists *ours, *theirs;
        struct place place;

        place_init(&place);
        ours = open_lists(&place, 0);
        ck_assert_int_eq(runtime_list_add(ours, "bad", "a", NOW + 100), 1);
        ck_assert_int_eq(runtime_lists_refresh(ours, NOW), 0);
        theirs = open_lists(&place, 0);
        ck_assert_int_eq(runtime_list_remove(theirs, "bad", "a"), 1);
        ck_assert_int_eq(runtime_list_add(theirs, "bad", "b", NOW + 100), 1);
        ck_assert_int_eq(runtime_lists_refresh(ours, NOW), 1);
        ck_assert(!runtime_list_has(ours, "bad", "a", NOW) && runtime_list_has(ours, "bad", "b", NOW));
        ck_assert_int_eq(runtime_lists_refresh(ours, NOW), 0);
        ck_assert_int_eq(unlink(place.file), 0);
        ck_assert_int_eq(runtime_lists_refresh(ours, NOW), 1);
        ck_assert_uint_eq(runtime_lists_n_values(ours), 0);
        runtime_lists_free(theirs);
        runtime_lists_free(ours);
        place_done(&place);
}
END_TEST

START_TEST(a_file_that_is_wrong_is_left_out_and_counted) {
        static const char *const wrong[] = {"", "other\n", "execray-list 1\nx\n", "execray-list 1\n-5 x\n",
                                            "execray-list 1\n9999999999999 no end", "execray-list 1\n9999999999999 \n",
                                            "execray-list 1\n9999999999999 a\tb\n",
                                            "execray-list 1\n9999999999999 good\nbad\n",
                                            "execray-list 1\n9999999999999 twice\n9999999999999 twice\n"};
        struct place place;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                struct runtime_lists *lists;
                int fd;

                place_init(&place);
                ck_assert_int_eq(mkdir(place.directory, 0755), 0);
                fd = open(place.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                ck_assert_int_eq(fd_write_full(fd, wrong[i], strlen(wrong[i])), 0);
                close(fd);
                lists = open_lists(&place, 1);
                ck_assert_uint_eq(runtime_lists_n_values(lists), 0);
                runtime_lists_free(lists);
                place_done(&place);
        }
}
END_TEST

START_TEST(a_list_that_cannot_be_written_stays_as_it_was) {
        struct runtime_lists *lists;
        struct place place;
        int fd;

        place_init(&place);
        lists = open_lists(&place, 0);
        /* There is a file where the directory should be. */
        fd = open(place.directory, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        close(fd);
        ck_assert_int_lt(runtime_list_add(lists, "bad", "x", NOW + 10), 0);
        ck_assert(!runtime_list_has(lists, "bad", "x", NOW));
        ck_assert_int_eq(unlink(place.directory), 0);
        ck_assert_int_eq(runtime_list_add(lists, "bad", "x", NOW + 10), 1);
        ck_assert_int_eq(unlink(place.file), 0);
        ck_assert_int_eq(rmdir(place.directory), 0);
        fd = open(place.directory, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        close(fd);
        ck_assert_int_lt(runtime_list_remove(lists, "bad", "x"), 0);
        ck_assert(runtime_list_has(lists, "bad", "x", NOW));
        ck_assert_int_eq(unlink(place.directory), 0);
        runtime_lists_free(lists);
        place_done(&place);
}
END_TEST

START_TEST(there_is_no_room_for_more_lists_than_there_may_be) {
        struct runtime_lists *lists;
        struct place place;
        char name[160];

        place_init(&place);
        lists = open_lists(&place, 0);
        for (int i = 0; i < VALUE_LISTS_MAX; i++) {
                snprintf(name, sizeof(name), "l%d", i);
                ck_assert_int_eq(runtime_list_add(lists, name, "x", NOW + 10), 1);
        }
        ck_assert_int_eq(runtime_list_add(lists, "bad", "x", NOW + 10), -ENOSPC);
        for (int i = 0; i < VALUE_LISTS_MAX; i++) {
                snprintf(name, sizeof(name), "%s/l%d", place.directory, i);
                ck_assert_int_eq(unlink(name), 0);
        }
        runtime_lists_free(lists);
        place_done(&place);
}
END_TEST

UNIT_MAIN("action/runtime-list", a_value_is_on_its_list_until_its_time, whoever_opens_them_again_has_them_again,
          what_another_process_has_written_is_read_again,
          a_file_that_is_wrong_is_left_out_and_counted, a_list_that_cannot_be_written_stays_as_it_was,
          there_is_no_room_for_more_lists_than_there_may_be)
