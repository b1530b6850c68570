/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Call - the frame of the programs on system calls: one body for each kind, whichever call and whichever table it came
 * through.
 *
 * A body takes a struct call and knows the calls of its kind by their number (enum wire_call). One program serves all
 * calls of a kind: it is attached to each with a cookie that says which. So a new call costs a line in
 * capture/hook-table.def, and the verifier sees each body once. The same programs look at 32-bit calls and at
 * operations of io_uring: dispatchers (compat.bpf.c, uring.bpf.c) jump to them, and their own cookies say so.
 *
 *      static __noinline int chown_ended(const struct call *call) { ... }
 *      CALL_PROGRAM(exit_chown, chown_ended)
 *
 * A call that nobody wants shall cost what an empty program costs, where programs make it all the time. So those
 * programs ask by the tracepoint's result, before they read a register (ASKING_PROGRAM).
 *
 * What a call was given is gone or exchanged at its end where another thread had a hand in it. A program at the
 * beginning (ENTER_PROGRAM) keeps in the task's state what the body compares with: struct begun. */
#pragma once

#include "credentials.bpf.h"
#include "given.bpf.h"
#include "task.bpf.h"

#define CALL_COMPAT 0xffff              /* cookie of the dispatcher of 32-bit calls (compat.bpf.c) */

/* In call->flags, beside what goes into the header. */
#define CALL_REQUEST (1U << 31)         /* an operation of io_uring (uring.bpf.c) */
#define CALL_MULTISHOT (1U << 30)       /* of many results, each in a buffer that the kernel chose */
#define CALL_NARROW (1U << 29)          /* offsets and times in memory have 32 bits */
#define CALL_ASKED (1U << 27)            /* that the kind is wanted was seen before anything was read */
#define CALL_REFUSED (1U << 26)         /* that it is not: there is only to tidy up */
#define CALL_OWN_FLAGS (CALL_REQUEST | CALL_MULTISHOT | CALL_NARROW | CALL_ASKED | CALL_REFUSED)

/* And RECORD_IS_USER: the arguments were in memory, which the kernel has read before us. */

/* The programs of this table by call, for those that come another way. Of two that are at the end of one call (a move
 * is a write and a read) the second is in a table of its own. Filled by the daemon. */
struct {
        __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
        __uint(max_entries, 256);
        __type(key, __u32);
        __type(value, __u32);
} call_ends SEC(".maps"), call_ends_too SEC(".maps"), call_begins SEC(".maps");

/* Numbers of the 32-bit table to enum wire_call. Filled by the daemon. */
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, 512);
        __type(key, __u32);
        __type(value, __u32);
} compat_calls SEC(".maps");

#define CALL_SOCKETCALL 0xfffe          /* in compat_calls: which of them is the first argument */

/* The calls of socketcall(), and how many arguments each has in memory. */
static const struct {
        __u16 call, n_args;
} socket_calls[32] = {
        [1] = {WIRE_CALL_socket, 3},
        [2] = {WIRE_CALL_bind, 3},
        [3] = {WIRE_CALL_connect, 3},
        [4] = {WIRE_CALL_listen, 2},
        [5] = {WIRE_CALL_accept, 3},
        [8] = {WIRE_CALL_socketpair, 4},
        [9] = {WIRE_CALL_sendto, 4},    /* send(), recv(): without the last two */
        [10] = {WIRE_CALL_recvfrom, 4},
        [11] = {WIRE_CALL_sendto, 6},
        [12] = {WIRE_CALL_recvfrom, 6},
        [16] = {WIRE_CALL_sendmsg, 3},
        [17] = {WIRE_CALL_recvmsg, 3},
        [18] = {WIRE_CALL_accept4, 4},
        [19] = {WIRE_CALL_recvmmsg, 5},
        [20] = {WIRE_CALL_sendmmsg, 4},
};

static __always_inline __u32 compat_call(__u32 number, struct pt_regs *regs) {
        __u32 *id = bpf_map_lookup_elem(&compat_calls, &number);
        __u32 which = compat_argument(regs, 0);

        if (!id)
                return WIRE_CALL_NONE;
        if (*id != CALL_SOCKETCALL)
                return *id;
        if (which >= 32)
                return WIRE_CALL_NONE;
        BOUND(which, 31);
        return socket_calls[which].call;
}

/* Of the table of x86, where arguments are not those of the native call. */
enum {
        COMPAT_lchown = 16,
        COMPAT_utime = 30,
        COMPAT_settimeofday = 79,
        COMPAT_mmap = 90,
        COMPAT_fchown = 95,
        COMPAT_socketcall = 102,
        COMPAT_pread64 = 180,
        COMPAT_pwrite64 = 181,
        COMPAT_chown = 182,
        COMPAT_sendfile = 187,
        COMPAT_mmap2 = 192,
        COMPAT_truncate64 = 193,
        COMPAT_ftruncate64 = 194,
        COMPAT_clock_settime = 264,
        COMPAT_utimes = 271,
        COMPAT_futimesat = 299,
        COMPAT_utimensat = 320,
        COMPAT_preadv = 333,
        COMPAT_pwritev = 334,
        COMPAT_preadv2 = 378,
        COMPAT_pwritev2 = 379,
};

/* Arguments that are in memory. */
static __always_inline void compat_vector(struct call *call, __u32 n) {
        __u32 vector[8] = {};

        BOUND(n, 7);
        bpf_probe_read_user(vector, n * sizeof(vector[0]), (void *)call->args[call->id != WIRE_CALL_mmap]);
        for (int i = 0; i < 6; i++)
                call->args[i] = vector[i];
        call->flags |= RECORD_IS_USER;
}

/* An id of 16 bits, whose -1 is that of 32. */
static __always_inline unsigned long wide_id(unsigned long id) {
        return (__u16)id == 0xffff ? (__u32)-1 : (__u16)id;
}

/* A call through the 32-bit table: which, and what the native one would have been given. */
static __always_inline void compat_read(struct call *call, struct pt_regs *regs, __u32 number) {
        unsigned long *args = call->args;
        __u32 which = 0;

        (void)which;                    /* where there is no such table */
        call->id = compat_call(number, regs);
        call->flags = WIRE_COMPAT;
        for (int i = 0; i < 6; i++)
                args[i] = compat_argument(regs, i);
#if defined(__TARGET_ARCH_x86)
        switch (number) {
        case COMPAT_mmap: compat_vector(call, 6); break;
        case COMPAT_socketcall:
                which = args[0];
                BOUND(which, 31);
                compat_vector(call, socket_calls[which].n_args);
                break;
        case COMPAT_mmap2: args[5] <<= 12; break;
        case COMPAT_truncate64:
        case COMPAT_ftruncate64: args[1] |= args[2] << 32; break;
        case COMPAT_pread64:
        case COMPAT_pwrite64:
        case COMPAT_preadv:
        case COMPAT_pwritev:
        case COMPAT_preadv2:
        case COMPAT_pwritev2: args[3] |= args[4] << 32; break;
        case COMPAT_chown:
        case COMPAT_lchown:
        case COMPAT_fchown:
                args[1] = wide_id(args[1]);
                args[2] = wide_id(args[2]);
                break;
        case COMPAT_sendfile:
        case COMPAT_utime:
        case COMPAT_utimes:
        case COMPAT_futimesat:
        case COMPAT_utimensat:
        case COMPAT_settimeofday:
        case COMPAT_clock_settime: call->flags |= CALL_NARROW; break;
        }
#endif
}

/* Did a dispatcher jump here? */
static __always_inline bool call_is_passed(__u64 cookie) {
        return cookie == CALL_COMPAT || cookie == WIRE_CALL_io_uring;
}

/* What a program looks at that a dispatcher jumped to, by the number and result of the tracepoint. False: there is
 * nothing. Not static: see path_walk(). */
__noinline int call_read_passed(struct call *call, __u32 number, __s64 result, __u64 cookie) {
        if (!call)
                return 0;
        if (cookie == WIRE_CALL_io_uring) {
                struct cpu *cpu = this_cpu();

                if (!cpu)
                        return 0;
                *call = cpu->request.call;
                return 1;
        }
        call->result = result;
        compat_read(call, (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()), number);
        return 1;
}

static __always_inline void call_read(struct call *call, __s64 result, __u64 cookie) {
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

        call->id = cookie;
        call->result = result;
        for (int i = 0; i < 6; i++)
                call->args[i] = call_argument(regs, i);
}

static __always_inline void call_done(const struct call *call) {
        struct cpu *cpu = call->flags & CALL_REQUEST ? this_cpu() : NULL;

        if (cpu)
                cpu->request.active = 0;
        else if (can_resolve && ((call->id >= WIRE_CALL_unlink && call->id <= WIRE_CALL_utimensat) ||
                                 (call->id >= WIRE_CALL_open && call->id <= WIRE_CALL_open_by_handle_at)))
                resolved_forget();      /* calls that name files stand together in calls.def */
}

/* A tracepoint runs all programs that are attached to it; a dispatcher jumps to one, and that one to the next. */
static __always_inline void call_pass_on(void *context, const struct call *call, __u64 cookie) {
        if (call_is_passed(cookie))
                bpf_tail_call(context, &call_ends_too, call->id);
}

/* What is known of a call before anything is read. */
enum call_answer {
        CALL_MAY_BE,                    /* not asked: the body does */
        CALL_IS,                        /* wanted: the body need not ask again */
        CALL_IS_NOT,                    /* counted; there is nothing to tidy up, */
        CALL_TIDY,                      /* or there may be */
};

static __always_inline enum call_answer call_unasked(struct syscall_exit *context) {
        return CALL_MAY_BE;
}

static __always_inline __u32 call_unknown(struct syscall_exit *context) {
        return WIRE_CALL_NONE;
}

/* No dispatcher jumped here, or none that has to go on: the result is the tracepoint's, and without this program
 * nothing is left undone. */
static __always_inline bool call_is_alone(const struct cpu *cpu, bool pass_on) {
        return !cpu->request.active && !(pass_on && task_is_compat(bpf_get_current_task_btf()));
}

static __always_inline __u32 answer_flags(enum call_answer answer) {
        return answer == CALL_IS ? CALL_ASKED : answer == CALL_TIDY ? CALL_REFUSED : 0;
}

#define CALL_PROGRAM_(program, body, asks, knows, pass_on)                                                             \
        SEC("tp") int program(struct syscall_exit *context) {                                                          \
                struct cpu *cpu = this_cpu();                                                                          \
                enum call_answer answer = CALL_MAY_BE;                                                                 \
                struct call call = {};                                                                                 \
                __u64 cookie = 0;                                                                                      \
                int r;                                                                                                 \
                                                                                                                       \
                if (!cpu)                                                                                              \
                        return 0;                                                                                      \
                if (call_is_alone(cpu, pass_on)) {                                                                     \
                        answer = asks(context);                                                                        \
                        cookie = knows(context);                                                                       \
                }                                                                                                      \
                if (answer == CALL_IS_NOT)                                                                             \
                        return 0;                                                                                      \
                cpu->forget = answer_flags(answer);                                                                    \
                if (!cookie)                                                                                           \
                        cookie = bpf_get_attach_cookie(context);                                                       \
                if (!call_is_passed(cookie))                                                                           \
                        call_read(&call, context->ret, cookie);                                                        \
                else if (!call_read_passed(&call, context->nr, context->ret, cookie))                                  \
                        return 0;                                                                                      \
                call.flags |= cpu->forget;                                                                             \
                r = body(&call);                                                                                       \
                if (pass_on)                                                                                           \
                        call_pass_on(context, &call, cookie);                                                          \
                call_done(&call);                                                                                      \
                return r;                                                                                              \
        }

#define CALL_PROGRAM(program, body) CALL_PROGRAM_(program, body, call_unasked, call_unknown, false)

/* `asks` is given the context, and returns an enum call_answer. */
#define ASKING_PROGRAM(program, body, asks) CALL_PROGRAM_(program, body, asks, call_unknown, false)

/* `knows` tells the commonest of its calls by the tracepoint's number, for to ask for the cookie is a call, too. */
#define KNOWING_PROGRAM(program, body, asks, knows) CALL_PROGRAM_(program, body, asks, knows, false)

/* The first of two at the end of its calls, in the order of capture/hook-table.def. */
#define FIRST_CALL_PROGRAM(program, body) CALL_PROGRAM_(program, body, call_unasked, call_unknown, true)
#define FIRST_ASKING_PROGRAM(program, body, asks) CALL_PROGRAM_(program, body, asks, call_unknown, true)

/* For calls of one kind that leave nothing behind. */
#define ASKS(kind)                                                                                                     \
        static __always_inline enum call_answer kind##_asks(struct syscall_exit *context) {                            \
                return want(WIRE_KIND_##kind, context->ret) ? CALL_IS : CALL_IS_NOT;                                   \
        }

/* Arguments from the registers here, too: the tracepoint's own list is as long as that of the call, and a program that
 * reads beyond may not be attached. Not static: see path_walk(). */
__noinline int call_read_begin(struct call *call, __u32 number, __u64 cookie) {
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

        if (!call)
                return 0;
        call->id = cookie;
        if (cookie == CALL_COMPAT)
                compat_read(call, regs, number);
        else
                for (int i = 0; i < 6; i++)
                        call->args[i] = call_argument(regs, i);
        return 1;
}

static __always_inline bool enter_unasked(void) {
        return true;
}

#define ENTER_PROGRAM_(program, body, asks)                                                                            \
        SEC("tp") int program(struct syscall_enter *context) {                                                         \
                struct call call = {};                                                                                 \
                                                                                                                       \
                if (!asks())                                                                                           \
                        return 0;                                                                                      \
                return call_read_begin(&call, context->nr, bpf_get_attach_cookie(context)) ? body(&call) : 0;          \
        }

#define ENTER_PROGRAM(program, body) ENTER_PROGRAM_(program, body, enter_unasked)

/* `asks` says whether there is anything to keep, before a register is read. */
#define ASKING_ENTER_PROGRAM(program, body, asks) ENTER_PROGRAM_(program, body, asks)

struct user_vector {
        __u64 base, length;
};

/* One of an array of struct iovec. Negative if it cannot be read. Not static: see path_walk(). */
__noinline int vector_read(struct user_vector *ret, __u64 at, bool narrow) {
        __u32 halves[2] = {};
        int r;

        if (!ret)
                return -EINVAL;
        if (!narrow)
                return bpf_probe_read_user(ret, sizeof(*ret), (void *)at);
        r = bpf_probe_read_user(halves, sizeof(halves), (void *)at);
        ret->base = halves[0];
        ret->length = halves[1];
        return r;
}

/* Is the kind wanted with this result? Not asked twice, for what is not wanted is counted. */
static __always_inline bool call_asked(const struct call *call, enum wire_kind kind) {
        return !(call->flags & CALL_REFUSED) && (call->flags & CALL_ASKED || want(kind, call->result));
}

/* And from this task? The first line of each body. */
static __always_inline bool call_wanted(const struct call *call, enum wire_kind kind) {
        return call_asked(call, kind) && !is_self(bpf_get_current_task_btf());
}

/* What of the header is the call's. */
static __always_inline void header_call(struct cpu *cpu, __u32 id, __u32 flags) {
        cpu->header.call = id;
        cpu->header.flags |= flags & ~CALL_OWN_FLAGS;
        if (flags & CALL_REQUEST) {
                cpu->header.call = WIRE_CALL_io_uring;
                if (cpu->request.cred)
                        header_credentials(&cpu->header, cpu->request.cred);
        }
        digest_begin(&cpu->digest);
}

/* The header of the record of a call of the current task. */
static __always_inline void call_header(
                struct cpu *cpu, struct task_struct *task, __s64 result, __u32 id, __u32 flags) {
        header_fill(&cpu->header, task, state_of(task, false), result);
        header_call(cpu, id, flags);
}

/* Not static: see path_walk(). */
__noinline int call_open(const struct call *call, __u32 kind, __u32 size) {
        struct cpu *cpu = this_cpu();

        if (!call || !cpu || kind >= _WIRE_KIND_MAX)
                return 0;
        BOUND(kind, MAX_KINDS - 1);
        if (!actor_passes(cpu, kind))
                return 0;
        if (!claim(cpu, kind, size))
                return 0;
        call_header(cpu, bpf_get_current_task_btf(), call->result, call->id, call->flags);
        return 1;
}

/* Begin the record of a call, header and all. NULL: not to be told, or lost; either is counted. */
static __always_inline struct cpu *call_record(const struct call *call, enum wire_kind kind, __u32 size) {
        credentials_watch();
        return call_open(call, kind, size) ? record_clear(this_cpu(), size) : NULL;
}

/* The same as a part of the program (emit.bpf.h), and without who acted, which call_header() adds: where it is asked
 * early only once the record has passed. */
static __always_inline struct cpu *call_record_here(enum wire_kind kind, __u32 size) {
        struct cpu *cpu = this_cpu();

        credentials_watch();
        return cpu && actor_passes(cpu, kind) && claim(cpu, kind, size) ? record_clear(cpu, size) : NULL;
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
        state->begun.kept = state->begun.seen = false;
        state->begun.file = 0;
        return &state->begun;
}

/* Calls that few programs make share one function that begins their records; it looks whether they are wanted, too. It
 * is a global one, which the verifier looks at once and not at each call: hence numbers alone go in and out. */
#define RARE_MAX 320

/* Not static: see path_walk(). Apart from who calls it, whose stack is short. */
__noinline int rare_claim(__u32 kind, __u32 size) {
        struct cpu *cpu = this_cpu();

        if (!cpu || kind >= _WIRE_KIND_MAX)
                return 0;
        BOUND(kind, MAX_KINDS - 1);
        return actor_passes(cpu, kind) && claim(cpu, kind, size);
}

__noinline int rare_begin(__u32 kind, __u32 size, __s64 result, __u32 id, __u32 flags) {
        struct cpu *cpu = this_cpu();

        if (!cpu || kind >= _WIRE_KIND_MAX || size > RARE_MAX)
                return 0;
        BOUND(kind, MAX_KINDS - 1);
        if (!want(kind, result) || is_self(bpf_get_current_task_btf()))
                return 0;
        credentials_watch();
        if (!rare_claim(kind, size))
                return 0;
        record_clear(cpu, RARE_MAX);
        header_actor(&cpu->header, state_of(bpf_get_current_task_btf(), false), result);
        header_call(cpu, id, flags);
        return 1;
}

/* NULL: not wanted, or lost. */
static __always_inline struct cpu *rare_record(const struct call *call, enum wire_kind kind, __u32 size) {
        return rare_begin(kind, size, call->result, call->id, call->flags) ? this_cpu() : NULL;
}

#define RARE_RECORD(call, kind)                                                                                        \
        ({                                                                                                             \
                _Static_assert(sizeof(struct wire_##kind) <= RARE_MAX, #kind);                                         \
                rare_record(call, WIRE_KIND_##kind, sizeof(struct wire_##kind));                                       \
        })
