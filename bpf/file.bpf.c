// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* File - openat: a program at the end of each call that opens.
 *
 * At the end of a call the result is known, its arguments are still in the registers, the pages that it read are there,
 * and the file it opened is in the descriptor table: no program at the beginning, nothing to keep between the two. What
 * a filter rules out leaves in the first lines. */
#include "named.bpf.h"
#include "ptrace.bpf.h"

struct open_call {
        const struct call *call;
        long result;
        const char *given;              /* NULL: named by a handle */
        __u64 flags;
        __u64 mode;
        int directory;
        bool user_flags;                /* flags and mode were read from user memory */
        __u8 pad[3];
};

/* What the kernel forgets once the file is open. */
#define O_FORGOTTEN (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC)

/* Where threads share their descriptors a security hook kept what was opened (security.bpf.c): whatever the descriptor
 * is by now. */
static __always_inline bool open_see_kept(struct cpu *cpu, struct task_struct *task, const struct open_call *call) {
        struct wire_openat *record = (void *)cpu->record;
        struct cpu *kept = resolved_for(cpu);

        if (!kept || !kept->resolved.file)
                return false;
        resolved_append(cpu, 0, &record->pathname, WIRE_BIT(openat, pathname));
        SET(cpu, openat, file, kept->resolved.object[0]);
        SET(cpu, openat, file_mode, kept->resolved.mode);
        SET(cpu, openat, file_uid, kept->resolved.uid);
        SET(cpu, openat, type, kept->resolved.type);
        SET(cpu, openat, created, kept->resolved.created);
        cpu->header.flags &= ~WIRE_RACED;
        return true;
}

/* Another thread may have put another file there. What was read is good if it is what was asked for, and still there
 * now: struct file is recycled, so its dentry has to be the same, too. */
static __always_inline bool open_is_exchanged(struct cpu *cpu, struct task_struct *task, const struct open_call *call,
                                              struct file *file, struct dentry *dentry) {
        if ((GET(file, f_flags) ^ call->flags) & 3)
                return true;
        return cpu->header.flags & WIRE_RACED &&
                (file_of(task, call->result) != file || GET(file, f_path.dentry) != dentry);
}

/* False: the record is left out. */
static __always_inline bool open_see(struct cpu *cpu, struct task_struct *task, const struct open_call *call) {
        struct wire_openat *record = (void *)cpu->record;
        __u64 pathname = WIRE_BIT(openat, pathname);
        struct file *file = file_of(task, call->result);
        struct dentry *dentry;
        struct seen seen = {.file = file};

        SET(cpu, openat, fd, call->result);
        if (open_see_kept(cpu, task, call))
                return record_passes(cpu, WIRE_KIND_openat);
        if (!file)
                return true;            /* closed already by another thread */

        dentry = GET(file, f_path.dentry);
        path_append_near(cpu, &record->pathname, pathname, dentry, GET(file, f_path.mnt));
        if (open_is_exchanged(cpu, task, call, file, dentry))
                goto exchanged;
        if (call->user_flags) {
                /* All but what is forgotten is the kernel's. */
                record->flags = GET(file, f_flags) | (call->flags & O_FORGOTTEN);
        }
        if (!record_passes(cpu, WIRE_KIND_openat))
                return false;

        see_here(&seen);
        if (open_is_exchanged(cpu, task, call, file, dentry))
                goto exchanged;
        SET(cpu, openat, file, seen.object);
        SET(cpu, openat, file_mode, seen.mode);
        SET(cpu, openat, file_uid, seen.uid);
        SET(cpu, openat, type, seen.type);
        SET(cpu, openat, created, !!(GET(file, f_mode) & FMODE_CREATED));
        return true;

exchanged:
        cpu->header.known &= ~pathname;
        cpu->header.cut &= ~pathname;
        cpu->header.flags |= WIRE_RACED | WIRE_EXCHANGED;
        return true;
}

/* What the beginning of a call keeps, for those that fail: then there are only the user's strings. */
static __always_inline void openat_passed(const struct call *call, struct passed *passed) {
        if (call->id == WIRE_CALL_open || call->id == WIRE_CALL_creat)
                passed_path(passed, AT_FDCWD, call->args[0]);
        else
                passed_path(passed, call->args[0], call->args[1]);
        if (call->id == WIRE_CALL_openat2) {
                passed->bytes = (const void *)call->args[2];
                passed->n_bytes = 16;
        }
}

/* The bytes that the record was made of, if they are those of the beginning. */
static __always_inline void open_stable(struct cpu *cpu, const struct call *call, __u64 mode) {
        struct wire_openat *record = (void *)cpu->record;
        struct named *named = named_begun(call);

        if (!named)
                return;
        openat_passed(call, &named->passed);
        if (named->passed.bytes) {
                __u32 offset = 0;

                if (record_room(cpu, 16, &offset) < 16)
                        return;
                *(__u64 *)record_at(cpu, offset) = record->flags;
                offset += 8;
                *(__u64 *)record_at(cpu, offset) = mode;
                offset -= 8;
                digest_add(cpu, offset, 16);
        }
        mark_stable(cpu, &named->passed, &named->begun);
}

/* Of an open that failed there is what was asked for. */
static __noinline int open_asked(
                struct cpu *cpu, const struct call *call, const char *name, int directory, __u64 mode) {
        struct wire_openat *record = (void *)cpu->record;
        struct given given = {
                .user = name,
                .directory = directory,
                .path_bit = WIRE_BIT(openat, pathname),
                .given_bit = WIRE_BIT(openat, given),
        };

        given_append(cpu, &given, &record->pathname, &record->given);
        open_stable(cpu, call, mode);
        return nothing();
}

/* Where the path could not be had the name that was given is all there is. */
static __always_inline void open_given(struct cpu *cpu, const struct open_call *call) {
        struct wire_openat *record = (void *)cpu->record;
        __u32 offset = 0;
        long n;

        if (!call->given ||
            (cpu->header.known & WIRE_BIT(openat, pathname) && !filter_wants_given(cpu, WIRE_KIND_openat)) ||
            record_room(cpu, WIRE_MAX_PATH, &offset) < WIRE_MAX_PATH)
                return;
        n = read_name(cpu, record_at(cpu, offset), WIRE_MAX_PATH, call->given);
        if (n <= 0)
                return;
        record->given.offset = offset;
        record->given.length = n - 1;
        cpu->used = offset + ((n - 1) & (WIRE_MAX_PATH - 1));
        cpu->header.known |= WIRE_BIT(openat, given);
        cpu->header.user |= WIRE_BIT(openat, given);
}

static __always_inline int open_tell(const struct open_call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        /* Of an operation of io_uring the credentials may be its own, and the filter has not seen them. */
        bool late = call->result >= 0 && !(call->call->flags & CALL_REQUEST);
        struct cpu *cpu;

        if (is_self(task))
                return 0;
        cpu = call_record_here(WIRE_KIND_openat, sizeof(struct wire_openat));
        if (!cpu)
                return 0;
        if (!late)
                call_header(cpu, task, call->result, call->call->id, call->call->flags);
        SET(cpu, openat, flags, call->flags);
        if (call->user_flags)
                cpu->header.user |= WIRE_BIT(openat, flags);
        if (call->flags & (O_CREAT | O_TMPFILE_BIT)) {
                SET(cpu, openat, mode, call->mode);
                if (call->user_flags)
                        cpu->header.user |= WIRE_BIT(openat, mode);
        }
        if (files_are_shared(task))
                cpu->header.flags |= WIRE_RACED;

        if (call->result >= 0) {
                if (!open_see(cpu, task, call))
                        return 0;
                if (late)
                        call_header(cpu, task, call->result, call->call->id, call->call->flags);
                open_given(cpu, call);
        } else if (call->given)
                open_asked(cpu, call->call, call->given, call->directory, call->mode);
        return record_submit_here(cpu, WIRE_KIND_openat);
}

/* Is it an open without a flag that anybody wants? Counted. */
static __always_inline bool flags_are_out(__u64 flags) {
        __u64 any = flags_any[WIRE_KIND_openat];

        if (!any || flags & any)
                return false;
        count_filtered(WIRE_KIND_openat);
        return true;
}

/* In the order of what costs least and rules out most. `flags` are those that are sure. */
static __always_inline bool open_wanted(const struct call *call, __u64 flags) {
        return call_asked(call, WIRE_KIND_openat) && !flags_are_out(flags);
}

/* The flags of openat2() are in user memory and may have been exchanged since: for a call that succeeded the file knows
 * most of them; the others do not filter. */
static __always_inline __u64 openat2_flags(const struct call *call, struct open_call *open) {
        struct task_struct *task = bpf_get_current_task_btf();
        __u64 how[2] = {};

        bpf_probe_read_user(how, sizeof(how), (void *)call->args[2]);
        open->user_flags = true;
        open->flags = how[0];
        open->mode = how[1];
        if (call->result >= 0) {
                struct file *file = file_of(task, call->result);

                if (file)
                        open->flags = GET(file, f_flags) | (how[0] & O_FORGOTTEN);
                return open->flags | O_FORGOTTEN;
        }
        return open->flags;
}

static __always_inline int open_ended(const struct call *call) {
        struct open_call open = {.call = call, .result = call->result, .directory = AT_FDCWD};
        __u64 sure;

        if (wants[WIRE_KIND_ptrace])
                open_mem_ended(call);
        if (!wants[WIRE_KIND_openat])
                return 0;
        switch (call->id) {
        case WIRE_CALL_open:
        case WIRE_CALL_creat:
                open.given = (const char *)call->args[0];
                open.flags = call->id == WIRE_CALL_creat ? O_CREAT | O_WRONLY | O_TRUNC : (__u32)call->args[1];
                open.mode = (__u16)call->args[call->id == WIRE_CALL_creat ? 1 : 2];
                break;
        case WIRE_CALL_open_by_handle_at:
                open.flags = (__u32)call->args[2];
                break;
        default:
                open.directory = (int)call->args[0];
                open.given = (const char *)call->args[1];
                open.flags = (__u32)call->args[2];
                open.mode = (__u16)call->args[3];
        }
        sure = call->id == WIRE_CALL_openat2 ? openat2_flags(call, &open) : open.flags;
        return open_wanted(call, sure) ? open_tell(&open) : 0;
}

static __always_inline __u32 open_known(struct syscall_exit *context) {
        return context->nr == NATIVE_openat ? WIRE_CALL_openat : WIRE_CALL_NONE;
}

/* Of the call that programs make all the time it is one look into the registers. */
static __always_inline bool openat_is_out(struct syscall_exit *context) {
        return flags_any[WIRE_KIND_openat] && open_known(context) == WIRE_CALL_openat &&
                flags_are_out(call_argument((struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()), 2));
}

/* What a security hook kept is forgotten by the end, wanted or not. */
static __always_inline enum call_answer open_asks(struct syscall_exit *context) {
        if (wants[WIRE_KIND_ptrace])
                return CALL_MAY_BE;
        if (want(WIRE_KIND_openat, context->ret) && !openat_is_out(context))
                return CALL_IS;
        return can_resolve ? CALL_TIDY : CALL_IS_NOT;
}

KNOWING_PROGRAM(exit_openat, open_ended, open_asks, open_known)

static __always_inline int open_begins(const struct call *call) {
        struct passed passed = {.directory = AT_FDCWD};

        openat_passed(call, &passed);
        return keep_passed(call, &passed);
}

static __always_inline bool open_keeps(void) {
        return wants[WIRE_KIND_openat] & WANT_FAILURE && !is_self(bpf_get_current_task_btf());
}

ASKING_ENTER_PROGRAM(enter_open, open_begins, open_keeps)
