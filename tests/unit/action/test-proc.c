/* SPDX-License-Identifier: Apache-2.0 */
#include "action/proc.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"
#include "unit.h"

static int parse(const char *text, struct proc_stat *ret) {
        return proc_stat_parse(text, strlen(text), ret);
}

START_TEST(a_name_with_blanks_and_parentheses_does_not_mislead) {
        struct proc_stat stat;

        ck_assert_int_eq(
                parse("4711 (a) R 1 1) S 12 4711 4711 34816 4711 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2\n", &stat),
                0);
        ck_assert_uint_eq(stat.pid, 4711);
        ck_assert_str_eq(stat.name, "a) R 1 1");
        ck_assert_int_eq(stat.state, 'S');
        ck_assert_uint_eq(stat.ppid, 12);
        ck_assert_int_eq(stat.tty, 34816);
        ck_assert_uint_eq(stat.flags, 4194304);
        ck_assert_uint_eq(stat.start_ticks, 987654);
        ck_assert(proc_is(&stat, &(struct identity){.pid = 4711, .start_ns = 9876549999999}));
        ck_assert(!proc_is(&stat, &(struct identity){.pid = 4711, .start_ns = 9876550000000}));
        ck_assert(!proc_is(&stat, &(struct identity){.pid = 4712, .start_ns = 9876540000000}));
}
END_TEST

START_TEST(what_is_no_such_line_is_refused) {
        static const char *const wrong[] = {
                "", "4711", "4711 (", "4711 ()", ") (", "(x) S 1", "x (y) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
                "4711 (y) SS 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4711 (y) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
                "4711 (y) S x 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        };
        struct proc_stat stat;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                ck_assert_int_eq(parse(wrong[i], &stat), -EBADMSG);
}
END_TEST

START_TEST(a_pidfd_is_of_the_process_that_was_meant_or_there_is_none) {
        uint32_t pid = lab_child(lab_sleep, NULL);
        struct identity id = lab_identity(pid);
        struct proc_stat stat;
        int fd;

        fd = proc_open(&id, &stat);
        ck_assert_int_ge(fd, 0);
        ck_assert_uint_eq(stat.ppid, (uint32_t)getpid());
        ck_assert_int_eq(proc_signal(fd, SIGKILL), 0);
        close(fd);
        lab_wait_state(pid, 0);
        /* A zombie has ended, too. */
        ck_assert_int_eq(proc_open(&id, NULL), -ESRCH);
        waitpid((pid_t)pid, NULL, 0);
        ck_assert_int_eq(proc_open(&id, NULL), -ESRCH);
        ck_assert_int_eq(proc_open_pid(pid, NULL), -ESRCH);
}
END_TEST

START_TEST(we_are_among_all_processes_and_in_a_group) {
        _cleanup_(freep) uint32_t *pids = NULL;
        bool found = false;
        char cgroup[4096];
        size_t n;

        ck_assert_int_eq(proc_list(&pids, &n), 0);
        for (size_t i = 0; i < n; i++)
                found |= pids[i] == (uint32_t)getpid();
        ck_assert(found);
        if (proc_cgroup((uint32_t)getpid(), cgroup, sizeof(cgroup)) >= 0)
                ck_assert_int_eq(cgroup[0], '/');
        ck_assert_int_eq(proc_cgroup(INT32_MAX, cgroup, sizeof(cgroup)), -ESRCH);
}
END_TEST

UNIT_MAIN("action/proc", a_name_with_blanks_and_parentheses_does_not_mislead, what_is_no_such_line_is_refused,
          a_pidfd_is_of_the_process_that_was_meant_or_there_is_none, we_are_among_all_processes_and_in_a_group)
