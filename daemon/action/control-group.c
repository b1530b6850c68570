/* SPDX-License-Identifier: Apache-2.0 */
#include "action/control-group.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "action/walk.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"

#define MOUNTINFO_MAX (4 * MIB)
#define EVENTS_MAX 4096

/* Where v2 is mounted: a line of mountinfo is "36 35 0:29 / /sys/fs/cgroup rw ... - cgroup2 cgroup2 rw". */
static int open_root(void) {
        _cleanup_(freep) char *text = NULL;
        size_t n;
        int r;

        r = read_file_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, &n);
        if (r < 0)
                return r;
        for (char *line = text, *next; line && *line; line = next) {
                char root[8], mount[512];
                int fd;

                next = strchr(line, '\n');
                if (next)
                        *next++ = 0;
                if (!strstr(line, " - cgroup2 ") || sscanf(line, "%*u %*u %*s %7s %511s", root, mount) != 2)
                        continue;
                if (!streq(root, "/") || strchr(mount, '\\'))
                        continue;
                fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd >= 0)
                        return fd;
        }
        return -ENOENT;
}

int control_group_open(const char *path, uint64_t id) {
        _cleanup_(closep) int root = -1, fd = -1;
        uint64_t found = 0;
        int r;

        root = open_root();
        if (root < 0)
                return root;
        fd = walk_directory(root, path);
        if (fd < 0)
                return fd;
        r = control_group_id(fd, &found);
        if (r < 0)
                return r;
        if (id && found != id)
                return -ESTALE;
        return TAKE_FD(fd);
}

int control_group_id(int fd, uint64_t *ret) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        *ret = st.st_ino;
        return 0;
}

static int write_word(int fd, const char *file, const char *word) {
        _cleanup_(closep) int file_fd = openat(fd, file, O_WRONLY | O_CLOEXEC);

        return file_fd < 0 ? -errno : fd_write_full(file_fd, word, strlen(word));
}

/* The value of one line of cgroup.events: 0 or 1. */
static int read_event(int events_fd, const char *key) {
        char text[EVENTS_MAX];
        const char *line;
        ssize_t n;

        n = pread(events_fd, text, sizeof(text) - 1, 0);
        if (n < 0)
                return -errno;
        text[n] = 0;
        for (line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
                const char *value = startswith(line, key);

                if (value && *value == ' ')
                        return value[1] == '1';
        }
        return -ENODATA;
}

static int read_event_at(int fd, const char *key) {
        _cleanup_(closep) int events = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

        return events < 0 ? -errno : read_event(events, key);
}

int control_group_freeze(int fd, bool frozen, uint64_t timeout_ns) {
        _cleanup_(closep) int events = -1;
        uint64_t until = nsec_add(clock_boottime_ns(), timeout_ns);
        int r;

        events = openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
        if (events < 0)
                return -errno;
        r = write_word(fd, "cgroup.freeze", frozen ? "1" : "0");
        if (r < 0)
                return r;
        for (;;) {
                struct pollfd pollfd = {.fd = events, .events = POLLPRI};
                uint64_t now;

                r = read_event(events, "frozen");
                /* Without any process in it, it is as frozen as can be. */
                if (r == frozen || (r >= 0 && frozen && read_event(events, "populated") == 0))
                        return 0;
                if (r < 0)
                        return r;
                now = clock_boottime_ns();
                if (now >= until)
                        return -ETIMEDOUT;
                if (poll(&pollfd, 1, (int)((until - now) / NSEC_PER_MSEC) + 1) < 0 && errno != EINTR)
                        return -errno;
        }
}

int control_group_is_frozen(int fd) {
        _cleanup_(closep) int file = openat(fd, "cgroup.freeze", O_RDONLY | O_CLOEXEC);
        char c;

        if (file < 0)
                return -errno;
        return read(file, &c, 1) == 1 ? c == '1' : -EIO;
}

int control_group_kill(int fd) {
        return write_word(fd, "cgroup.kill", "1");
}

int control_group_is_populated(int fd) {
        return read_event_at(fd, "populated");
}
