// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Dns - names asked for over UDP port 53, as they leave in the packet.
 *
 * A cgroup program looks at each packet on its way out and, if it is a query, tells its first question. It runs where
 * the packet is made, mostly inside the call that sends it; not always: a filter may hold packets up and let another
 * process release them, a thread of io_uring may send. So the asker is the current task only if the first argument of
 * its call is a descriptor of the very socket. Else it is the task that last connected that socket to port 53 or named
 * port 53 in a send on it, which other cgroup programs keep; else nobody, and the event says so: its process is
 * unknown.
 *
 * A packet that says that it is a query, and has no question that can be read, is told without a name. Letters are told
 * in lower case: servers do not tell them apart, and policies do. */
#include "slot.bpf.h"
#include "object.bpf.h"

#define DNS_PORT 53
#define MAX_NAME 255                    /* bytes of a name in a packet */
#define MAX_LABEL 63
#define MAX_EXTENSIONS 6                /* headers between IPv6 and UDP */

struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, 4096);
        __type(key, __u64);             /* cookie of the socket */
        __type(value, struct wire_header);
} askers SEC(".maps");

static __always_inline int keep_asker(struct bpf_sock_addr *context) {
        struct wire_header header = {};
        __u64 cookie;

        if (wants[WIRE_KIND_dns] && context->user_port == __bpf_htons(DNS_PORT)) {
                cookie = bpf_get_socket_cookie(context);
                header_fill(&header, bpf_get_current_task_btf(), NULL, 0);
                bpf_map_update_elem(&askers, &cookie, &header, BPF_ANY);
        }
        return 1;
}

SEC("cgroup/connect4")
int ask_connect4(struct bpf_sock_addr *context) {
        return keep_asker(context);
}

SEC("cgroup/connect6")
int ask_connect6(struct bpf_sock_addr *context) {
        return keep_asker(context);
}

SEC("cgroup/sendmsg4")
int ask_sendmsg4(struct bpf_sock_addr *context) {
        return keep_asker(context);
}

SEC("cgroup/sendmsg6")
int ask_sendmsg6(struct bpf_sock_addr *context) {
        return keep_asker(context);
}

/* Is the current task in a call on this socket? */
static __always_inline bool is_sender(struct task_struct *task, __u64 cookie) {
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
        struct file *file = file_of(task, call_argument(regs, 0));
        struct socket *socket;
        struct inode *inode;
        struct sock *sk;

        if (!file)
                return false;
        inode = GET(file, f_inode);
        if ((GET(inode, i_mode) & S_IFMT) != S_IFSOCK)
                return false;
        socket = GET(file, private_data);
        sk = GET(socket, sk);
        return (__u64)GET(sk, __sk_common.skc_cookie.counter) == cookie;
}

/* One byte of the question: a length, or of a label. */
static long question_step(__u32 i, struct slot **context) {
        struct slot *slot = *context;
        __u32 at = i, to = sizeof(struct wire_dns) + i - 1;
        __u8 c;

        if (at >= slot->question.length)
                return 1;
        BOUND(at, QUESTION_BYTES - 1);
        BOUND(to, SLOT_BYTES - 1);
        c = slot->question.bytes[at];
        if (slot->question.left == 0) {
                if (c == 0) {
                        slot->question.at = i;
                        slot->question.whole = true;
                        return 1;
                }
                if (c > MAX_LABEL)
                        return 1;       /* a pointer: there is nothing yet that it could point to */
                slot->question.left = c;
                if (i == 0)
                        return 0;
                c = '.';
        } else {
                slot->question.left--;
                if (c >= 'A' && c <= 'Z')
                        c += 'a' - 'A';
                else if (c == '.' || c == 0)
                        c = '?';        /* no end of a label, and no end of the name */
        }
        slot->record[to] = c;
        return 0;
}

/* The name and type of the first question, which is at the offset. */
static __noinline int question_read(struct slot *slot, struct __sk_buff *skb, __u32 at) {
        struct wire_dns *record = (void *)slot->record;
        __u32 n, end;

        slot->used = sizeof(struct wire_dns);
        if (skb->len <= at)
                return nothing();
        n = skb->len - at;
        if (n > MAX_NAME + 4)
                n = MAX_NAME + 4;
        n--;                            /* at least 1: the verifier of 6.1 learns no lower bound from a comparison */
        BOUND(n, QUESTION_BYTES - 1);
        n++;
        if (bpf_skb_load_bytes(skb, at, slot->question.bytes, n) < 0)
                return nothing();
        slot->question.length = n;
        slot->question.left = 0;
        slot->question.at = 0;
        slot->question.whole = false;
        bpf_loop(MAX_NAME, question_step, &slot, 0);
        if (!slot->question.whole)
                return nothing();

        end = slot->question.at;
        record->name.offset = sizeof(struct wire_dns);
        record->name.length = end ? end - 1 : 1;
        if (!end)
                slot->record[sizeof(struct wire_dns)] = '.';    /* the root */
        slot->used = sizeof(struct wire_dns) + record->name.length;
        slot->header.known |= WIRE_BIT(dns, name);
        if (end + 4 < n) {
                BOUND(end, 255);
                record->type = slot->question.bytes[end + 1] << 8 | slot->question.bytes[end + 2];
                slot->header.known |= WIRE_BIT(dns, type);
        }
        return nothing();
}

struct query {
        struct wire_address server;
        __u8 head[20];                  /* of UDP and DNS */
        __u32 at;                       /* the first question */
};

/* Is the packet a query? */
static __always_inline bool query_find(struct __sk_buff *skb, struct query *query) {
        __u8 ip[40] = {}, *udp = query->head, *dns = query->head + 8;
        __u32 at = 0;
        __u8 next;

        if (skb->protocol == __bpf_htons(ETH_P_IP)) {
                if (bpf_skb_load_bytes(skb, 0, ip, 20) < 0 || ip[9] != IPPROTO_UDP || (ip[6] & 0x1f) || ip[7])
                        return false;
                at = (ip[0] & 15) * 4;
                query->server.family = AF_INET;
                __builtin_memcpy(query->server.bytes, ip + 16, 4);
        } else if (skb->protocol == __bpf_htons(ETH_P_IPV6)) {
                struct in6_addr to;

                if (bpf_skb_load_bytes(skb, 0, ip, 40) < 0)
                        return false;
                at = 40;
                next = ip[6];
                for (int i = 0; i < MAX_EXTENSIONS && next != IPPROTO_UDP; i++) {
                        __u8 head[4] = {};

                        if ((next != 0 && next != 43 && next != 44 && next != 60) ||
                            bpf_skb_load_bytes(skb, at, head, 4) < 0)
                                return false;
                        if (next == 44 && (head[2] || head[3] & 0xf8))
                                return false;   /* not the first fragment */
                        at += next == 44 ? 8 : (head[1] + 1) * 8;
                        next = head[0];
                }
                if (next != IPPROTO_UDP)
                        return false;
                __builtin_memcpy(&to, ip + 24, 16);
                set_address6(&query->server, &to);
        } else
                return false;

        if (bpf_skb_load_bytes(skb, at, query->head, sizeof(query->head)) < 0)
                return false;
        query->at = at + sizeof(query->head);
        /* The port; a query, of the ordinary kind, with a question. */
        return udp[2] == 0 && udp[3] == DNS_PORT && !(dns[2] & 0xf8) && (dns[4] || dns[5]);
}

SEC("cgroup_skb/egress")
int on_packet(struct __sk_buff *skb) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct query query = {};
        struct wire_header *asker = NULL;
        struct wire_dns *record;
        struct slot *slot;
        __u64 cookie;
        bool sender;

        if (!wants[WIRE_KIND_dns] || !query_find(skb, &query))
                return 1;
        cookie = bpf_get_socket_cookie(skb);
        sender = is_sender(task, cookie);
        if (sender) {
                if (is_self(task))
                        return 1;
        } else {
                asker = bpf_map_lookup_elem(&askers, &cookie);
                if (asker && asker->tgid == self_tgid && asker->start_ns == self_start_ns)
                        return 1;
        }
        slot = slot_take();
        if (!slot) {
                slot_lose(WIRE_KIND_dns);
                return 1;
        }
        __builtin_memset(slot->record, 0, sizeof(struct wire_dns));
        record = (void *)slot->record;
        if (sender)
                header_fill(&slot->header, task, NULL, 0);
        else if (asker)
                slot->header = *asker;
        record->daddr = query.server;
        record->dport = DNS_PORT;
        record->id = query.head[8] << 8 | query.head[9];
        slot->header.known = WIRE_BIT(dns, daddr) | WIRE_BIT(dns, dport) | WIRE_BIT(dns, id);
        question_read(slot, skb, query.at);
        slot_submit(slot, WIRE_KIND_dns);
        return 1;
}
