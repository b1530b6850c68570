/* SPDX-License-Identifier: Apache-2.0 */
#include "action/actions.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#include "lab.h"
#include "unit.h"

/* Shared with the children. */
struct shared {
        volatile uint32_t pids[64];
        volatile uint32_t n;
        volatile uint64_t beats;
        volatile uint64_t stop_ns;
};

static struct shared *shared_new(void) {
        struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        ck_assert_ptr_ne(shared, MAP_FAILED);
        /* Whatever goes wrong, nobody runs longer. */
        shared->stop_ns = clock_boottime_ns() + 20 * NSEC_PER_SEC;
        return shared;
}

static void note(struct shared *shared) {
        uint32_t i = __atomic_fetch_add(&shared->n, 1, __ATOMIC_SEQ_CST);

        if (i < ELEMENTSOF(shared->pids))
                shared->pids[i] = (uint32_t)getpid();
}

static void wait_for(const volatile uint32_t *n, uint32_t wanted) {
        uint64_t until = clock_boottime_ns() + 5 * NSEC_PER_SEC;

        while (*n < wanted) {
                ck_assert(clock_boottime_ns() < until);
                usleep(1000);
        }
}

static void beat_until_the_end(struct shared *shared) {
        while (clock_boottime_ns() < shared->stop_ns) {
                __atomic_fetch_add(&shared->beats, 1, __ATOMIC_SEQ_CST);
                usleep(500);
        }
        _exit(0);
}

/* Nobody beats any more. */
static bool is_silent(const struct shared *shared) {
        uint64_t before = shared->beats;

        usleep(100 * 1000);
        return shared->beats == before;
}

/* Three generations, and one that has left the session. */
static void family(void *userdata) {
        struct shared *shared = userdata;

        note(shared);
        for (int i = 0; i < 3; i++)
                if (fork() == 0) {
                        if (i == 2)
                                setsid();
                        note(shared);
                        if (fork() == 0)
                                note(shared);
                        beat_until_the_end(shared);
                }
        beat_until_the_end(shared);
}

/* Its parent ends at once. */
static void orphans(void *userdata) {
        struct shared *shared = userdata;

        note(shared);
        if (fork() == 0) {
                if (fork() == 0) {
                        note(shared);
                        beat_until_the_end(shared);
                }
                _exit(0);
        }
        wait(NULL);
        beat_until_the_end(shared);
}

/* Makes new ones as fast as may be, some hundred in all at a time. */
static void bomb(void *userdata) {
        struct shared *shared = userdata;

        signal(SIGCHLD, SIG_IGN);
        note(shared);
        while (clock_boottime_ns() < shared->stop_ns) {
                if (fork() == 0) {
                        __atomic_fetch_add(&shared->beats, 1, __ATOMIC_SEQ_CST);
                        if (fork() == 0)
                                usleep(2000);
                        usleep(1000);
                        _exit(0);
                }
                usleep(300);
        }
        _exit(0);
}

static struct action_result on_tree(struct lab *lab, const char *name, uint32_t root) {
        const struct action_input input = LAB_PROCESS("process", lab_identity(root));

        return lab_run(lab, name, &input, 1);
}

START_TEST(a_signal_reaches_the_process_that_was_meant) {
        uint32_t pid = lab_child(lab_sleep, NULL);
        const struct action_input inputs[] = {LAB_PROCESS("process", lab_identity(pid)), LAB_TEXT("signal", "STOP")};
        struct action_result result;
        struct lab lab;

        lab_init(&lab, NULL);
        result = lab_run(&lab, "signal", inputs, 2);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        lab_wait_state(pid, 'T');
        kill((pid_t)pid, SIGKILL);
        lab_done(&lab);
}
END_TEST

START_TEST(another_process_of_the_same_number_is_left_alone) {
        uint32_t pid = lab_child(lab_sleep, NULL);
        struct identity other = lab_identity(pid);
        struct action_result result;
        struct lab lab;

        other.start_ns -= NSEC_PER_SEC;
        lab_init(&lab, NULL);
        for (int i = 0; i < 2; i++) {
                const struct action_input inputs[] = {LAB_PROCESS("process", other), LAB_TEXT("signal", "KILL")};

                result = lab_run(&lab, i ? "kill_tree" : "signal", inputs, i ? 1 : 2);
                ck_assert_int_eq(result.outcome, ACTION_FAILED);
                ck_assert_int_eq(result.error, -ESRCH);
                ck_assert_ptr_nonnull(strstr(result.text, "has ended"));
        }
        ck_assert(!lab_is_gone(pid));
        kill((pid_t)pid, SIGKILL);
        lab_done(&lab);
}
END_TEST

START_TEST(a_tree_is_killed_with_all_its_generations) {
        struct shared *shared = shared_new();
        struct action_result result;
        struct lab lab;

        lab_init(&lab, NULL);
        (void)lab_child(family, shared);
        wait_for(&shared->n, 7);
        result = on_tree(&lab, "kill_tree", shared->pids[0]);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert_msg(strstr(result.text, "killed 7 processes"), "%s", result.text);
        for (int i = 0; i < 7; i++)
                lab_wait_state(shared->pids[i], 0);
        lab_done(&lab);
}
END_TEST

START_TEST(orphans_of_its_session_belong_to_it) {
        struct shared *shared = shared_new();
        struct action_result result;
        struct lab lab;

        lab_init(&lab, NULL);
        (void)lab_child(orphans, shared);
        wait_for(&shared->n, 2);
        result = on_tree(&lab, "kill_tree", shared->pids[0]);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        lab_wait_state(shared->pids[0], 0);
        lab_wait_state(shared->pids[1], 0);
        lab_done(&lab);
}
END_TEST

START_TEST(whoever_forks_as_fast_as_may_be_does_not_get_away) {
        struct shared *shared = shared_new();
        struct action_result result;
        uint32_t root;
        struct lab lab;

        lab_init(&lab, NULL);
        root = lab_child(bomb, shared);
        usleep(50 * 1000);
        result = on_tree(&lab, "kill_tree", root);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        lab_wait_state(root, 0);
        ck_assert(is_silent(shared));
        shared->stop_ns = 0;
        lab_done(&lab);
}
END_TEST

START_TEST(a_tree_that_was_stopped_goes_on_when_it_is_undone) {
        struct shared *shared = shared_new();
        struct action_result result;
        struct lab lab;

        lab_init(&lab, NULL);
        (void)lab_child(family, shared);
        wait_for(&shared->n, 7);
        result = on_tree(&lab, "stop_tree", shared->pids[0]);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert_uint_gt(result.undo, 0);
        ck_assert(is_silent(shared));

        result = lab_undo(&lab, result.undo);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert_str_eq(result.text, "7 processes go on, 0 have ended");
        ck_assert(!is_silent(shared));
        result = lab_undo(&lab, 1);
        ck_assert_int_eq(result.error, -EALREADY);
        shared->stop_ns = 0;
        result = lab_undo(&lab, 4711);
        ck_assert_str_eq(result.text, "there is none of that number");
        lab_done(&lab);
}
END_TEST

START_TEST(pid_1_the_test_and_the_kernel_are_not_touched) {
        struct action_result result;
        struct identity ids[2];
        struct lab lab;

        lab_init(&lab, NULL);
        ids[0] = lab_identity(1);
        ids[1] = lab_identity((uint32_t)getpid());
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                const struct action_input inputs[] = {LAB_PROCESS("process", ids[i]), LAB_TEXT("signal", "CONT")};

                result = lab_run(&lab, "signal", inputs, 2);
                ck_assert_int_eq(result.outcome, ACTION_REFUSED);
                result = lab_run(&lab, "stop_tree", inputs, 1);
                ck_assert_int_eq(result.outcome, ACTION_REFUSED);
        }
        lab_done(&lab);
}
END_TEST

START_TEST(a_tree_whose_root_is_protected_is_left_alone) {
        static const char *const names[] = {"/proc/self/exe"};
        struct shared *shared = shared_new();
        struct action_result result;
        uint32_t root, sleeper;
        struct lab lab;

        lab_init(&lab, NULL);
        root = lab_child(family, shared);
        wait_for(&shared->n, 7);
        /* This program, which the root runs, is protected from here on. */
        actions_free(lab.actions);
        lab.config.response.protect = (struct config_list){(const char **)names, 1};
        ck_assert_int_eq(actions_new(&(struct actions_options){.config = &lab.config,
                                                               .state_directory = lab.state,
                                                               .runtime_directory = lab.runtime},
                                     &lab.actions),
                         0);
        result = on_tree(&lab, "kill_tree", root);
        ck_assert_int_eq(result.outcome, ACTION_REFUSED);
        ck_assert_msg(strstr(result.text, "runs an executable that is protected"), "%s", result.text);
        ck_assert(!is_silent(shared));
        shared->stop_ns = 0;
        sleeper = lab_child(lab_sleep, NULL);
        result = on_tree(&lab, "kill_tree", sleeper);
        ck_assert_int_eq(result.outcome, ACTION_REFUSED);
        kill((pid_t)sleeper, SIGKILL);
        lab_done(&lab);
}
END_TEST

UNIT_MAIN("action/action-process", a_signal_reaches_the_process_that_was_meant,
          another_process_of_the_same_number_is_left_alone, a_tree_is_killed_with_all_its_generations,
          orphans_of_its_session_belong_to_it, whoever_forks_as_fast_as_may_be_does_not_get_away,
          a_tree_that_was_stopped_goes_on_when_it_is_undone, pid_1_the_test_and_the_kernel_are_not_touched,
          a_tree_whose_root_is_protected_is_left_alone)
