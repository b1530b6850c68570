/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Filter table - the form in which the daemon gives the programs a prefilter (daemon/event/prefilter.h): what the two
 * sides of bpf/filter.bpf.h and daemon/capture/prefilter-maps.c share, and nobody else.
 *
 * There are two tables. `filter_table` names the one in force by a number that is never used twice: its lowest bit says
 * which, and 0 that there is none. So what was worked out under one of them may be kept with its number. */
#pragma once

#ifndef __bpf__
#include <linux/types.h>
#endif

#define FILTER_KINDS 128                /* by enum wire_kind, with room for more than there are */
#define FILTER_ARMS 128                 /* of a kind: 64 kinds for the host, and as many of other keys */
#define FILTER_FRONT 248                /* bytes of a text that are looked at from its front, */
#define FILTER_BACK 64                  /* and from its back */
#define FILTER_PATTERNS 8192            /* of one table, in each map */
#define FILTER_CLASSES 1024             /* of one table; the first has no uses */
#define FILTER_FLAG_SETS 4
#define FILTER_USERS 4                  /* a kind is about so few of them: asked before anything else */
#define FILTER_GROUPS 8192              /* cgroups whose names are known, a power of two, */
#define FILTER_GROUP_TRIES 2            /* each in one of so many places */

#define ARM_SLOTS 4096                  /* a power of two; the first is the host's */
#define ARM_SLOT_BITS 12
#define ARM_SHIFT 24                    /* times are counted in 2^24 ns, 17 ms */
#define ARM_ALWAYS ((__u32)-1)

/* Whose slot is armed. A slot's number is 0, the host's, where the key is not known. */
enum arm_key {
        ARM_TREE,
        ARM_USER,                       /* who logged in, or else the real user */
        ARM_UNIT,
        ARM_CONTAINER,
        ARM_DESCENT,                    /* the tree's, of which all descendants are; the host's of who may become a
                                         * supervisor, whose children are of others */
        ARM_HOST,
        N_ARM_KEYS,
};
_Static_assert(ARM_SLOTS == 1 << ARM_SLOT_BITS && ARM_HOST * ARM_SLOT_BITS < 64, "slots of all keys are one number");

enum filter_dimension {
        FILTER_TEXT,
        FILTER_NETWORK,
        FILTER_NUMBER,
        FILTER_USER,
        FILTER_EXE,
        FILTER_NAME,
        FILTER_IN_UNIT,                 /* these three are one for the programs: a class for each cgroup */
        FILTER_IN_CONTAINER,
        FILTER_IN_CGROUP,
        FILTER_FLAGS,
        N_FILTER_DIMENSIONS,
};

/* One kind that uses arm. Times are in units of ARM_SHIFT. */
struct filter_arm {
        __u64 uses;
        __u32 horizon;                  /* ARM_ALWAYS */
        __u16 kind;
        __u16 key;                      /* enum arm_key */
};

/* Uses that want any of these bits. */
struct filter_flags {
        __u64 bits;
        __u64 uses;
};

/* Of one kind. */
struct filter {
        __u64 any[N_FILTER_DIMENSIONS];         /* uses that do not look there */
        __u64 known[N_FILTER_DIMENSIONS];       /* bit of the field in the header's masks; 0: always known */
        __u32 at[N_FILTER_DIMENSIONS];  /* where the value is in the record; 0: the dimension is not looked at. Of
                                         * EXE and NAME, which are not in the record, 1 */
        struct filter_flags flags[FILTER_FLAG_SETS];
        __u64 first;                    /* uses that need no armed key */
        __u64 arming;                   /* uses that arm something */
        __u64 counting;                 /* uses that only count (burst.bpf.h), and bits that are none; 0: nobody */
        __u64 given;                    /* uses for which the name that was given is read (openat) */
        __u32 active;                   /* 0: all of this kind is told */
        __u32 shed;                     /* what nobody can use may be left out: not of the kinds of class CORE */
        __u32 asks;                     /* bit per dimension of which there is something in the record */
        __u32 front, back;              /* there are such patterns of its text */
        __u32 groups;                   /* uses of it look at the cgroup */
        __u32 n_arms;
        __u16 waits;                    /* bit per key: for these something may arm this kind. The host always may */
        __u16 arms_for;                 /* this kind arms something for these */
        __u32 most;                     /* events that one record may stand for */
        __u32 about_users;              /* nobody can use it but of `users`, all of which are set; unless 0 */
        __u32 users[FILTER_USERS];
        struct filter_arm arms[FILTER_ARMS];
};

/* What belongs to a task or cgroup and not to an event is looked up once, and gives a class: uses by kind. */
struct filter_class {
        __u64 uses[64];
};

/* A cgroup, at one of FILTER_GROUP_TRIES places from filter_group_entry() on. */
struct filter_group {
        __u64 id;                       /* 0: none; set last, and taken back first */
        __u16 unit, container;          /* numbers of slots; 0: not known */
        __u16 class_of[2]; /* by filter_which(): its class, which has the uses that it leaves; 0: not known */
};

static inline __u32 filter_group_entry(__u64 id, __u32 try) {
        return ((id * 0x9e3779b97f4a7c15ULL >> 32) + try) & (FILTER_GROUPS - 1);
}

/* In place of a kind, of keys that give a class. */
enum {
        FILTER_OF_EXE = FILTER_KINDS,
        FILTER_OF_NAME,
};

static inline __u32 filter_which(__u32 table) {
        return table & 1;
}

/* In a key: `of` is a kind, or one of those. */
static inline __u32 filter_of(__u32 table, __u32 of) {
        return filter_which(table) << 16 | of;
}

/* Where in `filters`, */
static inline __u32 filter_entry(__u32 table, __u32 kind) {
        return filter_which(table) * FILTER_KINDS + kind;
}

/* in `urgent_uses`, where something stands for no table as well, */
static inline __u32 filter_urgent_entry(__u32 table, __u32 kind) {
        return table ? filter_entry(table, kind) : 2 * FILTER_KINDS + kind;
}

/* and in `filter_classes`. */
static inline __u32 filter_class_entry(__u32 table, __u32 class_number) {
        return filter_which(table) * FILTER_CLASSES + class_number;
}

/* Keys: tries with how many bits of what follows count, and then `of`. A whole text has its NUL. */
struct filter_front_key {
        __u32 bits;
        __u32 of;
        char text[FILTER_FRONT];
};

struct filter_back_key {
        __u32 bits;
        __u32 of;
        __u64 text[FILTER_BACK / 8];    /* last byte first */
};

struct filter_network_key {
        __u32 bits;
        __u32 of;
        __u32 family;
        __u8 address[16];
};

struct filter_number_key {
        __u32 of;
        __u32 dimension;
        __s64 number;
};
