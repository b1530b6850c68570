/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"

static const char *log_name;
static int log_max_level = LOG_INFO;
static bool log_to_journal;
static int log_patience_ms = -1;
static bool log_is_stuck;
static uint64_t log_n_unread;           /* lines, since it is */
static log_sink log_test_sink;
static void *log_test_userdata;

/* systemd writes "device:inode" of the stream it connected to stdout or stderr; a shell further down may have sent ours
 * elsewhere, hence the comparison. */
static bool stderr_is_journal(void) {
        const char *e = getenv("JOURNAL_STREAM");
        uintmax_t device, inode;
        struct stat st;

        return e && sscanf(e, "%ju:%ju", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) >= 0 &&
               st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *program_name) {
        log_name = program_name;
        log_to_journal = stderr_is_journal();
}

void log_set_max_level(int level) {
        log_max_level = level;
}

int log_get_max_level(void) {
        return log_max_level;
}

void log_set_sink(log_sink sink, void *userdata) {
        log_test_sink = sink;
        log_test_userdata = userdata;
}

void log_set_patience(int ms) {
        log_patience_ms = ms;
}

/* A line is shorter than what there is room for at least, when there is room. */
static bool log_may_write(void) {
        struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};

        if (log_patience_ms >= 0 && poll(&fd, 1, log_is_stuck ? 0 : log_patience_ms) == 0)
                log_is_stuck = true;
        else
                log_is_stuck = false;
        return !log_is_stuck;
}

static void log_write_all(const char *line, size_t n) {
        while (n > 0) {
                ssize_t k = write(STDERR_FILENO, line, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return;         /* nobody to tell */
                line += k;
                n -= k;
        }
}

static void log_write(const char *line, size_t n) {
        char unread[128];
        int k;

        if (!log_may_write()) {
                log_n_unread++;
                return;
        }
        if (log_n_unread > 0) {
                k = snprintf(unread, sizeof(unread), "%s%s%s%" PRIu64 " lines before this were not read in time\n",
                             log_to_journal ? "<4>" : "", log_to_journal || !log_name ? "" : log_name,
                             log_to_journal || !log_name ? "" : ": ", log_n_unread);
                log_write_all(unread, (size_t)k);
                log_n_unread = 0;
        }
        log_write_all(line, n);
}

int log_vmessage(int level, int error, const char *fmt, va_list ap) {
        char raw[LOG_LINE_MAX], line[LOG_LINE_MAX + 64];
        int saved = errno, n;
        struct strbuf b;

        error = error < 0 ? -error : error;
        if (level > log_max_level)
                return -error;

        errno = error > 0 ? error : saved;      /* for %m */
        n = vsnprintf(raw, sizeof(raw), fmt, ap);
        if (n < 0)
                n = 0;

        strbuf_init_fixed(&b, line, sizeof(line) - 1);
        if (log_test_sink)
                ;
        else if (log_to_journal)
                strbuf_printf(&b, "<%d>", level);
        else if (log_name)
                strbuf_printf(&b, "%s: ", log_name);
        strbuf_put_text(&b, raw, MIN((size_t)n, sizeof(raw) - 1));

        if (log_test_sink)
                log_test_sink(level, b.data, b.n, log_test_userdata);
        else {
                b.data[b.n] = '\n';     /* in place of the NUL: one write, so lines of several processes do not mix */
                log_write(b.data, b.n + 1);
        }

        errno = saved;
        return -error;
}

int log_message(int level, int error, const char *fmt, ...) {
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = log_vmessage(level, error, fmt, ap);
        va_end(ap);
        return r;
}

int log_oom(void) {
        return log_message(LOG_ERR, -ENOMEM, "Out of memory");
}

bool log_limit_pass(struct log_limit *limit, uint64_t now_ns, uint64_t *ret_suppressed) {
        if (limit->started_ns == 0 || nsec_sub(now_ns, limit->started_ns) >= limit->interval_ns) {
                limit->started_ns = MAX(now_ns, (uint64_t)1);
                limit->n_passed = 0;
        }

        if (limit->n_passed >= limit->burst) {
                limit->n_suppressed++;
                return false;
        }

        limit->n_passed++;
        *ret_suppressed = limit->n_suppressed;
        limit->n_suppressed = 0;
        return true;
}

int log_limited(struct log_limit *limit, int level, int error, const char *fmt, ...) {
        char text[LOG_LINE_MAX];
        uint64_t n_suppressed;
        va_list ap;

        error = error < 0 ? -error : error;
        if (level > log_max_level || !log_limit_pass(limit, clock_boottime_ns(), &n_suppressed))
                return -error;

        if (error > 0)
                errno = error;
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);

        if (n_suppressed > 0)
                return log_message(level, error, "%s (%" PRIu64 " more like it before)", text, n_suppressed);
        return log_message(level, error, "%s", text);
}
