/* SPDX-License-Identifier: Apache-2.0 */
/* openat, write, unlink, rename, chmod: all forms of each, and where their paths come from. */
#include <arpa/inet.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "lab.h"
#include "old-calls.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* Run code in a child, as its exit status. GNU C: a nested block as an expression. */
#define RUN(...)                                                                                                       \
        __extension__({                                                                                                \
                pid_t child_ = lab_fork();                                                                             \
                if (child_ == 0) {                                                                                     \
                        __VA_ARGS__                                                                                    \
                        _exit(0);                                                                                      \
                }                                                                                                      \
                lab_reap(child_);                                                                                      \
                child_;                                                                                                \
        })

/* ---- openat ---- */

static void check_open(pid_t pid, const char *path, const char *given, int flags) {
        const struct wire_header *record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), path, 0);
        struct stat st;

        ck_assert_msg(record != NULL, "%s", path);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_ge(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(openat, fd)), record->result);
        if (given)
                ck_assert_str_eq(lab_text(record, F(openat, given)), given);
        else
                ck_assert(!lab_known(record, F(openat, given)));
        ck_assert_int_eq(lab_number(record, F(openat, flags)) & ~KERNEL_O_LARGEFILE, flags);
        ck_assert(lab_is_file(lab_object(record, F(openat, file)), &st));
        ck_assert_int_eq(lab_number(record, F(openat, file_mode)), st.st_mode);
        ck_assert_int_eq(lab_number(record, F(openat, file_uid)), st.st_uid);
        ck_assert(!(record->user & WIRE_BIT(openat, pathname)));
        ck_assert(!(record->flags & (WIRE_RACED | WIRE_UNSTABLE | WIRE_DETACHED | WIRE_ROOT_OTHER | WIRE_FAILED)));
}

static int open_in_all_ways(void *argument) {
        struct {
                struct file_handle handle;
                char bytes[64];
        } handle = {.handle.handle_bytes = 64};
        struct open_how how = {.flags = O_RDWR | O_CREAT | O_TRUNC, .mode = 0640};
        int directory, mount_id;

        if (chdir(lab.directory) < 0)
                return 1;
        directory = open("sub", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (old_open("by-open", O_WRONLY | O_CREAT | O_EXCL, 0600) < 0)
                return 2;
        if (old_creat("by-creat", 0644) < 0)
                return 3;
        if (syscall(SYS_openat, directory, "by-openat", O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0)
                return 4;
        if (syscall(SYS_openat2, AT_FDCWD, "by-openat2", &how, sizeof(how)) < 0)
                return 5;
        if (name_to_handle_at(AT_FDCWD, "by-handle", &handle.handle, &mount_id, 0) < 0 ||
            open_by_handle_at(AT_FDCWD, &handle.handle, O_RDONLY) < 0)
                return 6;
        return 0;
}

START_TEST(every_way_to_open_a_file_is_an_openat) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("sub"), 0755);
        lab_write_file(lab_path("by-handle"), "x", 0600);
        pid = lab_run(open_in_all_ways, NULL);
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)), 0);
        check_open(pid, lab_path("by-open"), "by-open", O_WRONLY | O_CREAT | O_EXCL);
        check_open(pid, lab_path("by-creat"), "by-creat", O_WRONLY | O_CREAT | O_TRUNC);
        check_open(pid, lab_path("sub/by-openat"), "by-openat", O_RDWR | O_CREAT | O_CLOEXEC);
        check_open(pid, lab_path("by-openat2"), "by-openat2", O_RDWR | O_CREAT | O_TRUNC);
        check_open(pid, lab_path("by-handle"), NULL, O_RDONLY);

        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), lab_path("by-openat2"), 0);
        ck_assert_int_eq(lab_number(record, F(openat, mode)), 0640);
        ck_assert_int_eq(lab_number(record, F(openat, created)), 1);
        ck_assert(record->user & WIRE_BIT(openat, flags));
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), lab_path("by-open"), 0);
        ck_assert_int_eq(lab_number(record, F(openat, mode)), 0600);
        ck_assert_int_eq(lab_number(record, F(openat, created)), 1);
        ck_assert(!(record->user & WIRE_BIT(openat, flags)));
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), lab_path("by-handle"), 0);
        ck_assert_int_eq(lab_number(record, F(openat, created)), 0);
        ck_assert(!lab_known(record, F(openat, mode)));
}
END_TEST

START_TEST(the_path_is_the_kernels_whatever_was_passed) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("real"), 0755);
        lab_write_file(lab_path("real/file"), "x", 0600);
        unlink(lab_path("alias"));
        ck_assert_int_eq(symlink("real", lab_path("alias")), 0);
        pid = RUN({
                char path[256];

                snprintf(path, sizeof(path), "/proc/self/root%s/alias/../real//./file", lab.directory);
                _exit(open(path, O_RDONLY) < 0);
        });
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), lab_path("real/file"), 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(strncmp(lab_text(record, F(openat, given)), "/proc/self/root", 15) == 0);
}
END_TEST

START_TEST(a_failed_open_is_told_by_the_name_made_absolute) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("sub"), 0755);
        pid = RUN({
                int directory = open(lab_path("sub"), O_PATH | O_DIRECTORY);

                _exit(openat(directory, "../sub/./missing", O_RDWR) >= 0);
        });
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), lab_path("sub/missing"), 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(record->result, -ENOENT);
        ck_assert(record->flags & WIRE_FAILED);
        ck_assert(record->user & WIRE_BIT(openat, pathname));
        ck_assert_str_eq(lab_text(record, F(openat, given)), "../sub/./missing");
        ck_assert(!lab_known(record, F(openat, fd)));
        ck_assert(!lab_known(record, F(openat, file)));
}
END_TEST

START_TEST(what_the_filters_rule_out_is_counted_and_not_told) {
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_openat));
        struct capture_stats before, after;
        pid_t pid;

        lab_write_file(lab_path("file"), "x", 0600);
        interest.filter[WIRE_KIND_openat] =
                (struct interest_filter){.successes = true, .flags_any = O_WRONLY | O_RDWR | O_CREAT};
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 2), 0);
        lab_read();
        capture_stats(lab.capture, &before);
        pid = RUN({
                struct open_how how = {.flags = O_RDONLY};

                how.flags = O_RDONLY;
                open(lab_path("file"), O_RDONLY);               /* the flags rule it out */
                open(lab_path("file"), O_WRONLY);
                open(lab_path("missing"), O_WRONLY);            /* the result does */
                syscall(SYS_openat2, AT_FDCWD, lab_path("file"), &how, sizeof(how));
                how.flags = O_RDWR;
                syscall(SYS_openat2, AT_FDCWD, lab_path("file"), &how, sizeof(how));
        });
        capture_stats(lab.capture, &after);
        ck_assert_uint_eq(lab_count(WIRE_KIND_openat, pid),
                          3); /* openat2's flags are not sure: never ruled out by them alone */
        ck_assert_uint_ge(after.filtered[WIRE_KIND_openat], before.filtered[WIRE_KIND_openat] + 2);

        interest = lab_interest(LAB_FILE_KINDS);
        interest.content_bytes = 64;
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 3), 0);
}
END_TEST

START_TEST(a_chroot_is_seen_from_outside) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("jail"), 0755);
        mkdir(lab_path("jail/etc"), 0755);
        lab_write_file(lab_path("jail/etc/passwd"), "x", 0644);
        pid = RUN({
                if (chroot(lab_path("jail")) < 0 || chdir("/") < 0)
                        _exit(1);
                open("/etc/passwd", O_RDONLY);
                open("/etc/missing", O_RDONLY);
                unlink("/../etc/missing");
        });
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), lab_path("jail/etc/passwd"), 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(openat, given)), "/etc/passwd");
        ck_assert(!(record->flags & WIRE_ROOT_OTHER));
        ck_assert_ptr_nonnull(
                lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), lab_path("jail/etc/missing"), 0));
}
END_TEST

/* As a container: a root of its own that the host's paths do not reach. */
static int open_in_container(void *argument) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return 1;
        if (mount("none", lab_path("box"), "tmpfs", 0, NULL) < 0 || chdir(lab_path("box")) < 0 ||
            mkdir("old", 0755) < 0 || mkdir("etc", 0755) < 0)
                return 2;
        if (syscall(SYS_pivot_root, ".", "old") < 0 || chdir("/") < 0)
                return errno == EINVAL ? 77 : 3;        /* the root of an initramfs stays where it is */
        close(open("/etc/shadow", O_WRONLY | O_CREAT, 0600));
        if (umount2("/old", MNT_DETACH) < 0)
                return 4;
        return 0;
}

START_TEST(the_path_in_a_container_is_its_own_and_marked) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("box"), 0755);
        pid = lab_run(open_in_container, NULL);
        if (WEXITSTATUS(lab.status) == 77) {
                printf("cannot change the root here: not tried\n");
                return;
        }
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)), 0);
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), "/etc/shadow", 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_ROOT_OTHER);
        ck_assert(!(record->flags & WIRE_DETACHED));
}
END_TEST

static int open_in_detached(void *argument) {
        int fd;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return 1;
        if (mount("none", lab_path("box"), "tmpfs", 0, NULL) < 0)
                return 2;
        fd = open(lab_path("box"), O_PATH | O_DIRECTORY);
        if (umount2(lab_path("box"), MNT_DETACH) < 0)
                return 3;
        return openat(fd, "unreachable", O_WRONLY | O_CREAT, 0600) < 0;
}

START_TEST(a_file_below_no_root_is_marked) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("box"), 0755);
        pid = lab_run(open_in_detached, NULL);
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, pathname), "/unreachable", 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(record->flags & WIRE_DETACHED);
}
END_TEST

/* `depth` directories of names of `length` letters, and a file at the end. */
static int open_deep(int depth, int length) {
        char name[256] = "";

        memset(name, 'd', length);
        if (chdir(lab.directory) < 0)
                return 1;
        for (int i = 0; i < depth; i++)
                if ((mkdir(name, 0755) < 0 && errno != EEXIST) || chdir(name) < 0)
                        return 2;
        if (open("bottom", O_WRONLY | O_CREAT, 0600) < 0)
                return 3;
        unlink("bottom");
        for (int i = 0; i < depth; i++)
                if (chdir("..") < 0 || rmdir(name) < 0)
                        return 4;
        return 0;
}

static int open_deep_short_names(void *argument) {
        return open_deep(1900, 1);
}

static int open_deep_long_names(void *argument) {
        return open_deep(30, 200);
}

static int open_too_deep(void *argument) {
        return open_deep(2500, 1);
}

START_TEST(a_deep_path_is_whole_a_longer_one_is_cut_and_said_to_be) {
        const struct wire_header *record, *obscured;
        const char *path;
        pid_t pid;

        pid = lab_run(open_deep_short_names, NULL);
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, given), "bottom", 0);
        ck_assert_ptr_nonnull(record);
        path = lab_text(record, F(openat, pathname));
        ck_assert_uint_eq(strlen(path), strlen(lab.directory) + 2 * 1900 + strlen("/bottom"));
        ck_assert_str_eq(path + strlen(path) - 9, "/d/bottom");
        ck_assert(!(record->cut & WIRE_BIT(openat, pathname)));

        pid = lab_run(open_deep_long_names, NULL);
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, given), "bottom", 0);
        ck_assert_ptr_nonnull(record);
        path = lab_text(record, F(openat, pathname));
        ck_assert(record->cut & WIRE_BIT(openat, pathname));
        ck_assert_uint_le(strlen(path), WIRE_MAX_PATH);
        ck_assert_uint_gt(strlen(path), WIRE_MAX_PATH - 202);
        ck_assert(strncmp(path, lab.directory, strlen(lab.directory)) == 0);
        obscured = lab_find(WIRE_KIND_obscured, pid, 0);
        ck_assert_int_eq(lab_number(obscured, F(obscured, reason)), WIRE_OBSCURED_CUT);
        ck_assert_str_eq(lab_text(obscured, F(obscured, subject)), "openat.pathname");

        pid = lab_run(open_too_deep, NULL);
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, given), "bottom", 0);
        ck_assert_ptr_nonnull(record);
        ck_assert(!lab_known(record, F(openat, pathname)));
        ck_assert(lab_known(record, F(openat, file)));
        obscured = lab_find(WIRE_KIND_obscured, pid, 0);
        ck_assert_str_eq(lab_text(obscured, F(obscured, subject)), "openat.pathname");
}
END_TEST

/* ---- write ---- */

static int write_in_all_ways(void *argument) {
        struct iovec vector[3] = {{"ab", 2}, {"", 0}, {"cdef", 4}};
        int fd = open(lab_path("written"), O_RDWR | O_CREAT | O_TRUNC, 0600);

        if (write(fd, "one", 3) != 3 || pwrite(fd, "three", 5, 100) != 5 || writev(fd, vector, 3) != 6 ||
            pwritev(fd, vector, 3, 200) != 6 || syscall(SYS_pwritev2, fd, vector, 3UL, 300, 0, 0) != 6)
                return 1;
        return 0;
}

START_TEST(every_way_to_write_is_a_write_with_its_object) {
        static const struct {
                int length;
                const char *content;
        } expected[] = {{3, "one"}, {5, "three"}, {6, "abcdef"}, {6, "abcdef"}, {6, "abcdef"}};
        struct stat st;
        pid_t pid;

        pid = lab_run(write_in_all_ways, NULL);
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)), 0);
        ck_assert_int_eq(stat(lab_path("written"), &st), 0);
        for (int i = 0; i < 5; i++) {
                const struct wire_header *record =
                        lab_find_text(WIRE_KIND_write, pid, F(write, pathname), lab_path("written"), i);

                ck_assert_msg(record != NULL, "%d", i);
                ck_assert_int_eq(record->result, expected[i].length);
                ck_assert_int_eq(lab_number(record, F(write, length)), expected[i].length);
                ck_assert_int_eq(lab_number(record, F(write, count)), expected[i].length);
                ck_assert_str_eq(lab_text(record, F(write, content)), expected[i].content);
                ck_assert(record->user & WIRE_BIT(write, content));
                ck_assert_int_eq(lab_number(record, F(write, type)), WIRE_OBJECT_FILE);
                ck_assert(lab_is_file(lab_object(record, F(write, file)), &st));
        }
}
END_TEST

START_TEST(content_is_a_prefix_and_the_length_is_true) {
        const struct wire_header *record;
        pid_t pid;

        pid = RUN({
                static char text[5000];
                int fd = open(lab_path("long"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

                memset(text, 'z', sizeof(text));
                _exit(write(fd, text, sizeof(text)) != sizeof(text));
        });
        record = lab_find_text(WIRE_KIND_write, pid, F(write, pathname), lab_path("long"), 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(write, length)), 5000);
        ck_assert_uint_eq(strlen(lab_text(record, F(write, content))), 64);
        ck_assert(record->cut & WIRE_BIT(write, content));
        ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);
}
END_TEST

START_TEST(content_that_nobody_asked_for_is_not_read) {
        struct interest interest = lab_interest(LAB_FILE_KINDS);
        const struct wire_header *record;
        pid_t pid;

        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 4), 0);
        pid = lab_run(write_in_all_ways, NULL);
        record = lab_find_text(WIRE_KIND_write, pid, F(write, pathname), lab_path("written"), 2);
        ck_assert_ptr_nonnull(record);
        ck_assert(!lab_known(record, F(write, content)));
        ck_assert_int_eq(lab_number(record, F(write, count)), 6);
        ck_assert_ptr_null(memmem(record, record->size, "abcd", 4));
        interest.content_bytes = 64;
        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 5), 0);
}
END_TEST

START_TEST(what_is_written_to_is_told_by_its_type) {
        static int pair[2], ends[2];
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        pid = RUN({
                int null = open("/dev/null", O_WRONLY), memory = memfd_create("m", 0);

                if (write(ends[1], "p", 1) != 1 || write(pair[0], "so", 2) != 2 || write(null, "dev", 3) != 3 ||
                    write(memory, "memf", 4) != 4 || write(999, "none!", 5) >= 0)
                        _exit(1);
        });
        for (int i = 0; i < 5; i++) {
                static const int types[] = {WIRE_OBJECT_PIPE, WIRE_OBJECT_SOCKET, WIRE_OBJECT_DEVICE, WIRE_OBJECT_MEMFD,
                                            WIRE_OBJECT_CLOSED};

                record = lab_find(WIRE_KIND_write, pid, i);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(lab_number(record, F(write, count)), i + 1);
                ck_assert_int_eq(lab_number(record, F(write, type)), types[i]);
        }
        ck_assert_int_eq(record->result, -EBADF);
        ck_assert(!lab_known(record, F(write, file)));
        ck_assert(!lab_known(record, F(write, length)));
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_write, pid, 2), F(write, pathname)), "/dev/null");
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_write, pid, 3), F(write, pathname)), "/memfd:m");
        ck_assert(!lab_known(lab_find(WIRE_KIND_write, pid, 0), F(write, pathname)));
        ck_assert_int_eq(fstat(ends[0], &st), 0);
        ck_assert(lab_is_file(lab_object(lab_find(WIRE_KIND_write, pid, 0), F(write, file)), &st));
        ck_assert_int_eq(fstat(pair[0], &st), 0);
        ck_assert(lab_is_file(lab_object(lab_find(WIRE_KIND_write, pid, 1), F(write, file)), &st));
        for (int i = 0; i < 2; i++) {
                close(pair[i]);
                close(ends[i]);
        }
}
END_TEST

START_TEST(a_write_to_a_socket_tells_the_far_side) {
        static int fd;
        struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7f000005)};
        const struct wire_header *record;
        struct wire_address peer;
        pid_t pid;

        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (void *)&address, sizeof(address)), 0);
        pid = RUN({ _exit(write(fd, "x", 1) != 1); });
        record = lab_find(WIRE_KIND_write, pid, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(write, type)), WIRE_OBJECT_SOCKET);
        peer = lab_address(record, F(write, daddr));
        ck_assert_int_eq(peer.family, AF_INET);
        ck_assert_mem_eq(peer.bytes, &address.sin_addr, 4);
        ck_assert_int_eq(lab_number(record, F(write, dport)), 9);
        close(fd);
}
END_TEST

/* ---- unlink, rename, chmod ---- */

START_TEST(every_way_to_remove_a_name_is_an_unlink) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("sub"), 0755);
        pid = RUN({
                int directory;

                lab_write_file(lab_path("u1"), "", 0600);
                lab_write_file(lab_path("sub/u2"), "", 0600);
                mkdir(lab_path("u3"), 0700);
                mkdir(lab_path("u4"), 0700);
                directory = open(lab_path("sub"), O_PATH | O_DIRECTORY);
                if (chdir(lab.directory) < 0 || unlink("sub/../u1") < 0 || unlinkat(directory, "u2", 0) < 0 ||
                    rmdir("u3/") < 0 || unlinkat(AT_FDCWD, "u4", AT_REMOVEDIR) < 0 || unlink("missing") >= 0)
                        _exit(1);
        });
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)), 0);
        for (int i = 0; i < 5; i++) {
                static const char *const names[] = {"u1", "sub/u2", "u3", "u4", "missing"};
                static const char *const given[] = {"sub/../u1", "u2", "u3/", "u4", "missing"};

                record = lab_find_text(WIRE_KIND_unlink, pid, F(unlink, pathname), lab_path(names[i]), 0);
                ck_assert_msg(record != NULL, "%s", names[i]);
                ck_assert_str_eq(lab_text(record, F(unlink, given)), given[i]);
                ck_assert_int_eq(lab_number(record, F(unlink, flags)), i == 2 || i == 3 ? AT_REMOVEDIR : 0);
                ck_assert_int_eq(!(record->user & WIRE_BIT(unlink, pathname)),
                                 i != 4 && lab_has_security(WIRE_KIND_unlink));
                ck_assert_int_eq(record->result, i == 4 ? -ENOENT : 0);
        }
}
END_TEST

START_TEST(every_way_to_rename_is_a_rename) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("sub"), 0755);
        pid = RUN({
                int directory = open(lab_path("sub"), O_PATH | O_DIRECTORY);

                lab_write_file(lab_path("r1"), "", 0600);
                if (chdir(lab.directory) < 0 || old_rename("r1", "./r2") < 0 ||
                    syscall(SYS_renameat, AT_FDCWD, "r2", directory, "r3") < 0 ||
                    syscall(SYS_renameat2, directory, "r3", AT_FDCWD, lab_path("r4"), 1 /* RENAME_NOREPLACE */) < 0)
                        _exit(1);
        });
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)), 0);
        for (int i = 0; i < 3; i++) {
                static const char *const names[] = {"r1", "r2", "sub/r3", "r4"};

                record = lab_find(WIRE_KIND_rename, pid, i);
                ck_assert_ptr_nonnull(record);
                ck_assert_str_eq(lab_text(record, F(rename, pathname)), lab_path(names[i]));
                ck_assert_str_eq(lab_text(record, F(rename, newpath)), lab_path(names[i + 1]));
                ck_assert_int_eq(lab_number(record, F(rename, flags)), i == 2);
        }
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_rename, pid, 0), F(rename, newgiven)), "./r2");
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_rename, pid, 2), F(rename, given)), "r3");
        ck_assert_str_eq(lab_text(lab_find(WIRE_KIND_rename, pid, 2), F(rename, newgiven)), lab_path("r4"));
}
END_TEST

START_TEST(every_way_to_change_permissions_is_a_chmod) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;
        int n;

        lab_write_file(lab_path("c"), "", 0600);
        ck_assert_int_eq(stat(lab_path("c"), &st), 0);
        pid = RUN({
                int directory = open(lab.directory, O_PATH | O_DIRECTORY), fd = open(lab_path("c"), O_RDONLY);

                if (chdir(lab.directory) < 0 || old_chmod("c", 04711) < 0 || fchmod(fd, 0701) < 0 ||
                    syscall(SYS_fchmodat, directory, "./c", 0702) < 0)
                        _exit(1);
                if (syscall(SYS_fchmodat2, directory, "c", 0703, 0) < 0)
                        _exit(errno == ENOSYS ? 77 : 2);
                if (syscall(SYS_fchmodat2, fd, "", 0704, AT_EMPTY_PATH) < 0)
                        _exit(3);
        });
        n = lab_number(lab_find(WIRE_KIND_exit, pid, 0), F(exit, code)) == 77 ? 3 : 5;
        for (int i = 0; i < n; i++) {
                static const int modes[] = {04711, 0701, 0702, 0703, 0704};

                record = lab_find(WIRE_KIND_chmod, pid, i);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(lab_number(record, F(chmod, mode)), modes[i]);
                ck_assert_str_eq(lab_text(record, F(chmod, pathname)), lab_path("c"));
                ck_assert_int_eq(record->result, 0);
                if (i == 1 || i == 4 || lab_has_security(WIRE_KIND_chmod)) {
                        ck_assert(lab_is_file(lab_object(record, F(chmod, file)), &st));
                        /* "" decided it, but for a security hook, which sees what comes of it. */
                        ck_assert_int_eq(!!(record->user & WIRE_BIT(chmod, pathname)),
                                         i == 4 && !lab_has_security(WIRE_KIND_chmod));
                } else {
                        ck_assert(!lab_known(record, F(chmod, file)));
                        ck_assert(record->user & WIRE_BIT(chmod, pathname));
                }
        }
}
END_TEST

/* ---- ourselves ---- */

START_TEST(what_the_watcher_does_itself_is_not_told_what_its_children_do_is) {
        pid_t pid;
        int fd;

        lab_read();
        lab_forget();
        for (int i = 0; i < 10; i++) {
                fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
                ck_assert_int_eq(write(fd, "x", 1), 1);
                close(fd);
        }
        pid = RUN({ _exit(open("/dev/null", O_WRONLY) < 0); });
        ck_assert_uint_eq(lab_count(WIRE_KIND_openat, getpid()), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_write, getpid()), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_openat, pid), 1);
        ck_assert_uint_eq(lab_count(WIRE_KIND_fork, getpid()), 1);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                every_way_to_open_a_file_is_an_openat,
                the_path_is_the_kernels_whatever_was_passed,
                a_failed_open_is_told_by_the_name_made_absolute,
                what_the_filters_rule_out_is_counted_and_not_told,
                a_chroot_is_seen_from_outside,
                the_path_in_a_container_is_its_own_and_marked,
                a_file_below_no_root_is_marked,
                a_deep_path_is_whole_a_longer_one_is_cut_and_said_to_be,
                every_way_to_write_is_a_write_with_its_object,
                content_is_a_prefix_and_the_length_is_true,
                content_that_nobody_asked_for_is_not_read,
                what_is_written_to_is_told_by_its_type,
                a_write_to_a_socket_tells_the_far_side,
                every_way_to_remove_a_name_is_an_unlink,
                every_way_to_rename_is_a_rename,
                every_way_to_change_permissions_is_a_chmod,
                what_the_watcher_does_itself_is_not_told_what_its_children_do_is,
        };
        struct interest interest = lab_interest(LAB_FILE_KINDS);

        interest.content_bytes = 64;
        return lab_main("bpf/file", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}
