/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Kernel - the kernel types that the programs use, and of each only the members that they use.
 *
 * Kept by hand, so that the object builds on a machine without type information. Order and offsets here mean nothing:
 * the loader puts in those of the running kernel (preserve_access_index); names and types have to be the kernel's. A
 * member that some kernels lack is asked for with bpf_core_field_exists() in core-fixes.bpf.h. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>

typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif

/* Constants of the stable interface to user space. */
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000
#define CLONE_THREAD 0x00010000
#define CLONE_NEWTIME 0x00000080
#define CLONE_NEWUSER 0x10000000

#define EINPROGRESS 115
#define EINVAL 22
#define EBADF 9
#define ERESTARTSYS 512                 /* the first of those that mean: will be called again */
#define ERESTART_LAST 517

#define AT_FDCWD -100
#define AT_REMOVEDIR 0x200
#define AT_EMPTY_PATH 0x1000

#define O_CREAT 00000100
#define O_EXCL 00000200
#define O_NOCTTY 00000400
#define O_TRUNC 00001000
#define O_WRONLY 00000001
#define O_APPEND 00002000
#define O_TMPFILE_BIT 020000000

#define S_IFMT 00170000
#define S_IFSOCK 0140000
#define S_IFLNK 0120000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFIFO 0010000

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_VSOCK 40
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_TYPE_MASK 0xf
#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define MSG_FASTOPEN 0x20000000
#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_CLOSE 7
#define IPPROTO_UDP 17
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

#define SOCKFS_MAGIC 0x534F434B
#define PROC_SUPER_MAGIC 0x9fa0
#define PIDFS_MAGIC 0x50494446
#define ANON_INODE_FS_MAGIC 0x09041934
#define NSFS_MAGIC 0x6e736673
#define OVERLAYFS_SUPER_MAGIC 0x794c7630

/* Of the kernel's own, the same from 6.1 to 6.18. */
#define FMODE_WRITE 0x2
#define FMODE_CREATED 0x100000
#define FMODE_NOACCOUNT 0x20000000
#define FMODE_WRITE 0x2
#define TASK_COMM_LEN 16

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
        int counter;
} atomic_t;

typedef struct {
        __s64 counter;
} atomic64_t;

typedef struct {
        __u32 val;
} kuid_t;

typedef struct {
        __u32 val;
} kgid_t;

typedef int pid_t;

struct list_head {
        struct list_head *next, *prev;
};

struct hlist_node {
        struct hlist_node *next;
};

struct hlist_head {
        struct hlist_node *first;
};

struct hlist_bl_node {
        struct hlist_bl_node *next, **pprev;
};

struct seqcount {
        unsigned int sequence;
};
typedef struct seqcount seqcount_t;

struct seqcount_spinlock {
        seqcount_t seqcount;
};
typedef struct seqcount_spinlock seqcount_spinlock_t;

struct qstr {
        union {
                struct {
                        __u32 hash;
                        __u32 len;
                };
                __u64 hash_len;
        };
        const unsigned char *name;
};

struct file_system_type {
        const char *name;
};

struct super_block {
        __u32 s_dev;
        unsigned long s_magic;
        struct file_system_type *s_type;
};

struct inode {
        unsigned short i_mode;
        kuid_t i_uid;
        kgid_t i_gid;
        struct super_block *i_sb;
        unsigned long i_ino;
        unsigned int i_nlink;
        __u32 i_rdev;
        __u32 i_generation;
        void *i_private;
};

struct pid;

struct proc_inode {
        struct pid *pid;
        struct inode vfs_inode;
};

struct dentry {
        seqcount_spinlock_t d_seq;
        struct hlist_bl_node d_hash;
        struct dentry *d_parent;
        struct qstr d_name;
        struct inode *d_inode;
};

struct ovl_inode {
        struct inode vfs_inode;
        struct dentry *__upperdentry;
};

struct vfsmount {
        struct dentry *mnt_root;
        struct super_block *mnt_sb;
};

struct proc_ns_operations {
        const char *name;
};

struct ns_common {
        struct proc_ns_operations *ops;
        unsigned int inum;              /* as in /proc/PID/ns */
};

struct mnt_namespace {
        struct ns_common ns;
};

struct uts_namespace {
        struct ns_common ns;
};

struct ipc_namespace {
        struct ns_common ns;
};

struct net {
        struct ns_common ns;
};

struct uid_gid_extent {
        __u32 first, lower_first, count;
};

struct uid_gid_map {
        __u32 nr_extents;
        struct uid_gid_extent extent[5];        /* with more of them pointers are in its place */
};

struct user_namespace {
        struct ns_common ns;
        struct uid_gid_map uid_map, gid_map;
        int level;                      /* 0: the first */
};

struct time_namespace {
        struct ns_common ns;
};

struct cgroup_namespace {
        struct ns_common ns;
};

struct xarray {
        void *xa_head;
};

struct xa_node {
        unsigned char shift;
        void *slots[64];
};

struct idr {
        struct xarray idr_rt;
};

struct pid_namespace {
        struct ns_common ns;
        struct idr idr;
        unsigned int level;
};

struct upid {
        int nr;
        struct pid_namespace *ns;
};

struct pid {
        unsigned int level;
        struct hlist_head tasks[4];
        struct upid numbers[1];
};

struct nsproxy {
        struct uts_namespace *uts_ns;
        struct ipc_namespace *ipc_ns;
        struct mnt_namespace *mnt_ns;
        struct pid_namespace *pid_ns_for_children;
        struct net *net_ns;
        struct time_namespace *time_ns;
        struct time_namespace *time_ns_for_children;
        struct cgroup_namespace *cgroup_ns;
};

struct mount {
        struct mount *mnt_parent;
        struct dentry *mnt_mountpoint;
        struct vfsmount mnt;
        struct mnt_namespace *mnt_ns;
        const char *mnt_devname;
};

struct path {
        struct vfsmount *mnt;
        struct dentry *dentry;
};

struct file {
        unsigned int f_flags;
        unsigned int f_mode;
        long long f_pos;
        struct path f_path;
        struct inode *f_inode;
        void *private_data;
};

struct fdtable {
        unsigned int max_fds;
        struct file **fd;
};

struct files_struct {
        atomic_t count;
        struct fdtable *fdt;
};

struct fs_struct {
        struct path root;
        struct path pwd;
};

typedef struct {
        __u64 val;
} kernel_cap_t;

struct group_info {
        int ngroups;
};

struct cred {
        kuid_t uid, suid, euid, fsuid;
        kgid_t gid, sgid, egid, fsgid;
        kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
        struct user_namespace *user_ns;
        struct group_info *group_info;
};

struct mm_struct {
        atomic_t mm_users;
        unsigned long arg_start, arg_end, env_start, env_end;
        struct file *exe_file;
};

struct tty_driver {
        int major;
        int minor_start;
};

struct tty_struct {
        int index;
        struct tty_driver *driver;
};

struct signal_struct {
        atomic_t live;
        int nr_threads;
        int group_exit_code;
        unsigned int flags;
        struct tty_struct *tty;
};

struct kernfs_node {
        __u64 id;
};

struct cgroup_root {
        int hierarchy_id;
        char name[64];
};

struct cgroup_subsys_state {
        struct cgroup_subsys_state *parent;
};

struct cgroup {
        struct cgroup_subsys_state self;
        struct kernfs_node *kn;
        struct cgroup_root *root;
};

struct css_set {
        struct cgroup *dfl_cgrp;
        struct list_head cgrp_links;
};

struct cgrp_cset_link {
        struct cgroup *cgrp;
        struct list_head cgrp_link;
};

struct thread_info {
        unsigned long flags;
        __u32 status;                   /* x86 */
};

struct task_struct {
        struct thread_info thread_info;
        unsigned int flags;
        pid_t pid, tgid;
        struct task_struct *real_parent;
        struct task_struct *group_leader;
        __u64 start_boottime;
        struct cred *real_cred, *cred;
        struct nsproxy *nsproxy;
        struct pid *thread_pid;
        struct hlist_node pid_links[4];
        char comm[TASK_COMM_LEN];
        struct fs_struct *fs;
        struct files_struct *files;
        struct mm_struct *mm;
        struct signal_struct *signal;
        struct css_set *cgroups;
        int exit_state;
        int exit_code;
        kuid_t loginuid;
        unsigned int sessionid;
};

struct linux_binprm {
        struct file *file;
        const char *filename;
        const char *interp;
        int argc, envc;
        unsigned int secureexec : 1;
};

struct in6_addr {
        union {
                __u8 u6_addr8[16];
                __be32 u6_addr32[4];
        } in6_u;
};

struct sock_common {
        __be32 skc_daddr;
        __be32 skc_rcv_saddr;
        __be16 skc_dport;
        __u16 skc_num;
        unsigned short skc_family;
        unsigned char skc_state;
        struct in6_addr skc_v6_daddr;
        struct in6_addr skc_v6_rcv_saddr;
        atomic64_t skc_cookie;
};

struct sock {
        struct sock_common __sk_common;
        __u16 sk_protocol;
        __u32 sk_max_ack_backlog;
        int sk_err;
        struct pid *sk_peer_pid;
};

struct socket {
        short type;
        struct file *file;
        struct sock *sk;
};

struct sockaddr;

struct timespec64 {
        long long tv_sec;
        long tv_nsec;
};

struct iattr {
        unsigned int ia_valid;
        struct timespec64 ia_atime, ia_mtime;
};

struct sockaddr_un {
        unsigned short sun_family;
        char sun_path[108];
};

struct unix_address {
        int len;
        struct sockaddr_un name[0];
};

struct unix_sock {
        struct sock sk;
        struct unix_address *addr;
        struct path path;
        struct sock *peer;
};

struct netlink_sock {
        struct sock sk;
        __u32 portid, dst_portid, dst_group;
        unsigned long *groups;
};

struct vm_area_struct {
        unsigned long vm_flags;
        struct file *vm_file;
};

struct iovec {
        void *iov_base;
        unsigned long iov_len;
};

/* io_uring. Requests share their beginning with the structures of their operations. */
struct filename {
        const char *name;
};

struct io_cqe {
        int fd;
};

struct io_kiocb {
        struct file *file;
        __u8 opcode;
        __u64 flags;
        struct io_cqe cqe;
        struct cred *creds;
};

struct open_how {
        __u64 flags;
        __u64 mode;
};

struct io_open {
        int dfd;
        struct filename *filename;
        struct open_how how;
};

struct io_unlink {
        int dfd;
        int flags;
        struct filename *filename;
};

struct io_rename {
        int old_dfd, new_dfd;
        struct filename *oldpath, *newpath;
        int flags;
};

struct io_mkdir {
        int dfd;
        unsigned short mode;
        struct filename *filename;
};

struct io_link {
        int old_dfd, new_dfd;
        struct filename *oldpath, *newpath;
        int flags;
};

/* The same since 7.0, where names are known by a structure. */
struct delayed_filename {
        struct filename *__incomplete_filename;
};

struct io_open___delayed {
        struct delayed_filename filename;
};

struct io_unlink___delayed {
        struct delayed_filename filename;
};

struct io_rename___delayed {
        struct delayed_filename oldpath, newpath;
};

struct io_mkdir___delayed {
        struct delayed_filename filename;
};

struct io_link___delayed {
        struct delayed_filename oldpath, newpath;
};

struct kiocb {
        __s64 ki_pos;
};

struct io_rw {
        struct kiocb kiocb;
        __u64 addr;
        __u32 len;
};

struct io_sr_msg {
        void *umsg;
        void *buf;
        int len;
        unsigned int msg_flags;
};

struct io_connect {
        void *addr;
        int addr_len;
};

struct io_accept {
        int flags;
};

struct io_socket {
        int domain, type, protocol;
};

struct io_close {
        int fd;
        __u32 file_slot;                /* of a registered file, plus 1 */
};

struct xattr_name {
        char name[256];
};

struct kernel_xattr_ctx {               /* struct xattr_ctx before 6.13: members count */
        void *kvalue;
        unsigned long size;
        struct xattr_name *kname;
        unsigned int flags;
};

struct io_xattr {
        struct kernel_xattr_ctx ctx;
        struct filename *filename;
};

struct io_xattr___delayed {
        struct delayed_filename filename;
};


struct io_splice {
        __u64 len;
        int splice_fd_in;
};

struct io_ftrunc {
        __s64 len;
};

struct io_listen {
        int backlog;
};

struct module {
        char name[56];
        unsigned long taints;
};

struct bpf_map;

struct bpf_prog_aux {
        __u32 used_map_cnt;
        __u32 id;
        char name[16];
        struct bpf_map **used_maps;
};

/* One for each CPU. */
struct bpf_prog_stats {
        struct {
                __u64 v;
        } misses;
};

struct bpf_prog {
        enum bpf_prog_type type;
        enum bpf_attach_type expected_attach_type;
        struct bpf_prog_stats *stats;
        struct bpf_prog_aux *aux;
};

struct bpf_map {
        enum bpf_map_type map_type;
        __u32 id;
        char name[16];
};

/* As it is of a map with a value for each CPU. */
struct bpf_array {
        struct bpf_map map;
        void *pptrs[1];
};

struct kernel_siginfo;

struct seq_file;

struct bpf_iter_meta {
        struct seq_file *seq;
};

struct bpf_iter__task {
        struct bpf_iter_meta *meta;
        struct task_struct *task;
};

struct bpf_iter__bpf_prog {
        struct bpf_iter_meta *meta;
        struct bpf_prog *prog;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
        unsigned long di, si, dx, r10, r8, r9, bx, cx, bp, orig_ax, ip, sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
        __u64 regs[31];
        __u64 sp, pc;
        __u64 orig_x0;
        int syscallno;
};
#else
#error "Only x86-64 and arm64 are supported"
#endif

#pragma clang attribute pop

/* The context of the programs on system calls: laid out by the tracepoint's format, the same everywhere. */
struct syscall_exit {
        __u64 common;
        int nr;
        int pad;
        long ret;
};

struct syscall_enter {
        __u64 common;
        int nr;
        int pad;
        unsigned long args[6];
};
