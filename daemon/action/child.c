/* SPDX-License-Identifier: Apache-2.0 */
#include "action/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/proc.h"
#include "base/cleanup.h"
#include "base/fd.h"

int child_start(struct child *child, sd_event *loop, child_run run, sd_event_io_handler_t on_ended, void *userdata) {
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
        r = sd_event_add_io(loop, &child->ended, child->pidfd, EPOLLIN, on_ended, userdata);
        if (r < 0)
                child_free(child);
        return r < 0 ? r : 0;
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
