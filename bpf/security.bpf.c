// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Security - the second tier: programs on the kernel's security hooks, as BPF LSM or by fentry on what calls the hook,
 * where such programs load. Both have the same arguments, and the daemon chooses (capture/tier.h).
 *
 * They allow everything. Each keeps what the kernel found under a name for the program at the end of the call
 * (resolved.bpf.h; of an exec in the task's state). `path_` hooks are called once by each call that names something,
 * with directory and mount, and not by file systems for what lies below them. Hooks that a kernel does not have are
 * left out. */
#include "resolved.bpf.h"
#include "socket.bpf.h"

SEC("lsm/path_unlink")
int BPF_PROG(on_path_unlink, const struct path *directory, struct dentry *dentry) {
        struct cpu *cpu = resolve_begin(WIRE_KIND_unlink);

        if (cpu) {
                resolve_object(cpu, 0, dentry);
                resolve_name(cpu, 0, dentry, directory->mnt);
        }
        return 0;
}

SEC("lsm/path_rmdir")
int BPF_PROG(on_path_rmdir, const struct path *directory, struct dentry *dentry) {
        struct cpu *cpu = resolve_begin(WIRE_KIND_unlink);

        if (cpu) {
                resolve_object(cpu, 0, dentry);
                resolve_name(cpu, 0, dentry, directory->mnt);
        }
        return 0;
}

/* With RENAME_EXCHANGE it is called twice, the second time as it was meant. */
SEC("lsm/path_rename")
int BPF_PROG(on_path_rename, const struct path *directory, struct dentry *dentry, const struct path *new_directory,
             struct dentry *new_dentry) {
        struct cpu *cpu = resolve_begin(WIRE_KIND_rename);

        if (cpu) {
                resolve_object(cpu, 0, dentry);
                resolve_object(cpu, 1, new_dentry);
                resolve_name(cpu, 0, dentry, directory->mnt);
                resolve_name(cpu, 1, new_dentry, new_directory->mnt);
        }
        return 0;
}

/* The old name has the mount of the new one: links do not cross them. */
SEC("lsm/path_link")
int BPF_PROG(on_path_link, struct dentry *dentry, const struct path *new_directory, struct dentry *new_dentry) {
        struct cpu *cpu = resolve_begin(WIRE_KIND_link);

        if (cpu) {
                resolve_object(cpu, 0, dentry);
                resolve_name(cpu, 0, dentry, new_directory->mnt);
                resolve_name(cpu, 1, new_dentry, new_directory->mnt);
        }
        return 0;
}

/* What is made has a name and is no object yet. */
static __always_inline int see_new(enum wire_kind kind, const struct path *directory, struct dentry *dentry) {
        struct cpu *cpu = resolve_begin(kind);

        if (cpu)
                resolve_name(cpu, 0, dentry, directory->mnt);
        return 0;
}

SEC("lsm/path_symlink")
int BPF_PROG(on_path_symlink, const struct path *directory, struct dentry *dentry) {
        return see_new(WIRE_KIND_symlink, directory, dentry);
}

SEC("lsm/path_mkdir")
int BPF_PROG(on_path_mkdir, const struct path *directory, struct dentry *dentry) {
        return see_new(WIRE_KIND_mkdir, directory, dentry);
}

SEC("lsm/path_mknod")
int BPF_PROG(on_path_mknod, const struct path *directory, struct dentry *dentry) {
        return see_new(WIRE_KIND_mkdir, directory, dentry);
}

/* A file that is there, by the path that the name led to: symbolic links are followed. */
static __always_inline int see_path(enum wire_kind kind, const struct path *path) {
        struct cpu *cpu = resolve_begin(kind);

        if (cpu) {
                resolve_object(cpu, 0, path->dentry);
                resolve_name(cpu, 0, path->dentry, path->mnt);
        }
        return 0;
}

SEC("lsm/path_chmod")
int BPF_PROG(on_path_chmod, const struct path *path) {
        return see_path(WIRE_KIND_chmod, path);
}

SEC("lsm/path_chown")
int BPF_PROG(on_path_chown, const struct path *path) {
        return see_path(WIRE_KIND_chown, path);
}

SEC("lsm/path_truncate")
int BPF_PROG(on_path_truncate, const struct path *path) {
        return see_path(WIRE_KIND_truncate, path);
}

/* The file that an exec names; called again for each interpreter. It is gone when the exec is told. */
SEC("lsm/bprm_check_security")
int BPF_PROG(on_bprm_check, struct linux_binprm *bprm) {
        struct task_state *state;
        struct seen seen = {};

        if (PART(bprm, interp) != PART(bprm, filename))
                return 0;
        state = state_of(bpf_get_current_task_btf(), true);
        if (!state)
                return 0;
        seen.inode = GET(PART(bprm, file), f_inode);
        see(&seen);
        state->script = seen.object;
        state->has_script = 1;
        return 0;
}

/* What is opened, where another thread could put something else in its place before the call ends. */
SEC("lsm/file_open")
int BPF_PROG(on_file_open, struct file *file) {
        __u64 any = flags_any[WIRE_KIND_openat];
        struct cpu *cpu;

        if (!wants[WIRE_KIND_openat] || !files_are_shared(bpf_get_current_task_btf()))
                return 0;
        if (any && !(file->f_flags & any))
                return 0;
        if (file->f_mode & FMODE_NOACCOUNT)
                return 0;               /* a file system's own, of what lies below it */
        cpu = resolve_begin(WIRE_KIND_openat);
        if (cpu)
                resolve_opened(cpu, file);
        return 0;
}

/* ---- extended attributes and times: no directory and no mount here, the object alone ---- */

SEC("lsm/inode_setxattr")
int BPF_PROG(on_inode_setxattr, void *idmap, struct dentry *dentry, const char *name, const void *value, __u64 size) {
        struct cpu *cpu = resolve_begin_once(WIRE_KIND_setxattr);
        const void *bytes = NULL;

        if (!cpu)
                return 0;
        resolve_object(cpu, 0, dentry);
        resolve_text(cpu, name);
        cpu->resolved.size = size;
        /* The verifier of 6.1 knows pointers to void, and none to const void: past it, as memory. */
        bpf_probe_read_kernel(&bytes, sizeof(bytes), ctx + 3);
        __builtin_memset(cpu->resolved.value, 0, sizeof(cpu->resolved.value));
        if (size > 24)
                size = 24;
        BOUND(size, 31);
        bpf_probe_read_kernel(cpu->resolved.value, size, bytes);
        return 0;
}

SEC("lsm/inode_removexattr")
int BPF_PROG(on_inode_removexattr, void *idmap, struct dentry *dentry, const char *name) {
        struct cpu *cpu = resolve_begin_once(WIRE_KIND_setxattr);

        if (cpu) {
                resolve_object(cpu, 0, dentry);
                resolve_text(cpu, name);
        }
        return 0;
}

#define ATTR_OTHER 0x000f               /* mode, owners, size: calls of other kinds */
#define ATTR_TIMES 0x0030               /* atime, mtime */
#define ATTR_ATIME_SET 0x0080
#define ATTR_MTIME_SET 0x0100
#define NSEC_PER_SECOND 1000000000L

/* Called by all that changes an inode's attributes. Its arguments have changed: on Linux 6.1 as BPF LSM without the
 * first of three. */
SEC("lsm/inode_setattr")
int on_inode_setattr(__u64 *context) {
        struct dentry *dentry;
        struct iattr *attr;
        struct cpu *cpu;
        __u32 valid;

        /* Places in the context have to be constants, and clang would make one access of two. */
        if (setattr_dentry) {
                dentry = (void *)context[1];
                OPAQUE(dentry);
                attr = (void *)context[2];
                OPAQUE(attr);
        } else {
                dentry = (void *)context[0];
                OPAQUE(dentry);
                attr = (void *)context[1];
                OPAQUE(attr);
        }
        valid = GET(attr, ia_valid);
        if (!(valid & ATTR_TIMES) || valid & ATTR_OTHER)
                return 0;
        cpu = resolve_begin_once(WIRE_KIND_utimes);
        if (!cpu)
                return 0;
        resolve_object(cpu, 0, dentry);
        if (valid & ATTR_ATIME_SET) {
                cpu->resolved.atime = GET(attr, ia_atime.tv_sec) * NSEC_PER_SECOND + GET(attr, ia_atime.tv_nsec);
                cpu->resolved.has_times |= 1;
        }
        if (valid & ATTR_MTIME_SET) {
                cpu->resolved.mtime = GET(attr, ia_mtime.tv_sec) * NSEC_PER_SECOND + GET(attr, ia_mtime.tv_nsec);
                cpu->resolved.has_times |= 2;
        }
        return 0;
}

/* ---- addresses ---- */

/* The kernel's copy, whatever becomes of the call. */
static __always_inline int keep_address(
                enum wire_kind kind, struct socket *socket, const void *from, __u32 size) {
        __u64 id = bpf_get_current_pid_tgid();
        struct address address = {};
        struct seen seen = {};
        struct sock *sk;

        if (!wants[kind] || is_self(bpf_get_current_task_btf()))
                return 0;
        seen.file = GET(socket, file);
        if (!seen.file || size > ADDRESS_BYTES)
                return 0;
        see(&seen);
        sk = GET(socket, sk);
        address.socket = seen.object;
        address.family = GET(sk, __sk_common.skc_family);
        address.type = GET(socket, type);
        address.protocol = GET(sk, sk_protocol);
        address.number = this_call_number();
        address.size = size;
        BOUND(size, 2 * ADDRESS_BYTES - 1);
        if (size > ADDRESS_BYTES || bpf_probe_read_kernel(address.bytes, size, from) < 0)
                return 0;
        bpf_map_update_elem(&addresses, &id, &address, BPF_ANY);
        return 0;
}

SEC("lsm/socket_connect")
int BPF_PROG(on_socket_connect, struct socket *socket, struct sockaddr *address, int size) {
        return keep_address(WIRE_KIND_connect, socket, address, size);
}

SEC("lsm/socket_bind")
int BPF_PROG(on_socket_bind, struct socket *socket, struct sockaddr *address, int size) {
        return keep_address(WIRE_KIND_bind, socket, address, size);
}
