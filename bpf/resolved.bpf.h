/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Resolved - what the kernel found under the names that a call was given, from its security hooks.
 *
 * A hook of the second tier (security.bpf.c) runs inside the call, with the kernel's own dentries at hand and before
 * anything has changed. It walks the path there and then, and keeps the text for the program at the end of the call,
 * which knows the result and makes the record: with it, the names are the kernel's; without, they are made of the
 * user's bytes (given.bpf.h). So a hook that does not load, is not reached (an earlier module refused, the name does
 * not exist) or finds no room costs a field its provenance and nothing else.
 *
 * Hooks can be preempted, so they may not use what belongs to a CPU. They borrow one of a few scratches, which the end
 * of the call gives back; one that was not given back for a second may be taken by another thread. What was kept is
 * good for the same call of the same thread only: the registers say which that is. */
#pragma once

#include "object.bpf.h"

#define SCRATCH_TRIES 8
#define SCRATCH_STALE_NS 1000000000ULL

static __always_inline void key_read(struct call_key *key, struct task_struct *task) {
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

        key->number = call_number(regs);
        for (int i = 0; i < 4; i++)
                key->args[i] = call_argument(regs, i);
}

static __always_inline bool key_is(const struct call_key *a, const struct call_key *b) {
        return a->number == b->number && a->args[0] == b->args[0] && a->args[1] == b->args[1] &&
                a->args[2] == b->args[2] && a->args[3] == b->args[3];
}

/* The scratch that this thread has already, or another one that is free. */
static __always_inline struct cpu *scratch_claim(struct task_state *state, __u32 tid, __u64 now_ns) {
        struct cpu *cpu;
        __u32 number;

        number = state->scratch;
        if (number) {
                cpu = bpf_map_lookup_elem(&cpus, &number);
                if (cpu && cpu->busy == tid)
                        return cpu;
        }
        for (__u32 i = 0; i < SCRATCH_TRIES; i++) {
                __u32 owner;

                number = first_scratch + ((tid + i) & (n_scratches - 1));
                cpu = bpf_map_lookup_elem(&cpus, &number);
                if (!cpu)
                        return NULL;
                owner = cpu->busy;
                if (owner && now_ns - cpu->waiting < SCRATCH_STALE_NS)
                        continue;
                if (__sync_val_compare_and_swap(&cpu->busy, owner, tid) != owner)
                        continue;
                state->scratch = number;
                return cpu;
        }
        return NULL;
}

/* Begin to keep what a hook sees, if the kind is wanted from this task. */
static __always_inline struct cpu *resolve_begin(enum wire_kind kind) {
        struct task_struct *task = bpf_get_current_task_btf();
        __u64 now_ns = bpf_ktime_get_boot_ns();
        struct task_state *state;
        struct call_key key;
        struct cpu *cpu;

        if (!wants[kind] || is_self(task))
                return NULL;
        state = state_of(task, true);
        if (!state)
                return NULL;
        cpu = scratch_claim(state, task->pid, now_ns);
        if (!cpu)
                return NULL;
        /* What an open does besides (make the file, truncate it) comes through other hooks: it is an open all the same.
         */
        key_read(&key, task);
        if (kind != WIRE_KIND_openat && cpu->resolved.file && key_is(&key, &cpu->resolved.key))
                return NULL;
        cpu->waiting = now_ns;
        cpu->used = sizeof(struct wire_header);
        cpu->header.known = cpu->header.cut = 0;
        cpu->header.flags = 0;
        cpu->resolved.has_object = cpu->resolved.has_times = 0;
        cpu->resolved.file = 0;
        cpu->resolved.key = key;
        return cpu;
}

static __always_inline void resolve_name(struct cpu *cpu, int i, struct dentry *dentry, struct vfsmount *mount) {
        path_append(cpu, &cpu->resolved.name[i], 1ULL << i, dentry, mount);
}

/* What is there now, before the call changes it. */
static __always_inline void resolve_object(struct cpu *cpu, int i, struct dentry *dentry) {
        struct inode *inode = GET(dentry, d_inode);
        struct seen seen = {};

        if (!inode)
                return;
        seen.inode = inode;
        see(&seen);
        cpu->resolved.object[i] = seen.object;
        cpu->resolved.has_object |= 1U << i;
        if (i == 0) {
                cpu->resolved.mode = seen.mode;
                cpu->resolved.uid = seen.uid;
                cpu->resolved.gid = seen.gid;
        }
}

/* The file that is being opened. */
static __always_inline void resolve_opened(struct cpu *cpu, struct file *file) {
        struct seen seen = {};

        resolve_name(cpu, 0, GET(file, f_path.dentry), GET(file, f_path.mnt));
        see_file(file, &seen);
        cpu->resolved.object[0] = seen.object;
        cpu->resolved.mode = seen.mode;
        cpu->resolved.uid = seen.uid;
        cpu->resolved.type = seen.type;
        cpu->resolved.created = !!(GET(file, f_mode) & FMODE_CREATED);
        cpu->resolved.file = (__u64)file;
}

/* Keep a short string of the kernel's as the second name. */
static __always_inline void resolve_text(struct cpu *cpu, const char *text) {
        __u32 offset = 0;
        long n;

        if (record_room(cpu, WIRE_MAX_NAME, &offset) < WIRE_MAX_NAME)
                return;
        n = bpf_probe_read_kernel_str(record_at(cpu, offset), WIRE_MAX_NAME, text);
        if (n <= 0)
                return;
        cpu->resolved.name[1].offset = offset;
        cpu->resolved.name[1].length = n - 1;
        cpu->used = offset + ((n - 1) & (WIRE_MAX_NAME - 1));
        cpu->header.known |= 1ULL << 1;
}

/* At the end of the call: what was kept for it, NULL if nothing. */
static __always_inline struct cpu *resolved_of(struct task_struct *task) {
        struct task_state *state;
        struct call_key key;
        struct cpu *cpu;
        __u32 number;

        if (!can_resolve)
                return NULL;
        state = state_of(task, false);
        if (!state)
                return NULL;
        number = state->scratch;
        if (!number)
                return NULL;
        cpu = bpf_map_lookup_elem(&cpus, &number);
        if (!cpu || cpu->busy != (__u32)task->pid)
                return NULL;
        key_read(&key, task);
        return key_is(&key, &cpu->resolved.key) ? cpu : NULL;
}

/* For the call that the record is about. Many operations of io_uring are carried out in one call, and told after it:
 * what a hook saw may be another one's. */
static __always_inline struct cpu *resolved_for(const struct cpu *cpu) {
        return !can_resolve || cpu->request.active ? NULL : resolved_of(bpf_get_current_task_btf());
}

/* As resolve_begin(), for hooks that a file system calls again for what lies below it: the first time is the one that
 * was asked for. */
static __always_inline struct cpu *resolve_begin_once(enum wire_kind kind) {
        struct cpu *cpu = resolved_of(bpf_get_current_task_btf());

        return cpu && cpu->resolved.has_object ? NULL : resolve_begin(kind);
}

/* The last thing at the end of every call that a hook may have looked at, wanted or not. Not static: see path_walk().
 */
__noinline int resolved_forget(void) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct task_state *state = state_of(task, false);
        struct cpu *cpu;
        __u32 number;

        if (!state)
                return nothing();
        number = state->scratch;
        if (!number)
                return nothing();
        state->scratch = 0;
        cpu = bpf_map_lookup_elem(&cpus, &number);
        if (cpu)
                __sync_val_compare_and_swap(&cpu->busy, (__u32)task->pid, 0);
        return nothing();
}

/* Append the i-th path to the record. False: there is none. */
static __always_inline bool resolved_append(struct cpu *cpu, int i, struct wire_bytes *path, __u64 bit) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct cpu *scratch = resolved_of(task);
        __u32 offset = 0, length;

        if (!scratch || !(scratch->header.known & 1ULL << i))
                return false;
        length = scratch->resolved.name[i].length;
        if (length > WIRE_MAX_PATH || record_room(cpu, WIRE_MAX_PATH, &offset) < WIRE_MAX_PATH)
                return false;
        BOUND(length, 2 * WIRE_MAX_PATH - 1);
        bpf_probe_read_kernel(record_at(cpu, offset), length, record_at(scratch, scratch->resolved.name[i].offset));
        path->offset = offset;
        path->length = length;
        cpu->used = offset + length;
        cpu->header.known |= bit;
        if (scratch->header.cut & 1ULL << i)
                cpu->header.cut |= bit;
        cpu->header.flags |= scratch->header.flags;
        return true;
}

/* Set an OBJECT field to the i-th object, if it is known. */
#define SET_RESOLVED(cpu, kind_, field_, scratch_, i)                                                                  \
        do {                                                                                                           \
                struct cpu *_scratch = (scratch_);                                                                     \
                if (_scratch && _scratch->resolved.has_object & 1U << (i))                                             \
                        SET(cpu, kind_, field_, _scratch->resolved.object[i]);                                         \
        } while (0)
