/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ends - what was found out about a socket and its two ends, on its way to the record (socket.bpf.h). */
#pragma once

#include "wire.h"

struct ends {
        struct wire_object socket;
        struct wire_object file;        /* unix: the path's */
        struct wire_address saddr, daddr;
        struct wire_bytes path;         /* unix: of the end that the kind is about */
        __u32 family, type, protocol;
        __u32 sport, dport;
        __u32 scid, dcid;               /* vsock */
        __u32 sport_id, sgroups, dport_id, dgroups;     /* netlink */
        __u32 peer_pid;                 /* unix */
        __u32 known, user, cut;         /* END_*, as in the header */
        __u32 pad;
};
