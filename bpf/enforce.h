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
        ENFORCE_POLICIES = ENFORCE_N_LISTS,     /* no list: the last step of a policy with `enforce` */
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
        __u16 place;                    /* enum enforce_place */
        __u64 inode;                    /* of a policy's file; 0: none */
        __u32 device, generation;
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

/* ---- last steps of policies ----
 *
 * Rules as checks one after the other, those of a place together. Checks of one test follow each other, it holds if any
 * of them does; if it holds (and is not negated) the next one is looked at, if not the rule's `next`. The last check of
 * a rule has its number. */
#define ENFORCE_CHECKS 1024             /* of all rules */
#define ENFORCE_TEXT 248                /* bytes of a string that is compared, to a multiple of 8 */
#define ENFORCE_ARMED 8192              /* keys whose story has come to its last step */
#define ENFORCE_RUNS 8                  /* stories of one key that are armed at a time */
#define ENFORCE_CREATORS 32             /* that are asked whether the tree is theirs */
#define ENFORCE_GROUPS 65536            /* control groups whose unit or container is known */
#define ENFORCE_LEVELS 32               /* up from a control group, until one is known */

enum enforce_place {
        ENFORCE_AT_CONNECT,
        ENFORCE_AT_SEND,
        ENFORCE_AT_OPEN,
        ENFORCE_AT_EXEC,
        ENFORCE_AT_PTRACE,
        ENFORCE_N_PLACES,
};

enum enforce_field {
        ENFORCE_KEY, /* is the rule armed for one of the caller's keys? `key`, `low`: path, `high`: the rule's bit */
        ENFORCE_UID,
        ENFORCE_EUID,
        ENFORCE_GID,
        ENFORCE_EGID,
        ENFORCE_FLAGS,
        ENFORCE_PORT,
        ENFORCE_REQUEST,
        ENFORCE_TARGET_PID,
        ENFORCE_TARGET_UID,
        ENFORCE_EXE,
        ENFORCE_FILE_PATH,              /* of a ptrace: of what the target runs */
        ENFORCE_FILE,                   /* as what was captured */
        ENFORCE_ADDRESS,
        ENFORCE_ADDRESS_CAPTURED,
};

enum enforce_op {
        ENFORCE_IN_RANGE,               /* low <= number <= high */
        ENFORCE_ANY_BITS,               /* of low */
        ENFORCE_ALL_BITS,
        ENFORCE_WHOLE,                  /* texts */
        ENFORCE_BEGINS,
        ENFORCE_ENDS,
        ENFORCE_SAME,                   /* as what was captured; an address in a network; a key */
};

enum enforce_key {
        ENFORCE_KEY_PROCESS,
        ENFORCE_KEY_TREE,
        ENFORCE_KEY_USER,
        ENFORCE_KEY_HOST,
        ENFORCE_KEY_UNIT,
        ENFORCE_KEY_CONTAINER,
};

#define ENFORCE_NEGATE 1                /* flags of a check */
#define ENFORCE_END 2                   /* the last of its test */

struct enforce_check {
        __u8 field, op, flags, key;
        __u32 next;                     /* where the next rule begins */
        __u32 rule;                     /* number, with ENFORCE_KILL; 0: the rule goes on */
        __u32 low, high;                /* of an address: family, bits */
        __u32 n_text;
        union {
                char text[ENFORCE_TEXT];        /* the rest 0 */
                __u8 address[16];
                __u64 words[ENFORCE_TEXT / 8];
        };
};

struct enforce_span {
        __u32 first, end;               /* of the checks */
        __u32 fields;                   /* that they ask for, bits */
        __u32 pad;
};

struct enforce_arming {
        __u32 path;                     /* of the program */
        __u32 key;                      /* enum enforce_key */
        __u64 id;                       /* process, first of a tree, user, number of a unit's or container's name; 0 */
        __u64 start_ns;
};

struct enforce_run {
        __u64 deadline_ns;
        __u64 inode;                    /* what was captured */
        __u64 address[2];
        __u32 device;
        __u32 family;                   /* 0: no address was */
        __u32 has_file;
        __u32 rules;                    /* of the path that it waits for: bits */
};

struct enforce_armed {
        __u64 n;
        struct enforce_run runs[ENFORCE_RUNS];
};

/* What the name of a control group says, which holds for all below it. */
struct enforce_group {
        __u64 unit, container;          /* numbers of names; 0: none */
};

struct enforce_name {
        __u32 list;
        char text[ENFORCE_NAME];        /* the rest 0 */
};
