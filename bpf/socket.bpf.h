/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Socket - what there is to know of a socket and its two ends, the same for all kinds that are about one.
 *
 * It is gathered in cpu->ends, from the best source that there is, and put into the record by PUT_END(). In this order:
 * the socket itself, if it is bound or connected; the kernel's copy of the address that was passed (struct attempt);
 * the user's bytes, and marked so. Names of unix sockets that are files are paths as the kernel resolved them at bind,
 * whatever the caller wrote; as the caller wrote them where no socket was found. */
#pragma once

#include "call.bpf.h"

enum {
        END_SOCKET = 1 << 0,
        END_SADDR = 1 << 1,
        END_DADDR = 1 << 2,
        END_PATH = 1 << 3,
        END_KIND = 1 << 4,              /* family, type and protocol */
        END_FAMILY = 1 << 5,
        END_SPORT = 1 << 6,
        END_DPORT = 1 << 7,
        END_SCID = 1 << 8,
        END_DCID = 1 << 9,
        END_PEER = 1 << 10,
        END_SNETLINK = 1 << 11,
        END_DNETLINK = 1 << 12,
        END_FILE = 1 << 13,
};

/* One field of the record, if it is known. The masks are loaded anew for each: of one that stays in a register the
 * verifier remembers each bit that was tested, and goes through all combinations. */
#define MASK(member) (*(volatile __u32 *)&(member))
#define PUT_END(cpu, kind_, field_, from_, bit_)                                                                       \
        do {                                                                                                           \
                struct ends *_ends = &(cpu)->ends;                                                                     \
                                                                                                                       \
                if (MASK(_ends->known) & (bit_)) {                                                                     \
                        SET(cpu, kind_, field_, _ends->from_);                                                         \
                        if (MASK(_ends->user) & (bit_))                                                                \
                                (cpu)->header.user |= WIRE_BIT(kind_, field_);                                         \
                        if (MASK(_ends->cut) & (bit_))                                                                 \
                                (cpu)->header.cut |= WIRE_BIT(kind_, field_);                                          \
                }                                                                                                      \
        } while (0)

#define PUT_SOCKET(cpu, kind_)                                                                                         \
        do {                                                                                                           \
                PUT_END(cpu, kind_, socket, socket, END_SOCKET);                                                       \
                PUT_END(cpu, kind_, family, family, END_FAMILY);                                                       \
                PUT_END(cpu, kind_, type, type, END_KIND);                                                             \
                PUT_END(cpu, kind_, protocol, protocol, END_KIND);                                                     \
        } while (0)

/* Of a unix socket. */
#define PUT_NAME(cpu, kind_)                                                                                           \
        do {                                                                                                           \
                PUT_END(cpu, kind_, path, path, END_PATH);                                                             \
                PUT_END(cpu, kind_, file, file, END_FILE);                                                             \
        } while (0)

#define PUT_NETLINK(cpu, kind_, side_, bit_)                                                                           \
        do {                                                                                                           \
                PUT_END(cpu, kind_, nl_port, side_##port_id, bit_);                                                    \
                PUT_END(cpu, kind_, nl_groups, side_##groups, bit_);                                                   \
        } while (0)

/* Look at the socket behind a file. NULL: it is none. */
static __noinline struct sock *see_socket(struct cpu *cpu, struct file *file) {
        struct ends *ends = &cpu->ends;
        struct seen seen = {};
        struct socket *socket;
        struct sock *sk;

        if (!file)
                return NULL;
        see_file(file, &seen);
        if (seen.type != WIRE_OBJECT_SOCKET)
                return NULL;
        socket = GET(file, private_data);
        sk = GET(socket, sk);
        ends->socket = seen.object;
        ends->family = GET(sk, __sk_common.skc_family);
        ends->type = GET(socket, type);
        ends->protocol = GET(sk, sk_protocol);
        ends->known |= END_SOCKET | END_FAMILY | END_KIND;
        return sk;
}

static __always_inline void ends_begin(struct cpu *cpu) {
        __builtin_memset(&cpu->ends, 0, sizeof(cpu->ends));
}

/* The near end of an internet socket: known when it has a port. */
static __always_inline void see_near(struct ends *ends, struct sock *sk) {
        __u16 port = GET(sk, __sk_common.skc_num);

        if (!port || ends->type == SOCK_RAW)
                return;                 /* there it is the protocol */
        if (ends->family == AF_INET) {
                *(__u32 *)ends->saddr.bytes = GET(sk, __sk_common.skc_rcv_saddr);
                ends->saddr.family = AF_INET;
        } else {
                struct in6_addr address = {};

                bpf_core_read(&address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
                set_address6(&ends->saddr, &address);
        }
        ends->sport = port;
        ends->known |= END_SADDR | END_SPORT;
}

/* Addresses of a vsock socket. Its type is in the kernel's types only if it is built in; as a module it is not, but the
 * two addresses have followed the transport behind the socket since there are several of them (c0cfa2d8a788 "vsock: add
 * multi-transports support", 5.5), and each begins with its family. */
struct vm_address {
        __u16 family;
        __u16 reserved;
        __u32 port;
        __u32 cid;
        __u32 rest;
};

static __always_inline bool read_vsock(struct sock *sk, struct vm_address addresses[2]) {
        char *at = (char *)sk + bpf_core_type_size(struct sock) + sizeof(void *);

        return bpf_probe_read_kernel(addresses, 2 * sizeof(*addresses), at) == 0 && addresses[0].family == AF_VSOCK &&
                addresses[1].family == AF_VSOCK;
}

#define VM_ANY 0xffffffff

/* Both ends of a netlink socket. It has always a far one: the kernel, if it was not connected to somebody else. */
static __always_inline void see_netlink(struct ends *ends, struct netlink_sock *socket) {
        unsigned long *groups = GET(socket, groups), first = 0;
        __u32 group = GET(socket, dst_group);

        if (groups)
                bpf_probe_read_kernel(&first, sizeof(first), groups);
        ends->sport_id = GET(socket, portid);
        ends->sgroups = first;
        ends->dport_id = GET(socket, dst_portid);
        ends->dgroups = group ? 1U << ((group - 1) & 31) : 0;
        ends->known |= END_SNETLINK | END_DNETLINK;
}

/* Both ends, as the socket itself has them. */
static __noinline int see_ends(struct cpu *cpu, struct sock *sk) {
        struct ends *ends = &cpu->ends;

        if (ends->family == AF_INET || ends->family == AF_INET6) {
                see_near(ends, sk);
                if (see_peer(sk, &ends->daddr, &ends->dport))
                        ends->known |= END_DADDR | END_DPORT;
        } else if (ends->family == AF_VSOCK) {
                struct vm_address addresses[2] = {};

                if (!read_vsock(sk, addresses))
                        return nothing();
                if (addresses[0].port != VM_ANY) {
                        ends->scid = addresses[0].cid;
                        ends->sport = addresses[0].port;
                        ends->known |= END_SCID | END_SPORT;
                }
                if (addresses[1].port != VM_ANY) {
                        ends->dcid = addresses[1].cid;
                        ends->dport = addresses[1].port;
                        ends->known |= END_DCID | END_DPORT;
                }
        } else if (ends->family == AF_NETLINK)
                see_netlink(ends, (struct netlink_sock *)(void *)sk);
        else if (ends->family == AF_UNIX) {
                struct pid *pid = GET(sk, sk_peer_pid);

                if (pid && GET(sk, __sk_common.skc_state) == TCP_ESTABLISHED) {
                        ends->peer_pid = GET(pid, numbers[0].nr);
                        ends->known |= END_PEER;
                }
        }
        return nothing();
}

#define UNIX_MAX 108

/* Names are looked through in steps, with what is known of them in memory: for the verifier a loop is long. */
static long name_trim(__u32 i, struct cpu **context) {
        struct cpu *cpu = *context;
        __u32 length = cpu->ends.path.length;

        if (length <= 1 || *record_at(cpu, cpu->ends.path.offset + length - 1))
                return 1;
        cpu->ends.path.length = length - 1;
        return 0;
}

static long name_measure(__u32 i, struct cpu **context) {
        struct cpu *cpu = *context;

        if (i < cpu->ends.path.length && *record_at(cpu, cpu->ends.path.offset + i))
                return 0;
        if (i < cpu->ends.path.length)
                cpu->ends.path.length = i;
        return 1;
}

/* n bytes of a name were put at the offset: what of them is the name. Abstract ones begin with NUL, and may have more
 * of them inside; those at the end, of which there are many if the caller passed all of its struct, are left out. */
static __noinline int unix_name_end(struct cpu *cpu, __u32 offset, __u32 n) {
        char *to = record_at(cpu, offset);

        cpu->ends.path.offset = offset;
        cpu->ends.path.length = n;
        if (!to[0]) {
                to[0] = '@';
                bpf_loop(UNIX_MAX, name_trim, &cpu, 0);
        } else
                bpf_loop(UNIX_MAX, name_measure, &cpu, 0);
        cpu->ends.known |= END_PATH;
        cpu->used = offset + cpu->ends.path.length;
        return nothing();
}

/* The name that a unix socket is bound to, and the file that it is. */
static __noinline int see_unix_name(struct cpu *cpu, struct sock *sk) {
        struct unix_sock *unix_sock = (void *)sk;
        struct dentry *dentry = GET(unix_sock, path.dentry);
        struct unix_address *address;
        __u32 offset = 0, n;

        if (dentry) {
                struct inode *inode = GET(dentry, d_inode);
                __u32 length;

                cpu->ends.file.device = GET(GET(inode, i_sb), s_dev);
                cpu->ends.file.inode = GET(inode, i_ino);
                cpu->ends.known |= END_FILE;
                length = path_walk_from(cpu, dentry, GET(unix_sock, path.mnt));
                if (length) {
                        cpu->ends.path.offset = cpu->walk.start;
                        cpu->ends.path.length = length;
                        cpu->ends.known |= END_PATH;
                        cpu->ends.cut |= cpu->walk.cut ? END_PATH : 0;
                }
                return nothing();
        }
        address = GET(unix_sock, addr);
        if (!address)
                return nothing();
        n = GET(address, len);
        if (n <= 2 || n > UNIX_MAX + 2 || record_room(cpu, UNIX_MAX + 1, &offset) < UNIX_MAX + 1)
                return nothing();
        n -= 2;
        BOUND(n, 127);
        if (bpf_probe_read_kernel(record_at(cpu, offset), n,
                                  (char *)address + bpf_core_field_offset(struct unix_address, name) + 2) == 0)
                unix_name_end(cpu, offset, n);
        return nothing();
}

static __always_inline void see_far_unix_name(struct cpu *cpu, struct sock *sk) {
        struct sock *peer = GET((struct unix_sock *)(void *)sk, peer);

        if (peer)
                see_unix_name(cpu, peer);
}

/* Where a struct sockaddr is, and of which end it is. */
enum {
        FROM_USER = 0,
        FROM_KERNEL = 1,
        FAR_END = 2,
};

static __always_inline long end_read(void *to, __u32 n, const void *from, __u32 how) {
        return how & FROM_KERNEL ? bpf_probe_read_kernel(to, n, from) : bpf_probe_read_user(to, n, from);
}

/* As the caller wrote it. */
static __always_inline void given_unix_name(struct cpu *cpu, const void *user, __u32 size, __u32 how) {
        __u32 offset = 0, n = size - 2;

        if (size <= 2 || n > UNIX_MAX || record_room(cpu, UNIX_MAX + 1, &offset) < UNIX_MAX + 1)
                return;
        BOUND(n, 127);
        if (end_read(record_at(cpu, offset), n, user + 2, how) < 0)
                return;
        unix_name_end(cpu, offset, n);
        cpu->ends.user |= how & FROM_KERNEL ? 0 : END_PATH;
}

/* A struct sockaddr, of one end: the user's own, or the kernel's copy. */
static __noinline int end_of(struct cpu *cpu, const void *user, __u32 size, __u32 how) {
        bool far = how & FAR_END;
        __u32 mark = how & FROM_KERNEL ? 0 : ~0U;
        struct ends *ends = &cpu->ends;
        struct wire_address *address = far ? &ends->daddr : &ends->saddr;
        __u32 known = far ? END_DADDR | END_DPORT : END_SADDR | END_SPORT, port;
        __u16 family = 0, net_port = 0;

        if (size < 2 || end_read(&family, 2, user, how) < 0)
                return nothing();
        if (!(ends->known & END_FAMILY)) {
                ends->family = family;
                ends->known |= END_FAMILY;
                ends->user |= END_FAMILY & mark;
        }
        if (family == AF_UNIX) {
                given_unix_name(cpu, user, size, how);
                return nothing();
        }
        if (family == AF_INET && size >= 16) {
                if (end_read(&net_port, 2, user + 2, how) < 0 ||
                    end_read(address->bytes, 4, user + 4, how) < 0)
                        return nothing();
                address->family = AF_INET;
                port = __bpf_ntohs(net_port);
        } else if (family == AF_INET6 && size >= 24) {
                struct in6_addr from = {};

                if (end_read(&net_port, 2, user + 2, how) < 0 || end_read(&from, 16, user + 8, how) < 0)
                        return nothing();
                set_address6(address, &from);
                port = __bpf_ntohs(net_port);
        } else if (family == AF_VSOCK && size >= 16) {
                struct vm_address from = {};

                if (end_read(&from, sizeof(from), user, how) < 0)
                        return nothing();
                port = from.port;
                if (far)
                        ends->dcid = from.cid;
                else
                        ends->scid = from.cid;
                known = far ? END_DCID | END_DPORT : END_SCID | END_SPORT;
        } else if (family == AF_NETLINK && size >= 12) {
                __u32 from[3] = {};     /* family, port id, groups */

                if (end_read(&from, sizeof(from), user, how) < 0)
                        return nothing();
                *(far ? &ends->dport_id : &ends->sport_id) = from[1];
                *(far ? &ends->dgroups : &ends->sgroups) = from[2];
                known = far ? END_DNETLINK : END_SNETLINK;
                goto out;
        } else
                return nothing();
        if (far)
                ends->dport = port;
        else
                ends->sport = port;
out:
        ends->known |= known;
        ends->user |= known & mark;
        return nothing();
}

/* ---- what the cgroup programs kept ---- */

static __always_inline __u32 this_call_number(void) {
        return call_number((struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()));
}

/* NULL: nothing was kept for this call of this thread. To be forgotten at the end of each call that keeps. */
static __always_inline struct attempt *attempt_find(void) {
        __u64 id = bpf_get_current_pid_tgid();
        struct attempt *attempt = bpf_map_lookup_elem(&attempts, &id);

        return attempt && attempt->number == this_call_number() ? attempt : NULL;
}

static __always_inline void attempt_forget(void) {
        __u64 id = bpf_get_current_pid_tgid();

        bpf_map_delete_elem(&attempts, &id);
}

/* Did the attempt concern this socket? Numbers of sockets are given once. */
static __always_inline bool attempt_is_of(const struct attempt *attempt, struct sock *sk) {
        return (__u64)GET(sk, __sk_common.skc_cookie.counter) == attempt->cookie;
}

/* ---- what the security hooks kept ---- */

static __always_inline struct address *address_find(void) {
        __u64 id = bpf_get_current_pid_tgid();
        struct address *address = can_resolve ? bpf_map_lookup_elem(&addresses, &id) : NULL;

        return address && address->number == this_call_number() ? address : NULL;
}

static __always_inline void address_forget(void) {
        __u64 id = bpf_get_current_pid_tgid();

        if (can_resolve)
                bpf_map_delete_elem(&addresses, &id);
}

/* The socket that the call was about, whatever its descriptor is by now. NULL: it is another one by now. */
static __always_inline struct sock *see_kept_socket(struct cpu *cpu, const struct address *address, struct sock *sk) {
        struct ends *ends = &cpu->ends;

        if (sk && same_object(&ends->socket, &address->socket)) {
                cpu->header.flags &= ~WIRE_RACED;
                return sk;
        }
        ends->socket = address->socket;
        ends->family = address->family;
        ends->type = address->type;
        ends->protocol = address->protocol;
        ends->known = END_SOCKET | END_FAMILY | END_KIND;
        cpu->header.flags &= ~(WIRE_RACED | WIRE_EXCHANGED);
        return NULL;
}
