// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Descriptors - close, dup: what becomes of descriptors, and how they come from other processes.
 *
 * A file that was closed may be gone at the end of the call, so its beginning keeps what it was. What a message brought
 * is looked up at the end of the call, in the table, by the numbers that the kernel wrote into the program's memory. */
#include "call.bpf.h"
#include "control.bpf.h"
#include "task.bpf.h"

#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030

/* ---- close ---- */

/* `closed` is zeroed. */
static __always_inline void closed_see(struct closed *closed, __u32 fd) {
        struct file *file = file_of(bpf_get_current_task_btf(), fd);
        struct seen seen = {};

        closed->type = WIRE_OBJECT_CLOSED;
        if (!file)
                return;
        see_file(file, &seen);
        closed->object = seen.object;
        closed->type = seen.type;
        if (has_path(seen.type)) {
                closed->dentry = (__u64)GET(file, f_path.dentry);
                closed->mount = (__u64)GET(file, f_path.mnt);
        }
}

static __always_inline int close_begins(const struct call *call) {
        struct begun *begun;

        if (!wants[WIRE_KIND_close] || is_self(bpf_get_current_task_btf()))
                return nothing();
        begun = call_begin(call);
        if (!begun)
                return nothing();
        __builtin_memset(&begun->closed, 0, sizeof(begun->closed));
        closed_see(&begun->closed, call->args[0]);
        return nothing();
}

/* What the beginning of the call saw, or the submission of the request. NULL: nothing. */
static __always_inline const struct closed *closed_of(const struct call *call) {
        struct cpu *cpu = this_cpu();
        struct begun *begun;

        if (call->flags & CALL_REQUEST)
                return cpu && cpu->request.closed.type ? &cpu->request.closed : NULL;
        begun = call_begun(call);
        return begun ? &begun->closed : NULL;
}

/* The path is walked now, for most calls need none: the name may be gone with the file, but is not recycled as long as
 * it leads to the same inode. */
static __always_inline void close_path(struct cpu *cpu, const struct closed *closed) {
        struct wire_close *record = (void *)cpu->record;
        struct dentry *dentry = (struct dentry *)closed->dentry;
        struct inode *inode = dentry ? GET(dentry, d_inode) : NULL;

        if (inode && GET(inode, i_ino) == closed->object.inode &&
            GET(GET(inode, i_sb), s_dev) == closed->object.device)
                path_append_near(cpu, &record->pathname, WIRE_BIT(close, pathname), dentry,
                            (struct vfsmount *)closed->mount);
}

#define CLOSE_RANGE_CLOEXEC 4

static __always_inline int close_ended(const struct call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        const struct closed *closed;
        struct cpu *cpu;

        if (!call_wanted(call, WIRE_KIND_close))
                return nothing();
        if (call->id == WIRE_CALL_close_range && call->args[2] & CLOSE_RANGE_CLOEXEC)
                return nothing();       /* closes nothing now */
        cpu = call_record(call, WIRE_KIND_close, sizeof(struct wire_close));
        if (!cpu)
                return nothing();
        SET(cpu, close, fd, (int)call->args[0]);
        if (call->id == WIRE_CALL_close_range) {
                SET(cpu, close, fd, (__u32)call->args[0]);
                SET(cpu, close, last_fd, (__u32)call->args[1]);
        }
        if (files_are_shared(task))
                cpu->header.flags |= WIRE_RACED;
        closed = closed_of(call);
        if (closed) {
                SET(cpu, close, type, closed->type);
                if (closed->type != WIRE_OBJECT_CLOSED) {
                        SET(cpu, close, file, closed->object);
                        close_path(cpu, closed);
                }
        }
        return record_submit(cpu, WIRE_KIND_close);
}

ASKS(close)
ASKING_PROGRAM(exit_close, close_ended, close_asks)
ENTER_PROGRAM(enter_close, close_begins)

/* ---- dup ---- */

struct doubled {
        struct call call;
        __s32 fd;                       /* -1: it has none, or none here */
        __s32 newfd;                    /* negative: the call failed */
        struct pid *sender;             /* NULL: none, or not known */
};

static __always_inline void doubled_sender(struct cpu *cpu, struct pid *pid) {
        struct task_struct *task = task_of_pid(pid), *leader;

        if (!task) {                    /* gone; its number is still there */
                SET(cpu, dup, sender_pid, GET(pid, numbers[0].nr));
                return;
        }
        leader = GET(task, group_leader);
        SET(cpu, dup, sender_pid, GET(task, tgid));
        SET(cpu, dup, sender_start, GET(leader, start_boottime));
}

static __always_inline int doubled_put(const struct doubled *doubled) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct wire_dup *record;
        struct seen *seen;
        struct file *file;
        __u32 port = 0;
        struct cpu *cpu;

        cpu = call_record(&doubled->call, WIRE_KIND_dup, sizeof(struct wire_dup));
        if (!cpu)
                return nothing();
        record = (void *)cpu->record;
        if (doubled->fd >= 0)
                SET(cpu, dup, fd, doubled->fd);
        if (doubled->newfd >= 0)
                SET(cpu, dup, newfd, doubled->newfd);
        if (doubled->sender)
                doubled_sender(cpu, doubled->sender);

        file = doubled->newfd >= 0                             ? file_of(task, doubled->newfd)
                : doubled->call.id == WIRE_CALL_pidfd_getfd ? NULL
                                                            : file_of(task, doubled->fd);
        if (files_are_shared(task)) {
                cpu->header.flags |= WIRE_RACED;
                /* Both were one file when the call ended. */
                if (doubled->call.id != WIRE_CALL_pidfd_getfd && doubled->fd >= 0 && doubled->newfd >= 0 &&
                    file_of(task, doubled->fd) != file)
                        cpu->header.flags |= WIRE_EXCHANGED;
        }
        if (!file) {
                if (doubled->call.id != WIRE_CALL_pidfd_getfd || doubled->newfd >= 0)
                        SET(cpu, dup, type, WIRE_OBJECT_CLOSED);
                return record_submit(cpu, WIRE_KIND_dup);
        }
        seen = &cpu->named.seen;        /* not on the stack, which is short */
        __builtin_memset(seen, 0, sizeof(*seen));
        see_file(file, seen);
        SET(cpu, dup, file, seen->object);
        SET(cpu, dup, type, seen->type);
        if (has_path(seen->type))
                path_append(cpu, &record->pathname, WIRE_BIT(dup, pathname), GET(file, f_path.dentry),
                            GET(file, f_path.mnt));
        else if (seen->type == WIRE_OBJECT_SOCKET && see_peer(sock_of(seen), &record->daddr, &port)) {
                cpu->header.known |= WIRE_BIT(dup, daddr);
                SET(cpu, dup, dport, port);
        }
        return record_submit(cpu, WIRE_KIND_dup);
}

/* Not static: the verifier looks at it once. */
__noinline int dup_tell(const struct doubled *doubled) {
        return doubled ? doubled_put(doubled) : nothing();
}

static __always_inline int dup_ended(const struct call *call) {
        struct doubled doubled = {.call = *call, .fd = call->args[0], .newfd = call->result < 0 ? -1 : call->result};

        if (call->id == WIRE_CALL_fcntl && call->args[1] != F_DUPFD && call->args[1] != F_DUPFD_CLOEXEC)
                return nothing();
        if (!call_wanted(call, WIRE_KIND_dup))
                return nothing();
        if (call->id == WIRE_CALL_pidfd_getfd) {
                struct file *file = file_of(bpf_get_current_task_btf(), call->args[0]);

                doubled.fd = call->args[1];
                if (file)
                        doubled.sender = pid_of_pidfd(file);
        }
        return dup_tell(&doubled);
}

CALL_PROGRAM(exit_dup, dup_ended)

/* ---- descriptors that came with a message ---- */

#define MAX_RECEIVED 253                /* the kernel takes no more in a message (SCM_MAX_FD) */
#define MAX_RECEIVED_MESSAGES 64        /* of one recvmmsg() */
#define MAX_RECEIVED_STEPS 16384

/* What is to come: descriptors of a header, headers of a message, messages. */
struct received {
        struct doubled doubled;
        __u64 fds;                      /* in user memory */
        __u32 n_fds;
        __u32 n_messages;
        __u64 at, left;                 /* control data */
        __u64 message;                  /* struct mmsghdr */
        struct user_message user;
};

/* Not on the stack: kernels before 6.13 have 512 bytes of it for a program and all that it calls. */
struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct received);
} receivings SEC(".maps");

static __always_inline void received_descriptor(struct received *received) {
        __s32 fd = -1;

        received->n_fds--;
        if (bpf_probe_read_user(&fd, sizeof(fd), (void *)received->fds) < 0) {
                received->n_fds = 0;
                return;
        }
        received->fds += sizeof(fd);
        received->doubled.newfd = fd;
        dup_tell(&received->doubled);
}

static __always_inline void received_header(struct received *received) {
        bool narrow = received->doubled.call.flags & WIRE_COMPAT;
        struct control_head head = {};

        if (control_next(&head, received->at, received->left, narrow) <= 0) {
                received->left = 0;
                return;
        }
        received->fds = received->at + control_head_size(narrow);
        received->n_fds = head.n_fds < MAX_RECEIVED ? head.n_fds : MAX_RECEIVED;
        received->at += head.step;
        received->left = head.step < received->left ? received->left - head.step : 0;
}

static __always_inline void received_message(struct received *received) {
        bool narrow = received->doubled.call.flags & WIRE_COMPAT;
        struct user_message *user = &received->user;

        received->n_messages--;
        if (user_message_read(user, received->message, narrow, false) && user->control) {
                received->at = user->control;
                received->left = user->control_size;
        }
        received->message += user_message_size(narrow);
}

/* One loop, not one within another: frames are few. */
static long received_step(__u32 i, struct received **context) {
        struct received *received = *context;

        if (received->n_fds > 0)
                received_descriptor(received);
        else if (received->left > 0)
                received_header(received);
        else if (received->n_messages > 0)
                received_message(received);
        else
                return 1;
        return 0;
}

/* The far side of a connected unix socket is who made that end of it. */
static __always_inline int received_ended(const struct call *call) {
        struct received *received;
        struct seen seen = {};
        struct file *file;
        __u32 zero = 0;

        if (call->result < 0 || call->flags & CALL_MULTISHOT || !call_wanted(call, WIRE_KIND_dup))
                return nothing();
        file = file_of(bpf_get_current_task_btf(), call->args[0]);
        if (!file)
                return nothing();
        see_file(file, &seen);
        if (seen.type != WIRE_OBJECT_SOCKET || GET(sock_of(&seen), __sk_common.skc_family) != AF_UNIX)
                return nothing();
        received = bpf_map_lookup_elem(&receivings, &zero);
        if (!received)
                return nothing();       /* cannot be */
        __builtin_memset(received, 0, sizeof(*received));
        received->doubled.call = *call;
        received->doubled.fd = -1;
        received->doubled.sender = GET(sock_of(&seen), sk_peer_pid);
        received->message = call->args[1];
        received->n_messages = 1;
        if (call->id == WIRE_CALL_recvmmsg)
                received->n_messages = call->result < MAX_RECEIVED_MESSAGES ? call->result : MAX_RECEIVED_MESSAGES;
        bpf_loop(MAX_RECEIVED_STEPS, received_step, &received, 0);
        return nothing();
}

CALL_PROGRAM(exit_received, received_ended)
