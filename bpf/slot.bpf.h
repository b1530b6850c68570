/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Slot - small records of programs that may run in the midst of others: in interrupts, or where they can be preempted.
 *
 * The memory of the CPU is not for them: whom they interrupt may be using it, and its counters are plain additions. So
 * they take one of a few slots, whichever is free, and count in an entry of `cpus` behind those of the CPUs, which all
 * of them share. None free is a loss, and counted. */
#pragma once

#include "emit.bpf.h"
#include "question.bpf.h"

#define N_SLOTS 64
#define SLOTS_TRIED 4

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, N_SLOTS);
        __type(key, __u32);
        __type(value, struct slot);
} slots SEC(".maps");

static __always_inline struct slot *slot_take(void) {
        __u32 first = bpf_get_smp_processor_id() * SLOTS_TRIED;

        for (__u32 i = 0; i < SLOTS_TRIED; i++) {
                __u32 id = (first + i) % N_SLOTS;
                struct slot *slot = bpf_map_lookup_elem(&slots, &id);

                if (slot && __sync_val_compare_and_swap(&slot->busy, 0, 1) == 0)
                        return slot;
        }
        return NULL;
}

static __always_inline void slot_release(struct slot *slot) {
        __sync_lock_test_and_set(&slot->busy, 0);
}

static __always_inline void slot_count_lost(struct cpu *any, enum wire_kind kind, enum wire_loss reason) {
        __sync_fetch_and_add(&any->counters.lost[kind][reason], 1);
        __sync_fetch_and_add(&any->counters.lost_total, 1);
}

/* There was no slot for an event. */
static __always_inline void slot_lose(enum wire_kind kind) {
        __u32 id = any_cpu;
        struct cpu *any = bpf_map_lookup_elem(&cpus, &id);

        if (!any)
                return;
        __sync_fetch_and_add(&any->counters.produced[kind], 1);
        slot_count_lost(any, kind, WIRE_LOSS_SCRATCH);
}

/* Is there a reason not to tell it? */
static __always_inline enum wire_loss slot_loss(struct cpu *any, const struct slot *slot, enum wire_kind kind,
                                                __u64 waiting) {
        __u32 priority = priority_of(kind), every = priority < WIRE_N_GOVERNED ? overloads[priority].sample : 0;

        if (every > 1 && !is_picked(__sync_fetch_and_add(&any->samples[kind], 1), kind, every))
                return WIRE_LOSS_SAMPLED;
        if (is_shed(priority, waiting))
                return WIRE_LOSS_SHED;
        if (is_over_share(kind, waiting))
                return WIRE_LOSS_SHARE;
        return is_limited(kind, slot->header.tgid) ? WIRE_LOSS_LIMITED : WIRE_LOSS_NONE;
}

/* Hand the record over, of which slot->used bytes and all of the header but size, time, CPU and losses are filled in,
 * and give the slot back. */
static __always_inline int slot_submit(struct slot *slot, enum wire_kind kind) {
        __u32 id = any_cpu, size = slot->used, worth = kind_worth(kind), table, reason;
        enum wire_loss loss;
        struct cpu *any = bpf_map_lookup_elem(&cpus, &id);
        __u64 waiting;
        bool called;
        void *to;

        to = ring_in_use();
        if (!any || !to) {
                slot_release(slot);     /* cannot be */
                return nothing();
        }
        __sync_fetch_and_add(&any->counters.produced[kind], 1);
        waiting = bpf_ringbuf_query(to, BPF_RB_AVAIL_DATA);
        if (size > SLOT_BYTES - 8) {
                slot_count_lost(any, kind, WIRE_LOSS_SCRATCH);
                slot_release(slot);
                return nothing();
        }
        loss = slot_loss(any, slot, kind, waiting);
        if (loss != WIRE_LOSS_NONE) {
                slot_count_lost(any, kind, loss);
                slot_release(slot);
                return nothing();
        }
        size = (size + 7) & ~7U;
        BOUND(size, SLOT_BYTES - 8);    /* for the verifier: a mask, too */
        slot->header.version = WIRE_VERSION;
        slot->header.kind = kind;
        slot->header.size = size;
        slot->header.time_ns = bpf_ktime_get_boot_ns();
        slot->header.cpu = id;
        slot->header.lost = any->counters.lost_total;
        table = filter_table;
        if (table)
                filter_arm(table, kind, ~0ULL, &slot->header);
        reason = reader_reason(waiting, worth);
        called = reader_take(reason);
        if (bpf_ringbuf_output(to, slot->record, size, called ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP) < 0) {
                slot_count_lost(any, kind, WIRE_LOSS_RING_FULL);
                if (called)
                        reader_waits = WIRE_WAIT_ANY;
        } else if (called || reader_follow(to, reason, worth))
                __sync_fetch_and_add(&any->counters.calls[reason & 7], 1);
        slot_release(slot);
        return nothing();
}
