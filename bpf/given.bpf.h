/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Given - a path as a program passed it, made absolute.
 *
 * Where a security hook saw what the name led to (resolved.bpf.h), the path is that. In tracepoints the kernel's own
 * resolution is out of reach: what there is are the user's bytes, which another thread may exchange, and the directory
 * that they start from, which is the kernel's. The daemon takes `.` and
 * `..` out, by the letters; symbolic links stay unresolved. Hence the mark `user`. Read at the end of the call the page
 * is there: the kernel has just read it. */
#pragma once

#include "resolved.bpf.h"
#include "stable.bpf.h"

struct given {
        const char *user;
        int directory;                  /* descriptor, or AT_FDCWD */
        __u32 which;                    /* 0: the first name of the call, 1: the second */
        __u64 path_bit, given_bit;      /* of the two fields */
};

/* Names of io_uring's operations are the kernel's copies. */
static __always_inline long read_name(struct cpu *cpu, char *to, __u32 size, const char *from) {
        return cpu->request.active ? bpf_probe_read_kernel_str(to, size, from) : read_user_string(to, size, from);
}

/* The bytes alone. */
static __always_inline bool given_bytes(struct cpu *cpu, const struct given *call, struct wire_bytes *given) {
        __u32 offset = 0;
        long n;

        if (record_room(cpu, WIRE_MAX_PATH, &offset) < WIRE_MAX_PATH)
                return false;
        n = read_name(cpu, record_at(cpu, offset), WIRE_MAX_PATH, call->user);
        if (n <= 0)
                return false;
        n--;
        cpu->used = offset + (n & (WIRE_MAX_PATH - 1));
        given->offset = offset;
        given->length = n;
        cpu->header.known |= call->given_bit;
        cpu->header.user |= call->given_bit;
        if (cpu->request.active)
                cpu->header.stable |= call->given_bit;
        if (n == WIRE_MAX_PATH - 1)
                cpu->header.cut |= call->given_bit;
        digest_add(cpu, offset, n);
        return true;
}

/* Appends directory, slash and name once; `path` is all of it, `given` the end. False if nothing could be read. Not
 * static: see path_walk(). */
__noinline int given_append(
                struct cpu *cpu, const struct given *call, struct wire_bytes *path, struct wire_bytes *given) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct fs_struct *fs = PART(task, fs);
        struct dentry *dentry = fs->pwd.dentry;
        struct vfsmount *mount = fs->pwd.mnt;
        __u32 start, which, offset = 0, room;
        bool absolute, placed;
        char first = 0;
        long n;

        if (!cpu || !call || !path || !given)
                return false;
        which = call->which;
        BOUND(which, 1);
        if (!cpu->request.active && resolved_append(cpu, which, path, call->path_bit)) {
                given_bytes(cpu, call, given);
                return true;
        }
        start = cpu->used;
        if ((cpu->request.active ? bpf_probe_read_kernel(&first, 1, call->user)
                                 : bpf_probe_read_user(&first, 1, call->user)) < 0)
                return false;
        absolute = first == '/';
        if (absolute) {
                dentry = fs->root.dentry;
                mount = fs->root.mnt;
        } else if (call->directory != AT_FDCWD) {
                struct file *file = file_of(task, call->directory);

                dentry = file ? GET(file, f_path.dentry) : NULL;
                mount = file ? GET(file, f_path.mnt) : NULL;
        }

        placed = dentry && path_append(cpu, path, 0, dentry, mount);
        if (placed && path->length == 1)
                cpu->used = start;      /* only "/" */

        room = record_room(cpu, WIRE_MAX_PATH + 1, &offset);
        if (room < WIRE_MAX_PATH + 1)
                return false;
        if (placed && !absolute && first) {
                *record_at(cpu, offset) = '/';
                offset++;
        }
        n = read_name(cpu, record_at(cpu, offset), WIRE_MAX_PATH, call->user);
        if (n <= 0)
                return false;
        n--;
        cpu->used = offset + (n & (WIRE_MAX_PATH - 1));
        given->offset = offset;
        given->length = n;
        cpu->header.known |= call->given_bit;
        cpu->header.user |= call->given_bit;
        if (cpu->request.active)
                cpu->header.stable |= call->given_bit;
        if (n == WIRE_MAX_PATH - 1)
                cpu->header.cut |= call->given_bit;
        digest_add(cpu, offset, n);
        if (!placed)
                return true;

        path->offset = start;
        path->length = cpu->used - start;
        cpu->header.known |= call->path_bit;
        cpu->header.user |= call->path_bit;
        if (cpu->request.active)
                cpu->header.stable |= call->path_bit;
        if (n == WIRE_MAX_PATH - 1)
                cpu->header.cut |= call->path_bit;
        return true;
}
