/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit.h"

static char dir[] = "/tmp/test-fd-XXXXXX";
static int dir_fd;

/* Each test has a directory of its own, with a file "f" that holds "hello". */
static void enter(void) {
        int fd;

        umask(022);
        ck_assert_ptr_nonnull(mkdtemp(dir));
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(dir_fd, 0);
        fd = openat(dir_fd, "f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        ck_assert_int_eq(fd_write_full(fd, "hello", 5), 0);
        close(fd);
}

static void leave(void) {
        static const char *const names[] = {"f", "link", "fifo", "big"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                unlinkat(dir_fd, names[i], 0);
        unlinkat(dir_fd, "sub", AT_REMOVEDIR);
        close(dir_fd);
        rmdir(dir);
}

START_TEST(a_file_is_read_whole_up_to_its_limit) {
        _cleanup_(freep) char *s = NULL;
        size_t n = 77;

        enter();
        ck_assert_int_eq(read_file_at(dir_fd, "f", 4, &s, &n), -EFBIG);
        ck_assert_ptr_null(s);
        ck_assert_uint_eq(n, 77);
        ck_assert_int_eq(read_file_at(dir_fd, "f", 5, &s, &n), 0);
        ck_assert_uint_eq(n, 5);
        ck_assert_str_eq(s, "hello");
        ck_assert_int_eq(read_file_at(dir_fd, "none", 5, &s, &n), -ENOENT);
        leave();
}
END_TEST

START_TEST(a_file_that_has_no_size_is_read_all_the_same) {
        _cleanup_(freep) char *s = NULL;
        size_t n = 0;

        ck_assert_int_eq(read_file_at(AT_FDCWD, "/proc/self/status", 1 << 20, &s, &n), 0);
        ck_assert_uint_eq(strlen(s), n);
        ck_assert_ptr_nonnull(strstr(s, "Pid:"));
        free(s);
        s = NULL;
        ck_assert_int_eq(read_file_at(AT_FDCWD, "/dev/zero", 100000, &s, &n), -EFBIG);
}
END_TEST

START_TEST(files_of_every_length_around_the_first_buffer_are_read_exactly) {
        enter();
        for (size_t length = 4090; length < 4100; length++) {
                _cleanup_(freep) char *s = NULL;
                char block[4200] = {};
                size_t n;
                int fd;

                fd = openat(dir_fd, "big", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
                memset(block, 'x', length);
                ck_assert_int_eq(fd_write_full(fd, block, length), 0);
                close(fd);
                ck_assert_int_eq(read_file_at(dir_fd, "big", length, &s, &n), 0);
                ck_assert_uint_eq(n, length);
                ck_assert_str_eq(s, block);
                ck_assert_int_eq(read_file_at(dir_fd, "big", length - 1, &s, &n), -EFBIG);
        }
        leave();
}
END_TEST

START_TEST(a_short_file_says_how_much_there_was) {
        char data[10];
        size_t n;
        int fd;

        enter();
        fd = openat(dir_fd, "f", O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(fd_read_full(fd, data, 3, &n), 0);
        ck_assert_uint_eq(n, 3);
        ck_assert_int_eq(fd_read_full(fd, data, 3, &n), -ENODATA);
        ck_assert_uint_eq(n, 2);
        close(fd);
        ck_assert_int_eq(fd_read_full(fd, data, 1, NULL), -EBADF);
        leave();
}
END_TEST

START_TEST(only_a_regular_file_is_opened_and_never_through_a_link) {
        int fd;

        enter();
        ck_assert_int_eq(symlinkat("f", dir_fd, "link"), 0);
        ck_assert_int_eq(mkfifoat(dir_fd, "fifo", 0644), 0);
        ck_assert_int_eq(mkdirat(dir_fd, "sub", 0755), 0);
        ck_assert_int_eq(open_regular_at(dir_fd, "link"), -ELOOP);
        ck_assert_int_eq(open_regular_at(dir_fd, "fifo"), -EBADFD);
        ck_assert_int_eq(open_regular_at(dir_fd, "sub"), -EISDIR);
        ck_assert_int_eq(open_regular_at(dir_fd, "none"), -ENOENT);
        fd = open_regular_at(dir_fd, "f");
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        close(fd);
        leave();
}
END_TEST

START_TEST(trust_is_for_root_and_ourselves_and_nobody_else_may_write) {
        struct stat st = {.st_uid = 0, .st_mode = S_IFREG | 0644};

        ck_assert_int_eq(fd_trust_of(&st), FD_TRUSTED);
        st.st_uid = geteuid();
        ck_assert_int_eq(fd_trust_of(&st), FD_TRUSTED);
        st.st_mode = S_IFREG | 0664;
        ck_assert_int_eq(fd_trust_of(&st), FD_GROUP_WRITABLE);
        st.st_mode = S_IFREG | 0666;
        ck_assert_int_eq(fd_trust_of(&st), FD_WORLD_WRITABLE);
        st.st_uid = geteuid() + 4711;
        ck_assert_int_eq(fd_trust_of(&st), FD_FOREIGN_OWNER);
        ck_assert_ptr_null(fd_trust_to_string(FD_TRUSTED));
        for (enum fd_trust t = FD_FOREIGN_OWNER; t <= FD_WORLD_WRITABLE; t++)
                ck_assert_ptr_nonnull(fd_trust_to_string(t));
}
END_TEST

START_TEST(a_file_others_may_write_is_refused_with_the_reason) {
        char path[PATH_MAX];
        enum fd_trust why;
        bool dir_blamed;
        int fd;

        enter();
        snprintf(path, sizeof(path), "%s/f", dir);
        fd = open_trusted_file(path, &why, &dir_blamed);
        ck_assert_int_ge(fd, 0);
        close(fd);
        ck_assert_int_eq(why, FD_TRUSTED);

        ck_assert_int_eq(fchmodat(dir_fd, "f", 0646, 0), 0);
        ck_assert_int_eq(open_trusted_file(path, &why, &dir_blamed), -EPERM);
        ck_assert_int_eq(why, FD_WORLD_WRITABLE);
        ck_assert(!dir_blamed);
        ck_assert_int_eq(fchmodat(dir_fd, "f", 0664, 0), 0);
        ck_assert_int_eq(open_trusted_file_at(dir_fd, "f", &why), -EPERM);
        ck_assert_int_eq(why, FD_GROUP_WRITABLE);
        leave();
}
END_TEST

START_TEST(a_file_in_a_directory_others_may_write_is_refused_whatever_its_own_mode) {
        char path[PATH_MAX];
        enum fd_trust why;
        bool dir_blamed;

        enter();
        snprintf(path, sizeof(path), "%s/f", dir);
        ck_assert_int_eq(fchmod(dir_fd, 0777), 0);
        ck_assert_int_eq(open_trusted_file(path, &why, &dir_blamed), -EPERM);
        ck_assert_int_eq(why, FD_WORLD_WRITABLE);
        ck_assert(dir_blamed);
        ck_assert_int_eq(open_trusted_directory(dir, &why), -EPERM);
        leave();
}
END_TEST

START_TEST(a_file_of_another_user_is_refused) {
        enum fd_trust why;

        if (geteuid() != 0)
                return;         /* only root can give a file away */
        enter();
        ck_assert_int_eq(fchownat(dir_fd, "f", 4711, 4711, 0), 0);
        ck_assert_int_eq(open_trusted_file_at(dir_fd, "f", &why), -EPERM);
        ck_assert_int_eq(why, FD_FOREIGN_OWNER);
        leave();
}
END_TEST

START_TEST(what_is_missing_is_not_called_untrusted) {
        enum fd_trust why = FD_WORLD_WRITABLE;
        bool dir_blamed = true;

        enter();
        ck_assert_int_eq(open_trusted_file_at(dir_fd, "none", &why), -ENOENT);
        ck_assert_int_eq(why, FD_TRUSTED);
        ck_assert_int_eq(open_trusted_file("/nowhere/at/all", &why, &dir_blamed), -ENOENT);
        ck_assert(!dir_blamed);
        leave();
}
END_TEST

static int read_f(void *userdata) {
        _cleanup_(freep) char *s = NULL;
        size_t n;

        return read_file_at(dir_fd, "f", 100, &s, &n);
}

static int open_f(void *userdata) {
        char path[PATH_MAX];
        int fd;

        snprintf(path, sizeof(path), "%s/f", dir);
        fd = open_trusted_file(path, NULL, NULL);
        close_fd(fd);
        return fd;
}

START_TEST(without_memory_nothing_is_read_and_no_descriptor_leaks) {
        int before, after;

        enter();
        before = dup(dir_fd);
        close(before);
        ck_assert_uint_eq(alloc_fail_sweep(read_f, NULL), 1);
        ck_assert_uint_eq(alloc_fail_sweep(open_f, NULL), 1);
        after = dup(dir_fd);
        close(after);
        ck_assert_int_eq(before, after);
        leave();
}
END_TEST

START_TEST(a_directory_is_listed_afresh_and_never_through_a_link) {
        DIR *directory = NULL, *again = NULL;
        size_t n = 0, n_again = 0;

        enter();
        ck_assert_int_eq(mkdirat(dir_fd, "d", 0700), 0);
        ck_assert_int_eq(symlinkat("d", dir_fd, "link"), 0);
        ck_assert_int_eq(fd_open_directory(dir_fd, ".", &directory), 0);
        while (readdir(directory))
                n++;
        /* The position is the list's own: the descriptor can be listed again. */
        ck_assert_int_eq(fd_open_directory(dir_fd, ".", &again), 0);
        while (readdir(again))
                n_again++;
        ck_assert_uint_ge(n, 4);
        ck_assert_uint_eq(n_again, n);
        closedirp(&directory);
        closedirp(&again);
        ck_assert_int_eq(fd_open_directory(dir_fd, "d", &directory), 0);
        closedirp(&directory);
        ck_assert_int_lt(fd_open_directory(dir_fd, "link", &directory), 0);
        ck_assert_int_eq(fd_open_directory(dir_fd, "nothing", &directory), -ENOENT);
        ck_assert_int_eq(unlinkat(dir_fd, "link", 0), 0);
        ck_assert_int_eq(unlinkat(dir_fd, "d", AT_REMOVEDIR), 0);
        leave();
}
END_TEST

START_TEST(descriptors_that_are_left_are_counted_and_given_back) {
        struct rlimit limit;
        int next = dup(STDERR_FILENO);

        close(next);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = next + 10;     /* those that are open may leave gaps */
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert(fd_may_open(0));
        ck_assert(fd_may_open(1));
        ck_assert(!fd_may_open(11));
        ck_assert(fd_may_open(1));
        ck_assert_int_eq(dup(STDERR_FILENO), next);
        close(next);
}
END_TEST

UNIT_MAIN("base/fd",
          a_directory_is_listed_afresh_and_never_through_a_link,
          descriptors_that_are_left_are_counted_and_given_back,
          a_file_is_read_whole_up_to_its_limit,
          a_file_that_has_no_size_is_read_all_the_same,
          files_of_every_length_around_the_first_buffer_are_read_exactly,
          a_short_file_says_how_much_there_was,
          only_a_regular_file_is_opened_and_never_through_a_link,
          trust_is_for_root_and_ourselves_and_nobody_else_may_write,
          a_file_others_may_write_is_refused_with_the_reason,
          a_file_in_a_directory_others_may_write_is_refused_whatever_its_own_mode,
          a_file_of_another_user_is_refused,
          what_is_missing_is_not_called_untrusted,
          without_memory_nothing_is_read_and_no_descriptor_leaks)
