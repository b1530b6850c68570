/* SPDX-License-Identifier: Apache-2.0 */
#include "action/actions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "action/undo-log.h"
#include "base/fd.h"

#include "lab.h"
#include "unit.h"

static void write_file(const char *path, const char *text, mode_t mode) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fd_write_full(fd, text, strlen(text)), 0);
        ck_assert_int_eq(fchmod(fd, mode), 0);
        close(fd);
}

static void has(const char *path, const char *text, mode_t mode) {
        _cleanup_(freep) char *found = NULL;
        struct stat st;
        size_t n;

        ck_assert_int_eq(lstat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, mode);
        ck_assert_int_eq(read_file_at(AT_FDCWD, path, 4096, &found, &n), 0);
        ck_assert_str_eq(found, text);
}

static struct action_result quarantine_as(struct lab *lab, const char *path, const struct stat *st) {
        const struct action_input inputs[] = {
                LAB_TEXT("path", path),
                LAB_NUMBER("device", major(st->st_dev) << 20 | minor(st->st_dev)),
                LAB_NUMBER("inode", st->st_ino),
        };

        return lab_run(lab, "quarantine", inputs, 3);
}

static struct action_result quarantine(struct lab *lab, const char *path) {
        struct stat st;

        ck_assert_int_eq(lstat(path, &st), 0);
        return quarantine_as(lab, path, &st);
}

static void in_lab(const struct lab *lab, const char *name, char path[128]) {
        snprintf(path, 128, "%s/%s", lab->root, name);
}

/* The one file in quarantine. */
static void only_one(const struct lab *lab, char path[512]) {
        char command[256];
        FILE *f;

        snprintf(command, sizeof(command), "ls %s", lab->quarantine);
        f = popen(command, "r");
        ck_assert_ptr_nonnull(f);
        snprintf(path, 512, "%s/", lab->quarantine);
        ck_assert_int_eq(fscanf(f, "%255s", path + strlen(path)), 1);
        ck_assert_int_eq(fscanf(f, "%255s", command), EOF);
        pclose(f);
}

START_TEST(a_file_goes_to_quarantine_and_comes_back_as_it_was) {
        struct stat before, there, after;
        struct action_result result;
        char path[128], kept[512];
        struct lab lab;

        lab_init(&lab, NULL);
        in_lab(&lab, "bad", path);
        write_file(path, "evil", 04751);
        ck_assert_int_eq(stat(path, &before), 0);
        result = quarantine(&lab, path);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert_uint_eq(result.undo, 1);
        ck_assert_int_lt(lstat(path, &there), 0);
        only_one(&lab, kept);
        ck_assert_int_eq(stat(kept, &there), 0);
        ck_assert_uint_eq(there.st_mode & 07777, 0);
        ck_assert_uint_eq(there.st_ino, before.st_ino);
        ck_assert_int_eq(stat(lab.quarantine, &there), 0);
        ck_assert_uint_eq(there.st_mode & 07777, 0700);

        result = lab_undo(&lab, result.undo);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        has(path, "evil", 04751);
        ck_assert_int_eq(stat(path, &after), 0);
        ck_assert_int_eq(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
        ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
        ck_assert_uint_eq(after.st_ino, before.st_ino);
        lab_done(&lab);
}
END_TEST

START_TEST(what_it_was_is_written_down) {
        _cleanup_(undo_entry_done) struct undo_entry entry;
        struct action_result result;
        struct undo_log log;
        struct lab lab;
        char path[128];

        lab_init(&lab, NULL);
        in_lab(&lab, "bad", path);
        write_file(path, "abc", 0640);
        result = quarantine(&lab, path);
        ck_assert_int_eq(result.outcome, ACTION_DONE);
        ck_assert_int_eq(undo_log_open(&log, lab.state, 100), 0);
        ck_assert_int_eq(undo_log_read(&log, result.undo, &entry), 0);
        ck_assert_int_eq(entry.state, UNDO_DONE);
        ck_assert_str_eq(undo_entry_get(&entry, "path"), path);
        ck_assert_str_eq(undo_entry_get(&entry, "mode"), "0640");
        ck_assert_str_eq(undo_entry_get(&entry, "sha256"),
                         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        ck_assert_str_eq(entry.policy, "lab");
        undo_log_close(&log);
        lab_done(&lab);
}
END_TEST

START_TEST(another_file_of_the_same_name_stays) {
        struct action_result result;
        struct stat st;
        struct lab lab;
        char path[128];

        lab_init(&lab, NULL);
        in_lab(&lab, "bad", path);
        write_file(path, "good", 0644);
        ck_assert_int_eq(stat(path, &st), 0);
        st.st_ino++;
        result = quarantine_as(&lab, path, &st);
        ck_assert_int_eq(result.error, -ESTALE);
        st.st_ino--;
        st.st_dev++;
        result = quarantine_as(&lab, path, &st);
        ck_assert_int_eq(result.error, -ESTALE);
        has(path, "good", 0644);
        lab_done(&lab);
}
END_TEST

START_TEST(a_link_at_the_end_or_on_the_way_is_not_followed) {
        char path[128], link[128], through[160];
        struct action_result result;
        struct stat st;
        struct lab lab;

        lab_init(&lab, NULL);
        in_lab(&lab, "victim", path);
        in_lab(&lab, "link", link);
        write_file(path, "good", 0644);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(symlink(path, link), 0);
        result = quarantine_as(&lab, link, &st);
        ck_assert_int_eq(result.error, -ELOOP);
        ck_assert_int_eq(unlink(link), 0);
        ck_assert_int_eq(symlink(lab.root, link), 0);
        snprintf(through, sizeof(through), "%s/victim", link);
        result = quarantine_as(&lab, through, &st);
        ck_assert_int_eq(result.error, -ELOOP);
        has(path, "good", 0644);
        lab_done(&lab);
}
END_TEST

START_TEST(the_other_names_of_a_file_keep_its_mode) {
        char path[128], other[128], kept[512];
        struct action_result result;
        struct stat st;
        struct lab lab;

        lab_init(&lab, NULL);
        in_lab(&lab, "system", other);
        in_lab(&lab, "bad", path);
        write_file(other, "shared", 0755);
        ck_assert_int_eq(link(other, path), 0);
        result = quarantine(&lab, path);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert_ptr_nonnull(strstr(result.text, "it has 1 other names"));
        ck_assert_int_lt(lstat(path, &st), 0);
        has(other, "shared", 0755);
        only_one(&lab, kept);
        has(kept, "shared", 0);
        lab_done(&lab);
}
END_TEST

START_TEST(across_file_systems_it_is_copied_there_and_back) {
        char directory[] = "/dev/shm/execray-lab-XXXXXX", path[64], kept[512];
        struct stat here, there, before, after;
        struct action_result result;
        struct lab lab;

        lab_init(&lab, NULL);
        if (!mkdtemp(directory) || stat(directory, &there) < 0 || stat(lab.root, &here) < 0 ||
            here.st_dev == there.st_dev) {
                (void)rmdir(directory);
                printf("SKIP: no second file system to write to\n");
                lab_done(&lab);
                return;
        }
        snprintf(path, sizeof(path), "%s/bad", directory);
        write_file(path, "evil", 02711);
        ck_assert_int_eq(stat(path, &before), 0);
        result = quarantine(&lab, path);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert_int_lt(lstat(path, &after), 0);
        ck_assert_int_eq(rmdir(directory), 0);
        only_one(&lab, kept);
        has(kept, "evil", 0);

        result = lab_undo(&lab, 1);
        ck_assert_msg(result.error == -ENOENT, "%s", result.text);
        ck_assert_int_eq(mkdir(directory, 0700), 0);
        result = lab_undo(&lab, 1);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        has(path, "evil", 02711);
        ck_assert_int_eq(stat(path, &after), 0);
        ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
        ck_assert_int_lt(lstat(kept, &after), 0);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
        lab_done(&lab);
}
END_TEST

START_TEST(nothing_is_written_over_when_it_comes_back) {
        struct action_result result;
        struct lab lab;
        char path[128];

        lab_init(&lab, NULL);
        in_lab(&lab, "bad", path);
        write_file(path, "evil", 0700);
        result = quarantine(&lab, path);
        ck_assert_int_eq(result.outcome, ACTION_DONE);
        write_file(path, "new", 0600);
        result = lab_undo(&lab, 1);
        ck_assert_int_eq(result.error, -EEXIST);
        has(path, "new", 0600);
        /* It can be tried again. */
        ck_assert_int_eq(unlink(path), 0);
        result = lab_undo(&lab, 1);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        has(path, "evil", 0700);
        lab_done(&lab);
}
END_TEST

START_TEST(what_is_protected_stays) {
        struct action_result result;
        struct lab lab;
        char path[128];

        lab_init(&lab, NULL);
        result = quarantine(&lab, "/etc/passwd");
        ck_assert_int_eq(result.outcome, ACTION_REFUSED);
        ck_assert_str_eq(result.text, "'/etc/passwd' stays: '/etc' is protected (response.protect_files)");
        in_lab(&lab, "directory", path);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        result = quarantine(&lab, path);
        ck_assert_int_eq(result.error, -EBADFD);
        lab_done(&lab);
}
END_TEST

START_TEST(what_does_not_fit_stays) {
        struct action_result result;
        struct lab lab;
        char path[128];

        lab_init(&lab, NULL);
        lab.config.response.quarantine_size_bytes = 5;
        in_lab(&lab, "one", path);
        write_file(path, "1234", 0600);
        ck_assert_int_eq(quarantine(&lab, path).outcome, ACTION_DONE);
        in_lab(&lab, "two", path);
        write_file(path, "12", 0600);
        result = quarantine(&lab, path);
        ck_assert_int_eq(result.error, -ENOSPC);
        has(path, "12", 0600);
        lab_done(&lab);
}
END_TEST

START_TEST(nothing_is_done_that_could_not_be_written_down) {
        struct action_result result;
        struct lab lab;
        char path[128];

        lab_init(&lab, NULL);
        in_lab(&lab, "bad", path);
        write_file(path, "evil", 0600);
        write_file(lab.state, "in the way", 0600);
        result = quarantine(&lab, path);
        ck_assert_int_eq(result.outcome, ACTION_FAILED);
        ck_assert_ptr_nonnull(strstr(result.text, "log of responses"));
        has(path, "evil", 0600);
        lab_done(&lab);
}
END_TEST

UNIT_MAIN("action/action-file", a_file_goes_to_quarantine_and_comes_back_as_it_was, what_it_was_is_written_down,
          another_file_of_the_same_name_stays, a_link_at_the_end_or_on_the_way_is_not_followed,
          the_other_names_of_a_file_keep_its_mode, across_file_systems_it_is_copied_there_and_back,
          nothing_is_written_over_when_it_comes_back, what_is_protected_stays, what_does_not_fit_stays,
          nothing_is_done_that_could_not_be_written_down)
