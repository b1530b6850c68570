// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Processes - ptrace, kill: what one process did to another, the target by its identity. */
#include "ptrace.bpf.h"

/* ---- ptrace ---- */

#define PTRACE_TRACEME 0

/* PEEKTEXT, PEEKDATA, POKETEXT, POKEDATA: a word of the target's memory. */
static __always_inline bool ptrace_is_word(__u32 request) {
        return request == 1 || request == 2 || request == 4 || request == 5;
}

/* process_vm_readv() and process_vm_writev() name the other's memory in a vector. */
static __always_inline void ptrace_vector(struct cpu *cpu, const struct call *call) {
        struct user_vector vector = {};

        if (call->args[4] && vector_read(&vector, call->args[3], call->flags & WIRE_COMPAT) == 0) {
                SET(cpu, ptrace, address, vector.base);
                cpu->header.user |= WIRE_BIT(ptrace, address);
        }
        if (call->result >= 0)
                SET(cpu, ptrace, length, call->result);
}

static __noinline int ptrace_ended(const struct call *call) {
        __u32 number = call->args[call->id == WIRE_CALL_ptrace ? 1 : 0], request = call->args[0];
        struct task_struct *task;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, ptrace);
        if (!cpu)
                return 0;
        if (call->id == WIRE_CALL_process_vm_readv) {
                SET(cpu, ptrace, request, WIRE_PTRACE_READV);
                ptrace_vector(cpu, call);
        } else if (call->id == WIRE_CALL_process_vm_writev) {
                SET(cpu, ptrace, request, WIRE_PTRACE_WRITEV);
                ptrace_vector(cpu, call);
        } else {
                SET(cpu, ptrace, request, request);
                if (ptrace_is_word(request)) {
                        SET(cpu, ptrace, address, call->args[2]);
                        if (call->result >= 0)
                                SET(cpu, ptrace, length, call->flags & WIRE_COMPAT ? 4 : sizeof(long));
                }
        }
        if (call->id == WIRE_CALL_ptrace && request == PTRACE_TRACEME)
                task = (struct task_struct *)bpf_get_current_task();    /* it offers itself */
        else
                task = task_find(number);
        ptrace_target(cpu, task, number);
        return record_submit(cpu, WIRE_KIND_ptrace);
}

CALL_PROGRAM(exit_ptrace, ptrace_ended)

/* ---- kill ---- */

#if defined(__TARGET_ARCH_x86)
#define X32_BIT 0x40000000
enum { NR_KILL = 62, NR_TKILL = 200, NR_TGKILL = 234, NR_QUEUE = 129, NR_TGQUEUE = 297 };
enum { NR_COMPAT_TGKILL = 270, NR_COMPAT_TGQUEUE = 335 };
enum { NR_X32_QUEUE = 524, NR_X32_TGQUEUE = 536 };
#else
#define X32_BIT 0
enum { NR_KILL = 129, NR_TKILL = 130, NR_TGKILL = 131, NR_QUEUE = 138, NR_TGQUEUE = 240 };
enum { NR_COMPAT_TGKILL = 268, NR_COMPAT_TGQUEUE = 363 };
enum { NR_X32_QUEUE = -1, NR_X32_TGQUEUE = -1 };
#endif
enum { NR_COMPAT_KILL = 37, NR_COMPAT_TKILL = 238, NR_COMPAT_QUEUE = 178 };
enum { NR_PIDFD_SEND_SIGNAL = 424 };

/* Which of the calls that send signals the current task is in, or none: then the signal is the kernel's. */
static __always_inline __u32 signal_call(__u32 number, bool is_compat) {
        if (number == NR_PIDFD_SEND_SIGNAL)
                return WIRE_CALL_pidfd_send_signal;
        if (number == (is_compat ? NR_COMPAT_KILL : NR_KILL))
                return WIRE_CALL_kill;
        if (number == (is_compat ? NR_COMPAT_TKILL : NR_TKILL))
                return WIRE_CALL_tkill;
        if (number == (is_compat ? NR_COMPAT_TGKILL : NR_TGKILL))
                return WIRE_CALL_tgkill;
        if (number == (is_compat ? NR_COMPAT_QUEUE : NR_QUEUE) || number == NR_X32_QUEUE)
                return WIRE_CALL_rt_sigqueueinfo;
        if (number == (is_compat ? NR_COMPAT_TGQUEUE : NR_TGQUEUE) || number == NR_X32_TGQUEUE)
                return WIRE_CALL_rt_tgsigqueueinfo;
        return WIRE_CALL_NONE;
}

static __always_inline int signal_argument(__u32 id) {
        return id == WIRE_CALL_tgkill || id == WIRE_CALL_rt_tgsigqueueinfo ? 2 : 1;
}

#define SIGNAL_LOST 3                   /* TRACE_SIGNAL_OVERFLOW_FAIL: the call fails */

/* Each process or thread that a call sends a signal to, as the kernel finds it: all of a group as well. That it comes
 * from a program is told by the call that the task is in, not by what the signal says of itself, for that the program
 * may write as it likes. */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, struct kernel_siginfo *info, struct task_struct *target, int group, int outcome) {
        struct task_struct *self = bpf_get_current_task_btf();
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(self);
        bool is_compat = task_is_compat(self);
        struct call call = {};
        struct wire_kill *record;
        struct cpu *cpu;

        if (!wants[WIRE_KIND_kill] || outcome == SIGNAL_LOST)
                return 0;
        call.id = signal_call((__u32)call_number(regs) & ~X32_BIT, is_compat);
        if (call.id == WIRE_CALL_NONE)
                return 0;
        if (is_compat)
                call.flags = WIRE_COMPAT;
        else if ((int)call_argument(regs, signal_argument(call.id)) != signal)
                return 0;               /* from an interrupt: a timer's */
        cpu = RARE_RECORD(&call, kill);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, kill, signal, signal);
        SET(cpu, kill, thread, !group);
        target_append(cpu, (void *)&record->target_pid, WIRE_BIT(kill, target_pid), target);
        return record_submit(cpu, WIRE_KIND_kill);
}

/* What generates no signal: calls that fail, and those that only ask (signal 0). */
static __noinline int kill_ended(const struct call *call) {
        bool in_group = call->id == WIRE_CALL_tgkill || call->id == WIRE_CALL_rt_tgsigqueueinfo;
        int number = in_group ? call->args[1] : call->args[0], signal = in_group ? call->args[2] : call->args[1];
        struct task_struct *task = NULL;
        struct wire_kill *record;
        struct cpu *cpu;

        if (call->result >= 0 && signal != 0)
                return 0;
        cpu = RARE_RECORD(call, kill);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, kill, signal, signal);
        SET(cpu, kill, thread, in_group || call->id == WIRE_CALL_tkill);
        if (call->id == WIRE_CALL_pidfd_send_signal) {
                if (call->result != -EBADF)
                        task = task_of_pidfd(number);
        } else if (number > 0) {
                task = task_find(number);
                if (!task && counts_as_the_host())
                        SET(cpu, kill, target_pid, number);
        }
        if (task)
                target_append(cpu, (void *)&record->target_pid, WIRE_BIT(kill, target_pid), task);
        return record_submit(cpu, WIRE_KIND_kill);
}

CALL_PROGRAM(exit_kill, kill_ended)
