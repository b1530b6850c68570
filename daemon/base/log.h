/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Log - the operator log: one line about the daemon itself on stderr, for whoever runs it.
 * Not for alerts, which are about the host and go out through report. Only rooms at the edge log (capture report
 * control response app cli), once, where it is decided what happens next, and the sentence says so.
 * Under systemd (stderr is the journal's stream) lines begin with the priority as <N>, elsewhere with the program's
 * name. Bytes that are unsafe on a terminal come out as \xNN, so no name can forge a line. Never fails, never
 * allocates; lines are cut at LOG_LINE_MAX. Not for several threads.
 *
 *      return log_error_errno(r, "Cannot open '%s': %m", path);
 *      log_warning_errno(r, "Cannot load '%s', keeping the previous policies: %m", path);
 *
 * The _errno forms take a negative errno (or errno itself), set it for %m, and give it back negative. */

#include <stdarg.h>
#include <syslog.h>

#include "base/macro.h"

#define LOG_LINE_MAX 2048

/* Look at stderr and decide on the form. The name is borrowed. Without this call lines are plain and have no name. */
void log_open(const char *program_name);

/* The least important level that is printed: LOG_DEBUG, LOG_INFO (the default), LOG_NOTICE, LOG_WARNING, LOG_ERR. */
void log_set_max_level(int level);
int log_get_max_level(void);

/* How long a line waits for room in a stderr that is a pipe, a socket or a terminal; without this call, for ever. Who
 * does not read then loses lines, and nobody waits for him again until he does; he is told how many they were. */
void log_set_patience(int ms);

/* For tests: lines go here instead, without the final newline. NULL is stderr again. */
typedef void (*log_sink)(int level, const char *line, size_t n, void *userdata);
void log_set_sink(log_sink sink, void *userdata);

int log_message(int level, int error, const char *fmt, ...) _printf_(3, 4);
int log_vmessage(int level, int error, const char *fmt, va_list ap) _printf_(3, 0);

#define log_debug(...)                  ((void)log_message(LOG_DEBUG, 0, __VA_ARGS__))
#define log_info(...)                   ((void)log_message(LOG_INFO, 0, __VA_ARGS__))
#define log_notice(...)                 ((void)log_message(LOG_NOTICE, 0, __VA_ARGS__))
#define log_warning(...)                ((void)log_message(LOG_WARNING, 0, __VA_ARGS__))
#define log_error(...)                  ((void)log_message(LOG_ERR, 0, __VA_ARGS__))

#define log_debug_errno(error, ...)     log_message(LOG_DEBUG, error, __VA_ARGS__)
#define log_info_errno(error, ...)      log_message(LOG_INFO, error, __VA_ARGS__)
#define log_notice_errno(error, ...)    log_message(LOG_NOTICE, error, __VA_ARGS__)
#define log_warning_errno(error, ...)   log_message(LOG_WARNING, error, __VA_ARGS__)
#define log_error_errno(error, ...)     log_message(LOG_ERR, error, __VA_ARGS__)

/* Out of memory, always the same way: logs and gives -ENOMEM. */
int log_oom(void);

/* For what an outsider can make happen again and again: at most `burst` lines in each interval, and the first line of
 * the next interval says how many were left out.
 *
 *      static struct log_limit limit = LOG_ONCE_A_MINUTE;
 *      log_limited(&limit, LOG_WARNING, 0, "Process table is full, forgetting the oldest"); */
struct log_limit {
        uint64_t interval_ns;
        unsigned burst;
        unsigned n_passed;              /* in this interval */
        uint64_t n_suppressed;          /* since the last line that passed */
        uint64_t started_ns;            /* CLOCK_BOOTTIME; 0 before the first line */
};

#define LOG_ONCE_A_MINUTE {.interval_ns = UINT64_C(60000000000), .burst = 1}

/* Gives back the negative error, as log_message() does, whether it printed or not. */
int log_limited(struct log_limit *limit, int level, int error, const char *fmt, ...) _printf_(4, 5);

/* The decision alone, time as an argument. If true, *ret_suppressed is how many were left out before this one. */
bool log_limit_pass(struct log_limit *limit, uint64_t now_ns, uint64_t *ret_suppressed);
