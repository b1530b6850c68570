// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Security - the second tier: programs on the kernel's security hooks (BPF LSM), where such programs load.
 *
 * They allow everything. Each keeps what the kernel found under a name for the program at the end of the call
 * (resolved.bpf.h; of an exec in the task's state). `path_` hooks are called once by each call that names something,
 * with directory and mount, and not by file systems for what lies below them. Hooks that a kernel does not have are
 * left out. */
#include "resolved.bpf.h"

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
