/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps - what the programs keep and what they are told: all, so that the objects share one of each.
 *
 * const volatile is fixed before the programs are loaded; the other variables are shared memory with the daemon, which
 * changes them while the programs run (a reload) and reads them without a system call. */
#pragma once

#include "kernel.h"
#include "wire.h"
#include "ends.bpf.h"
#include "filter-table.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define RECORD_SLACK 16384              /* one read may begin at the last byte of a record and be this long */

/* Fixed at load. */
const volatile bool can_cast = false;             /* the kernel has bpf_rdonly_cast() (>= 6.2) */
const volatile bool can_resolve = false;          /* security hooks say what names led to (resolved.bpf.h) */
const volatile __u32 any_cpu = 0;                 /* entry of `cpus` for who may not use its CPU's (slot.bpf.h) */
const volatile __u32 first_scratch = 0;           /* in `cpus`: those that are no CPU, */
const volatile __u32 n_scratches = 0;             /* a power of two; 0: can_resolve is false */
const volatile __u32 setattr_dentry = 0;          /* which argument of the hook inode_setattr the dentry is */
const volatile bool named_hierarchy = false;      /* cgroups are those of name=systemd, not of v2 */
const volatile __u64 tty_majors[8] = {};          /* bit per major device number that is a terminal */
const volatile __u64 digest_key[2] = {};          /* random (stable.bpf.h) */

/* Flags of a request of io_uring; the kernel's type has no name to ask for them by. */
const volatile __u64 uring_fixed_file = 0;
const volatile __u64 uring_creds = 0;
const volatile __u64 uring_cqe_skip = 0;
const volatile __u64 uring_multishot = 0;

/* Changed by the daemon at any time. By enum wire_kind, with room for more than there are. */
#define MAX_KINDS 128
__u8 wants[MAX_KINDS] = {};         /* WANT_*; 0: not at all. CORE kinds that succeed are always told */
__u64 flags_any[MAX_KINDS] = {};    /* bits of which one is needed (interest.h); 0: no need */
__u32 content_bytes = 0;            /* how many, of kinds with WANT_CONTENT */
__u32 env_wanted = 0;               /* env_names is not empty */
__u32 self_tgid = 0;                /* the daemon: its own file and network events are left out */
__u64 self_start_ns = 0;
__u64 host_root = 0;                /* the dentry that is `/` for PID 1 */
__u32 snapshot_is_first = 0;        /* the stream learns from it what each process runs, and so does the kernel */
__u32 credentials_epoch = 0;        /* credentials last seen in an earlier one are not compared (credentials.bpf.h) */

/* The reader's sleep (reader.bpf.h). */
__u32 reader_waits = 0;             /* enum wire_wait: what it wants to be called for */
__u32 reader_urgent = 0;            /* something urgent came since it last began to read, */
__u32 reader_soon = 0;              /* or something that need not wait for long */
__u64 urgent_uses[4 * FILTER_KINDS] = {}; /* filter_urgent_entry(): uses that may end a story; with no table any bit */
__u64 soon_uses[4 * FILTER_KINDS] = {};   /* the same, of those that are counted to its end */

__u64 ring_share_bytes = 0;         /* more than this waiting: most kinds are lost (is_over_share()) */
__u64 ring_wake_bytes = 0;          /* this much waiting: call the reader at once */

struct ring_map {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 64 << 10);  /* set before load */
} ring SEC(".maps");

/* The ring in use: the daemon exchanges it for one of another size. A program finds it when it writes, and not before:
 * when the exchange returns in user space, nobody writes to the old one any more. */
struct {
        __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
        __uint(max_entries, 1);
        __type(key, __u32);
        __array(values, struct ring_map);
} rings SEC(".maps") = {.values = {&ring}};

static __always_inline void *ring_in_use(void) {
        __u32 zero = 0;

        return bpf_map_lookup_elem(&rings, &zero);
}

/* What a walk that needs few steps found of each name (path.bpf.h). */
#define NEAR_STEPS 16                   /* a power of two */

struct near_name {
        struct dentry *dentry;
        const unsigned char *name;
        __u32 length;
        __u32 sequence;
};

/* State of a walk (path.bpf.h, process.bpf.c). In a map and not on the stack, where the verifier would follow each
 * value through each step and never come to an end. */
struct walk {
        struct dentry *from;            /* where it begins */
        struct vfsmount *from_mount;
        struct dentry *dentry;          /* where it is */
        struct mount *mount;
        struct dentry *root;            /* of that mount */
        struct dentry *slash; /* root of the lowest mount above which there are no more names: what is `/` here */
        __u64 sum;
        __u32 length;                   /* of the names and slashes seen so far */
        __u32 start;                    /* second pass: offset of the path in the record, */
        __u32 at;                       /* bytes of the path in front of the last name written, */
        __u32 limit;                    /* bytes that there is room for, */
        __u32 end;                      /* bytes written: less than the length if the path was cut */
        __u32 flags;                    /* WIRE_* */
        bool done;
        bool cut;
        bool again;                     /* it changed meanwhile: once more */
        __u8 pad[5];
        struct near_name near[NEAR_STEPS];      /* the last first */
};

struct env_walk {
        __u64 at, end;                  /* in user memory */
        __u32 start;                    /* of the list in the record */
        bool inside;                    /* `at` is in the middle of a string, */
        bool keep;                      /* which is one that is wanted */
        bool cut;
        bool done;
};

struct vector_walk {
        __u64 at;                       /* in user memory */
        __u64 count;
        __u32 left;                     /* bytes of content that are still wanted */
        bool failed;
        bool narrow;                    /* of a 32-bit call */
        __u8 pad[2];
};

/* Which call of which thread: its number and arguments, as they stand in the registers from its beginning to its end.
 */
struct call_key {
        __u64 number;
        __u64 args[4];
};

/* What the security hooks saw of the call that a thread is in (resolved.bpf.h). Its paths are in the scratch's record,
 * their bits (1 << i) in that header's masks. */
struct resolved {
        struct call_key key;
        struct wire_bytes name[2];
        struct wire_object object[2];
        __u32 has_object;               /* bit i: object[i] */
        __u32 mode, uid, gid;           /* of object[0], before the call */
        __u32 type;                     /* of a file that was opened: enum wire_object_type, */
        __u64 file;                     /* which one, 0: none was; */
        __u32 created;                  /* and whether the call made it */
        __u32 has_times;                /* bit 0: atime, 1: mtime */
        __s64 atime, mtime;
        __u64 size;                     /* of an attribute's value, */
        char value[32];                 /* which begins so: 24 of them */
};

/* One call, whichever way it came (call.bpf.h). */
struct call {
        __u32 id;                       /* enum wire_call */
        __u32 flags;                    /* WIRE_COMPAT, WIRE_NO_RESULT: for the header; CALL_REQUEST */
        long result;                    /* 0 at the beginning */
        unsigned long args[6];
};

/* What a descriptor was that is being closed. */
struct closed {
        struct wire_object object;
        __u64 dentry, mount;            /* 0: it has no path */
        __u32 type;                     /* enum wire_object_type */
        __u32 pad;
};

/* An operation of io_uring that a program on calls is looking at (uring.bpf.c). */
struct request {
        __u32 active;
        __u32 opcode;
        struct closed closed;           /* by this operation; type 0: not known */
        struct file *file;              /* what it is about */
        struct cred *cred;              /* of a personality; NULL: the task's own */
        struct call call;
        char names[2][WIRE_MAX_PATH];   /* the kernel's copies */
};

/* A hash on its way (stable.bpf.h). */
struct digest {
        __u64 v0, v1, v2, v3;
        __u32 at;                       /* in the record: the next word of a string */
        __u32 pad;
};

/* Inode numbers, in the order of the fields in events.def. 0: not known. */
struct namespaces {
        __u32 mnt, pid, net, user, uts, ipc, cgroup, time;
};

/* What a descriptor was: its struct file in the table, 0 if there was none, and which object that was. */
struct begun_file {
        __u64 file;
        struct wire_object object;
};

/* What the beginning of a call keeps for its end. A thread is in one call at a time, so there is one of these. */
struct begun {
        __u32 call;                     /* enum wire_call; 0: none */
        bool kept;                      /* digest is of all that the program passed */
        bool seen;                      /* object, mode, uid and gid are of what was named by a descriptor */
        __u8 pad[2];
        __u64 digest;
        union {
                struct begun_file files[2];
                struct {                /* the first of these, */
                        __u64 file;
                        struct wire_object object;
                        __u32 mode, uid, gid;   /* and what the object had */
                };
                struct closed closed;
                struct {
                        __u32 known, prot;
                } mapping;              /* of the first page */
                __u32 ids[4];           /* real, effective, saved, of files */
                __u64 caps[3];          /* effective, permitted, inheritable */
                __u32 n_groups;
                struct namespaces namespaces;
        };
};

/* What was read of a file, at once. */
struct seen {
        struct file *file;
        struct inode *inode;
        struct wire_object object;
        __u32 type;                     /* enum wire_object_type */
        __u32 mode;
        __u32 uid;
        __u32 gid;
};

/* What a call on names and attributes was passed (named.bpf.h). */
struct passed {
        const char *first, *second;     /* strings; NULL: none */
        const void *bytes;              /* NULL: none */
        __u32 n_bytes;                  /* at most WIRE_MAX_CONTENT */
        int directory; /* where `first` begins, or the descriptor of the file itself; AT_FDCWD: the working directory */
        bool descriptor;                /* the file itself */
        bool empty;                     /* since `first` is empty */
        __u8 pad[6];
};

/* Which fields of a kind say what was named. */
struct places {
        __u64 pathname, given, file;    /* bits */
};

/* That, and the file that it led to. */
struct named {
        struct passed passed;
        struct places places;
        struct file *file;              /* of the descriptor */
        __u32 flags;                    /* WIRE_* for the header */
        __u32 pad;
        struct begun begun;             /* what the beginning kept */
        struct seen seen;               /* what is looked at; here, for the stack is short */
};

/* What the filter knows so far of the event under way (filter.bpf.h). */
struct sieve {
        __u64 uses;                     /* those that are left */
        __u32 table;                    /* the filter_table that was asked; 0: none */
        __u32 asked;                    /* bit d: enum filter_dimension; and SIEVE_ARMED */
        __u64 done;                     /* all of the record was asked for that the filter looks at */
};

/* One for each CPU: counters and the record under construction. Not a per-CPU map, so that the daemon can read the
 * counters in shared memory. Only for programs that run with preemption off, in task context: nothing else can then run
 * here meanwhile, and `busy` would show it if it did.
 *
 * Behind them scratches: the same for a thread at a time, whose id is in `busy`, counters unused. */
struct cpu {
        struct wire_counters counters;
        __u64 samples[_WIRE_KIND_MAX];  /* events of each kind, while their priority is sampled */
        __u32 busy;
        __u32 used;                     /* bytes of the record so far */
        __u64 waiting;                  /* bytes in the ring when the record was begun; of a scratch: since when */
        struct walk walk;
        struct ends ends;
        struct env_walk env;
        struct vector_walk vectors;
        struct request request;
        struct digest digest;
        struct named named;
        struct sieve sieve;
        __u64 forget;                   /* a value that the verifier shall not follow goes through here */
        struct resolved resolved;       /* of a scratch */
        union {
                struct wire_header header;
                char record[WIRE_MAX_RECORD + RECORD_SLACK];
        };
};

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(map_flags, BPF_F_MMAPABLE);
        __uint(max_entries, 1);         /* possible CPUs, one for all, and scratches; set before load */
        __type(key, __u32);
        __type(value, struct cpu);
} cpus SEC(".maps");

/* Those that are compared from one event of a task to its next. */
struct credentials {
        __u32 uid, euid, gid, egid;
        __u64 caps;                     /* effective */
};

/* What a task runs, as policies compare it (image.bpf.h). In parts written from outside while the task runs. */
#define IMAGE_EXE 120                   /* bytes: longer ones are not known */
#define IMAGE_NAME 40

enum image_state {
        IMAGE_NONE,                     /* nobody has said yet */
        IMAGE_BUSY,                     /* an exec writes */
        IMAGE_KNOWN,
        IMAGE_UNKNOWN,                  /* and will not be, until the next exec */
};

struct image {
        __u32 state;                    /* enum image_state */
        __u32 table;                    /* the filter_table under which the classes were found; another: not yet */
        __u16 exe_front, exe_back;      /* classes (filter-table.h) */
        __u16 name_front, name_back;
        __u32 n_exe, n_name;            /* 0: not known */
        char exe[IMAGE_EXE];
        char name[IMAGE_NAME];
};

/* What is known of a task beyond what the kernel keeps. Copied to children and threads: after an exec by a thread that
 * is not the leader, that thread's own storage is the one that survives. */
struct task_state {
        __u64 creator_start_ns;
        __u64 tree_start_ns;
        __u32 creator_tgid;
        __u32 tree_tgid;
        struct credentials seen;        /* last; before an exec those before it */
        __u32 seen_epoch;               /* credentials_epoch when they were seen */
        __u32 exited;                   /* of the leader's storage: the exit was told */
        __u64 css_set;                  /* cgroup_id was found from this one */
        __u64 cgroup_id;
        struct begun begun;
        __u32 scratch;                  /* that this thread has, by its number in `cpus`; 0: none */
        struct wire_object script;      /* what an exec in progress began with */
        __u32 has_script;
        __u32 pad;
        struct image image;
};

struct {
        __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __type(key, int);
        __type(value, struct task_state);
} tasks SEC(".maps");

/* Identities of processes whose children begin trees of their own, beside PID 1 and kthreadd. Filled by the daemon. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, 1024);
        __type(key, struct wire_identity);
        __type(value, __u32);
} supervisors SEC(".maps");

/* Names of environment variables that a policy asks for, padded with NUL. */
struct env_name {
        char name[WIRE_MAX_ENV_NAME];
};

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, 64);
        __type(key, struct env_name);
        __type(value, __u32);
} env_names SEC(".maps");

/* connect, bind, sendto: the kernel's copy of the address, from the cgroup hook to the end of the call, by thread. Of
 * an operation of io_uring nobody takes it away again; by the number of the call the next one knows that it is not its
 * own.
 */
struct attempt {
        __u64 cookie;
        struct wire_address address;
        __u32 port;
        __u32 number;                   /* of the system call */
};

struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, 4096);
        __type(key, __u64);
        __type(value, struct attempt);
} attempts SEC(".maps");

/* The same for all families, as the security hook saw it, and which socket it was: known also where the cgroup hook is
 * not reached. Without security hooks it has one entry. */
#define ADDRESS_BYTES 128               /* struct sockaddr_storage */

struct address {
        struct wire_object socket;
        __u32 number;                   /* of the system call */
        __u32 size;
        __u32 family, type, protocol;
        __u32 pad;
        char bytes[ADDRESS_BYTES];
};

struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, 4096);
        __type(key, __u64);
        __type(value, struct address);
} addresses SEC(".maps");

/* A module, from the moment that it is in the kernel to the end of the call that put it there, by thread. */
struct loaded {
        char name[56];
        __u64 taints;
};

struct {
        __uint(type, BPF_MAP_TYPE_LRU_HASH);
        __uint(max_entries, 128);
        __type(key, __u64);
        __type(value, struct loaded);
} modules SEC(".maps");

/* While the daemon takes its snapshot: where it said that each process belongs. */
struct seed {
        struct wire_identity creator;
        struct wire_identity tree;
};

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(map_flags, BPF_F_NO_PREALLOC);
        __uint(max_entries, 65536);
        __type(key, struct wire_identity);
        __type(value, struct seed);
} seeds SEC(".maps");
