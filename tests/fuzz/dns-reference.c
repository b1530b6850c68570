/* SPDX-License-Identifier: Apache-2.0 */
#include "dns-reference.h"

#include <ctype.h>
#include <string.h>

#define HEADER 12
#define NAME_MAX_BYTES 255              /* RFC 1035, 2.3.4: lengths and the root's included */

/* Appends the label; its bytes are there. */
static void add_label(struct dns_question *question, const uint8_t *label, size_t n) {
        if (question->n_name > 0)
                question->name[question->n_name++] = '.';
        for (size_t i = 0; i < n; i++)
                question->name[question->n_name++] =
                        label[i] == '.' || label[i] == 0 ? '?' : label[i] < 128 ? tolower(label[i]) : label[i];
}

bool dns_reference(const uint8_t *message, size_t n, struct dns_question *ret) {
        size_t at = HEADER;

        memset(ret, 0, sizeof(*ret));
        /* QR and OPCODE 0, QDCOUNT not */
        if (n < HEADER || message[2] >> 3 != 0 || message[4] * 256 + message[5] == 0)
                return false;
        ret->id = message[0] * 256 + message[1];

        while (at < n && message[at] != 0) {
                size_t length = message[at];

                /* The two high bits are for pointers, and there is nothing in front of the first name. */
                if (length >= 64 || at + 1 + length > n || at + 1 + length - HEADER + 1 > NAME_MAX_BYTES)
                        return true;
                add_label(ret, message + at + 1, length);
                at += 1 + length;
        }
        if (at >= n)
                return true;
        ret->has_name = true;
        if (ret->n_name == 0)
                ret->name[ret->n_name++] = '.';
        if (at + 5 <= n) {              /* the root, QTYPE, QCLASS */
                ret->has_type = true;
                ret->type = message[at + 1] * 256 + message[at + 2];
        }
        return true;
}

bool dns_reference_find(bool is_ipv6, const uint8_t *packet, size_t n, size_t *ret_at) {
        size_t at = is_ipv6 ? 40 : 20;
        uint8_t next;

        if (n < at)
                return false;
        next = packet[is_ipv6 ? 6 : 9];
        if (!is_ipv6) {
                if ((packet[6] % 32 * 256 + packet[7]) != 0)
                        return false;   /* not the first fragment */
                at = packet[0] % 16 * 4;
        }
        /* Hop by hop, routing, fragment, destination: at most six. */
        for (int i = 0; is_ipv6 && next != 17; i++) {
                if (i == 6 || at + 4 > n || !(next == 0 || next == 43 || next == 44 || next == 60))
                        return false;
                if (next == 44 && packet[at + 2] * 256 + packet[at + 3] >= 8)
                        return false;
                if (next == 44) {
                        next = packet[at];
                        at += 8;
                } else {
                        next = packet[at];
                        at += ((size_t)packet[at + 1] + 1) * 8;
                }
        }
        *ret_at = at + 8;
        return next == 17 && at + 8 + HEADER <= n && packet[at + 2] * 256 + packet[at + 3] == 53;
}
