/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Call - the frame of the programs on system calls: one body for each kind, whichever call and whichever table it came
 * through.
 *
 * A body takes a struct call and knows the calls of its kind by their number (enum wire_call). One program serves all
 * calls of a kind: it is attached to each with a cookie that says which. So a new call costs a line in
 * capture/hook-table.def, and the verifier sees each body once. CALL_PROGRAM_OF() is for calls so frequent that asking
 * for the cookie counts.
 *
 *      static __noinline int chown_ended(const struct call *call) { ... }
 *      CALL_PROGRAM(exit_chown, chown_ended)
 *
 * What a call was given is gone or exchanged at its end where another thread had a hand in it. A program at the
 * beginning (ENTER_PROGRAM) keeps in the task's state what the body compares with: struct begun. */
#pragma once

#include "given.bpf.h"

struct call {
        __u32 id;                       /* enum wire_call */
        __u32 flags;                    /* WIRE_COMPAT or 0: for the header */
        long result;                    /* 0 at the beginning */
        unsigned long args[6];
};

static __always_inline void call_read(struct call *call, const struct syscall_exit *context, __u32 id) {
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

        call->id = id;
        call->flags = 0;
        call->result = context->ret;
        for (int i = 0; i < 6; i++)
                call->args[i] = call_argument(regs, i);
}

#define CALL_PROGRAM_OF(program, call_id, body)                                                                        \
        SEC("tp") int program(struct syscall_exit *context) {                                                          \
                struct call call;                                                                                      \
                                                                                                                       \
                call_read(&call, context, call_id);                                                                    \
                return body(&call);                                                                                    \
        }

#define CALL_PROGRAM(program, body) CALL_PROGRAM_OF(program, bpf_get_attach_cookie(context), body)

/* For calls whose names a security hook may have resolved. */
#define NAME_PROGRAM(program, body)                                                                                    \
        SEC("tp") int program(struct syscall_exit *context) {                                                          \
                struct call call;                                                                                      \
                int r;                                                                                                 \
                                                                                                                       \
                call_read(&call, context, bpf_get_attach_cookie(context));                                             \
                r = body(&call);                                                                                       \
                resolved_forget(bpf_get_current_task_btf());                                                           \
                return r;                                                                                              \
        }

#define ENTER_PROGRAM(program, body)                                                                                   \
        SEC("tp") int program(struct syscall_enter *context) {                                                         \
                struct call call = {.id = bpf_get_attach_cookie(context)};                                             \
                                                                                                                       \
                for (int i = 0; i < 6; i++)                                                                            \
                        call.args[i] = context->args[i];                                                               \
                return body(&call);                                                                                    \
        }

/* Is the kind wanted from this task, with this result? The first line of each body. */
static __always_inline bool call_wanted(const struct call *call, enum wire_kind kind) {
        return want(kind, call->result) && !is_self(bpf_get_current_task_btf());
}

/* Begin the record of a call, header and all. NULL: lost, and counted. */
static __always_inline struct cpu *call_record(const struct call *call, enum wire_kind kind, __u32 size) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct cpu *cpu = record_begin(kind, size, kind != WIRE_KIND_execve);

        if (!cpu)
                return NULL;
        header_fill(&cpu->header, task, state_of(task, false), call->result);
        cpu->header.call = call->id;
        cpu->header.flags |= call->flags;
        return cpu;
}

/* What a program at the beginning kept for this call; NULL if there was none, or it was for another call. */
static __always_inline struct begun *call_begun(const struct call *call) {
        struct task_state *state = state_of(bpf_get_current_task_btf(), false);

        if (!state || state->begun.call != call->id)
                return NULL;
        state->begun.call = 0;
        return &state->begun;
}

/* Keep something for the end of this call: the place for it, NULL if there is no memory (then the end does without). */
static __always_inline struct begun *call_begin(const struct call *call) {
        struct task_state *state = state_of(bpf_get_current_task_btf(), true);

        if (!state)
                return NULL;
        state->begun.call = call->id;
        return &state->begun;
}
