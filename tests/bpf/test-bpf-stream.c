/* SPDX-License-Identifier: Apache-2.0 */
/* The stream as a whole: how it begins, what time does in it, what happens when the ring is full, what a reload does.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id
#define OPENS wire_kind_bit(WIRE_KIND_openat)

static void begin(uint64_t kinds, const struct capture_options *options) {
        struct interest interest = lab_interest(kinds);

        lab_open(&interest, options);
}

/* With the programs that are loaded, and the beginning told again. */
static void begin_again(uint64_t kinds) {
        struct interest interest = lab_interest(kinds);

        lab_watch(&interest);
        lab_read();
        lab_forget();
        ck_assert_int_eq(capture_retell(lab.capture), 0);
}

/* Memory that parent and children share. */
static volatile uint64_t *shared(void) {
        static volatile uint64_t *memory;

        if (!memory)
                memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return memory;
}

/* Until /proc shows this name. */
static void wait_for_exec(pid_t pid, const char *comm) {
        for (int i = 0; i < 1000; i++) {
                char path[64], text[64] = "";
                int fd;

                snprintf(path, sizeof(path), "/proc/%d/comm", pid);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd >= 0) {
                        (void)!read(fd, text, sizeof(text) - 1);
                        close(fd);
                }
                if (strncmp(text, comm, strlen(comm)) == 0)
                        return;
                usleep(5000);
        }
        ck_abort_msg("process %d never became %s", pid, comm);
}

/* ---- the beginning ---- */

START_TEST(a_stream_begins_with_clock_cgroups_processes_and_start) {
        const struct wire_header *self = NULL, *child = NULL, *start;
        int64_t realtime_ns;
        size_t i = 0;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                execl("/bin/sleep", "sleep", "100", NULL);
                _exit(1);
        }
        wait_for_exec(pid, "sleep");
        if (lab_is_quick())
                begin_again(0);
        else
                begin(0, NULL);

        ck_assert_int_eq(lab.records[0]->kind, WIRE_KIND_clock);
        realtime_ns = lab.records[0]->time_ns + lab_number(lab.records[0], F(clock, offset_ns));
        ck_assert_int_lt(llabs(realtime_ns - (int64_t)clock_realtime_ns()), 5 * (int64_t)NSEC_PER_SEC);
        for (i = 1;
             i < lab.n && (lab.records[i]->kind == WIRE_KIND_cgroup || lab.records[i]->kind == WIRE_KIND_container);
             i++)
                if (lab.records[i]->kind == WIRE_KIND_cgroup)
                        ck_assert_ptr_nonnull(lab_text(lab.records[i], F(cgroup, path)));
        ck_assert_uint_gt(i, 1);
        ck_assert_str_eq(lab_text(lab.records[1], F(cgroup, path)), "/");

        for (; i < lab.n && lab.records[i]->kind == WIRE_KIND_process; i++) {
                const struct wire_header *record = lab.records[i];

                if (record->tgid == (uint32_t)getpid())
                        self = record;
                if (record->tgid == (uint32_t)pid)
                        child = record;
                ck_assert_uint_ne(record->tree_tgid, 0);
        }
        start = lab.records[i];
        ck_assert_int_eq(start->kind, WIRE_KIND_start);
        ck_assert_int_eq(lab_number(start, F(start, generation)), 1);

        ck_assert_ptr_nonnull(self);
        ck_assert_ptr_nonnull(child);
        ck_assert_int_lt(lab_position(self), lab_position(child));
        ck_assert_uint_eq(child->creator_tgid, self->tgid);
        ck_assert_uint_eq(child->creator_start_ns, self->start_ns);
        ck_assert_uint_eq(child->tree_tgid, self->tree_tgid);
        ck_assert_str_eq(lab_list(child, F(process, argv)), "sleep|100");
        ck_assert_str_eq(strrchr(lab_text(child, F(process, exe)), '/'), "/sleep");
        ck_assert_str_eq(lab_text(child, F(process, comm)), "sleep");
        ck_assert_int_eq(lab_number(child, F(process, kthread)), 0);
        ck_assert_ptr_nonnull(lab_text(child, F(process, cwd)));

        /* Its end is told by the same identity: nanoseconds, not ticks. And what the snapshot said is known in the
         * kernel. */
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        start = lab_wait(WIRE_KIND_exit, pid, 0);
        ck_assert_ptr_nonnull(start);
        ck_assert_uint_eq(start->start_ns, child->start_ns);
        ck_assert_uint_eq(start->creator_tgid, self->tgid);
        ck_assert_uint_eq(start->tree_tgid, self->tree_tgid);
        ck_assert_uint_eq(start->tree_start_ns, self->tree_start_ns);
}
END_TEST

START_TEST(kernel_threads_are_marked) {
        const struct wire_header *record;

        begin_again(0);
        record = lab_find(WIRE_KIND_process, 2, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_str_eq(lab_text(record, F(process, comm)), "kthreadd");
        ck_assert_int_eq(lab_number(record, F(process, kthread)), 1);
        ck_assert_int_eq(lab_number(record, F(process, supervisor)), 1);
        ck_assert(record->flags & WIRE_KTHREAD);
        ck_assert(!lab_known(record, F(process, exe)));
}
END_TEST

/* ---- time ---- */

/* 0: none. */
static uint64_t last_tick(void) {
        size_t n = lab_count(WIRE_KIND_tick, 0);

        return n > 0 ? lab_find(WIRE_KIND_tick, 0, n - 1)->time_ns : 0;
}

START_TEST(a_tick_comes_each_second_and_when_it_is_asked_for) {
        uint64_t began_ns, asked_ns;
        struct capture_stats stats;
        size_t n;

        begin_again(0);
        began_ns = clock_boottime_ns();
        while (clock_boottime_ns() < began_ns + 2300 * NSEC_PER_MSEC) {
                lab_read();
                usleep(5000);
        }
        n = lab_count(WIRE_KIND_tick, 0);
        ck_assert_uint_ge(n, 2);
        ck_assert_uint_le(n, 4);
        ck_assert_uint_ge(lab_find(WIRE_KIND_tick, 0, 1)->time_ns - lab_find(WIRE_KIND_tick, 0, 0)->time_ns,
                          NSEC_PER_SEC);

        /* A read that begins later tells it, unless somebody is just writing. */
        lab_forget();
        asked_ns = clock_boottime_ns() + 100 * NSEC_PER_MSEC;
        capture_set_deadline(lab.capture, asked_ns);
        do {
                usleep(1000);
                began_ns = clock_boottime_ns();
                lab_read();
                capture_stats(lab.capture, &stats);
                ck_assert(began_ns <= asked_ns || last_tick() > asked_ns || stats.ring_pending > 0);
        } while (last_tick() <= asked_ns);
}
END_TEST

/* Gaps in which something was lost. A stall (the writer of the first record did not run for 10 ms, which a busy
 * emulator does to it) is a gap too, but nothing is missing. */
static size_t count_gaps(void) {
        const struct wire_header *gap;
        size_t n = 0;

        for (size_t i = 0; (gap = lab_find(WIRE_KIND_gap, 0, i)); i++) {
                if (lab_number(gap, F(gap, reason)) == WIRE_LOSS_STALLED && lab_number(gap, F(gap, count)) == 0)
                        continue;
                lab_show(gap);
                n++;
        }
        return n;
}

/* ---- a full ring ---- */

static int open_often(void *argument) {
        for (long i = 0; i < (long)argument; i++)
                close(open("/dev/null", O_RDONLY));
        return 0;
}

static int fork_and_open_often(void *argument) {
        for (int i = 0; i < 2; i++)
                if (fork() == 0)
                        _exit(open_often(argument));
        while (wait(NULL) > 0)
                ;
        return 0;
}

START_TEST(what_was_produced_was_delivered_or_is_counted_as_lost) {
        const struct capture_options options = {.ring_bytes = 256 << 10};
        struct capture_stats before, stats;
        const struct wire_header *gap;
        uint64_t told = 0, n_lost = 0;
        pid_t pid;

        if (lab_is_quick())
                return;
        begin(OPENS, &options);
        ck_assert(lab_read_all(&before));
        lab_forget();

        /* Nobody reads meanwhile. */
        pid = fork();
        if (pid == 0)
                _exit(fork_and_open_often((void *)20000L));
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(lab_read_all(&stats));
        ck_assert_uint_ge(stats.produced[WIRE_KIND_openat], 40000);
        ck_assert_uint_gt(lab_lost(&stats, WIRE_KIND_openat), 30000);
        ck_assert_uint_gt(stats.lost[WIRE_KIND_openat][WIRE_LOSS_SHED], 0);

        /* The process table's kinds had the last quarter for themselves: enough for ours, if others did not fill it
         * meanwhile. */
        ck_assert_uint_eq(stats.lost[WIRE_KIND_fork][WIRE_LOSS_SHARE], 0);
        ck_assert_uint_eq(stats.lost[WIRE_KIND_execve][WIRE_LOSS_SHARE], 0);
        ck_assert_uint_eq(stats.lost[WIRE_KIND_exit][WIRE_LOSS_SHARE], 0);
        if (lab_lost(&stats, WIRE_KIND_exit) == lab_lost(&before, WIRE_KIND_exit))
                ck_assert_ptr_nonnull(lab_find(WIRE_KIND_exit, pid, 0));
        else
                printf("others filled the last quarter: our exit not looked for\n");

        /* Told before what was read after it: the first of ours, for others may have lost something, too. */
        for (size_t i = 0; (gap = lab_find(WIRE_KIND_gap, 0, i)); i++)
                if (lab_number(gap, F(gap, kinds)) & OPENS)
                        break;
        ck_assert_ptr_nonnull(gap);
        ck_assert_int_lt(lab_position(gap), lab_position(lab_find(WIRE_KIND_openat, 0, 0)));
        for (size_t i = 0; lab_find(WIRE_KIND_gap, 0, i); i++)
                told += lab_number(lab_find(WIRE_KIND_gap, 0, i), F(gap, count));
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                n_lost += lab_lost(&stats, kind) - lab_lost(&before, kind);
        ck_assert_uint_eq(told, n_lost);
        lab_close();
}
END_TEST

/* ---- what a loss would leave wrong ---- */

#define MENDED (WIRE_SYNTHETIC | WIRE_MENDED)

/* vfork, for a copy of what the tests hold takes long. */
static int fork_often(void *argument) {
        for (long i = 0; i < (long)argument; i++) {
                pid_t pid = vfork();

                if (pid == 0)
                        _exit(0);
                (void)waitpid(pid, NULL, 0);
        }
        return 0;
}

static int sleep_for_long(void *argument) {
        execl("/bin/sleep", "sleep", "100", NULL);
        return 1;
}

static int ready[2];                    /* a pipe */

#define STOP_SCRIPT "echo >&%d; kill -STOP $$"

/* Executes something that says that it runs, for then the exec is over. */
static int exec_and_stop(void) {
        char script[64];

        snprintf(script, sizeof(script), STOP_SCRIPT, ready[1]);
        execl("/bin/sh", "sh", "-c", script, NULL);
        return 1;
}

static void wait_until_ready(void) {
        char c;

        ck_assert_int_eq(read(ready[0], &c, 1), 1);
}

/* Runs on until told, then executes something. */
static int exec_when_told(volatile uint64_t *memory) {
        while (!memory[0])
                usleep(1000);
        return exec_and_stop();
}

static bool is_alive(pid_t pid) {
        char path[64], text[512] = "", *rest;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        (void)!read(fd, text, sizeof(text) - 1);
        close(fd);
        rest = strrchr(text, ')');
        return rest && rest[2] != 'Z' && rest[2] != 'X';
}

START_TEST(processes_whose_end_start_or_exec_was_lost_are_told_afterwards) {
        const struct capture_options options = {.ring_bytes = 64 << 10};
        const struct wire_header *record, *before;
        struct capture_stats stats;
        pid_t ended, changed, started, forker;
        char arguments[80];
        size_t n;

        if (lab_is_quick())
                return;
        shared()[0] = 0;
        if (lab.capture)
                lab_close();            /* a test failed and left it; the shell knows descriptors below 10 only */
        ck_assert_int_eq(pipe(ready), 0);
        ck_assert_int_lt(ready[1], 10);
        snprintf(arguments, sizeof(arguments), "sh|-c|" STOP_SCRIPT, ready[1]);
        begin(0, &options);
        ended = lab_fork();
        if (ended == 0)
                _exit(sleep_for_long(NULL));
        changed = lab_fork();
        if (changed == 0)
                _exit(exec_when_told(shared()));
        before = lab_wait(WIRE_KIND_execve, ended, 0);
        ck_assert_ptr_nonnull(before);
        do
                lab_read();
        while (lab_count(WIRE_KIND_fork, getpid()) < 2);

        /* Nobody reads while the ring fills, and what then happens is lost. */
        forker = fork();
        if (forker == 0)
                _exit(fork_often((void *)1000L));
        ck_assert_int_eq(waitpid(forker, NULL, 0), forker);
        kill(ended, SIGKILL);
        ck_assert_int_eq(waitpid(ended, NULL, 0), ended);
        shared()[0] = 1;
        wait_until_ready();
        started = lab_fork();
        if (started == 0)
                _exit(exec_and_stop());
        wait_until_ready();
        capture_stats(lab.capture, &stats);
        ck_assert_uint_gt(lab_lost(&stats, WIRE_KIND_exit), 0);
        ck_assert_uint_gt(lab_lost(&stats, WIRE_KIND_fork), 0);

        record = lab_wait(WIRE_KIND_exit, ended, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq(record->flags & MENDED, MENDED);
        ck_assert_uint_eq(record->start_ns, before->start_ns);
        ck_assert_uint_eq(record->creator_tgid, (uint32_t)getpid());
        ck_assert_uint_eq(record->tree_tgid, before->tree_tgid);
        ck_assert_uint_eq(record->uid, getuid());
        ck_assert_uint_eq(record->cgroup_id, before->cgroup_id);
        ck_assert(!lab_known(record, F(exit, code)));
        ck_assert(!lab_known(record, F(exit, run_ns)));

        record = lab_wait(WIRE_KIND_process, changed, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq(record->flags & MENDED, MENDED);
        ck_assert_str_eq(lab_text(record, F(process, comm)), "sh");
        ck_assert_str_eq(lab_list(record, F(process, argv)), arguments);

        record = lab_wait(WIRE_KIND_process, started, 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq(record->flags & MENDED, MENDED);
        ck_assert_uint_eq(record->creator_tgid, (uint32_t)getpid());
        ck_assert_uint_eq(record->tree_tgid, before->tree_tgid);
        ck_assert_str_eq(lab_list(record, F(process, argv)), arguments);

        /* Nobody was buried alive, and the next ends are told by the kernel. */
        for (size_t i = 0; (record = lab_find(WIRE_KIND_exit, 0, i)); i++)
                ck_assert_msg(!(record->flags & WIRE_MENDED) || !is_alive(record->tgid), "%u lives", record->tgid);
        n = lab_count(WIRE_KIND_process, 0);
        kill(changed, SIGKILL);
        kill(started, SIGKILL);
        ck_assert_int_eq(waitpid(changed, NULL, 0), changed);
        ck_assert_int_eq(waitpid(started, NULL, 0), started);
        for (int i = 0; i < 2; i++) {
                record = lab_wait(WIRE_KIND_exit, i ? changed : started, 0);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(record->flags & WIRE_MENDED, 0);
                ck_assert_int_eq(lab_number(record, F(exit, signal)), SIGKILL);
        }
        ck_assert_uint_eq(lab_count(WIRE_KIND_exit, ended), 1);
        ck_assert_uint_eq(lab_count(WIRE_KIND_process, 0), n);

        capture_stats(lab.capture, &stats);
        ck_assert_uint_ge(stats.n_mended_exits, 1);
        ck_assert_uint_ge(stats.n_mended_processes, 2);
        close(ready[0]);
        close(ready[1]);
        lab_close();
}
END_TEST

START_TEST(the_dead_that_nobody_waited_for_are_not_in_the_snapshot) {
        siginfo_t info;
        pid_t pid;

        pid = lab_fork();
        if (pid == 0)
                _exit(0);
        ck_assert_int_eq(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
        begin_again(0);
        ck_assert_ptr_null(lab_find(WIRE_KIND_process, pid, 0));
        ck_assert_ptr_nonnull(lab_find(WIRE_KIND_process, getpid(), 0));
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/* ---- somebody reads ---- */

START_TEST(nothing_is_lost_while_somebody_reads) {
        const struct capture_options options = {
                .ring_bytes = 32 << 20}; /* all of them: on a slow machine we may not keep up */
        struct capture_stats stats;
        pid_t pid;

        if (lab_is_quick())
                return;
        begin(OPENS, &options);
        pid = lab_run(fork_and_open_often, (void *)20000L);
        capture_stats(lab.capture, &stats);
        printf("%llu stalls, at most %zu KiB waited\n", (unsigned long long)stats.n_stalls,
               stats.ring_pending_max >> 10);
        ck_assert_uint_eq(lab_lost(&stats, WIRE_KIND_openat), 0);
        ck_assert_uint_eq(count_gaps(), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_openat, lab_find(WIRE_KIND_fork, pid, 0)->result), 20000);
        ck_assert_uint_eq(lab_count(WIRE_KIND_openat, lab_find(WIRE_KIND_fork, pid, 1)->result), 20000);
        lab_close();
}
END_TEST

/* ---- reload ---- */

static int open_until_told(void *argument) {
        volatile uint64_t *memory = argument;

        while (!memory[0]) {
                close(open("/dev/null", O_RDONLY));
                memory[1]++;
        }
        return 0;
}

START_TEST(a_reload_loses_nothing_that_both_sets_want) {
        const uint64_t sets[] = {OPENS | wire_kind_bit(WIRE_KIND_write), OPENS,
                                        OPENS | wire_kind_bit(WIRE_KIND_rename) | wire_kind_bit(WIRE_KIND_connect),
                                        OPENS | wire_kind_bit(WIRE_KIND_unlink), OPENS};
        /* The child opens as fast as it can, and nobody reads while the kernel attaches to one place: on a busy host
         * for 0.1 s. */
        const struct capture_options options = {.ring_bytes = 64 << 20};
        struct capture_stats stats;
        size_t n_meanwhile = 0;
        pid_t pid;

        if (lab_is_quick())
                return;
        begin(OPENS, &options);
        capture_set_wait(lab.capture, false);
        shared()[0] = shared()[1] = 0;
        pid = fork();
        if (pid == 0)
                _exit(open_until_told((void *)shared()));
        for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
                struct interest interest = lab_interest(sets[i]);
                uint64_t began_ns;
                size_t n;

                for (int k = 0; k < 20; k++) {
                        lab_read();
                        usleep(1000);
                }
                n = lab.n;
                began_ns = clock_boottime_ns();
                ck_assert_int_eq(capture_set_interest(lab.capture, &interest, 2 + i), 0);
                printf("reload %zu took %.2f ms, read %zu meanwhile\n", i, (clock_boottime_ns() - began_ns) / 1e6,
                       lab.n - n - 1);
                ck_assert_int_eq(lab.records[lab.n - 1]->kind, WIRE_KIND_start);
                n_meanwhile += lab.n - 1 - n;
        }
        /* What the opener did is not kept waiting; during one of them it may have had no processor. */
        ck_assert_uint_gt(n_meanwhile, 0);
        for (int k = 0; k < 20; k++) {
                lab_read();
                usleep(1000);
        }
        shared()[0] = 1;
        while (waitpid(pid, NULL, WNOHANG) == 0)
                lab_read();
        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_exit, pid, 0));

        capture_stats(lab.capture, &stats);
        ck_assert_uint_eq(count_gaps(), 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_openat, pid), shared()[1]);
        ck_assert_uint_eq(lab_count(WIRE_KIND_start, 0), 6);
        ck_assert_int_eq(lab_number(lab_find(WIRE_KIND_start, 0, 5), F(start, generation)), 6);
        lab_close();
}
END_TEST

START_TEST(what_nobody_wants_any_more_is_detached) {
        struct interest nothing = lab_interest(0), some = lab_interest(OPENS | wire_kind_bit(WIRE_KIND_write));
        struct capture_stats core, with, without;
        pid_t pid;

        begin_again(0);
        capture_stats(lab.capture, &core);
        ck_assert_int_eq(capture_set_interest(lab.capture, &some, 1), 0);
        capture_stats(lab.capture, &with);
        ck_assert_int_eq(capture_set_interest(lab.capture, &nothing, 2), 0);
        capture_stats(lab.capture, &without);
        ck_assert_uint_ge(core.n_programs, 5);
        ck_assert_uint_eq(without.n_programs, core.n_programs);
        ck_assert_uint_gt(with.n_programs, core.n_programs + 10);
        pid = lab_run(open_often, (void *)10L);
        ck_assert_uint_eq(lab_count(WIRE_KIND_openat, pid), 0);
}
END_TEST

/* It is still being detached, elsewhere: the kernel would not have the same program twice. */
START_TEST(what_is_wanted_again_at_once_is_watched_again) {
        struct interest nothing = lab_interest(0), some = lab_interest(OPENS);
        struct capture_stats before, after;
        pid_t pid;

        begin_again(OPENS);
        capture_stats(lab.capture, &before);
        capture_set_wait(lab.capture, false);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(capture_set_interest(lab.capture, &nothing, 2), 0);
                ck_assert_int_eq(capture_set_interest(lab.capture, &some, 3), 0);
        }
        pid = lab_run(open_often, (void *)10L);
        ck_assert_uint_eq(lab_count(WIRE_KIND_openat, pid), 10);
        capture_stats(lab.capture, &after);
        ck_assert_uint_eq(after.n_refused, before.n_refused);
        ck_assert_uint_eq(after.n_programs, before.n_programs);
        capture_set_wait(lab.capture, true);
}
END_TEST

/* ---- cgroups ---- */

static int move_and_exit(void *argument) {
        int fd = open(argument, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, "0", 1) != 1)
                return 1;
        close(fd);
        return open("/dev/null", O_RDONLY) < 0;
}

START_TEST(the_name_of_a_cgroup_comes_before_what_happens_in_it) {
        const struct wire_header *named, *record;
        char path[256], procs[300];
        struct stat st;
        pid_t pid;

        begin_again(OPENS);
        if (!lab_hierarchy()) {
                printf("no hierarchy that we may write to: not tried\n");
                return;
        }
        snprintf(path, sizeof(path), "%s/execrayd-lab-%d", lab_hierarchy(), getpid());
        snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
        ck_assert_int_eq(mkdir(path, 0755), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        pid = lab_run(move_and_exit, procs);
        ck_assert_int_eq(lab.status, 0);
        ck_assert_int_eq(rmdir(path), 0);

        record = lab_find_text(WIRE_KIND_openat, pid, F(openat, given), "/dev/null", 0);
        ck_assert_ptr_nonnull(record);
        ck_assert_uint_eq(record->cgroup_id, st.st_ino);
        named = lab_find_text(WIRE_KIND_cgroup, 0, F(cgroup, path), path + strlen(lab_hierarchy()), 0);
        ck_assert_ptr_nonnull(named);
        ck_assert_int_eq(lab_number(named, F(cgroup, id)), st.st_ino);
        ck_assert_int_lt(lab_position(named), lab_position(record));
}
END_TEST

/* ---- supervisors ---- */

/* An orphan of PID 1 that runs a listed program: a shell that waits for a line and then starts a child. */
START_TEST(children_of_a_listed_main_process_begin_trees_of_their_own) {
        const char *path = lab_path("supervisor");
        struct capture_options options = {.supervisors = &path, .n_supervisors = 1};
        const struct wire_header *record, *fork_record, *child;
        int ends[2], pids[2];
        pid_t pid = 0;

        if (lab_is_quick())
                return;
        lab_copy_file("/bin/sh", path, 0755);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(pids, O_CLOEXEC), 0);
        if (fork() == 0) {
                pid = fork();
                if (pid == 0) {
                        dup2(ends[0], 0);
                        execl(path, "supervisor", "-c", "read line; /bin/true; exit 0", NULL);
                        _exit(1);
                }
                (void)!write(pids[1], &pid, sizeof(pid));
                _exit(0);
        }
        ck_assert_int_eq(read(pids[0], &pid, sizeof(pid)), sizeof(pid));
        wait(NULL);
        wait_for_exec(pid, "supervisor");

        begin(0, &options);
        record = lab_find(WIRE_KIND_process, pid, 0);
        ck_assert_ptr_nonnull(record);
        if (record->creator_tgid != 1) {
                printf("orphans go to process %u, not to PID 1: not tried\n", record->creator_tgid);
                kill(pid, SIGKILL);
        } else {
                ck_assert_int_eq(lab_number(record, F(process, supervisor)), 1);
                ck_assert_int_eq(write(ends[1], "\n", 1), 1);
                fork_record = lab_wait(WIRE_KIND_fork, pid, 0);
                ck_assert_ptr_nonnull(fork_record);
                child = lab_wait(WIRE_KIND_execve, fork_record->result, 0);
                ck_assert_ptr_nonnull(child);
                ck_assert_uint_eq(child->tree_tgid, child->tgid);
                ck_assert_uint_eq(child->tree_start_ns, child->start_ns);
                ck_assert_uint_eq(fork_record->tree_tgid, pid);
        }
        close(ends[0]);
        close(ends[1]);
        close(pids[0]);
        close(pids[1]);
        lab_close();
}
END_TEST

/* ---- on a loop ---- */

struct pulse {
        uint64_t noticed_ns;            /* when the open was read */
        pid_t pid;                      /* who made it */
        sd_event *loop;
};

static struct pulse pulse;

static void on_pulse(const struct event *event, void *userdata) {
        if (event_kind(event) == WIRE_KIND_openat && event->wire->tgid == (uint32_t)pulse.pid && pulse.noticed_ns == 0)
                pulse.noticed_ns = clock_boottime_ns();
}

START_TEST(a_quiet_loop_sleeps_and_an_event_wakes_it_at_once) {
        static const struct capture_options options = {};
        static const struct capture_sink sink = {.on_event = on_pulse};
        struct interest interest = lab_interest(OPENS);
        struct capture_stats before, after;
        struct capture *capture;

        if (lab_is_quick())
                return;
        if (lab.capture)
                lab_close();
        ck_assert_int_ge(sd_event_new(&pulse.loop), 0);
        ck_assert_int_eq(capture_new_bpf(&options, &interest, &sink, NULL, &capture), 0);
        capture_set_wait(capture, true);
        ck_assert_int_eq(capture_start(capture, pulse.loop, 1), 0);

        pulse.pid = fork();
        if (pulse.pid == 0) {
                usleep(600000);
                shared()[0] = clock_boottime_ns();
                close(open("/dev/null", O_RDONLY));
                usleep(300000);
                _exit(0);
        }
        capture_stats(capture, &before);
        for (uint64_t end_ns = clock_boottime_ns() + 800 * NSEC_PER_MSEC; clock_boottime_ns() < end_ns;)
                ck_assert_int_ge(sd_event_run(pulse.loop, 50000), 0);
        capture_stats(capture, &after);
        ck_assert_uint_ne(pulse.noticed_ns, 0);
        printf("noticed after %.0f us, %ju wake-ups, %ju turns\n", (pulse.noticed_ns - shared()[0]) / 1e3,
               (uintmax_t)(after.n_wakeups - before.n_wakeups), (uintmax_t)(after.n_turns - before.n_turns));
        ck_assert_uint_lt(pulse.noticed_ns - shared()[0], 50 * NSEC_PER_MSEC);
        waitpid(pulse.pid, NULL, 0);
        capture_free(capture);
        sd_event_unref(pulse.loop);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                /* with one capture */
                a_stream_begins_with_clock_cgroups_processes_and_start,
                kernel_threads_are_marked,
                the_dead_that_nobody_waited_for_are_not_in_the_snapshot,
                a_tick_comes_each_second_and_when_it_is_asked_for,
                what_nobody_wants_any_more_is_detached,
                what_is_wanted_again_at_once_is_watched_again,
                the_name_of_a_cgroup_comes_before_what_happens_in_it,
                /* with their own */
                what_was_produced_was_delivered_or_is_counted_as_lost,
                processes_whose_end_start_or_exec_was_lost_are_told_afterwards,
                nothing_is_lost_while_somebody_reads,
                a_reload_loses_nothing_that_both_sets_want,
                children_of_a_listed_main_process_begin_trees_of_their_own,
                a_quiet_loop_sleeps_and_an_event_wakes_it_at_once,
        };

        return lab_main("bpf/stream", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
