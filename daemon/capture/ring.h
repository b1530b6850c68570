/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Ring - the reader's side of a BPF ring buffer, straight on the shared memory.
 *
 * Not libbpf's, because we have to know three things that it does not tell: whether the ring is empty, whether its
 * first record is reserved but not finished, and how much is waiting. Records are borrowed from the ring until
 * ring_advance(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
        uint64_t *consumer;             /* mapped, ours to write */
        uint64_t *producer;             /* mapped, read only, followed by the data */
        const char *data;               /* twice in a row, so that no record is broken at the end */
        size_t size, page;
        uint64_t position;              /* where the next record begins */
        uint32_t next;                  /* bytes of the record that ring_peek() gave, with its head */
};

enum ring_state {
        RING_EMPTY,
        RING_RECORD,
        RING_BUSY,                      /* a record is reserved and not finished yet: nothing can be read past it */
};

int ring_map(struct ring *ring, int map_fd, size_t size);
void ring_unmap(struct ring *ring);

/* The next record, 8-byte aligned. Skips discarded ones. */
enum ring_state ring_peek(struct ring *ring, const void **ret_data, size_t *ret_size);

/* The record at a position, which is first that of the ring and then behind the record: looks ahead, and gives nothing
 * back. */
enum ring_state ring_look(const struct ring *ring, uint64_t *position, const void **ret_data, size_t *ret_size);

/* Give the record of the last ring_peek() back to the kernel. */
void ring_advance(struct ring *ring);

/* Bytes that wait, finished or not. With a full memory barrier in front: what was written before is seen by others
 * before the answer is read. */
size_t ring_pending(const struct ring *ring);
