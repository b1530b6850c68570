/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Wire - the records that the BPF programs write and the daemon reads: all that the two worlds share.
 *
 * A record is one struct wire_KIND (made of event/events.def), followed by the bytes of its strings and lists. It
 * starts with struct wire_header, is a multiple of 8 bytes long, and refers to its bytes by {offset from its own start,
 * length}. A recording holds the same records, so WIRE_VERSION rises with every change of layout, and of the meaning of
 * a field.
 *
 * Nobody trusts these bytes: event_parse() checks every length before anybody else sees a record. All times are
 * CLOCK_BOOTTIME, all ids are those of the initial namespaces. */
#pragma once

#ifndef __bpf__
#include <linux/types.h>
#endif

#define WIRE_VERSION 5
#define WIRE_MAX_RECORD 32768           /* bytes, header and strings; a power of two for the verifier */
#define WIRE_MAX_PATH 4096              /* bytes of one path, without NUL */
#define WIRE_MAX_LIST 8192              /* bytes of one argument vector or environment, each string with its NUL */
#define WIRE_MAX_CONTENT 1024           /* bytes of written content */
#define WIRE_MAX_NAME 256               /* bytes of a cgroup path component, a reason, a subject */
#define WIRE_MAX_ENV_NAME 64            /* bytes of the name of an environment variable, with NUL */
#define WIRE_MAX_AGGREGATE 1024         /* events that one record stands for */

enum wire_kind {
        WIRE_NONE,
#define KIND(id, name, class, doc) WIRE_KIND_##id,
#define FIELD(kind, type, id, name, format, flags, doc)
#define END_KIND(id)
#include "event/events.def"
        _WIRE_KIND_MAX,
};

/* Sets of kinds are 64 bits wide. The last kinds, the daemon's own that no policy waits for, have none. */
static inline __u64 wire_kind_bit(unsigned kind) {
        return kind < 64 ? (__u64)1 << kind : 0;
}

/* What the programs are told to look for, by kind. */
enum {
        WANT_SUCCESS = 1,
        WANT_FAILURE = 2,
        WANT_CONTENT = 4,               /* and the bytes that went over */
};

/* Which call made an event. */
enum wire_call {
        WIRE_CALL_NONE,                 /* not told */
#define CALL(id, kind) WIRE_CALL_##id,
#include "event/calls.def"
        _WIRE_CALL_MAX,
};

/* Beside the kernel's requests of ptrace(). */
enum {
        WIRE_PTRACE_READV = 0x10000,
        WIRE_PTRACE_WRITEV,
        WIRE_PTRACE_PROC_MEM,
};

/* What calls the reader of the ring while it waits: each also what is named before it. */
enum wire_wait {
        WIRE_WAIT_NOT, /* nothing: it reads */
        WIRE_WAIT_AMOUNT, /* much to read */
        WIRE_WAIT_URGENT, /* a record that may end a story or start a response */
        WIRE_WAIT_SOON, /* one of many that are counted to its end, or that changes what the programs have to know */
        WIRE_WAIT_ANY, /* any record */
        _WIRE_WAIT_MAX,
};

/* Who gives way first under overload (event/priorities.def). The first two are numbered for tables. */
enum wire_priority {
        WIRE_PRIORITY_MEDIUM,
        WIRE_PRIORITY_LOW,
        WIRE_PRIORITY_HIGH,
};
#define WIRE_N_GOVERNED 2               /* priorities whose events may be left out */

/* Why an event was not delivered. produced = delivered + the sum over these, for each kind. */
enum wire_loss {
        WIRE_LOSS_NONE,
        WIRE_LOSS_RING_FULL,            /* no room in the ring */
        WIRE_LOSS_SHARE,                /* room left, but only for kinds of higher priority */
        WIRE_LOSS_SCRATCH,              /* no scratch memory, or the record outgrew it */
        WIRE_LOSS_SKIPPED,              /* the kernel skipped the program (recursion) */
        WIRE_LOSS_INVALID,              /* the decoder refused the record */
        WIRE_LOSS_STALLED,              /* the ring did not move */
        WIRE_LOSS_BUS,                  /* the system bus, or a service on it, was away */
        WIRE_LOSS_SAMPLED,              /* left out on purpose: one in so many is told, */
        WIRE_LOSS_LIMITED,              /* or there were more in a time than may be, */
        WIRE_LOSS_SHED,                 /* or the ring was filling */
        WIRE_LOSS_RESTART,              /* the daemon was not there, or could not read what another version left */
        _WIRE_LOSS_MAX,
};

enum wire_reason {
        WIRE_OBSCURED_NONE,
        WIRE_OBSCURED_RACED,            /* a descriptor or name changed under the hook */
        WIRE_OBSCURED_CUT,              /* longer than a record may carry */
        WIRE_OBSCURED_UNREAD,           /* a page of user memory was not there */
        WIRE_OBSCURED_LIMIT,            /* a regex reached its limits */
        WIRE_OBSCURED_EVICTED,          /* an open run made room for others */
        _WIRE_OBSCURED_MAX,
};

enum wire_object_type {
        WIRE_OBJECT_UNKNOWN,
        WIRE_OBJECT_CLOSED,
        WIRE_OBJECT_FILE,
        WIRE_OBJECT_DIRECTORY,
        WIRE_OBJECT_TTY,
        WIRE_OBJECT_PIPE,
        WIRE_OBJECT_SOCKET,
        WIRE_OBJECT_MEMFD,
        WIRE_OBJECT_DEVICE,
        WIRE_OBJECT_OTHER,
        WIRE_OBJECT_PIDFD,
        WIRE_OBJECT_NAMESPACE,          /* /proc/PID/ns/... */
        WIRE_OBJECT_ANON,               /* anonymous inode: eventfd, epoll, BPF, ... */
        _WIRE_OBJECT_MAX,
};

enum {
        WIRE_RACED = 1U << 0, /* descriptors are shared with other threads: the object may have been exchanged */
        WIRE_UNSTABLE = 1U << 1, /* the path changed while it was read */
        WIRE_NO_RESULT = 1U << 2, /* the result is not known (io_uring) */
        WIRE_COMPAT = 1U << 3, /* a 32-bit system call */
        WIRE_FAILED = 1U << 4, /* result is a negative errno other than -EINPROGRESS */
        WIRE_ROOT_OTHER = 1U << 5, /* paths are below a root that is not the host's (container, chroot) */
        WIRE_DETACHED = 1U << 6, /* the path did not end at a root: a detached or lazily unmounted tree */
        WIRE_SYNTHETIC = 1U << 7, /* made by the daemon, not by a hook */
        WIRE_KTHREAD = 1U << 8, /* the actor is a kernel thread */
        WIRE_EXCHANGED = 1U << 9, /* the object was exchanged during the call: there is one record for each */
        WIRE_MENDED = 1U << 10, /* in place of records that were lost: what was found out afterwards */
        WIRE_AGGREGATE = 1U << 11, /* more of the same: a struct wire_aggregate is at the end */
        WIRE_SEEN = 1U << 12, /* of a process record that tells again what was known: its fork had been seen */
        WIRE_EXEC_SEEN = 1U << 13, /* and so had the exec of what it runs */
        WIRE_AHEAD = 1U << 14, /* of a gap: only alerts of the next event say so, stories are told of it later */
};

struct wire_bytes {
        __u32 offset;                   /* from the start of the record */
        __u32 length;
};

/* Device as major << 20 | minor, inode number, generation: the kernel's own, for files, pipes and sockets alike.
 * Sockets and pipes have the device of their internal file system, generation 0, and the inode that /proc/PID/fd shows.
 */
struct wire_object {
        __u32 device;
        __u32 generation;
        __u64 inode;
};

struct wire_address {
        __u8 bytes[16];                 /* network order; IPv4 in the first four, the rest 0 */
        __u16 family;                   /* AF_INET or AF_INET6 */
        __u16 pad[3];
};

struct wire_header {
        __u32 size;                     /* of the whole record, a multiple of 8 */
        __u16 version;
        __u16 kind;                     /* enum wire_kind */
        __u64 time_ns;
        __u64 known;                    /* bit i: the i-th field of this kind holds a value */
        __u64 cut;                      /* bit i: the i-th field is only a prefix of the value */
        __u64 user; /* bit i: the i-th field was read from user memory and may have been exchanged */
        __u64 stable; /* bit i: of those, it was the same at both ends of the call, and no other task has the memory */

        /* The actor. A process is its thread group id and the start time of its leader; the creator is the task that
         * called fork, whoever the parent is now; the tree names the activity by its first process, 0 if not known. */
        __u64 start_ns;
        __u64 creator_start_ns;
        __u64 tree_start_ns;
        __u32 tgid;
        __u32 creator_tgid;
        __u32 tree_tgid;
        __u32 tid;

        /* Credentials at the event. */
        __u32 uid;
        __u32 euid;
        __u32 gid;
        __u32 egid;
        __u32 loginuid;                 /* (__u32)-1 if the process belongs to no login */
        __u32 session;
        __u64 cgroup_id;
        __u64 caps;                     /* effective capabilities */

        __s64 result;                   /* of the call; negative errno if it failed */
        __u32 flags;                    /* WIRE_* */
        __u16 cpu;
        __u16 call;                     /* enum wire_call */
        __u64 lost;                     /* events lost on this CPU until now, all kinds */
};

/* The end of a record that is an aggregate: it stands for events like one that was told a moment before, which differed
 * from it in nothing but when they were, the CPU, and how much went over. What differs is not known in it, and its
 * header has time and result of the last. */
struct wire_aggregate {
        __u64 count;                    /* how many, without the one that was told: 1 .. WIRE_MAX_AGGREGATE */
        __u64 first_ns;                 /* when the first of these was */
        __u64 bytes;                    /* sum of their results, as far as they are no errors */
};

/* How often the kernel skipped a program, by the number that it has there (skipped.bpf.c). */
struct wire_skipped {
        __u32 id;
        __u32 pad;
        __u64 count;
};

#define WIRE_BURST_NS 100000000ULL      /* so long after one that was told the same is counted; told a turn later */

/* A process over its whole life, as key of a map. */
struct wire_identity {
        __u64 start_ns;
        __u32 tgid;
        __u32 pad;
};

/* What the programs counted on one CPU. In memory that kernel and daemon share, never in a recording. */
struct wire_counters {
        __u64 produced[_WIRE_KIND_MAX];         /* passed the filters */
        __u64 filtered[_WIRE_KIND_MAX];
        __u64 aggregated[_WIRE_KIND_MAX];       /* of what was produced: told by records that stand for many */
        __u64 lost[_WIRE_KIND_MAX][_WIRE_LOSS_MAX];
        __u64 lost_total;
        __u64 calls[8];                         /* of the reader, by what it was called for: enum wire_wait */
};

/* What is left out of the events of one priority (overload.bpf.h): the first part is set by the daemon at any time, 0
 * where nothing is; the second is the programs'. */
struct wire_overload {
        __u32 sample;                   /* tell one in so many; 0 or 1: all */
        __u32 limited;                  /* one of the intervals is set */
        __u64 interval_ns;              /* between two events, if they came evenly; */
        __u64 ahead_ns;                 /* and how far ahead of that a burst may go */
        __u64 process_interval_ns;      /* the same, of each process */
        __u64 process_ahead_ns;
        __u64 shed_bytes;               /* more than this waiting: nothing is told, */
        __u64 resume_bytes;             /* until it is this or less */

        __u64 taken_ns;                 /* the bucket: empty until then */
        __u32 shedding;
        __u32 n_sheds;                  /* times that it began */
};

#define WIRE_TYPE_NUMBER __s64
#define WIRE_TYPE_STRING struct wire_bytes
#define WIRE_TYPE_LIST struct wire_bytes
#define WIRE_TYPE_OBJECT struct wire_object
#define WIRE_TYPE_ADDRESS struct wire_address

#define KIND(id, name, class, doc) struct wire_##id { struct wire_header header;
#define FIELD(kind, type, id, name, format, flags, doc) WIRE_TYPE_##type id;
#define END_KIND(id) };
#include "event/events.def"

/* Every field of every kind has one number, and within its kind a bit in the masks of the header. */
enum wire_field {
        WIRE_FIELD_NONE,
#define KIND(id, name, class, doc) WIRE_BEFORE_##id,
#define FIELD(kind, type, id, name, format, flags, doc) WIRE_FIELD_##kind##_##id,
#define END_KIND(id)
#include "event/events.def"
        _WIRE_FIELD_MAX,
};
#define WIRE_BIT(kind, id) (1ULL << (WIRE_FIELD_##kind##_##id - WIRE_BEFORE_##kind - 1))

_Static_assert(sizeof(struct wire_header) == 152, "the header is part of the wire version");
