/* SPDX-License-Identifier: Apache-2.0 */
#include "report/journal-spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/siphash.h"

#define MAGIC UINT64_C(0x31706c6f6f707378)              /* "xspoolp1", as bytes */
#define RECORD_MAX ((size_t)16 << 20)

struct header {
        uint64_t magic;
        uint64_t front;                 /* where the first record is that was not sent */
};

struct record {
        uint64_t length, hash;
};

struct journal_spool {
        int fd;                         /* owned */
        uint64_t max_bytes;
        uint64_t front, end;            /* of the records that wait */
        char *buffer;                   /* owned */
        size_t size;
        struct journal_spool_stats stats;
};

/* Against what is torn or rotten; whoever may write the file may write anything. */
static uint64_t hash_of(const void *data, size_t n) {
        static const struct siphash_key key = {MAGIC, 1};

        return siphash64(data, n, &key);
}

static int read_at(const struct journal_spool *spool, uint64_t place, void *data, size_t n) {
        ssize_t k = pread(spool->fd, data, n, (off_t)place);

        return k < 0 ? -errno : (size_t)k < n ? -ENODATA : 0;
}

static int write_at(const struct journal_spool *spool, uint64_t place, const void *data, size_t n) {
        ssize_t k = pwrite(spool->fd, data, n, (off_t)place);

        return k < 0 ? -errno : (size_t)k < n ? -ENOSPC : 0;
}

/* The record at `place` goes into the buffer. -EBADMSG: there is none that makes sense. */
static int read_record(struct journal_spool *spool, uint64_t place, uint64_t limit, struct record *ret) {
        struct record record;
        int r;

        r = read_at(spool, place, &record, sizeof(record));
        if (r < 0)
                return r == -ENODATA ? -EBADMSG : r;
        if (record.length == 0 || record.length > RECORD_MAX || place + sizeof(record) + record.length > limit)
                return -EBADMSG;        /* before there is memory for it */
        if (record.length > spool->size) {
                char *buffer = realloc(spool->buffer, record.length);

                if (!buffer)
                        return -ENOMEM;
                spool->buffer = buffer;
                spool->size = record.length;
        }
        r = read_at(spool, place + sizeof(record), spool->buffer, record.length);
        if (r < 0)
                return r == -ENODATA ? -EBADMSG : r;
        if (hash_of(spool->buffer, record.length) != record.hash)
                return -EBADMSG;
        *ret = record;
        return 0;
}

static int note_front(struct journal_spool *spool) {
        const struct header header = {.magic = MAGIC, .front = spool->front};

        return write_at(spool, 0, &header, sizeof(header));
}

/* Nothing waits: the file is as at the beginning. */
static int reset(struct journal_spool *spool) {
        spool->front = spool->end = sizeof(struct header);
        spool->stats.n_waiting = spool->stats.waiting_bytes = 0;
        if (ftruncate(spool->fd, sizeof(struct header)) < 0)
                return -errno;
        return note_front(spool);
}

/* What an earlier process left. */
static int recover(struct journal_spool *spool) {
        struct header header;
        struct record record;
        struct stat st;
        int r;

        if (fstat(spool->fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
                return -EPERM;
        if (read_at(spool, 0, &header, sizeof(header)) < 0 || header.magic != MAGIC ||
            header.front < sizeof(header) || header.front > (uint64_t)st.st_size) {
                spool->stats.n_cut = (uint64_t)st.st_size;
                return reset(spool);
        }

        spool->front = spool->end = header.front;
        while ((r = read_record(spool, spool->end, (uint64_t)st.st_size, &record)) == 0) {
                spool->end += sizeof(record) + record.length;
                spool->stats.n_waiting++;
        }
        if (r != -EBADMSG)
                return r;
        spool->stats.n_cut = (uint64_t)st.st_size - spool->end;
        spool->stats.waiting_bytes = spool->end - spool->front;
        if (spool->stats.n_waiting == 0)
                return reset(spool);
        return ftruncate(spool->fd, (off_t)spool->end) < 0 ? -errno : 0;
}

int journal_spool_open(const char *path, uint64_t max_bytes, struct journal_spool **ret) {
        _cleanup_(journal_spool_freep) struct journal_spool *spool = NULL;
        int r;

        assert(path && ret);

        spool = calloc(1, sizeof(*spool));
        if (!spool)
                return -ENOMEM;
        spool->max_bytes = max_bytes;
        spool->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (spool->fd < 0)
                return -errno;
        if (flock(spool->fd, LOCK_EX | LOCK_NB) < 0)
                return -errno;
        r = recover(spool);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(spool);
        return 0;
}

struct journal_spool *journal_spool_free(struct journal_spool *spool) {
        if (!spool)
                return NULL;
        close_fd(spool->fd);
        free(spool->buffer);
        free(spool);
        return NULL;
}

int journal_spool_add(struct journal_spool *spool, const void *data, size_t n) {
        const struct record record = {.length = n, .hash = hash_of(data, n)};
        int r;

        if (n == 0 || n > RECORD_MAX || spool->end + sizeof(record) + n > spool->max_bytes)
                r = -ENOSPC;
        else
                r = write_at(spool, spool->end, &record, sizeof(record));
        if (r >= 0)
                r = write_at(spool, spool->end + sizeof(record), data, n);
        if (r < 0) {
                spool->stats.n_refused++;
                (void)!ftruncate(spool->fd, (off_t)spool->end);
                return r;
        }
        spool->end += sizeof(record) + n;
        spool->stats.waiting_bytes = spool->end - spool->front;
        spool->stats.n_waiting++;
        spool->stats.n_added++;
        return 0;
}

int journal_spool_drain(struct journal_spool *spool, size_t max,
                        int (*send)(const void *data, size_t n, void *userdata), void *userdata) {
        struct record record;
        int r;

        while (spool->stats.n_waiting > 0 && max-- > 0) {
                r = read_record(spool, spool->front, spool->end, &record);
                if (r == -EBADMSG) {
                        spool->stats.n_refused += spool->stats.n_waiting;
                        return reset(spool);
                }
                if (r >= 0)
                        r = send(spool->buffer, record.length, userdata);
                if (r < 0)
                        return r;
                spool->front += sizeof(record) + record.length;
                spool->stats.waiting_bytes = spool->end - spool->front;
                spool->stats.n_waiting--;
                r = spool->stats.n_waiting > 0 ? note_front(spool) : reset(spool);
                if (r < 0)
                        return r;
        }
        return 0;
}

void journal_spool_stats(const struct journal_spool *spool, struct journal_spool_stats *ret) {
        *ret = spool->stats;
}
