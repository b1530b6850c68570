/* SPDX-License-Identifier: Apache-2.0 */
#include "action/actions.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/control-group.h"
#include "action/proc.h"
#include "base/clock.h"
#include "base/fd.h"

#include "lab.h"
#include "unit.h"

/* A group that the test made, with a child in it; where v2 cannot be written to, none. */
struct group {
        char name[64];
        int root_fd, fd;
        uint32_t pid;
        uint64_t id;
};

static bool group_init(struct group *group) {
        char text[16];
        int procs;

        *group = (struct group){.fd = -1};
        group->root_fd = control_group_open("/", 0);
        snprintf(group->name, sizeof(group->name), "/execray-test-%d", (int)getpid());
        if (group->root_fd < 0 || mkdirat(group->root_fd, group->name + 1, 0755) < 0) {
                printf("SKIP: no control group of v2 can be made here\n");
                close_fd(group->root_fd);
                return false;
        }
        group->fd = control_group_open(group->name, 0);
        ck_assert_int_ge(group->fd, 0);
        ck_assert_int_eq(control_group_id(group->fd, &group->id), 0);
        group->pid = lab_child(lab_sleep, NULL);
        snprintf(text, sizeof(text), "%u", group->pid);
        procs = openat(group->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (procs < 0 || fd_write_full(procs, text, strlen(text)) < 0) {
                printf("SKIP: no process can be moved into a control group here\n");
                close_fd(procs);
                kill((pid_t)group->pid, SIGKILL);
                waitpid((pid_t)group->pid, NULL, 0);
                close_fd(group->fd);
                (void)unlinkat(group->root_fd, group->name + 1, AT_REMOVEDIR);
                return false;
        }
        close(procs);
        return true;
}

static void group_done(struct group *group) {
        uint64_t until = clock_boottime_ns() + 5 * NSEC_PER_SEC;

        (void)control_group_freeze(group->fd, false, 0);
        kill((pid_t)group->pid, SIGKILL);
        waitpid((pid_t)group->pid, NULL, 0);
        close_fd(group->fd);
        while (unlinkat(group->root_fd, group->name + 1, AT_REMOVEDIR) < 0) {
                ck_assert(clock_boottime_ns() < until);
                usleep(5000);
        }
        close_fd(group->root_fd);
}

static struct action_result on_group(struct lab *lab, const char *name, const char *path, uint64_t id) {
        const struct action_input inputs[] = {LAB_TEXT("cgroup", path), LAB_NUMBER("id", id)};

        return lab_run(lab, name, inputs, id ? 2 : 1);
}

START_TEST(a_group_is_frozen_and_thawed_by_undoing_it) {
        struct action_result result;
        struct group group;
        struct lab lab;

        if (!group_init(&group))
                return;
        lab_init(&lab, NULL);
        result = on_group(&lab, "freeze_cgroup", group.name, group.id);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert_int_eq(control_group_is_frozen(group.fd), 1);
        ck_assert_uint_eq(result.undo, 1);
        ck_assert_uint_eq(on_group(&lab, "freeze_cgroup", group.name, 0).undo, 0);
        result = lab_undo(&lab, 1);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert_int_eq(control_group_is_frozen(group.fd), 0);

        ck_assert_int_eq(on_group(&lab, "freeze_cgroup", group.name, 0).outcome, ACTION_DONE);
        ck_assert_int_eq(on_group(&lab, "thaw_cgroup", group.name, 0).outcome, ACTION_DONE);
        ck_assert_int_eq(control_group_is_frozen(group.fd), 0);
        lab_done(&lab);
        group_done(&group);
}
END_TEST

START_TEST(the_network_of_a_group_is_denied_until_its_time_or_undoing) {
        struct action_result result;
        struct group group;
        struct lab lab;

        if (!group_init(&group))
                return;
        lab_init(&lab, NULL);
        result = on_group(&lab, "deny_network_cgroup", group.name, group.id);
        if (result.error == -EACCES)
                printf("SKIP: no program can be attached here\n");
        else {
                const struct action_input inputs[] = {LAB_TEXT("cgroup", group.name), LAB_TEXT("duration", "1s")};

                ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
                ck_assert_uint_eq(result.undo, 1);
                result = lab_undo(&lab, 1);
                ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);

                result = lab_run(&lab, "deny_network_cgroup", inputs, 2);
                ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
                actions_tick(lab.actions, clock_boottime_ns());
                actions_tick(lab.actions, clock_boottime_ns() + 3600 * NSEC_PER_SEC);
                result = lab_undo(&lab, 2);
                ck_assert_msg(result.outcome == ACTION_FAILED && strstr(result.text, "not in force"), "%s",
                              result.text);
        }
        lab_done(&lab);
        group_done(&group);
}
END_TEST

START_TEST(a_group_is_killed) {
        struct action_result result;
        struct group group;
        struct lab lab;

        if (!group_init(&group))
                return;
        lab_init(&lab, NULL);
        result = on_group(&lab, "kill_cgroup", group.name, group.id);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        lab_wait_state(group.pid, 0);
        lab_done(&lab);
        group_done(&group);
}
END_TEST

START_TEST(another_group_of_the_same_name_is_left_alone) {
        struct action_result result;
        struct group group;
        struct lab lab;

        if (!group_init(&group))
                return;
        lab_init(&lab, NULL);
        result = on_group(&lab, "kill_cgroup", group.name, group.id + 1);
        ck_assert_int_eq(result.error, -ESTALE);
        ck_assert(!lab_is_gone(group.pid));
        ck_assert_int_eq(on_group(&lab, "kill_cgroup", "/execray-test-nowhere", 0).error, -ENOENT);
        lab_done(&lab);
        group_done(&group);
}
END_TEST

START_TEST(a_group_with_somebody_protected_in_it_is_left_alone) {
        static const char *const names[] = {"/proc/self/exe"};
        struct action_result result;
        struct group group;
        struct lab lab;

        if (!group_init(&group))
                return;
        lab_init(&lab, NULL);
        actions_free(lab.actions);
        lab.config.response.protect = (struct config_list){(const char **)names, 1};
        ck_assert_int_eq(actions_new(&(struct actions_options){.config = &lab.config,
                                                               .state_directory = lab.state,
                                                               .runtime_directory = lab.runtime},
                                     &lab.actions),
                         0);
        result = on_group(&lab, "freeze_cgroup", group.name, 0);
        ck_assert_int_eq(result.outcome, ACTION_REFUSED);
        ck_assert_ptr_nonnull(strstr(result.text, "is in it, which runs an executable that is protected"));
        ck_assert_int_eq(on_group(&lab, "kill_cgroup", group.name, 0).outcome, ACTION_REFUSED);
        ck_assert_int_eq(control_group_is_frozen(group.fd), 0);
        ck_assert(!lab_is_gone(group.pid));
        lab_done(&lab);
        group_done(&group);
}
END_TEST

START_TEST(a_tree_in_a_group_of_its_own_is_killed_and_the_group_goes_on) {
        const struct action_origin origin = {.policy = "lab"};
        struct action_result result;
        struct group group;
        struct lab lab;
        char note[128];

        if (!group_init(&group))
                return;
        lab_init(&lab, NULL);
        {
                const struct action_input input = LAB_PROCESS("process", lab_identity(group.pid));
                _cleanup_(action_freep) struct action *action = NULL;

                ck_assert_int_eq(action_new("kill_tree", &input, 1, NULL, &action), 0);
                ck_assert_int_eq(action_run(lab.actions, action, &origin, clock_boottime_ns(), &result), 0);
        }
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        lab_wait_state(group.pid, 0);
        ck_assert_int_eq(control_group_is_frozen(group.fd), 0);
        snprintf(note, sizeof(note), "%s/frozen", lab.runtime);
        ck_assert_int_lt(access(note, F_OK), 0);
        lab_done(&lab);
        group_done(&group);
}
END_TEST

START_TEST(a_group_that_somebody_who_died_left_frozen_is_thawed) {
        struct group group;
        struct lab lab;
        char note[128];
        FILE *f;

        if (!group_init(&group))
                return;
        lab_init(&lab, NULL);
        ck_assert_int_eq(control_group_freeze(group.fd, true, NSEC_PER_SEC), 0);
        snprintf(note, sizeof(note), "%s/frozen", lab.runtime);
        f = fopen(note, "we");
        ck_assert_ptr_nonnull(f);
        fputs(group.name, f);
        fclose(f);
        actions_free(lab.actions);
        ck_assert_int_eq(actions_new(&(struct actions_options){.config = &lab.config, .runtime_directory = lab.runtime},
                                     &lab.actions),
                         0);
        ck_assert_int_eq(control_group_is_frozen(group.fd), 0);
        ck_assert_int_lt(access(note, F_OK), 0);
        lab_done(&lab);
        group_done(&group);
}
END_TEST

UNIT_MAIN("action/action-cgroup", a_group_is_frozen_and_thawed_by_undoing_it,
          the_network_of_a_group_is_denied_until_its_time_or_undoing, a_group_is_killed,
          another_group_of_the_same_name_is_left_alone, a_group_with_somebody_protected_in_it_is_left_alone,
          a_tree_in_a_group_of_its_own_is_killed_and_the_group_goes_on,
          a_group_that_somebody_who_died_left_frozen_is_thawed)
