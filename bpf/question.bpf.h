/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Question - what dns.bpf.c reads out of a packet: is it a query to port 53, and the name and type of its first
 * question.
 *
 * A packet that says that it is a query, and has no question that can be read (cut, a name that points elsewhere, a
 * label over 63 bytes), has no name here. Letters are told in lower case: servers do not tell them apart, and policies
 * do.
 *
 * No maps and no kernel types but the packet: it is also built for the fuzzer (tests/fuzz/fuzz-dns.c), which brings
 * bpf_skb_load_bytes(), bpf_loop() and the constants with it. */
#pragma once

#include "address.bpf.h"
#include "bound.bpf.h"
#include "wire.h"

#define DNS_PORT 53
#define MAX_NAME 255                    /* bytes of a name in a packet */
#define MAX_LABEL 63
#define MAX_EXTENSIONS 6                /* headers between IPv6 and UDP */
#define SLOT_BYTES 512                  /* a power of two */
#define QUESTION_BYTES 512

/* Where a small record is put together (slot.bpf.h). */
struct slot {
        __u32 busy;
        __u32 used;
        struct {
                __u32 at, left, length;
                bool whole;
                __u8 pad[3];
                __u8 bytes[QUESTION_BYTES];
        } question;
        union {
                struct wire_header header;
                char record[SLOT_BYTES];
        };
};

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
