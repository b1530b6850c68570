/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Enforce - what the programs that refuse calls (enforce.bpf.c) share with daemon/capture/enforcer.c, and nobody else.
 *
 * They are an object of their own: it is loaded only where the administrator forbids something, and costs the others
 * nothing. */
#pragma once

#ifndef __bpf__
#include <linux/types.h>
#endif

#define ENFORCE_KILL (1U << 31)         /* in the value of a rule: the caller does not live on, either */
#define ENFORCE_MARKS 4096              /* threads that are to be killed at the end of their call */
#define ENFORCE_RULES 1024              /* of all lists; rules are numbered from 1 */
#define ENFORCE_PROTECTED 1024          /* executables */
#define ENFORCE_RING (128 * 1024)       /* bytes: a power of two, and of pages */
#define ENFORCE_SCRATCHES 64            /* paths that are looked at at the same time; a power of two */
#define ENFORCE_PATH 4096
#define ENFORCE_FRONT 248               /* bytes of a path that are compared; a rule is shorter */
#define ENFORCE_NAME 64                 /* of a name, with NUL */
#define ENFORCE_TOLD 512                /* of a path that is told, a power of two */

enum enforce_list {
        ENFORCE_ADDRESSES,
        ENFORCE_EXECUTABLES,
        ENFORCE_FILES,
        ENFORCE_N_LISTS,
};

enum enforce_outcome {
        ENFORCE_KERNEL,                 /* refused */
        ENFORCE_WOULD,                  /* not, for enforcement is off */
        ENFORCE_NO,                     /* not, for the actor is protected */
        ENFORCE_N_OUTCOMES,
};

struct enforce_counters {
        __u64 outcomes[ENFORCE_N_OUTCOMES];
        __u64 killed;
        __u64 kill_failed;              /* refused, and still alive */
        __u64 undecided;                /* could not be looked at; refused or not as `closed` says */
        __u64 untold;                   /* decided, and the ring had no room */
};

struct enforce_verdict {
        __u64 time_ns, start_ns, cgroup_id;
        __u32 tgid, tid;
        __u32 uid, euid, gid, egid;
        __u32 rule;                     /* 0: undecided */
        __u8 list, outcome;
        __u16 port;
        __u16 killed;                   /* not refused by this one, that was told before: killed */
        __u16 family;                   /* 0: no address */
        __u16 n_path;                   /* bytes, at most ENFORCE_TOLD */
        __u16 pad;
        __u8 address[16];
        char path[ENFORCE_TOLD];        /* only n_path of these are in the ring, to a multiple of 8 */
};

/* A file by what the kernel calls it, which need not be what stat() says (overlays, btrfs). */
struct enforce_object {
        __u64 inode;
        __u32 device;
        __u32 list;
};

struct enforce_identify {
        __u32 fd;                       /* of the caller */
        __u32 device;
        __u64 inode;                    /* 0: it could not be found out */
};

struct enforce_address4 {
        __u32 bits;
        __u8 address[4];
};

struct enforce_address6 {
        __u32 bits;
        __u8 address[16];
};

/* A trie: 32 bits for the list, and then 8 for each byte. A whole path counts with its NUL, a directory with its last
 * slash. */
struct enforce_front {
        __u32 bits;
        __u32 list;
        char text[ENFORCE_FRONT];
};

struct enforce_name {
        __u32 list;
        char text[ENFORCE_NAME];        /* the rest 0 */
};
