/* SPDX-License-Identifier: Apache-2.0 */
/* Large files are copied by children, and whoever comes after need not wait. A file with two names is always copied,
 * so no second file system is needed. */
#include "action/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "action/actions-private.h"
#include "base/clock.h"
#include "base/fd.h"

#include "lab.h"
#include "unit.h"

#define LARGE (2 * ACTION_COPY_SMALL)

static sd_event *loop;
static struct lab lab;

static void begin(void) {
        ck_assert_int_eq(sd_event_new(&loop), 0);
        lab_init(&lab, loop);
        lab.config.response.rate_file = lab.config.response.storm = 1000;
}

static void end(void) {
        lab_done(&lab);
        sd_event_unref(loop);
}

static void in_lab(const char *name, char path[static 128]) {
        snprintf(path, 128, "%s/%s", lab.root, name);
}

static void make(const char *path, uint64_t n_bytes) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0711);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fd_write_full(fd, "evil", 4), 0);
        ck_assert_int_eq(ftruncate(fd, (off_t)n_bytes), 0);
        close(fd);
}

/* Two names for one file. */
static void make_two(const char *path, uint64_t n_bytes) {
        char other[160];

        make(path, n_bytes);
        snprintf(other, sizeof(other), "%s-too", path);
        ck_assert_int_eq(link(path, other), 0);
}

static struct action_result quarantine(const char *path) {
        struct stat st;

        ck_assert_int_eq(lstat(path, &st), 0);
        return lab_run(&lab, "quarantine",
                       (const struct action_input[]){LAB_TEXT("path", path),
                                                     LAB_NUMBER("device", major(st.st_dev) << 20 | minor(st.st_dev)),
                                                     LAB_NUMBER("inode", st.st_ino)},
                       3);
}

static struct action_result kill_somebody(void) {
        const struct action_input inputs[] = {LAB_PROCESS("process", lab_identity(lab_child(lab_sleep, NULL))),
                                              LAB_TEXT("signal", "KILL")};

        return lab_run(&lab, "signal", inputs, 2);
}

static void run_until_quiet(void) {
        uint64_t until_ns = clock_boottime_ns() + 20 * NSEC_PER_SEC;

        while (actions_n_pending(lab.actions) > 0) {
                ck_assert_msg(clock_boottime_ns() < until_ns, "the copy does not end");
                ck_assert_int_ge(sd_event_run(loop, 100000), 0);
        }
}

static bool is_there(const char *path) {
        return access(path, F_OK) == 0;
}

static void log_has(uint64_t id, enum undo_state state, bool has_hash) {
        _cleanup_(undo_entry_done) struct undo_entry entry;

        undo_entry_init(&entry);
        ck_assert_int_eq(undo_log_read(&lab.actions->log, id, &entry), 0);
        ck_assert_int_eq(entry.state, state);
        ck_assert(has_hash == (undo_entry_get(&entry, "sha256") != NULL));
}

/* How many files lie in quarantine, finished or not. */
static int n_in_quarantine(void) {
        char command[160];
        int n = -1;
        FILE *f;

        snprintf(command, sizeof(command), "find %s -type f | wc -l", lab.quarantine);
        f = popen(command, "r");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fscanf(f, "%d", &n), 1);
        pclose(f);
        return n;
}

START_TEST(while_a_large_file_is_copied_other_alerts_actions_are_done) {
        struct action_result result;
        char path[128];
        struct stat st;

        begin();
        in_lab("bad", path);
        make_two(path, LARGE);
        result = quarantine(path);
        ck_assert_msg(result.outcome == ACTION_PENDING, "%s", result.text);
        ck_assert_uint_gt(result.undo, 0);
        log_has(result.undo, UNDO_BEGUN, false);
        ck_assert(is_there(path));

        ck_assert_int_eq(kill_somebody().outcome, ACTION_DONE);
        ck_assert_uint_eq(lab.n_done, 0);

        run_until_quiet();
        ck_assert_uint_eq(lab.n_done, 1);
        ck_assert_msg(lab.last.outcome == ACTION_DONE, "%s", lab.last.text);
        ck_assert_uint_eq(lab.last.number, result.number);
        ck_assert(!is_there(path));
        log_has(result.undo, UNDO_DONE, true);
        ck_assert_int_eq(n_in_quarantine(), 1);

        result = lab_undo(&lab, result.undo);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_size, LARGE);
        ck_assert_uint_eq(st.st_mode & 07777, 0711);
        end();
}
END_TEST

START_TEST(a_file_that_was_exchanged_while_it_was_copied_stays) {
        char path[128], other[160];

        begin();
        in_lab("bad", path);
        make_two(path, LARGE);
        ck_assert_int_eq(quarantine(path).outcome, ACTION_PENDING);
        snprintf(other, sizeof(other), "%s-new", path);
        make(other, 5);
        ck_assert_int_eq(rename(other, path), 0);
        run_until_quiet();
        ck_assert_int_eq(lab.last.outcome, ACTION_FAILED);
        ck_assert_int_eq(lab.last.error, -ESTALE);
        ck_assert(is_there(path));
        ck_assert_int_eq(n_in_quarantine(), 0);
        end();
}
END_TEST

START_TEST(a_copy_that_takes_too_long_is_ended_and_the_file_stays) {
        struct action_result result;
        char path[128];

        begin();
        lab.actions->copy_patience_ns = 1;
        in_lab("bad", path);
        make_two(path, 256 * ACTION_COPY_SMALL);
        result = quarantine(path);
        ck_assert_int_eq(result.outcome, ACTION_PENDING);
        run_until_quiet();
        ck_assert_int_eq(lab.last.error, -ETIMEDOUT);
        ck_assert_ptr_nonnull(strstr(lab.last.text, "took too long"));
        ck_assert(is_there(path));
        ck_assert_int_eq(n_in_quarantine(), 0);
        log_has(result.undo, UNDO_FAILED, false);
        end();
}
END_TEST

START_TEST(how_many_may_wait_is_bounded_and_at_the_end_all_of_them_stay) {
        char path[128], name[64];
        unsigned n_begun = 0;
        struct action_result result;

        begin();
        in_lab("bad", path);
        make(path, 64 * ACTION_COPY_SMALL);
        lab.config.response.quarantine_size_bytes = UINT64_MAX;
        for (;; n_begun++) {
                char other[128];

                ck_assert_uint_lt(n_begun, 100);
                snprintf(name, sizeof(name), "bad-%u", n_begun);
                in_lab(name, other);
                ck_assert_int_eq(link(path, other), 0);
                result = quarantine(other);
                if (result.outcome != ACTION_PENDING)
                        break;
        }
        ck_assert_uint_ge(n_begun, 8);
        ck_assert_int_eq(result.outcome, ACTION_FAILED);
        ck_assert_int_eq(result.error, -EBUSY);
        ck_assert_uint_eq(result.undo, 0);
        ck_assert_int_eq(kill_somebody().outcome, ACTION_DONE);

        lab.actions = actions_free(lab.actions);
        ck_assert_uint_eq(lab.n_done, n_begun);
        ck_assert_int_eq(lab.last.error, -ECANCELED);
        ck_assert(is_there(path));
        ck_assert_int_eq(n_in_quarantine(), 0);
        end();
}
END_TEST

START_TEST(a_large_file_that_can_be_moved_is_gone_at_once_and_hashed_later) {
        struct action_result result;
        char path[128];

        begin();
        in_lab("bad", path);
        make(path, LARGE);
        result = quarantine(path);
        ck_assert_msg(result.outcome == ACTION_DONE, "%s", result.text);
        ck_assert(!is_there(path));
        log_has(result.undo, UNDO_DONE, false);
        run_until_quiet();
        log_has(result.undo, UNDO_DONE, true);
        ck_assert_uint_eq(lab.n_done, 0);
        end();
}
END_TEST

START_TEST(what_was_undone_before_it_was_hashed_stays_undone) {
        struct action_result result;
        char path[128];

        begin();
        in_lab("bad", path);
        make(path, LARGE);
        result = quarantine(path);
        ck_assert_int_eq(lab_undo(&lab, result.undo).outcome, ACTION_DONE);
        run_until_quiet();
        log_has(result.undo, UNDO_UNDONE, false);
        ck_assert(is_there(path));
        end();
}
END_TEST

/* The program of this test is large. */
START_TEST(a_process_may_go_while_its_program_is_copied_for_a_snapshot) {
        uint32_t pid = lab_child(lab_sleep, NULL);
        const struct action_input input = LAB_PROCESS("process", lab_identity(pid));
        struct action_result result;
        char exe[300], *quote;
        struct stat st, kept;

        begin();
        ck_assert_int_eq(stat("/proc/self/exe", &st), 0);
        result = lab_run(&lab, "snapshot", &input, 1);
        if ((uint64_t)st.st_size > ACTION_COPY_SMALL)
                ck_assert_msg(result.outcome == ACTION_PENDING, "%s", result.text);
        ck_assert_int_eq(kill((pid_t)pid, SIGKILL), 0);
        lab_wait_state(pid, 0);
        run_until_quiet();
        ck_assert_msg(lab.last.outcome == ACTION_DONE, "%s", lab.last.text);
        ck_assert_ptr_nonnull(strstr(lab.last.text, ", SHA-256 "));
        snprintf(exe, sizeof(exe), "%s", strchr(lab.last.text, '/'));
        quote = strchr(exe, '\'');
        ck_assert_ptr_nonnull(quote);
        snprintf(quote, sizeof(exe) - (size_t)(quote - exe), "/exe");
        ck_assert_int_eq(stat(exe, &kept), 0);
        ck_assert_uint_eq(kept.st_size, st.st_size);
        end();
}
END_TEST

START_TEST(more_bytes_than_wanted_are_an_error) {
        struct copy copy = {.to = -1, .max_bytes = LARGE};
        struct copy_answer answer;
        char path[128];

        begin();
        in_lab("file", path);
        make(path, LARGE);
        copy.from = open(path, O_RDONLY | O_CLOEXEC);
        copy_run(&copy, &answer);
        ck_assert_int_eq(answer.error, 0);
        ck_assert_uint_eq(answer.n_bytes, LARGE);
        ck_assert_uint_eq(strlen(answer.sha256), 64);
        ck_assert_int_eq(lseek(copy.from, 0, SEEK_SET), 0);
        copy.max_bytes--;
        copy_run(&copy, &answer);
        ck_assert_int_eq(answer.error, -EFBIG);
        ck_assert_str_eq(answer.sha256, "");
        close(copy.from);
        end();
}
END_TEST

UNIT_MAIN("action/copier",
          while_a_large_file_is_copied_other_alerts_actions_are_done,
          a_file_that_was_exchanged_while_it_was_copied_stays,
          a_copy_that_takes_too_long_is_ended_and_the_file_stays,
          how_many_may_wait_is_bounded_and_at_the_end_all_of_them_stay,
          a_large_file_that_can_be_moved_is_gone_at_once_and_hashed_later,
          what_was_undone_before_it_was_hashed_stays_undone,
          a_process_may_go_while_its_program_is_copied_for_a_snapshot,
          more_bytes_than_wanted_are_an_error)
