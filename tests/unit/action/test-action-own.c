/* SPDX-License-Identifier: Apache-2.0 */
#include "action/actions.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "action/proc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "report/redact.h"

#include "lab.h"
#include "unit.h"

/* Of the snapshot that the result speaks of. */
static char *read_kept(const struct action_result *result, const char *name, mode_t mode) {
        char path[512], *end, *text;
        const char *begin = strchr(result->text, '\'');
        struct stat st;
        size_t n;

        ck_assert_ptr_nonnull(begin);
        snprintf(path, sizeof(path), "%s", begin + 1);
        end = strchr(path, '\'');
        ck_assert_ptr_nonnull(end);
        snprintf(end, sizeof(path) - (size_t)(end - path), "/%s", name);
        ck_assert_int_eq(read_file_at(AT_FDCWD, path, 64 * MIB, &text, &n), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, mode);
        return text;
}

static struct action_result snapshot(struct lab *lab, uint32_t pid) {
        const struct action_input input = LAB_PROCESS("process", lab_identity(pid));

        return lab_run(lab, "snapshot", &input, 1);
}

START_TEST(a_snapshot_has_what_proc_says_and_the_program) {
        uint32_t pid = lab_child(lab_sleep, NULL);
        struct action_result result;
        struct lab lab;
        char *text, expected[64];

        lab_init(&lab, NULL);
        lab.config.response.enforce = false;
        result = snapshot(&lab, pid);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        text = read_kept(&result, "status", 0600);
        snprintf(expected, sizeof(expected), "Pid:\t%u\n", pid);
        ck_assert_ptr_nonnull(strstr(text, expected));
        free(text);
        text = read_kept(&result, "links", 0600);
        ck_assert_ptr_nonnull(strstr(text, "test-action-own"));
        free(text);
        text = read_kept(&result, "manifest", 0600);
        ck_assert_ptr_nonnull(strstr(text, "sha256: "));
        ck_assert_ptr_nonnull(strstr(text, "left-out: environ: secrets in it cannot be taken out\n"));
        free(text);
        text = read_kept(&result, "exe", 0600);
        ck_assert_int_eq(memcmp(text, "\177ELF", 4), 0);
        free(text);
        free(read_kept(&result, "maps", 0600));
        free(read_kept(&result, "fds", 0600));
        kill((pid_t)pid, SIGKILL);
        lab_done(&lab);
}
END_TEST

/* Waits for a line that never comes. */
static void with_secrets(void *userdata) {
        char *const argv[] = {
                (char *)"sh", (char *)"-c", (char *)"read x", (char *)"name", (char *)"--password=hunter2", NULL};
        char *const environment[] = {(char *)"API_TOKEN=verysecret", (char *)"HOME=/nowhere", NULL};

        execve("/bin/sh", argv, environment);
}

START_TEST(secrets_are_not_kept) {
        struct redactor *redactor;
        struct action_result result;
        struct lab lab;
        int fds[2];
        uint32_t pid;
        char *text;

        ck_assert_int_eq(redactor_new(&(struct redact_options){}, &redactor), 0);
        lab_init(&lab, NULL);
        lab.actions->options.redactor = redactor;
        ck_assert_int_eq(pipe(fds), 0);
        ck_assert_int_ge(dup2(fds[0], STDIN_FILENO), 0);
        pid = lab_child(with_secrets, NULL);
        for (struct proc_stat stat = {}; !streq(stat.name, "sh"); usleep(1000))
                ck_assert_int_eq(proc_stat_read(pid, &stat), 0);
        result = snapshot(&lab, pid);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        text = read_kept(&result, "cmdline", 0600);
        ck_assert_str_eq(text, "sh\n-c\nread x\nname\n--password=[redacted]\n");
        free(text);
        text = read_kept(&result, "environ", 0600);
        ck_assert_ptr_null(strstr(text, "verysecret"));
        ck_assert_ptr_nonnull(strstr(text, "HOME=/nowhere\n"));
        free(text);
        kill((pid_t)pid, SIGKILL);
        lab_done(&lab);
        redactor_free(redactor);
}
END_TEST

START_TEST(what_does_not_fit_is_left_out_and_the_oldest_goes) {
        uint32_t pid = lab_child(lab_sleep, NULL);
        struct action_result first, last = {};
        struct lab lab;
        char path[512], *end;

        lab_init(&lab, NULL);
        lab.config.response.snapshot_size_bytes = 64 * KIB;
        lab.config.response.snapshots = 2;
        lab.config.response.rate_snapshot = 100;
        first = snapshot(&lab, pid);
        ck_assert_ptr_nonnull(strstr(first.text, "not complete"));
        for (int i = 0; i < 2; i++)
                last = snapshot(&lab, pid);
        snprintf(path, sizeof(path), "%s", strchr(first.text, '\'') + 1);
        end = strchr(path, '\'');
        *end = 0;
        ck_assert_int_lt(access(path, F_OK), 0);
        free(read_kept(&last, "manifest", 0600));
        kill((pid_t)pid, SIGKILL);
        lab_done(&lab);
}
END_TEST

START_TEST(a_process_that_has_ended_leaves_none) {
        uint32_t pid = lab_child(lab_sleep, NULL);
        struct identity id = lab_identity(pid);
        const struct action_input input = LAB_PROCESS("process", id);
        struct action_result result;
        struct lab lab;

        lab_init(&lab, NULL);
        kill((pid_t)pid, SIGKILL);
        lab_wait_state(pid, 0);
        result = lab_run(&lab, "snapshot", &input, 1);
        ck_assert_int_eq(result.error, -ESRCH);
        ck_assert_int_lt(access(lab.snapshots, F_OK), 0);
        lab_done(&lab);
}
END_TEST

START_TEST(a_value_goes_on_a_list_and_off_when_it_is_undone) {
        const struct action_input inputs[] = {LAB_TEXT("list", "bad"), LAB_TEXT("value", "10.0.0.1"),
                                              LAB_TEXT("duration", "10min")};
        struct action_result result;
        uint64_t now = clock_boottime_ns();
        struct lab lab;

        lab_init(&lab, NULL);
        result = lab_run(&lab, "list_add", inputs, 3);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert(actions_list_has(lab.actions, "bad", "10.0.0.1", now));
        ck_assert(!actions_list_has(lab.actions, "bad", "10.0.0.1", now + 11 * NSEC_PER_MIN));
        ck_assert_str_eq(lab_run(&lab, "list_add", inputs, 3).text,
                         "'10.0.0.1' was on list 'bad', and has another end now");
        result = lab_undo(&lab, result.undo);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert(!actions_list_has(lab.actions, "bad", "10.0.0.1", now));
        ck_assert_str_eq(lab_run(&lab, "list_remove", inputs, 2).text, "'10.0.0.1' is not on list 'bad'");
        lab_done(&lab);
}
END_TEST

UNIT_MAIN("action/action-own", a_snapshot_has_what_proc_says_and_the_program, secrets_are_not_kept,
          what_does_not_fit_is_left_out_and_the_oldest_goes, a_process_that_has_ended_leaves_none,
          a_value_goes_on_a_list_and_off_when_it_is_undone)
