/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Image - which executable a task runs, and under which name, as the process table of the daemon has them: from the
 * record of the exec, or of the first snapshot. Not from the file that it is now: that may have been renamed since,
 * and the policies would still be told the old name.
 *
 * A child and a thread have what their creator has. From the texts come classes, which say what each kind of event may
 * be for (filter-table.h): once for each table, at the first event that asks. What is longer than there is room for, or
 * was not told, is not known, and rules nothing out.
 *
 * The snapshot writes from outside, and only where nobody has said anything yet; an exec at the same time wins, or
 * makes it unknown. Classes are found by the task itself, and under a new table only once the snapshot is over. */
#pragma once

#include "filter-table.h"

/* The last part of a path in the record: how long it is, 0 if it is too long, or none that the daemon would keep. */
static __always_inline __u32 image_name_length(struct cpu *cpu, struct wire_bytes path) {
        __u32 n;

        for (n = 0; n <= IMAGE_NAME; n++) {
                __u32 at = path.offset + path.length - n - 1;

                if (n >= path.length)
                        return 0;
                if (*record_at(cpu, at) == '/')
                        break;
        }
        if (n > IMAGE_NAME || (n <= 2 && *record_at(cpu, path.offset + path.length - 1) == '.'))
                return 0;               /* "." and ".." are taken out, and what else they could be is rare */
        return n;
}

/* The texts, from strings that the record refers to at `exe_at` and `name_at`: 0: not known. Of the latter the last
 * part. Not static: see path_walk(). */
__noinline int image_write(struct cpu *cpu, struct image *image, __u32 exe_at, __u32 name_at) {
        struct wire_bytes text;
        __u32 n;

        if (!cpu || !image)
                return 0;
        image->table = 0;
        image->n_exe = image->n_name = 0;
        BOUND(exe_at, 4095);
        BOUND(name_at, 4095);
        text = *(struct wire_bytes *)(cpu->record + exe_at);
        if (exe_at && text.length <= IMAGE_EXE &&
            bpf_probe_read_kernel(image->exe, IMAGE_EXE, record_at(cpu, text.offset)) == 0)
                image->n_exe = text.length;
        text = *(struct wire_bytes *)(cpu->record + name_at);
        n = name_at ? image_name_length(cpu, text) : 0;
        if (n && bpf_probe_read_kernel(image->name, IMAGE_NAME, record_at(cpu, text.offset + text.length - n)) == 0)
                image->n_name = n;
        return nothing();
}

/* Where the record says it, or 0. */
#define IMAGE_AT(cpu, kind_, field_)                                                                                   \
        ((cpu)->header.known & ~(cpu)->header.cut & WIRE_BIT(kind_, field_) ? offsetof(struct wire_##kind_, field_) : 0)

/* An exec, whose record is complete. NULL: it was lost. */
static __always_inline void image_exec(struct cpu *cpu, struct image *image) {
        __u32 exe_at, name_at;

        if (!cpu) {
                __sync_lock_test_and_set(&image->state, IMAGE_UNKNOWN);
                return;
        }
        exe_at = IMAGE_AT(cpu, execve, exe);
        name_at = cpu->header.known & WIRE_BIT(execve, filename) ? IMAGE_AT(cpu, execve, filename) : exe_at;
        __sync_lock_test_and_set(&image->state, IMAGE_BUSY);
        image_write(cpu, image, exe_at, name_at);
        __sync_val_compare_and_swap(&image->state, IMAGE_BUSY, IMAGE_KNOWN);
}

/* The first snapshot tells of a task. */
static __always_inline void image_snapshot(struct cpu *cpu, struct image *image) {
        __u32 exe_at = IMAGE_AT(cpu, process, exe);

        if (image->state != IMAGE_NONE)
                return;
        image_write(cpu, image, exe_at, exe_at);
        if (__sync_val_compare_and_swap(&image->state, IMAGE_NONE, IMAGE_KNOWN) != IMAGE_NONE)
                __sync_lock_test_and_set(&image->state, IMAGE_UNKNOWN);
}

/* A child, or another thread, of whom nothing is known. */
static __always_inline void image_inherit(struct image *image, struct image *from) {
        __u32 known = __sync_fetch_and_add(&from->state, 0);

        if (known != IMAGE_KNOWN || __sync_val_compare_and_swap(&image->state, IMAGE_NONE, IMAGE_BUSY) != IMAGE_NONE)
                return;
        image->table = from->table;
        image->exe_front = from->exe_front;
        image->exe_back = from->exe_back;
        image->name_front = from->name_front;
        image->name_back = from->name_back;
        image->n_exe = from->n_exe;
        image->n_name = from->n_name;
        __builtin_memcpy(image->exe, from->exe, IMAGE_EXE);
        __builtin_memcpy(image->name, from->name, IMAGE_NAME);
        __sync_val_compare_and_swap(&image->state, IMAGE_BUSY, IMAGE_KNOWN);
}
