/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stable - were the bytes that a program passed the same at both ends of the call?
 *
 * A program at the beginning of the call puts all of them through a keyed hash and keeps that (struct begun); at its
 * end what then goes into the record is put through the same one. If both agree, and no other task has the memory, the
 * fields are marked `stable`. The key is the daemon's: nobody can look for two names with one hash.
 *
 * It is evidence, no proof. The bytes can still be changed, and changed back, from outside of the process: through a
 * page that is mapped shared, by a debugger, by a transfer into the page that the process itself began before
 * (docs/CAPTURE.md). And if a page was not there at the beginning, nothing is kept, and the fields stay `user`.
 *
 * The hash is SipHash-1-3, word by word, over all strings in turn, each followed by its length. */
#pragma once

#include "emit.bpf.h"

#define ROTATE(x, n) ((x) << (n) | (x) >> (64 - (n)))

static __always_inline void digest_round(struct digest *d) {
        d->v0 += d->v1;
        d->v1 = ROTATE(d->v1, 13) ^ d->v0;
        d->v0 = ROTATE(d->v0, 32);
        d->v2 += d->v3;
        d->v3 = ROTATE(d->v3, 16) ^ d->v2;
        d->v0 += d->v3;
        d->v3 = ROTATE(d->v3, 21) ^ d->v0;
        d->v2 += d->v1;
        d->v1 = ROTATE(d->v1, 17) ^ d->v2;
        d->v2 = ROTATE(d->v2, 32);
}

static __always_inline void digest_word(struct digest *d, __u64 word) {
        d->v3 ^= word;
        digest_round(d);
        d->v0 ^= word;
}

static __always_inline void digest_begin(struct digest *d) {
        d->v0 = digest_key[0] ^ 0x736f6d6570736575ULL;
        d->v1 = digest_key[1] ^ 0x646f72616e646f6dULL;
        d->v2 = digest_key[0] ^ 0x6c7967656e657261ULL;
        d->v3 = digest_key[1] ^ 0x7465646279746573ULL;
}

static long digest_step(__u32 i, struct cpu **context) {
        struct cpu *cpu = *context;
        struct digest *d = &cpu->digest;
        __u32 offset = d->at;

        d->at = offset + 8;
        digest_word(d, *(__u64 *)record_at(cpu, offset));
        return 0;
}

#define DIGEST_AT_HAND 8                /* words: longer names take the long way */

/* Bytes of the record, or of its place while there is none. Not static: see path_walk(). */
__noinline int digest_add(struct cpu *cpu, __u32 offset, __u32 length) {
        __u32 words = length / 8, n = words < DIGEST_AT_HAND ? words : DIGEST_AT_HAND, more = words - n;
        struct digest d;
        __u64 *at, word;

        if (!cpu)
                return 0;
        d = cpu->digest;
        at = (__u64 *)record_at(cpu, offset);
        for (int i = 0; i < DIGEST_AT_HAND && i < n; i++)
                digest_word(&d, at[i]);
        offset += 8 * n;
        if (more) {
                d.at = offset;
                cpu->digest = d;
                bpf_loop(more, digest_step, &cpu, 0);
                d = cpu->digest;
                offset = d.at;
        }
        if (length & 7) {
                word = *(__u64 *)record_at(cpu, offset);
                digest_word(&d, word & ((1ULL << (8 * (length & 7))) - 1));
        }
        digest_word(&d, length);
        cpu->digest = d;
        return 0;
}

static __always_inline __u64 digest_end(struct digest *d) {
        d->v2 ^= 0xff;
        digest_round(d);
        digest_round(d);
        digest_round(d);
        return d->v0 ^ d->v1 ^ d->v2 ^ d->v3;
}

/* No thread, no child of vfork(), nobody who reads or writes it through /proc at this moment. */
static __always_inline bool memory_is_ours(struct task_struct *task) {
        return GET(PART(task, mm), mm_users.counter) == 1;
}

/* The beginning: a string that the program passed. False: it could not be read. */
static __always_inline bool keep_string(struct cpu *cpu, const char *user) {
        long n = read_user_string(cpu->record, WIRE_MAX_PATH, user);

        if (n <= 0)
                return false;
        digest_add(cpu, 0, n - 1);
        return true;
}

/* The same with a number of bytes, at most WIRE_MAX_CONTENT. */
static __always_inline bool keep_bytes(struct cpu *cpu, const void *user, __u32 length) {
        BOUND(length, 2 * WIRE_MAX_CONTENT - 1);
        if (bpf_probe_read_user(cpu->record, length, user) < 0)
                return false;
        digest_add(cpu, 0, length);
        return true;
}
