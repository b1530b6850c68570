// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Attributes - chmod: what a call did with the properties of a file. */
#include "call.bpf.h"

/* ---- chmod ---- */

static __always_inline void chmod_descriptor(struct cpu *cpu, __u32 fd) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct wire_chmod *record = (void *)cpu->record;
        struct file *file = file_of(task, fd);
        struct seen seen = {};

        if (files_are_shared(task))
                cpu->header.flags |= WIRE_RACED;
        if (!file)
                return;
        see_file(file, &seen);
        SET(cpu, chmod, file, seen.object);
        if (has_path(seen.type))
                path_append(cpu, &record->pathname, WIRE_BIT(chmod, pathname), GET(file, f_path.dentry),
                            GET(file, f_path.mnt));
}

static __noinline int chmod_ended(const struct call *call) {
        struct given name = {
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(chmod, pathname),
                .given_bit = WIRE_BIT(chmod, given),
        };
        struct cpu *cpu, *resolved;
        struct wire_chmod *record;
        bool descriptor = false;
        __u32 mode;

        if (!call_wanted(call, WIRE_KIND_chmod))
                return 0;
        if (call->id == WIRE_CALL_fchmodat || call->id == WIRE_CALL_fchmodat2) {
                char first = 1;

                name.directory = (int)call->args[0];
                name.user = (const char *)call->args[1];
                mode = call->args[2];
                /* With an empty name and AT_EMPTY_PATH it is fchmod(). */
                if (call->id == WIRE_CALL_fchmodat2 && call->args[3] & AT_EMPTY_PATH &&
                    bpf_probe_read_user(&first, 1, name.user) == 0 && !first)
                        descriptor = true;
        } else {
                name.user = (const char *)call->args[0];
                mode = call->args[1];
                descriptor = call->id == WIRE_CALL_fchmod;
                if (descriptor)
                        name.directory = (int)call->args[0];
        }
        cpu = call_record(call, WIRE_KIND_chmod, sizeof(struct wire_chmod));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, chmod, mode, mode & 07777);
        if (descriptor)
                chmod_descriptor(cpu, name.directory);
        else
                given_append(cpu, &name, &record->pathname, &record->given);
        resolved = resolved_of(bpf_get_current_task_btf());
        SET_RESOLVED(cpu, chmod, file, resolved, 0);
        if (resolved && resolved->resolved.has_object)
                SET(cpu, chmod, old_mode, resolved->resolved.mode);
        return record_submit(cpu, WIRE_KIND_chmod);
}

CALL_PROGRAM(exit_chmod, chmod_ended)
