/* SPDX-License-Identifier: Apache-2.0 */
/* Trace file - recordings on disk and through pipes. The one part of this room that does I/O.
 *
 * Files are read, not mapped: a file that somebody truncates under a mapping ends the process with a signal. */
#pragma once

#include "event/trace.h"

struct trace_reader;
struct trace_writer;

/* Read a recording from a file or a pipe. trace_reader_new() takes the descriptor, on success and on failure.
 * *ret_state says what is wrong where the error is one of trace.h's, and has TRACE_FINE for others (-ENOENT, -EISDIR,
 * -ENOMEM, -EIO). It may be NULL. */
int trace_reader_open(const char *path, struct trace_reader **ret, struct trace_state *ret_state);
int trace_reader_new(int fd, struct trace_reader **ret, struct trace_state *ret_state);
struct trace_reader *trace_reader_free(struct trace_reader *reader);

/* The next record, good until the next call: 1. 0 at the end. Errors as in trace.h, and -EIO; after one, the same
 * again. */
int trace_reader_next(struct trace_reader *reader, struct event *ret);

const struct trace_state *trace_reader_state(const struct trace_reader *reader);
const struct trace_header *trace_reader_header(const struct trace_reader *reader);
const char *trace_reader_text(const struct trace_reader *reader, size_t *ret_length);

/* Write a recording. Takes the descriptor, on success and on failure. `limit_bytes` is how large the file may become, 0
 * for any size. */
struct trace_host {
        uint64_t created_ns;            /* CLOCK_REALTIME */
        uint8_t boot_id[16];
        const char *kernel;             /* release, cut to fit */
        const char *text;               /* a page about the host and the recording, for people; may be NULL */
};
int trace_writer_new(int fd, const struct trace_host *host, uint64_t limit_bytes, struct trace_writer **ret);

/* Closes; what is not flushed is lost. */
struct trace_writer *trace_writer_free(struct trace_writer *writer);

/* Append a record, buffered until its block is full. -EFBIG: it would pass the limit; nothing more is taken, the file
 * is whole and ends here. Other errors are the disk's and stay: what follows is refused, and the file may end in a torn
 * block. */
int trace_writer_add(struct trace_writer *writer, const struct event *event);

/* End the block and hand it to the kernel: a reader then finds all records so far. */
int trace_writer_flush(struct trace_writer *writer);

struct trace_writer_stats {
        uint64_t n_records, n_bytes;    /* taken, header included in bytes */
        uint64_t n_refused;             /* records beyond the limit or after an error */
};
void trace_writer_stats(const struct trace_writer *writer, struct trace_writer_stats *ret);
