/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a packet: what the program in the kernel reads out of it (bpf/question.bpf.h, built for here) is a whole
 * record, and says what an independent reader says that it should. The first byte chooses the protocol. */

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/in6.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "event/event.h"

#include "dns-reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* ---- what the kernel has ---- */

#define __noinline __attribute__((noinline))
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define IPPROTO_UDP 17
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define __bpf_htons(x) __builtin_bswap16(x)
#define __bpf_htonl(x) __builtin_bswap32(x)
#else
#define __bpf_htons(x) (x)
#define __bpf_htonl(x) (x)
#endif

struct slot;

static const uint8_t *packet;
static size_t n_packet;

/* Each in a block of exactly its size, so that a sanitizer sees a read behind its end. */
static long bpf_skb_load_bytes(const struct __sk_buff *skb, uint32_t offset, void *to, uint32_t n) {
        assert(n > 0);                  /* the verifier's condition */
        if (offset > n_packet || n > n_packet - offset)
                return -EFAULT;
        memcpy(to, packet + offset, n);
        return 0;
}

static long bpf_loop(uint32_t n, long (*step)(uint32_t i, struct slot **context), struct slot **context,
                     uint64_t flags) {
        uint32_t i;

        for (i = 0; i < n; i++)
                if (step(i, context))
                        return i + 1;
        return i;
}

#include "question.bpf.h"

/* ---- both readers ---- */

static struct slot slot;

static void compare(const struct query *query, const uint8_t *message, size_t n) {
        const struct wire_dns *record = (const struct wire_dns *)slot.record;
        struct dns_question question;
        struct event event;

        assert(dns_reference(message, n, &question));
        assert(query->head[8] * 256 + query->head[9] == question.id);
        assert(!!(slot.header.known & WIRE_BIT(dns, name)) == question.has_name);
        assert(!!(slot.header.known & WIRE_BIT(dns, type)) == question.has_type);
        if (question.has_name) {
                assert(record->name.length == question.n_name);
                assert(memcmp(slot.record + record->name.offset, question.name, question.n_name) == 0);
        }
        assert(!question.has_type || record->type == question.type);

        /* As slot_submit() does. */
        assert(slot.used <= SLOT_BYTES - 8);
        slot.header.version = WIRE_VERSION;
        slot.header.kind = WIRE_KIND_dns;
        slot.header.size = (slot.used + 7) & ~7U;
        assert(event_parse(slot.record, slot.header.size, &event) == 0);
}

static void check_server(const struct wire_address *server, bool is_ipv6) {
        static const uint8_t mapped[12] = {[10] = 0xff, 0xff}, none[16];
        const uint8_t *to = packet + (is_ipv6 ? 24 : 16);

        if (is_ipv6 && memcmp(to, mapped, sizeof(mapped)) != 0) {
                assert(server->family == AF_INET6 && memcmp(server->bytes, to, 16) == 0);
                return;
        }
        assert(server->family == AF_INET && memcmp(server->bytes, to + (is_ipv6 ? 12 : 0), 4) == 0);
        assert(memcmp(server->bytes + 4, none, 12) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct query query = {};
        struct __sk_buff skb = {};
        struct dns_question question;
        uint8_t *copy;
        bool is_ipv6, is_query;
        size_t at;

        if (n == 0 || n > 65536)
                return 0;
        is_ipv6 = data[0] & 1;
        n_packet = n - 1;
        packet = copy = malloc(n_packet ?: 1);
        assert(copy);
        memcpy(copy, data + 1, n_packet);
        skb.len = n_packet;
        skb.protocol = __bpf_htons(is_ipv6 ? ETH_P_IPV6 : ETH_P_IP);

        is_query = dns_reference_find(is_ipv6, packet, n_packet, &at) &&
                dns_reference(packet + at, n_packet - at, &question);
        assert(query_find(&skb, &query) == is_query);
        if (is_query) {
                assert(query.at == at + 12);
                check_server(&query.server, is_ipv6);
                memset(&slot, 0xa5, sizeof(slot));      /* what was there before does not matter */
                memset(slot.record, 0, sizeof(struct wire_dns));
                question_read(&slot, &skb, query.at);
                compare(&query, packet + at, n_packet - at);
        }
        free(copy);
        return 0;
}
