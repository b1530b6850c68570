// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Message - sendto, recvfrom: bytes on sockets, by the calls that know of addresses and descriptors.
 *
 * Where to: the socket's own far side if it is connected, else the kernel's copy of the address, which cgroup programs
 * see for datagrams over IPv4 and IPv6, else the user's bytes. sendmmsg and recvmmsg make a record for each message; of
 * several with an address each the kernel's copy is there for the last.
 *
 * A call that waits can be held up while another thread exchanges its descriptor: as in data.bpf.c the file at the
 * beginning was kept, and both are told. */
#include "control.bpf.h"
#include "socket.bpf.h"

/* One body for both kinds. */
#define SAME(field) _Static_assert(offsetof(struct wire_sendto, field) == offsetof(struct wire_recvfrom, field) &&     \
                                           WIRE_BIT(sendto, field) == WIRE_BIT(recvfrom, field),                       \
                                   "sendto and recvfrom are laid out alike")
SAME(fd);
SAME(socket);
SAME(family);
SAME(type);
SAME(protocol);
SAME(daddr);
SAME(dport);
SAME(cid);
SAME(nl_port);
SAME(nl_groups);
SAME(path);
SAME(file);
SAME(length);
SAME(flags);
SAME(n_fds);
SAME(content);

#define MAX_MESSAGES 1024               /* more the kernel does not take */
#define MAX_CONTROL 64                  /* headers of one message that are looked at */

/* In memory of the CPU, not on the stack: see struct walk. */
struct message {
        struct call call;
        struct file *file;
        struct user_message user;
        __u64 buffer;
        __u64 size;                     /* of the buffer */
        long length;                    /* sent or received; negative: not at all */
        __u32 record_flags;
        bool last;                      /* of the call's messages */
        bool unread;                    /* the message itself could not be read */
        __u8 pad[2];
};

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct message);
} messages SEC(".maps");

static __always_inline struct message *message_begin(const struct call *call) {
        __u32 zero = 0;
        struct message *message = bpf_map_lookup_elem(&messages, &zero);

        if (!message)
                return NULL;
        __builtin_memset(message, 0, sizeof(*message));
        message->call = *call;
        message->length = call->result;
        return message;
}

/* One header of control data: how many descriptors does it carry? */
static long control_step(__u32 i, struct cpu **context) {
        struct vector_walk *walk = &(*context)->vectors;
        struct control_head head = {};
        int r;

        r = control_next(&head, walk->at, walk->left, walk->narrow);
        if (r < 0)
                walk->failed = true;
        if (r <= 0)
                return 1;
        walk->count += head.n_fds;
        if (head.step >= walk->left)
                return 1;
        walk->at += head.step;
        walk->left -= head.step;
        return 0;
}

static __always_inline void message_descriptors(struct cpu *cpu, const struct message *message) {
        struct vector_walk *walk = &cpu->vectors;

        if (message->unread)
                return;
        walk->narrow = message->call.flags & WIRE_COMPAT;
        walk->at = message->user.control;
        walk->left = message->user.control_size < 1U << 20 ? message->user.control_size : 1U << 20;
        walk->count = 0;
        walk->failed = false;
        if (walk->at)
                bpf_loop(MAX_CONTROL, control_step, &cpu, 0);
        if (walk->failed)
                return;
        SET(cpu, sendto, n_fds, walk->count);
        if (walk->at)
                cpu->header.user |= WIRE_BIT(sendto, n_fds);
}

static __always_inline void message_content(struct cpu *cpu, const struct message *message) {
        struct wire_sendto *record = (void *)cpu->record;
        struct vector_walk *walk = &cpu->vectors;
        __u32 start = cpu->used, wanted, length;

        wanted = cpu->header.kind == WIRE_KIND_sendto ? content_wanted(WIRE_KIND_sendto)
                                                      : content_wanted(WIRE_KIND_recvfrom);
        if (!wanted || message->length < 0 || message->unread)
                return;
        if (wanted > WIRE_MAX_CONTENT)
                wanted = WIRE_MAX_CONTENT;
        if (message->length < wanted)
                wanted = message->length;

        if (message->user.vectors) {
                __u64 n = message->user.n_vectors;

                walk->left = wanted;
                walk->narrow = message->call.flags & WIRE_COMPAT;
                walk->count = 0;
                walk->at = message->user.vectors;
                walk->failed = false;
                bpf_loop(n < MAX_VECTORS ? n : MAX_VECTORS, vector_step, &cpu, 0);
        } else if (wanted) {
                __u32 offset = 0;

                if (message->size < wanted)
                        wanted = message->size; /* MSG_TRUNC: more came than there was room for */
                BOUND(wanted, 2 * WIRE_MAX_CONTENT - 1);
                if (record_room(cpu, WIRE_MAX_CONTENT, &offset) == WIRE_MAX_CONTENT &&
                    bpf_probe_read_user(record_at(cpu, offset), wanted, (void *)message->buffer) == 0)
                        cpu->used = offset + wanted;
        }

        length = cpu->used - start;
        if (message->length > 0 && !length)
                return;
        record->content.offset = start;
        record->content.length = length;
        cpu->header.known |= WIRE_BIT(sendto, content);
        cpu->header.user |= WIRE_BIT(sendto, content);
        if (length < message->length)
                cpu->header.cut |= WIRE_BIT(sendto, content);
}

/* Where to, or where from. */
static __always_inline void message_end(
                struct cpu *cpu, const struct message *message, struct sock *sk, struct attempt *attempt, bool send) {
        struct ends *ends = &cpu->ends;
        bool named = message->user.name && message->user.name_size > 0, own;

        if (attempt) {
                ends->daddr = attempt->address;
                ends->dport = attempt->port;
                ends->known |= END_DADDR | END_DPORT;
                return;
        }
        /* A stream goes to its far side, whatever name is given beside. Netlink may be sent to by others than that. */
        if (ends->family == AF_NETLINK)
                own = send && !named;
        else
                own = !(send && named && ends->type == SOCK_DGRAM);
        if (sk && own) {
                see_ends(cpu, sk);
                if (ends->family == AF_UNIX)
                        see_far_unix_name(cpu, sk);
        }
        if (named && !(ends->known & (END_DPORT | END_PATH | END_DNETLINK)))
                end_of(cpu, (const void *)message->user.name, message->user.name_size, FROM_USER | FAR_END);
}

static __always_inline int message_tell(const struct message *message, enum wire_kind kind) {
        const struct call *call = &message->call;
        bool send = kind == WIRE_KIND_sendto;
        struct attempt *attempt = NULL;
        struct sock *sk;
        struct cpu *cpu;

        cpu = call_record(call, kind, sizeof(struct wire_sendto));
        if (!cpu)
                return nothing();
        cpu->header.flags |= message->record_flags;
        ends_begin(cpu);
        SET(cpu, sendto, fd, (int)call->args[0]);
        SET(cpu, sendto, flags,
            (__u32)(call->id == WIRE_CALL_sendmsg || call->id == WIRE_CALL_recvmsg ? call->args[2] : call->args[3]));
        if (message->length >= 0)
                SET(cpu, sendto, length, message->length);
        sk = see_socket(cpu, message->file);
        if (send && message->last) {
                attempt = attempt_find();
                if (attempt && sk && !attempt_is_of(attempt, sk)) {
                        cpu->header.flags |= WIRE_RACED | WIRE_EXCHANGED;
                        cpu->ends.known = 0;
                        sk = NULL;
                }
        }
        message_end(cpu, message, sk, attempt, send);

        PUT_SOCKET(cpu, sendto);
        PUT_END(cpu, sendto, daddr, daddr, END_DADDR);
        PUT_END(cpu, sendto, dport, dport, END_DPORT);
        PUT_END(cpu, sendto, cid, dcid, END_DCID);
        PUT_NETLINK(cpu, sendto, d, END_DNETLINK);
        PUT_NAME(cpu, sendto);
        message_descriptors(cpu, message);
        message_content(cpu, message);
        return record_submit(cpu, kind);
}

/* Not static: see path_walk(). */
__noinline int send_tell(const struct message *message) {
        return message ? message_tell(message, WIRE_KIND_sendto) : nothing();
}

__noinline int receive_tell(const struct message *message) {
        return message ? message_tell(message, WIRE_KIND_recvfrom) : nothing();
}

static __always_inline bool is_receive(const struct call *call) {
        return call->id == WIRE_CALL_recvfrom || call->id == WIRE_CALL_recvmsg || call->id == WIRE_CALL_recvmmsg;
}

/* The caller's struct msghdr, or the i-th struct mmsghdr with the length that the kernel has put there. */
static __noinline int message_read(struct message *message, __u32 i) {
        const struct call *call = &message->call;
        bool many = call->id == WIRE_CALL_sendmmsg || call->id == WIRE_CALL_recvmmsg;
        bool narrow = call->flags & WIRE_COMPAT;
        __u64 at = call->args[1] + (__u64)i * user_message_size(narrow);

        message->unread = !user_message_read(&message->user, at, narrow, many);
        if (message->unread)
                message->user.name = 0;
        message->length = call->result;
        if (many && call->result > 0)
                message->length = message->unread ? -1 : (long)message->user.length;
        return nothing();
}

static long message_step(__u32 i, struct message **context) {
        struct message *message = *context;

        message_read(message, i);
        message->last = i + 1 >= message->call.result;
        if (is_receive(&message->call))
                receive_tell(message);
        else
                send_tell(message);
        return 0;
}

/* All messages of a call, on this file. */
static __noinline int messages_tell(struct message *message) {
        const struct call *call = &message->call;
        __u32 n = 1;

        if (call->id == WIRE_CALL_sendmmsg || call->id == WIRE_CALL_recvmmsg)
                n = call->result > 1 ? call->result < MAX_MESSAGES ? call->result : MAX_MESSAGES : 1;
        if (call->id == WIRE_CALL_sendto || call->id == WIRE_CALL_recvfrom) {
                message->last = true;
                if (call->id == WIRE_CALL_sendto)
                        send_tell(message);
                else
                        receive_tell(message);
        } else
                bpf_loop(n, message_step, &message, 0);
        return nothing();
}

static __always_inline int message_look(const struct call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct message *message = message_begin(call);
        struct file *file = file_of(task, call->args[0]), *before = NULL;
        struct begun *begun;
        struct seen seen = {};

        if (!message)
                return nothing();
        if (call->id == WIRE_CALL_sendto || call->id == WIRE_CALL_recvfrom) {
                message->buffer = call->args[1];
                message->size = call->args[2];
                message->user.name = call->args[4];
                message->user.name_size = call->args[5];
                if (call->id == WIRE_CALL_recvfrom) {
                        __u32 size = 0;

                        if (call->args[5])
                                bpf_probe_read_user(&size, sizeof(size), (void *)call->args[5]);
                        message->user.name_size = size;
                }
        }
        if (files_are_shared(task))
                message->record_flags = WIRE_RACED;

        begun = call_begun(call);
        if (begun)
                before = (struct file *)begun->file;
        if (before && before != file) {
                message->record_flags = WIRE_RACED | WIRE_EXCHANGED;
                see_file(before, &seen);
                if (same_object(&seen.object, &begun->object)) {
                        message->file = before;
                        messages_tell(message);
                }
        }
        message->file = file;
        return messages_tell(message);
}

static __always_inline int message_ended(const struct call *call, enum wire_kind kind) {
        if (call_wanted(call, kind))
                message_look(call);
        else if (files_are_shared(bpf_get_current_task_btf()))
                call_begun(call);       /* not to be found by a later call */
        return 0;
}

static __always_inline __u32 send_flags(const struct call *call) {
        return call->id == WIRE_CALL_sendmsg ? call->args[2] : call->args[3];
}

static __always_inline int send_ended(const struct call *call) {
        message_ended(call, WIRE_KIND_sendto);
        /* The next one needs what the cgroup hook kept, if there is one. */
        if (!(send_flags(call) & MSG_FASTOPEN && wants[WIRE_KIND_connect]))
                attempt_forget();
        return 0;
}

static __always_inline int receive_ended(const struct call *call) {
        return message_ended(call, WIRE_KIND_recvfrom);
}

static __always_inline bool message_is_shared(void) {
        return files_are_shared(bpf_get_current_task_btf());
}

/* A send without an address is nothing to the cgroup hook. */
static __always_inline bool send_names_nobody(struct syscall_exit *context) {
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

        return bpf_get_attach_cookie(context) == WIRE_CALL_sendto && !call_argument(regs, 4);
}

static __always_inline enum call_answer send_asks(struct syscall_exit *context) {
        if (want(WIRE_KIND_sendto, context->ret))
                return CALL_IS;
        if (message_is_shared())
                return CALL_TIDY;
        if (!(wants[WIRE_KIND_sendto] | wants[WIRE_KIND_connect]) || send_names_nobody(context))
                return CALL_IS_NOT;
        return CALL_TIDY;
}

static __always_inline enum call_answer receive_asks(struct syscall_exit *context) {
        if (want(WIRE_KIND_recvfrom, context->ret))
                return CALL_IS;
        return message_is_shared() ? CALL_TIDY : CALL_IS_NOT;
}

FIRST_ASKING_PROGRAM(exit_send, send_ended, send_asks)
FIRST_ASKING_PROGRAM(exit_receive, receive_ended, receive_asks)

/* A send that connects. */
static __noinline int fastopen_ended(const struct call *call) {
        struct connect_call connect = {.fd = call->args[0]};
        struct socket *socket;
        struct seen seen = {};
        struct file *file;

        if (!(send_flags(call) & MSG_FASTOPEN))
                return nothing();
        if (!call_wanted(call, WIRE_KIND_connect))
                goto out;
        file = file_of(bpf_get_current_task_btf(), connect.fd);
        if (!file)
                goto out;
        see_file(file, &seen);
        socket = GET(file, private_data);
        if (seen.type != WIRE_OBJECT_SOCKET || GET(socket, type) != SOCK_STREAM)
                goto out;               /* others do not know it */
        if (call->id == WIRE_CALL_sendto) {
                connect.address = (const void *)call->args[4];
                connect.size = call->args[5];
        } else {
                struct message *message = message_begin(call);

                if (!message)
                        goto out;
                message_read(message, 0);
                connect.address = (const void *)message->user.name;
                connect.size = message->user.name_size;
        }
        connect_tell(call, &connect);
out:
        attempt_forget();
        return nothing();
}

CALL_PROGRAM(exit_fastopen, fastopen_ended)

/* ---- inside and at the beginning ---- */

SEC("cgroup/sendmsg4")
int on_sendmsg4(struct bpf_sock_addr *context) {
        return wants[WIRE_KIND_sendto] ? keep_attempt4(context, context->user_ip4) : 1;
}

SEC("cgroup/sendmsg6")
int on_sendmsg6(struct bpf_sock_addr *context) {
        return wants[WIRE_KIND_sendto] ? KEEP6(context) : 1;
}

static __always_inline int message_begins(const struct call *call, enum wire_kind kind) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct begun *begun = call_begin(call);
        struct seen seen = {};
        struct file *file;

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

static __always_inline int send_begins(const struct call *call) {
        return message_begins(call, WIRE_KIND_sendto);
}

static __always_inline int receive_begins(const struct call *call) {
        return message_begins(call, WIRE_KIND_recvfrom);
}

static __always_inline bool message_keeps(enum wire_kind kind) {
        struct task_struct *task = bpf_get_current_task_btf();

        return wants[kind] && files_are_shared(task) && !is_self(task);
}

static __always_inline bool send_keeps(void) {
        return message_keeps(WIRE_KIND_sendto);
}

static __always_inline bool receive_keeps(void) {
        return message_keeps(WIRE_KIND_recvfrom);
}

ASKING_ENTER_PROGRAM(enter_send, send_begins, send_keeps)
ASKING_ENTER_PROGRAM(enter_receive, receive_begins, receive_keeps)
