/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/* A descriptor above the standard ones. */
static int high(int fd) {
        int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

        ck_assert_int_gt(above, STDERR_FILENO);
        close(fd);
        return above;
}

/* What a shell, spawned with these commands as its input, prints. */
static void run_shell(const char *commands, char *output, size_t size) {
        int in[2], out[2], input, status;
        ssize_t n;
        pid_t pid;

        ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
        input = high(in[0]);
        out[1] = high(out[1]);
        ck_assert_int_eq(spawn_clean("/bin/sh", "sh", input, out[1], &pid), 0);
        close(input);
        close(out[1]);
        ck_assert_int_eq(write(in[1], commands, strlen(commands)), (ssize_t)strlen(commands));
        close(in[1]);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        n = read(out[0], output, size - 1);
        ck_assert_int_ge(n, 0);
        output[n] = 0;
        close(out[0]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(it_has_what_it_is_given_and_its_name) {
        char output[64];

        run_shell("echo $0", output, sizeof(output));
        ck_assert_str_eq(output, "sh\n");
}
END_TEST

START_TEST(it_has_no_other_descriptor_of_ours) {
        int left = fcntl(STDERR_FILENO, F_DUPFD, 40);   /* not closed at exec by itself */
        char output[64];

        ck_assert_int_ge(left, 40);
        run_shell("test -e /proc/self/fd/40 && echo there; echo done", output, sizeof(output));
        ck_assert_str_eq(output, "done\n");
        close(left);
}
END_TEST

START_TEST(no_signal_is_blocked_or_ignored_in_it) {
        unsigned long long blocked, ignored;
        char output[256];
        sigset_t all, before;

        sigfillset(&all);
        ck_assert_int_eq(sigprocmask(SIG_SETMASK, &all, &before), 0);
        signal(SIGPIPE, SIG_IGN);
        /* In place of the shell: that blocks signals while it makes a process. */
        run_shell("exec sed -nE 's/^Sig(Blk|Ign):.*(.{16})$/\\2/p' /proc/self/status", output, sizeof(output));
        signal(SIGPIPE, SIG_DFL);
        ck_assert_int_eq(sigprocmask(SIG_SETMASK, &before, NULL), 0);
        ck_assert_int_eq(sscanf(output, "%llx %llx", &blocked, &ignored), 2);
        ck_assert_uint_eq(blocked, 0);
        ck_assert_uint_eq(ignored & 0x7fffffff, 0);     /* behind them come two that the C library keeps to itself */
}
END_TEST

START_TEST(a_program_that_is_not_there_is_an_error) {
        int fd = high(open("/dev/null", O_RDWR | O_CLOEXEC));
        pid_t pid;

        ck_assert_int_eq(spawn_clean("/nowhere/at/all", "x", fd, STDERR_FILENO, &pid), -ENOENT);
        close(fd);
}
END_TEST

UNIT_MAIN("base/spawn",
          it_has_what_it_is_given_and_its_name,
          it_has_no_other_descriptor_of_ours,
          no_signal_is_blocked_or_ignored_in_it,
          a_program_that_is_not_there_is_an_error)
