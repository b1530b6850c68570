/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Burst - what comes again and again, and is only counted by all policies that could use it, is counted here, and told
 * by one record (struct wire_aggregate).
 *
 * The first event of a burst is told at once. Its record is kept, without what varies between events; the next one of
 * the same thread whose record is the same, byte for byte, within WIRE_BURST_NS, is not written but added to it. What
 * was added is told when it is as many as the prefilter says (struct filter, `most`), when the burst is over: with the
 * next event like it, or when its place is needed; by the daemon, which looks for old ones (flush_bursts); and before
 * the thread executes a file or exits, so that it stands in front of that. The image, and whether the process is there,
 * is all about a process that can change what an event means and does not stand in the record itself.
 *
 * Places are found by thread, not by CPU: so a burst goes on where its thread goes, and to find those of a thread that
 * ends no other CPU has to be asked. Sets of places are locked by a word: who does not get it at once writes the
 * record, which is never wrong.
 *
 * Each event is counted as produced; those that were added as `aggregated` when the record is written, or as lost with
 * it. So produced = delivered + lost, where a record delivers as many events as it stands for, and what is not told
 * yet is missing. */
#pragma once

#include "maps.bpf.h"
#include "bound.bpf.h"
#include "filter.bpf.h"
#include "reader.bpf.h"

#define BURST_SETS 128                  /* a power of two */
#define BURST_SLOTS 4                   /* of a set: a power of two */
#define BURST_BYTES 512                 /* of a record that can be kept: a power of two */
#define BURST_TRIES 64                  /* to get a set that has to be got */

struct burst {
        __u32 size;                     /* of the record; 0: the place is free */
        __u32 kind;
        __u64 opened_ns;                /* when the first was told */
        __u64 count;                    /* added since, and not told */
        __u64 first_ns, last_ns;        /* of these */
        __u64 bytes;
        __s64 result;                   /* of the last */
        union {
                struct wire_header header;
                __u64 words[BURST_BYTES / 8];
                char record[BURST_BYTES + sizeof(struct wire_aggregate)];
        };
};

struct burst_set {
        __u32 busy;
        __u32 pad;
        struct burst bursts[BURST_SLOTS];
};

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, BURST_SETS);
        __type(key, __u32);
        __type(value, struct burst_set);
} bursts SEC(".maps");

/* The record that is looked for, without what varies. What is found is remembered here and not on the stack, of which
 * Linux 6.1 has little left. */
struct burst_copy {
        volatile __u32 at;              /* its place, or the one that is to be had */
        volatile __u32 found;
        volatile __u64 oldest;
        union {
                struct wire_header header;
                __u64 words[BURST_BYTES / 8];
                char record[BURST_BYTES];
        };
};

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct burst_copy);
} burst_copies SEC(".maps");

__u32 bursts_counted = 0;               /* the daemon wants it */
__u32 bursts_open = 0;                  /* places that are not free */
__u64 bursts_before_ns = 0;             /* flush_bursts: those that were opened until then */

static __always_inline struct burst_set *burst_set_of(__u32 tid) {
        __u32 id = tid * 0x9e3779b1U >> 25 & (BURST_SETS - 1);

        return bpf_map_lookup_elem(&bursts, &id);
}

static __always_inline bool burst_lock(struct burst_set *set) {
        return __sync_val_compare_and_swap(&set->busy, 0, 1) == 0;
}

static __always_inline void burst_unlock(struct burst_set *set) {
        __sync_lock_test_and_set(&set->busy, 0);
}

/* What event_field_varies() of daemon/event says, of the kinds in which anything does. */
static __always_inline bool burst_varies(__u32 kind) {
        return kind == WIRE_KIND_read || kind == WIRE_KIND_write || kind == WIRE_KIND_sendto ||
               kind == WIRE_KIND_recvfrom;
}

_Static_assert(offsetof(struct wire_read, length) == offsetof(struct wire_write, length) &&
                       offsetof(struct wire_read, count) == offsetof(struct wire_write, count) &&
                       offsetof(struct wire_read, offset) == offsetof(struct wire_write, offset),
               "read and write are laid out alike");
_Static_assert(WIRE_BIT(read, length) == WIRE_BIT(write, length) && WIRE_BIT(read, count) == WIRE_BIT(write, count) &&
                       WIRE_BIT(read, offset) == WIRE_BIT(write, offset),
               "read and write have the same bits");
_Static_assert(offsetof(struct wire_sendto, length) == offsetof(struct wire_recvfrom, length) &&
                       WIRE_BIT(sendto, length) == WIRE_BIT(recvfrom, length),
               "sendto and recvfrom are laid out alike");

/* Take out of the copy what varies. */
static __always_inline void burst_blank(struct burst_copy *copy, __u32 kind) {
        copy->header.time_ns = 0;
        copy->header.lost = 0;
        copy->header.cpu = 0;
        if (burst_varies(kind) && !(copy->header.flags & WIRE_FAILED))
                copy->header.result = 0;
        if (kind == WIRE_KIND_read || kind == WIRE_KIND_write) {
                struct wire_write *record = (void *)copy->record;

                record->length = record->count = record->offset = 0;
                copy->header.known &= ~(WIRE_BIT(write, length) | WIRE_BIT(write, count) | WIRE_BIT(write, offset));
                copy->header.user &= ~(WIRE_BIT(write, count) | WIRE_BIT(write, offset));
        } else if (kind == WIRE_KIND_sendto || kind == WIRE_KIND_recvfrom) {
                ((struct wire_sendto *)copy->record)->length = 0;
                copy->header.known &= ~WIRE_BIT(sendto, length);
        }
}

struct burst_pair {
        const struct burst_copy *copy;
        const struct burst *burst;
        __u64 differs;
};

static long burst_compare(__u32 i, struct burst_pair *pair) {
        BOUND(i, BURST_BYTES / 8 - 1);
        pair->differs = pair->copy->words[i] ^ pair->burst->words[i];
        return pair->differs != 0;
}

/* Both are of the size that the header names. */
static __always_inline bool burst_is_same(const struct burst_copy *copy, const struct burst *burst) {
        struct burst_pair pair = { .copy = copy, .burst = burst };

        if (burst->header.tid != copy->header.tid || burst->header.known != copy->header.known ||
            burst->header.size != copy->header.size)
                return false;
        bpf_loop((copy->header.size + 7) / 8, burst_compare, &pair, 0);
        return !pair.differs;
}

/* Tell what was added. In programs that hold the set. */
static __always_inline void burst_tell(struct burst *burst) {
        __u32 id = any_cpu, size = burst->size, kind;
        struct cpu *any = bpf_map_lookup_elem(&cpus, &id);
        enum wire_loss loss = WIRE_LOSS_NONE;
        struct wire_aggregate *aggregate;
        __u64 count = burst->count;
        void *to = ring_in_use();

        if (!any || !to || !count)
                return;
        OPAQUE(any);
        BOUND(size, BURST_BYTES - 1);
        aggregate = (void *)(burst->record + size);
        aggregate->count = count;
        aggregate->first_ns = burst->first_ns;
        aggregate->bytes = burst->bytes;
        burst->header.size = size + sizeof(*aggregate);
        burst->header.flags |= WIRE_AGGREGATE;
        burst->header.time_ns = burst->last_ns;
        burst->header.result = burst->result;
        burst->header.cpu = id;
        burst->header.lost = any->counters.lost_total;

        if (bpf_ringbuf_query(to, BPF_RB_AVAIL_DATA) > ring_share_bytes)
                loss = WIRE_LOSS_SHARE;
        else if (bpf_ringbuf_output(to, burst->record, size + sizeof(*aggregate), BPF_RB_NO_WAKEUP) < 0)
                loss = WIRE_LOSS_RING_FULL;
        /* Read again: Linux 6.1 does not see in every copy of a number what was asked of one. */
        kind = burst->kind;
        BOUND(kind, MAX_KINDS - 1);
        if (loss == WIRE_LOSS_NONE || loss >= _WIRE_LOSS_MAX)
                __sync_fetch_and_add(&any->counters.aggregated[kind], count);
        else {
                __sync_fetch_and_add(&any->counters.lost[kind][loss], count);
                __sync_fetch_and_add(&any->counters.lost_total, count);
        }

        /* As the next one is looked for. */
        aggregate = (void *)(burst->record + size);
        __builtin_memset(aggregate, 0, sizeof(*aggregate));
        burst->header.size = size;
        burst->header.flags &= ~WIRE_AGGREGATE;
        burst->header.time_ns = 0;
        if (burst_varies(kind) && !(burst->header.flags & WIRE_FAILED))
                burst->header.result = 0;
        burst->header.cpu = 0;
        burst->header.lost = 0;
        burst->count = burst->bytes = 0;
}

/* One that is the same, else a place that is free, else the oldest. */
static __always_inline void burst_find(struct burst_set *set, struct burst_copy *copy) {
        copy->at = copy->found = 0;
        copy->oldest = ~0ULL;
#pragma clang loop unroll(disable)
        for (__u32 i = 0; i < BURST_SLOTS; i++) {
                struct burst *burst = &set->bursts[i];
                __u64 opened_ns = burst->size ? burst->opened_ns : 0;

                if (burst->size && burst_is_same(copy, burst)) {
                        copy->found = 1;
                        copy->at = i;
                        return;
                }
                if (opened_ns < copy->oldest) {
                        copy->oldest = opened_ns;
                        copy->at = i;
                }
        }
}

static __always_inline void burst_add(struct burst *burst, const struct wire_header *header) {
        if (burst->count == 0)
                burst->first_ns = header->time_ns;
        burst->last_ns = header->time_ns;
        burst->count++;
        burst->result = header->result;
        if (header->result > 0)
                burst->bytes += header->result;
}

enum burst_answer {
        BURST_COUNTED,                  /* the record is not to be written */
        BURST_TELL,                     /* neither, but what was counted is */
        BURST_OPEN,                     /* it is written, and the first of a burst */
        BURST_WRITE,                    /* it is written */
};

/* A record that is ready but for the losses in its header, and that uses only count: `most` by one record. Where there
 * is more to be done the set stays locked for burst_settle(): two functions, for the stack of Linux 6.1 has no room for
 * both in one. Not static: see path_walk(). */
__noinline int burst_look(struct cpu *cpu, __u32 kind, __u32 most) {
        struct burst_copy *copy;
        struct burst_set *set;
        struct burst *burst;
        __u32 zero = 0, size;

        if (!cpu)
                return BURST_WRITE;
        copy = bpf_map_lookup_elem(&burst_copies, &zero);
        size = cpu->header.size;
        if (!copy || size > BURST_BYTES - 8 || cpu->header.cut ||
            cpu->header.flags & (WIRE_EXCHANGED | WIRE_UNSTABLE | WIRE_NO_RESULT))
                return BURST_WRITE;
        set = burst_set_of(cpu->header.tid);
        if (!set || !burst_lock(set))
                return BURST_WRITE;

        __builtin_memset(copy->words, 0, sizeof(copy->words));
        BOUND(size, BURST_BYTES - 1);
        bpf_probe_read_kernel(copy->words, size, cpu->record);
        burst_blank(copy, kind);
        burst_find(set, copy);
        burst = &set->bursts[copy->at & (BURST_SLOTS - 1)];
        if (!copy->found || cpu->header.time_ns - burst->opened_ns >= WIRE_BURST_NS)
                return BURST_OPEN;
        burst_add(burst, &cpu->header);
        if (burst->count >= most || burst->count >= WIRE_MAX_AGGREGATE)
                return BURST_TELL;
        burst_unlock(set);
        return BURST_COUNTED;
}

/* Tell what is in the place that burst_look() found, calling the reader if it is as many as were waited for;
 * BURST_OPEN: a new burst has the place. */
__noinline int burst_settle(struct cpu *cpu, __u32 kind, __u32 answer, __u32 worth) {
        struct burst_copy *copy;
        struct burst_set *set;
        struct burst *burst;
        __u32 zero = 0;

        if (!cpu)
                return 0;
        copy = bpf_map_lookup_elem(&burst_copies, &zero);
        set = burst_set_of(cpu->header.tid);
        if (!copy || !set)
                return nothing();       /* cannot be */
        burst = &set->bursts[copy->at & (BURST_SLOTS - 1)];
        OPAQUE(burst);                  /* one pointer, not one for each member that is kept on the stack */
        burst_tell(burst);
        if (answer == BURST_OPEN) {
                if (burst->size == 0)
                        __sync_fetch_and_add(&bursts_open, 1);
                burst->kind = kind;
                burst->opened_ns = cpu->header.time_ns;
                burst->size = cpu->header.size;
                bpf_probe_read_kernel(burst->words, sizeof(burst->words), copy->words);
        }
        burst_unlock(set);
        if (answer == BURST_TELL) {
                __u32 reason = reader_reason(0, worth);
                void *to = ring_in_use();

                if (to && reader_follow(to, reason, worth))
                        cpu->counters.calls[reason & 7]++;
        }
        return nothing();
}

/* The place is free. */
static __always_inline void burst_close(struct burst *burst) {
        burst_tell(burst);
        burst->size = 0;
        __sync_fetch_and_sub(&bursts_open, 1);
}

/* The thread is about to exit, or runs something else from here on. Not static: see path_walk(). */
__noinline int bursts_leave(__u32 tid) {
        struct burst_set *set = burst_set_of(tid);
        bool got = false;

        if (!set)
                return 0;
        for (int i = 0; i < BURST_TRIES && !got; i++)
                got = burst_lock(set);
        if (!got)
                return 0;               /* then the daemon tells them, behind it */
        for (__u32 i = 0; i < BURST_SLOTS; i++)
                if (set->bursts[i].size && set->bursts[i].header.tid == tid)
                        burst_close(&set->bursts[i]);
        burst_unlock(set);
        return 1;
}

static long bursts_flush_set(__u32 id, void *unused) {
        struct burst_set *set = bpf_map_lookup_elem(&bursts, &id);

        if (!set || !burst_lock(set))
                return 0;               /* next time */
        for (__u32 i = 0; i < BURST_SLOTS; i++)
                if (set->bursts[i].size && set->bursts[i].opened_ns <= bursts_before_ns)
                        burst_close(&set->bursts[i]);
        burst_unlock(set);
        return 0;
}

/* Run by the daemon. */
SEC("syscall")
int flush_bursts(void *unused) {
        bpf_loop(BURST_SETS, bursts_flush_set, NULL, 0);
        return 0;
}
