/* SPDX-License-Identifier: Apache-2.0 */
#include "action/proc.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"

#define STAT_MAX 4096
#define CGROUP_MAX (64 * KIB)
#define PROCESSES_MAX 4194304           /* the most pids that Linux has */

static uint64_t ns_per_tick(void) {
        return NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* The next word, which may be a number with a sign. */
static const char *next_word(const char **p, const char *end, size_t *ret_n) {
        const char *word;

        while (*p < end && **p == ' ')
                (*p)++;
        word = *p;
        while (*p < end && !isspace((unsigned char)**p))
                (*p)++;
        *ret_n = (size_t)(*p - word);
        return word;
}

int proc_stat_parse(const char *text, size_t n, struct proc_stat *ret) {
        /* Numbers of the fields behind the name, the state being the third of all. */
        enum { PPID = 4, PGRP = 5, SID = 6, TTY = 7, FLAGS = 9, START = 22 };
        struct proc_stat stat = {};
        const char *open, *close, *p, *end = text + n;
        uint64_t number;
        size_t length;

        /* The name may hold blanks and parentheses: it ends at the last one. */
        open = memchr(text, '(', n);
        close = memrchr(text, ')', n);
        if (!open || !close || close < open || open == text)
                return -EBADMSG;
        if (parse_u64_n(text, (size_t)(open - text) - 1, 1, INT32_MAX, &number) < 0)
                return -EBADMSG;
        stat.pid = (uint32_t)number;
        length = MIN((size_t)(close - open - 1), sizeof(stat.name) - 1);
        memcpy(stat.name, open + 1, length);

        p = close + 1;
        for (int field = 3; field <= START; field++) {
                const char *word = next_word(&p, end, &length);
                int64_t value;

                if (field == 3) {
                        if (length != 1)
                                return -EBADMSG;
                        stat.state = *word;
                        continue;
                }
                if (field == START) {
                        if (parse_u64_n(word, length, 0, UINT64_MAX, &stat.start_ticks) < 0)
                                return -EBADMSG;
                        continue;
                }
                if (field != PPID && field != PGRP && field != SID && field != TTY && field != FLAGS)
                        continue;
                if (parse_i64_n(word, length, INT32_MIN, UINT32_MAX, &value) < 0)
                        return -EBADMSG;
                if (field == PPID)
                        stat.ppid = (uint32_t)value;
                else if (field == PGRP)
                        stat.pgrp = (uint32_t)value;
                else if (field == SID)
                        stat.sid = (uint32_t)value;
                else if (field == TTY)
                        stat.tty = (int32_t)value;
                else
                        stat.flags = (uint32_t)value;
        }
        *ret = stat;
        return 0;
}

int proc_stat_read(uint32_t pid, struct proc_stat *ret) {
        _cleanup_(freep) char *text = NULL;
        char path[64];
        size_t n;
        int r;

        snprintf(path, sizeof(path), "/proc/%u/stat", pid);
        r = read_file_at(AT_FDCWD, path, STAT_MAX, &text, &n);
        if (r == -ENOENT)
                return -ESRCH;
        if (r < 0)
                return r;
        return proc_stat_parse(text, n, ret);
}

bool proc_is(const struct proc_stat *stat, const struct identity *identity) {
        return stat->pid == identity->pid && stat->start_ticks == identity->start_ns / ns_per_tick();
}

struct identity proc_identity(const struct proc_stat *stat) {
        return (struct identity){.start_ns = stat->start_ticks * ns_per_tick(), .pid = stat->pid};
}

int proc_signal(int pidfd, int signal) {
        return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int proc_open_pid(uint32_t pid, struct proc_stat *ret) {
        _cleanup_(closep) int fd = -1;
        struct proc_stat stat;
        int r;

        fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0)
                return errno == EINVAL ? -ESRCH : -errno;       /* EINVAL: the number of a thread */
        r = proc_stat_read(pid, &stat);
        if (r < 0)
                return r;
        /* Still there: the number was its own all the time. Not allowed to signal it is an answer, too. */
        r = proc_signal(fd, 0);
        if (r < 0 && r != -EPERM)
                return r;
        if (ret)
                *ret = stat;
        return TAKE_FD(fd);
}

int proc_open(const struct identity *identity, struct proc_stat *ret) {
        _cleanup_(closep) int fd = -1;
        struct proc_stat stat;

        fd = proc_open_pid(identity->pid, &stat);
        if (fd < 0)
                return fd;
        if (!proc_is(&stat, identity) || stat.state == 'Z' || stat.state == 'X')
                return -ESRCH;
        if (ret)
                *ret = stat;
        return TAKE_FD(fd);
}

int proc_list(uint32_t **ret, size_t *ret_n) {
        _cleanup_(closedirp) DIR *dir = NULL;
        ARRAY(uint32_t) pids = {};
        struct dirent *entry;
        int r = 0;

        dir = opendir("/proc");
        if (!dir)
                return -errno;
        while (r >= 0 && (entry = readdir(dir))) {
                uint64_t pid;

                if (isdigit((unsigned char)entry->d_name[0]) && parse_u64(entry->d_name, 1, INT32_MAX, &pid) >= 0)
                        r = array_push_bounded(&pids, (uint32_t)pid, PROCESSES_MAX);
        }
        if (r < 0) {
                array_done(&pids);
                return r;
        }
        *ret = pids.items;
        *ret_n = pids.n;
        return 0;
}

ssize_t proc_link(uint32_t pid, const char *name, char *buffer, size_t size) {
        char path[96];
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
        n = readlink(path, buffer, size - 1);
        if (n < 0)
                return -errno;
        buffer[n] = 0;
        return (size_t)n == size - 1 ? -ENAMETOOLONG : n;
}

int proc_cgroup(uint32_t pid, char *buffer, size_t size) {
        _cleanup_(freep) char *text = NULL;
        const char *found = NULL;
        char path[64];
        size_t n;
        int r;

        snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
        r = read_file_at(AT_FDCWD, path, CGROUP_MAX, &text, &n);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        for (char *line = text, *next; line && *line; line = next) {
                const char *at;

                next = strchr(line, '\n');
                if (next)
                        *next++ = 0;
                at = startswith(line, "0::");
                if (!at) {
                        at = strstr(line, ":name=systemd:");
                        at = at ? at + strlen(":name=systemd:") : NULL;
                }
                /* Both kinds there, and all in the root of one of them: the other tells more. */
                if (at && (!found || streq(found, "/")))
                        found = at;
        }
        if (!found)
                return -ENODATA;
        if (strlen(found) >= size)
                return -ENAMETOOLONG;
        strcpy(buffer, found);
        return 0;
}
