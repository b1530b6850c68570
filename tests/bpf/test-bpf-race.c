/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that exchange things while the kernel is at work: what is told may be unknown, but never another's. */
#include <bpf/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "child.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define ROUNDS (lab_is_quick() ? 5000 : 20000)   /* a machine that is emulated is not quick */

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

/* ---- a descriptor, while it is mapped, doubled or closed ---- */

#define CHANGES (lab_is_quick() ? 1500 : 6000)
#define TO 900                          /* descriptors of their own, high enough to be free */
#define NEW 901

static int two_files[2];

/* What the call really got, round by round; in memory that both processes have. */
static ino_t *got;

static void *put_both(void *argument) {
        int to = *(int *)argument;

        while (!stop) {
                for (int i = 0; i < 8; i++) {
                        dup2(two_files[0], to);
                        dup2(two_files[1], to);
                }
                usleep(1);              /* they may be told, too: not more than the ring takes */
        }
        return NULL;
}

static ino_t inode_of(int fd) {
        struct stat st;

        return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static uint64_t n_lost(enum wire_kind kind) {
        struct capture_stats stats = {};
        uint64_t n = 0;

        capture_stats(lab.capture, &stats);
        for (int reason = 0; reason < _WIRE_LOSS_MAX; reason++)
                n += stats.lost[kind][reason];
        return n;
}

/* `change` is run many times, while another thread puts two files in turn where `to` says. */
static pid_t run_changes_once(enum wire_kind kind, int to, void (*change)(int round)) {
        const struct interest one = lab_interest(wire_kind_bit(kind));
        pid_t pid;

        lab_write_file(lab_path("first"), "1", 0600);
        lab_write_file(lab_path("second"), "2", 0600);
        ck_assert_int_eq(capture_set_interest(lab.capture, &one, 4), 0);
        memset(got, 0, CHANGES * sizeof(*got));
        stop = false;
        pid = RUN({
                pthread_t thread;

                two_files[0] = open(lab_path("first"), O_RDONLY);
                two_files[1] = open(lab_path("second"), O_RDONLY);
                EXPECT(dup2(two_files[0], TO) == TO && dup2(two_files[0], NEW) == NEW);
                EXPECT(pthread_create(&thread, NULL, put_both, &to) == 0);
                for (int i = 0; i < CHANGES; i++) {
                        change(i);
                        if (i % 8 == 0)
                                usleep(1);      /* and on one processor it is the other thread's turn */
                }
                stop = true;
                pthread_join(thread, NULL);
        });
        return pid;
}

/* Rounds and records go together if none is lost; where the reader has no processor some are, and it is tried again. */
static pid_t run_changes(enum wire_kind kind, int to, void (*change)(int round)) {
        for (int i = 0; i < 5; i++) {
                uint64_t before = n_lost(kind);
                pid_t pid = run_changes_once(kind, to, change);

                if (n_lost(kind) == before)
                        return pid;
        }
        ck_abort_msg("the ring was too small each time");
}

/* Those of the calls that `change` made, in turn. */
static const struct wire_header *next_change(size_t *at, enum wire_kind kind, pid_t pid, int field, int64_t number) {
        while (*at < lab.n) {
                const struct wire_header *record = lab.records[(*at)++];

                if (record->kind == kind && record->tgid == (uint32_t)pid && record->tid == (uint32_t)pid &&
                    lab_number(record, field) == number)
                        return record;
        }
        return NULL;
}

static bool is_one_of_two(struct wire_object object) {
        struct stat first, second;

        return stat(lab_path("first"), &first) == 0 && stat(lab_path("second"), &second) == 0 &&
                (lab_is_file(object, &first) || lab_is_file(object, &second));
}

static bool is_said_to_be_obscured(const struct wire_header *record, const char *subject) {
        const struct wire_header *next = lab.records[lab_position(record) + 1];

        return next->kind == WIRE_KIND_obscured && lab_number(next, F(obscured, reason)) == WIRE_OBSCURED_RACED &&
                strcmp(lab_text(next, F(obscured, subject)), subject) == 0;
}

/* The file's one byte says which it is: the descriptor may be the other one by now. */
static void map_it(int round) {
        char *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, TO, 0);

        got[round] = memory == MAP_FAILED ? 0 : inode_of(two_files[memory[0] - '1']);
        munmap(memory, 4096);
}

START_TEST(a_mapping_is_of_the_file_that_the_kernel_mapped) {
        size_t at = 0, n_true = 0, n_raced = 0;
        const struct wire_header *record;
        pid_t pid = run_changes(WIRE_KIND_mmap, TO, map_it);

        for (int i = 0; i < CHANGES; i++) {
                struct wire_object file;

                record = next_change(&at, WIRE_KIND_mmap, pid, F(mmap, fd), TO);
                ck_assert_ptr_nonnull(record);
                file = lab_object(record, F(mmap, file));
                ck_assert(is_one_of_two(file));
                if (record->flags & WIRE_RACED)
                        n_raced++;      /* the kernel did not let us look: only the descriptor was there */
                else {
                        ck_assert_uint_eq(file.inode, got[i]);
                        n_true++;
                }
        }
        printf("mapped under exchanges: %zu by their mapping, %zu by the descriptor and said to be\n", n_true, n_raced);
        ck_assert_uint_gt(n_true, CHANGES / 2);
}
END_TEST

static void double_it(int round) {
        int fd = dup(TO);

        got[round] = inode_of(fd);
        close(fd);
}

START_TEST(a_double_is_of_the_file_that_the_kernel_doubled) {
        pid_t pid = run_changes(WIRE_KIND_dup, TO, double_it);
        const struct wire_header *record;
        size_t at = 0, n_exchanged = 0;

        for (int i = 0; i < CHANGES; i++) {
                record = next_change(&at, WIRE_KIND_dup, pid, F(dup, fd), TO);
                ck_assert_ptr_nonnull(record);
                ck_assert_uint_eq(lab_object(record, F(dup, file)).inode, got[i]);
                ck_assert(record->flags & WIRE_RACED);
                n_exchanged += (record->flags & WIRE_EXCHANGED) != 0;
        }
        printf("doubled under exchanges: of %d the first was another one by then in %zu\n", CHANGES, n_exchanged);
}
END_TEST

static void double_there(int round) {
        dup3(two_files[0], NEW, O_CLOEXEC);
}

START_TEST(a_double_that_was_exchanged_is_said_to_be) {
        pid_t pid = run_changes(WIRE_KIND_dup, NEW, double_there);
        size_t at = 0, n_true = 0, n_obscured = 0;
        const struct wire_header *record;
        struct stat first;

        ck_assert_int_eq(stat(lab_path("first"), &first), 0);
        for (int i = 0; i < CHANGES; i++) {
                do
                        record = next_change(&at, WIRE_KIND_dup, pid, F(dup, newfd), NEW);
                while (record && record->call != WIRE_CALL_dup3);
                if (!record)
                        break;          /* EBUSY: the number was being given to the other thread */
                if (lab_is_file(lab_object(record, F(dup, file)), &first)) {
                        n_true++;
                        continue;
                }
                ck_assert(is_one_of_two(lab_object(record, F(dup, file))));
                ck_assert(record->flags & WIRE_EXCHANGED);
                ck_assert(is_said_to_be_obscured(record, "dup.file"));
                n_obscured++;
        }
        printf("doubled to a number that another thread takes: %zu true, %zu obscured\n", n_true, n_obscured);
        ck_assert_uint_gt(n_true + n_obscured, CHANGES / 2);
}
END_TEST

static void close_it(int round) {
        close(TO);
}

START_TEST(a_close_of_what_others_exchange_is_marked) {
        pid_t pid = run_changes(WIRE_KIND_close, TO, close_it);
        const struct wire_header *record;
        size_t at = 0, n_closed = 0;

        for (int i = 0; i < CHANGES; i++) {
                record = next_change(&at, WIRE_KIND_close, pid, F(close, fd), TO);
                ck_assert_ptr_nonnull(record);
                ck_assert(record->flags & WIRE_RACED);
                if (lab_known(record, F(close, file))) {
                        ck_assert(is_one_of_two(lab_object(record, F(close, file))));
                        n_closed++;
                } else
                        ck_assert_int_eq(lab_number(record, F(close, type)), WIRE_OBJECT_CLOSED);
        }
        printf("closed under exchanges: %zu of %d had a file\n", n_closed, CHANGES);
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

        lab_wait_in_call(getpid(), SYS_write);
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

        lab_wait_in_call(getpid(), SYS_write);
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

/* ---- a program that the kernel skips, since another one seems to run on the processor ---- */

#define BIG (16 << 20)
#define REMOVALS 200

static int on_this_processor(void) {
        cpu_set_t one;

        CPU_ZERO(&one);
        CPU_SET(0, &one);
        return sched_setaffinity(0, sizeof(one), &one);
}

/* While a map is read from outside no program on a call may run on its processor. A big map takes long, and where the
 * kernel can be preempted others come to run meanwhile. */
static pid_t read_a_big_map(void) {
        int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "big", 4, BIG, 1, NULL);
        char *value = malloc(BIG);
        pid_t pid;

        ck_assert(fd >= 0 && value);
        pid = fork();
        if (pid == 0) {
                struct sched_param none = {};

                EXPECT(on_this_processor() == 0 && sched_setscheduler(0, SCHED_IDLE, &none) == 0);
                for (;;)
                        EXPECT(bpf_map_lookup_elem(fd, &(uint32_t){0}, value) == 0);
        }
        close(fd);
        free(value);
        return pid;
}

static uint64_t n_skipped(void) {
        struct capture_stats stats;

        ck_assert(lab_read_all(&stats));
        return stats.lost[WIRE_KIND_unlink][WIRE_LOSS_SKIPPED];
}

/* Of tracepoints of calls: "bpf: Count missed stats in trace_call_bpf", 6.7. */
static bool counts_skipped(void) {
        unsigned major = 0, minor = 0;
        struct utsname name;

        return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
                (major > 6 || (major == 6 && minor >= 7));
}

START_TEST(what_the_kernel_skipped_is_counted_and_shown) {
        const struct interest one = lab_interest(wire_kind_bit(WIRE_KIND_unlink));
        const struct wire_header *gap;
        uint64_t before;
        size_t n_told;
        pid_t pid, reader;

        ck_assert_int_eq(capture_set_interest(lab.capture, &one, 5), 0);
        before = n_skipped();
        reader = read_a_big_map();
        pid = RUN({
                EXPECT(on_this_processor() == 0);
                for (int i = 0; i < REMOVALS; i++) {
                        usleep(1000);
                        EXPECT(unlink(lab_path("no-such-file")) < 0);
                }
        });
        kill(reader, SIGKILL);
        ck_assert_int_eq(waitpid(reader, NULL, 0), reader);
        n_told = lab_count(WIRE_KIND_unlink, pid);
        printf("beside a map that is read: %zu of %d calls were told\n", n_told, REMOVALS);
        if (n_told == REMOVALS)
                return;                 /* a kernel that nobody preempts (preempt=full) */
        if (!counts_skipped()) {
                printf("this kernel does not count what it skips on calls\n");
                return;
        }
        for (int i = 0; i < 30 && n_skipped() == before; i++)
                usleep(100000);         /* it is looked at once a second */
        ck_assert_uint_ge(n_skipped() - before, REMOVALS - n_told);
        for (size_t i = 0; (gap = lab_find(WIRE_KIND_gap, 0, i)); i++)
                if (lab_number(gap, F(gap, reason)) == WIRE_LOSS_SKIPPED &&
                    lab_number(gap, F(gap, kinds)) & (int64_t)wire_kind_bit(WIRE_KIND_unlink))
                        break;
        ck_assert_ptr_nonnull(gap);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                an_exchanged_descriptor_is_never_taken_for_the_file_that_was_opened,
                a_mapping_is_of_the_file_that_the_kernel_mapped,
                a_double_is_of_the_file_that_the_kernel_doubled,
                a_double_that_was_exchanged_is_said_to_be,
                a_close_of_what_others_exchange_is_marked,
                a_path_is_one_that_was_true_at_some_moment,
                a_write_whose_descriptor_was_exchanged_tells_both_objects,
                a_call_that_is_restarted_is_told_once,
                what_the_kernel_skipped_is_counted_and_shown,
                a_name_that_cannot_be_read_any_more_is_unknown_and_said_to_be,
        };
        struct interest interest = lab_interest(LAB_FILE_KINDS);

        interest.content_bytes = 64;
        got = mmap(NULL, CHANGES * sizeof(*got), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return lab_main("bpf/race", tests, sizeof(tests) / sizeof(tests[0]), &interest, NULL);
}
