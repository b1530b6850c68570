/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from the running kernel: what is read from its ring. When it is read: capture-loop.c. */
#include "capture/capture.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"

#include "capture/capture-bpf-private.h"
#include "capture/kernel.h"
#include "capture/snapshot.h"
#include "capture/tidy.h"

#define DEFAULT_RING_BYTES ((size_t)8 << 20)
#define MIN_RING_BYTES ((size_t)64 << 10)
#define DEFAULT_LATENCY_NS NSEC_PER_MSEC
#define DEFAULT_BATCH 512
#define STALL_NS (10 * NSEC_PER_MSEC)
#define DEFAULT_PROCESSES 65536
#define PID_NAMESPACE_OF_THE_HOST 0xEFFFFFFCU   /* inode number, the same on every Linux */

#define CORE_KINDS (wire_kind_bit(WIRE_KIND_fork) | wire_kind_bit(WIRE_KIND_execve) | wire_kind_bit(WIRE_KIND_exit))

/* ---- loss ---- */

static void see_losses(struct capture_bpf *bpf, size_t cpu, const losses_table lost) {
        uint64_t kinds = losses_see(&bpf->losses, cpu, lost), n_groups = 0;

        if (kinds & CORE_KINDS && bpf->sees_all)
                mend_want(&bpf->mend, clock_boottime_ns());
        if (kinds & INTEREST_NAMESPACE_KINDS && bpf->interest.namespaces)
                bpf->moves_lost = true;

        /* A kind without a bit. */
        for (int reason = 0; reason < _WIRE_LOSS_MAX; reason++)
                n_groups += bpf->losses.sums[WIRE_KIND_cgroup][reason];
        if (n_groups != bpf->groups_lost)
                context_doubt(&bpf->context);
        bpf->groups_lost = n_groups;
}

/* The time is read behind the counters: no loss that was seen is later. */
static void tell_gaps(struct capture_bpf *bpf) {
        uint64_t now_ns = clock_boottime_ns();
        struct losses_gap gap;

        while (losses_next(&bpf->losses, now_ns, bpf->tell_all, &gap))
                tell_gap(bpf, gap.kinds, gap.count, gap.reason, gap.until_ns);
        bpf->tell_all = false;
}

/* What was lost behind the ring, or without the programs' counting it. */
static void tell_own_losses(struct capture_bpf *bpf) {
        losses_table lost;

        memcpy(lost, bpf->capture.stats.lost, sizeof(lost));
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                lost[kind][WIRE_LOSS_SKIPPED] += bpf->skipped[kind] - bpf->base.lost[kind][WIRE_LOSS_SKIPPED];
        see_losses(bpf, bpf->losses.n_cpus, lost);
        tell_gaps(bpf);
}

/* A look at one word of each CPU, whenever what was there at the last look is read. Where the ring ends is read first:
 * what was lost before a record in it was written is counted then. */
static void look_for_loss(struct capture_bpf *bpf) {
        bpf->looked = bpf->ring.position + ring_pending(&bpf->ring);
        for (size_t cpu = 0; cpu < bpf->losses.n_cpus; cpu++) {
                const struct wire_counters *counters = hooks_counters(bpf->hooks, cpu);

                if (losses_is_new(&bpf->losses, cpu, __atomic_load_n(&counters->lost_total, __ATOMIC_ACQUIRE)))
                        see_losses(bpf, cpu, counters->lost);
        }
        if (unlikely(bpf->losses.reasons))
                tell_gaps(bpf);
}

static void count_priority(void *userdata, enum wire_priority priority, uint64_t *ret_produced, uint64_t *ret_shed) {
        const struct capture_bpf *bpf = userdata;

        *ret_produced = *ret_shed = 0;
        for (int kind = 1; kind < _WIRE_KIND_MAX; kind++) {
                if (event_priority((enum wire_kind)kind) != priority)
                        continue;
                for (size_t cpu = 0; cpu < hooks_n_cpus(bpf->hooks); cpu++) {
                        *ret_shed += hooks_counters(bpf->hooks, cpu)->lost[kind][WIRE_LOSS_SHED];
                        *ret_produced += hooks_counters(bpf->hooks, cpu)->produced[kind];
                }
        }
}

/* ---- what a loss left wrong (mend.h) ---- */

static void on_gone(const struct wire_header *last, void *userdata) {
        struct capture_bpf *bpf = userdata;

        own_begin_about(bpf, WIRE_KIND_exit, last, bpf->capture.clock_ns);
        bpf->own.header.flags |= WIRE_MENDED | (last->flags & WIRE_KTHREAD);
        own_deliver(bpf);
        bpf->capture.stats.n_mended_exits++;
}

static void on_found(struct record *record, bool supervisor, void *userdata) {
        struct capture_bpf *bpf = userdata;
        struct identity id = {.start_ns = record->header.start_ns, .pid = record->header.tgid};

        if (supervisor && id.pid > 2)
                (void)hooks_add_supervisor(bpf->hooks, &id);
        record->header.time_ns = bpf->capture.clock_ns;
        (void)capture_deliver_own(&bpf->capture, &record->header);
        bpf->capture.stats.n_mended_processes++;
}

static void mend_turn(struct capture_bpf *bpf, uint64_t now_ns) {
        static const struct mend_sink sink = {.on_gone = on_gone, .on_found = on_found};

        if (unlikely(mend_is_due(&bpf->mend, &bpf->ring, now_ns))) {
                _cleanup_(closep) int fd = hooks_open_snapshot(bpf->hooks);
                int r = fd;

                if (r >= 0)
                        r = mend_begin(&bpf->mend, fd, (const char *const *)bpf->supervisors, bpf->n_supervisors,
                                       &bpf->ring);
                if (r < 0) {
                        static struct log_limit limit = LOG_ONCE_A_MINUTE;

                        bpf->mend.next_ns = now_ns + MEND_INTERVAL_NS;
                        log_limited(&limit, LOG_WARNING, r,
                                    "Cannot see which processes are left after a loss, trying again: %m");
                }
        }
        mend_finish(&bpf->mend, &bpf->ring, &bpf->copy, &sink, bpf);
}

/* A new process with a pid that somebody has: that one's end was lost. */
static void look_for_other(struct capture_bpf *bpf, const struct event *event) {
        struct identity id = census_subject(event);
        struct resident *other = census_find_other(&bpf->mend.census, &id);

        if (unlikely(other)) {
                struct wire_header last = other->last;
                struct identity other_id = {.start_ns = last.start_ns, .pid = last.tgid};

                census_remove(&bpf->mend.census, &other_id);
                on_gone(&last, bpf);
        }
}

/* ---- records from the kernel ---- */

/* A listed program that PID 1 starts is the main process of a unit. Its children's trees are decided in the kernel, so
 * the kernel is told, and the process table through a record of the same form as in the snapshot. */
static void look_for_supervisor(struct capture_bpf *bpf, const struct event *event) {
        struct identity id = event_actor(event);
        struct value exe;
        int r;

        if (event->wire->creator_tgid != 1 || event->wire->result < 0)
                return;
        event_get(event, (enum field)WIRE_FIELD_execve_exe, &exe);
        if (exe.state != VALUE_KNOWN)
                return;
        for (size_t i = 0; i < bpf->n_supervisors; i++) {
                if (!memeq_str(exe.bytes, exe.length, bpf->supervisors[i]))
                        continue;
                r = hooks_add_supervisor(bpf->hooks, &id);
                if (r < 0) {
                        static struct log_limit limit = LOG_ONCE_A_MINUTE;

                        log_limited(&limit, LOG_WARNING, r,
                                    "Cannot enter process %u as a supervisor, its children count as one activity: %m",
                                    id.pid);
                        return;
                }
                own_begin_about(bpf, WIRE_KIND_process, event->wire, event->wire->time_ns);
                record_set_value(&bpf->own, (enum field)WIRE_FIELD_process_exe, &exe);
                record_set_number(&bpf->own, (enum field)WIRE_FIELD_process_supervisor, true);
                own_deliver(bpf);
                return;
        }
}

/* The first 32-bit program: its calls are others' business in the kernel. */
static void look_for_compat(struct capture_bpf *bpf, const struct wire_header *header) {
        int r;

        if (likely(!(header->flags & WIRE_COMPAT)) || bpf->compat != CAPTURE_COMPAT_AUTO)
                return;
        r = hooks_watch_compat(bpf->hooks);
        if (r < 0) {
                bpf->compat = CAPTURE_COMPAT_OFF;
                log_warning_errno(r, "Cannot watch the system calls of 32-bit programs: %m");
        } else if (r > 0)
                log_notice(
                        "Process %u runs a 32-bit program: from now on such system calls are watched, too, and every "
                        "system call on this host costs a little more (capture.compat)",
                        header->tgid);
}

static void look_for_context(struct capture_bpf *bpf, const struct event *event) {
        struct identity id = event_actor(event);
        struct resident *last = NULL;

        if (CORE_KINDS & wire_kind_bit(event_kind(event)))
                last = census_find(&bpf->mend.census, &id);
        else if (event_kind(event) != WIRE_KIND_cgroup)
                return;
        context_see(&bpf->context, event, last ? &last->last : NULL);
}

void capture_bpf_take(struct capture_bpf *bpf, const void *data, size_t size) {
        const struct wire_header *header = data;
        const char *subject = NULL;
        enum wire_reason reason;
        struct event event;

        if (unlikely(event_parse(data, size, &event) < 0)) {
                bpf->consumed[size >= sizeof(*header) && header->kind < _WIRE_KIND_MAX ? header->kind : WIRE_NONE]++;
                (void)capture_deliver(&bpf->capture, data, size, NULL);         /* counts it */
                tell_own_losses(bpf);
                return;
        }
        bpf->consumed[header->kind] += event_count(&event);
        if (capture_keep_looks(bpf) && capture_keep_drops(bpf, &event))
                return;
        deny_read(bpf, header->time_ns);
        groups_find(bpf, header);
        if (CORE_KINDS & wire_kind_bit(header->kind))
                look_for_other(bpf, &event);

        if (tidy_event(&event, &bpf->copy))
                header = &bpf->copy.header;
        if (deny_completes(bpf, header))
                header = &bpf->copy.header;
        if (header == data)
                capture_pass(&bpf->capture, &event);
        else if (capture_deliver(&bpf->capture, header, header->size, &event) < 0)
                return;

        reason = tidy_obscured(&event, &subject);
        if (unlikely(reason != WIRE_OBSCURED_NONE))
                tell_obscured(bpf, event.wire, reason, subject);
        look_for_context(bpf, &event);
        groups_see(bpf, &event);
        if (CORE_KINDS & wire_kind_bit(event_kind(&event)))
                mend_see(&bpf->mend, &event);
        if (event_kind(&event) == WIRE_KIND_execve) {
                look_for_supervisor(bpf, &event);
                look_for_compat(bpf, event.wire);
        }
}

/* The first record is reserved and unfinished: its writer was interrupted. Longer than 10 ms means that nothing more
 * can be read for now, and what follows may be lost. */
static void look_for_stall(struct capture_bpf *bpf, uint64_t now_ns) {
        if (bpf->busy_since_ns == 0) {
                bpf->busy_since_ns = now_ns;
                return;
        }
        if (bpf->stalled || now_ns - bpf->busy_since_ns < STALL_NS)
                return;
        bpf->stalled = true;
        bpf->capture.stats.n_stalls++;
        tell_gap(bpf, 0, 0, WIRE_LOSS_STALLED, now_ns);
}

/* What is made of the processes that run: the stream and the kernel learn of them; the stream alone, for the kernel was
 * watched before; or both know, and are told again. */
enum telling {
        TELL_FIRST,
        TELL_ADOPTED,
        TELL_AGAIN,
};

static int tell_snapshot(struct capture_bpf *bpf, uint64_t time_ns, enum telling telling);

/* Who unshared or entered what before anybody listened, or in a record that was lost, is seen by looking at all that
 * run. */
static void tell_namespaces(struct capture_bpf *bpf) {
        static struct log_limit limit = LOG_ONCE_A_MINUTE;
        int r;

        r = tell_snapshot(bpf, bpf->capture.clock_ns, TELL_AGAIN);
        bpf->moves_lost = r < 0;
        if (r < 0)
                log_limited(&limit, LOG_WARNING, r, "Cannot see in which namespaces processes live, trying again: %m");
}

/* Once a second: what costs system calls. */
static void look_around(struct capture_bpf *bpf, uint64_t now_ns) {
        uint64_t skipped[_WIRE_KIND_MAX];

        hooks_reap(bpf->hooks);
        capture_keep_turn(bpf);
        context_turn(&bpf->context);
        tell_clock(bpf, now_ns);
        if (bpf->moves_lost)
                tell_namespaces(bpf);
        hooks_count_skipped(bpf->hooks, UINT64_MAX, skipped);
        if (memcmp(skipped, bpf->skipped, sizeof(skipped)) != 0) {
                /* A detached program takes its count with it. */
                for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                        bpf->skipped[kind] = MAX(bpf->skipped[kind], skipped[kind]);
                memcpy(bpf->keep.ledger->skipped, bpf->skipped, sizeof(bpf->skipped));
                tell_own_losses(bpf);
        }
}

size_t capture_bpf_read(struct capture_bpf *bpf, size_t max, bool *ret_empty) {
        uint64_t before_ns = clock_boottime_ns();
        enum ring_state state = RING_RECORD;
        size_t n = 0, pending;

        *ret_empty = false;
        capture_reads(&bpf->capture);
        bpf->capture.stats.n_turns++;
        capture_loop_flush(bpf, before_ns);
        pending = ring_pending(&bpf->ring);
        bpf->capture.stats.ring_pending_max = MAX(bpf->capture.stats.ring_pending_max, pending);
        overload_look(bpf->shedding, hooks_overload(bpf->hooks), bpf->ring_bytes, pending, before_ns, count_priority,
                      bpf);

        while (n < max) {
                const void *data;
                size_t size;

                if (bpf->ring.position >= bpf->looked)
                        look_for_loss(bpf);
                state = ring_peek(&bpf->ring, &data, &size);
                if (state != RING_RECORD)
                        break;
                bpf->busy_since_ns = 0;
                bpf->stalled = false;
                capture_bpf_take(bpf, data, size);
                ring_advance(&bpf->ring);
                n++;
                /* A busy ring is never seen empty: look at the clock now and then. */
                if (n % 256 == 0)
                        before_ns = clock_boottime_ns();
        }

        mend_turn(bpf, before_ns);
        if (state == RING_BUSY)
                look_for_stall(bpf, before_ns);
        if (state == RING_EMPTY) {
                *ret_empty = true;
                bpf->busy_since_ns = 0;
                if (before_ns - bpf->ticked_ns >= TICK_INTERVAL_NS) {
                        look_around(bpf, before_ns);
                        tell_tick(bpf, before_ns);
                } else if (bpf->deadline_ns < before_ns)
                        tell_tick(bpf, before_ns);
        }
        capture_has_read(&bpf->capture);
        return n;
}

/* ---- the operations ---- */

/* What it has to do once, beside the stream. The kernel learns where each belongs, unless it was watched before. */
static int enter(struct capture_bpf *bpf, const struct wire_header *header) {
        struct identity id = {.start_ns = header->start_ns, .pid = header->tgid};
        struct identity creator = {.start_ns = header->creator_start_ns, .pid = header->creator_tgid};
        struct identity tree = {.start_ns = header->tree_start_ns, .pid = header->tree_tgid};
        int r;

        look_for_compat(bpf, header);
        if (!hooks_is_adopted(bpf->hooks)) {
                r = hooks_add_seed(bpf->hooks, &id, &creator, &tree);
                if (r < 0 && r != -E2BIG)
                        return r;
        }
        if (((const struct wire_process *)header)->supervisor && id.pid > 2)
                (void)hooks_add_supervisor(bpf->hooks, &id);
        return 0;
}

/* The process before knew this one, and better: who created it, and what it ran then. */
static bool is_told(const struct capture_bpf *bpf, const struct wire_header *header) {
        struct identity id = {.start_ns = header->start_ns, .pid = header->tgid};

        return bpf->keep.told_table && census_find(&bpf->mend.census, &id);
}

static int tell_snapshot(struct capture_bpf *bpf, uint64_t time_ns, enum telling telling) {
        _cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
        _cleanup_(closep) int fd = -1;
        int r;

        fd = hooks_open_snapshot(bpf->hooks);
        if (fd < 0)
                return fd;
        r = snapshot_read(fd, (const char *const *)bpf->supervisors, bpf->n_supervisors, &snapshot);
        if (r < 0)
                return r;

        for (size_t i = 0; i < snapshot_size(snapshot); i++) {
                const struct wire_header *header = snapshot_get(snapshot, i, &bpf->copy);

                if (!header)
                        continue;
                if (telling != TELL_AGAIN && is_told(bpf, header)) {
                        look_for_compat(bpf, header);
                        continue;
                }
                if (telling != TELL_AGAIN) {
                        r = enter(bpf, header);
                        if (r < 0)
                                return r;
                        /* Its fork waits in the ring. */
                        if (bpf->keep.watched && header->start_ns > time_ns)
                                continue;
                }

                /* The time of all is the one before the first hook: nothing in the ring is older. */
                bpf->copy.header.time_ns = time_ns;
                (void)capture_deliver_own(&bpf->capture, header);
                if (telling != TELL_AGAIN)
                        mend_see(&bpf->mend, &(struct event){.wire = header});
        }
        return telling == TELL_FIRST ? hooks_plant_seeds(bpf->hooks) : 0;
}

/* With hundreds of places to attach to, or of patterns, the ring would fill. What comes now is still told under the old
 * interest. */
static void read_meanwhile(void *userdata) {
        struct capture_bpf *bpf = userdata;
        bool empty;

        (void)capture_bpf_read(bpf, bpf->batch, &empty);
}

/* Get ready what can be left out in the kernel beside the interest. NULL: nothing. */
static const struct prefilter *take_prefilter(struct capture_bpf *bpf, void (*meanwhile)(void *userdata)) {
        const struct prefilter *prefilter = bpf->capture.prefilter;
        int r;

        bpf->capture.prefilter = NULL;
        if (!prefilter)
                return NULL;
        r = hooks_fill_prefilter(bpf->hooks, prefilter, meanwhile, bpf);
        if (r < 0) {
                log_warning_errno(r, "Cannot tell the kernel what no policy could use, all of it is told: %m");
                return NULL;
        }
        return prefilter;
}

static int bpf_start(struct capture *capture, sd_event *loop, uint64_t generation) {
        struct capture_bpf *bpf = bpf_of(capture);
        uint64_t now_ns = clock_boottime_ns(), begin_ns;
        bool adopted = hooks_is_adopted(bpf->hooks);
        int r;

        bpf->generation = generation;
        bpf->ticked_ns = now_ns;
        bpf->loop = loop;

        /* Once before anything is attached: the programs learn who we are and where the host's root is. */
        hooks_forget_self(bpf->hooks);
        {
                _cleanup_(closep) int fd = hooks_open_snapshot(bpf->hooks);
                char unused[4096];

                while (fd >= 0 && read(fd, unused, sizeof(unused)) > 0)
                        ;
        }

        /* Stories of a process before us may be open: capture_go_on_behind(). */
        hooks_use_prefilter(bpf->hooks, take_prefilter(bpf, NULL), bpf->capture.number > 0);
        r = hooks_attach_core(bpf->hooks);
        if (r < 0)
                return r;
        r = hooks_set_interest(bpf->hooks, &bpf->interest, NULL, NULL);
        if (r >= 0 && bpf->compat == CAPTURE_COMPAT_ALWAYS)
                r = hooks_watch_compat(bpf->hooks);
        if (r < 0)
                return r;

        begin_ns = capture_keep_begin_ns(bpf, now_ns);
        tell_clock(bpf, begin_ns);
        hierarchy_scan(&bpf->hierarchy, tell_cgroup, bpf);
        bpf->keep.told_table = bpf->keep.watched && capture_keep_tell_table(bpf, begin_ns, enter);
        __atomic_store_n(hooks_snapshot_is_first(bpf->hooks), !adopted, __ATOMIC_RELEASE);
        r = tell_snapshot(bpf, begin_ns, adopted ? TELL_ADOPTED : TELL_FIRST);
        __atomic_store_n(hooks_snapshot_is_first(bpf->hooks), 0, __ATOMIC_RELEASE);
        if (r < 0)
                return log_error_errno(r, "Cannot take a snapshot of the running processes: %m%s",
                                       r == -EMFILE || r == -ENFILE ? "; " CAPTURE_CROWDED : "");
        tell_start(bpf);
        capture_keep_go_on(bpf);

        if (loop) {
                r = capture_loop_join(bpf);
                if (r >= 0)
                        r = deny_join(bpf);
                if (r < 0)
                        return log_error_errno(r, "Cannot watch the ring: %m");
        }
        context_begin(&bpf->context);
        context_set_kinds(&bpf->context, loop, bpf->interest.kinds);
        hooks_detach_unneeded(bpf->hooks);
        capture_keep_publish(bpf);
        return 0;
}

static int bpf_dispatch(struct capture *capture, size_t max) {
        struct capture_bpf *bpf = bpf_of(capture);
        uint64_t begun_ns;
        bool empty;
        size_t n;

        context_process(&bpf->context);
        begun_ns = deny_is_used(bpf) ? clock_boottime_ns() : 0;
        n = capture_bpf_read(bpf, max, &empty);
        /* What came before a verdict of that time was in the ring: whoever is refused something is known. */
        if (empty && begun_ns > 0)
                deny_read_begun(bpf, begun_ns);
        return n;
}

static void bpf_flush(struct capture *capture) {
        struct capture_bpf *bpf = bpf_of(capture);

        (void)hooks_flush_bursts(bpf->hooks, UINT64_MAX);
        bpf->tell_all = true;
}

/* What was told before the new filters were in force belongs in front of `start`: a story that began with it under the
 * new policies would have armed nothing. As much as was there, and a little more. */
static void read_before(struct capture_bpf *bpf) {
        size_t left = ring_pending(&bpf->ring) / sizeof(struct wire_header) + 1;
        bool empty = false;

        while (left > 0 && !empty) {
                size_t n = capture_bpf_read(bpf, MIN(bpf->batch, left), &empty);

                left -= MIN(left, MAX(n, (size_t)1));
        }
}

static int bpf_set_interest(struct capture *capture, const struct interest *interest, uint64_t generation) {
        struct capture_bpf *bpf = bpf_of(capture);
        const struct prefilter *prefilter = take_prefilter(bpf, read_meanwhile);
        int r;

        r = hooks_set_interest(bpf->hooks, interest, read_meanwhile, bpf);
        if (r < 0)
                return r;
        hooks_use_prefilter(bpf->hooks, prefilter, false);
        read_before(bpf);
        bpf->generation = generation;
        if (interest->namespaces && !bpf->interest.namespaces)
                tell_namespaces(bpf);
        bpf->interest = *interest;
        tell_start(bpf);
        context_set_kinds(&bpf->context, bpf->loop, interest->kinds);
        hooks_detach_unneeded(bpf->hooks);
        capture_keep_publish(bpf);
        return 0;
}

static void bpf_set_overload(struct capture *capture, const struct capture_overload *overload) {
        struct capture_bpf *bpf = bpf_of(capture);

        bpf->overload = *overload;
        overload_store(overload, bpf->ring_bytes, hooks_overload(bpf->hooks));
}

static void bpf_set_pace(struct capture *capture, uint64_t max_latency_ns, bool wake_urgent, bool patient,
                         bool wake_each) {
        pace_set(&bpf_of(capture)->pace, max_latency_ns ?: DEFAULT_LATENCY_NS, wake_urgent, patient, wake_each);
}

static int bpf_retell(struct capture *capture) {
        struct capture_bpf *bpf = bpf_of(capture);
        int r;

        bpf->clock_offset_ns = 0;       /* as if it had not been told */
        tell_clock(bpf, capture->clock_ns);
        hierarchy_forget(&bpf->hierarchy);
        context_pause(&bpf->context);
        hierarchy_scan(&bpf->hierarchy, tell_cgroup, bpf);
        context_begin(&bpf->context);
        r = tell_snapshot(bpf, capture->clock_ns, TELL_AGAIN);
        if (r < 0)
                return r;
        tell_start(bpf);
        return 0;
}

static void bpf_set_wait(struct capture *capture, bool wait) {
        hooks_set_wait(bpf_of(capture)->hooks, wait);
}

static struct capture *bpf_free(struct capture *capture) {
        struct capture_bpf *bpf = bpf_of(capture);

        sd_event_source_disable_unref(bpf->ring_source);
        sd_event_source_disable_unref(bpf->timer);
        sd_event_source_disable_unref(bpf->again);
        ring_unmap(&bpf->ring);
        if (bpf->hooks)
                hooks_on_detach(bpf->hooks, NULL, NULL);
        capture_keep_done(bpf);
        deny_done(bpf);
        hooks_free(bpf->hooks);
        context_done(&bpf->context);
        hierarchy_done(&bpf->hierarchy);
        mend_done(&bpf->mend);
        for (size_t i = 0; i < bpf->n_supervisors; i++)
                free(bpf->supervisors[i]);
        free(bpf->supervisors);
        losses_done(&bpf->losses);
        free(bpf);
        return NULL;
}

static const struct capture_ops bpf_ops = {
        .start = bpf_start,
        .dispatch = bpf_dispatch,
        .flush = bpf_flush,
        .set_interest = bpf_set_interest,
        .set_overload = bpf_set_overload,
        .set_pace = bpf_set_pace,
        .skipped = capture_bpf_skipped,
        .set_deny = deny_set,
        .set_enforcement = deny_set_enforcement,
        .has_killed = deny_has_killed,
        .obstacle = deny_obstacle,
        .arm = deny_arm,
        .disarm_policy = deny_disarm_policy,
        .set_enforcing = deny_set_enforcing,
        .let_go = deny_let_go,
        .protect = deny_protect,
        .retell = bpf_retell,
        .leave = capture_keep_leave,
        .take_stories = capture_keep_take_stories,
        .set_deadline = capture_loop_set_deadline,
        .set_wait = bpf_set_wait,
        .stats = capture_bpf_stats,
        .untold = capture_bpf_untold,
        .describe = capture_bpf_describe,
        .free = bpf_free,
};

static int copy_supervisors(struct capture_bpf *bpf, const struct capture_options *options) {
        bpf->supervisors = calloc(options->n_supervisors + 1, sizeof(char *));
        if (!bpf->supervisors)
                return -ENOMEM;
        for (size_t i = 0; i < options->n_supervisors; i++) {
                bpf->supervisors[i] = strdup(options->supervisors[i]);
                if (!bpf->supervisors[i])
                        return -ENOMEM;
                bpf->n_supervisors = i + 1;
        }
        return 0;
}

int capture_new_bpf(
        const struct capture_options *options,
        const struct interest *interest,
        const struct capture_sink *sink,
        void *userdata,
        struct capture **ret) {
        _cleanup_(capture_freep) struct capture *capture = NULL;
        struct hooks_options hooks_options = {};
        struct capture_bpf *bpf;
        struct stat st;
        int r;

        assert(options && interest && sink && sink->on_event && ret);

        bpf = calloc(1, sizeof(*bpf));
        if (!bpf)
                return log_oom();
        capture = &bpf->capture;
        capture->ops = &bpf_ops;
        capture->sink = *sink;
        capture->userdata = userdata;
        bpf->hierarchy.mount_fd = -1;
        bpf->keep.ledger_fd = bpf->keep.table_fd = bpf->keep.stories_fd = -1;
        context_init(&bpf->context, &bpf->hierarchy, &own_context_sink, bpf);
        bpf->interest = *interest;
        bpf->deadline_ns = UINT64_MAX;
        pace_init(&bpf->pace, options->max_latency_ns ?: DEFAULT_LATENCY_NS, options->wake_urgent, options->patient);
        bpf->pace.each = options->wake_each;
        bpf->compat = options->compat;
        bpf->tier = options->tier;
        bpf->batch = options->batch ?: DEFAULT_BATCH;
        bpf->ring_bytes = options->ring_bytes ?: DEFAULT_RING_BYTES;
        mend_init(&bpf->mend, options->max_processes ?: DEFAULT_PROCESSES);
        bpf->sees_all = stat("/proc/self/ns/pid", &st) >= 0 && st.st_ino == PID_NAMESPACE_OF_THE_HOST;
        if (!is_pow2(bpf->ring_bytes) || bpf->ring_bytes < MIN_RING_BYTES)
                return log_error_errno(-EINVAL, "The ring's size has to be a power of two of at least %zu bytes",
                                       MIN_RING_BYTES);
        ring_size_init(&bpf->size, bpf->ring_bytes, options->max_ring_bytes);
        ring_size_learned(&bpf->size, options->learned_ring_bytes);
        bpf->ring_bytes = bpf->size.bytes;
        bpf->wake_bytes = hooks_wake_bytes(bpf->ring_bytes);

        r = copy_supervisors(bpf, options);
        if (r >= 0)
                r = capture_keep_init(bpf, options->keep);
        if (r >= 0)
                r = hierarchy_init(&bpf->hierarchy);
        if (r < 0)
                return log_oom();

        hooks_options.ring_bytes = bpf->ring_bytes;
        hooks_options.asked_ring_bytes = options->ring_bytes;
        hooks_options.named_hierarchy = bpf->hierarchy.named;
        hooks_options.tier = options->tier;
        hooks_options.cgroup2 = bpf->hierarchy.v2;
        hooks_options.kept = bpf->keep.before;
        r = hooks_new(&hooks_options, &bpf->hooks);
        if (r < 0)
                return r;
        if (capture_keep_open_ledger(bpf) < 0)
                return log_oom();
        bpf->ring_bytes = hooks_ring_bytes(bpf->hooks);
        bpf->wake_bytes = hooks_wake_bytes(bpf->ring_bytes);
        if (bpf->ring_bytes != hooks_options.ring_bytes)
                ring_size_set(&bpf->size, bpf->ring_bytes);
        r = ring_map(&bpf->ring, hooks_ring_fd(bpf->hooks), bpf->ring_bytes);
        if (r < 0)
                return log_error_errno(r, "Cannot map the ring of %zu bytes: %m", bpf->ring_bytes);

        bpf_set_overload(capture, &options->overload);
        *ret = TAKE_PTR(capture);
        return 0;
}
