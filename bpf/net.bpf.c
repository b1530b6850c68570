// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Net - socket, connect, bind, listen, accept.
 *
 * For connect and bind two hooks make one record. The cgroup programs run inside the call and see the kernel's copy of
 * the address, but not the result, and only for internet sockets: they keep it for the thread. At the end of the call
 * the result is known, and the socket is in the descriptor table, with its own idea of its ends if the call succeeded.
 * Where the cgroup programs cannot be attached, or for other families, the end of the call alone serves; what failed is
 * then told as the caller wrote it.
 *
 * A connect that does not wait is told at once, with -EINPROGRESS, and once more if it fails: see the middle. */
#include "slot.bpf.h"
#include "socket.bpf.h"

/* ---- inside the call ---- */

/* These programs can be preempted: nothing that belongs to a CPU is touched here. */
static __always_inline void keep_attempt(struct bpf_sock_addr *context, struct attempt *attempt) {
        __u64 id = bpf_get_current_pid_tgid();

        attempt->cookie = bpf_get_socket_cookie(context);
        attempt->port = __bpf_ntohs(context->user_port);
        attempt->number = this_call_number();
        bpf_map_update_elem(&attempts, &id, attempt, BPF_ANY);
}

/* They return 1: let it through. */
static __always_inline int keep_attempt4(struct bpf_sock_addr *context, __u32 ip) {
        struct attempt attempt = { .address.family = AF_INET };

        *(__u32 *)attempt.address.bytes = ip;
        keep_attempt(context, &attempt);
        return 1;
}

static __always_inline int keep_attempt6(struct bpf_sock_addr *context, const struct in6_addr *ip) {
        struct attempt attempt = {};

        set_address6(&attempt.address, ip);
        keep_attempt(context, &attempt);
        return 1;
}

/* The verifier wants each word of the context read by itself. */
#define KEEP6(context)                                                                                                 \
        ({                                                                                                             \
                struct in6_addr _ip;                                                                                   \
                                                                                                                       \
                _ip.in6_u.u6_addr32[0] = (context)->user_ip6[0];                                                       \
                _ip.in6_u.u6_addr32[1] = (context)->user_ip6[1];                                                       \
                _ip.in6_u.u6_addr32[2] = (context)->user_ip6[2];                                                       \
                _ip.in6_u.u6_addr32[3] = (context)->user_ip6[3];                                                       \
                keep_attempt6(context, &_ip);                                                                          \
        })

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *context) {
        return wants[WIRE_KIND_connect] ? keep_attempt4(context, context->user_ip4) : 1;
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *context) {
        return wants[WIRE_KIND_connect] ? KEEP6(context) : 1;
}

SEC("cgroup/bind4")
int on_bind4(struct bpf_sock_addr *context) {
        return wants[WIRE_KIND_bind] ? keep_attempt4(context, context->user_ip4) : 1;
}

SEC("cgroup/bind6")
int on_bind6(struct bpf_sock_addr *context) {
        return wants[WIRE_KIND_bind] ? KEEP6(context) : 1;
}

/* ---- the end of the call ---- */

/* Begin the record of a call on the socket that a descriptor leads to. */
#define BEGIN(call, kind) call_record_with_ends(call, WIRE_KIND_##kind, sizeof(struct wire_##kind))

static __always_inline struct cpu *call_record_with_ends(const struct call *call, enum wire_kind kind, __u32 size) {
        struct cpu *cpu = call_record(call, kind, size);

        if (!cpu)
                return NULL;
        if (files_are_shared(bpf_get_current_task_btf()))
                cpu->header.flags |= WIRE_RACED;
        ends_begin(cpu);
        return cpu;
}

static __always_inline struct sock *socket_of(struct cpu *cpu, __u32 fd) {
        return see_socket(cpu, file_of(bpf_get_current_task_btf(), fd));
}

/* The socket of a call for which an address may have been kept. Somebody may have put another one there meanwhile: of
 * the real one then only the address is known, and NULL is returned. */
static __always_inline struct sock *socket_of_attempt(
                struct cpu *cpu, __u32 fd, const struct attempt *attempt, const struct address *address) {
        struct sock *sk = socket_of(cpu, fd);

        if (address)
                return see_kept_socket(cpu, address, sk);
        if (!sk || !attempt || attempt_is_of(attempt, sk))
                return sk;
        cpu->header.flags |= WIRE_RACED | WIRE_EXCHANGED;
        cpu->ends.known = 0;
        return NULL;
}

/* ---- what becomes of an attempt that did not wait ---- */

/* The first record of such an attempt, by the address of its socket: what it becomes is seen by whoever handles the
 * packet. `delayed` is 1 as soon as the first record has been told. Full: the failure, if it comes to one, is lost. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, 16384);
        __type(key, __u64);
        __type(value, struct wire_connect);
} pending SEC(".maps");

/* Errors of attempts that failed just now. On the way to this host itself the refusal is there before the call ends. */
struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, 4096);
        __type(key, __u64);
        __type(value, __u32);
} refusals SEC(".maps");

/* Both sides come here when they see that the first record is told and that there is an error. Who takes it out of the
 * table tells it. Copied before, for then it may be another's. */
static __noinline int delayed_tell(__u64 *key, __u32 error) {
        struct wire_connect *first = bpf_map_lookup_elem(&pending, key), *record;
        struct slot *slot;

        if (!first)
                return nothing();
        slot = slot_take();
        if (slot)
                __builtin_memcpy(slot->record, first, sizeof(*first));
        if (bpf_map_delete_elem(&pending, key) < 0) {
                if (slot)
                        slot_release(slot);
                return nothing();
        }
        bpf_map_delete_elem(&refusals, key);
        if (!slot) {
                slot_lose(WIRE_KIND_connect);
                return nothing();
        }
        record = (void *)slot->record;
        record->delayed = 1;
        slot->header.known |= WIRE_BIT(connect, delayed);
        slot->header.result = -(__s64)error;
        slot->header.flags |= WIRE_FAILED;
        slot->used = sizeof(*record);
        return slot_submit(slot, WIRE_KIND_connect);
}

SEC("tp_btf/inet_sock_set_state")
int on_socket_state(__u64 *context) {
        struct sock *sk = (struct sock *)context[0];
        __u32 before = context[1], after = context[2], error;
        struct wire_connect *first;
        __u64 key = (__u64)sk;

        if (!(wants[WIRE_KIND_connect] & WANT_FAILURE))
                return 0;
        if (after == TCP_SYN_SENT)
                bpf_map_delete_elem(&refusals, &key);
        if (before != TCP_SYN_SENT && after != TCP_SYN_SENT)
                return 0;
        error = GET(sk, sk_err);
        if (after != TCP_CLOSE || !error) {
                bpf_map_delete_elem(&pending, &key);    /* connected, given up, or a new attempt */
                return 0;
        }
        bpf_map_update_elem(&refusals, &key, &error, BPF_ANY);
        first = bpf_map_lookup_elem(&pending, &key);
        if (first && first->delayed)
                delayed_tell(&key, error);
        return 0;
}

/* Keep the record that is about to be told. */
static __always_inline bool pending_keep(struct cpu *cpu, struct sock *sk) {
        __u64 key = (__u64)sk;

        if (cpu->ends.family != AF_INET && cpu->ends.family != AF_INET6)
                return false;
        if (GET(sk, __sk_common.skc_state) != TCP_SYN_SENT && !bpf_map_lookup_elem(&refusals, &key))
                return false;
        if (bpf_map_update_elem(&pending, &key, cpu->record, BPF_ANY) < 0) {
                slot_lose(WIRE_KIND_connect);
                return false;
        }
        return true;
}

/* It has been told. */
static __always_inline void pending_told(struct sock *sk) {
        __u64 key = (__u64)sk;
        struct wire_connect *first = bpf_map_lookup_elem(&pending, &key);
        __u32 *error;

        if (!first)
                return;
        __sync_lock_test_and_set(&first->delayed, 1);
        error = bpf_map_lookup_elem(&refusals, &key);
        if (error)
                delayed_tell(&key, *error);
        else if (GET(sk, __sk_common.skc_state) != TCP_SYN_SENT)
                bpf_map_delete_elem(&pending, &key);
}

/* ---- connect ---- */

struct connect_call {
        const void *address;
        __u32 fd;
        __u32 size;                     /* of the address */
};

/* Not static: see path_walk(). */
__noinline int connect_put(struct cpu *cpu) {
        if (!cpu)
                return nothing();
        PUT_SOCKET(cpu, connect);
        PUT_END(cpu, connect, daddr, daddr, END_DADDR);
        PUT_END(cpu, connect, dport, dport, END_DPORT);
        PUT_NAME(cpu, connect);
        PUT_END(cpu, connect, saddr, saddr, END_SADDR);
        PUT_END(cpu, connect, sport, sport, END_SPORT);
        PUT_END(cpu, connect, cid, dcid, END_DCID);
        PUT_NETLINK(cpu, connect, d, END_DNETLINK);
        PUT_END(cpu, connect, peer_pid, peer_pid, END_PEER);
        return nothing();
}

/* Not static: see path_walk(). */
__noinline int connect_tell(const struct call *call, const struct connect_call *connect) {
        struct address *address;
        struct attempt *attempt;
        bool pends = false;
        struct ends *ends;
        struct sock *sk;
        struct cpu *cpu;

        if (!call || !connect)
                return nothing();
        cpu = BEGIN(call, connect);
        if (!cpu)
                return nothing();
        ends = &cpu->ends;
        SET(cpu, connect, fd, connect->fd);
        attempt = attempt_find();
        address = call->flags & CALL_REQUEST ? NULL : address_find();
        sk = socket_of_attempt(cpu, connect->fd, attempt, address);
        if (sk && !is_failure(call->result)) {
                see_ends(cpu, sk);
                if (ends->family == AF_UNIX)
                        see_far_unix_name(cpu, sk);
        }

        if (attempt) {
                ends->daddr = attempt->address;
                ends->dport = attempt->port;
                ends->known |= END_DADDR | END_DPORT;
        } else if (!(ends->known & (END_DPORT | END_PATH | END_DNETLINK))) {
                if (address)
                        end_of(cpu, address->bytes, address->size, FROM_KERNEL | FAR_END);
                else
                        end_of(cpu, connect->address, connect->size, FROM_USER | FAR_END);
        }

        connect_put(cpu);
        if (sk && call->result == -EINPROGRESS && wants[WIRE_KIND_connect] & WANT_FAILURE)
                pends = pending_keep(cpu, sk);
        record_submit(cpu, WIRE_KIND_connect);
        if (pends)
                pending_told(sk);
        return nothing();
}

static __always_inline int connect_ended(const struct call *call) {
        struct connect_call connect = {
                .fd = call->args[0],
                .address = (const void *)call->args[1],
                .size = call->args[2],
        };

        if (call_wanted(call, WIRE_KIND_connect))
                connect_tell(call, &connect);
        attempt_forget();
        address_forget();
        return 0;
}

CALL_PROGRAM(exit_connect, connect_ended)

static __noinline int bind_tell(const struct call *call) {
        struct address *address;
        struct attempt *attempt;
        struct ends *ends;
        struct sock *sk;
        struct cpu *cpu;

        cpu = BEGIN(call, bind);
        if (!cpu)
                return nothing();
        ends = &cpu->ends;
        SET(cpu, bind, fd, (__u32)call->args[0]);
        attempt = attempt_find();
        address = call->flags & CALL_REQUEST ? NULL : address_find();
        sk = socket_of_attempt(cpu, call->args[0], attempt, address);
        if (sk && call->result >= 0) {
                see_ends(cpu, sk);
                if (ends->family == AF_UNIX)
                        see_unix_name(cpu, sk);
        }
        if (!(ends->known & (END_SPORT | END_PATH | END_SNETLINK))) {
                if (attempt) {
                        ends->saddr = attempt->address;
                        ends->sport = attempt->port;
                        ends->known |= END_SADDR | END_SPORT;
                } else if (address)
                        end_of(cpu, address->bytes, address->size, FROM_KERNEL);
                else
                        end_of(cpu, (const void *)call->args[1], call->args[2], FROM_USER);
        }

        PUT_SOCKET(cpu, bind);
        PUT_END(cpu, bind, saddr, saddr, END_SADDR);
        PUT_END(cpu, bind, sport, sport, END_SPORT);
        PUT_END(cpu, bind, cid, scid, END_SCID);
        PUT_NETLINK(cpu, bind, s, END_SNETLINK);
        PUT_NAME(cpu, bind);
        return record_submit(cpu, WIRE_KIND_bind);
}

static __always_inline int bind_ended(const struct call *call) {
        if (call_wanted(call, WIRE_KIND_bind))
                bind_tell(call);
        attempt_forget();
        address_forget();
        return 0;
}

CALL_PROGRAM(exit_bind, bind_ended)

static __noinline int listen_ended(const struct call *call) {
        struct sock *sk;
        struct cpu *cpu;

        if (!call_wanted(call, WIRE_KIND_listen))
                return nothing();
        cpu = BEGIN(call, listen);
        if (!cpu)
                return nothing();
        SET(cpu, listen, fd, (__u32)call->args[0]);
        SET(cpu, listen, backlog, (int)call->args[1]);
        sk = socket_of(cpu, call->args[0]);
        if (sk) {
                see_ends(cpu, sk);
                if (cpu->ends.family == AF_UNIX)
                        see_unix_name(cpu, sk);
                if (call->result >= 0)
                        SET(cpu, listen, backlog, GET(sk, sk_max_ack_backlog));
        }

        PUT_SOCKET(cpu, listen);
        PUT_END(cpu, listen, saddr, saddr, END_SADDR);
        PUT_END(cpu, listen, sport, sport, END_SPORT);
        PUT_END(cpu, listen, cid, scid, END_SCID);
        PUT_NAME(cpu, listen);
        return record_submit(cpu, WIRE_KIND_listen);
}

ASKS(listen)
ASKING_PROGRAM(exit_listen, listen_ended, listen_asks)

/* Of an accept that failed there is only the socket that listens: what it is, and its end. */
static __noinline int accept_ended(const struct call *call) {
        bool accepted = call->result >= 0;
        struct sock *sk;
        struct cpu *cpu;

        if (!call_wanted(call, WIRE_KIND_accept))
                return nothing();
        cpu = BEGIN(call, accept);
        if (!cpu)
                return nothing();
        SET(cpu, accept, fd, (__u32)call->args[0]);
        if (accepted)
                SET(cpu, accept, newfd, call->result);
        sk = socket_of(cpu, accepted ? call->result : call->args[0]);
        if (!accepted)
                cpu->ends.known &= ~END_SOCKET;
        if (sk) {
                see_ends(cpu, sk);
                if (cpu->ends.family == AF_UNIX)
                        see_unix_name(cpu, sk);
        }

        PUT_SOCKET(cpu, accept);
        PUT_END(cpu, accept, saddr, saddr, END_SADDR);
        PUT_END(cpu, accept, sport, sport, END_SPORT);
        PUT_END(cpu, accept, daddr, daddr, END_DADDR);
        PUT_END(cpu, accept, dport, dport, END_DPORT);
        PUT_END(cpu, accept, cid, dcid, END_DCID);
        PUT_NAME(cpu, accept);
        PUT_END(cpu, accept, peer_pid, peer_pid, END_PEER);
        return record_submit(cpu, WIRE_KIND_accept);
}

ASKS(accept)
ASKING_PROGRAM(exit_accept, accept_ended, accept_asks)

/* The two descriptors of a pair are in the caller's memory, and nowhere else. */
static __noinline int socket_ended(const struct call *call) {
        __u32 fds[2] = {call->result, 0};
        bool pair = call->id == WIRE_CALL_socketpair, known = call->result >= 0;
        struct sock *sk = NULL;
        struct cpu *cpu;

        if (!call_wanted(call, WIRE_KIND_socket))
                return nothing();
        cpu = BEGIN(call, socket);
        if (!cpu)
                return nothing();
        if (pair && known)
                known = bpf_probe_read_user(fds, sizeof(fds), (const void *)call->args[3]) == 0;
        if (known) {
                SET(cpu, socket, fd, fds[0]);
                if (pair) {
                        SET(cpu, socket, newfd, fds[1]);
                        cpu->header.user |= WIRE_BIT(socket, fd) | WIRE_BIT(socket, newfd);
                }
                sk = socket_of(cpu, fds[0]);
        }
        if (!sk) {
                cpu->ends.family = call->args[0];
                cpu->ends.type = call->args[1] & SOCK_TYPE_MASK;
                cpu->ends.protocol = call->args[2];
                cpu->ends.known = END_FAMILY | END_KIND;
        }
        PUT_SOCKET(cpu, socket);
        return record_submit(cpu, WIRE_KIND_socket);
}

ASKS(socket)
ASKING_PROGRAM(exit_socket, socket_ended, socket_asks)
