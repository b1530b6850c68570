/* SPDX-License-Identifier: Apache-2.0 */
/* chmod, chown, setxattr, utimes: all forms of each, all fields, what was before, failures. */
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

#include "named.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_removexattrat 466
#endif

/* ---- chmod ---- */

START_TEST(fchmod_tells_what_was_before) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("mode"), "", 0640);
        pid = RUN({
                int fd = open("mode", O_RDONLY);

                MUST(fchmod(fd, 04755) == 0);
                MUST(fchmod(fd, 0600) == 0);
                MUST(chmod(here("mode"), 0644) == 0);
                if (syscall(SYS_fchmodat2, fd, here(""), 0700, AT_EMPTY_PATH) < 0)
                        _exit(errno == ENOSYS ? 77 : 2);
        });
        record = nth(WIRE_KIND_chmod, pid, 0);
        check_call(record, WIRE_CALL_fchmod, 0);
        check_text(record, F(chmod, pathname), lab_path("mode"), KERNEL);
        ck_assert_int_eq(lab_number(record, F(chmod, old_mode)), S_IFREG | 0640);
        ck_assert_int_eq(lab_number(record, F(chmod, mode)), 04755);
        record = nth(WIRE_KIND_chmod, pid, 1);
        ck_assert_int_eq(lab_number(record, F(chmod, old_mode)), S_IFREG | 04755);
        record = nth(WIRE_KIND_chmod, pid, 2);
        check_text(record, F(chmod, pathname), lab_path("mode"), STABLE);
        ck_assert_int_eq(lab_number(record, F(chmod, old_mode)), is_resolved(record) ? S_IFREG | 0600 : -1000);
        if (exit_code(pid) != 77) {
                record = nth(WIRE_KIND_chmod, pid, 3);
                check_call(record, WIRE_CALL_fchmodat2, 0);
                check_text(record, F(chmod, pathname), lab_path("mode"), STABLE);       /* "" decided it */
                check_text(record, F(chmod, given), "", STABLE);
                ck_assert_int_eq(lab_number(record, F(chmod, old_mode)), S_IFREG | 0644);
        }
}
END_TEST

/* ---- chown ---- */

START_TEST(every_way_to_change_an_owner_is_a_chown) {
        const struct wire_header *record;
        struct stat st, cwd;
        pid_t pid;

        lab_write_file(lab_path("o"), "", 0600);
        ck_assert_int_eq(chown(lab_path("o"), 7, 8), 0);
        ck_assert_int_eq(stat(lab_path("o"), &st), 0);
        ck_assert_int_eq(stat(lab.directory, &cwd), 0);
        pid = RUN({
                int directory = open(".", O_PATH | O_DIRECTORY), fd = open("o", O_RDONLY);

                MUST(chown(here("o"), 1, 2) == 0);
                MUST(lchown(here("o"), -1, 3) == 0);
                MUST(fchown(fd, 4, -1) == 0);
                MUST(fchownat(directory, here("./o"), 5, 6, AT_SYMLINK_NOFOLLOW) == 0);
                MUST(fchownat(fd, here(""), 4000000000, 9, AT_EMPTY_PATH) == 0);
                MUST(fchownat(AT_FDCWD, here(""), -1, -1, AT_EMPTY_PATH) == 0);
                MUST(chown(here("missing"), 1, 2) < 0);
        });
        ck_assert_int_eq(exit_code(pid), 0);
        for (int i = 0; i < 7; i++) {
                static const int64_t ids[][4] = {{1, 2, 7, 8},
                                                 {-1, 3, 1, 2},
                                                 {4, -1, 1, 3},
                                                 {5, 6, 4, 3},
                                                 {4000000000, 9, 5, 6},
                                                 {-1, -1, 0, 0},
                                                 {1, 2}};

                record = nth(WIRE_KIND_chown, pid, i);
                ck_assert_int_eq(record->result, i == 6 ? -ENOENT : 0);
                ck_assert_int_eq(lab_number(record, F(chown, uid)), ids[i][0]);
                ck_assert_int_eq(lab_number(record, F(chown, gid)), ids[i][1]);
                check_file(record, F(chown, file), i == 5 ? &cwd : &st, i != 2 && i != 4 && i != 5);
                check_text(record, F(chown, pathname),
                           i == 6           ? lab_path("missing")
                                   : i == 5 ? lab.directory
                                            : lab_path("o"),
                           i == 2 ? KERNEL : STABLE);
                check_text(record, F(chown, given),
                           i == 2                     ? NULL
                                   : i == 3           ? "./o"
                                   : i == 4 || i == 5 ? ""
                                   : i == 6           ? "missing"
                                                      : "o",
                           STABLE);
                if (i == 2 || i == 4 || i == 5 || is_resolved(record)) {
                        ck_assert_int_eq(lab_number(record, F(chown, old_uid)), ids[i][2]);
                        ck_assert_int_eq(lab_number(record, F(chown, old_gid)), ids[i][3]);
                } else {
                        ck_assert(!lab_known(record, F(chown, old_uid)));
                        ck_assert(!lab_known(record, F(chown, old_gid)));
                }
        }
        ck_assert_int_eq(nth(WIRE_KIND_chown, pid, 2)->call, WIRE_CALL_fchown);
        ck_assert_int_eq(nth(WIRE_KIND_chown, pid, 4)->call, WIRE_CALL_fchownat);
}
END_TEST

static int write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

        close(fd);
        return good ? 0 : -1;
}

START_TEST(ids_of_a_user_namespace_are_told_as_the_hosts) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("ns-o"), "", 0600);
        ck_assert_int_eq(chown(lab_path("ns-o"), 100000, 200000), 0);
        pid = lab_fork();
        if (pid == 0) {
                int ready[2], go[2];
                pid_t child;
                char path[64], c = 0;

                MUST(chdir(lab.directory) == 0 && pipe(ready) == 0 && pipe(go) == 0);
                child = fork();
                if (child == 0) {
                        if (unshare(CLONE_NEWUSER) < 0)
                                _exit(77);
                        MUST(write(ready[1], "x", 1) == 1 && read(go[0], &c, 1) == 1);
                        MUST(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
                        MUST(chown(here("ns-o"), 5, 1001) == 0);
                        MUST(chown(here("ns-o"), 5000, -1) < 0);        /* has no id on the host */
                        _exit(0);
                }
                if (read(ready[0], &c, 1) == 1) {
                        snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
                        MUST(write_text(path, "0 100000 1000") == 0);
                        snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
                        MUST(write_text(path, "0 200000 1000\n1000 300000 10") == 0);
                        MUST(write(go[1], "x", 1) == 1);
                }
                close(ready[1]);
                MUST(waitpid(child, &lab.status, 0) == child);
                _exit(WEXITSTATUS(lab.status));
        }
        lab_reap(pid);
        if (exit_code(pid) == 77) {
                printf("no user namespaces here: not tried\n");
                return;
        }
        ck_assert_int_eq(exit_code(pid), 0);
        record = lab_find_text(WIRE_KIND_chown, 0, F(chown, pathname), lab_path("ns-o"), 0);
        ck_assert_int_eq(record->result, 0);
        ck_assert_int_eq(lab_number(record, F(chown, uid)), 100005);
        ck_assert_int_eq(lab_number(record, F(chown, gid)), 300001);
        record = lab_find_text(WIRE_KIND_chown, 0, F(chown, pathname), lab_path("ns-o"), 1);
        ck_assert_int_eq(record->result, -EINVAL);
        ck_assert(!lab_known(record, F(chown, uid)));
        ck_assert_int_eq(lab_number(record, F(chown, gid)), -1);
}
END_TEST

/* ---- setxattr ---- */

static int set_attributes(void *argument) {
        struct {
                uint64_t value;
                uint32_t size, flags;
        } args = {.value = (uintptr_t)here("at"), .size = 2};
        int fd;

        if (chdir(lab.directory) < 0)
                return 98;
        fd = open("x", O_RDONLY);
        if (setxattr(here("x"), here("trusted.one"), here("value"), 5, 0) < 0)
                return errno == ENOTSUP ? 77 : 1;
        MUST(lsetxattr(here("./x"), here("trusted.two"), here("ab"), 2, XATTR_CREATE) == 0);
        MUST(fsetxattr(fd, here("trusted.three"), here(""), 0, 0) == 0);
        MUST(removexattr(here("x"), here("trusted.one")) == 0);
        MUST(lremovexattr(here("x"), here("trusted.two")) == 0);
        MUST(fremovexattr(fd, here("trusted.three")) == 0);
        MUST(setxattr(here("missing"), here("trusted.one"), here("value"), 5, 0) < 0);
        if (syscall(SYS_setxattrat, fd, here(""), AT_EMPTY_PATH, here("trusted.at"), &args, sizeof(args)) < 0)
                return errno == ENOSYS ? 78 : 2;
        MUST(syscall(SYS_removexattrat, AT_FDCWD, here("x"), 0, here("trusted.at")) == 0);
        return 0;
}

START_TEST(every_way_to_set_or_remove_an_attribute_is_a_setxattr) {
        static const struct {
                enum wire_call call;
                const char *given, *name, *value;
                int removed, result;
        } expected[] = {
                {WIRE_CALL_setxattr, "x", "trusted.one", "value", 0, 0},
                {WIRE_CALL_lsetxattr, "./x", "trusted.two", "ab", 0, 0},
                {WIRE_CALL_fsetxattr, NULL, "trusted.three", "", 0, 0},
                {WIRE_CALL_removexattr, "x", "trusted.one", NULL, 1, 0},
                {WIRE_CALL_lremovexattr, "x", "trusted.two", NULL, 1, 0},
                {WIRE_CALL_fremovexattr, NULL, "trusted.three", NULL, 1, 0},
                {WIRE_CALL_setxattr, "missing", "trusted.one", "value", 0, -ENOENT},
                {WIRE_CALL_setxattrat, "", "trusted.at", "at", 0, 0},
                {WIRE_CALL_removexattrat, "x", "trusted.at", NULL, 1, 0},
        };
        struct stat st;
        size_t n = 9;
        pid_t pid;

        lab_write_file(lab_path("x"), "", 0600);
        ck_assert_int_eq(stat(lab_path("x"), &st), 0);
        pid = lab_run(set_attributes, NULL);
        if (exit_code(pid) == 77) {
                printf("no such attributes here: not tried\n");
                return;
        }
        if (exit_code(pid) == 78)
                n = 7;
        else
                ck_assert_int_eq(exit_code(pid), 0);
        for (size_t i = 0; i < n; i++) {
                const struct wire_header *record = nth(WIRE_KIND_setxattr, pid, i);
                bool by_path = expected[i].given && *expected[i].given;
                bool hooked = i != 6 && lab_has_security(WIRE_KIND_setxattr);

                check_call(record, expected[i].call, expected[i].result);
                check_text(record, F(setxattr, pathname), lab_path(i == 6 ? "missing" : "x"),
                           by_path || (expected[i].given && !hooked) ? STABLE : KERNEL);
                check_text(record, F(setxattr, given), expected[i].given, STABLE);
                check_text(record, F(setxattr, name), expected[i].name, hooked ? KERNEL : STABLE);
                check_text(record, F(setxattr, value), expected[i].value, STABLE);
                ck_assert_int_eq(lab_number(record, F(setxattr, size)),
                                 expected[i].value ? (int64_t)strlen(expected[i].value) : -1000);
                ck_assert_int_eq(!!(record->user & WIRE_BIT(setxattr, size)), i == 7 && !hooked);
                ck_assert_int_eq(lab_number(record, F(setxattr, removed)), expected[i].removed);
                ck_assert(!lab_known(record, F(setxattr, caps)));
                check_file(record, F(setxattr, file), &st, by_path);
        }
        ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);
}
END_TEST

START_TEST(capabilities_of_a_file_are_decoded) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("caps"), "", 0700);
        pid = RUN({
                struct vfs_cap_data caps = {
                        .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                        .data = {{.permitted = 1U << 13, .inheritable = 5}, {.permitted = 1U << (39 - 32)}},
                };
                struct vfs_ns_cap_data caps3 = {.magic_etc = VFS_CAP_REVISION_3, .data = {{.permitted = 3}}};

                MUST(setxattr(here("caps"), here("security.capability"), &caps, sizeof(caps), 0) == 0 ||
                     errno == ENOTSUP || errno == EPERM);
                (void)setxattr(here("caps"), here("security.capability"), &caps3, sizeof(caps3), 0);
                /* No such layout, no such name. */
                (void)setxattr(here("caps"), here("security.capability"), &caps, 19, 0);
                (void)setxattr(here("caps"), here("security.capabilitx"), &caps, sizeof(caps), 0);
        });
        ck_assert_int_eq(exit_code(pid), 0);
        record = nth(WIRE_KIND_setxattr, pid, 0);
        ck_assert_int_eq(lab_number(record, F(setxattr, caps)), 1LL << 13 | 1LL << 39);
        ck_assert_int_eq(!(record->user & WIRE_BIT(setxattr, caps)),
                         record->result == 0 && lab_has_security(WIRE_KIND_setxattr));
        ck_assert(!(record->user & WIRE_BIT(setxattr, caps)) || record->stable & WIRE_BIT(setxattr, caps));
        ck_assert_int_eq(lab_number(record, F(setxattr, size)), 20);
        ck_assert_int_eq(lab_number(nth(WIRE_KIND_setxattr, pid, 1), F(setxattr, caps)), 3);
        ck_assert(!lab_known(nth(WIRE_KIND_setxattr, pid, 2), F(setxattr, caps)));
        ck_assert(!lab_known(nth(WIRE_KIND_setxattr, pid, 3), F(setxattr, caps)));
}
END_TEST

START_TEST(of_a_value_there_is_as_much_as_was_asked_for) {
        struct interest interest = lab_interest(LAB_KINDS(WIRE_KIND_setxattr));
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("v"), "", 0600);
        pid = RUN({
                static char value[300];

                memset(value, 'v', sizeof(value));
                (void)setxattr(here("v"), here("trusted.long"), value, sizeof(value), 0);
        });
        record = nth(WIRE_KIND_setxattr, pid, 0);
        ck_assert_uint_eq(strlen(lab_text(record, F(setxattr, value))), 64);
        ck_assert(record->cut & WIRE_BIT(setxattr, value));
        ck_assert_int_eq(lab_number(record, F(setxattr, size)), 300);
        ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);       /* a prefix is what was asked for */

        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 2), 0);
        pid = RUN({ (void)setxattr(here("v"), here("trusted.long"), here("a secret"), 8, 0); });
        record = nth(WIRE_KIND_setxattr, pid, 0);
        ck_assert(!lab_known(record, F(setxattr, value)));
        ck_assert_int_eq(lab_number(record, F(setxattr, size)), 8);
        ck_assert_ptr_null(memmem(record, record->size, "secret", 6));
}
END_TEST

/* ---- utimes ---- */

START_TEST(every_way_to_set_times_is_a_utimes) {
        struct interest interest = lab_interest(LAB_KINDS(WIRE_KIND_utimes));
        const int64_t second = 1000000000;
        const struct wire_header *record;
        struct stat st;
        size_t n = 0;
        pid_t pid;

        ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 3), 0);
        lab_write_file(lab_path("w"), "", 0600);
        ck_assert_int_eq(stat(lab_path("w"), &st), 0);
        pid = RUN({
                struct timespec times[2] = {{1000, 123456789}, {-5, 1}};
                struct timespec special[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
                int directory = open(".", O_PATH | O_DIRECTORY), fd = open("w", O_RDONLY);

                MUST(syscall(SYS_utimensat, directory, here("./w"), times, 0) == 0);
                MUST(syscall(SYS_utimensat, fd, NULL, times, 0) == 0);
                MUST(syscall(SYS_utimensat, AT_FDCWD, here("w"), special, AT_SYMLINK_NOFOLLOW) == 0);
                MUST(syscall(SYS_utimensat, AT_FDCWD, here("w"), NULL, 0) == 0);
                MUST(syscall(SYS_utimensat, AT_FDCWD, here("missing"), times, 0) < 0);
#ifdef SYS_utime
                {
                        struct utimbuf seconds = {.actime = 77, .modtime = 88};
                        struct timeval micro[2] = {{9, 250000}, {10, 500000}};

                        MUST(syscall(SYS_utime, here("w"), &seconds) == 0);
                        MUST(syscall(SYS_utimes, here("w"), micro) == 0);
                        MUST(syscall(SYS_futimesat, directory, here("w"), micro) == 0);
                        MUST(syscall(SYS_futimesat, fd, NULL, micro) == 0);
                }
#endif
        });
        ck_assert_int_eq(exit_code(pid), 0);

        record = nth(WIRE_KIND_utimes, pid, n++);
        check_call(record, WIRE_CALL_utimensat, 0);
        check_text(record, F(utimes, pathname), lab_path("w"), STABLE);
        check_text(record, F(utimes, given), "./w", STABLE);
        ck_assert_int_eq(lab_number(record, F(utimes, atime)), 1000 * second + 123456789);
        ck_assert_int_eq(lab_number(record, F(utimes, mtime)), -5 * second + 1);
        ck_assert_int_eq(!(record->user & WIRE_BIT(utimes, atime)), lab_has_security(WIRE_KIND_utimes));
        ck_assert(!(record->user & WIRE_BIT(utimes, atime)) || record->stable & WIRE_BIT(utimes, atime));
        check_file(record, F(utimes, file), &st, true);
        record = nth(WIRE_KIND_utimes, pid, n++);
        check_text(record, F(utimes, pathname), lab_path("w"), KERNEL);
        check_text(record, F(utimes, given), NULL, KERNEL);
        ck_assert_int_eq(lab_number(record, F(utimes, atime)), 1000 * second + 123456789);
        check_file(record, F(utimes, file), &st, false);
        for (int i = 0; i < 2; i++) {
                record = nth(WIRE_KIND_utimes, pid, n++);
                check_text(record, F(utimes, pathname), lab_path("w"), STABLE);
                ck_assert(!lab_known(record, F(utimes, atime)));
                ck_assert(!lab_known(record, F(utimes, mtime)));
        }
        record = nth(WIRE_KIND_utimes, pid, n++);
        check_call(record, WIRE_CALL_utimensat, -ENOENT);
        check_text(record, F(utimes, pathname), lab_path("missing"), STABLE);
#ifdef SYS_utime
        record = nth(WIRE_KIND_utimes, pid, n++);
        check_call(record, WIRE_CALL_utime, 0);
        ck_assert_int_eq(lab_number(record, F(utimes, atime)), 77 * second);
        ck_assert_int_eq(lab_number(record, F(utimes, mtime)), 88 * second);
        for (int i = 0; i < 3; i++) {
                record = nth(WIRE_KIND_utimes, pid, n++);
                check_call(record, i == 0 ? WIRE_CALL_utimes : WIRE_CALL_futimesat, 0);
                check_text(record, F(utimes, pathname), lab_path("w"), i == 2 ? KERNEL : STABLE);
                ck_assert_int_eq(lab_number(record, F(utimes, atime)), 9 * second + 250000000);
                ck_assert_int_eq(lab_number(record, F(utimes, mtime)), 10 * second + 500000000);
                check_file(record, F(utimes, file), &st, i != 2);
        }
#endif
        ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                fchmod_tells_what_was_before,
                every_way_to_change_an_owner_is_a_chown,
                ids_of_a_user_namespace_are_told_as_the_hosts,
                every_way_to_set_or_remove_an_attribute_is_a_setxattr,
                capabilities_of_a_file_are_decoded,
                of_a_value_there_is_as_much_as_was_asked_for,
                every_way_to_set_times_is_a_utimes,
        };
        struct interest interest = lab_interest(LAB_KINDS(WIRE_KIND_chmod, WIRE_KIND_chown, WIRE_KIND_setxattr));

        interest.content_bytes = 64;
        return lab_main("bpf/attributes", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}
