// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Data - read, write: what a call on a descriptor did with bytes, and the calls that move bytes from one descriptor to
 * another without showing them to the program.
 *
 * The object comes from the descriptor table at the end of the call, as in file.bpf.c; where the table is shared also
 * from its beginning. A move is one `write` and one `read`, each told if it is wanted. */
#include "call.bpf.h"

enum {
        SIDE_TO,                        /* place in begun.files: what was written to, or the only descriptor */
        SIDE_FROM,                      /* what was read from, of a move */
};

#define POSITION -1                     /* offset: the file's own */
#define MAX_VECTORS 1024                /* more the kernel does not take */

struct transfer {
        struct file *file;              /* NULL: there is none */
        struct file *source;            /* of a move, as `write` */
        __u32 fd;
        __u32 source_fd;
        __u32 flags;                    /* WIRE_* */
        __u32 n_vectors;                /* 0: one buffer */
        bool is_move;                   /* one of the calls of move_begins() */
        bool has_source;
        bool user_offset;               /* the offset was read from user memory */
        __u8 side;                      /* SIDE_* */
        const void *buffer;             /* or the vectors; NULL: the bytes were never in the program's memory */
        __u64 count;                    /* of one buffer */
        __s64 offset;                   /* of the first byte, or POSITION */
};

/* One record serves both. */
#define SAME_FIELD(field)                                                                                              \
        _Static_assert(offsetof(struct wire_read, field) == offsetof(struct wire_write, field) &&                      \
                               WIRE_BIT(read, field) == WIRE_BIT(write, field), "read and write differ");
SAME_FIELD(fd)
SAME_FIELD(file)
SAME_FIELD(type)
SAME_FIELD(pathname)
SAME_FIELD(length)
SAME_FIELD(count)
SAME_FIELD(content)
SAME_FIELD(daddr)
SAME_FIELD(dport)
SAME_FIELD(offset)

/* ---- content ---- */

/* One vector: add up its length, and take what is still wanted of its content. */
static long vector_step(__u32 i, struct cpu **context) {
        struct cpu *cpu = *context;
        struct vector_walk *walk = &cpu->vectors;
        __u32 offset = 0, left = walk->left, n;
        struct user_vector vector = {};

        if (vector_read(&vector, walk->at, walk->narrow) < 0) {
                walk->failed = true;
                return 1;
        }
        walk->at += walk->narrow ? sizeof(vector) / 2 : sizeof(vector);
        walk->count += vector.length;
        if (!left)
                return 0;

        n = vector.length < left ? vector.length : left;
        if (record_room(cpu, WIRE_MAX_CONTENT, &offset) < WIRE_MAX_CONTENT)
                return 0;
        BOUND(n, 2 * WIRE_MAX_CONTENT - 1);
        if (bpf_probe_read_user(record_at(cpu, offset), n, (void *)vector.base) < 0) {
                walk->left = 0;         /* what comes behind would not follow */
                return 0;
        }
        cpu->used = offset + n;
        walk->left = left - n;
        return 0;
}

/* How much the call asked for, and the first of the bytes that went over. Content that was asked for and could not be
 * had is told as an empty beginning of it: no condition on it is true or false. */
static __always_inline void transfer_content(
                struct cpu *cpu, const struct call *call, const struct transfer *transfer, enum wire_kind kind) {
        struct wire_write *record = (void *)cpu->record;
        struct vector_walk *walk = &cpu->vectors;
        __u32 start = cpu->used, asked = content_wanted(kind), wanted = asked, length;
        long result = call->result;

        if (result < wanted)
                wanted = result < 0 ? 0 : result;
        walk->left = wanted;
        walk->count = transfer->count;
        walk->at = (__u64)transfer->buffer;
        walk->narrow = cpu->header.flags & WIRE_COMPAT;
        walk->failed = transfer->n_vectors > MAX_VECTORS;       /* then the call failed, too */
        if (walk->failed)
                ;
        else if (transfer->n_vectors) {
                bpf_loop(transfer->n_vectors, vector_step, &cpu, 0);
                cpu->header.user |= walk->failed ? 0 : WIRE_BIT(write, count);
        } else if (wanted && transfer->buffer) {
                __u32 offset = 0;

                BOUND(wanted, 2 * WIRE_MAX_CONTENT - 1);
                if (record_room(cpu, WIRE_MAX_CONTENT, &offset) == WIRE_MAX_CONTENT &&
                    bpf_probe_read_user(record_at(cpu, offset), wanted, transfer->buffer) == 0)
                        cpu->used = offset + wanted;
        }
        if (!walk->failed)
                SET(cpu, write, count, walk->count);

        length = cpu->used - start;
        if (!asked || result < 0)
                return;
        record->content.offset = start;
        record->content.length = length;
        cpu->header.known |= WIRE_BIT(write, content);
        cpu->header.user |= WIRE_BIT(write, content);
        if (length < result)
                cpu->header.cut |= WIRE_BIT(write, content);
}

/* ---- telling ---- */

/* Files on disk and in memory, and block devices: elsewhere positions mean nothing. The file's own was moved on by what
 * went over. Where O_APPEND sends bytes that shall go elsewhere is not told. */
static __always_inline void transfer_offset(struct cpu *cpu, const struct call *call, const struct transfer *transfer,
                                            const struct seen *seen, enum wire_kind kind) {
        __u32 format = seen->mode & S_IFMT;
        __s64 offset = transfer->offset;

        if (call->result < 0 || (format != S_IFREG && format != S_IFBLK))
                return;
        if (offset == POSITION)
                offset = GET(seen->file, f_pos) - call->result;
        else if (kind == WIRE_KIND_write && GET(seen->file, f_flags) & O_APPEND)
                return;
        if (offset < 0)
                return;
        SET(cpu, write, offset, offset);
        if (transfer->user_offset)
                cpu->header.user |= WIRE_BIT(write, offset);
}

/* With the memory that the other side was seen in, for the stack is short. */
static __always_inline void transfer_source(struct cpu *cpu, struct file *source, struct seen *seen) {
        struct wire_write *record = (void *)cpu->record;

        __builtin_memset(seen, 0, sizeof(*seen));
        see_file(source, seen);
        SET(cpu, write, source, seen->object);
        if (has_path(seen->type))
                path_append(cpu, &record->source_path, WIRE_BIT(write, source_path), GET(source, f_path.dentry),
                            GET(source, f_path.mnt));
}

static __always_inline int transfer_tell(
                const struct call *call, const struct transfer *transfer, enum wire_kind kind) {
        struct file *file = transfer->file;
        struct wire_write *record;
        struct seen seen = {};
        struct cpu *cpu;
        __u32 port = 0;

        cpu = call_record(call, kind,
                          kind == WIRE_KIND_write ? sizeof(struct wire_write) : sizeof(struct wire_read));
        if (!cpu)
                return nothing();
        record = (void *)cpu->record;
        cpu->header.flags |= transfer->flags;
        SET(cpu, write, fd, (int)transfer->fd);
        if (call->result >= 0)
                SET(cpu, write, length, call->result);

        if (file) {
                see_file(file, &seen);
                SET(cpu, write, file, seen.object);
                SET(cpu, write, type, seen.type);
                transfer_offset(cpu, call, transfer, &seen, kind);
                if (has_path(seen.type))
                        path_append_near(cpu, &record->pathname, WIRE_BIT(write, pathname), GET(file, f_path.dentry),
                                    GET(file, f_path.mnt));
                else if (seen.type == WIRE_OBJECT_SOCKET && see_peer(sock_of(&seen), &record->daddr, &port)) {
                        cpu->header.known |= WIRE_BIT(write, daddr);
                        SET(cpu, write, dport, port);
                }
        } else
                SET(cpu, write, type, WIRE_OBJECT_CLOSED);
        if (!record_passes(cpu, kind))
                return nothing();
        if (kind == WIRE_KIND_write && transfer->source)
                transfer_source(cpu, transfer->source, &seen);
        transfer_content(cpu, call, transfer, kind);
        return record_submit(cpu, kind);
}

/* Not static: such a function the verifier looks at once, by itself, and not again for each way to come to each call of
 * it. */
__noinline int write_tell(const struct call *call, const struct transfer *transfer) {
        return call && transfer ? transfer_tell(call, transfer, WIRE_KIND_write) : nothing();
}

__noinline int read_tell(const struct call *call, const struct transfer *transfer) {
        return call && transfer ? transfer_tell(call, transfer, WIRE_KIND_read) : nothing();
}

/* ---- one descriptor, or two ---- */

static __always_inline void begun_keep(struct begun_file *kept, struct file *file) {
        struct seen seen = {};

        kept->file = (__u64)file;
        if (file) {
                see_file(file, &seen);
                kept->object = seen.object;
        }
}

/* The kernel's reference to what the call used is given back only after the program at its end, so it can still be
 * looked at; that its object is the same shows that it was not recycled. */
static __always_inline struct file *begun_file(const struct begun_file *kept) {
        struct file *file = (struct file *)kept->file;
        struct seen seen = {};

        if (!file)
                return NULL;
        see_file(file, &seen);
        return same_object(&seen.object, &kept->object) ? file : NULL;
}

/* Of a move two programs ask for it; its beginning always keeps it anew. */
static __always_inline struct begun *transfer_begun(const struct call *call, const struct transfer *transfer) {
        struct task_state *state;

        if (call->flags & CALL_REQUEST)
                return NULL;
        if (!transfer->is_move)
                return call_begun(call);
        state = state_of(bpf_get_current_task_btf(), false);
        return state && state->begun.call == call->id ? &state->begun : NULL;
}

/* Where a descriptor table is shared another task may hold up a call (a pipe, a FUSE page) and exchange the descriptor
 * meanwhile. So the file at the beginning was kept. Different from what is there now: both are told. */
static __always_inline int transfer_look(
                const struct call *call, struct transfer *transfer, enum wire_kind kind) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct file *file, *source = NULL;
        bool changed = false;
        struct begun *begun;

        transfer->file = file = file_of(task, transfer->fd);
        if (transfer->has_source)
                transfer->source = source = file_of(task, transfer->source_fd);
        if (files_are_shared(task))
                transfer->flags = WIRE_RACED;

        /* Also if the table is not shared any more: the other thread may have ended. */
        begun = transfer_begun(call, transfer);
        if (begun) {
                const struct begun_file *kept = &begun->files[transfer->side & 1];

                if (kept->file && (struct file *)kept->file != file) {
                        transfer->file = begun_file(kept);
                        changed = true;
                }
                kept = &begun->files[SIDE_FROM];
                if (source && kept->file && (struct file *)kept->file != source) {
                        transfer->source = begun_file(kept);
                        changed = true;
                }
        }
        if (changed) {
                transfer->flags = WIRE_RACED | WIRE_EXCHANGED;
                if (transfer->file && kind == WIRE_KIND_write)
                        write_tell(call, transfer);
                else if (transfer->file)
                        read_tell(call, transfer);
                transfer->file = file;
                transfer->source = source;
        }
        return kind == WIRE_KIND_write ? write_tell(call, transfer) : read_tell(call, transfer);
}

static __always_inline bool transfer_wanted(const struct call *call, enum wire_kind kind) {
        if (call_wanted(call, kind))
                return true;
        if (files_are_shared(bpf_get_current_task_btf()))
                call_begun(call);               /* not to be found by a later call */
        return false;
}

static __always_inline int transfer_ended(const struct call *call, enum wire_kind kind) {
        struct transfer transfer = {
                .fd = call->args[0],
                .buffer = (void *)call->args[1],
                .offset = POSITION,
        };

        if (!transfer_wanted(call, kind))
                return nothing();
        switch (call->id) {
        case WIRE_CALL_read:
        case WIRE_CALL_write:
                transfer.count = call->args[2];
                break;
        case WIRE_CALL_pread64:
        case WIRE_CALL_pwrite64:
                transfer.count = call->args[2];
                transfer.offset = call->args[3];
                break;
        case WIRE_CALL_preadv:
        case WIRE_CALL_preadv2:
        case WIRE_CALL_pwritev:
        case WIRE_CALL_pwritev2:
                transfer.offset = call->args[3];
                transfer.n_vectors = call->args[2];
                break;
        default:
                transfer.n_vectors = call->args[2];
        }
        return transfer_look(call, &transfer, kind);
}

/* Where no other thread has the descriptors nothing is kept, nor is there anything of a former call. */
static __always_inline enum call_answer transfer_asks(struct syscall_exit *context, enum wire_kind kind) {
        if (want(kind, context->ret))
                return CALL_IS;
        return files_are_shared(bpf_get_current_task_btf()) ? CALL_TIDY : CALL_IS_NOT;
}

static __always_inline bool transfer_keeps(enum wire_kind kind) {
        struct task_struct *task = bpf_get_current_task_btf();

        return wants[kind] && files_are_shared(task) && !is_self(task);
}

static __always_inline int transfer_begins(const struct call *call, enum wire_kind kind) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct begun *begun = call_begin(call);

        if (begun)
                begun_keep(&begun->files[SIDE_TO], file_of(task, call->args[0]));
        return nothing();
}

static __always_inline int read_ended(const struct call *call) {
        return transfer_ended(call, WIRE_KIND_read);
}

static __always_inline int write_ended(const struct call *call) {
        return transfer_ended(call, WIRE_KIND_write);
}

static __always_inline int read_begins(const struct call *call) {
        return transfer_begins(call, WIRE_KIND_read);
}

static __always_inline int write_begins(const struct call *call) {
        return transfer_begins(call, WIRE_KIND_write);
}

static __always_inline enum call_answer read_asks(struct syscall_exit *context) {
        return transfer_asks(context, WIRE_KIND_read);
}

static __always_inline enum call_answer write_asks(struct syscall_exit *context) {
        return transfer_asks(context, WIRE_KIND_write);
}

static __always_inline bool read_keeps(void) {
        return transfer_keeps(WIRE_KIND_read);
}

static __always_inline bool write_keeps(void) {
        return transfer_keeps(WIRE_KIND_write);
}

ASKING_PROGRAM(exit_read, read_ended, read_asks)
ASKING_ENTER_PROGRAM(enter_read, read_begins, read_keeps)
ASKING_PROGRAM(exit_write, write_ended, write_asks)
ASKING_ENTER_PROGRAM(enter_write, write_begins, write_keeps)

/* ---- from one descriptor to another ---- */

struct move {
        __u32 from, to;                 /* arguments that are the descriptors, */
        __u32 from_offset, to_offset;   /* and pointers to where; 0: there is none, nor could argument 0 be one */
        __u32 count;
        __u32 pad;
};

static __always_inline void move_shape(const struct call *call, struct move *move) {
        switch (call->id) {
        case WIRE_CALL_sendfile:
                *move = (struct move){.from = 1, .to = 0, .from_offset = 2, .count = 3};
                break;
        case WIRE_CALL_tee:
                *move = (struct move){.from = 0, .to = 1, .count = 2};
                break;
        default:                        /* splice, copy_file_range */
                *move = (struct move){.from = 0, .from_offset = 1, .to = 2, .to_offset = 3, .count = 4};
        }
}

static __always_inline unsigned long move_argument(const struct call *call, __u32 i) {
        switch (i) {
        case 0: return call->args[0];
        case 1: return call->args[1];
        case 2: return call->args[2];
        case 3: return call->args[3];
        default: return call->args[4];
        }
}

/* vmsplice is a write to a pipe's one end, and a read from its other. False: the one that is not asked for. */
static __always_inline bool vmsplice_fill(struct transfer *transfer, const struct call *call, enum wire_kind kind) {
        struct file *file = file_of(bpf_get_current_task_btf(), (__u32)call->args[0]);
        bool writes = file && GET(file, f_mode) & FMODE_WRITE;

        transfer->fd = call->args[0];
        transfer->buffer = (void *)call->args[1];
        transfer->n_vectors = call->args[2];
        return writes == (kind == WIRE_KIND_write);
}

static __always_inline void move_fill(struct transfer *transfer, const struct call *call, enum wire_kind kind) {
        struct move move = {};
        unsigned long at;

        move_shape(call, &move);
        transfer->has_source = kind == WIRE_KIND_write;
        transfer->side = kind == WIRE_KIND_write ? SIDE_TO : SIDE_FROM;
        transfer->fd = move_argument(call, kind == WIRE_KIND_write ? move.to : move.from);
        transfer->source_fd = move_argument(call, move.from);
        transfer->count = move_argument(call, move.count);

        /* The kernel has moved it on. */
        at = kind == WIRE_KIND_write ? move.to_offset : move.from_offset;
        at = at ? move_argument(call, at) : 0;
        if (at) {
                __s64 offset = 0;

                transfer->user_offset = true;
                transfer->offset = bpf_probe_read_user(&offset, call->flags & CALL_NARROW ? 4 : 8, (void *)at) < 0
                        ? -2
                        : offset - call->result;
                if (transfer->offset < 0)
                        transfer->offset = -2;
        }
}

/* One of them for all calls: kernels before 6.13 have 512 bytes of stack for a program and all that it calls. */
static __always_inline int move_ended(const struct call *call, enum wire_kind kind) {
        struct transfer transfer = {.offset = POSITION, .is_move = true};

        if (!call_wanted(call, kind))
                return nothing();
        if (call->id != WIRE_CALL_vmsplice)
                move_fill(&transfer, call, kind);
        else if (!vmsplice_fill(&transfer, call, kind))
                return nothing();
        return transfer_look(call, &transfer, kind);
}

static __always_inline int move_read_ended(const struct call *call) {
        return move_ended(call, WIRE_KIND_read);
}

static __always_inline int move_write_ended(const struct call *call) {
        return move_ended(call, WIRE_KIND_write);
}

/* These calls are rare: both ends are kept of each, whoever shares the table, so that there is never one of a former
 * call. */
static __noinline int move_begins(const struct call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct move move = {};
        struct begun *begun;

        if (!(wants[WIRE_KIND_write] | wants[WIRE_KIND_read]) || is_self(task))
                return nothing();
        begun = call_begin(call);
        if (!begun)
                return nothing();
        if (call->id == WIRE_CALL_vmsplice)
                move.to = 0;
        else
                move_shape(call, &move);
        begun_keep(&begun->files[SIDE_TO], file_of(task, move_argument(call, move.to)));
        begun_keep(&begun->files[SIDE_FROM], file_of(task, move_argument(call, move.from)));
        return nothing();
}

FIRST_CALL_PROGRAM(exit_move_read, move_read_ended)
CALL_PROGRAM(exit_move_write, move_write_ended)
/* Two, for the kernel attaches none twice in one place; if both kinds are wanted the second does the first's work
 * again. */
ENTER_PROGRAM(enter_move_read, move_begins)
ENTER_PROGRAM(enter_move_write, move_begins)
