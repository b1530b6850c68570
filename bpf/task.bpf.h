/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Task - what is read of a task that need not be the current one: its namespaces, who it is; and the task that a number
 * or a descriptor stands for.
 *
 * Programs run under RCU, as the kernel does when it looks up a process id: what was found stays in memory until the
 * program ends. */
#pragma once

#include "object.bpf.h"
#include "pids.bpf.h"

/* ---- namespaces ---- */

#define N_NAMESPACES 8
_Static_assert(sizeof(struct namespaces) == N_NAMESPACES * sizeof(__u32), "as in events.def");

/* Through NULL it reads 0. */
#define NAMESPACE_NUMBER(of)                                                                                           \
        ({                                                                                                             \
                __typeof__(of) _of = (of);                                                                             \
                bpf_core_field_exists(_of->ns) ? GET(_of, ns.inum) : 0;                                                \
        })

/* A task that ends has none but that of users. */
static __always_inline void namespaces_read(struct task_struct *task, struct namespaces *ret) {
        struct nsproxy *proxy = GET(task, nsproxy);
        struct cred *cred = GET(task, real_cred);

        ret->pid = NAMESPACE_NUMBER(pid_namespace_of(task));
        ret->user = NAMESPACE_NUMBER(GET(cred, user_ns));
        if (!proxy)
                return;
        ret->mnt = NAMESPACE_NUMBER(GET(proxy, mnt_ns));
        ret->net = NAMESPACE_NUMBER(GET(proxy, net_ns));
        ret->uts = NAMESPACE_NUMBER(GET(proxy, uts_ns));
        ret->ipc = NAMESPACE_NUMBER(GET(proxy, ipc_ns));
        ret->cgroup = NAMESPACE_NUMBER(GET(proxy, cgroup_ns));
        ret->time = NAMESPACE_NUMBER(GET(proxy, time_ns));
}

/* Not static: see path_walk(). Of a struct task_struct. */
__noinline int namespaces_of(__u64 task, struct namespaces *ret) {
        if (ret)
                namespaces_read((void *)task, ret);
        return nothing();
}

static __always_inline void namespaces_see(struct task_struct *task, struct namespaces *ret) {
        namespaces_of(number_of(task), ret);
}

/* Where the next children will live: of process ids and of time, a process never leaves the one that it began in. */
static __always_inline void namespaces_see_next(struct task_struct *task, struct namespaces *ret) {
        struct nsproxy *proxy = GET(task, nsproxy);

        namespaces_see(task, ret);
        if (!proxy)
                return;
        ret->pid = NAMESPACE_NUMBER(GET(proxy, pid_ns_for_children));
        ret->time = NAMESPACE_NUMBER(GET(proxy, time_ns_for_children));
}

/* 1, or 0 for 0. Without a branch: of several in turn the verifier may go through all combinations. */
static __always_inline __u64 is_some(__u64 value) {
        value |= -value;
        OPAQUE(value);
        return value >> 63;
}

/* Eight fields, of which the first is given. */
static __always_inline void namespaces_put(
                struct cpu *cpu, __s64 *fields, __u64 first, const struct namespaces *namespaces) {
        const __u32 *numbers = (const __u32 *)namespaces;

        for (int i = 0; i < N_NAMESPACES; i++) {
                fields[i] = numbers[i];
                cpu->header.known |= (first << i) * is_some(numbers[i]);
        }
}

static __always_inline void namespaces_append(
                struct cpu *cpu, __s64 *fields, __u64 first, struct task_struct *task) {
        struct namespaces namespaces = {};

        namespaces_see(task, &namespaces);
        namespaces_put(cpu, fields, first, &namespaces);
}

#define NAMESPACE_FIELDS(kind, first, last)                                                                            \
        _Static_assert(offsetof(struct wire_##kind, last) - offsetof(struct wire_##kind, first) ==                     \
                               (N_NAMESPACES - 1) * sizeof(__s64),                                                     \
                       #kind)
NAMESPACE_FIELDS(fork, child_ns_mnt, child_ns_time);
NAMESPACE_FIELDS(execve, ns_mnt, ns_time);
NAMESPACE_FIELDS(process, ns_mnt, ns_time);
NAMESPACE_FIELDS(unshare, ns_mnt, ns_time);
NAMESPACE_FIELDS(unshare, old_ns_mnt, old_ns_time);
NAMESPACE_FIELDS(setns, ns_mnt, ns_time);
NAMESPACE_FIELDS(setns, old_ns_mnt, old_ns_time);

/* ---- lookup ---- */

/* A process or thread by its number, as the current task sees it. */
static __always_inline struct task_struct *task_find(__u32 number) {
        return task_of_pid(pid_find(pid_namespace_of(bpf_get_current_task_btf()), number));
}

static __always_inline struct pid *pid_of_proc(struct inode *inode) {
        if (!bpf_core_type_exists(struct proc_inode))
                return NULL;
        return GET((struct proc_inode *)((void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode)), pid);
}

static __always_inline struct pid *pid_of_pidfd(struct file *file) {
        struct inode *inode = GET(file, f_inode);
        unsigned long magic = GET(GET(inode, i_sb), s_magic);

        if (magic == PIDFS_MAGIC)                       /* cb12fd8e0dab "pidfd: add pidfs", 6.9 */
                return GET(inode, i_private);
        return magic == ANON_INODE_FS_MAGIC ? GET(file, private_data) : NULL;
}

/* The process that a pidfd is about, or that a directory of /proc is. The descriptor has to be one of these. */
static __always_inline struct task_struct *task_of_pidfd(__u32 fd) {
        struct file *file = file_of(bpf_get_current_task_btf(), fd);
        struct inode *inode = file ? GET(file, f_inode) : NULL;

        if (!inode)
                return NULL;
        return task_of_pid(GET(GET(inode, i_sb), s_magic) == PROC_SUPER_MAGIC ? pid_of_proc(inode)
                                                                              : pid_of_pidfd(file));
}

/* ---- targets ---- */

/* Four fields of `ptrace` and of `kill`, in the order of events.def. */
struct target {
        __s64 pid;
        __s64 start;
        __s64 uid;
        struct wire_bytes exe;
};

#define TARGET_FIELDS(kind)                                                                                            \
        _Static_assert(offsetof(struct wire_##kind, target_exe) - offsetof(struct wire_##kind, target_pid) ==          \
                               offsetof(struct target, exe),                                                           \
                       #kind)
TARGET_FIELDS(ptrace);
TARGET_FIELDS(kill);

/* `first` is the bit of the first field. */
static __noinline int target_append(struct cpu *cpu, struct target *target, __u64 first, struct task_struct *task) {
        struct task_struct *leader = GET(task, group_leader);
        struct mm_struct *mm = GET(task, mm);
        struct file *file = mm ? GET(mm, exe_file) : NULL;

        target->pid = GET(task, tgid);
        target->start = GET(leader, start_boottime);
        target->uid = GET(GET(task, real_cred), uid.val);
        cpu->header.known |= first | first << 1 | first << 2;
        if (file)
                path_append(cpu, &target->exe, first << 3, GET(file, f_path.dentry), GET(file, f_path.mnt));
        return nothing();
}
