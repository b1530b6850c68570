// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Net - connect.
 *
 * Two hooks make one record. The cgroup programs run inside the call and see the kernel's copy of the address, but not
 * the result, and only for internet sockets: they keep it for the thread. At the end of the call the result is known,
 * and the socket is in the descriptor table. Where the cgroup programs cannot be attached, or for other families, the
 * end of the call alone serves: the address is then the socket's own if the call succeeded, else the user's. */
#include "call.bpf.h"

/* These programs can be preempted: nothing that belongs to a CPU is touched here. */
static __always_inline void keep_attempt(struct bpf_sock_addr *context, struct attempt *attempt) {
        __u64 id = bpf_get_current_pid_tgid();

        attempt->cookie = bpf_get_socket_cookie(context);
        attempt->port = __bpf_ntohs(context->user_port);
        bpf_map_update_elem(&attempts, &id, attempt, BPF_ANY);
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *context) {
        struct attempt attempt = { .address.family = AF_INET };

        if (wants[WIRE_KIND_connect]) {
                *(__u32 *)attempt.address.bytes = context->user_ip4;
                keep_attempt(context, &attempt);
        }
        return 1;                       /* let it through */
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *context) {
        struct attempt attempt = {};
        struct in6_addr address;

        if (wants[WIRE_KIND_connect]) {
                address.in6_u.u6_addr32[0] = context->user_ip6[0];
                address.in6_u.u6_addr32[1] = context->user_ip6[1];
                address.in6_u.u6_addr32[2] = context->user_ip6[2];
                address.in6_u.u6_addr32[3] = context->user_ip6[3];
                set_address6(&attempt.address, &address);
                keep_attempt(context, &attempt);
        }
        return 1;
}

/* Of the user's own struct sockaddr: other families, and internet ones where there is nothing better. */
static __always_inline void user_address(struct cpu *cpu, __u16 family, const void *user, __u32 size) {
        struct wire_connect *record = (void *)cpu->record;
        __u16 net_port = 0;

        if (family == AF_INET && size >= 16) {
                if (bpf_probe_read_user(&net_port, 2, user + 2) < 0 ||
                    bpf_probe_read_user(record->daddr.bytes, 4, user + 4) < 0)
                        return;
                record->daddr.family = AF_INET;
        } else if (family == AF_INET6 && size >= 24) {
                struct in6_addr address = {};

                if (bpf_probe_read_user(&net_port, 2, user + 2) < 0 || bpf_probe_read_user(&address, 16, user + 8) < 0)
                        return;
                set_address6(&record->daddr, &address);
        } else
                return;
        SET(cpu, connect, dport, __bpf_ntohs(net_port));
        cpu->header.known |= WIRE_BIT(connect, daddr);
        cpu->header.user |= WIRE_BIT(connect, daddr) | WIRE_BIT(connect, dport);
}

#define UNIX_MAX 108

/* The name of a unix socket as the caller gave it, with `@` for the NUL in front of an abstract one. */
static __always_inline void unix_name(struct cpu *cpu, const void *user, __u32 size) {
        struct wire_connect *record = (void *)cpu->record;
        __u32 offset = 0, n = size - 2;
        char *to;

        if (size <= 2 || n > UNIX_MAX || record_room(cpu, UNIX_MAX + 1, &offset) < UNIX_MAX + 1)
                return;
        BOUND(n, 127);
        to = record_at(cpu, offset);
        if (bpf_probe_read_user(to, n, user + 2) < 0)
                return;
        if (!to[0])
                to[0] = '@';
        else {
                for (__u32 i = 0; i < UNIX_MAX; i++) {
                        if (i >= n)
                                break;
                        if (!to[i]) {
                                n = i;
                                break;
                        }
                }
        }
        record->path.offset = offset;
        record->path.length = n;
        cpu->used = offset + n;
        cpu->header.known |= WIRE_BIT(connect, path);
        cpu->header.user |= WIRE_BIT(connect, path);
}

static __always_inline int connect_ended(const struct call *call) {
        struct task_struct *task = bpf_get_current_task_btf();
        __u64 id = bpf_get_current_pid_tgid();
        __u32 fd = call->args[0], size = call->args[2], port = 0;
        const void *user = (const void *)call->args[1];
        struct wire_connect *record;
        struct attempt *attempt;
        struct seen seen = {};
        __u16 asked = AF_UNSPEC;
        struct sock *sk = NULL;
        struct file *file;
        struct cpu *cpu;

        if (!call_wanted(call, WIRE_KIND_connect)) {
                bpf_map_delete_elem(&attempts, &id);
                return 0;
        }
        cpu = call_record(call, WIRE_KIND_connect, sizeof(struct wire_connect));
        if (!cpu) {
                bpf_map_delete_elem(&attempts, &id);
                return 0;
        }
        record = (void *)cpu->record;
        if (files_are_shared(task))
                cpu->header.flags |= WIRE_RACED;
        SET(cpu, connect, fd, fd);

        file = file_of(task, fd);
        if (file) {
                see_file(file, &seen);
                if (seen.type == WIRE_OBJECT_SOCKET)
                        sk = sock_of(&seen);
        }
        attempt = bpf_map_lookup_elem(&attempts, &id);

        /* Somebody put another socket there meanwhile: of the real one only the address is known. */
        if (attempt && sk && (__u64)GET(sk, __sk_common.skc_cookie.counter) != attempt->cookie) {
                cpu->header.flags |= WIRE_RACED | WIRE_EXCHANGED;
                sk = NULL;
        }
        if (sk) {
                struct socket *socket = GET(file, private_data);

                SET(cpu, connect, socket, seen.object);
                SET(cpu, connect, family, GET(sk, __sk_common.skc_family));
                SET(cpu, connect, type, GET(socket, type));
                SET(cpu, connect, protocol, GET(sk, sk_protocol));
        }

        if (attempt) {
                record->daddr = attempt->address;
                cpu->header.known |= WIRE_BIT(connect, daddr);
                SET(cpu, connect, dport, attempt->port);
                bpf_map_delete_elem(&attempts, &id);
        } else if (!is_failure(call->result) && sk && see_peer(sk, &record->daddr, &port)) {
                cpu->header.known |= WIRE_BIT(connect, daddr);
                SET(cpu, connect, dport, port);
        } else if (size >= 2 && bpf_probe_read_user(&asked, 2, user) == 0) {
                if (!(cpu->header.known & WIRE_BIT(connect, family))) {
                        SET(cpu, connect, family, asked);
                        cpu->header.user |= WIRE_BIT(connect, family);
                }
                if (asked == AF_UNIX)
                        unix_name(cpu, user, size);
                else
                        user_address(cpu, asked, user, size);
        }
        return record_submit(cpu, WIRE_KIND_connect);
}

CALL_PROGRAM_OF(exit_connect, WIRE_CALL_connect, connect_ended)
