/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace, kill: what one process did to another, which is told by its identity. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/macro.h"

#include "lab.h"

#define F(kind, id) WIRE_FIELD_##kind##_##id

/* The targets: processes of this test, that wait to be killed. */
static pid_t start_target(void) {
        pid_t pid = lab_fork();

        if (pid == 0)
                for (;;)
                        pause();
        return pid;
}

static void end_target(pid_t pid) {
        int status;

        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

static uint64_t start_of(pid_t pid) {
        const struct wire_header *record;

        ck_assert_ptr_nonnull(lab_wait(WIRE_KIND_fork, getpid(), 0));
        for (size_t n = 0; (record = lab_find(WIRE_KIND_fork, getpid(), n)); n++)
                if (lab_number(record, F(fork, child_pid)) == pid)
                        return lab_number(record, F(fork, child_start));
        ck_abort_msg("no fork of it");
        return 0;
}

static const char *own_exe(void) {
        static char path[4096];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

        ck_assert_int_gt(n, 0);
        path[n] = 0;
        return path;
}

#define CHECK_TARGET(record, kind, pid)                                                                                \
        do {                                                                                                           \
                ck_assert_int_eq(lab_number(record, F(kind, target_pid)), pid);                                        \
                ck_assert_int_eq(lab_number(record, F(kind, target_start)), start_of(pid));                            \
                ck_assert_int_eq(lab_number(record, F(kind, target_uid)), 0);                                          \
                ck_assert_str_eq(lab_text(record, F(kind, target_exe)), own_exe());                                    \
        } while (0)

/* ---- ptrace ---- */

struct traced {
        pid_t pid;
        long word;                      /* in the target's memory, at the same address */
};

static long shared_word = 0x1234;

static int trace_it(void *argument) {
        struct traced *traced = argument;
        int status;

        if (ptrace(PTRACE_SEIZE, traced->pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, traced->pid, 0, 0) < 0)
                return 1;
        if (waitpid(traced->pid, &status, __WALL) < 0)
                return 2;
        if (ptrace(PTRACE_PEEKDATA, traced->pid, &shared_word, 0) != 0x1234)
                return 3;
        if (ptrace(PTRACE_POKEDATA, traced->pid, &shared_word, 0x99) < 0)
                return 4;
        return ptrace(PTRACE_DETACH, traced->pid, 0, 0) < 0 ? 5 : 0;
}

START_TEST(ptrace_tells_the_request_and_the_target) {
        struct traced traced = {.pid = start_target()};
        const struct wire_header *record;
        pid_t pid = lab_run(trace_it, &traced);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_ptrace, pid), 5);
        record = lab_find(WIRE_KIND_ptrace, pid, 0);
        ck_assert_int_eq(lab_number(record, F(ptrace, request)), PTRACE_SEIZE);
        CHECK_TARGET(record, ptrace, traced.pid);
        ck_assert(!lab_known(record, F(ptrace, address)));
        record = lab_find(WIRE_KIND_ptrace, pid, 3);
        ck_assert_int_eq(lab_number(record, F(ptrace, request)), PTRACE_POKEDATA);
        ck_assert_int_eq(lab_number(record, F(ptrace, address)), (intptr_t)&shared_word);
        ck_assert_int_eq(lab_number(record, F(ptrace, length)), sizeof(long));
        CHECK_TARGET(record, ptrace, traced.pid);
        end_target(traced.pid);
}
END_TEST

static int refused_trace(void *argument) {
        struct traced *traced = argument;

        if (syscall(SYS_setresuid, 1000, 1000, 1000) < 0)
                return 1;
        return ptrace(PTRACE_ATTACH, traced->pid, 0, 0) < 0 && errno == EPERM ? 0 : 2;
}

START_TEST(a_refused_attempt_to_trace_tells_whom_it_was_meant_for) {
        struct traced traced = {.pid = start_target()};
        const struct wire_header *record;
        pid_t pid = lab_run(refused_trace, &traced);

        ck_assert_int_eq(lab.status, 0);
        record = lab_find(WIRE_KIND_ptrace, pid, 0);
        ck_assert_int_eq(record->result, -EPERM);
        ck_assert_int_eq(lab_number(record, F(ptrace, request)), PTRACE_ATTACH);
        CHECK_TARGET(record, ptrace, traced.pid);
        end_target(traced.pid);
}
END_TEST

static int offer_itself(void *argument) {
        return ptrace(PTRACE_TRACEME, 0, 0, 0) < 0;
}

START_TEST(who_offers_itself_to_be_traced_is_the_target) {
        pid_t pid = lab_run(offer_itself, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_ptrace, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(ptrace, request)), PTRACE_TRACEME);
        CHECK_TARGET(record, ptrace, pid);
}
END_TEST

static int copy_memory(void *argument) {
        struct traced *traced = argument;
        long word = 0x77;
        struct iovec own = {&word, sizeof(word)}, other = {&shared_word, sizeof(shared_word)};

        if (process_vm_readv(traced->pid, &own, 1, &other, 1, 0) != sizeof(word) || word != 0x1234)
                return 1;
        if (process_vm_writev(traced->pid, &own, 1, &other, 1, 0) != sizeof(word))
                return 2;
        other.iov_base = NULL;
        return process_vm_readv(traced->pid, &own, 1, &other, 1, 0) < 0 ? 0 : 3;
}

START_TEST(copying_anothers_memory_tells_where_and_how_much) {
        struct traced traced = {.pid = start_target()};
        const struct wire_header *record;
        pid_t pid = lab_run(copy_memory, &traced);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_ptrace, pid), 3);
        for (size_t i = 0; i < 2; i++) {
                record = lab_find(WIRE_KIND_ptrace, pid, i);
                ck_assert_int_eq(lab_number(record, F(ptrace, request)), i ? WIRE_PTRACE_WRITEV : WIRE_PTRACE_READV);
                ck_assert_int_eq(record->call, i ? WIRE_CALL_process_vm_writev : WIRE_CALL_process_vm_readv);
                ck_assert_int_eq(lab_number(record, F(ptrace, address)), (intptr_t)&shared_word);
                ck_assert(record->user & WIRE_BIT(ptrace, address));
                ck_assert_int_eq(lab_number(record, F(ptrace, length)), sizeof(long));
                CHECK_TARGET(record, ptrace, traced.pid);
        }
        record = lab_find(WIRE_KIND_ptrace, pid, 2);
        ck_assert_int_eq(record->result, -EFAULT);
        ck_assert(!lab_known(record, F(ptrace, length)));
        end_target(traced.pid);
}
END_TEST

static int open_memory(void *argument) {
        struct traced *traced = argument;
        char path[64];

        snprintf(path, sizeof(path), "/proc/%d/mem", traced->pid);
        if (open(path, O_RDONLY | O_CLOEXEC) < 0)
                return 1;
        return open(path, O_RDWR | O_CLOEXEC) < 0;
}

START_TEST(another_processs_memory_that_is_opened_to_write_is_a_ptrace_beside_the_open) {
        struct traced traced = {.pid = start_target()};
        const struct wire_header *record;
        pid_t pid = lab_run(open_memory, &traced);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_ptrace, pid), 1);
        record = lab_find(WIRE_KIND_ptrace, pid, 0);
        ck_assert_int_eq(lab_number(record, F(ptrace, request)), WIRE_PTRACE_PROC_MEM);
        ck_assert_int_eq(record->call, WIRE_CALL_openat);
        ck_assert_int_eq(record->result, 0);
        CHECK_TARGET(record, ptrace, traced.pid);
        ck_assert_uint_ge(lab_count(WIRE_KIND_openat, pid), 2);
        end_target(traced.pid);
}
END_TEST

/* ---- kill ---- */

static int send_signals(void *argument) {
        pid_t pid = *(pid_t *)argument;
        siginfo_t info = {.si_signo = SIGWINCH, .si_code = SI_TIMER};  /* a lie that is allowed */
        int fd;

        if (kill(pid, SIGWINCH) < 0 || kill(pid, 0) < 0 || syscall(SYS_tkill, pid, SIGWINCH) < 0 ||
            syscall(SYS_tgkill, pid, pid, SIGURG) < 0 || syscall(SYS_rt_sigqueueinfo, pid, SIGWINCH, &info) < 0 ||
            syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGWINCH, &info) < 0)
                return 1;
        fd = syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0 || syscall(SYS_pidfd_send_signal, fd, SIGWINCH, NULL, 0) < 0 ||
            syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) < 0)
                return 2;
        if (syscall(SYS_setresuid, 1000, 1000, 1000) < 0)
                return 3;
        if (kill(pid, SIGTERM) == 0 || syscall(SYS_tgkill, pid, pid, SIGTERM) == 0 ||
            syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0)
                return 4;
        return kill(4194300, SIGTERM) == 0;
}

START_TEST(a_signal_tells_its_number_and_its_target_through_every_call) {
        static const struct {
                int call, signal, thread, result;
        } want[] = {
                {WIRE_CALL_kill, SIGWINCH, false, 0},
                {WIRE_CALL_kill, 0, false, 0},
                {WIRE_CALL_tkill, SIGWINCH, true, 0},
                {WIRE_CALL_tgkill, SIGURG, true, 0},
                {WIRE_CALL_rt_sigqueueinfo, SIGWINCH, false, 0},
                {WIRE_CALL_rt_tgsigqueueinfo, SIGWINCH, true, 0},
                {WIRE_CALL_pidfd_send_signal, SIGWINCH, false, 0},
                {WIRE_CALL_pidfd_send_signal, 0, false, 0},
                {WIRE_CALL_kill, SIGTERM, false, -EPERM},
                {WIRE_CALL_tgkill, SIGTERM, true, -EPERM},
                {WIRE_CALL_pidfd_send_signal, SIGTERM, false, -EPERM},
        };
        pid_t target = start_target(), pid = lab_run(send_signals, &target);
        const struct wire_header *record;

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_kill, pid), ELEMENTSOF(want) + 1);
        for (size_t i = 0; i < ELEMENTSOF(want); i++) {
                record = lab_find(WIRE_KIND_kill, pid, i);
                ck_assert_int_eq(record->call, want[i].call);
                ck_assert_int_eq(lab_number(record, F(kill, signal)), want[i].signal);
                ck_assert_int_eq(lab_number(record, F(kill, thread)), want[i].thread);
                ck_assert_int_eq(record->result, want[i].result);
                CHECK_TARGET(record, kill, target);
        }
        record = lab_find(WIRE_KIND_kill, pid, ELEMENTSOF(want));
        ck_assert_int_eq(record->result, -ESRCH);
        ck_assert_int_eq(lab_number(record, F(kill, target_pid)), 4194300);
        ck_assert(!lab_known(record, F(kill, target_start)));
        end_target(target);
}
END_TEST

static int signal_a_group(void *argument) {
        int ready[2];
        pid_t pid;
        char c;

        if (pipe(ready) < 0)
                return 4;
        pid = fork();
        if (pid == 0) {
                (void)setpgid(0, 0);
                if (fork() == 0)
                        for (;;)
                                pause();
                (void)!write(ready[1], "x", 1);
                for (;;)
                        pause();
        }
        if (read(ready[0], &c, 1) != 1)
                return 3;
        if (kill(-pid, SIGKILL) < 0)
                return 1;
        return waitpid(pid, NULL, 0) == pid ? 0 : 2;
}

START_TEST(a_signal_to_a_group_is_told_for_each_of_its_processes) {
        pid_t pid = lab_run(signal_a_group, NULL);
        const struct wire_header *fork, *first, *second;
        int64_t leader, other;

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_kill, pid), 2);
        first = lab_find(WIRE_KIND_kill, pid, 0);
        second = lab_find(WIRE_KIND_kill, pid, 1);
        fork = lab_find(WIRE_KIND_fork, pid, 0);
        leader = lab_number(fork, F(fork, child_pid));
        other = lab_number(lab_find(WIRE_KIND_fork, leader, 0), F(fork, child_pid));
        ck_assert_int_eq(lab_number(first, F(kill, target_pid)) + lab_number(second, F(kill, target_pid)),
                         leader + other);
        ck_assert(lab_number(first, F(kill, target_pid)) == leader || lab_number(first, F(kill, target_pid)) == other);
        ck_assert_int_eq(lab_number(first, F(kill, signal)), SIGKILL);
        ck_assert_int_eq(lab_number(first, F(kill, thread)), false);
}
END_TEST

static void ignore(int signal) {
}

/* Of a timer, of the end of a child, of a broken pipe: nobody sent these. */
static int signals_of_the_kernel(void *argument) {
        struct itimerval timer = {.it_value = {.tv_usec = 1000}};
        sigset_t alarm, none;
        int pipes[2];

        signal(SIGALRM, ignore);
        signal(SIGPIPE, ignore);
        /* Blocked until we wait: on a busy machine it comes before. */
        sigemptyset(&none);
        sigemptyset(&alarm);
        sigaddset(&alarm, SIGALRM);
        if (sigprocmask(SIG_BLOCK, &alarm, NULL) < 0 || setitimer(ITIMER_REAL, &timer, NULL) < 0)
                return 1;
        (void)sigsuspend(&none);
        if (pipe(pipes) < 0)
                return 2;
        close(pipes[0]);
        (void)!write(pipes[1], "x", 1);
        if (fork() == 0)
                _exit(0);
        (void)wait(NULL);
        return 0;
}

START_TEST(signals_of_the_kernel_are_not_told) {
        pid_t pid = lab_run(signals_of_the_kernel, NULL);

        ck_assert_int_eq(lab.status, 0);
        ck_assert_uint_eq(lab_count(WIRE_KIND_kill, pid), 0);
}
END_TEST

/* In a namespace of its own numbers mean others. Its first process signals and traces its child, which is 2 there. */
static int act_inside(void *argument) {
        pid_t first, child;
        int status;

        if (unshare(CLONE_NEWPID) < 0)
                return 1;
        first = fork();
        if (first == 0) {
                child = fork();
                if (child == 0)
                        for (;;)
                                pause();
                if (child != 2 || kill(child, 0) < 0 || kill(child, SIGWINCH) < 0 ||
                    ptrace(PTRACE_SEIZE, child, 0, 0) < 0)
                        _exit(2);
                _exit(kill(77, SIGTERM) == 0);
        }
        return waitpid(first, &status, 0) == first && status == 0 ? 0 : 2;
}

START_TEST(targets_are_found_in_the_namespace_of_whoever_names_them) {
        const struct wire_header *fork, *record;
        int64_t first, child;
        pid_t pid = lab_run(act_inside, NULL);

        ck_assert_int_eq(lab.status, 0);
        first = lab_number(lab_find(WIRE_KIND_fork, pid, 0), F(fork, child_pid));
        fork = lab_find(WIRE_KIND_fork, first, 0);
        child = lab_number(fork, F(fork, child_pid));
        ck_assert_int_gt(child, 2);
        for (size_t i = 0; i < 3; i++) {
                record = lab_find(i < 2 ? WIRE_KIND_kill : WIRE_KIND_ptrace, first, i < 2 ? i : 0);
                ck_assert_ptr_nonnull(record);
                ck_assert_int_eq(lab_number(record, i < 2 ? F(kill, target_pid) : F(ptrace, target_pid)), child);
                ck_assert_int_eq(lab_number(record, i < 2 ? F(kill, target_start) : F(ptrace, target_start)),
                                 lab_number(fork, F(fork, child_start)));
        }
        /* What is not found has no number that means something to the host. */
        record = lab_find(WIRE_KIND_kill, first, 2);
        ck_assert_int_eq(record->result, -ESRCH);
        ck_assert(!lab_known(record, F(kill, target_pid)));
}
END_TEST

START_TEST(a_thread_that_is_signalled_stands_for_its_process) {
        /* This process's own call is not told; a child's thread id is looked up through it. */
        pid_t target = start_target(), pid = lab_run(send_signals, &target);
        const struct wire_header *record = lab_find(WIRE_KIND_kill, pid, 2);

        ck_assert_int_eq(lab_number(record, F(kill, thread)), true);
        ck_assert_int_eq(lab_number(record, F(kill, target_pid)), target);
        end_target(target);
        lab_read();
        ck_assert_uint_eq(lab_count(WIRE_KIND_kill, getpid()), 0);
}
END_TEST

static int aim_at_us(void *argument) {
        return kill(getppid(), 0) < 0;
}

START_TEST(what_is_aimed_at_us_is_told) {
        pid_t pid = lab_run(aim_at_us, NULL);
        const struct wire_header *record = lab_find(WIRE_KIND_kill, pid, 0);

        ck_assert_ptr_nonnull(record);
        ck_assert_int_eq(lab_number(record, F(kill, target_pid)), getpid());
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                ptrace_tells_the_request_and_the_target,
                a_refused_attempt_to_trace_tells_whom_it_was_meant_for,
                who_offers_itself_to_be_traced_is_the_target,
                copying_anothers_memory_tells_where_and_how_much,
                another_processs_memory_that_is_opened_to_write_is_a_ptrace_beside_the_open,
                a_signal_tells_its_number_and_its_target_through_every_call,
                a_signal_to_a_group_is_told_for_each_of_its_processes,
                signals_of_the_kernel_are_not_told,
                targets_are_found_in_the_namespace_of_whoever_names_them,
                a_thread_that_is_signalled_stands_for_its_process,
                what_is_aimed_at_us_is_told,
        };
        struct interest interest = lab_interest(wire_kind_bit(WIRE_KIND_ptrace) | wire_kind_bit(WIRE_KIND_kill) |
                                                wire_kind_bit(WIRE_KIND_openat));

        return lab_main("bpf/processes", tests, ELEMENTSOF(tests), &interest, NULL);
}
