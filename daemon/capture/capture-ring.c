/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from the kernel, the ring's size - looked at once a second, and changed by exchanging the ring for another.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"

#include "capture/capture-bpf-private.h"

#define SAMPLE_INTERVAL_NS NSEC_PER_SEC

/* As far as it was seen. */
static uint64_t lost_for_room(const struct capture_bpf *bpf) {
        uint64_t n = 0;

        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                n += bpf->losses.sums[kind][WIRE_LOSS_RING_FULL] + bpf->losses.sums[kind][WIRE_LOSS_SHARE] +
                        bpf->losses.sums[kind][WIRE_LOSS_SHED];
        return n;
}

/* Nothing is lost and the order stays: no program writes to the old ring when the kernel says that it has exchanged
 * them, so it is read to its end, and the new one after that. */
static int exchange(struct capture_bpf *bpf, size_t bytes) {
        _cleanup_(sd_event_source_disable_unrefp) sd_event_source *source = NULL;
        _cleanup_(closep) int fd = -1;
        struct ring ring = {};
        bool empty;
        int r;

        fd = hooks_new_ring(bytes);
        if (fd < 0)
                return fd;
        r = ring_map(&ring, fd, bytes);
        if (r >= 0)
                r = capture_loop_watch(bpf, fd, &source);
        if (r >= 0)
                r = hooks_exchange_ring(bpf->hooks, fd, bytes);
        if (r < 0) {
                ring_unmap(&ring);
                return r;
        }
        TAKE_FD(fd);

        while (ring_pending(&bpf->ring) > 0 && capture_bpf_read(bpf, bpf->batch, &empty) > 0)
                ;
        ring_unmap(&bpf->ring);
        bpf->ring = ring;
        bpf->looked = 0;
        bpf->ring_bytes = bytes;
        overload_store(&bpf->overload, bytes, hooks_overload(bpf->hooks));
        bpf->wake_bytes = hooks_wake_bytes(bytes);
        sd_event_source_disable_unref(bpf->ring_source);
        bpf->ring_source = TAKE_PTR(source);
        bpf->capture.stats.n_resized++;
        capture_keep_turn(bpf);
        return 0;
}

void capture_ring_turn(struct capture_bpf *bpf, uint64_t now_ns) {
        enum ring_size_reason reason;
        uint64_t lost;
        size_t bytes, before = bpf->ring_bytes;
        int r;

        bpf->waited_max = MAX(bpf->waited_max, ring_pending(&bpf->ring));
        if (now_ns - bpf->sampled_ns < SAMPLE_INTERVAL_NS)
                return;
        lost = lost_for_room(bpf);
        reason = ring_size_sample(&bpf->size, bpf->waited_max, hooks_share_bytes(before), lost > bpf->lost_for_room,
                                  &bytes);
        bpf->lost_for_room = lost;
        bpf->waited_max = 0;
        bpf->sampled_ns = now_ns;
        if (reason == RING_SIZE_STAYS)
                return;

        r = exchange(bpf, bytes);
        ring_size_set(&bpf->size, bpf->ring_bytes);
        if (r < 0) {
                static struct log_limit limit = LOG_ONCE_A_MINUTE;

                log_limited(&limit, LOG_WARNING, r, "Cannot change the ring from %zu to %zu KiB, it stays: %m",
                            before >> 10, bytes >> 10);
        } else
                log_notice("The ring has %zu KiB now, and had %zu: %s (capture.ring_size, capture.ring_size_max)",
                           bytes >> 10, before >> 10, ring_size_reason_to_string(reason));
}
