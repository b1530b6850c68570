/* SPDX-License-Identifier: Apache-2.0 */
#include "ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void ring_make(struct ring *ring) {
        size_t queue_size, completions_size;

        memset(ring, 0, sizeof(*ring));
        ring->fd = (int)syscall(SYS_io_uring_setup, 8, &ring->params);
        if (ring->fd < 0)
                _exit(77);
        queue_size = ring->params.sq_off.array + ring->params.sq_entries * sizeof(uint32_t);
        completions_size = ring->params.cq_off.cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);
        ring->queue = mmap(NULL, queue_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
        ring->completions =
                mmap(NULL, completions_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
        ring->entries = mmap(NULL, ring->params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                             MAP_SHARED, ring->fd, IORING_OFF_SQES);
        if (ring->queue == MAP_FAILED || ring->completions == MAP_FAILED || ring->entries == MAP_FAILED)
                _exit(11);
}

#define AT(base, offset) ((uint32_t *)((base) + (offset)))

static int ring_enter(struct ring *ring, struct io_uring_sqe operation, unsigned wait_for) {
        uint32_t tail = *AT(ring->queue, ring->params.sq_off.tail), slot;

        slot = tail & *AT(ring->queue, ring->params.sq_off.ring_mask);
        ring->entries[slot] = operation;
        *AT(ring->queue, ring->params.sq_off.array + slot * sizeof(uint32_t)) = slot;
        __atomic_store_n(AT(ring->queue, ring->params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
        return (int)syscall(SYS_io_uring_enter, ring->fd, 1, wait_for, IORING_ENTER_GETEVENTS, NULL, 0);
}

void ring_submit(struct ring *ring, struct io_uring_sqe operation) {
        uint32_t *head = AT(ring->completions, ring->params.cq_off.head);

        (void)ring_enter(ring, operation, 0);
        __atomic_store_n(head, __atomic_load_n(AT(ring->completions, ring->params.cq_off.tail), __ATOMIC_ACQUIRE),
                         __ATOMIC_RELEASE);
}

int ring_do(struct ring *ring, struct io_uring_sqe operation) {
        bool silent = operation.flags & IOSQE_CQE_SKIP_SUCCESS;
        struct io_uring_cqe *completion;
        uint32_t head;

        if (ring_enter(ring, operation, silent ? 0 : 1) < 0)
                _exit(12);
        if (silent)
                return 0;
        head = *AT(ring->completions, ring->params.cq_off.head);
        if (head == __atomic_load_n(AT(ring->completions, ring->params.cq_off.tail), __ATOMIC_ACQUIRE))
                _exit(13);
        completion = (struct io_uring_cqe *)(ring->completions + ring->params.cq_off.cqes) +
                     (head & *AT(ring->completions, ring->params.cq_off.ring_mask));
        __atomic_store_n(AT(ring->completions, ring->params.cq_off.head), head + 1, __ATOMIC_RELEASE);
        return completion->res;
}
