/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Enforce ptrace - who looks into another process. Included by enforce.bpf.c.
 *
 * The hook is asked by many who look at a process: by /proc, by calls that only compare. What is refused is what an
 * event `ptrace` tells (docs/EVENTS.md), known by the call that the task is in: PTRACE_ATTACH and PTRACE_SEIZE, and the
 * two calls that read and write another's memory. A process that offers itself (PTRACE_TRACEME) comes through a hook of
 * its own. What a tracer does once he has attached goes by no hook: the end of the call tells it, and he can be killed.
 */
#pragma once

#define GET READ
#include "pids.bpf.h"

#define PTRACE_MODE_ATTACH 2
#define PTRACE_TRACEME 0
#define PTRACE_ATTACH 16
#define PTRACE_SEIZE 0x4206
#define REQUEST_READV 0x10000           /* as in wire.h, which is not for here */
#define REQUEST_WRITEV 0x10001
#define REQUEST_NONE 0xffffffff

#if defined(__TARGET_ARCH_x86)
#define X32_BIT 0x40000000
enum { NR_PTRACE = 101, NR_READV = 310, NR_WRITEV = 311, NR_X32_PTRACE = 521, NR_X32_READV = 539, NR_X32_WRITEV = 540 };
enum { NR_COMPAT_PTRACE = 26, NR_COMPAT_READV = 347, NR_COMPAT_WRITEV = 348 };
#else
#define X32_BIT 0
enum { NR_PTRACE = 117, NR_READV = 270, NR_WRITEV = 271, NR_X32_PTRACE = -1, NR_X32_READV = -1, NR_X32_WRITEV = -1 };
enum { NR_COMPAT_PTRACE = 26, NR_COMPAT_READV = 376, NR_COMPAT_WRITEV = 377 };
#endif

struct asked {
        __u32 request, target;          /* the number that names it: the caller's namespace */
};

static __always_inline void ask_native(struct pt_regs *regs, struct asked *ret) {
        __u32 number, first, second;

#if defined(__TARGET_ARCH_x86)
        number = READ(regs, orig_ax);
        first = READ(regs, di);
        second = READ(regs, si);
#else
        number = READ(regs, syscallno);
        first = READ(regs, orig_x0);
        second = READ(regs, regs[1]);
#endif
        number &= ~X32_BIT;
        ret->target = first;
        if (number == NR_READV || number == NR_X32_READV)
                ret->request = REQUEST_READV;
        else if (number == NR_WRITEV || number == NR_X32_WRITEV)
                ret->request = REQUEST_WRITEV;
        else if (number == NR_PTRACE || number == NR_X32_PTRACE) {
                ret->request = first;
                ret->target = second;
        }
}

static __always_inline void ask_compat(struct pt_regs *regs, struct asked *ret) {
        __u32 number, first;

#if defined(__TARGET_ARCH_x86)
        number = READ(regs, orig_ax);
        first = READ(regs, bx);
#else
        number = READ(regs, syscallno);
        first = READ(regs, orig_x0);
#endif
        if (number == NR_COMPAT_READV)
                ret->request = REQUEST_READV;
        else if (number == NR_COMPAT_WRITEV)
                ret->request = REQUEST_WRITEV;
        else if (number == NR_COMPAT_PTRACE)
                ret->request = first;
}

/* What the current call asks of another process; REQUEST_NONE: it is none of these. */
static __always_inline void what_is_asked(struct asked *ret) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
        bool compat;

#if defined(__TARGET_ARCH_x86)
        compat = task->thread_info.status & 0x0002;     /* TS_COMPAT */
#else
        compat = task->thread_info.flags & (1UL << 22); /* TIF_32BIT */
#endif
        ret->request = REQUEST_NONE;
        ret->target = 0;
        if (compat)
                ask_compat(regs, ret);
        else
                ask_native(regs, ret);
}

/* `target` may be NULL: then only the request is known. */
static __always_inline __u32 rule_of_target(struct scratch *scratch, struct task_struct *target, __u32 request) {
        struct enforce_span *span = &spans[ENFORCE_AT_PTRACE];
        struct facts *facts = &scratch->facts;
        struct mm_struct *mm = target ? READ(target, mm) : NULL;
        struct file *file = mm ? READ(mm, exe_file) : NULL;

        know_caller(scratch, bpf_get_current_task_btf());
        facts->numbers[ENFORCE_REQUEST] = request;
        KNOW(facts, ENFORCE_REQUEST);
        if (target) {
                facts->numbers[ENFORCE_TARGET_PID] = READ(target, tgid);
                facts->numbers[ENFORCE_TARGET_UID] = READ(READ(target, real_cred), uid.val);
                KNOW(facts, ENFORCE_TARGET_PID);
                KNOW(facts, ENFORCE_TARGET_UID);
        }
        if (file)
                know_path(scratch, file, 0);
        if (span->fields & 1U << ENFORCE_EXE)
                know_exe(scratch, bpf_get_current_task_btf());
        return find_rule(scratch, span);
}

static __always_inline int refuse_target(struct task_struct *target, __u32 request) {
        struct task_struct *task = bpf_get_current_task_btf();
        enum enforce_outcome outcome = ENFORCE_WOULD;
        struct scratch *scratch = scratch_take();
        __u32 rule, size;

        if (!scratch) {
                count(&counters.undecided);
                return 0;
        }
        rule = rule_of_target(scratch, target, request);
        if (rule) {
                outcome = decide(task, rule);
                size = tell_rule(scratch, task, ENFORCE_AT_PTRACE, rule, outcome);
                if (bpf_ringbuf_output(&verdicts, &scratch->verdict, size, 0) < 0)
                        count(&counters.untold);
                if (outcome == ENFORCE_KERNEL && rule & ENFORCE_KILL)
                        punish(&scratch->verdict, size);
        }
        scratch_release(scratch);
        return outcome == ENFORCE_KERNEL ? -EPERM : 0;
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(refuse_ptrace, struct task_struct *child, unsigned int mode) {
        struct asked asked;

        if (!(mode & PTRACE_MODE_ATTACH))
                return 0;
        what_is_asked(&asked);
        return asked.request == REQUEST_NONE ? 0 : refuse_target(child, asked.request);
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(refuse_traceme, struct task_struct *parent) {
        return refuse_target(bpf_get_current_task_btf(), PTRACE_TRACEME);
}

/* At the end of these calls, for those who are to be killed: nothing was refused, but where a hook did so. */
SEC("tp/syscalls/sys_exit_ptrace")
int end_ptrace(struct syscall_exit *context) {
        struct task_struct *task = bpf_get_current_task_btf(), *target;
        struct scratch *scratch;
        struct asked asked;
        __u32 rule;

        what_is_asked(&asked);
        if (context->ret < 0 || asked.request == REQUEST_NONE)
                return 0;
        scratch = scratch_take();
        if (!scratch) {
                count(&counters.undecided);
                return 0;
        }
        target = asked.request == PTRACE_TRACEME ? task
                                                 : task_of_pid(pid_find(pid_namespace_of(task), asked.target));
        rule = rule_of_target(scratch, target, asked.request);
        if (rule & ENFORCE_KILL)
                kill_for(scratch, ENFORCE_AT_PTRACE, rule);
        scratch_release(scratch);
        return 0;
}
