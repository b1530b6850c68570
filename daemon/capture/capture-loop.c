/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from the kernel, on the loop - when the ring is read (pace.h): called, by a timer, or again at once. */
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macro.h"

#include "capture/capture-bpf-private.h"

static int set_timer(struct capture_bpf *bpf, uint64_t at_ns) {
        int r;

        r = sd_event_source_set_time(bpf->timer, at_ns / NSEC_PER_USEC + (at_ns % NSEC_PER_USEC != 0));
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(bpf->timer, SD_EVENT_ONESHOT);
}

static uint64_t next_flush_ns(const struct capture_bpf *bpf) {
        return hooks_has_bursts(bpf->hooks) ? bpf->flushed_ns + WIRE_BURST_NS : UINT64_MAX;
}

void capture_loop_flush(struct capture_bpf *bpf, uint64_t now_ns) {
        int r;

        if (likely(!hooks_has_bursts(bpf->hooks)) || now_ns - bpf->flushed_ns < WIRE_BURST_NS)
                return;
        bpf->flushed_ns = now_ns;
        r = hooks_flush_bursts(bpf->hooks, now_ns - WIRE_BURST_NS);
        if (unlikely(r < 0)) {
                static struct log_limit limit = LOG_ONCE_A_MINUTE;

                log_limited(&limit, LOG_WARNING, r,
                            "Cannot make the kernel tell what it counted, it waits for the next event of its kind: %m");
        }
}

static uint64_t next_tick_ns(const struct capture_bpf *bpf) {
        return MIN(nsec_add(bpf->ticked_ns, TICK_INTERVAL_NS), nsec_add(bpf->deadline_ns, 1));
}

void capture_loop_set_deadline(struct capture *capture, uint64_t deadline_ns) {
        struct capture_bpf *bpf = bpf_of(capture);
        uint64_t at;

        if (bpf->deadline_ns == deadline_ns)
                return;
        bpf->deadline_ns = deadline_ns;
        /* The timer is earlier already when we are awake. */
        if (bpf->timer && sd_event_source_get_time(bpf->timer, &at) >= 0 && at > next_tick_ns(bpf) / NSEC_PER_USEC)
                (void)set_timer(bpf, next_tick_ns(bpf));
}

static int set_again(struct capture_bpf *bpf) {
        __atomic_store_n(hooks_waits(bpf->hooks), WIRE_WAIT_NOT, __ATOMIC_RELAXED);
        return sd_event_source_set_enabled(bpf->again, SD_EVENT_ONESHOT);
}

/* What came between our last look and our word called nobody (bpf/reader.bpf.h). */
static bool came_meanwhile(struct capture_bpf *bpf, enum wire_wait wait) {
        size_t pending = ring_pending(&bpf->ring);      /* a barrier in front */

        if (wait == WIRE_WAIT_ANY)
                return pending > 0;
        return pending >= bpf->wake_bytes ||
                (wait >= WIRE_WAIT_URGENT && __atomic_load_n(hooks_urgent(bpf->hooks), __ATOMIC_SEQ_CST)) ||
                (wait >= WIRE_WAIT_SOON && __atomic_load_n(hooks_soon(bpf->hooks), __ATOMIC_SEQ_CST));
}

static int turn(struct capture_bpf *bpf) {
        enum wire_wait wait;
        uint64_t until_ns;
        bool empty;
        size_t n;

        __atomic_store_n(hooks_waits(bpf->hooks), WIRE_WAIT_NOT, __ATOMIC_SEQ_CST);
        __atomic_store_n(hooks_urgent(bpf->hooks), 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(hooks_soon(bpf->hooks), 0, __ATOMIC_SEQ_CST);
        capture_ring_turn(bpf, clock_boottime_ns());
        n = capture_bpf_read(bpf, bpf->batch, &empty);
        if (n == bpf->batch)
                return set_again(bpf);

        wait = pace_next(&bpf->pace, n, empty, clock_boottime_ns(), &until_ns);
        __atomic_store_n(hooks_waits(bpf->hooks), wait, __ATOMIC_SEQ_CST);
        if (empty && came_meanwhile(bpf, wait))
                return set_again(bpf);
        return set_timer(bpf, MIN(until_ns, MIN(next_flush_ns(bpf), next_tick_ns(bpf))));
}

static int on_ring(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct capture_bpf *bpf = userdata;

        bpf->capture.stats.n_wakeups++;
        pace_called(&bpf->pace);
        return turn(bpf);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        return turn(userdata);
}

static int on_again(sd_event_source *source, void *userdata) {
        return turn(userdata);
}

/* The ring comes last, so that nobody else on the loop starves: timers of the engine, signals, the bus. */
static int prepare_source(sd_event_source *source, const char *what) {
        int r;

        r = sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_source_set_description(source, what);
        if (r >= 0)
                r = sd_event_source_set_exit_on_failure(source, true);
        return r;
}

int capture_loop_watch(struct capture_bpf *bpf, int ring_fd, sd_event_source **ret) {
        int r;

        /* Edge triggered: it speaks when the kernel wakes us, not whenever there is something. */
        r = sd_event_add_io(bpf->loop, ret, ring_fd, EPOLLIN | EPOLLET, on_ring, bpf);
        return r < 0 ? r : prepare_source(*ret, "capture-ring");
}

int capture_loop_join(struct capture_bpf *bpf) {
        int r;

        r = capture_loop_watch(bpf, hooks_ring_fd(bpf->hooks), &bpf->ring_source);
        if (r >= 0)
                r = sd_event_add_time(bpf->loop, &bpf->timer, CLOCK_BOOTTIME, 0, 1, on_timer, bpf);
        if (r >= 0)
                r = prepare_source(bpf->timer, "capture-timer");
        if (r >= 0)
                r = sd_event_add_defer(bpf->loop, &bpf->again, on_again, bpf);
        if (r >= 0)
                r = prepare_source(bpf->again, "capture-again");
        return r;
}
