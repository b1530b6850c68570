/* SPDX-License-Identifier: Apache-2.0 */
/* Opens of what has no ordinary name: without one, with one that is gone, from memory, in layers, as a place only. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

static const struct wire_header *open_of(pid_t pid, size_t n) {
        const struct wire_header *record = lab_find(WIRE_KIND_openat, pid, n);

        ck_assert_ptr_nonnull(record);
        return record;
}

static const struct wire_header *last_open(pid_t pid) {
        return open_of(pid, lab_count(WIRE_KIND_openat, pid) - 1);
}

static int open_without_a_name(void *argument) {
        int fd = open(lab.directory, O_TMPFILE | O_RDWR, 0600);
        char path[64];
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_nlink != 0)
                return 1;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return linkat(AT_FDCWD, path, AT_FDCWD, lab_path("given-a-name"), AT_SYMLINK_FOLLOW) < 0 ? 2 : 0;
}

/* The kernel names it by its number; what it is called later is the same object. */
START_TEST(a_file_without_a_name_is_known_by_its_object) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        pid = lab_run(open_without_a_name, NULL);
        ck_assert_int_eq(lab.status, 0);
        record = open_of(pid, 0);
        ck_assert_int_eq(stat(lab_path("given-a-name"), &st), 0);
        ck_assert(lab_is_file(lab_object(record, F(openat, file)), &st));
        ck_assert_int_eq(lab_number(record, F(openat, flags)) & O_TMPFILE, O_TMPFILE);
        ck_assert(strncmp(lab_text(record, F(openat, pathname)), lab_path("#"), strlen(lab_path("#"))) == 0);
}
END_TEST

static int open_what_is_gone(void *argument) {
        int fd = open(lab_path("goes"), O_RDWR | O_CREAT, 0600);
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return fd < 0 || unlink(lab_path("goes")) < 0 || open(path, O_RDONLY) < 0;
}

START_TEST(a_file_whose_name_is_gone_has_the_name_that_it_had) {
        const struct wire_header *first, *again;
        struct wire_object a, b;
        pid_t pid;

        pid = lab_run(open_what_is_gone, NULL);
        ck_assert_int_eq(lab.status, 0);
        first = open_of(pid, 0);
        again = open_of(pid, 1);
        a = lab_object(first, F(openat, file));
        b = lab_object(again, F(openat, file));
        ck_assert_mem_eq(&a, &b, sizeof(a));
        ck_assert_str_eq(lab_text(first, F(openat, pathname)), lab_path("goes"));
        ck_assert_str_eq(lab_text(again, F(openat, pathname)), lab_path("goes"));
}
END_TEST

static int open_memory(void *argument) {
        int fd = memfd_create("held", 0);
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return fd < 0 || open(path, O_RDWR) < 0;
}

START_TEST(a_file_in_memory_is_below_no_root) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(open_memory, NULL);
        ck_assert_int_eq(lab.status, 0);
        record = last_open(pid);
        ck_assert_str_eq(lab_text(record, F(openat, pathname)), "/memfd:held");
        ck_assert(record->flags & WIRE_DETACHED);
}
END_TEST

static int open_as_a_place(void *argument) {
        int fd = open(lab_path("place"), O_PATH);
        char path[64];

        if (fd < 0 || openat(fd, "", O_PATH) >= 0)
                return 1;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return open(path, O_WRONLY) < 0;
}

/* A descriptor that can only be looked at becomes one that can be written to. */
START_TEST(a_place_that_is_opened_again_is_told_each_time) {
        const struct wire_header *place, *again;
        struct stat st;
        pid_t pid;

        lab_write_file(lab_path("place"), "x", 0600);
        ck_assert_int_eq(stat(lab_path("place"), &st), 0);
        pid = lab_run(open_as_a_place, NULL);
        ck_assert_int_eq(lab.status, 0);
        place = open_of(pid, 0);
        again = last_open(pid);
        ck_assert(place != again);
        ck_assert_int_eq(lab_number(place, F(openat, flags)) & O_PATH, O_PATH);
        ck_assert_int_eq(lab_number(again, F(openat, flags)) & O_ACCMODE, O_WRONLY);
        ck_assert(lab_is_file(lab_object(place, F(openat, file)), &st));
        ck_assert(lab_is_file(lab_object(again, F(openat, file)), &st));
        ck_assert_str_eq(lab_text(again, F(openat, pathname)), lab_path("place"));
}
END_TEST

static int open_in_layers(void *argument) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            chdir(lab.directory) < 0 || mkdir("layers", 0755) < 0 || mount("none", "layers", "tmpfs", 0, NULL) < 0 ||
            chdir("layers") < 0)
                return 1;
        if (mkdir("lower", 0755) < 0 || mkdir("upper", 0755) < 0 || mkdir("work", 0755) < 0 ||
            mkdir("merged", 0755) < 0)
                return 1;
        lab_write_file("lower/shipped", "x", 0644);
        if (mount("none", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work") < 0)
                return 77;
        return open("merged/shipped", O_RDONLY) < 0 || open("merged/shipped", O_WRONLY) < 0 ||
               open("merged/new", O_WRONLY | O_CREAT, 0600) < 0;
}

/* The merged file, not those below, which have names and numbers of their own. */
START_TEST(a_file_in_an_overlay_is_the_merged_one) {
        const char *expected[] = {"layers/merged/shipped", "layers/merged/shipped", "layers/merged/new"};
        pid_t pid;
        size_t n;

        pid = lab_run(open_in_layers, NULL);
        if (WEXITSTATUS(lab.status) == 77) {
                printf("no overlayfs here: not tried\n");
                return;
        }
        ck_assert_int_eq(lab.status, 0);
        n = lab_count(WIRE_KIND_openat, pid);
        ck_assert_uint_ge(n, 3);
        for (size_t i = 0; i < 3; i++)
                ck_assert_str_eq(lab_text(open_of(pid, n - 3 + i), F(openat, pathname)), lab_path(expected[i]));
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                a_file_without_a_name_is_known_by_its_object,
                a_file_whose_name_is_gone_has_the_name_that_it_had,
                a_file_in_memory_is_below_no_root,
                a_place_that_is_opened_again_is_told_each_time,
                a_file_in_an_overlay_is_the_merged_one,
        };
        struct interest interest = lab_interest(LAB_KINDS(WIRE_KIND_openat));

        return lab_main("bpf/unnamed", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}
