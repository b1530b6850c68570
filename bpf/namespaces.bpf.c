// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Namespaces - mount, umount, pivot_root, chroot, unshare, setns: what a process sees of the system, and what others
 * will see. */
#include "call.bpf.h"
#include "text.bpf.h"

/* ---- mount ---- */

/* A mount that is named by the new descriptor of fsmount() or open_tree(): the kernel's own words for it. */
static __always_inline void mount_see(struct cpu *cpu, __u32 fd, bool source) {
        struct wire_mount *record = (void *)cpu->record;
        struct file *file = file_of(bpf_get_current_task_btf(), fd);
        struct vfsmount *mnt;
        struct mount *mount;

        SET(cpu, mount, fd, fd);
        if (!file)
                return;
        mnt = GET(file, f_path.mnt);
        mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
        if (source)
                text_append_kernel(cpu, &record->source, WIRE_BIT(mount, source), GET(mount, mnt_devname));
        text_append_kernel(cpu, &record->type, WIRE_BIT(mount, type), GET(GET(GET(mnt, mnt_sb), s_type), name));
}

static __noinline int mount_ended(const struct call *call) {
        struct given target = {
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(mount, target),
                .given_bit = WIRE_BIT(mount, given),
        };
        const void *source = NULL;
        struct wire_mount *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, mount);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        switch (call->id) {
        case WIRE_CALL_mount:
                source = (void *)call->args[0];
                target.user = (const char *)call->args[1];
                text_append(cpu, &record->type, WIRE_BIT(mount, type), (void *)call->args[2], WIRE_MAX_NAME);
                SET(cpu, mount, flags, call->args[3]);
                break;
        case WIRE_CALL_move_mount:
                source = (void *)call->args[1];
                target.directory = (int)call->args[2];
                target.user = (const char *)call->args[3];
                SET(cpu, mount, flags, (__u32)call->args[4]);
                break;
        case WIRE_CALL_fsmount:
                SET(cpu, mount, flags, (__u32)call->args[2]);
                if (call->result >= 0)
                        mount_see(cpu, call->result, true);
                break;
        case WIRE_CALL_open_tree:
                source = (void *)call->args[1];
                SET(cpu, mount, flags, (__u32)call->args[2]);
                if (call->result >= 0)
                        mount_see(cpu, call->result, false);
                break;
        default: /* mount_setattr() */
                target.directory = (int)call->args[0];
                target.user = (const char *)call->args[1];
                SET(cpu, mount, flags, (__u32)call->args[2]);
        }
        text_append(cpu, &record->source, WIRE_BIT(mount, source), source, WIRE_MAX_PATH);
        if (target.user)
                given_append(cpu, &target, &record->target, &record->given);
        return record_submit(cpu, WIRE_KIND_mount);
}

CALL_PROGRAM(exit_mount, mount_ended)

static __noinline int umount_ended(const struct call *call) {
        struct given target = {
                .user = (const char *)call->args[0],
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(umount, target),
                .given_bit = WIRE_BIT(umount, given),
        };
        struct wire_umount *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, umount);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, umount, flags, (__u32)call->args[1]);
        given_append(cpu, &target, &record->target, &record->given);
        return record_submit(cpu, WIRE_KIND_umount);
}

CALL_PROGRAM(exit_umount, umount_ended)

/* ---- roots ---- */

/* Names are completed as things stand at the end of the call: with the new root as `/`. */
static __noinline int pivot_root_ended(const struct call *call) {
        struct given root = {
                .user = (const char *)call->args[0],
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(pivot_root, pathname),
                .given_bit = WIRE_BIT(pivot_root, given),
        };
        struct given old = {
                .user = (const char *)call->args[1],
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(pivot_root, newpath),
                .given_bit = WIRE_BIT(pivot_root, newgiven),
        };
        struct wire_pivot_root *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, pivot_root);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        given_append(cpu, &root, &record->pathname, &record->given);
        given_append(cpu, &old, &record->newpath, &record->newgiven);
        return record_submit(cpu, WIRE_KIND_pivot_root);
}

CALL_PROGRAM(exit_pivot_root, pivot_root_ended)

static __noinline int chroot_ended(const struct call *call) {
        struct given name = {
                .user = (const char *)call->args[0],
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(chroot, pathname),
                .given_bit = WIRE_BIT(chroot, given),
        };
        struct fs_struct *fs = PART(bpf_get_current_task_btf(), fs);
        struct wire_chroot *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, chroot);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        if (call->result < 0)
                given_append(cpu, &name, &record->pathname, &record->given);
        else {
                /* The root is the directory now: the kernel's own. */
                path_append(cpu, &record->pathname, WIRE_BIT(chroot, pathname), fs->root.dentry, fs->root.mnt);
                text_append(cpu, &record->given, WIRE_BIT(chroot, given), name.user, WIRE_MAX_PATH);
        }
        return record_submit(cpu, WIRE_KIND_chroot);
}

CALL_PROGRAM(exit_chroot, chroot_ended)

/* ---- unshare, setns ---- */

/* Also while `credchange` is wanted: who enters a namespace of users gets its capabilities. */
static __noinline int namespaces_begin(const struct call *call) {
        struct begun *begun;

        credentials_watch();
        begun = call_begin(call);
        if (begun)
                namespaces_see_next(bpf_get_current_task_btf(), &begun->namespaces);
        return 0;
}

ENTER_PROGRAM(enter_namespaces, namespaces_begin)

static __noinline int unshare_ended(const struct call *call) {
        struct begun *begun = call_begun(call);
        struct namespaces now = {};
        struct wire_unshare *record;
        struct cpu *cpu;

        credentials_follow();
        cpu = RARE_RECORD(call, unshare);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, unshare, flags, call->args[0]);
        namespaces_see_next(bpf_get_current_task_btf(), &now);
        namespaces_put(cpu, &record->ns_mnt, WIRE_BIT(unshare, ns_mnt), &now);
        if (begun)
                namespaces_put(cpu, &record->old_ns_mnt, WIRE_BIT(unshare, old_ns_mnt), &begun->namespaces);
        return record_submit(cpu, WIRE_KIND_unshare);
}

CALL_PROGRAM(exit_unshare, unshare_ended)

static __noinline int setns_ended(const struct call *call) {
        struct begun *begun = call_begun(call);
        struct namespaces now = {};
        struct wire_setns *record;
        struct cpu *cpu;

        credentials_follow();
        cpu = RARE_RECORD(call, setns);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, setns, fd, (int)call->args[0]);
        SET(cpu, setns, flags, (__u32)call->args[1]);
        namespaces_see_next(bpf_get_current_task_btf(), &now);
        namespaces_put(cpu, &record->ns_mnt, WIRE_BIT(setns, ns_mnt), &now);
        if (begun)
                namespaces_put(cpu, &record->old_ns_mnt, WIRE_BIT(setns, old_ns_mnt), &begun->namespaces);
        return record_submit(cpu, WIRE_KIND_setns);
}

CALL_PROGRAM(exit_setns, setns_ended)
