/* SPDX-License-Identifier: Apache-2.0 */
/* link, symlink, mkdir, truncate: all forms of each, all fields, failures; where paths begin; and which bytes are known
 * to have been the same at both ends of a call. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "named.h"

/* ---- link ---- */

START_TEST(every_way_to_link_is_a_link) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        mkdir(lab_path("sub"), 0755);
        lab_write_file(lab_path("l0"), "", 0600);
        ck_assert_int_eq(stat(lab_path("l0"), &st), 0);
        pid = RUN({
                int directory = open("sub", O_PATH | O_DIRECTORY), fd = open("l0", O_RDONLY);

                MUST(link(here("./l0"), here("l1")) == 0);
                MUST(linkat(AT_FDCWD, here("l1"), directory, here("../l2"), AT_SYMLINK_FOLLOW) == 0);
                MUST(linkat(fd, here(""), directory, here("l3"), AT_EMPTY_PATH) == 0);
                MUST(link(here("missing"), here("l4")) < 0);
        });
        ck_assert_int_eq(exit_code(pid), 0);

        record = nth(WIRE_KIND_link, pid, 0);
        check_text(record, F(link, pathname), lab_path("l0"), STABLE);
        check_text(record, F(link, given), "./l0", STABLE);
        check_text(record, F(link, newpath), lab_path("l1"), STABLE);
        check_text(record, F(link, newgiven), "l1", STABLE);
        check_file(record, F(link, file), &st, true);
        /* The library may make it of either call. */
        ck_assert(record->call == WIRE_CALL_link || record->call == WIRE_CALL_linkat);
        ck_assert_int_eq(lab_number(record, F(link, flags)), 0);

        record = nth(WIRE_KIND_link, pid, 1);
        check_call(record, WIRE_CALL_linkat, 0);
        check_text(record, F(link, pathname), lab_path("l1"), STABLE);
        check_text(record, F(link, newpath), lab_path("l2"), STABLE);
        check_text(record, F(link, newgiven), "../l2", STABLE);
        ck_assert_int_eq(lab_number(record, F(link, flags)), AT_SYMLINK_FOLLOW);

        record = nth(WIRE_KIND_link, pid, 2);
        check_call(record, WIRE_CALL_linkat, 0);
        check_text(record, F(link, pathname), lab_path("l0"), STABLE);
        check_text(record, F(link, given), "", STABLE);
        check_text(record, F(link, newpath), lab_path("sub/l3"), STABLE);
        check_file(record, F(link, file), &st, false);
        ck_assert_int_eq(lab_number(record, F(link, flags)), AT_EMPTY_PATH);

        record = nth(WIRE_KIND_link, pid, 3);
        ck_assert_int_eq(record->result, -ENOENT);
        ck_assert(record->flags & WIRE_FAILED);
        check_text(record, F(link, pathname), lab_path("missing"), STABLE);
        check_text(record, F(link, newpath), lab_path("l4"), STABLE);
        ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);
}
END_TEST

/* ---- symlink ---- */

START_TEST(every_way_to_make_a_symbolic_link_is_a_symlink) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("sub"), 0755);
        pid = RUN({
                int directory = open("sub", O_PATH | O_DIRECTORY);

                MUST(symlink(here("../where/./ever"), here("s1")) == 0);
                MUST(symlinkat(here("/etc/passwd"), directory, here("s2")) == 0);
                MUST(symlink(here("x"), here("s1")) < 0);
        });
        ck_assert_int_eq(exit_code(pid), 0);
        record = nth(WIRE_KIND_symlink, pid, 0);
        ck_assert_int_eq(record->result, 0);
        check_text(record, F(symlink, target), "../where/./ever", STABLE);      /* as it is: it is no path of ours */
        check_text(record, F(symlink, pathname), lab_path("s1"), STABLE);
        check_text(record, F(symlink, given), "s1", STABLE);
        record = nth(WIRE_KIND_symlink, pid, 1);
        check_call(record, WIRE_CALL_symlinkat, 0);
        check_text(record, F(symlink, target), "/etc/passwd", STABLE);
        check_text(record, F(symlink, pathname), lab_path("sub/s2"), STABLE);
        record = nth(WIRE_KIND_symlink, pid, 2);
        ck_assert_int_eq(record->result, -EEXIST);
        check_text(record, F(symlink, target), "x", STABLE);
}
END_TEST

/* ---- mkdir ---- */

START_TEST(directories_devices_pipes_and_sockets_get_names) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("sub"), 0755);
        pid = RUN({
                int directory = open("sub", O_PATH | O_DIRECTORY);

                MUST(mkdir(here("m1/"), 0750) == 0);
                MUST(mkdirat(directory, here("m2"), 0700) == 0);
                MUST(syscall(SYS_mknodat, directory, here("m3"), S_IFIFO | 0640, 0) == 0);
                MUST(syscall(SYS_mknodat, AT_FDCWD, here("m4"), 0600, 0) == 0);
                (void)syscall(SYS_mknodat, AT_FDCWD, here("m5"), S_IFCHR | 0600, makedev(1, 3));
                (void)syscall(SYS_mknodat, AT_FDCWD, here("m6"), S_IFBLK | 0600, makedev(259, 70000));
                MUST(mkdir(here("m1"), 0700) < 0);
#ifdef SYS_mknod
                MUST(syscall(SYS_mknod, here("m7"), S_IFSOCK | 0600, 0) == 0);
#endif
        });
        ck_assert_int_eq(exit_code(pid), 0);
        record = nth(WIRE_KIND_mkdir, pid, 0);
        ck_assert_int_eq(record->result, 0);
        check_text(record, F(mkdir, pathname), lab_path("m1"), STABLE);
        check_text(record, F(mkdir, given), "m1/", STABLE);
        ck_assert_int_eq(lab_number(record, F(mkdir, mode)), S_IFDIR | 0750);
        ck_assert(!lab_known(record, F(mkdir, device)));
        record = nth(WIRE_KIND_mkdir, pid, 1);
        check_call(record, WIRE_CALL_mkdirat, 0);
        check_text(record, F(mkdir, pathname), lab_path("sub/m2"), STABLE);
        ck_assert_int_eq(lab_number(record, F(mkdir, mode)), S_IFDIR | 0700);
        record = nth(WIRE_KIND_mkdir, pid, 2);
        check_call(record, WIRE_CALL_mknodat, 0);
        check_text(record, F(mkdir, pathname), lab_path("sub/m3"), STABLE);
        ck_assert_int_eq(lab_number(record, F(mkdir, mode)), S_IFIFO | 0640);
        ck_assert(!lab_known(record, F(mkdir, device)));
        record = nth(WIRE_KIND_mkdir, pid, 3);
        ck_assert_int_eq(lab_number(record, F(mkdir, mode)), S_IFREG | 0600);
        /* Allowed or not, it says what was asked for. */
        record = nth(WIRE_KIND_mkdir, pid, 4);
        ck_assert_int_eq(lab_number(record, F(mkdir, mode)), S_IFCHR | 0600);
        ck_assert_int_eq(lab_number(record, F(mkdir, device)), 1 << 20 | 3);
        record = nth(WIRE_KIND_mkdir, pid, 5);
        ck_assert_int_eq(lab_number(record, F(mkdir, device)), 259 << 20 | 70000);
        record = nth(WIRE_KIND_mkdir, pid, 6);
        ck_assert_int_eq(record->result, -EEXIST);
#ifdef SYS_mknod
        record = nth(WIRE_KIND_mkdir, pid, 7);
        check_call(record, WIRE_CALL_mknod, 0);
        ck_assert_int_eq(lab_number(record, F(mkdir, mode)), S_IFSOCK | 0600);
#endif
}
END_TEST

/* ---- truncate ---- */

START_TEST(every_way_to_set_a_length_is_a_truncate) {
        const struct wire_header *record;
        struct stat st;
        pid_t pid;

        lab_write_file(lab_path("t"), "text", 0600);
        unlink(lab_path("t-link"));
        ck_assert_int_eq(symlink("t", lab_path("t-link")), 0);
        ck_assert_int_eq(stat(lab_path("t"), &st), 0);
        pid = RUN({
                int fd = open("t-link", O_RDWR);

                MUST(truncate(here("t-link"), 3) == 0);
                MUST(ftruncate(fd, 5000000000) == 0);
                MUST(truncate(here("t"), -1) < 0);
                MUST(ftruncate(999, 1) < 0);
                unlink("t");
                MUST(ftruncate(fd, 0) == 0);
                _exit(fd);
        });
        record = nth(WIRE_KIND_truncate, pid, 0);
        check_call(record, WIRE_CALL_truncate, 0);
        check_text(record, F(truncate, pathname), lab_path(is_resolved(record) ? "t" : "t-link"), STABLE);
        check_text(record, F(truncate, given), "t-link", STABLE);
        ck_assert_int_eq(lab_number(record, F(truncate, length)), 3);
        ck_assert(!lab_known(record, F(truncate, fd)));
        check_file(record, F(truncate, file), &st, true);
        record = nth(WIRE_KIND_truncate, pid, 1);
        check_call(record, WIRE_CALL_ftruncate, 0);
        check_text(record, F(truncate, pathname), lab_path("t"), KERNEL);       /* the link is resolved */
        check_text(record, F(truncate, given), NULL, KERNEL);
        ck_assert_int_eq(lab_number(record, F(truncate, length)), 5000000000);
        ck_assert_int_eq(lab_number(record, F(truncate, fd)), exit_code(pid));
        check_file(record, F(truncate, file), &st, false);
        record = nth(WIRE_KIND_truncate, pid, 2);
        check_call(record, WIRE_CALL_truncate, -EINVAL);
        ck_assert_int_eq(lab_number(record, F(truncate, length)), -1);
        record = nth(WIRE_KIND_truncate, pid, 3);
        check_call(record, WIRE_CALL_ftruncate, -EBADF);
        check_text(record, F(truncate, pathname), NULL, KERNEL);
        check_file(record, F(truncate, file), NULL, false);
        record = nth(WIRE_KIND_truncate, pid, 4);
        check_call(record, WIRE_CALL_ftruncate, 0);
        check_text(record, F(truncate, pathname), lab_path("t"), KERNEL);       /* the name that it had */
        check_file(record, F(truncate, file), &st, false);
        ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);
}
END_TEST

/* ---- what was the same at both ends ---- */

START_TEST(names_of_a_process_with_one_thread_are_stable) {
        const struct wire_header *record;
        pid_t pid;

        pid = RUN({
                MUST(unlink(here("none")) < 0);
                MUST(rename(here("none"), here("neither")) < 0);
                MUST(open(here("sub/none"), O_RDONLY) < 0);
        });
        record = nth(WIRE_KIND_unlink, pid, 0);
        check_text(record, F(unlink, pathname), lab_path("none"), STABLE);
        check_text(record, F(unlink, given), "none", STABLE);
        record = nth(WIRE_KIND_rename, pid, 0);
        check_text(record, F(rename, pathname), lab_path("none"), STABLE);
        check_text(record, F(rename, newpath), lab_path("neither"), STABLE);
        check_text(record, F(rename, given), "none", STABLE);
        check_text(record, F(rename, newgiven), "neither", STABLE);
        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, given), "sub/none", 0);
        check_text(record, F(openat, pathname), lab_path("sub/none"), STABLE);
}
END_TEST

static void *wait_for_stop(void *argument) {
        while (!*(atomic_bool *)argument)
                usleep(1000);
        return NULL;
}

START_TEST(names_in_memory_that_others_have_are_not) {
        const struct wire_header *record = NULL;
        pid_t pid;

        pid = RUN({
                static atomic_bool stop;
                pthread_t thread;

                pthread_create(&thread, NULL, wait_for_stop, &stop);
                MUST(unlink(here("none")) < 0);
                stop = true;
                pthread_join(thread, NULL);
        });
        check_text(nth(WIRE_KIND_unlink, pid, 0), F(unlink, pathname), lab_path("none"), USER);

        /* A child of vfork() runs in its parent's memory. */
        pid = RUN({
                pid_t child = vfork();

                if (child == 0) {
                        unlink("none");
                        _exit(0);
                }
                MUST(waitpid(child, NULL, 0) == child);
        });
        for (size_t i = 0; !record; i++) {
                record = lab_find_text(WIRE_KIND_unlink, 0, F(unlink, given), "none", i);
                ck_assert_ptr_nonnull(record);
                if (record->creator_tgid != (uint32_t)pid)
                        record = NULL;
        }
        check_text(record, F(unlink, pathname), lab_path("none"), USER);
}
END_TEST

START_TEST(a_name_that_was_not_there_when_the_call_began_is_not) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("text"), "none", 0600);
        pid = RUN({
                int fd = open("text", O_RDONLY);
                char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

                MUST(page != MAP_FAILED);
                MUST(unlink(page) < 0);         /* the kernel's own reading is the first */
                MUST(unlink(page) < 0);
        });
        record = nth(WIRE_KIND_unlink, pid, 0);
        check_text(record, F(unlink, pathname), lab_path("none"), USER);
        check_text(nth(WIRE_KIND_unlink, pid, 1), F(unlink, pathname), lab_path("none"), STABLE);
}
END_TEST

/* Memory that is shared with another process, which exchanges the name while the call waits for its lease on the file.
 */
START_TEST(bytes_that_were_exchanged_meanwhile_are_not) {
        const struct wire_header *record;
        pid_t pid;

        lab_write_file(lab_path("leased"), "text", 0600);
        pid = RUN({
                char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                int ready[2];
                sigset_t set;
                pid_t other;
                char c;

                strcpy(page, "leased");
                sigemptyset(&set);
                sigaddset(&set, SIGIO);
                MUST(pipe(ready) == 0 && sigprocmask(SIG_BLOCK, &set, NULL) == 0);
                other = fork();
                if (other == 0) {
                        int fd = open("leased", O_RDONLY);

                        MUST(fcntl(fd, F_SETLEASE, F_RDLCK) == 0 && write(ready[1], "x", 1) == 1);
                        MUST(sigwaitinfo(&set, NULL) == SIGIO);         /* somebody waits for it */
                        strcpy(page, "innocent");
                        MUST(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
                        _exit(0);
                }
                close(ready[1]);
                MUST(read(ready[0], &c, 1) == 1);
                MUST(truncate(page, 1) == 0);
                MUST(waitpid(other, NULL, 0) == other);
                MUST(truncate(page, 1) < 0);
                strcpy(page, "leased");
                MUST(truncate(page, 1) == 0);
        });
        ck_assert_int_eq(exit_code(pid), 0);
        record = nth(WIRE_KIND_truncate, pid, 0);
        check_text(record, F(truncate, pathname), lab_path(is_resolved(record) ? "leased" : "innocent"), USER);
        check_text(record, F(truncate, given), "innocent", USER);
        check_text(nth(WIRE_KIND_truncate, pid, 2), F(truncate, pathname), lab_path("leased"), STABLE);
}
END_TEST

/* ---- where paths begin ---- */

START_TEST(a_root_of_its_own_is_seen_from_outside) {
        pid_t pid;

        mkdir(lab_path("jail"), 0755);
        pid = RUN({
                MUST(chroot("jail") == 0 && chdir("/") == 0);
                MUST(mkdir(here("/in"), 0700) == 0);
                MUST(symlink(here("/etc/passwd"), here("in/s")) == 0);
                MUST(truncate(here("/../in/t"), 0) < 0);
        });
        ck_assert_int_eq(exit_code(pid), 0);
        check_text(nth(WIRE_KIND_mkdir, pid, 0), F(mkdir, pathname), lab_path("jail/in"), STABLE);
        check_text(nth(WIRE_KIND_symlink, pid, 0), F(symlink, pathname), lab_path("jail/in/s"), STABLE);
        check_text(nth(WIRE_KIND_truncate, pid, 0), F(truncate, given), "/../in/t", STABLE);
}
END_TEST

START_TEST(a_directory_that_was_removed_and_one_that_is_closed) {
        const struct wire_header *record;
        pid_t pid;

        mkdir(lab_path("gone"), 0755);
        pid = RUN({
                int directory = open("gone", O_PATH | O_DIRECTORY);

                MUST(rmdir(here("gone")) == 0);
                MUST(mkdirat(directory, here("x"), 0700) < 0);
                close(directory);
                MUST(mkdirat(directory, here("x"), 0700) < 0);
        });
        ck_assert_int_eq(exit_code(pid), 0);
        record = nth(WIRE_KIND_mkdir, pid, 0);
        check_call(record, WIRE_CALL_mkdirat, -ENOENT);
        check_text(record, F(mkdir, pathname), lab_path("gone/x"), STABLE);
        record = nth(WIRE_KIND_mkdir, pid, 1);
        check_call(record, WIRE_CALL_mkdirat, -EBADF);
        check_text(record, F(mkdir, pathname), NULL, KERNEL);
        check_text(record, F(mkdir, given), "x", STABLE);
        ck_assert_uint_eq(lab_count(WIRE_KIND_obscured, pid), 0);       /* the kernel had no directory either */
}
END_TEST

START_TEST(a_path_in_an_overlay_is_the_merged_one) {
        const struct wire_header *record;
        pid_t pid;

        for (const char *const *name = (const char *[]){"ovl", "ovl/low", "ovl/up", "ovl/work", "ovl/all", "ovl/base",
                                                        NULL};
             *name; name++)
                mkdir(lab_path(*name), 0755);
        pid = RUN({
                char options[512];
                int fd;

                if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                    mount("none", "ovl/base", "tmpfs", 0, NULL) < 0)
                        _exit(77);
                MUST(chdir("ovl/base") == 0 && mkdir("low", 0755) == 0 && mkdir("up", 0755) == 0 &&
                     mkdir("work", 0755) == 0 && mkdir("all", 0755) == 0);
                fd = open("low/file", O_WRONLY | O_CREAT, 0600);
                MUST(fd >= 0);
                close(fd);
                snprintf(options, sizeof(options), "lowerdir=low,upperdir=up,workdir=work");
                if (mount("overlay", "all", "overlay", 0, options) < 0)
                        _exit(77);
                fd = open("all/file", O_WRONLY);
                MUST(ftruncate(fd, 9) == 0);
                MUST(fchmod(fd, 0640) == 0);
        });
        if (exit_code(pid) == 77) {
                printf("no overlay here: not tried\n");
                return;
        }
        ck_assert_int_eq(exit_code(pid), 0);
        record = nth(WIRE_KIND_truncate, pid, 0);
        check_text(record, F(truncate, pathname), lab_path("ovl/base/all/file"), KERNEL);
        record = nth(WIRE_KIND_chmod, pid, 0);
        check_text(record, F(chmod, pathname), lab_path("ovl/base/all/file"), KERNEL);
        ck_assert_int_eq(lab_number(record, F(chmod, old_mode)), S_IFREG | 0600);
}
END_TEST

START_TEST(a_name_of_any_length_is_whole_or_said_to_be_cut) {
        const struct wire_header *record;
        pid_t pid;

        pid = RUN({
                static char longest[4096], longer[5000];

                for (int i = 0; i < 4094; i += 2)
                        memcpy(longest + i, "./", 2);
                strcpy(longest + 4094, "q");
                MUST(strlen(longest) == 4095);
                MUST(unlink(longest) < 0 && errno == ENOENT);
                memset(longer, '/', sizeof(longer) - 1);
                MUST(unlink(longer) < 0 && errno == ENAMETOOLONG);
        });
        ck_assert_int_eq(exit_code(pid), 0);
        record = nth(WIRE_KIND_unlink, pid, 0);
        ck_assert_uint_eq(strlen(lab_text(record, F(unlink, given))), 4095);
        check_text(record, F(unlink, pathname), lab_path("q"), STABLE);
        record = nth(WIRE_KIND_unlink, pid, 1);
        ck_assert(record->cut & WIRE_BIT(unlink, given));
        ck_assert(record->cut & WIRE_BIT(unlink, pathname));
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_obscured, pid, 0), F(obscured, reason)), WIRE_OBSCURED_CUT);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                every_way_to_link_is_a_link,
                every_way_to_make_a_symbolic_link_is_a_symlink,
                directories_devices_pipes_and_sockets_get_names,
                every_way_to_set_a_length_is_a_truncate,
                names_of_a_process_with_one_thread_are_stable,
                names_in_memory_that_others_have_are_not,
                a_name_that_was_not_there_when_the_call_began_is_not,
                bytes_that_were_exchanged_meanwhile_are_not,
                a_root_of_its_own_is_seen_from_outside,
                a_directory_that_was_removed_and_one_that_is_closed,
                a_path_in_an_overlay_is_the_merged_one,
                a_name_of_any_length_is_whole_or_said_to_be_cut,
        };
        struct interest interest =
                lab_interest(LAB_KINDS(WIRE_KIND_openat, WIRE_KIND_unlink, WIRE_KIND_rename, WIRE_KIND_link,
                                       WIRE_KIND_symlink, WIRE_KIND_mkdir, WIRE_KIND_truncate, WIRE_KIND_chmod));

        return lab_main("bpf/names", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}
