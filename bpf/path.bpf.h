/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Path - names of files, from the kernel's own dentries and mounts.
 *
 * The helpers for it (bpf_d_path) may not be used in tracepoints, so the tree is walked here: from the file up to the
 * root of the mount namespace, over mount points. Twice: the first pass measures and adds up what it saw (d_seq, and
 * the hash of each name, which its parent is part of), the second writes the names, each before its d_seq, from the
 * back to the front, and must come to the same sum. Then nothing changed between the end of the first and the beginning
 * of the second, and the path is the one of that moment. If not, once more; if not again, WIRE_UNSTABLE.
 *
 * Most paths are short. For the calls that programs make most, where memory of the kernel can be read without a helper,
 * a first attempt takes them without a call for each name, for on processors that guard their returns calls are what a
 * walk costs most: it keeps what it finds, copies the names by words, and looks at each d_seq again. If there are more
 * names or mounts, or one changed, the long way is taken.
 *
 * The walk does not stop at a task's root but at the top of its namespace: a chroot is seen from outside.
 * WIRE_ROOT_OTHER says that what is `/` there is not the host's, WIRE_DETACHED that no namespace was reached. */
#pragma once

#include "emit.bpf.h"

#define MAX_COMPONENTS 2048

/* One step up. Returns 1 at the end. Gives the name passed on the way, or none at a mount point. */
static __always_inline long walk_up(struct walk *walk, const unsigned char **ret_name, __u32 *ret_length) {
        struct dentry *dentry = walk->dentry, *parent;
        struct mount *mount = walk->mount, *above;
        __u64 hash_length;

        *ret_name = NULL;
        *ret_length = 0;

        if (dentry == walk->root) {
                if (!walk->slash)
                        walk->slash = dentry;
                above = GET(mount, mnt_parent);
                if (above == mount || !above) {
                        __u64 namespace = (__u64)GET(mount, mnt_ns);

                        if (!namespace || namespace >= (__u64)-4095)    /* MNT_NS_INTERNAL is an error pointer */
                                walk->flags |= WIRE_DETACHED;
                        walk->done = true;
                        return 1;
                }
                walk->dentry = GET(mount, mnt_mountpoint);
                walk->mount = above;
                walk->root = GET(above, mnt.mnt_root);
                return 0;
        }

        hash_length = GET(dentry, d_name.hash_len);
        *ret_length = hash_length >> 32;
        *ret_name = GET(dentry, d_name.name);
        parent = GET(dentry, d_parent);
        walk->sum = walk->sum * 31 + hash_length;
        walk->slash = NULL;
        walk->dentry = parent;
        if (parent == dentry || !parent) {
                /* The top of a tree that is mounted nowhere: a memfd, a pipe, or a disconnected one of NFS. */
                walk->flags |= WIRE_DETACHED;
                walk->done = true;
                return 1;
        }
        return 0;
}

static long walk_measure(__u32 i, struct cpu **context) {
        struct walk *walk = &(*context)->walk;
        struct dentry *dentry = walk->dentry;
        const unsigned char *name;
        __u32 length, sequence;
        long r;

        sequence = GET(dentry, d_seq.seqcount.sequence);
        r = walk_up(walk, &name, &length);
        if (name) {
                walk->sum += sequence & ~1U;    /* odd: being renamed right now, and will not be the same again */
                walk->length += length + 1;
        }
        return r;
}

static long walk_write(__u32 i, struct cpu **context) {
        struct cpu *cpu = *context;
        struct walk *walk = &cpu->walk;
        struct dentry *dentry = walk->dentry;
        const unsigned char *name;
        __u32 length, at, offset;
        long r;

        r = walk_up(walk, &name, &length);
        if (!name)
                return r;

        length &= 0xff;                 /* NAME_MAX; for the verifier */
        at = walk->at;
        if (at < length + 1) {          /* longer than what was measured */
                walk->sum = 0;
                walk->done = true;
                return 1;
        }
        at -= length + 1;
        walk->at = at;

        /* What lies behind the limit is left out, by whole names. */
        if (at + length + 1 <= walk->limit) {
                char *to;

                offset = walk->start + at;
                to = record_at(cpu, offset);
                to[0] = '/';
                bpf_probe_read_kernel(to + 1, length, name);
                if (!walk->end)
                        walk->end = at + length + 1;
        }
        walk->sum += GET(dentry, d_seq.seqcount.sequence);
        return r;
}

/* ---- what has a name in /proc/PID/fd, and none in a tree ---- */

#define SPECIAL_MAX 64

/* A namespace, a pidfd, or another file that is an anonymous inode. */
static __always_inline bool is_special(__u64 magic) {
        return magic == NSFS_MAGIC || magic == PIDFS_MAGIC || magic == ANON_INODE_FS_MAGIC;
}

/* As the kernel puts it there: `mnt:[4026531841]`, `anon_inode:[eventfd]`. 0: it is none of these. */
static __noinline __u32 walk_special(struct cpu *cpu) {
        static const char namespace[] = "%s:[%lu]", pidfd[] = "anon_inode:[pidfd]", other[] = "anon_inode:%s";
        struct walk *walk = &cpu->walk;
        struct inode *inode = GET(walk->from, d_inode);
        __u64 magic = inode ? GET(GET(inode, i_sb), s_magic) : 0, values[2] = {};
        char *to;
        long n;

        if (!is_special(magic) || record_room(cpu, SPECIAL_MAX, &walk->start) < SPECIAL_MAX)
                return 0;
        to = record_at(cpu, walk->start);
        if (magic == NSFS_MAGIC) {
                struct ns_common *common = GET(inode, i_private);

                values[0] = (__u64)GET(GET(common, ops), name);
                values[1] = GET(inode, i_ino);
                n = bpf_snprintf(to, SPECIAL_MAX, namespace, values, sizeof(values));
        } else if (magic == PIDFS_MAGIC)        /* cb12fd8e0dab "pidfd: add pidfs", 6.9 */
                n = bpf_snprintf(to, SPECIAL_MAX, pidfd, NULL, 0);
        else {
                values[0] = (__u64)GET(walk->from, d_name.name);
                n = bpf_snprintf(to, SPECIAL_MAX, other, values, sizeof(values[0]));
        }
        if (n <= 1)
                return 0;
        walk->cut = n > SPECIAL_MAX;
        walk->end = (n > SPECIAL_MAX ? SPECIAL_MAX : n) - 1;
        walk->again = false;
        cpu->header.flags |= walk->flags;
        cpu->used = walk->start + walk->end;
        return walk->end;
}

static __always_inline void walk_begin(struct walk *walk) {
        struct vfsmount *mount = walk->from_mount;

        walk->dentry = walk->from;
        walk->mount = (void *)mount - bpf_core_field_offset(struct mount, mnt);
        walk->root = GET(mount, mnt_root);
        walk->slash = NULL;
        walk->sum = 1;
        walk->length = 0;
        walk->flags = 0;
        walk->done = false;
}

/* ---- the short way ---- */

#define NEAR_WORDS 32                   /* bytes that are copied at once, */
#define NEAR_LONGEST (2 * NEAR_WORDS)   /* and of the longest name */

/* As GET(), where there is a cast. */
#define NEAR(pointer, member)                                                                                          \
        ({                                                                                                             \
                __typeof__(pointer) _pointer = (pointer);                                                              \
                ((__typeof__(pointer))bpf_rdonly_cast(_pointer, bpf_core_type_id_kernel(__typeof__(*_pointer))))       \
                        ->member;                                                                                      \
        })

/* NEAR_WORDS bytes of memory that may be anything, and not there, two words each in a type that all kernels have. `to`
 * may be at any address. */
static __always_inline void copy_words(char *to, const unsigned char *from) {
        for (int i = 0; i < NEAR_WORDS; i += 16) {
                const struct timespec64 *words = (const void *)(from + i);

                *(__s64 *)(to + i) = NEAR(words, tv_sec);
                *(__s64 *)(to + i + 8) = NEAR(words, tv_nsec);
        }
}

/* From the last name to the first. `root` is read anew each time: with that at the end of its way round the loop would
 * end in no jump, which Linux 6.1 refuses. All that changes from step to step is in memory, where the verifier does not
 * follow it: it would look at each sequence of names and mounts. False: too many steps. */
static __always_inline bool near_measure(struct walk *walk) {
        for (int i = 0; i < NEAR_STEPS; i++) {
                struct dentry *dentry = walk->dentry, *parent;
                struct mount *mount = walk->mount, *above;
                struct near_name *near;
                __u64 hash_length;
                __u32 n;

                if (dentry == *(struct dentry *volatile *)&walk->root) {
                        if (!walk->slash)
                                walk->slash = dentry;
                        above = NEAR(mount, mnt_parent);
                        if (above == mount || !above) {
                                __u64 namespace = (__u64)NEAR(mount, mnt_ns);

                                if (!namespace || namespace >= (__u64)-4095)
                                        walk->flags = WIRE_DETACHED;
                                return true;
                        }
                        walk->dentry = NEAR(mount, mnt_mountpoint);
                        walk->mount = above;
                        walk->root = NEAR(above, mnt.mnt_root);
                        continue;
                }
                n = walk->at;
                walk->at = n + 1;
                BOUND(n, NEAR_STEPS - 1);
                near = &walk->near[n];
                hash_length = NEAR(dentry, d_name.hash_len);
                near->dentry = dentry;
                near->sequence = NEAR(dentry, d_seq.seqcount.sequence);
                walk->sum |= near->sequence & 1;        /* being renamed right now */
                near->length = hash_length >> 32;
                walk->sum |= hash_length >> 32 > NEAR_LONGEST;
                near->name = NEAR(dentry, d_name.name);
                walk->length += (hash_length >> 32) + 1;
                walk->slash = NULL;
                parent = NEAR(dentry, d_parent);
                walk->dentry = parent;
                if (parent == dentry) {
                        walk->flags = WIRE_DETACHED;
                        return true;
                }
        }
        return false;
}

/* False: a name was changed. Nothing is appended then. */
static __always_inline bool near_write(struct cpu *cpu) {
        struct walk *walk = &cpu->walk;

        for (int i = 0; i < NEAR_STEPS; i++) {
                __u32 n = walk->at, end = walk->end, length;
                struct near_name *near;
                char *to;

                if (n == 0)
                        break;
                n--;
                walk->at = n;
                BOUND(n, NEAR_STEPS - 1);
                near = &walk->near[n];
                length = near->length;
                walk->end = end + length + 1;
                to = record_at(cpu, walk->start + end);
                to[0] = '/';
                copy_words(to + 1, near->name);
                if (length > NEAR_WORDS)
                        copy_words(to + 1 + NEAR_WORDS, near->name + NEAR_WORDS);
                walk->sum |= near->sequence ^ NEAR(near->dentry, d_seq.seqcount.sequence);
        }
        return !walk->sum && walk->at == 0;
}

/* ---- both ---- */

static __always_inline __u32 path_end(struct cpu *cpu, __u32 length) {
        struct walk *walk = &cpu->walk;

        walk->again = false;
        if (walk->slash && (__u64)walk->slash != host_root)
                walk->flags |= WIRE_ROOT_OTHER;
        cpu->header.flags |= walk->flags;
        walk->cut = walk->end < length;
        cpu->used = walk->start + walk->end;
        return walk->end;
}

/* Append the path from walk->from by the short way, as path_walk(). 0: take the long one. Not static: see path_walk().
 */
__noinline __u32 path_near(struct cpu *cpu) {
        struct walk *walk;

        if (!cpu || !can_cast)          /* Linux 6.1 looks at it though nobody calls it */
                return 0;
        walk = &cpu->walk;
        walk_begin(walk);
        walk->at = walk->end = 0;
        walk->sum = 0;                  /* anything else: the long way */
        if (!near_measure(walk) || !walk->length || walk->sum)
                return 0;
        if (walk->flags & WIRE_DETACHED && is_special(NEAR(NEAR(NEAR(walk->from, d_inode), i_sb), s_magic)))
                return 0;
        walk->limit = record_room(cpu, WIRE_MAX_PATH, &walk->start);
        if (walk->length > walk->limit || !near_write(cpu) || walk->end != walk->length)
                return 0;
        return path_end(cpu, walk->length);
}

/* Append the path from walk->from, on walk->from_mount, to the record; it is not ended by NUL. Returns its length, 0 if
 * it could not be had; walk->start is where it is, walk->cut whether it is only the front of the path. If it changed
 * meanwhile walk->again is set at the first time: then call it again.
 *
 * Not static: such a function the verifier looks at once, by itself, and not again for each way to come to each call of
 * it. So its arguments are numbers, or memory, of which it knows nothing. */
__noinline __u32 path_walk(struct cpu *cpu) {
        struct walk *walk;
        __u64 measured;
        __u32 length;

        if (!cpu)
                return 0;
        walk = &cpu->walk;
        walk_begin(walk);
        bpf_loop(MAX_COMPONENTS, walk_measure, &cpu, 0);
        if (!walk->done)
                return 0;               /* deeper than any path that can be passed to a call */
        if (walk->flags & WIRE_DETACHED) {
                length = walk_special(cpu);
                if (length)
                        return length;
        }
        length = walk->length;
        measured = walk->sum;

        walk->limit = record_room(cpu, WIRE_MAX_PATH, &walk->start);
        if (!walk->limit)
                return 0;
        if (length == 0) {
                *record_at(cpu, walk->start) = '/';
                walk->end = length = 1;
        } else {
                walk_begin(walk);
                walk->at = length;
                walk->end = 0;
                bpf_loop(MAX_COMPONENTS, walk_write, &cpu, 0);
                if (walk->sum != measured || walk->at != 0) {
                        walk->again = !walk->again;
                        if (walk->again || walk->at != 0)
                                return 0;
                        walk->flags |= WIRE_UNSTABLE;
                }
        }
        return path_end(cpu, length);
}

static __always_inline __u32 path_walk_from(struct cpu *cpu, struct dentry *dentry, struct vfsmount *mount) {
        __u32 length;

        cpu->walk.from = dentry;
        cpu->walk.from_mount = mount;
        cpu->walk.again = false;
        length = path_walk(cpu);
        return cpu->walk.again ? path_walk(cpu) : length;
}

static __always_inline bool path_set(struct cpu *cpu, struct wire_bytes *bytes, __u64 bit, __u32 length) {
        if (!length)
                return false;
        bytes->offset = cpu->walk.start;
        bytes->length = length;
        cpu->header.known |= bit;
        if (cpu->walk.cut)
                cpu->header.cut |= bit;
        return true;
}

/* Set a field, of which `bytes` is the place in the record and `bit` the mark, to the path. */
static __always_inline bool path_append(
                struct cpu *cpu, struct wire_bytes *bytes, __u64 bit, struct dentry *dentry, struct vfsmount *mount) {
        return path_set(cpu, bytes, bit, path_walk_from(cpu, dentry, mount));
}

/* The same for calls that programs make all the time: by the short way, if it gets there. It takes the verifier as long
 * as a small program does. */
static __always_inline bool path_append_near(
                struct cpu *cpu, struct wire_bytes *bytes, __u64 bit, struct dentry *dentry, struct vfsmount *mount) {
        __u32 length;

        cpu->walk.from = dentry;
        cpu->walk.from_mount = mount;
        length = path_near(cpu);
        return path_set(cpu, bytes, bit, length ? length : path_walk_from(cpu, dentry, mount));
}
