/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Address - an address as records have it. Who includes it has brought struct in6_addr and the families: kernel.h, or
 * the fuzzer (question.bpf.h). */
#pragma once

#include "wire.h"

/* IPv4 inside IPv6 is IPv4: or an address could be written in two ways, and a policy would know one. */
static __always_inline void set_address6(struct wire_address *address, const struct in6_addr *from) {
        if (from->in6_u.u6_addr32[0] == 0 && from->in6_u.u6_addr32[1] == 0 &&
            from->in6_u.u6_addr32[2] == __bpf_htonl(0xffff)) {
                *(__u32 *)address->bytes = from->in6_u.u6_addr32[3];
                address->family = AF_INET;
        } else {
                __builtin_memcpy(address->bytes, from, 16);
                address->family = AF_INET6;
        }
}
