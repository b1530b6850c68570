/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "unit.h"

static struct {
        char line[2 * LOG_LINE_MAX];
        int level, n_lines;
} heard;

static void listen_to(int level, const char *line, size_t n, void *userdata) {
        ck_assert_uint_lt(n, sizeof(heard.line));
        memcpy(heard.line, line, n);
        heard.line[n] = 0;
        heard.level = level;
        heard.n_lines++;
}

START_TEST(an_error_comes_back_negative_and_is_what_percent_m_says) {
        log_set_sink(listen_to, NULL);
        errno = EAGAIN;
        ck_assert_int_eq(log_error_errno(-ENOENT, "Cannot open '%s': %m", "x"), -ENOENT);
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_str_eq(heard.line, "Cannot open 'x': No such file or directory");
        ck_assert_int_eq(heard.level, LOG_ERR);
        ck_assert_int_eq(log_warning_errno(EPERM, "%m"), -EPERM);
        ck_assert_str_eq(heard.line, "Operation not permitted");
        ck_assert_int_eq(log_oom(), -ENOMEM);
        ck_assert_str_eq(heard.line, "Out of memory");
}
END_TEST

START_TEST(levels_below_the_chosen_one_are_silent_but_still_answer) {
        log_set_sink(listen_to, NULL);
        log_debug("quiet by default");
        ck_assert_int_eq(heard.n_lines, 0);
        log_info("loud by default");
        ck_assert_int_eq(heard.n_lines, 1);
        log_set_max_level(LOG_ERR);
        ck_assert_int_eq(log_warning_errno(-EIO, "quiet now"), -EIO);
        ck_assert_int_eq(heard.n_lines, 1);
        ck_assert_int_eq(log_get_max_level(), LOG_ERR);
}
END_TEST

START_TEST(no_name_can_forge_a_line) {
        log_set_sink(listen_to, NULL);
        log_info("Loaded '%s'", "x\n<0>execrayd: all is well\x1b[2K");
        ck_assert_str_eq(heard.line, "Loaded 'x\\x0a<0>execrayd: all is well\\x1b[2K'");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut) {
        log_set_sink(listen_to, NULL);
        log_info("%05000d", 1);
        ck_assert_uint_eq(strlen(heard.line), LOG_LINE_MAX - 1);
}
END_TEST

/* What arrives on descriptor 2 when this is logged with the journal's variable saying so or not. */
static void stderr_gets(bool with_journal, const char *expected) {
        char path[] = "/tmp/test-log-XXXXXX", value[64], got[256];
        int fd = mkstemp(path);
        struct stat st;
        size_t n;

        ck_assert_int_ge(fd, 0);
        unlink(path);
        ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        snprintf(value, sizeof(value), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + !with_journal);
        setenv("JOURNAL_STREAM", value, 1);

        log_open("execrayd");
        log_warning("Something");
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        ck_assert_int_eq(fd_read_full(fd, got, sizeof(got) - 1, &n), -ENODATA);
        got[n] = 0;
        ck_assert_str_eq(got, expected);
        close(fd);
}

START_TEST(to_the_journal_a_line_begins_with_its_priority) {
        stderr_gets(true, "<4>Something\n");
}
END_TEST

START_TEST(elsewhere_a_line_begins_with_the_name_of_the_program) {
        stderr_gets(false, "execrayd: Something\n");
}
END_TEST

START_TEST(who_does_not_read_is_not_waited_for_and_told_how_many_lines_he_missed) {
        static char got[1 << 20];
        int fds[2];
        ssize_t n;

        ck_assert_int_eq(pipe(fds), 0);
        ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
        setenv("JOURNAL_STREAM", "", 1);
        log_open("execrayd");
        log_set_patience(1);
        for (int i = 0; i < 20000; i++)
                log_warning("Something");
        ck_assert_int_gt(n = read(fds[0], got, sizeof(got) - 1), 0);
        ck_assert_int_eq(got[n - 1], '\n');
        ck_assert_uint_eq((size_t)n % strlen("execrayd: Something\n"), 0);

        log_warning("Something else");
        snprintf(got, sizeof(got),
                 "execrayd: %zu lines before this were not read in time\nexecrayd: Something else\n",
                 20000 - (size_t)n / strlen("execrayd: Something\n"));
        ck_assert_int_eq(read(fds[0], got + 1000, sizeof(got) - 1000), (ssize_t)strlen(got));
        ck_assert_int_eq(memcmp(got, got + 1000, strlen(got)), 0);
}
END_TEST

START_TEST(a_limit_lets_a_burst_pass_and_tells_how_many_it_swallowed) {
        struct log_limit limit = {.interval_ns = NSEC_PER_MIN, .burst = 2};
        uint64_t n = 99;

        ck_assert(log_limit_pass(&limit, 0, &n));
        ck_assert_uint_eq(n, 0);
        ck_assert(log_limit_pass(&limit, NSEC_PER_SEC, &n));
        for (int i = 0; i < 5; i++)
                ck_assert(!log_limit_pass(&limit, 2 * NSEC_PER_SEC, &n));
        ck_assert(!log_limit_pass(&limit, NSEC_PER_MIN, &n));
        ck_assert(log_limit_pass(&limit, NSEC_PER_MIN + 1, &n));
        ck_assert_uint_eq(n, 6);
        ck_assert(log_limit_pass(&limit, NSEC_PER_MIN + 1, &n));
        ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(a_limited_message_is_heard_once_and_answers_always) {
        static struct log_limit limit = LOG_ONCE_A_MINUTE;

        log_set_sink(listen_to, NULL);
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(log_limited(&limit, LOG_WARNING, -EIO, "Table is full: %m"), -EIO);
        ck_assert_int_eq(heard.n_lines, 1);
        ck_assert_str_eq(heard.line, "Table is full: Input/output error");

        limit.started_ns -= MIN(limit.started_ns - 1, 2 * NSEC_PER_MIN);
        limit.interval_ns = 1;
        log_limited(&limit, LOG_WARNING, 0, "Table is full");
        ck_assert_str_eq(heard.line, "Table is full (9 more like it before)");
}
END_TEST

UNIT_MAIN("base/log",
          an_error_comes_back_negative_and_is_what_percent_m_says,
          levels_below_the_chosen_one_are_silent_but_still_answer,
          no_name_can_forge_a_line,
          a_line_that_is_too_long_is_cut,
          to_the_journal_a_line_begins_with_its_priority,
          elsewhere_a_line_begins_with_the_name_of_the_program,
          who_does_not_read_is_not_waited_for_and_told_how_many_lines_he_missed,
          a_limit_lets_a_burst_pass_and_tells_how_many_it_swallowed,
          a_limited_message_is_heard_once_and_answers_always)
