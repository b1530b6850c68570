// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names - unlink, rename: what a call did with names in directories. */
#include "call.bpf.h"

/* ---- unlink ---- */

static __noinline int unlink_ended(const struct call *call) {
        struct given name = {
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(unlink, pathname),
                .given_bit = WIRE_BIT(unlink, given),
        };
        struct wire_unlink *record;
        __u32 flags = 0;
        struct cpu *cpu;

        if (!call_wanted(call, WIRE_KIND_unlink))
                return 0;
        if (call->id == WIRE_CALL_unlinkat) {
                name.directory = (int)call->args[0];
                name.user = (const char *)call->args[1];
                flags = call->args[2];
        } else {
                name.user = (const char *)call->args[0];
                flags = call->id == WIRE_CALL_rmdir ? AT_REMOVEDIR : 0;
        }
        cpu = call_record(call, WIRE_KIND_unlink, sizeof(struct wire_unlink));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, unlink, flags, flags);
        given_append(cpu, &name, &record->pathname, &record->given);
        SET_RESOLVED(cpu, unlink, file, resolved_of(bpf_get_current_task_btf()), 0);
        return record_submit(cpu, WIRE_KIND_unlink);
}

CALL_PROGRAM(exit_unlink, unlink_ended)

/* ---- rename ---- */

static __noinline int rename_ended(const struct call *call) {
        struct given from = {
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(rename, pathname),
                .given_bit = WIRE_BIT(rename, given),
        };
        struct given to = {
                .directory = AT_FDCWD,
                .which = 1,
                .path_bit = WIRE_BIT(rename, newpath),
                .given_bit = WIRE_BIT(rename, newgiven),
        };
        struct cpu *cpu, *resolved;
        struct wire_rename *record;
        __u32 flags = 0;

        if (!call_wanted(call, WIRE_KIND_rename))
                return 0;
        if (call->id == WIRE_CALL_rename) {
                from.user = (const char *)call->args[0];
                to.user = (const char *)call->args[1];
        } else {
                from.directory = (int)call->args[0];
                from.user = (const char *)call->args[1];
                to.directory = (int)call->args[2];
                to.user = (const char *)call->args[3];
                if (call->id == WIRE_CALL_renameat2)
                        flags = call->args[4];
        }
        cpu = call_record(call, WIRE_KIND_rename, sizeof(struct wire_rename));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, rename, flags, flags);
        given_append(cpu, &from, &record->pathname, &record->given);
        given_append(cpu, &to, &record->newpath, &record->newgiven);
        resolved = resolved_of(bpf_get_current_task_btf());
        SET_RESOLVED(cpu, rename, file, resolved, 0);
        SET_RESOLVED(cpu, rename, replaced, resolved, 1);
        return record_submit(cpu, WIRE_KIND_rename);
}

CALL_PROGRAM(exit_rename, rename_ended)
