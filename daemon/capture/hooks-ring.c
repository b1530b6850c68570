/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks, ring - what the programs and the reader of their ring share, and how one ring is exchanged for another. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"

#include "capture/hooks-private.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"               /* generated code */
#include "sensor.skel.h"
#pragma GCC diagnostic pop

size_t hooks_wake_bytes(size_t ring_bytes) {
        return MIN(ring_bytes / 4, (size_t)128 << 10);
}

size_t hooks_share_bytes(size_t ring_bytes) {
        return ring_bytes / 4 * 3;
}

int hooks_ring_fd(const struct hooks *hooks) {
        return hooks->maps[KEPT_RING];
}

uint32_t *hooks_waits(struct hooks *hooks) {
        return &hooks->knobs->reader_waits;
}

uint32_t *hooks_urgent(struct hooks *hooks) {
        return &hooks->knobs->reader_urgent;
}

uint32_t *hooks_soon(struct hooks *hooks) {
        return &hooks->knobs->reader_soon;
}

int hooks_new_ring(size_t bytes) {
        int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, (uint32_t)bytes, NULL);

        return fd < 0 ? -errno : fd;
}

static void set_share(struct hooks *hooks, size_t bytes) {
        __atomic_store_n(&hooks->knobs->ring_share_bytes, hooks_share_bytes(bytes), __ATOMIC_SEQ_CST);
        __atomic_store_n(&hooks->knobs->ring_wake_bytes, hooks_wake_bytes(bytes), __ATOMIC_SEQ_CST);
}

int hooks_exchange_ring(struct hooks *hooks, int ring_fd, size_t bytes) {
        bool smaller = hooks_share_bytes(bytes) < hooks->knobs->ring_share_bytes;
        uint32_t zero = 0;
        int r;

        /* The share is never more than the ring that is in use has. */
        if (smaller)
                set_share(hooks, bytes);
        r = bpf_map_update_elem(hooks->maps[KEPT_RINGS], &zero, &ring_fd, BPF_ANY);
        if (r < 0) {
                r = -errno;
                if (smaller)
                        set_share(hooks, bytes * 2);
                return r;
        }
        if (!smaller)
                set_share(hooks, bytes);
        close_fd(hooks->maps[KEPT_RING]);
        hooks->maps[KEPT_RING] = ring_fd;
        hooks->ring_bytes = bytes;
        hooks->n_changes++;
        return 0;
}
