/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that exchange things while the kernel is at work: what is told may be unknown, but never another's. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define ROUNDS 20000

static atomic_bool stop;

/* ---- a descriptor, while it is being opened ---- */

static struct {
        int decoy;                      /* opened for writing only */
        int next;                       /* the number that the next open will get */
} descriptors;

static void *put_decoys(void *argument) {
        while (!stop)
                dup2(descriptors.decoy, descriptors.next);
        return NULL;
}

static int open_under_decoys(void *argument) {
        pthread_t thread;

        descriptors.decoy = open(lab_path("decoy"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        descriptors.next = dup(0);
        close(descriptors.next);
        pthread_create(&thread, NULL, put_decoys, NULL);
        for (int i = 0; i < ROUNDS; i++) {
                int fd = open(lab_path("target"), O_RDONLY);

                close(descriptors.next);
                if (fd != descriptors.next)
                        close(fd);
        }
        stop = true;
        pthread_join(thread, NULL);
        return 0;
}

START_TEST(an_exchanged_descriptor_is_never_taken_for_the_file_that_was_opened) {
        size_t n_true = 0, n_unknown = 0, n;
        struct stat target;
        pid_t pid;

        lab_write_file(lab_path("target"), "x", 0600);
        ck_assert_int_eq(stat(lab_path("target"), &target), 0);
        pid = lab_run(open_under_decoys, NULL);
        n = lab_count(WIRE_KIND_openat, pid);
        ck_assert_uint_eq(n, ROUNDS + 1);
        for (size_t i = 0; i < lab.n; i++) {
                const struct wire_header *record = lab.records[i];

                if (record->kind != WIRE_KIND_openat || record->tgid != (uint32_t)pid ||
                    lab_number(record, F(openat, flags)) & O_WRONLY)
                        continue;
                ck_assert_int_eq(!(record->flags & WIRE_RACED), lab_has_security(WIRE_KIND_openat));
                if (lab_known(record, F(openat, pathname))) {
                        ck_assert_str_eq(lab_text(record, F(openat, pathname)), lab_path("target"));
                        ck_assert(lab_is_file(lab_object(record, F(openat, file)), &target));
                        n_true++;
                } else {
                        const struct wire_header *next = lab.records[i + 1];

                        ck_assert(!lab_known(record, F(openat, file)));
                        ck_assert_int_eq(next->kind, WIRE_KIND_obscured);
                        ck_assert_int_eq(lab_number(next, F(obscured, reason)), WIRE_OBSCURED_RACED);
                        ck_assert_str_eq(lab_text(next, F(obscured, subject)), "openat.file");
                        n_unknown++;
                }
        }
        printf("opened under decoys: %zu known, %zu obscured\n", n_true, n_unknown);
        ck_assert_uint_eq(n_true + n_unknown, ROUNDS);
        if (lab_has_security(WIRE_KIND_openat))
                ck_assert_uint_eq(n_unknown, 0);
}
END_TEST

/* ---- a name above the file, while its path is walked ---- */

static void *rename_back_and_forth(void *argument) {
        char a[256], b[256];

        snprintf(a, sizeof(a), "%s/here/inner-one", lab.directory);
        snprintf(b, sizeof(b), "%s/there/inner-number-two", lab.directory);
        while (!stop) {
                (void)!rename(a, b);
                (void)!rename(b, a);
        }
        return NULL;
}

static int open_under_renames(void *argument) {
        pthread_t thread;
        int directory;

        directory = open(lab_path("here/inner-one/a/b/c/d/e/f"), O_PATH | O_DIRECTORY);
        if (directory < 0)
                return 1;
        pthread_create(&thread, NULL, rename_back_and_forth, NULL);
        for (int i = 0; i < ROUNDS; i++)
                close(openat(directory, "file", O_RDONLY));
        stop = true;
        pthread_join(thread, NULL);
        return 0;
}

START_TEST(a_path_is_one_that_was_true_at_some_moment) {
        struct interest opens = lab_interest(wire_kind_bit(WIRE_KIND_openat)), all = lab_interest(LAB_FILE_KINDS);
        size_t n_first = 0, n_second = 0, n_unstable = 0;
        struct capture_stats before, after;
        char first[256], second[256];
        uint64_t n_lost;
        pid_t pid;

        all.content_bytes = 64;
        for (const char *const *name =
                     (const char *[]){"here", "there", "here/inner-one", "here/inner-one/a", "here/inner-one/a/b",
                                      "here/inner-one/a/b/c", "here/inner-one/a/b/c/d", "here/inner-one/a/b/c/d/e",
                                      "here/inner-one/a/b/c/d/e/f", NULL};
             *name; name++)
                ck_assert_int_eq(mkdir(lab_path(*name), 0755), 0);
        lab_write_file(lab_path("here/inner-one/a/b/c/d/e/f/file"), "x", 0600);
        strcpy(first, lab_path("here/inner-one/a/b/c/d/e/f/file"));
        strcpy(second, lab_path("there/inner-number-two/a/b/c/d/e/f/file"));

        /* The renames themselves would only fill the ring. */
        ck_assert_int_eq(capture_set_interest(lab.capture, &opens, 2), 0);
        capture_stats(lab.capture, &before);
        stop = false;
        pid = lab_run(open_under_renames, NULL);
        ck_assert(lab_read_all(&after));
        n_lost = lab_lost(&after, WIRE_KIND_openat) - lab_lost(&before, WIRE_KIND_openat);
        ck_assert_int_eq(capture_set_interest(lab.capture, &all, 3), 0);
        for (size_t i = 0; i < lab.n; i++) {
                const struct wire_header *record = lab.records[i];
                const char *path;

                if (record->kind != WIRE_KIND_openat || record->tgid != (uint32_t)pid ||
                    !lab_known(record, F(openat, given)) || strcmp(lab_text(record, F(openat, given)), "file") != 0)
                        continue;
                path = lab_text(record, F(openat, pathname));
                if (record->flags & WIRE_UNSTABLE || !path)
                        n_unstable++;
                else if (strcmp(path, first) == 0)
                        n_first++;
                else {
                        ck_assert_str_eq(path, second);
                        n_second++;
                }
        }
        printf("opened under renames: %zu here, %zu there, %zu unstable\n", n_first, n_second, n_unstable);
        /* Others on a busy machine may keep the reader from the ring. */
        ck_assert_uint_le(n_first + n_second + n_unstable, ROUNDS);
        ck_assert_uint_ge(n_first + n_second + n_unstable + n_lost, ROUNDS);
        ck_assert_uint_gt(n_first + n_second, ROUNDS / 2);
}
END_TEST

/* ---- a descriptor, while a write to it is held up ---- */

static int ends[2];

static void *exchange_and_let_go(void *argument) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        char buffer[65536];

        usleep(50000);
        dup2(null, ends[1]);
        /* Room in the pipe: the write goes on, into the pipe. */
        return read(ends[0], buffer, sizeof(buffer)) > 0 ? NULL : argument;
}

static int write_while_exchanged(void *argument) {
        char full[65536] = {};
        pthread_t thread;

        if (pipe(ends) < 0 || fcntl(ends[1], F_SETPIPE_SZ, 65536) < 0)
                return 1;
        if (write(ends[1], full, 65536) != 65536)
                return 2;
        pthread_create(&thread, NULL, exchange_and_let_go, NULL);
        if (write(ends[1], "the secret", 10) != 10)
                return 3;
        pthread_join(thread, NULL);
        return 0;
}

START_TEST(a_write_whose_descriptor_was_exchanged_tells_both_objects) {
        const struct wire_header *true_one, *decoy, *obscured;
        pid_t pid;

        pid = lab_run(write_while_exchanged, NULL);
        ck_assert_int_eq(lab.status, 0);
        true_one = lab_find(WIRE_KIND_write, pid, 1);
        decoy = lab_find(WIRE_KIND_write, pid, 2);
        ck_assert_ptr_nonnull(decoy);
        ck_assert_int_eq(lab_number(true_one, F(write, type)), WIRE_OBJECT_PIPE);
        ck_assert_int_eq(lab_number(true_one, F(write, length)), 10);
        ck_assert_str_eq(lab_text(true_one, F(write, content)), "the secret");
        ck_assert_str_eq(lab_text(decoy, F(write, pathname)), "/dev/null");
        ck_assert(true_one->flags & WIRE_EXCHANGED);
        ck_assert(decoy->flags & WIRE_EXCHANGED);
        obscured = lab_find(WIRE_KIND_obscured, pid, 0);
        ck_assert_ptr_nonnull(obscured);
        ck_assert_int_eq(lab_number(obscured, F(obscured, reason)), WIRE_OBSCURED_RACED);
        ck_assert_str_eq(lab_text(obscured, F(obscured, subject)), "write.file");
}
END_TEST

/* ---- a call that the kernel begins anew after a signal ---- */

static void on_signal(int number) {
}

static void *signal_then_let_go(void *argument) {
        char buffer[65536];

        usleep(50000);
        for (int i = 0; i < 3; i++) {
                pthread_kill(*(pthread_t *)argument, SIGUSR1);
                usleep(20000);
        }
        return read(ends[0], buffer, sizeof(buffer)) > 0 ? NULL : argument;
}

static int write_under_signals(void *argument) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        pthread_t self = pthread_self(), thread;
        char full[65536] = {};

        if (pipe(ends) < 0 || fcntl(ends[1], F_SETPIPE_SZ, 65536) < 0 || sigaction(SIGUSR1, &action, NULL) < 0)
                return 1;
        if (write(ends[1], full, 65536) != 65536)
                return 2;
        pthread_create(&thread, NULL, signal_then_let_go, &self);
        if (write(ends[1], "once", 4) != 4)
                return 3;
        pthread_join(thread, NULL);
        return 0;
}

START_TEST(a_call_that_is_restarted_is_told_once) {
        const struct wire_header *record;
        pid_t pid;

        pid = lab_run(write_under_signals, NULL);
        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_write, pid), 2);
        record = lab_find(WIRE_KIND_write, pid, 1);
        ck_assert_int_eq(record->result, 4);
        ck_assert_str_eq(lab_text(record, F(write, content)), "once");
        ck_assert(!(record->flags & WIRE_EXCHANGED));
}
END_TEST

/* ---- a name in memory, gone after the kernel has read it ---- */

static char *page;

static void *take_the_page_away(void *argument) {
        while (!stop) {
                mprotect(page, 4096, PROT_NONE);
                mprotect(page, 4096, PROT_READ | PROT_WRITE);
        }
        return NULL;
}

static int unlink_from_a_page_that_goes(void *argument) {
        pthread_t thread;

        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        snprintf(page, 4096, "%s/never", lab.directory);
        pthread_create(&thread, NULL, take_the_page_away, NULL);
        for (int i = 0; i < ROUNDS; i++)
                (void)!unlink(page);
        stop = true;
        pthread_join(thread, NULL);
        return 0;
}

START_TEST(a_name_that_cannot_be_read_any_more_is_unknown_and_said_to_be) {
        size_t n_known = 0, n_fault = 0, n_unread = 0;
        pid_t pid;

        stop = false;
        pid = lab_run(unlink_from_a_page_that_goes, NULL);
        for (size_t i = 0; i < lab.n; i++) {
                const struct wire_header *record = lab.records[i];

                if (record->kind != WIRE_KIND_unlink || record->tgid != (uint32_t)pid)
                        continue;
                if (lab_known(record, F(unlink, pathname))) {
                        ck_assert_str_eq(lab_text(record, F(unlink, pathname)), lab_path("never"));
                        n_known++;
                } else if (record->result == -EFAULT)
                        n_fault++;
                else {
                        ck_assert_int_eq(lab.records[i + 1]->kind, WIRE_KIND_obscured);
                        ck_assert_int_eq(lab_number(lab.records[i + 1], F(obscured, reason)), WIRE_OBSCURED_UNREAD);
                        n_unread++;
                }
        }
        printf("names in a page that goes: %zu known, %zu faults, %zu unread\n", n_known, n_fault, n_unread);
        ck_assert_uint_eq(n_known + n_fault + n_unread, ROUNDS);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                an_exchanged_descriptor_is_never_taken_for_the_file_that_was_opened,
                a_path_is_one_that_was_true_at_some_moment,
                a_write_whose_descriptor_was_exchanged_tells_both_objects,
                a_call_that_is_restarted_is_told_once,
                a_name_that_cannot_be_read_any_more_is_unknown_and_said_to_be,
        };
        struct interest interest = lab_interest(LAB_FILE_KINDS);

        interest.content_bytes = 64;
        return lab_main("bpf/race", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}
