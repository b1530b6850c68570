/* SPDX-License-Identifier: Apache-2.0 */
#include "base/priority.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/* Priorities are inherited and cannot be taken back without privilege: so each try is a process. */
static int nice_after(unsigned steps, bool lowered, int *ret_error) {
        int pipes[2], answer[2];
        pid_t pid;

        ck_assert_int_eq(pipe(pipes), 0);
        pid = fork();
        if (pid == 0) {
                answer[0] = priority_raise(steps);
                if (lowered)
                        priority_lower();
                answer[1] = getpriority(PRIO_PROCESS, 0);
                _exit(write(pipes[1], answer, sizeof(answer)) != sizeof(answer));
        }
        ck_assert_int_gt(pid, 0);
        ck_assert_int_eq(read(pipes[0], answer, sizeof(answer)), sizeof(answer));
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        close(pipes[0]);
        close(pipes[1]);
        *ret_error = answer[0];
        return answer[1];
}

START_TEST(whoever_may_goes_first) {
        int error, nice = nice_after(7, false, &error);

        if (error == 0)
                ck_assert_int_eq(nice, -7);
        else {
                ck_assert(error == -EACCES || error == -EPERM);
                ck_assert_int_eq(nice, getpriority(PRIO_PROCESS, 0));
        }
}
END_TEST

START_TEST(what_it_starts_does_not) {
        int error, nice = nice_after(PRIORITY_MAX, true, &error);

        ck_assert_int_eq(nice, error == 0 ? 0 : getpriority(PRIO_PROCESS, 0));
}
END_TEST

START_TEST(no_step_changes_nothing) {
        int error;

        ck_assert_int_eq(nice_after(0, false, &error), getpriority(PRIO_PROCESS, 0));
        ck_assert_int_eq(error, 0);
}
END_TEST

UNIT_MAIN("base/priority", whoever_may_goes_first, what_it_starts_does_not, no_step_changes_nothing)
