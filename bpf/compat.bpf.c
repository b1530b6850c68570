// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Compat - system calls through the 32-bit table, which the kernel does not run per-call tracepoints for.
 *
 * Two dispatchers on every call of the machine, so they are attached only once there is a 32-bit program
 * (`capture.compat`). They leave at once for other calls, and jump to the program of the call that has the same meaning
 * in the native table. Where layouts differ (vectors, message headers, times, offsets) the bodies look at WIRE_COMPAT.
 * socketcall(), through which old programs reach the network, is one number for all its calls, and their arguments are
 * in memory: all that is told of them is marked as the user's. */
#include "call.bpf.h"

SEC("tp")
int compat_ended(struct syscall_exit *context) {
        __u32 id;

        if (!task_is_compat(bpf_get_current_task_btf()))
                return 0;
        id = compat_call(context->nr, (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
        if (id != WIRE_CALL_NONE)
                bpf_tail_call(context, &call_ends, id);
        return 0;
}

SEC("tp")
int compat_begins(struct syscall_enter *context) {
        __u32 id;

        if (!task_is_compat(bpf_get_current_task_btf()))
                return 0;
        id = compat_call(context->nr, (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
        if (id != WIRE_CALL_NONE)
                bpf_tail_call(context, &call_begins, id);
        return 0;
}
