// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Names - unlink, rename, link, symlink, mkdir, truncate: what a call did with names in directories. */
#include "named.bpf.h"

/* ---- unlink ---- */

static __always_inline void unlink_passed(const struct call *call, struct passed *passed) {
        if (call->id == WIRE_CALL_unlinkat)
                passed_path(passed, call->args[0], call->args[1]);
        else
                passed_path(passed, AT_FDCWD, call->args[0]);
}

static __noinline int unlink_ended(const struct call *call) {
        struct named *named = named_begun(call);
        struct given given = {
                .path_bit = WIRE_BIT(unlink, pathname),
                .given_bit = WIRE_BIT(unlink, given),
        };
        struct wire_unlink *record;
        struct cpu *cpu;

        if (!named || !call_wanted(call, WIRE_KIND_unlink))
                return 0;
        unlink_passed(call, &named->passed);
        cpu = call_record(call, WIRE_KIND_unlink, sizeof(struct wire_unlink));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, unlink, flags,
            call->id == WIRE_CALL_unlinkat    ? (__u32)call->args[2]
                    : call->id == WIRE_CALL_rmdir ? AT_REMOVEDIR
                                                  : 0);
        given.user = named->passed.first;
        given.directory = named->passed.directory;
        given_append(cpu, &given, &record->pathname, &record->given);
        SET_RESOLVED(cpu, unlink, file, resolved_for(cpu), 0);
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_unlink);
}

CALL_PROGRAM(exit_unlink, unlink_ended)
KEEP_PROGRAM(unlink)

/* ---- rename ---- */

static __always_inline void rename_passed(const struct call *call, struct passed *passed) {
        if (call->id == WIRE_CALL_rename) {
                passed_path(passed, AT_FDCWD, call->args[0]);
                passed->second = (const char *)call->args[1];
        } else {
                passed_path(passed, call->args[0], call->args[1]);
                passed->second = (const char *)call->args[3];
        }
}

static __noinline int rename_ended(const struct call *call) {
        struct named *named = named_begun(call);
        struct given given = {
                .path_bit = WIRE_BIT(rename, pathname),
                .given_bit = WIRE_BIT(rename, given),
        };
        struct cpu *cpu, *resolved;
        struct wire_rename *record;

        if (!named || !call_wanted(call, WIRE_KIND_rename))
                return 0;
        rename_passed(call, &named->passed);
        cpu = call_record(call, WIRE_KIND_rename, sizeof(struct wire_rename));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, rename, flags, call->id == WIRE_CALL_renameat2 ? (__u32)call->args[4] : 0);
        given.user = named->passed.first;
        given.directory = named->passed.directory;
        given_append(cpu, &given, &record->pathname, &record->given);
        given.user = named->passed.second;
        given.directory = call->id == WIRE_CALL_rename ? AT_FDCWD : (int)call->args[2];
        given.which = 1;
        given.path_bit = WIRE_BIT(rename, newpath);
        given.given_bit = WIRE_BIT(rename, newgiven);
        given_append(cpu, &given, &record->newpath, &record->newgiven);
        resolved = resolved_for(cpu);
        SET_RESOLVED(cpu, rename, file, resolved, 0);
        SET_RESOLVED(cpu, rename, replaced, resolved, 1);
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_rename);
}

CALL_PROGRAM(exit_rename, rename_ended)
KEEP_PROGRAM(rename)

/* ---- link ---- */

static __always_inline void link_passed(const struct call *call, struct passed *passed) {
        if (call->id == WIRE_CALL_link) {
                passed_path(passed, AT_FDCWD, call->args[0]);
                passed->second = (const char *)call->args[1];
        } else {
                passed_path(passed, call->args[0], call->args[1]);
                passed->second = (const char *)call->args[3];
                passed_empty(call, passed, call->args[4]);
        }
}

/* Not static: see path_walk(). */
__noinline int link_tell(const struct call *call, struct named *named) {
        struct given given = {
                .which = 1,
                .path_bit = WIRE_BIT(link, newpath),
                .given_bit = WIRE_BIT(link, newgiven),
        };
        struct wire_link *record;
        struct cpu *cpu;

        if (!call || !named)
                return 0;
        cpu = call_record(call, WIRE_KIND_link, sizeof(struct wire_link));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, link, flags, call->id == WIRE_CALL_link ? 0 : (__u32)call->args[4]);
        named_append(cpu, named, &record->pathname, &record->given, &record->file);
        given.user = named->passed.second;
        given.directory = call->id == WIRE_CALL_link ? AT_FDCWD : (int)call->args[2];
        given_append(cpu, &given, &record->newpath, &record->newgiven);
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_link);
}

static __always_inline int link_ended(const struct call *call) {
        struct named *named = named_begun(call);

        if (!named || !call_wanted(call, WIRE_KIND_link))
                return 0;
        named->places = (struct places)PLACES(link);
        link_passed(call, &named->passed);
        return named_tell(call, named, link_tell);
}

CALL_PROGRAM(exit_link, link_ended)
KEEP_PROGRAM(link)

/* ---- symlink ---- */

static __always_inline void symlink_passed(const struct call *call, struct passed *passed) {
        passed->first = (const char *)call->args[0];
        passed->second = (const char *)call->args[call->id == WIRE_CALL_symlink ? 1 : 2];
}

static __noinline int symlink_ended(const struct call *call) {
        struct named *named = named_begun(call);
        struct given given = {
                .directory = call->id == WIRE_CALL_symlink ? AT_FDCWD : (int)call->args[1],
                .path_bit = WIRE_BIT(symlink, pathname),
                .given_bit = WIRE_BIT(symlink, given),
        };
        struct wire_symlink *record;
        struct cpu *cpu;

        if (!named || !call_wanted(call, WIRE_KIND_symlink))
                return 0;
        symlink_passed(call, &named->passed);
        cpu = call_record(call, WIRE_KIND_symlink, sizeof(struct wire_symlink));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        string_append(cpu, named->passed.first, &record->target, WIRE_BIT(symlink, target));
        given.user = named->passed.second;
        given_append(cpu, &given, &record->pathname, &record->given);
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_symlink);
}

CALL_PROGRAM(exit_symlink, symlink_ended)
KEEP_PROGRAM(symlink)

/* ---- mkdir ---- */

static __always_inline bool is_relative_to(const struct call *call) {
        return call->id == WIRE_CALL_mkdirat || call->id == WIRE_CALL_mknodat;
}

static __always_inline void mkdir_passed(const struct call *call, struct passed *passed) {
        if (is_relative_to(call))
                passed_path(passed, call->args[0], call->args[1]);
        else
                passed_path(passed, AT_FDCWD, call->args[0]);
}

static __always_inline void mkdir_numbers(struct cpu *cpu, const struct call *call) {
        bool relative = is_relative_to(call);
        __u32 mode = (__u16)call->args[relative ? 2 : 1];
        __u32 device = call->args[relative ? 3 : 2];

        if (call->id == WIRE_CALL_mkdir || call->id == WIRE_CALL_mkdirat) {
                SET(cpu, mkdir, mode, S_IFDIR | (mode & 07777));
                return;
        }
        if (!(mode & S_IFMT))
                mode |= S_IFREG;        /* as the kernel does */
        SET(cpu, mkdir, mode, mode);
        /* The number as programs pass it has other bits than the kernel's. */
        if ((mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK)
                SET(cpu, mkdir, device,
                    (__u64)(device & 0xfff00) >> 8 << 20 | (device & 0xff) | (device >> 12 & 0xfff00));
}

static __noinline int mkdir_ended(const struct call *call) {
        struct named *named = named_begun(call);
        struct given given = {
                .path_bit = WIRE_BIT(mkdir, pathname),
                .given_bit = WIRE_BIT(mkdir, given),
        };
        struct wire_mkdir *record;
        struct cpu *cpu;

        if (!named || !call_wanted(call, WIRE_KIND_mkdir))
                return 0;
        mkdir_passed(call, &named->passed);
        cpu = call_record(call, WIRE_KIND_mkdir, sizeof(struct wire_mkdir));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        mkdir_numbers(cpu, call);
        given.user = named->passed.first;
        given.directory = named->passed.directory;
        given_append(cpu, &given, &record->pathname, &record->given);
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_mkdir);
}

CALL_PROGRAM(exit_mkdir, mkdir_ended)
KEEP_PROGRAM(mkdir)

/* ---- truncate ---- */

static __always_inline void truncate_passed(const struct call *call, struct passed *passed) {
        if (call->id == WIRE_CALL_ftruncate)
                passed_descriptor(passed, call->args[0]);
        else
                passed_path(passed, AT_FDCWD, call->args[0]);
}

/* Not static: see path_walk(). */
__noinline int truncate_tell(const struct call *call, struct named *named) {
        struct wire_truncate *record;
        struct cpu *cpu;

        if (!call || !named)
                return 0;
        cpu = call_record(call, WIRE_KIND_truncate, sizeof(struct wire_truncate));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, truncate, length, call->args[1]);
        if (call->id == WIRE_CALL_ftruncate)
                SET(cpu, truncate, fd, named->passed.directory);
        named_append(cpu, named, &record->pathname, &record->given, &record->file);
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_truncate);
}

static __always_inline int truncate_ended(const struct call *call) {
        struct named *named = named_begun(call);

        if (!named || !call_wanted(call, WIRE_KIND_truncate))
                return 0;
        named->places = (struct places)PLACES(truncate);
        truncate_passed(call, &named->passed);
        return named_tell(call, named, truncate_tell);
}

CALL_PROGRAM(exit_truncate, truncate_ended)
KEEP_PROGRAM(truncate)
