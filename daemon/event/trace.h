/* SPDX-License-Identifier: Apache-2.0 */
/* Trace - the format of a recording: a header that says what was recorded where, and then the records of the stream as
 * they were.
 *
 * A recording is read by the version that wrote it, or by one with the same records: another layout is refused, and the
 * refusal says why. docs/RECORDINGS.md has the layout. This is the format as bytes, trace-file.h has files. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

#define TRACE_VERSION 2 /* of this header and of blocks; the records have WIRE_VERSION and the fingerprint */
#define TRACE_MAX_TEXT 4096

/* What is recorded about the host. Strings are ended by NUL. All in the writer's byte order. */
struct trace_header {
        char magic[8];                  /* TRACE_MAGIC */
        uint32_t byte_order;            /* TRACE_BYTE_ORDER as the writer's machine writes it */
        uint32_t version;               /* TRACE_VERSION */
        uint32_t size;                  /* of the header with its text, a multiple of 8: the first record is there */
        uint32_t wire_version;
        uint64_t fingerprint;           /* of kinds and fields: trace_fingerprint() */
        uint64_t created_ns;            /* CLOCK_REALTIME */
        uint8_t boot_id[16];
        char machine[16];               /* "x86_64": flags and errors have other numbers elsewhere */
        char kernel[96];                /* release */
        uint32_t text_length;           /* of the text behind this struct */
        uint32_t pad;
};

_Static_assert(sizeof(struct trace_header) == 176, "the header is part of TRACE_VERSION");

/* Records stand in blocks. What is in one is looked at only when its checksum is right: damage is found before anything
 * of it is believed, wherever it is. Each sum covers the one before it, the first the header, so no block can be taken
 * out, doubled or moved either. It is no signature: who can write the file can make sums. */
struct trace_block {
        uint32_t size;                  /* of the records behind this, a multiple of 8, at most TRACE_MAX_BLOCK */
        uint32_t n_records;
        uint64_t checksum;              /* trace_checksum() */
};

#define TRACE_MAX_BLOCK (128U << 10)
_Static_assert(sizeof(struct trace_block) == 16, "blocks are part of TRACE_VERSION");

/* As PNG's: bytes above 127, CR LF and LF show a transfer that changed them. */
#define TRACE_MAGIC "\x8b" "XRAY\r\n\n"
#define TRACE_BYTE_ORDER 0x01020304u

/* What is wrong with a recording. */
enum trace_fault {
        TRACE_FINE,
        TRACE_FOREIGN,                  /* -EBADMSG: no recording at all */
        TRACE_BYTES,                    /* -EPROTO: of a machine with another byte order */
        TRACE_FORMAT,                   /* -EPROTO: of another TRACE_VERSION */
        TRACE_WIRE,                     /* -EPROTO: of another WIRE_VERSION */
        TRACE_SCHEMA,                   /* -EPROTO: of a build with other kinds or fields */
        TRACE_MACHINE,                  /* -EPROTO: of another kind of machine */
        TRACE_HEADER,                   /* -EBADMSG: the header is damaged or cut */
        TRACE_BLOCK,                    /* -EBADMSG: the block at `offset` is damaged */
        TRACE_RECORD,                   /* -EBADMSG: the record at `offset` is none, in a block that is as written */
        TRACE_TORN,                     /* -ENODATA: it ends within the block at `offset`; all before it were good */
};

/* Where a reader is in a recording. */
struct trace_state {
        enum trace_fault fault;
        uint64_t offset;                /* of the next block or record, or of the one with the fault */
        uint64_t n_records;             /* good ones so far */
        uint64_t time_ns;               /* stream time */
        uint64_t checksum;              /* of the last block, or of the header */
        uint32_t version;               /* that the file says it has */
};

/* The layout of all records as one number: the same if and only if they can be read. */
uint64_t trace_fingerprint(void);

/* Of a header: previous 0. Of a block: the sum before it, and its records. */
uint64_t trace_checksum(uint64_t previous, const void *data, size_t n);

/* A header for this machine and this build. `text` may be NULL and is cut to TRACE_MAX_TEXT; the caller fills in
 * boot_id, kernel and created_ns, and writes the struct, the text and zeroes up to size. */
void trace_header_init(struct trace_header *header, const char *text);

/* Look at the first n bytes of a file, aligned to 8. 1: the header is there and good, *ret_header points to it and
 * state->offset is the first block. 0: more bytes are needed. Else state->fault and its error. */
int trace_take_header(struct trace_state *state, const void *data, size_t n, const struct trace_header **ret_header);

/* Look at the n bytes from state->offset, aligned to 8. 1: a whole block is there and undamaged, state->offset is its
 * first record, and all of them end *ret_size bytes behind it. 0: more bytes are needed. Else state->fault and its
 * error. */
int trace_take_block(struct trace_state *state, const void *data, size_t n, size_t *ret_size);

/* Look at the n bytes from state->offset, aligned to 8. 1: *ret is the record, with its number and stream time, and
 * state goes on behind it (ret->wire->size). 0: more bytes are needed. Else state->fault and its error. */
int trace_take_record(struct trace_state *state, const void *data, size_t n, struct event *ret);

/* The file ends and n bytes are left over: 0 if none are, else state->fault and its error. */
int trace_take_end(struct trace_state *state, size_t n);

/* One sentence for people about state->fault, with the place and what to do. Cut to size, ended by NUL. */
void trace_describe(const struct trace_state *state, char *buffer, size_t size);
