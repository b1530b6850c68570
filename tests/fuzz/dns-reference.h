/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Dns reference - what an event shall say of a message, written from RFC 1035 and not from the program in the kernel:
 * the two are compared, by the fuzzer and on the wire (suite bpf). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_question {
        uint16_t id;
        bool has_name;                  /* else it cannot be read */
        char name[256];                 /* lower case, a dot between labels; "." is the root */
        size_t n_name;
        bool has_type;
        uint16_t type;
};

/* The first question of a message. False if it is not an ordinary query with a question. */
bool dns_reference(const uint8_t *message, size_t n, struct dns_question *ret);

/* The message in a packet, from its IP header on: *ret_at is where it begins. False if it is not UDP to port 53, or cut
 * before the end of the message's header. */
bool dns_reference_find(bool is_ipv6, const uint8_t *packet, size_t n, size_t *ret_at);
