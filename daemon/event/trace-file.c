/* SPDX-License-Identifier: Apache-2.0 */
#include "event/trace-file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* A whole block and the header before it, and large enough that a call of the kernel does not count. */
#define BUFFER_BYTES (2 * TRACE_MAX_BLOCK)
_Static_assert(BUFFER_BYTES >= sizeof(struct trace_header) + TRACE_MAX_TEXT + 8 + sizeof(struct trace_block) +
                                       TRACE_MAX_BLOCK, "a block is looked at as a whole");
_Static_assert(TRACE_MAX_BLOCK >= WIRE_MAX_RECORD, "every record has room in a block");

struct trace_reader {
        int fd;                         /* owned */
        struct trace_state state;
        bool is_at_end;
        int error;                      /* of the disk */
        size_t start, end;              /* what is read and not used yet */
        size_t block_left;              /* bytes of the block whose checksum was right */
        struct trace_header header;
        char text[TRACE_MAX_TEXT];
        char buffer[BUFFER_BYTES] __attribute__((aligned(8)));
};

struct trace_writer {
        int fd;                         /* owned */
        int error;                      /* of the disk, or -EFBIG */
        uint64_t limit_bytes;
        struct trace_writer_stats stats;
        size_t used;                    /* in the buffer */
        size_t block;                   /* where in it the block begins that is being filled */
        uint32_t n_in_block;            /* records; 0: there is no block */
        uint64_t checksum;              /* of what was written before it */
        char buffer[BUFFER_BYTES] __attribute__((aligned(8)));
};

DEFINE_CLEANUP(struct trace_reader *, trace_reader_free)
DEFINE_CLEANUP(struct trace_writer *, trace_writer_free)

/* More bytes behind those that are there. A record starts at a multiple of 8 in the file, so moving it to the start
 * keeps it aligned. */
static int reader_fill(struct trace_reader *reader) {
        ssize_t n;

        memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
        assert(reader->end < sizeof(reader->buffer));

        do
                n = read(reader->fd, reader->buffer + reader->end, sizeof(reader->buffer) - reader->end);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return reader->error = -errno;
        reader->is_at_end = n == 0;
        reader->end += n;
        return 0;
}

static int reader_take_header(struct trace_reader *reader) {
        const struct trace_header *header;
        int r;

        for (;;) {
                r = trace_take_header(&reader->state, reader->buffer, reader->end, &header);
                if (r < 0)
                        return r;
                if (r > 0)
                        break;
                if (reader->is_at_end)
                        return trace_take_end(&reader->state, reader->end);
                r = reader_fill(reader);
                if (r < 0)
                        return r;
        }

        reader->header = *header;
        memcpy(reader->text, header + 1, header->text_length);
        reader->start = header->size;
        return 0;
}

int trace_reader_new(int fd, struct trace_reader **ret, struct trace_state *ret_state) {
        _cleanup_(trace_reader_freep) struct trace_reader *reader = NULL;
        int r;

        if (ret_state)
                *ret_state = (struct trace_state){};
        reader = malloc(sizeof(*reader));
        if (!reader) {
                close_fd(fd);
                return -ENOMEM;
        }
        memset(reader, 0, offsetof(struct trace_reader, buffer));
        reader->fd = fd;

        r = reader_take_header(reader);
        if (ret_state)
                *ret_state = reader->state;
        if (r < 0)
                return r;

        *ret = TAKE_PTR(reader);
        return 0;
}

int trace_reader_open(const char *path, struct trace_reader **ret, struct trace_state *ret_state) {
        int fd;

        if (ret_state)
                *ret_state = (struct trace_state){};
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        return trace_reader_new(fd, ret, ret_state);
}

struct trace_reader *trace_reader_free(struct trace_reader *reader) {
        if (!reader)
                return NULL;
        close_fd(reader->fd);
        free(reader);
        return NULL;
}

int trace_reader_next(struct trace_reader *reader, struct event *ret) {
        int r;

        if (reader->error < 0)
                return reader->error;
        if (reader->state.fault != TRACE_FINE)
                return trace_take_end(&reader->state, 0);

        while (reader->block_left == 0) {
                r = trace_take_block(&reader->state, reader->buffer + reader->start, reader->end - reader->start,
                                     &reader->block_left);
                if (r < 0)
                        return r;
                if (r > 0) {
                        reader->start += sizeof(struct trace_block);
                        break;
                }
                if (reader->is_at_end)
                        return trace_take_end(&reader->state, reader->end - reader->start);
                r = reader_fill(reader);
                if (r < 0)
                        return r;
        }

        /* All of the block is there. */
        r = trace_take_record(&reader->state, reader->buffer + reader->start, reader->block_left, ret);
        if (r < 0)
                return r;
        if (r == 0) {
                reader->state.fault = TRACE_RECORD;
                return trace_take_end(&reader->state, 0);
        }
        reader->start += ret->wire->size;
        reader->block_left -= ret->wire->size;
        return 1;
}

const struct trace_state *trace_reader_state(const struct trace_reader *reader) {
        return &reader->state;
}

const struct trace_header *trace_reader_header(const struct trace_reader *reader) {
        return &reader->header;
}

const char *trace_reader_text(const struct trace_reader *reader, size_t *ret_length) {
        *ret_length = reader->header.text_length;
        return reader->text;
}

int trace_writer_new(int fd, const struct trace_host *host, uint64_t limit_bytes, struct trace_writer **ret) {
        _cleanup_(trace_writer_freep) struct trace_writer *writer = NULL;
        struct trace_header header;

        trace_header_init(&header, host->text);
        header.created_ns = host->created_ns;
        memcpy(header.boot_id, host->boot_id, sizeof(header.boot_id));
        if (host->kernel)
                strncpy(header.kernel, host->kernel, sizeof(header.kernel) - 1);

        writer = malloc(sizeof(*writer));
        if (!writer) {
                close_fd(fd);
                return -ENOMEM;
        }
        memset(writer, 0, offsetof(struct trace_writer, buffer));
        writer->fd = fd;
        writer->limit_bytes = limit_bytes;
        if (limit_bytes > 0 && header.size > limit_bytes)
                return -EFBIG;

        memset(writer->buffer, 0, header.size);
        memcpy(writer->buffer, &header, sizeof(header));
        if (host->text)
                memcpy(writer->buffer + sizeof(header), host->text, header.text_length);
        writer->used = header.size;
        writer->checksum = trace_checksum(0, writer->buffer, header.size);
        writer->stats.n_bytes = header.size;

        *ret = TAKE_PTR(writer);
        return 0;
}

struct trace_writer *trace_writer_free(struct trace_writer *writer) {
        if (!writer)
                return NULL;
        close_fd(writer->fd);
        free(writer);
        return NULL;
}

static void writer_end_block(struct trace_writer *writer) {
        struct trace_block *block = (void *)(writer->buffer + writer->block);

        if (writer->n_in_block == 0)
                return;
        block->size = writer->used - writer->block - sizeof(*block);
        block->n_records = writer->n_in_block;
        block->checksum = trace_checksum(writer->checksum ^ block->n_records, block + 1, block->size);
        writer->checksum = block->checksum;
        writer->n_in_block = 0;
}

int trace_writer_flush(struct trace_writer *writer) {
        int r;

        if (writer->error < 0 && writer->error != -EFBIG)
                return writer->error;
        if (writer->used == 0)
                return 0;

        writer_end_block(writer);
        r = fd_write_full(writer->fd, writer->buffer, writer->used);
        if (r < 0)
                return writer->error = r;
        writer->used = 0;
        return 0;
}

int trace_writer_add(struct trace_writer *writer, const struct event *event) {
        size_t size = event->wire->size, more = size;
        int r = writer->error;

        if (r >= 0 && writer->n_in_block > 0 &&
            writer->used - writer->block - sizeof(struct trace_block) + size > TRACE_MAX_BLOCK)
                r = trace_writer_flush(writer);
        if (writer->n_in_block == 0)
                more += sizeof(struct trace_block);
        if (r >= 0 && writer->limit_bytes > 0 && more > writer->limit_bytes - writer->stats.n_bytes)
                r = writer->error = -EFBIG;
        if (r < 0) {
                writer->stats.n_refused++;
                return r;
        }

        if (writer->n_in_block++ == 0) {
                writer->block = writer->used;
                writer->used += sizeof(struct trace_block);
        }
        memcpy(writer->buffer + writer->used, event->wire, size);
        writer->used += size;
        writer->stats.n_bytes += more;
        writer->stats.n_records++;
        return 0;
}

void trace_writer_stats(const struct trace_writer *writer, struct trace_writer_stats *ret) {
        *ret = writer->stats;
}
