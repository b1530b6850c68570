/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Object - what a descriptor is: its file from the table, and of the file its identity, type, owner and far side. */
#pragma once

#include "address.bpf.h"
#include "path.bpf.h"

/* -1 stands for what an operation of io_uring is about, where that has no descriptor (a registered file). */
static __always_inline struct file *file_of_request(__u32 fd) {
        struct cpu *cpu = fd == (__u32)-1 ? this_cpu() : NULL;

        return cpu && cpu->request.active ? cpu->request.file : NULL;
}

static __always_inline bool same_object(const struct wire_object *a, const struct wire_object *b) {
        return a->inode == b->inode && a->device == b->device && a->generation == b->generation;
}

/* The task's own table, for the current task only. Shared with other threads it may change at any time. */
static __always_inline struct file *file_of(struct task_struct *task, __u32 fd) {
        struct files_struct *files = PART(task, files);
        struct fdtable *table = files->fdt;
        struct file **slots = table->fd;
        struct file *file = NULL;

        if (fd >= table->max_fds)
                return file_of_request(fd);
        if (can_cast)                   /* a pointer where one is */
                return (struct file *)GET((struct hlist_head *)(slots + fd), first);
        bpf_probe_read_kernel(&file, sizeof(file), slots + fd);
        return file;
}

static __always_inline bool files_are_shared(struct task_struct *task) {
        return PART(task, files)->count.counter > 1;
}

static __always_inline bool is_tty(__u32 major) {
        return major < 512 && tty_majors[major / 64 & 7] & 1ULL << (major & 63);
}

static __always_inline bool is_memfd(struct file *file) {
        struct dentry *dentry = GET(file, f_path.dentry);
        __u64 name = 0;

        if (GET(dentry, d_parent) != dentry)
                return false;
        bpf_probe_read_kernel(&name, 6, GET(dentry, d_name.name));
        return name == 0x3a64666d656dULL;       /* "memfd:", low byte first */
}

/* Before there was pidfs they were anonymous inodes. */
static __always_inline bool is_pidfd(struct file *file) {
        __u64 name = 0;

        bpf_probe_read_kernel(&name, sizeof(name), GET(GET(file, f_path.dentry), d_name.name));
        return name == 0x5d64666469705bULL;     /* "[pidfd]", low byte first */
}

static __always_inline void see_inode(struct seen *seen) {
        struct inode *inode = seen->inode;
        struct super_block *sb = GET(inode, i_sb);
        __u32 mode = GET(inode, i_mode), magic;

        seen->mode = mode;
        seen->object.device = GET(sb, s_dev);
        seen->object.inode = GET(inode, i_ino);
        seen->object.generation = 0;
        seen->uid = GET(inode, i_uid.val);
        seen->gid = GET(inode, i_gid.val);

        switch (mode & S_IFMT) {
        case 0:
        case S_IFREG:
                /* Anonymous inodes have a type since 6.16 only. */
                magic = GET(sb, s_magic);
                seen->type = magic == NSFS_MAGIC ? WIRE_OBJECT_NAMESPACE
                        : magic == PIDFS_MAGIC ? WIRE_OBJECT_PIDFD
                        : magic == ANON_INODE_FS_MAGIC ? WIRE_OBJECT_ANON
                        : mode & S_IFMT ? WIRE_OBJECT_FILE
                                        : WIRE_OBJECT_OTHER;
                if (seen->type != WIRE_OBJECT_FILE)
                        break;
                seen->object.generation = GET(inode, i_generation);
                break;
        case S_IFDIR:
                seen->type = WIRE_OBJECT_DIRECTORY;
                seen->object.generation = GET(inode, i_generation);
                break;
        case S_IFCHR:
                seen->type = is_tty(GET(inode, i_rdev) >> 20) ? WIRE_OBJECT_TTY : WIRE_OBJECT_DEVICE;
                break;
        case S_IFBLK:
                seen->type = WIRE_OBJECT_DEVICE;
                break;
        case S_IFIFO:
                seen->type = WIRE_OBJECT_PIPE;
                break;
        case S_IFSOCK:
                /* A socket's name in a directory can be opened too (O_PATH), and is no socket. */
                seen->type = GET(sb, s_magic) == SOCKFS_MAGIC ? WIRE_OBJECT_SOCKET : WIRE_OBJECT_OTHER;
                break;
        default:
                seen->type = WIRE_OBJECT_OTHER;
        }
}

static __always_inline void see_here(struct seen *seen) {
        struct file *file = seen->file;

        if (file)
                seen->inode = GET(file, f_inode);
        see_inode(seen);
        if (file && seen->type == WIRE_OBJECT_FILE && is_memfd(file))
                seen->type = WIRE_OBJECT_MEMFD;
        if (file && seen->type == WIRE_OBJECT_ANON && is_pidfd(file))
                seen->type = WIRE_OBJECT_PIDFD;
}

/* Not static: see path_walk(). */
__noinline int see(struct seen *seen) {
        if (seen)
                see_here(seen);
        return nothing();
}

/* `seen` is zeroed. */
static __always_inline void see_file(struct file *file, struct seen *seen) {
        seen->file = file;
        see(seen);
}

/* The working directory of the current task. */
static __always_inline void see_cwd(struct seen *seen) {
        struct fs_struct *fs = PART(bpf_get_current_task_btf(), fs);

        seen->inode = GET(fs->pwd.dentry, d_inode);
        see(seen);
}

static __always_inline bool has_path(__u32 type) {
        return type == WIRE_OBJECT_FILE || type == WIRE_OBJECT_DIRECTORY || type == WIRE_OBJECT_MEMFD ||
                type == WIRE_OBJECT_TTY || type == WIRE_OBJECT_DEVICE || type == WIRE_OBJECT_PIDFD ||
                type == WIRE_OBJECT_NAMESPACE || type == WIRE_OBJECT_ANON;
}

/* The far side of a connected internet socket. False if there is none. */
static __always_inline bool see_peer(struct sock *sk, struct wire_address *address, __u32 *port) {
        __u16 family = GET(sk, __sk_common.skc_family);
        __u16 net_port = GET(sk, __sk_common.skc_dport);

        if (!net_port || (family != AF_INET && family != AF_INET6))
                return false;
        if (family == AF_INET) {
                *(__u32 *)address->bytes = GET(sk, __sk_common.skc_daddr);
                address->family = AF_INET;
        } else {
                struct in6_addr from = {};

                bpf_core_read(&from, 16, &sk->__sk_common.skc_v6_daddr);
                set_address6(address, &from);
        }
        *port = __bpf_ntohs(net_port);
        return true;
}

static __always_inline struct sock *sock_of(const struct seen *seen) {
        struct socket *socket = GET(seen->file, private_data);

        return GET(socket, sk);
}
