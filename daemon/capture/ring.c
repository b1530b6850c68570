/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ring.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macro.h"

int ring_map(struct ring *ring, int map_fd, size_t size) {
        size_t page = sysconf(_SC_PAGESIZE);
        void *consumer, *producer;

        assert(is_pow2(size) && size % page == 0);

        consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
        if (consumer == MAP_FAILED)
                return -errno;
        producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, map_fd, page);
        if (producer == MAP_FAILED) {
                int r = -errno;

                munmap(consumer, page);
                return r;
        }
        *ring = (struct ring){
                .consumer = consumer,
                .producer = producer,
                .data = (char *)producer + page,
                .size = size,
                .page = page,
                .position = *(uint64_t *)consumer,
        };
        return 0;
}

void ring_unmap(struct ring *ring) {
        if (ring->consumer)
                munmap(ring->consumer, ring->page);
        if (ring->producer)
                munmap(ring->producer, ring->page + 2 * ring->size);
        *ring = (struct ring){};
}

struct entry {
        const char *data;
        uint32_t bytes, room;           /* of the data; with its head, and to the next one */
        bool busy, discarded;
};

/* What is at a position. False: nothing yet. */
static bool entry_at(const struct ring *ring, uint64_t position, struct entry *ret) {
        const char *head = ring->data + (position & (ring->size - 1));
        uint32_t length;

        if (position >= __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE))
                return false;
        length = __atomic_load_n((const uint32_t *)head, __ATOMIC_ACQUIRE);
        ret->data = head + BPF_RINGBUF_HDR_SZ;
        ret->bytes = length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
        ret->room = ALIGN_UP(ret->bytes + BPF_RINGBUF_HDR_SZ, 8);
        ret->busy = length & BPF_RINGBUF_BUSY_BIT;
        ret->discarded = length & BPF_RINGBUF_DISCARD_BIT;
        return true;
}

enum ring_state ring_look(const struct ring *ring, uint64_t *position, const void **ret_data, size_t *ret_size) {
        struct entry entry;

        while (entry_at(ring, *position, &entry)) {
                if (entry.busy)
                        return RING_BUSY;
                *position += entry.room;
                if (!entry.discarded) {
                        *ret_data = entry.data;
                        *ret_size = entry.bytes;
                        return RING_RECORD;
                }
        }
        return RING_EMPTY;
}

enum ring_state ring_peek(struct ring *ring, const void **ret_data, size_t *ret_size) {
        struct entry entry;

        while (entry_at(ring, ring->position, &entry)) {
                if (entry.busy)
                        return RING_BUSY;
                ring->next = entry.room;
                if (!entry.discarded) {
                        *ret_data = entry.data;
                        *ret_size = entry.bytes;
                        return RING_RECORD;
                }
                ring_advance(ring);
        }
        return RING_EMPTY;
}

void ring_advance(struct ring *ring) {
        ring->position += ring->next;
        ring->next = 0;
        __atomic_store_n(ring->consumer, ring->position, __ATOMIC_RELEASE);
}

size_t ring_pending(const struct ring *ring) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) - ring->position;
}
