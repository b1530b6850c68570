/* SPDX-License-Identifier: Apache-2.0 */
#include "report/outlet.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

enum way {
        WAY_PLAIN,                      /* write(), however long that takes */
        WAY_SEND,
        WAY_OPENED,                     /* our own, with O_NONBLOCK */
        WAY_ASK,
};

struct entry {
        struct entry *next;
        size_t n, n_written;
        char data[];
};

struct outlet {
        enum way way;
        int fd;                         /* owned with WAY_OPENED, else borrowed */
        size_t max_bytes, piece_bytes;  /* that wait; that WAY_ASK writes at a time */
        struct entry *first, **end;     /* owned */
        bool torn;                      /* the last thing that went out is half an entry */
        struct outlet_stats stats;
};

static bool is_the_same(int fd, const struct stat *st) {
        struct stat other;

        return fstat(fd, &other) >= 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

static void choose_way(struct outlet *outlet, int fd) {
        char path[32];
        struct stat st;
        int opened;

        outlet->fd = fd;
        outlet->way = WAY_PLAIN;
        if (fstat(fd, &st) < 0)
                return;
        if (S_ISSOCK(st.st_mode))
                outlet->way = WAY_SEND;
        if (!S_ISFIFO(st.st_mode) && !(S_ISCHR(st.st_mode) && isatty(fd)))
                return;

        /* A pipe that has room has it for so much; a terminal may have it for one byte. */
        outlet->way = WAY_ASK;
        outlet->piece_bytes = S_ISFIFO(st.st_mode) ? PIPE_BUF : 1;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        opened = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (opened < 0)
                return;
        if (!is_the_same(opened, &st)) {
                close_fd(opened);
                return;
        }
        outlet->fd = opened;
        outlet->way = WAY_OPENED;
}

int outlet_new(int fd, size_t max_bytes, struct outlet **ret) {
        struct outlet *outlet = calloc(1, sizeof(*outlet));

        if (!outlet)
                return -ENOMEM;
        outlet->max_bytes = max_bytes;
        outlet->end = &outlet->first;
        choose_way(outlet, fd);
        *ret = outlet;
        return 0;
}

static void pop(struct outlet *outlet) {
        struct entry *entry = outlet->first;

        outlet->first = entry->next;
        if (!outlet->first)
                outlet->end = &outlet->first;
        outlet->stats.n_waiting--;
        outlet->stats.waiting_bytes -= entry->n;
        free(entry);
}

static void lose_all(struct outlet *outlet) {
        if (outlet->first && outlet->first->n_written > 0)
                outlet->torn = true;
        while (outlet->first) {
                outlet->stats.n_lost++;
                pop(outlet);
        }
}

struct outlet *outlet_free(struct outlet *outlet) {
        if (!outlet)
                return NULL;
        lose_all(outlet);
        if (outlet->way == WAY_OPENED)
                close_fd(outlet->fd);
        free(outlet);
        return NULL;
}

/* As much as there is room for: 0 is none. */
static ssize_t write_some(const struct outlet *outlet, const char *data, size_t n) {
        ssize_t k;

        do
                switch (outlet->way) {
                case WAY_SEND:
                        k = send(outlet->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
                        break;
                case WAY_ASK:
                        if (poll(&(struct pollfd){.fd = outlet->fd, .events = POLLOUT}, 1, 0) == 0)
                                return 0;
                        k = write(outlet->fd, data, MIN(n, outlet->piece_bytes));
                        break;
                case WAY_PLAIN:
                case WAY_OPENED:
                        k = write(outlet->fd, data, n);
                        break;
                }
        while (k < 0 && errno == EINTR);
        return k >= 0 ? k : errno == EAGAIN ? 0 : -errno;
}

static int write_on(const struct outlet *outlet, const char *data, size_t n, size_t *n_written) {
        ssize_t k;

        while (*n_written < n) {
                k = write_some(outlet, data + *n_written, n - *n_written);
                if (k <= 0)
                        return (int)k;
                *n_written += (size_t)k;
        }
        return 0;
}

/* After half an entry: the next one has a line of its own. 1: done. */
static int mend(struct outlet *outlet) {
        ssize_t k = outlet->torn ? write_some(outlet, "\n", 1) : 1;

        if (k > 0)
                outlet->torn = false;
        return (int)k;
}

int outlet_work(struct outlet *outlet) {
        while (outlet->first) {
                struct entry *entry = outlet->first;
                int r = mend(outlet);

                if (r > 0)
                        r = write_on(outlet, entry->data, entry->n, &entry->n_written);
                if (r < 0) {
                        lose_all(outlet);
                        return r;
                }
                if (entry->n_written < entry->n)
                        return 0;
                pop(outlet);
        }
        return 0;
}

static int keep(struct outlet *outlet, const char *data, size_t n, size_t n_written) {
        struct entry *entry = malloc(sizeof(*entry) + n);

        if (!entry) {
                outlet->torn = outlet->torn || n_written > 0;
                return -ENOMEM;
        }
        *entry = (struct entry){.n = n, .n_written = n_written};
        memcpy(entry->data, data, n);
        *outlet->end = entry;
        outlet->end = &entry->next;
        outlet->stats.n_waiting++;
        outlet->stats.waiting_bytes += n;
        return 0;
}

int outlet_put(struct outlet *outlet, const void *data, size_t n) {
        size_t n_written = 0;
        int r;

        assert(outlet && data);

        if (outlet->way == WAY_PLAIN)
                return fd_write_full(outlet->fd, data, n);
        r = outlet_work(outlet);
        if (r < 0)
                return r;
        if (!outlet->first) {
                r = mend(outlet);
                if (r > 0)
                        r = write_on(outlet, data, n, &n_written);
                if (r < 0) {
                        outlet->torn = outlet->torn || n_written > 0;
                        return r;
                }
                if (n_written == n)
                        return 0;
        } else if (n > outlet->max_bytes || outlet->stats.waiting_bytes > outlet->max_bytes - n) {
                outlet->stats.n_refused++;
                return -ENOBUFS;
        }
        return keep(outlet, data, n, n_written);
}

bool outlet_waits(const struct outlet *outlet) {
        return outlet->first;
}

int outlet_fd(const struct outlet *outlet) {
        return outlet->way == WAY_PLAIN ? -1 : outlet->fd;
}

void outlet_finish(struct outlet *outlet) {
        uint64_t end_ns = clock_boottime_ns() + OUTLET_PATIENCE_MAX_MS * NSEC_PER_MSEC;

        while (outlet_work(outlet) >= 0 && outlet->first && clock_boottime_ns() < end_ns)
                if (poll(&(struct pollfd){.fd = outlet->fd, .events = POLLOUT}, 1, OUTLET_PATIENCE_MS) == 0)
                        break;
        lose_all(outlet);
}

void outlet_stats(const struct outlet *outlet, struct outlet_stats *ret) {
        *ret = outlet->stats;
}
