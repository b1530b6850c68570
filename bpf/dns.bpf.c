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
 * What is in the packet is read in question.bpf.h. */
#include "slot.bpf.h"
#include "object.bpf.h"

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
                header_actor(&header, NULL, 0);
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
                header_actor(&slot->header, NULL, 0);
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
