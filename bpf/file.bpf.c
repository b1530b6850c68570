// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* File - openat, write, unlink, rename, chmod: one program at the end of each call, attached when a policy needs its
 * kind.
 *
 * At the end of a call the result is known, its arguments are still in the registers, the pages that it read are there,
 * and the file it opened is in the descriptor table: no program at the beginning, nothing to keep between the two. What
 * a filter rules out leaves in the first lines. */
#include "given.bpf.h"

#define CALL_REGS() ((struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()))

/* ---- openat ---- */

struct open_call {
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

static __always_inline void open_see(struct cpu *cpu, struct task_struct *task, const struct open_call *call) {
        struct wire_openat *record = (void *)cpu->record;
        __u64 pathname = WIRE_BIT(openat, pathname);
        struct file *file = file_of(task, call->result);
        struct dentry *dentry;
        struct seen seen = {};
        bool exchanged;

        SET(cpu, openat, fd, call->result);
        if (!file)
                return;                 /* closed already by another thread */

        dentry = GET(file, f_path.dentry);
        path_append(cpu, &record->pathname, pathname, dentry, GET(file, f_path.mnt));
        see_file(file, &seen);

        /* Another thread may have put another file there. What was read is good if it is what was asked for, and
         * still there now: struct file is recycled, so its dentry has to be the same, too. */
        exchanged = (GET(file, f_flags) ^ call->flags) & 3 || file_of(task, call->result) != file ||
                GET(file, f_path.dentry) != dentry;
        if (exchanged) {
                cpu->header.known &= ~pathname;
                cpu->header.cut &= ~pathname;
                cpu->header.flags |= WIRE_RACED | WIRE_EXCHANGED;
                return;
        }
        if (call->user_flags) {
                /* All but what is forgotten is the kernel's. */
                record->flags = GET(file, f_flags) | (call->flags & O_FORGOTTEN);
        }
        SET(cpu, openat, file, seen.object);
        SET(cpu, openat, file_mode, seen.mode);
        SET(cpu, openat, file_uid, seen.uid);
        SET(cpu, openat, created, !!(GET(file, f_mode) & FMODE_CREATED));
}

static __noinline int open_done(const struct open_call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct given given = {
                .user = call->given,
                .directory = call->directory,
                .given_bit = WIRE_BIT(openat, given),
        };
        struct wire_openat *record;
        struct cpu *cpu;

        cpu = record_begin(WIRE_KIND_openat, sizeof(struct wire_openat), true);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        header_fill(&cpu->header, task, state_of(task, false), call->result);
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
                open_see(cpu, task, call);
                if (call->given) {
                        __u32 offset = 0, room = record_room(cpu, WIRE_MAX_PATH, &offset);
                        long n = room < WIRE_MAX_PATH ? 0 :
                                read_user_string(record_at(cpu, offset), WIRE_MAX_PATH, call->given);

                        if (n > 0) {
                                record->given.offset = offset;
                                record->given.length = n - 1;
                                cpu->used = offset + ((n - 1) & (WIRE_MAX_PATH - 1));
                                cpu->header.known |= WIRE_BIT(openat, given);
                                cpu->header.user |= WIRE_BIT(openat, given);
                        }
                }
        } else if (call->given) {
                given.path_bit = WIRE_BIT(openat, pathname);
                given_append(cpu, &given, &record->pathname, &record->given);
        }
        record_submit(cpu, WIRE_KIND_openat);
        return 0;
}

/* In the order of what costs least and rules out most. */
static __always_inline bool open_wanted(long result, __u64 flags) {
        if (!want(WIRE_KIND_openat, result))
                return false;
        if (openat_flags_any && !(flags & openat_flags_any)) {
                count_filtered(WIRE_KIND_openat);
                return false;
        }
        return !is_self(bpf_get_current_task_btf());
}

SEC("tp/syscalls/sys_exit_openat")
int exit_openat(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct open_call call = {
                .result = context->ret,
                .directory = (int)call_argument(regs, 0),
                .given = (const char *)call_argument(regs, 1),
                .flags = (__u32)call_argument(regs, 2),
                .mode = (__u16)call_argument(regs, 3),
        };

        return open_wanted(call.result, call.flags) ? open_done(&call) : 0;
}

SEC("tp/syscalls/sys_exit_open")
int exit_open(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct open_call call = {
                .result = context->ret,
                .directory = AT_FDCWD,
                .given = (const char *)call_argument(regs, 0),
                .flags = (__u32)call_argument(regs, 1),
                .mode = (__u16)call_argument(regs, 2),
        };

        return open_wanted(call.result, call.flags) ? open_done(&call) : 0;
}

SEC("tp/syscalls/sys_exit_creat")
int exit_creat(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct open_call call = {
                .result = context->ret,
                .directory = AT_FDCWD,
                .given = (const char *)call_argument(regs, 0),
                .flags = O_CREAT | O_WRONLY | O_TRUNC,
                .mode = (__u16)call_argument(regs, 1),
        };

        return open_wanted(call.result, call.flags) ? open_done(&call) : 0;
}

/* The flags are in user memory and may have been exchanged since: for a call that succeeded the file knows most of
 * them; the others do not filter. */
SEC("tp/syscalls/sys_exit_openat2")
int exit_openat2(struct syscall_exit *context) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct pt_regs *regs = CALL_REGS();
        struct open_call call = {
                .result = context->ret,
                .directory = (int)call_argument(regs, 0),
                .given = (const char *)call_argument(regs, 1),
                .user_flags = true,
        };
        __u64 how[2] = {}, sure;

        if (!want(WIRE_KIND_openat, call.result))
                return 0;
        bpf_probe_read_user(how, sizeof(how), (void *)call_argument(regs, 2));
        sure = how[0];
        if (call.result >= 0) {
                struct file *file = file_of(task, call.result);

                if (file)
                        how[0] = GET(file, f_flags) | (how[0] & O_FORGOTTEN);
                sure = how[0] | O_FORGOTTEN;
        }
        call.flags = how[0];
        call.mode = how[1];
        return open_wanted(call.result, sure) ? open_done(&call) : 0;
}

SEC("tp/syscalls/sys_exit_open_by_handle_at")
int exit_open_by_handle_at(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct open_call call = {
                .result = context->ret,
                .directory = AT_FDCWD,
                .flags = (__u32)call_argument(regs, 2),
        };

        return open_wanted(call.result, call.flags) ? open_done(&call) : 0;
}

/* ---- write ---- */

struct write_call {
        long result;
        __u32 fd;
        __u32 n_vectors;                /* 0: one buffer */
        const void *buffer;             /* or the vectors */
        __u64 count;                    /* of one buffer */
};

#define MAX_VECTORS 1024                /* more the kernel does not take */

/* One vector: add up its length, and take what is still wanted of its content. */
static long vector_step(__u32 i, struct cpu **context) {
        struct cpu *cpu = *context;
        struct vector_walk *walk = &cpu->vectors;
        __u32 offset = 0, left = walk->left, n;
        __u64 vector[2] = {};

        if (bpf_probe_read_user(vector, sizeof(vector), (void *)walk->at) < 0) {
                walk->failed = true;
                return 1;
        }
        walk->at += sizeof(vector);
        walk->count += vector[1];
        if (!left)
                return 0;

        n = vector[1] < left ? vector[1] : left;
        if (record_room(cpu, WIRE_MAX_CONTENT, &offset) < WIRE_MAX_CONTENT)
                return 0;
        BOUND(n, 2 * WIRE_MAX_CONTENT - 1);
        if (bpf_probe_read_user(record_at(cpu, offset), n, (void *)vector[0]) < 0) {
                walk->left = 0;         /* what comes behind would not follow */
                return 0;
        }
        cpu->used = offset + n;
        walk->left = left - n;
        return 0;
}

/* How much the call asked to write, and the first bytes of what it did. */
static __always_inline void write_content(struct cpu *cpu, const struct write_call *call) {
        struct wire_write *record = (void *)cpu->record;
        struct vector_walk *walk = &cpu->vectors;
        __u32 start = cpu->used, wanted = content_bytes, length;

        if (wanted > WIRE_MAX_CONTENT)
                wanted = WIRE_MAX_CONTENT;
        if (call->result < wanted)
                wanted = call->result < 0 ? 0 : call->result;

        walk->left = wanted;
        walk->count = call->count;
        walk->at = (__u64)call->buffer;
        walk->failed = call->n_vectors > MAX_VECTORS;   /* then the call failed, too */
        if (walk->failed)
                ;
        else if (call->n_vectors) {
                bpf_loop(call->n_vectors, vector_step, &cpu, 0);
                cpu->header.user |= walk->failed ? 0 : WIRE_BIT(write, count);
        } else if (wanted) {
                __u32 offset = 0;

                BOUND(wanted, 2 * WIRE_MAX_CONTENT - 1);
                if (record_room(cpu, WIRE_MAX_CONTENT, &offset) == WIRE_MAX_CONTENT &&
                    bpf_probe_read_user(record_at(cpu, offset), wanted, call->buffer) == 0)
                        cpu->used = offset + wanted;
        }
        if (!walk->failed)
                SET(cpu, write, count, walk->count);

        length = cpu->used - start;
        if (!content_bytes || call->result < 0 || (call->result > 0 && !length))
                return;
        record->content.offset = start;
        record->content.length = length;
        cpu->header.known |= WIRE_BIT(write, content);
        cpu->header.user |= WIRE_BIT(write, content);
        if (length < call->result)
                cpu->header.cut |= WIRE_BIT(write, content);
}

static __noinline int write_tell(const struct write_call *call, struct file *file, __u32 flags) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct wire_write *record;
        struct seen seen = {};
        struct cpu *cpu;
        __u32 port = 0;

        cpu = record_begin(WIRE_KIND_write, sizeof(struct wire_write), true);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        header_fill(&cpu->header, task, state_of(task, false), call->result);
        cpu->header.flags |= flags;
        SET(cpu, write, fd, call->fd);
        if (call->result >= 0)
                SET(cpu, write, length, call->result);

        if (file) {
                see_file(file, &seen);
                SET(cpu, write, file, seen.object);
                SET(cpu, write, type, seen.type);
                if (has_path(seen.type))
                        path_append(cpu, &record->pathname, WIRE_BIT(write, pathname), GET(file, f_path.dentry),
                                    GET(file, f_path.mnt));
                else if (seen.type == WIRE_OBJECT_SOCKET && see_peer(sock_of(&seen), &record->daddr, &port)) {
                        cpu->header.known |= WIRE_BIT(write, daddr);
                        SET(cpu, write, dport, port);
                }
        } else
                SET(cpu, write, type, WIRE_OBJECT_CLOSED);
        write_content(cpu, call);
        record_submit(cpu, WIRE_KIND_write);
        return 0;
}

static __always_inline bool same_object(const struct wire_object *a, const struct wire_object *b) {
        return a->inode == b->inode && a->device == b->device && a->generation == b->generation;
}

/* Where threads share their descriptors one may hold up a write (a pipe, a FUSE page) and exchange the descriptor
 * meanwhile. So the file at the beginning was kept. The kernel's reference to it is given back only after this program,
 * so it can still be looked at; that its object is the same shows that it was not recycled. Different from what is
 * there now: both are told. */
static __always_inline int write_done(const struct write_call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct file *file, *before = NULL;
        struct task_state *state;
        struct seen seen = {};
        __u32 flags = 0;

        if (!want(WIRE_KIND_write, call->result) || is_self(task))
                return 0;
        file = file_of(task, call->fd);
        if (files_are_shared(task))
                flags = WIRE_RACED;

        /* Also if the table is not shared any more: the other thread may have ended. */
        state = state_of(task, false);
        if (state && state->file) {
                before = (struct file *)state->file;
                state->file = 0;
        }
        if (!before || before == file)
                return write_tell(call, file, flags);

        see_file(before, &seen);
        if (same_object(&seen.object, &state->object))
                write_tell(call, before, WIRE_RACED | WIRE_EXCHANGED);
        return write_tell(call, file, WIRE_RACED | WIRE_EXCHANGED);
}

static __always_inline int write_begun(__u32 fd) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct task_state *state;
        struct seen seen = {};
        struct file *file;

        if (!(kinds & 1ULL << WIRE_KIND_write) || !files_are_shared(task) || is_self(task))
                return 0;
        state = state_of(task, true);
        file = file_of(task, fd);
        if (!state)
                return 0;
        state->file = (__u64)file;
        if (file) {
                see_file(file, &seen);
                state->object = seen.object;
        }
        return 0;
}

#define WRITE_PROGRAMS(call_, vectors_)                                                                                \
        SEC("tp/syscalls/sys_enter_" #call_)                                                                           \
        int enter_##call_(struct syscall_enter *context) {                                                             \
                return write_begun(context->args[0]);                                                                  \
        }                                                                                                              \
                                                                                                                       \
        SEC("tp/syscalls/sys_exit_" #call_)                                                                            \
        int exit_##call_(struct syscall_exit *context) {                                                               \
                struct pt_regs *regs = CALL_REGS();                                                                    \
                struct write_call call = {                                                                             \
                        .result = context->ret,                                                                        \
                        .fd = call_argument(regs, 0),                                                                  \
                        .buffer = (void *)call_argument(regs, 1),                                                      \
                };                                                                                                     \
                                                                                                                       \
                if (vectors_)                                                                                          \
                        call.n_vectors = call_argument(regs, 2);                                                       \
                else                                                                                                   \
                        call.count = call_argument(regs, 2);                                                           \
                return write_done(&call);                                                                              \
        }

WRITE_PROGRAMS(write, false)
WRITE_PROGRAMS(pwrite64, false)
WRITE_PROGRAMS(writev, true)
WRITE_PROGRAMS(pwritev, true)
WRITE_PROGRAMS(pwritev2, true)

/* ---- unlink ---- */

static __noinline int unlink_done(long result, int directory, const char *user, __u32 flags) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct given call = {
                .user = user,
                .directory = directory,
                .path_bit = WIRE_BIT(unlink, pathname),
                .given_bit = WIRE_BIT(unlink, given),
        };
        struct wire_unlink *record;
        struct cpu *cpu;

        if (!want(WIRE_KIND_unlink, result) || is_self(task))
                return 0;
        cpu = record_begin(WIRE_KIND_unlink, sizeof(struct wire_unlink), true);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        header_fill(&cpu->header, task, state_of(task, false), result);
        SET(cpu, unlink, flags, flags);
        given_append(cpu, &call, &record->pathname, &record->given);
        record_submit(cpu, WIRE_KIND_unlink);
        return 0;
}

SEC("tp/syscalls/sys_exit_unlink")
int exit_unlink(struct syscall_exit *context) {
        return unlink_done(context->ret, AT_FDCWD, (const char *)call_argument(CALL_REGS(), 0), 0);
}

SEC("tp/syscalls/sys_exit_rmdir")
int exit_rmdir(struct syscall_exit *context) {
        return unlink_done(context->ret, AT_FDCWD, (const char *)call_argument(CALL_REGS(), 0), AT_REMOVEDIR);
}

SEC("tp/syscalls/sys_exit_unlinkat")
int exit_unlinkat(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();

        return unlink_done(context->ret, (int)call_argument(regs, 0), (const char *)call_argument(regs, 1),
                           (__u32)call_argument(regs, 2));
}

/* ---- rename ---- */

struct rename_call {
        long result;
        const char *from, *to;
        int from_directory, to_directory;
        __u32 flags;
        __u32 pad;
};

static __noinline int rename_done(const struct rename_call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct given from = {
                .user = call->from,
                .directory = call->from_directory,
                .path_bit = WIRE_BIT(rename, pathname),
                .given_bit = WIRE_BIT(rename, given),
        };
        struct given to = {
                .user = call->to,
                .directory = call->to_directory,
                .path_bit = WIRE_BIT(rename, newpath),
                .given_bit = WIRE_BIT(rename, newgiven),
        };
        struct wire_rename *record;
        struct cpu *cpu;

        if (!want(WIRE_KIND_rename, call->result) || is_self(task))
                return 0;
        cpu = record_begin(WIRE_KIND_rename, sizeof(struct wire_rename), true);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        header_fill(&cpu->header, task, state_of(task, false), call->result);
        SET(cpu, rename, flags, call->flags);
        given_append(cpu, &from, &record->pathname, &record->given);
        given_append(cpu, &to, &record->newpath, &record->newgiven);
        record_submit(cpu, WIRE_KIND_rename);
        return 0;
}

SEC("tp/syscalls/sys_exit_rename")
int exit_rename(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct rename_call call = {
                .result = context->ret,
                .from_directory = AT_FDCWD,
                .from = (const char *)call_argument(regs, 0),
                .to_directory = AT_FDCWD,
                .to = (const char *)call_argument(regs, 1),
        };

        return rename_done(&call);
}

SEC("tp/syscalls/sys_exit_renameat")
int exit_renameat(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct rename_call call = {
                .result = context->ret,
                .from_directory = (int)call_argument(regs, 0),
                .from = (const char *)call_argument(regs, 1),
                .to_directory = (int)call_argument(regs, 2),
                .to = (const char *)call_argument(regs, 3),
        };

        return rename_done(&call);
}

SEC("tp/syscalls/sys_exit_renameat2")
int exit_renameat2(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct rename_call call = {
                .result = context->ret,
                .from_directory = (int)call_argument(regs, 0),
                .from = (const char *)call_argument(regs, 1),
                .to_directory = (int)call_argument(regs, 2),
                .to = (const char *)call_argument(regs, 3),
                .flags = (__u32)call_argument(regs, 4),
        };

        return rename_done(&call);
}

/* ---- chmod ---- */

struct chmod_call {
        long result;
        const char *user;               /* NULL: by descriptor alone */
        int directory;
        __u32 mode;
};

static __noinline int chmod_done(const struct chmod_call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct given given = {
                .user = call->user,
                .directory = call->directory,
                .path_bit = WIRE_BIT(chmod, pathname),
                .given_bit = WIRE_BIT(chmod, given),
        };
        struct wire_chmod *record;
        struct seen seen = {};
        struct file *file;
        struct cpu *cpu;

        if (!want(WIRE_KIND_chmod, call->result) || is_self(task))
                return 0;
        cpu = record_begin(WIRE_KIND_chmod, sizeof(struct wire_chmod), true);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        header_fill(&cpu->header, task, state_of(task, false), call->result);
        SET(cpu, chmod, mode, call->mode & 07777);
        if (call->user)
                given_append(cpu, &given, &record->pathname, &record->given);
        else {
                if (files_are_shared(task))
                        cpu->header.flags |= WIRE_RACED;
                file = file_of(task, call->directory);
                if (file) {
                        see_file(file, &seen);
                        SET(cpu, chmod, file, seen.object);
                        if (has_path(seen.type))
                                path_append(cpu, &record->pathname, WIRE_BIT(chmod, pathname),
                                            GET(file, f_path.dentry), GET(file, f_path.mnt));
                }
        }
        record_submit(cpu, WIRE_KIND_chmod);
        return 0;
}

SEC("tp/syscalls/sys_exit_chmod")
int exit_chmod(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct chmod_call call = {
                .result = context->ret,
                .user = (const char *)call_argument(regs, 0),
                .directory = AT_FDCWD,
                .mode = call_argument(regs, 1),
        };

        return chmod_done(&call);
}

SEC("tp/syscalls/sys_exit_fchmod")
int exit_fchmod(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct chmod_call call = {
                .result = context->ret,
                .directory = (int)call_argument(regs, 0),
                .mode = call_argument(regs, 1),
        };

        return chmod_done(&call);
}

SEC("tp/syscalls/sys_exit_fchmodat")
int exit_fchmodat(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct chmod_call call = {
                .result = context->ret,
                .user = (const char *)call_argument(regs, 1),
                .directory = (int)call_argument(regs, 0),
                .mode = call_argument(regs, 2),
        };

        return chmod_done(&call);
}

/* With an empty name and AT_EMPTY_PATH it is fchmod(). */
SEC("tp/syscalls/sys_exit_fchmodat2")
int exit_fchmodat2(struct syscall_exit *context) {
        struct pt_regs *regs = CALL_REGS();
        struct chmod_call call = {
                .result = context->ret,
                .user = (const char *)call_argument(regs, 1),
                .directory = (int)call_argument(regs, 0),
                .mode = call_argument(regs, 2),
        };
        char first = 1;

        if (call_argument(regs, 3) & AT_EMPTY_PATH && bpf_probe_read_user(&first, 1, call.user) == 0 && !first)
                call.user = NULL;
        return chmod_done(&call);
}
