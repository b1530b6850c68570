/* SPDX-License-Identifier: Apache-2.0 */
#include "report/journal-door.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"
#include "base/strbuf.h"

#define SNDBUF_BYTES (8 << 20)
#define ENTRY_MAX_BYTES ((size_t)8 << 20)
#define DRAIN_AT_A_TIME 64
#define MARK "EXECRAY_SPOOLED=1\n"

struct journal_door {
        struct sockaddr_un address;
        int fd;                         /* owned; -1: not open yet */
        struct journal_spool *spool;    /* owned; NULL: none */
        struct strbuf entry;            /* the last one, as it is sent */
};

int journal_door_new(const char *socket, struct journal_spool *spool, struct journal_door **ret) {
        struct journal_door *door;
        const char *path = socket ?: JOURNAL_SOCKET;

        assert(ret && strlen(path) < sizeof(door->address.sun_path));

        door = calloc(1, sizeof(*door));
        if (!door)
                return -ENOMEM;
        door->fd = -1;
        door->address.sun_family = AF_UNIX;
        strcpy(door->address.sun_path, path);
        door->spool = spool;
        door->entry.limit_bytes = ENTRY_MAX_BYTES;
        *ret = door;
        return 0;
}

struct journal_door *journal_door_free(struct journal_door *door) {
        if (!door)
                return NULL;
        close_fd(door->fd);
        journal_spool_free(door->spool);
        strbuf_done(&door->entry);
        free(door);
        return NULL;
}

static int door_open(struct journal_door *door) {
        int size = SNDBUF_BYTES;

        if (door->fd >= 0)
                return 0;
        door->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (door->fd < 0)
                return -errno;
        (void)setsockopt(door->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        return 0;
}

/* What is too large for a datagram goes as a file in memory that nobody can change any more. */
static int send_file(struct journal_door *door, const void *data, size_t n) {
        _cleanup_(closep) int fd = memfd_create("execrayd-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct msghdr message = {
                .msg_name = &door->address,
                .msg_namelen = sizeof(door->address),
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        int r;

        if (fd < 0)
                return -errno;
        r = fd_write_full(fd, data, n);
        if (r < 0)
                return r;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                return -errno;
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
        return sendmsg(door->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_now(const void *data, size_t n, void *userdata) {
        struct journal_door *door = userdata;
        int r;

        r = door_open(door);
        if (r < 0)
                return r;
        if (sendto(door->fd, data, n, MSG_NOSIGNAL, (struct sockaddr *)&door->address, sizeof(door->address)) < 0)
                r = -errno;
        if (r == -EMSGSIZE || r == -ENOBUFS)
                r = send_file(door, data, n);
        return r == -ENOENT || r == -ECONNREFUSED ? -ENOTCONN : r;
}

/* The native protocol: NAME=value LF; or, where the value has a line feed, NAME LF length value LF. */
static void put_field(struct strbuf *b, const struct iovec *field) {
        const char *s = field->iov_base, *sign = memchr(s, '=', field->iov_len);
        size_t n = field->iov_len;
        uint64_t length;

        assert(sign);
        if (!memchr(sign, '\n', n - (size_t)(sign - s)))
                strbuf_put_n(b, s, n);
        else {
                strbuf_put_n(b, s, (size_t)(sign - s));
                strbuf_put_char(b, '\n');
                n -= (size_t)(sign - s) + 1;
                length = htole64(n);
                strbuf_put_n(b, &length, sizeof(length));
                strbuf_put_n(b, sign + 1, n);
        }
        strbuf_put_char(b, '\n');
}

int journal_door_send(struct journal_door *door, const struct iovec *fields, size_t n_fields) {
        struct strbuf *entry = &door->entry;
        int r, q;

        strbuf_clear(entry);
        for (size_t i = 0; i < n_fields; i++)
                put_field(entry, fields + i);
        if (entry->error < 0)
                return entry->error;

        /* Behind those that wait, so that the order is that of the alerts. */
        r = door->spool && journal_door_waits(door) ? -EAGAIN : send_now(entry->data, entry->n, door);
        if (r >= 0 || !door->spool)
                return r;
        strbuf_put(entry, MARK);
        q = entry->error < 0 ? entry->error : journal_spool_add(door->spool, entry->data, entry->n);
        return q < 0 ? r : 1;
}

bool journal_door_work(struct journal_door *door) {
        int r = door->spool ? journal_spool_drain(door->spool, DRAIN_AT_A_TIME, send_now, door) : 0;

        return r >= 0 && journal_door_waits(door);
}

bool journal_door_waits(const struct journal_door *door) {
        struct journal_spool_stats stats = {};

        journal_door_stats(door, &stats);
        return stats.n_waiting > 0;
}

void journal_door_stats(const struct journal_door *door, struct journal_spool_stats *ret) {
        *ret = (struct journal_spool_stats){};
        if (door->spool)
                journal_spool_stats(door->spool, ret);
}
