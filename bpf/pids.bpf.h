/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Pids - the task that a number stands for. Included where GET() is defined: it reads a member through any pointer. */
#pragma once

/* The one that the process lives in, not the one that its children will: /proc/PID/ns/pid. */
static __always_inline struct pid_namespace *pid_namespace_of(struct task_struct *task) {
        struct pid *pid = GET(task, thread_pid);
        struct pid_namespace *namespace = NULL;

        if (pid)
                bpf_probe_read_kernel(&namespace, sizeof(namespace),
                                      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
                                              (__u64)GET(pid, level) * bpf_core_type_size(struct upid) +
                                              bpf_core_field_offset(struct upid, ns));
        return namespace;
}

/* bpf_task_from_pid() is there since 6.2, and knows the initial namespace only (bpf_task_from_vpid(): 6.13). So the
 * namespace's own tree is walked, as find_pid_ns() does: a radix tree of numbers, at most 22 bits deep. */
#define PID_LEVELS 5

static __always_inline struct pid *pid_find(struct pid_namespace *namespace, __u32 number) {
        const __u32 bits = bpf_core_field_size(struct xa_node, slots) == 64 * sizeof(void *) ? 6 : 4;
        void *entry = NULL;

        if (!bpf_core_field_exists(namespace->idr) || !namespace)
                return NULL;
        entry = GET(namespace, idr.idr_rt.xa_head);
        for (int i = 0; i <= PID_LEVELS; i++) {
                struct xa_node *node = entry - 2;
                __u64 slot;
                __u32 shift;

                if (((__u64)entry & 3) != 2 || (__u64)entry <= 4096)
                        break;
                shift = GET(node, shift) & 31;
                slot = number >> shift;
                if (i == 0 && slot >> bits)
                        return NULL;    /* above all that there are */
                slot &= (1U << bits) - 1;
                entry = NULL;
                bpf_probe_read_kernel(&entry, sizeof(entry),
                                      (void *)node + bpf_core_field_offset(struct xa_node, slots) +
                                              slot * sizeof(void *));
        }
        return (__u64)entry & 3 ? NULL : entry;
}

static __always_inline struct task_struct *task_of_pid(struct pid *pid) {
        struct hlist_node *link = pid ? GET(pid, tasks[0].first) : NULL;

        return link ? (void *)link - bpf_core_field_offset(struct task_struct, pid_links) : NULL;
}
