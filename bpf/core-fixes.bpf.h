/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Core fixes - what differs between kernels and configurations: one function each, with the reason.
 *
 * GET() reads a member through a pointer that the verifier knows nothing about: as one load where bpf_rdonly_cast()
 * exists (fd35fdbf7d "bpf: Add a kfunc for generic type cast", 6.2), else with a helper call. Bad pointers read as 0
 * either way. */
#pragma once

#include "maps.bpf.h"

extern void *bpf_rdonly_cast(const void *object, __u32 type_id) __ksym __weak;

#define GET(pointer, member)                                                                                           \
        ({                                                                                                             \
                __typeof__(pointer) _pointer = (pointer);                                                              \
                __typeof__(_pointer->member) _value;                                                                   \
                if (can_cast)                                                                                          \
                        _value = ((__typeof__(pointer))bpf_rdonly_cast(                                                \
                                _pointer, bpf_core_type_id_kernel(__typeof__(*_pointer))))->member;                    \
                else                                                                                                   \
                        bpf_core_read(&_value, sizeof(_value), &_pointer->member);                                     \
                _value;                                                                                                \
        })

/* A pointer member of an object that the verifier knows. Through the cast, for then it does not look up by name, in all
 * of the kernel's types, whether to trust what it gets: half of the time that loading takes. */
#define PART(pointer, member)                                                                                          \
        ({                                                                                                             \
                __typeof__(pointer) _pointer = (pointer);                                                              \
                __typeof__(_pointer->member) _value;                                                                   \
                if (can_cast)                                                                                          \
                        _value = ((__typeof__(pointer))bpf_rdonly_cast(                                                \
                                _pointer, bpf_core_type_id_kernel(__typeof__(*_pointer))))->member;                    \
                else                                                                                                   \
                        _value = _pointer->member;                                                                     \
                _value;                                                                                                \
        })

/* A pointer as a number that the verifier knows nothing about: global functions take no other ones. */
static __always_inline __u64 number_of(const void *pointer) {
        __u64 number = 0;

        bpf_probe_read_kernel(&number, sizeof(number), &pointer);
        return number;
}

/* bpf_probe_read_user_str(), which gives 0 for an empty string on older kernels (6.1, 6.12). Bytes with the NUL, or
 * negative. */
static __always_inline long read_user_string(char *to, __u32 size, const void *from) {
        long n = bpf_probe_read_user_str(to, size, from);

        return n == 0 ? 1 : n;
}

/* CONFIG_AUDIT may be off: then there are no logins. */
static __always_inline __u32 task_loginuid(struct task_struct *task) {
        return bpf_core_field_exists(task->loginuid) ? task->loginuid.val : (__u32)-1;
}

static __always_inline __u32 task_session(struct task_struct *task) {
        return bpf_core_field_exists(task->sessionid) ? task->sessionid : (__u32)-1;
}

/* A set of capabilities is 64 bits, called otherwise since 6.3 (f122a08b197d "capability: just use a 'u64' instead of a
 * 'u32[2]' array"). */
static __always_inline __u64 cred_caps(struct cred *cred) {
        __u64 caps = 0;

        if (bpf_core_field_exists(cred->cap_effective.val))
                return cred->cap_effective.val;
        bpf_core_read(&caps, sizeof(caps), &cred->cap_effective);
        return caps;
}

#define CRED_CAPS(cred, set)                                                                                           \
        ({                                                                                                             \
                __u64 _caps = 0;                                                                                       \
                bpf_core_read(&_caps, sizeof(_caps), &(cred)->set);                                                    \
                _caps;                                                                                                 \
        })

/* Was the call that this task is in made through the 32-bit table? */
static __always_inline bool task_is_compat(struct task_struct *task) {
#if defined(__TARGET_ARCH_x86)
        return task->thread_info.status & 0x0002;       /* TS_COMPAT */
#else
        return task->thread_info.flags & (1UL << 22);   /* TIF_32BIT */
#endif
}

/* Does it run a 32-bit program? */
static __always_inline bool task_is_narrow(struct task_struct *task) {
#if defined(__TARGET_ARCH_x86)
        return task->thread_info.flags & (1UL << 29);   /* TIF_ADDR32 */
#else
        return task->thread_info.flags & (1UL << 22);   /* TIF_32BIT */
#endif
}

/* struct ovl_inode is in the kernel's types only if overlayfs is built in. As a module it is not, but the upper dentry
 * follows the inode in all kernels since 4.13 (09d8b586731b). */
static __always_inline bool overlay_is_upper(struct inode *inode) {
        struct dentry *upper = NULL;

        if (bpf_core_field_exists(struct ovl_inode, __upperdentry))
                bpf_probe_read_kernel(&upper, sizeof(upper),
                                      (char *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode) +
                                              bpf_core_field_offset(struct ovl_inode, __upperdentry));
        else
                bpf_probe_read_kernel(&upper, sizeof(upper), (char *)inode + bpf_core_type_size(struct inode));
        return upper;
}

/* A host with both hierarchies may keep all processes in the root of v2: there the unit is in the hierarchy that
 * systemd named. The task's set of cgroups has one link for each hierarchy. The id is kept with the task, for as long
 * as its set is the same. */
#define MAX_HIERARCHIES 24

struct hierarchy_walk {
        struct list_head *head, *position;
        __u64 id;
};

static long hierarchy_step(__u32 i, struct hierarchy_walk *walk) {
        struct list_head *position = walk->position;
        struct cgrp_cset_link *link = (void *)position - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
        struct cgroup *cgroup;
        struct cgroup_root *root;
        __u64 name = 0;

        if (!position || position == walk->head)
                return 1;
        cgroup = GET(link, cgrp);
        root = GET(cgroup, root);
        bpf_probe_read_kernel(&name, sizeof(name), (void *)root + bpf_core_field_offset(struct cgroup_root, name));
        if (name == 0x00646d6574737973ULL) {    /* "systemd" and its NUL, low byte first */
                walk->id = GET(GET(cgroup, kn), id);
                return 1;
        }
        walk->position = GET(position, next);
        return 0;
}

/* Not static: the verifier looks at it once, by itself. Of a struct css_set. */
__noinline __u64 named_cgroup_id(__u64 number) {
        struct css_set *set = (void *)number;
        struct hierarchy_walk walk = {
                .head = (void *)set + bpf_core_field_offset(struct css_set, cgrp_links),
                .position = GET(set, cgrp_links.next),
        };

        bpf_loop(MAX_HIERARCHIES, hierarchy_step, &walk, 0);
        return walk.id;
}

static __always_inline __u64 task_cgroup_id(struct task_struct *task, struct task_state *state) {
        struct css_set *set = PART(task, cgroups);
        __u64 id;

        if (!named_hierarchy)
                return set->dfl_cgrp->kn->id;
        if (state && state->css_set == (__u64)set)
                return state->cgroup_id;
        id = named_cgroup_id(number_of(set));
        if (state) {
                state->css_set = (__u64)set;
                state->cgroup_id = id;
        }
        return id;
}

/* The cgroup's hierarchy: is it the one that ids and names are taken from? v2 is number 0 and has no name. */
static __always_inline bool cgroup_is_ours(struct cgroup *cgroup) {
        struct cgroup_root *root = GET(cgroup, root);
        __u64 name = 0;

        if (!named_hierarchy)
                return GET(root, hierarchy_id) == 0;
        bpf_probe_read_kernel(&name, sizeof(name), (void *)root + bpf_core_field_offset(struct cgroup_root, name));
        return name == 0x00646d6574737973ULL;
}

/* Its number in the native table. In the 32-bit ones no open has that. */
#if defined(__TARGET_ARCH_x86)
#define NATIVE_openat 257
#else
#define NATIVE_openat 56
#endif

/* Arguments of a system call, at its exit as well: the registers keep them. arm64 puts the result in x0 and keeps the
 * first argument in orig_x0. */
static __always_inline unsigned long call_argument(struct pt_regs *regs, int i) {
#if defined(__TARGET_ARCH_x86)
        switch (i) {
        case 0: return regs->di;
        case 1: return regs->si;
        case 2: return regs->dx;
        case 3: return regs->r10;
        case 4: return regs->r8;
        default: return regs->r9;
        }
#else
        return i == 0 ? regs->orig_x0 : regs->regs[i];
#endif
}

static __always_inline __u64 call_number(struct pt_regs *regs) {
#if defined(__TARGET_ARCH_x86)
        return regs->orig_ax;
#else
        return regs->syscallno;
#endif
}

/* The same of a 32-bit call: other registers, half of them. The kernel of arm64 has no table of such calls that could
 * be built with, they are not told there. */
static __always_inline unsigned long compat_argument(struct pt_regs *regs, int i) {
#if defined(__TARGET_ARCH_x86)
        switch (i) {
        case 0: return (__u32)regs->bx;
        case 1: return (__u32)regs->cx;
        case 2: return (__u32)regs->dx;
        case 3: return (__u32)regs->si;
        case 4: return (__u32)regs->di;
        default: return (__u32)regs->bp;
        }
#else
        return (__u32)regs->regs[i];
#endif
}
