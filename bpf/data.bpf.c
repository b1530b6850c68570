// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Data - write: what a call on a descriptor did with bytes.
 *
 * The object comes from the descriptor table at the end of the call, as in file.bpf.c; where threads share the table
 * also from its beginning. */
#include "call.bpf.h"

struct write_call {
        const struct call *call;
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
        __u32 start = cpu->used, wanted = content_wanted(WIRE_KIND_write), length;

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
        if (!content_wanted(WIRE_KIND_write) || call->result < 0 || (call->result > 0 && !length))
                return;
        record->content.offset = start;
        record->content.length = length;
        cpu->header.known |= WIRE_BIT(write, content);
        cpu->header.user |= WIRE_BIT(write, content);
        if (length < call->result)
                cpu->header.cut |= WIRE_BIT(write, content);
}

static __noinline int write_tell(const struct write_call *call, struct file *file, __u32 flags) {
        struct wire_write *record;
        struct seen seen = {};
        struct cpu *cpu;
        __u32 port = 0;

        cpu = call_record(call->call, WIRE_KIND_write, sizeof(struct wire_write));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        cpu->header.flags |= flags;
        SET(cpu, write, fd, (int)call->fd);
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
        return record_submit(cpu, WIRE_KIND_write);
}

static __always_inline bool same_object(const struct wire_object *a, const struct wire_object *b) {
        return a->inode == b->inode && a->device == b->device && a->generation == b->generation;
}

/* Where threads share their descriptors one may hold up a write (a pipe, a FUSE page) and exchange the descriptor
 * meanwhile. So the file at the beginning was kept. The kernel's reference to it is given back only after this program,
 * so it can still be looked at; that its object is the same shows that it was not recycled. Different from what is
 * there now: both are told. */
static __always_inline int write_look(const struct write_call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct file *file, *before = NULL;
        struct begun *begun;
        struct seen seen = {};
        __u32 flags = 0;

        file = file_of(task, call->fd);
        if (files_are_shared(task))
                flags = WIRE_RACED;

        /* Also if the table is not shared any more: the other thread may have ended. */
        begun = call_begun(call->call);
        if (begun)
                before = (struct file *)begun->file;
        if (!before || before == file)
                return write_tell(call, file, flags);

        see_file(before, &seen);
        if (same_object(&seen.object, &begun->object))
                write_tell(call, before, WIRE_RACED | WIRE_EXCHANGED);
        return write_tell(call, file, WIRE_RACED | WIRE_EXCHANGED);
}

static __always_inline int write_ended(const struct call *call) {
        struct write_call write = {
                .call = call,
                .result = call->result,
                .fd = call->args[0],
                .buffer = (void *)call->args[1],
        };

        if (!call_wanted(call, WIRE_KIND_write)) {
                if (files_are_shared(bpf_get_current_task_btf()))
                        call_begun(call);       /* not to be found by a later call */
                return 0;
        }
        if (call->id == WIRE_CALL_write || call->id == WIRE_CALL_pwrite64)
                write.count = call->args[2];
        else
                write.n_vectors = call->args[2];
        return write_look(&write);
}

static __always_inline int write_begins(const struct call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct seen seen = {};
        struct begun *begun;
        struct file *file;

        if (!wants[WIRE_KIND_write] || !files_are_shared(task) || is_self(task))
                return 0;
        begun = call_begin(call);
        if (!begun)
                return 0;
        file = file_of(task, call->args[0]);
        begun->file = (__u64)file;
        if (file) {
                see_file(file, &seen);
                begun->object = seen.object;
        }
        return 0;
}

CALL_PROGRAM_OF(exit_write, WIRE_CALL_write, write_ended)
CALL_PROGRAM(exit_writev, write_ended)
ENTER_PROGRAM(enter_write, write_begins)
