/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Emit - from a hook to the ring: filter, begin a record, fill in who, append bytes, hand it over; and count what is
 * lost.
 *
 * Order of a program: want() before any work; record_begin(); fields; record_submit() or record_drop(). Where a field
 * that policies look at is known before others that cost more, record_passes() in between. The record is
 * built in memory of the CPU and copied into the ring once: reservations have constant sizes only, and a record that
 * sits in the ring unfinished holds up all that come after it.
 *
 * Offsets live in memory (cpu->used) and are masked at each use: the verifier then bounds each access by itself and
 * need not follow a sum through all branches. */
#pragma once

#include "maps.bpf.h"
#include "bound.bpf.h"
#include "burst.bpf.h"
#include "core-fixes.bpf.h"
#include "filter.bpf.h"
#include "overload.bpf.h"
#include "reader.bpf.h"

static __always_inline struct cpu *this_cpu(void) {
        __u32 id = bpf_get_smp_processor_id();

        return bpf_map_lookup_elem(&cpus, &id);
}

static __always_inline bool is_self(struct task_struct *task) {
        return task->tgid == self_tgid && PART(task, group_leader)->start_boottime == self_start_ns;
}

/* An attempt that the kernel makes again by itself is no event. */
static __always_inline bool is_restart(long result) {
        return result <= -ERESTARTSYS && result >= -ERESTART_LAST;
}

static __always_inline bool is_failure(long result) {
        return result < 0 && result != -EINPROGRESS;
}

static __always_inline struct task_state *state_of(struct task_struct *task, bool create) {
        return bpf_task_storage_get(&tasks, task, NULL, create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
}

/* Does a story wait for events of this kind from this task? What is not known may be. Not static: see path_walk(). */
__noinline int task_is_armed(__u32 kind) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct task_state *state = state_of(task, false);
        __u32 table = filter_table, loginuid = task_loginuid(task);
        struct cpu *cpu = this_cpu();
        struct armed_by by;

        /* A request of io_uring may be under other credentials. */
        if (!state || !table || !cpu || (cpu->request.active && cpu->request.cred))
                return 1;
        by = (struct armed_by){
                .tree_start_ns = state->tree_start_ns,
                .tree_tgid = state->tree_tgid,
                .user = loginuid != (__u32)-1 ? loginuid : PART(task, cred)->uid.val,
                .cgroup_id = task_cgroup_id(task, state),
        };
        return kind_is_armed(table, kind, &by);
}

/* Is the kind about a few users only, and the current task none of them? What filter_actor() would say, but before
 * anything is kept or looked up. Not where credentials are compared at each event, which comes first. Not static: see
 * path_walk(). */
__noinline int user_is_out(__u32 kind) {
        __u32 table = filter_table, entry = filter_entry(table, kind & (FILTER_KINDS - 1)), id;
        struct filter *filter = bpf_map_lookup_elem(&filters, &entry);
        struct cpu *cpu = this_cpu();
        struct cred *cred;

        /* A request of io_uring may be under other credentials. */
        if (!table || !filter || !filter->about_users || !cpu || cpu->request.active || wants[WIRE_KIND_credchange])
                return 0;
        cred = PART(bpf_get_current_task_btf(), cred);
        id = filter->at[FILTER_USER] == offsetof(struct wire_header, uid) ? cred->uid.val : cred->euid.val;
        return id != filter->users[0] && id != filter->users[1] && id != filter->users[2] && id != filter->users[3];
}
_Static_assert(FILTER_USERS == 4, "compared one by one");

/* Is an event of this kind and result wanted? Kinds of class EVENT only; what is not is counted. */
static __always_inline bool want(enum wire_kind kind, long result) {
        __u8 wanted = wants[kind];
        struct cpu *cpu;

        if (!wanted || is_restart(result))
                return false;
        if (wanted & (is_failure(result) ? WANT_FAILURE : WANT_SUCCESS) &&
            (!(filter_by_user >> (kind & 63) & 1) || !user_is_out(kind)) &&
            (!(filter_waiting >> (kind & 63) & 1) || task_is_armed(kind)))
                return true;

        cpu = this_cpu();
        if (cpu)
                cpu->counters.filtered[kind]++;
        return false;
}

/* How many of the bytes that went over are to be told. */
static __always_inline __u32 content_wanted(enum wire_kind kind) {
        __u32 bytes = wants[kind] & WANT_CONTENT ? content_bytes : 0;

        return bytes < WIRE_MAX_CONTENT ? bytes : WIRE_MAX_CONTENT;
}

static __always_inline void count_filtered(enum wire_kind kind) {
        struct cpu *cpu = this_cpu();

        if (cpu)
                cpu->counters.filtered[kind]++;
}

static __always_inline void count_lost(struct cpu *cpu, enum wire_kind kind, enum wire_loss reason) {
        cpu->counters.lost[kind][reason]++;
        cpu->counters.lost_total++;
}

/* How full the ring may be for a record of this kind. Most leave a quarter of it to those that the process table lives
 * on and to changes of credentials, and these half of that to the others: anybody can call setuid() all day, and hides
 * no process by it. */
static __always_inline bool is_over_share(__u32 kind, __u64 waiting) {
        if (waiting <= ring_share_bytes)
                return false;
        switch (kind) {
        case WIRE_KIND_fork:
        case WIRE_KIND_execve:
        case WIRE_KIND_exit:
        case WIRE_KIND_cgroup: return false;
        case WIRE_KIND_setuid:
        case WIRE_KIND_setgid:
        case WIRE_KIND_setgroups:
        case WIRE_KIND_capset:
        case WIRE_KIND_credchange: return waiting > ring_share_bytes + ring_share_bytes / 6;
        default: return true;
        }
}

static __always_inline bool is_sampled_away(struct cpu *cpu, __u32 kind, __u32 priority) {
        __u32 every = priority < WIRE_N_GOVERNED ? overloads[priority].sample : 0;

        return every > 1 && !is_picked(cpu->samples[kind]++, kind, every);
}

/* The first part of record_begin(): of the record only the header is set to 0. `kind` is below MAX_KINDS. */
static __always_inline bool claim(struct cpu *cpu, __u32 kind, __u32 size) {
        __u32 priority = priority_of(kind);
        void *to;

        cpu->counters.produced[kind]++;
        if (is_sampled_away(cpu, kind, priority)) {
                count_lost(cpu, kind, WIRE_LOSS_SAMPLED);
                return 0;
        }
        if (cpu->busy) {
                count_lost(cpu, kind, WIRE_LOSS_SCRATCH);
                return 0;
        }
        to = ring_in_use();
        cpu->waiting = to ? bpf_ringbuf_query(to, BPF_RB_AVAIL_DATA) : 0;
        if (is_shed(priority, cpu->waiting)) {
                count_lost(cpu, kind, WIRE_LOSS_SHED);
                return 0;
        }
        if (is_over_share(kind, cpu->waiting)) {
                count_lost(cpu, kind, WIRE_LOSS_SHARE);
                return 0;
        }
        cpu->busy = 1;
        cpu->used = size;
        __builtin_memset(&cpu->header, 0, sizeof(cpu->header));
        cpu->header.version = WIRE_VERSION;
        cpu->header.kind = kind;
        return 1;
}

/* Not static: see path_walk(). */
__noinline int record_claim(__u32 kind, __u32 size) {
        struct cpu *cpu = this_cpu();

        if (!cpu || kind >= _WIRE_KIND_MAX)
                return 0;               /* cannot be: there is one for each possible CPU */
        BOUND(kind, MAX_KINDS - 1);     /* Linux 6.1 does not know it of copies of the number */
        return claim(cpu, kind, size);
}

/* Does the current task leave a use of the kind? Asked before the record is begun; what is not told is counted. What it
 * waits for is asked as it is of a kind that nothing begins with, and again of the record if it was armed. */
static __always_inline bool actor_passes(struct cpu *cpu, __u32 kind) {
        __u32 table;

        if (cpu->busy)
                return true;            /* will be lost */
        table = filter_table;
        sieve_begin(&cpu->sieve, table);
        if (!table)
                return true;
        cpu->sieve.asked = SIEVE_TASK;
        if (filter_looks_at_actor(table, kind))
                filter_actor(cpu, kind);
        if (cpu->sieve.uses && filter_looks_at_place(table, kind))
                cpu->sieve.uses &= filter_place(table, kind);
        if (cpu->sieve.uses & ~filter_first(table, kind) && !task_is_armed(kind) && table == filter_table) {
                cpu->sieve.uses &= filter_first(table, kind);
                cpu->sieve.asked |= SIEVE_ARMED;
        }
        if (cpu->sieve.uses || !filter_sheds(table, kind))
                return true;
        cpu->counters.filtered[kind & (MAX_KINDS - 1)]++;
        return false;
}

/* The rest of it, of which the size is a constant. */
static __always_inline struct cpu *record_clear(struct cpu *cpu, __u32 size) {
        if (cpu)
                __builtin_memset(cpu->record + sizeof(cpu->header), 0, size - sizeof(cpu->header));
        return cpu;
}

/* Of whatever task: the filter is asked at the end. `size` is that of the kind's struct, all of which is set to 0 here.
 * NULL: lost, and counted. */
static __always_inline struct cpu *record_begin(enum wire_kind kind, __u32 size) {
        struct cpu *cpu = record_claim(kind, size) ? record_clear(this_cpu(), size) : NULL;

        if (cpu)
                cpu->sieve.table = 0;
        return cpu;
}

static __always_inline void header_credentials(struct wire_header *header, struct cred *cred) {
        header->uid = GET(cred, uid.val);
        header->euid = GET(cred, euid.val);
        header->gid = GET(cred, gid.val);
        header->egid = GET(cred, egid.val);
        if (bpf_core_field_exists(cred->cap_effective.val))
                header->caps = GET(cred, cap_effective.val);
        else
                bpf_core_read(&header->caps, sizeof(header->caps), &cred->cap_effective);
}

/* In the flags of a header under construction: everything that is told depends on user memory. */
#define RECORD_IS_USER (1U << 28)

/* The actor's part of the header. */
static __always_inline void header_fill(
                struct wire_header *header, struct task_struct *task, struct task_state *state, long result) {
        struct cred *cred = PART(task, cred);

        header->time_ns = bpf_ktime_get_boot_ns();
        header->start_ns = PART(task, group_leader)->start_boottime;
        header->tgid = task->tgid;
        header->tid = task->pid;
        header->uid = cred->uid.val;
        header->euid = cred->euid.val;
        header->gid = cred->gid.val;
        header->egid = cred->egid.val;
        header->loginuid = task_loginuid(task);
        header->session = task_session(task);
        header->cgroup_id = task_cgroup_id(task, state);
        header->caps = cred_caps(cred);
        header->result = result;
        header->cpu = bpf_get_smp_processor_id();
        if (is_failure(result))
                header->flags |= WIRE_FAILED;
        if (task->flags & PF_KTHREAD)
                header->flags |= WIRE_KTHREAD;
        if (state) {
                header->creator_start_ns = state->creator_start_ns;
                header->creator_tgid = state->creator_tgid;
                header->tree_start_ns = state->tree_start_ns;
                header->tree_tgid = state->tree_tgid;
        }
}

/* The same of the current task. Not static: see path_walk(). `state` may be NULL. */
__noinline int header_actor(struct wire_header *header, struct task_state *state, __s64 result) {
        if (header)
                header_fill(header, bpf_get_current_task_btf(), state, result);
        return nothing();
}

static __always_inline void record_drop(struct cpu *cpu, enum wire_kind kind) {
        count_lost(cpu, kind, WIRE_LOSS_SCRATCH);
        cpu->busy = 0;
}

/* No policy could use it. */
static __always_inline void record_leave_out(struct cpu *cpu, enum wire_kind kind) {
        cpu->counters.produced[kind]--;
        cpu->counters.filtered[kind]++;
        cpu->busy = 0;
}

/* What there is of the record is final: may a policy use it? False: it is left out, and the program has nothing more to
 * do. To be asked before work that costs something. */
static __always_inline bool record_passes(struct cpu *cpu, enum wire_kind kind) {
        if (!filter_refuses(cpu, kind))
                return true;
        record_leave_out(cpu, kind);
        return false;
}

/* ---- the end of a record ----
 *
 * Twice: as functions that all programs share, so that the verifier looks at them once, and (`..._here`) as a part of
 * the program, for calls that are made all the time: each return is some 10 ns where processors guard theirs. */

/* Into the ring with it, and the reader is called if it is worth that. */
static __always_inline int record_send_here(struct cpu *cpu, __u32 kind, __u32 worth) {
        void *to = ring_in_use();
        __u32 size, reason;
        bool called;

        if (!to) {
                record_drop(cpu, kind); /* cannot be */
                return 0;
        }
        size = cpu->header.size;
        BOUND(size, WIRE_MAX_RECORD - 1);
        reason = reader_reason(cpu->waiting, worth);
        called = reader_take(reason);
        if (bpf_ringbuf_output(to, cpu->record, size, called ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP) < 0) {
                count_lost(cpu, kind, WIRE_LOSS_RING_FULL);
                if (called)
                        reader_waits = WIRE_WAIT_ANY;
        } else if (called || reader_follow(to, reason, worth))
                cpu->counters.calls[reason & 7]++;
        cpu->busy = 0;
        return nothing();
}

/* A function of its own since the stack of who calls it is full. Not static: see path_walk(). */
__noinline int record_send(struct cpu *cpu, __u32 kind, __u32 worth) {
        return cpu && kind < _WIRE_KIND_MAX ? record_send_here(cpu, kind, worth) : 0;
}

/* The record is complete. Is it told? Then with what size, and what is it worth to the reader? */
static __always_inline bool record_end(struct cpu *cpu, __u32 kind, __u32 *ret_worth) {
        __u32 size, most = 0, table = filter_table;
        __u64 uses;

        uses = filter_admits(cpu, table, kind);
        if (!uses) {
                record_leave_out(cpu, kind);
                return false;
        }
        size = cpu->used;
        if (size > WIRE_MAX_RECORD - 8) {
                record_drop(cpu, kind);
                return false;
        }
        BOUND(size, WIRE_MAX_RECORD - 1);
        __builtin_memset(cpu->record + size, 0, 8);
        cpu->header.size = (size + 7) & ~7U;
        if (cpu->header.flags & RECORD_IS_USER) {
                cpu->header.flags &= ~RECORD_IS_USER;
                cpu->header.user |= cpu->header.known;
        }
        if (bursts_counted && table)
                most = filter_most(table, kind, uses);
        if (most) {
                __u32 answer = burst_look(cpu, kind, most);

                if (answer == BURST_TELL || answer == BURST_OPEN)
                        burst_settle(cpu, kind, answer, record_worth(&cpu->header, kind, uses));
                if (answer == BURST_COUNTED || answer == BURST_TELL) {
                        cpu->busy = 0;
                        return false;
                }
        }
        if (is_limited(kind, cpu->header.tgid)) {
                count_lost(cpu, kind, WIRE_LOSS_LIMITED);
                cpu->busy = 0;
                return false;
        }
        cpu->header.lost = cpu->counters.lost_total;
        *ret_worth = record_worth(&cpu->header, kind, uses);
        return true;
}

/* Returns 0, for the function that ends with it. Not static: see path_walk(). */
__noinline int record_submit(struct cpu *cpu, __u32 kind) {
        __u32 worth = 0;

        if (!cpu || kind >= _WIRE_KIND_MAX)
                return 0;
        BOUND(kind, MAX_KINDS - 1);
        return record_end(cpu, kind, &worth) ? record_send(cpu, kind, worth) : nothing();
}

static __always_inline int record_submit_here(struct cpu *cpu, enum wire_kind kind) {
        __u32 worth = 0;

        return record_end(cpu, kind, &worth) ? record_send_here(cpu, kind, worth) : 0;
}

/* Where the next bytes go: `*ret_offset` is below WIRE_MAX_RECORD. Returns how many bytes are free, at most `want`. */
static __always_inline __u32 record_room(struct cpu *cpu, __u32 want, __u32 *ret_offset) {
        __u32 used = cpu->used;

        if (used >= WIRE_MAX_RECORD - 8)
                return 0;
        *ret_offset = used;
        return want < WIRE_MAX_RECORD - 8 - used ? want : WIRE_MAX_RECORD - 8 - used;
}

static __always_inline char *record_at(struct cpu *cpu, __u32 offset) {
        BOUND(offset, WIRE_MAX_RECORD - 1);
        return cpu->record + offset;
}

#define SET(cpu, kind_, field_, value_)                                                                                \
        do {                                                                                                           \
                ((struct wire_##kind_ *)(cpu)->record)->field_ = (value_);                                             \
                (cpu)->header.known |= WIRE_BIT(kind_, field_);                                                        \
        } while (0)
