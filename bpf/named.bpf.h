/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Named - what a call on names and attributes was passed, and the file that it named: by a path, by a descriptor, or by
 * an empty path and a descriptor.
 *
 * By a path there are only the user's bytes (given.bpf.h). By a descriptor there is the kernel's file: its path and its
 * object are true. With an empty path it was the user's byte that decided so, and both are marked `user`.
 *
 * Each kind says in a function KIND_passed() what its calls were passed. Its program at the beginning (KEEP_PROGRAM)
 * keeps a hash of all strings, and of a descriptor's file which one it is, its mode and its owner. At the end the same
 * function serves the body, which adds the strings in the same order: first, second, bytes; then mark_stable().
 *
 * Where threads share their descriptors one may exchange one while the call waits: if another file is there at the end,
 * both are told (compare write_look() in data.bpf.c). */
#pragma once

#include "call.bpf.h"

/* With AT_EMPTY_PATH a path that is empty (or, in newer calls, NULL) names the descriptor. */
static __always_inline void passed_empty(const struct call *call, struct passed *passed, __u32 flags) {
        char first = 1;

        if (!(flags & AT_EMPTY_PATH))
                return;
        if (passed->first) {
                if (call->flags & CALL_REQUEST)
                        bpf_probe_read_kernel(&first, 1, passed->first);
                else
                        bpf_probe_read_user(&first, 1, passed->first);
        }
        if (!passed->first || !first)
                passed->descriptor = passed->empty = true;
}

static __always_inline void passed_path(struct passed *passed, int directory, unsigned long path) {
        passed->directory = directory;
        passed->first = (const char *)path;
}

static __always_inline void passed_descriptor(struct passed *passed, int fd) {
        passed->directory = fd;
        passed->descriptor = true;
}

/* ---- the beginning ---- */

static __always_inline void keep_object(struct begun *begun, const struct passed *passed) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct seen seen = {};

        if (passed->directory == AT_FDCWD)
                see_cwd(&seen);
        else {
                struct file *file = file_of(task, passed->directory);

                if (!file)
                        return;
                begun->file = (__u64)file;
                see_file(file, &seen);
        }
        begun->seen = true;
        begun->object = seen.object;
        begun->mode = seen.mode;
        begun->uid = seen.uid;
        begun->gid = seen.gid;
}

/* Pointers and lengths that were in memory as well belong to it. */
static __always_inline __u64 passed_digest(struct cpu *cpu, const struct passed *passed) {
        digest_word(&cpu->digest, (__u64)passed->bytes);
        digest_word(&cpu->digest, passed->n_bytes);
        return digest_end(&cpu->digest);
}

/* Not static: see path_walk(). */
__noinline int keep_passed(const struct call *call, const struct passed *passed) {
        struct cpu *cpu = this_cpu();
        struct begun *begun;

        if (!call || !passed || !cpu)
                return nothing();
        begun = call_begin(call);
        if (!begun)
                return nothing();
        if (passed->descriptor)
                keep_object(begun, passed);
        if (cpu->busy || !memory_is_ours(bpf_get_current_task_btf()))
                return nothing();
        digest_begin(&cpu->digest);
        if (passed->first && !keep_string(cpu, passed->first))
                return nothing();
        if (passed->second && !keep_string(cpu, passed->second))
                return nothing();
        if (passed->bytes && !keep_bytes(cpu, passed->bytes, passed->n_bytes))
                return nothing();
        begun->digest = passed_digest(cpu, passed);
        begun->kept = true;
        return nothing();
}

#define KEEP_PROGRAM(kind)                                                                                             \
        static __always_inline int kind##_begins(const struct call *call) {                                            \
                struct passed passed = {.directory = AT_FDCWD};                                                        \
                                                                                                                       \
                kind##_passed(call, &passed);                                                                          \
                return keep_passed(call, &passed);                                                                     \
        }                                                                                                              \
        static __always_inline bool kind##_keeps(void) {                                                               \
                return wants[WIRE_KIND_##kind] && !is_self(bpf_get_current_task_btf());                                \
        }                                                                                                              \
        ASKING_ENTER_PROGRAM(enter_##kind, kind##_begins, kind##_keeps)

/* ---- the end ---- */

#define PLACES(kind)                                                                                                   \
        {                                                                                                              \
                .pathname = WIRE_BIT(kind, pathname), .given = WIRE_BIT(kind, given), .file = WIRE_BIT(kind, file),    \
        }

/* The first thing at the end of a call: whatever becomes of it, no later one must find what was kept. In memory of the
 * CPU, for the stack is short. */
static __always_inline struct named *named_begun(const struct call *call) {
        struct begun *begun = call->flags & CALL_REQUEST ? NULL : call_begun(call);
        struct cpu *cpu = this_cpu();

        if (!cpu)
                return NULL;
        __builtin_memset(&cpu->named, 0, sizeof(cpu->named));
        if (begun)
                cpu->named.begun = *begun;
        cpu->named.passed.directory = AT_FDCWD;
        return &cpu->named;
}

/* All that was read from the program has been added. Of an operation of io_uring that is the kernel's own copy. */
static __always_inline void mark_stable(struct cpu *cpu, const struct passed *passed, const struct begun *begun) {
        if (cpu->request.active)
                cpu->header.stable = cpu->header.user;
        else if (begun->kept && memory_is_ours(bpf_get_current_task_btf()) &&
            passed_digest(cpu, passed) == begun->digest)
                cpu->header.stable = cpu->header.user;
}

/* The path and the object of what a descriptor is, or of the working directory. True: what the beginning kept is of
 * this one. */
static __always_inline bool descriptor_append(struct cpu *cpu, struct named *named, struct wire_bytes *pathname,
                                              struct wire_bytes *given, struct wire_object *object) {
        struct file *file = named->file;
        struct dentry *dentry;
        struct vfsmount *mount;
        struct seen *seen = &named->seen;
        __u32 offset = 0;

        __builtin_memset(seen, 0, sizeof(*seen));
        cpu->header.flags |= named->flags;
        if (file) {
                dentry = GET(file, f_path.dentry);
                mount = GET(file, f_path.mnt);
                see_file(file, seen);
        } else if (named->passed.directory == AT_FDCWD) {
                struct fs_struct *fs = PART(bpf_get_current_task_btf(), fs);

                dentry = fs->pwd.dentry;
                mount = fs->pwd.mnt;
                see_cwd(seen);
        } else
                return false;
        *object = seen->object;
        cpu->header.known |= named->places.file;
        if (has_path(seen->type))
                path_append(cpu, pathname, named->places.pathname, dentry, mount);
        if (named->passed.empty && named->passed.first && record_room(cpu, 8, &offset) == 8) {
                const struct places *places = &named->places;

                given->offset = offset;
                cpu->header.known |= places->given;
                cpu->header.user |= cpu->header.known & (places->given | places->file | places->pathname);
                digest_add(cpu, offset, 0);
        }
        return named->begun.seen && same_object(&named->begun.object, &seen->object);
}

/* The fields of what was named. True: named->begun has the mode and the owner of this object, as they were. Not static:
 * see path_walk(). */
__noinline int named_append(struct cpu *cpu, struct named *named, struct wire_bytes *pathname, struct wire_bytes *given,
                            struct wire_object *object) {
        struct given path = {};
        struct cpu *resolved;
        bool known = false;

        if (!cpu || !named || !pathname || !given || !object)
                return false;
        if (named->passed.descriptor)
                known = descriptor_append(cpu, named, pathname, given, object);
        else {
                path.user = named->passed.first;
                path.directory = named->passed.directory;
                path.path_bit = named->places.pathname;
                path.given_bit = named->places.given;
                given_append(cpu, &path, pathname, given);
        }
        resolved = resolved_for(cpu);
        if (!resolved || !(resolved->resolved.has_object & 1))
                return known;
        if (named->passed.descriptor) {
                /* The hook saw the same: it was no byte of the user's that decided. */
                if (same_object(object, &resolved->resolved.object[0]))
                        cpu->header.user &= ~(named->places.file | named->places.pathname);
                return known;
        }
        *object = resolved->resolved.object[0];
        cpu->header.known |= named->places.file;
        named->begun.mode = resolved->resolved.mode;
        named->begun.uid = resolved->resolved.uid;
        named->begun.gid = resolved->resolved.gid;
        return true;
}

/* Append one more string that the program passed, as it is. */
static __always_inline void string_append(struct cpu *cpu, const char *user, struct wire_bytes *bytes, __u64 bit) {
        __u32 offset = 0;
        long n;

        if (record_room(cpu, WIRE_MAX_PATH, &offset) < WIRE_MAX_PATH)
                return;
        n = read_name(cpu, record_at(cpu, offset), WIRE_MAX_PATH, user);
        if (n <= 0)
                return;
        n--;
        cpu->used = offset + (n & (WIRE_MAX_PATH - 1));
        bytes->offset = offset;
        bytes->length = n;
        cpu->header.known |= bit;
        cpu->header.user |= bit;
        if (n == WIRE_MAX_PATH - 1)
                cpu->header.cut |= bit;
        digest_add(cpu, offset, n);
}

/* Find the file, and tell: once, or of both if it was exchanged. */
static __always_inline int named_tell(
                const struct call *call, struct named *named, int (*tell)(const struct call *, struct named *)) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct file *before = (struct file *)named->begun.file, *now = NULL;

        if (!named->passed.descriptor)
                return tell(call, named);

        if (named->passed.directory != AT_FDCWD)
                now = file_of(task, named->passed.directory);
        if (files_are_shared(task))
                named->flags |= WIRE_RACED;
        if (before && before != now) {
                named->flags |= WIRE_RACED | WIRE_EXCHANGED;
                see_file(before, &named->seen);
                if (same_object(&named->seen.object, &named->begun.object)) {
                        named->file = before;
                        tell(call, named);
                }
        }
        named->file = now;
        return tell(call, named);
}
