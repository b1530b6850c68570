/* SPDX-License-Identifier: Apache-2.0 */
#include "lab.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action/proc.h"
#include "base/clock.h"
#include "base/strbuf.h"

static void on_report(const struct action_report *report, void *userdata) {
        struct lab *lab = userdata;

        lab->last = *report->result;
        lab->n_reports++;
}

static void on_done(const struct action_result *result, void *userdata) {
        struct lab *lab = userdata;

        lab->last = *result;
        lab->n_done++;
}

void lab_init(struct lab *lab, sd_event *loop) {
        *lab = (struct lab){.root = "/tmp/execray-lab-XXXXXX"};
        ck_assert_ptr_nonnull(mkdtemp(lab->root));
        snprintf(lab->state, sizeof(lab->state), "%s/response", lab->root);
        snprintf(lab->quarantine, sizeof(lab->quarantine), "%s/quarantine", lab->root);
        snprintf(lab->runtime, sizeof(lab->runtime), "%s/run", lab->root);
        snprintf(lab->snapshots, sizeof(lab->snapshots), "%s/snapshots", lab->root);
        ck_assert_int_eq(mkdir(lab->runtime, 0700), 0);
        ck_assert_int_eq(config_init(CONFIG_PROFILE_BALANCED, &lab->config), 0);
        lab->config.response.enforce = true;
        ck_assert_int_eq(actions_new(&(struct actions_options){.config = &lab->config,
                                                               .state_directory = lab->state,
                                                               .quarantine_directory = lab->quarantine,
                                                               .snapshot_directory = lab->snapshots,
                                                               .runtime_directory = lab->runtime,
                                                               .loop = loop,
                                                               .sink = {.on_report = on_report, .on_done = on_done},
                                                               .userdata = lab},
                                     &lab->actions),
                         0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

void lab_done(struct lab *lab) {
        actions_free(lab->actions);
        config_done(&lab->config);
        ck_assert_int_eq(nftw(lab->root, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT), 0);
}

struct action_result lab_run(struct lab *lab, const char *name, const struct action_input *inputs, size_t n) {
        const struct action_origin origin = {.policy = "lab", .alert = "1"};
        _cleanup_(action_freep) struct action *action = NULL;
        _cleanup_(strbuf_done) struct strbuf why = {};
        struct action_result result;

        ck_assert_msg(action_new(name, inputs, n, &why, &action) == 0, "%s", strbuf_str(&why));
        ck_assert_int_eq(action_run(lab->actions, action, &origin, clock_boottime_ns(), &result), 0);
        return result;
}

struct action_result lab_undo(struct lab *lab, uint64_t id) {
        struct action_result result;

        ck_assert_int_eq(action_undo(lab->actions, id, clock_boottime_ns(), &result), 0);
        return result;
}

void lab_sleep(void *userdata) {
        for (;;)
                pause();
}

uint32_t lab_child(void (*what)(void *userdata), void *userdata) {
        int ready[2];
        pid_t pid;
        char c;

        ck_assert_int_eq(pipe(ready), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                setsid();
                close(ready[0]);
                close(ready[1]);
                what(userdata);
                _exit(0);
        }
        close(ready[1]);
        ck_assert_int_eq(read(ready[0], &c, 1), 0);
        close(ready[0]);
        return (uint32_t)pid;
}

struct identity lab_identity(uint32_t pid) {
        struct proc_stat stat;

        ck_assert_int_eq(proc_stat_read(pid, &stat), 0);
        return proc_identity(&stat);
}

bool lab_is_gone(uint32_t pid) {
        struct proc_stat stat;

        return proc_stat_read(pid, &stat) < 0 || stat.state == 'Z' || stat.state == 'X';
}

void lab_wait_state(uint32_t pid, char state) {
        uint64_t until = clock_boottime_ns() + 5 * NSEC_PER_SEC;
        struct proc_stat stat = {};

        for (;;) {
                if (state == 0 ? lab_is_gone(pid) : proc_stat_read(pid, &stat) >= 0 && stat.state == state)
                        return;
                ck_assert_msg(clock_boottime_ns() < until, "process %u is in state '%c'", pid, stat.state ?: '?');
                usleep(2000);
        }
}
