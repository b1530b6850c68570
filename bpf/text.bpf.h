/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text - strings as they are, from a program's memory or from the kernel's. */
#pragma once

#include "emit.bpf.h"

/* Bytes that were read to the end of the record belong to a field now. */
static __always_inline void text_take(
                struct cpu *cpu, struct wire_bytes *bytes, __u64 bit, __u32 offset, __u32 length) {
        bytes->offset = offset;
        bytes->length = length;
        BOUND(length, WIRE_MAX_PATH - 1);
        cpu->used = offset + length;
        cpu->header.known |= bit;
}

/* A string that a program passed. `max` with its NUL, a constant. */
static __noinline int text_append(
                struct cpu *cpu, struct wire_bytes *bytes, __u64 bit, const void *user, __u32 max) {
        __u32 offset = 0;
        long n;

        if (!user || record_room(cpu, max, &offset) < max)
                return nothing();
        n = read_user_string(record_at(cpu, offset), max, user);
        if (n <= 0)
                return nothing();
        text_take(cpu, bytes, bit, offset, n - 1);
        cpu->header.user |= bit;
        if (n == max)
                cpu->header.cut |= bit;
        return nothing();
}

static __noinline int text_append_kernel(struct cpu *cpu, struct wire_bytes *bytes, __u64 bit, const void *from) {
        __u32 offset = 0;
        long n;

        if (!from || record_room(cpu, WIRE_MAX_PATH, &offset) < WIRE_MAX_PATH)
                return nothing();
        n = bpf_probe_read_kernel_str(record_at(cpu, offset), WIRE_MAX_PATH, from);
        if (n > 0)
                text_take(cpu, bytes, bit, offset, n - 1);
        return nothing();
}
