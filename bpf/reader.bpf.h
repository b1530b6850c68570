/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reader - when the one who reads the ring is called. To wake somebody takes four microseconds of the process that is
 * watched, and most records can wait: the reader looks by itself while much is told (daemon/capture/pace.h).
 *
 * Before it waits it says in reader_waits what it wants to be called for; who calls it takes that back, so that it is
 * called once. It may be too late: a record that came between its last look and its word has called nobody. So having
 * said it, it looks again, at the ring if it waits for any record, at reader_urgent if for urgent ones. A record is in
 * the ring before its writer looks at reader_waits, and reader_urgent is set in between by an exchange: so one of the
 * two sees the other. */
#pragma once

#include "maps.bpf.h"
#include "bound.bpf.h"

/* What the record is worth: the least wish that it calls for. */
static __always_inline __u32 reader_reason(__u64 waiting, bool urgent) {
        if (waiting >= ring_wake_bytes)
                return WIRE_WAIT_AMOUNT;
        return urgent ? WIRE_WAIT_URGENT : WIRE_WAIT_ANY;
}

/* Shall it be called, and by us? */
static __always_inline bool reader_take(__u32 reason) {
        return reader_waits >= reason && __sync_lock_test_and_set(&reader_waits, WIRE_WAIT_NOT);
}

/* The record is in the ring `to`, and called nobody: may it have come too late for that? The call has a record of its
 * own then, which is empty. */
static __always_inline bool reader_follow(void *to, __u32 reason, bool urgent) {
        void *empty;

        if (urgent && !reader_urgent)
                __sync_lock_test_and_set(&reader_urgent, 1);
        if (!reader_take(reason))
                return false;
        empty = bpf_ringbuf_reserve(to, 8, 0);
        if (empty)
                bpf_ringbuf_discard(empty, BPF_RB_FORCE_WAKEUP);
        return true;
}

/* May a record of this kind, which serves these uses, end a story or start a response? */
static __always_inline bool is_urgent(__u32 kind, __u64 uses) {
        __u32 i = filter_urgent_entry(filter_table, kind);

        BOUND(i, 4 * FILTER_KINDS - 1);
        return (urgent_uses[i] & uses) != 0;
}
