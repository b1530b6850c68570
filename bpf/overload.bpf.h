/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Overload - which events are left out on purpose, so that a flood costs little and what matters comes through. Kinds
 * of priority HIGH never are. What is left out is counted as lost, with its reason, and told by a gap like any loss.
 *
 *      sampled         one in N is told, chosen before any work is done for it: of each N events of a kind on a CPU
 *                      exactly one, which is not to be foreseen
 *      shed            much is waiting in the ring: until it has sunk to a lower mark. Before any work, too
 *      limited         more than so many a second, beyond a burst: asked of what has passed the filter (filter.bpf.h),
 *                      so that what no policy could use does not use it up
 *
 * A bucket is one number: the time at which it will be full again. It is shared by all CPUs without a lock: who takes
 * from it exchanges it for a later one, and who finds it too late only reads. So its cache line moves as often as
 * events are let through, not as often as they come. Nobody waits for anything here. */
#pragma once

#include "maps.bpf.h"
#include "bound.bpf.h"

#define N_BUDGETS 4096                  /* processes and priorities that have a bucket of their own: a power of two */
#define BUCKET_TRIES 4

/* Bits. Kinds without one are the daemon's own. */
#define IN(kind, priority, of) (priority == of && WIRE_KIND_##kind < 64 ? 1ULL << (WIRE_KIND_##kind & 63) : 0)
#define PRIORITY(kind, priority) | IN(kind, WIRE_PRIORITY_##priority, WIRE_PRIORITY_HIGH)
static const __u64 high_kinds = 0
#include "event/priorities.def"
        ;
#undef PRIORITY
#define PRIORITY(kind, priority) | IN(kind, WIRE_PRIORITY_##priority, WIRE_PRIORITY_LOW)
static const __u64 low_kinds = 0
#include "event/priorities.def"
        ;
#undef PRIORITY

struct wire_overload overloads[WIRE_N_GOVERNED] = {};
__u64 budgets_lost = 0;                 /* a process's bucket was in use and made room for that of another */

struct budget {
        __u64 owner;
        __u64 taken_ns;
};

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, N_BUDGETS);
        __type(key, __u32);
        __type(value, struct budget);
} budgets SEC(".maps");

static __always_inline __u32 priority_of(__u32 kind) {
        if (kind >= 64 || high_kinds >> (kind & 63) & 1)
                return WIRE_PRIORITY_HIGH;
        return low_kinds >> (kind & 63) & 1 ? WIRE_PRIORITY_LOW : WIRE_PRIORITY_MEDIUM;
}

/* Is the n-th the one of its N? Who does not know the key cannot tell which will be. */
static __always_inline bool is_picked(__u64 n, __u32 kind, __u32 every) {
        __u64 hash = (n / every ^ digest_key[0] ^ (__u64)kind << 32) * 0x9e3779b97f4a7c15ULL;

        return n % every == (hash >> 32) % every;
}

/* Much is waiting in the ring: is the event shed? */
static __always_inline bool is_shed(__u32 priority, __u64 waiting) {
        struct wire_overload *overload;

        if (priority >= WIRE_N_GOVERNED)
                return false;
        overload = &overloads[priority];
        if (overload->shedding) {
                if (waiting > overload->resume_bytes)
                        return true;
                overload->shedding = 0;
                return false;
        }
        if (!overload->shed_bytes || waiting <= overload->shed_bytes)
                return false;
        if (!__sync_lock_test_and_set(&overload->shedding, 1))
                __sync_fetch_and_add(&overload->n_sheds, 1);
        return true;
}

/* Many at once: rather told than not. A time further ahead than these settings allow is from before they were changed.
 */
static __always_inline bool bucket_take(__u64 *taken_ns, __u64 now_ns, __u64 interval_ns, __u64 ahead_ns) {
        __u64 seen = *taken_ns;

        for (int i = 0; i < BUCKET_TRIES; i++) {
                __u64 before = seen, from = now_ns;

                if (before > now_ns && before - now_ns <= ahead_ns + interval_ns)
                        from = before;
                if (from - now_ns > ahead_ns)
                        return false;
                seen = __sync_val_compare_and_swap(taken_ns, before, from + interval_ns);
                if (seen == before)
                        return true;
        }
        return true;
}

/* The bucket of a process: one of two places. One that is full needs no memory; if both are in use the fuller goes. */
static __always_inline struct budget *budget_find(__u64 owner, __u64 now_ns) {
        __u32 first = owner * 0x9e3779b97f4a7c15ULL >> 40 & (N_BUDGETS - 1), second = first ^ 1;
        struct budget *budget = bpf_map_lookup_elem(&budgets, &first);
        struct budget *other = bpf_map_lookup_elem(&budgets, &second);

        if (!budget || !other || budget->owner == owner)
                return budget;
        if (other->owner == owner)
                return other;
        if (other->taken_ns < budget->taken_ns)
                budget = other;
        if (budget->taken_ns > now_ns)
                __sync_fetch_and_add(&budgets_lost, 1);
        budget->owner = owner;
        budget->taken_ns = 0;
        return budget;
}

/* Is an event, for which there is room otherwise, one too many? Not static: see path_walk(). */
__noinline int is_over_limit(__u32 priority, __u32 tgid) {
        struct wire_overload *overload;
        struct budget *budget;
        __u64 now_ns;

        if (priority >= WIRE_N_GOVERNED)
                return 0;
        overload = &overloads[priority];
        now_ns = bpf_ktime_get_boot_ns();
        if (overload->process_interval_ns) {
                budget = budget_find((__u64)(priority + 1) << 32 | tgid, now_ns);
                if (budget && !bucket_take(&budget->taken_ns, now_ns, overload->process_interval_ns,
                                           overload->process_ahead_ns))
                        return 1;
        }
        return overload->interval_ns && !bucket_take(&overload->taken_ns, now_ns, overload->interval_ns,
                                                     overload->ahead_ns);
}

static __always_inline bool is_limited(__u32 kind, __u32 tgid) {
        __u32 priority = priority_of(kind);

        return priority < WIRE_N_GOVERNED && overloads[priority].limited && is_over_limit(priority, tgid);
}
