/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reader - when the one who reads the ring is called. To wake somebody takes four microseconds of the process that is
 * watched, and most records can wait: the reader looks by itself while much is told (daemon/capture/pace.h).
 *
 * Before it waits it says in reader_waits what it wants to be called for; who calls it takes that back, so that it is
 * called once. It may be too late: a record that came between its last look and its word has called nobody. So having
 * said it, it looks again, at the ring if it waits for any record, at reader_urgent and reader_soon if for such ones. A
 * record is in the ring before its writer looks at reader_waits, and these are set in between by an exchange: so one of
 * the two sees the other. */
#pragma once

#include "maps.bpf.h"
#include "bound.bpf.h"

/* The least wish that it is called for. `worth` is that of the record alone. */
static __always_inline __u32 reader_reason(__u64 waiting, __u32 worth) {
        return waiting >= ring_wake_bytes ? WIRE_WAIT_AMOUNT : worth;
}

/* Shall it be called, and by us? */
static __always_inline bool reader_take(__u32 reason) {
        return reader_waits >= reason && __sync_lock_test_and_set(&reader_waits, WIRE_WAIT_NOT);
}

/* The record is in the ring `to`, and called nobody: may it have come too late for that? The call has a record of its
 * own then, which is empty. */
static __always_inline bool reader_follow(void *to, __u32 reason, __u32 worth) {
        void *empty;

        if (worth == WIRE_WAIT_URGENT && !reader_urgent)
                __sync_lock_test_and_set(&reader_urgent, 1);
        if (worth == WIRE_WAIT_SOON && !reader_soon)
                __sync_lock_test_and_set(&reader_soon, 1);
        if (!reader_take(reason))
                return false;
        empty = bpf_ringbuf_reserve(to, 8, 0);
        if (empty)
                bpf_ringbuf_discard(empty, BPF_RB_FORCE_WAKEUP);
        return true;
}

/* Of a record of this kind, which serves these uses: may it end a story or start a response, by itself or with many
 * others? Who may be a supervisor, 32-bit programs and new cgroups change what the programs do. */
static __always_inline __u32 record_worth(const struct wire_header *header, __u32 kind, __u64 uses) {
        __u32 i = filter_urgent_entry(filter_table, kind);

        BOUND(i, 4 * FILTER_KINDS - 1);
        if (urgent_uses[i] & uses)
                return WIRE_WAIT_URGENT;
        if (soon_uses[i] & uses || kind == WIRE_KIND_cgroup)
                return WIRE_WAIT_SOON;
        if (kind == WIRE_KIND_execve && (header->creator_tgid == 1 || header->flags & WIRE_COMPAT))
                return WIRE_WAIT_SOON;
        return WIRE_WAIT_ANY;
}

/* Of a record that is for whatever use: soon is urgent. The verifier follows each answer to the program's end, and of
 * two there are fewer than of three. */
static __always_inline __u32 kind_worth(__u32 kind) {
        __u32 i = filter_urgent_entry(filter_table, kind);

        BOUND(i, 4 * FILTER_KINDS - 1);
        return urgent_uses[i] | soon_uses[i] ? WIRE_WAIT_URGENT : WIRE_WAIT_ANY;
}
