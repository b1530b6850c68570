/* SPDX-License-Identifier: Apache-2.0 */
#include "action/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/proc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/sandbox.h"

#define LINGER_MS 50                    /* for who was killed to be gone */

static int begin(struct child *child, child_run run, void *userdata) {
        _cleanup_(closep) int read_fd = -1, write_fd = -1;
        int fds[2], r;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        read_fd = fds[0];
        write_fd = fds[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                run(userdata, write_fd);
                _exit(EXIT_FAILURE);
        }
        child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (child->pidfd < 0) {
                r = -errno;
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                return r;
        }
        child->answer_fd = TAKE_FD(read_fd);
        return 0;
}

int child_start(struct child *child, sd_event *loop, child_run run, sd_event_io_handler_t on_ended, void *userdata) {
        int r = begin(child, run, userdata);

        if (r < 0)
                return r;
        r = sd_event_add_io(loop, &child->ended, child->pidfd, EPOLLIN, on_ended, userdata);
        if (r < 0)
                child_free(child);
        return r < 0 ? r : 0;
}

static bool is_readable(int fd, uint64_t timeout_ns) {
        uint64_t until_ns = nsec_add(clock_boottime_ns(), timeout_ns);
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int r;

        do {
                uint64_t left_ns = nsec_sub(until_ns, clock_boottime_ns());

                r = poll(&poll_fd, 1, (int)MIN((left_ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, (uint64_t)INT32_MAX));
        } while (r < 0 && errno == EINTR);
        return r > 0;
}

/* Has it ended, or does it soon? Then nothing is left of it. */
static bool reap(struct child *child, uint64_t timeout_ns) {
        siginfo_t info;

        if (!is_readable(child->pidfd, timeout_ns))
                return false;
        (void)waitid((idtype_t)P_PIDFD, (id_t)child->pidfd, &info, WEXITED);
        child->pidfd = close_fd(child->pidfd);
        return true;
}

int child_ask(child_run run, void *userdata, uint64_t timeout_ns, void *answer, size_t size) {
        static struct child stuck = CHILD_NONE; /* hangs where no signal reaches it */
        struct child child = CHILD_NONE;
        int r;

        if (child_runs(&stuck) && !reap(&stuck, 0))
                return -EBUSY;
        r = begin(&child, run, userdata);
        if (r < 0)
                return r;
        r = is_readable(child.answer_fd, timeout_ns) ? child_read_answer(&child, answer, size) : -ETIMEDOUT;
        child.answer_fd = close_fd(child.answer_fd);
        child_kill(&child);
        if (!reap(&child, LINGER_MS * NSEC_PER_MSEC))
                stuck = child;
        return r;
}

void child_become_small(const char *name, int *from, int *to, int *answer, pid_t parent) {
        const struct rlimit none = {};
        sigset_t no_signals;

        sigemptyset(&no_signals);
        (void)sigprocmask(SIG_SETMASK, &no_signals, NULL);
        (void)dup3(*answer, STDIN_FILENO, O_CLOEXEC);
        *answer = STDIN_FILENO;
        (void)dup3(*from, STDOUT_FILENO, O_CLOEXEC);
        *from = STDOUT_FILENO;
        if (*to >= 0) {
                (void)dup3(*to, STDERR_FILENO, O_CLOEXEC);
                *to = STDERR_FILENO;
        }
        (void)close_range(STDERR_FILENO + 1, UINT32_MAX, 0);
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)prctl(PR_SET_NAME, name);
        (void)sandbox_keep(0, NULL);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(EXIT_FAILURE);
}

int child_read_answer(struct child *child, void *answer, size_t size) {
        return fd_read_full(child->answer_fd, answer, size, NULL);
}

void child_kill(struct child *child) {
        if (child_runs(child))
                (void)proc_signal(child->pidfd, SIGKILL);
}

void child_free(struct child *child) {
        siginfo_t info;

        child->ended = sd_event_source_disable_unref(child->ended);
        child->answer_fd = close_fd(child->answer_fd);
        if (!child_runs(child))
                return;
        child_kill(child);
        (void)waitid((idtype_t)P_PIDFD, (id_t)child->pidfd, &info, WEXITED);
        child->pidfd = close_fd(child->pidfd);
}
