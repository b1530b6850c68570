/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ptrace - what processes.bpf.c and file.bpf.c have in common: the target, and the way through /proc. */
#pragma once

#include "call.bpf.h"

/* Of a process that was not found its number can be said, if the caller counts as the host does. */
static __always_inline bool counts_as_the_host(void) {
        return GET(GET(bpf_get_current_task_btf(), thread_pid), level) == 0;
}

static __always_inline void ptrace_target(struct cpu *cpu, struct task_struct *task, __u32 number) {
        struct wire_ptrace *record = (void *)cpu->record;

        if (task)
                target_append(cpu, (void *)&record->target_pid, WIRE_BIT(ptrace, target_pid), task);
        else if (number && counts_as_the_host())
                SET(cpu, ptrace, target_pid, (int)number);
}

/* /proc/PID/mem that was opened to write: the other way into another's memory. Told beside the openat. */
static __noinline int open_mem_ended(const struct call *call) {
        struct file *file;
        struct inode *inode;
        struct pid *pid;
        struct cpu *cpu;
        char name[8] = {};

        if (call->result < 0)
                return nothing();
        file = file_of(bpf_get_current_task_btf(), call->result);
        if (!file || !(GET(file, f_mode) & FMODE_WRITE))
                return nothing();
        inode = GET(file, f_inode);
        if (GET(GET(inode, i_sb), s_magic) != PROC_SUPER_MAGIC)
                return nothing();
        bpf_probe_read_kernel(name, 4, GET(GET(file, f_path.dentry), d_name.name));
        if (*(__u64 *)name != 0x6d656d)         /* "mem" and its NUL, low byte first */
                return nothing();
        pid = pid_of_proc(inode);
        if (!pid)
                return nothing();

        cpu = RARE_RECORD(call, ptrace);
        if (!cpu)
                return nothing();
        cpu->header.result = 0;
        SET(cpu, ptrace, request, WIRE_PTRACE_PROC_MEM);
        ptrace_target(cpu, task_of_pid(pid), 0);
        return record_submit(cpu, WIRE_KIND_ptrace);
}
