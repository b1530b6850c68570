// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Attributes - chmod, chown, setxattr, utimes: what a call did with the properties of a file. */
#include "named.bpf.h"

/* ---- chmod ---- */

static __always_inline void chmod_passed(const struct call *call, struct passed *passed) {
        if (call->id == WIRE_CALL_fchmod)
                passed_descriptor(passed, call->args[0]);
        else if (call->id == WIRE_CALL_chmod)
                passed_path(passed, AT_FDCWD, call->args[0]);
        else {
                passed_path(passed, call->args[0], call->args[1]);
                if (call->id == WIRE_CALL_fchmodat2)
                        passed_empty(call, passed, call->args[3]);
        }
}

/* Not static: see path_walk(). */
__noinline int chmod_tell(const struct call *call, struct named *named) {
        struct wire_chmod *record;
        struct cpu *cpu;

        if (!call || !named)
                return 0;
        cpu = call_record(call, WIRE_KIND_chmod, sizeof(struct wire_chmod));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, chmod, mode,
            call->args[call->id == WIRE_CALL_chmod || call->id == WIRE_CALL_fchmod ? 1 : 2] & 07777);
        if (named_append(cpu, named, &record->pathname, &record->given, &record->file))
                SET(cpu, chmod, old_mode, named->begun.mode);
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_chmod);
}

static __always_inline int chmod_ended(const struct call *call) {
        struct named *named = named_begun(call);

        if (!named || !call_wanted(call, WIRE_KIND_chmod))
                return 0;
        named->places = (struct places)PLACES(chmod);
        chmod_passed(call, &named->passed);
        return named_tell(call, named, chmod_tell);
}

CALL_PROGRAM(exit_chmod, chmod_ended)
KEEP_PROGRAM(chmod)

/* ---- chown ---- */

static __always_inline void chown_passed(const struct call *call, struct passed *passed) {
        if (call->id == WIRE_CALL_fchown)
                passed_descriptor(passed, call->args[0]);
        else if (call->id == WIRE_CALL_fchownat) {
                passed_path(passed, call->args[0], call->args[1]);
                passed_empty(call, passed, call->args[4]);
        } else
                passed_path(passed, AT_FDCWD, call->args[0]);
}

/* The ids of a call are those of the caller's user namespace; the kernel keeps a map from each to the first one: up to
 * five ranges in place. False: there are more, or none has it. */
static __noinline bool id_of_host(struct uid_gid_map *map, __u32 id, __s64 *ret) {
        struct {
                __u32 first, host, count;
        } ranges[5] = {};
        __u32 n = GET(map, nr_extents);

        if (n > 5 || bpf_probe_read_kernel(ranges, sizeof(ranges),
                                           (void *)map + bpf_core_field_offset(struct uid_gid_map, extent)) < 0)
                return false;
        for (int i = 0; i < 5; i++)
                if (i < n && id - ranges[i].first < ranges[i].count) {
                        *ret = ranges[i].host + (id - ranges[i].first);
                        return true;
                }
        return false;
}

static __always_inline void chown_numbers(struct cpu *cpu, __u32 uid, __u32 gid) {
        struct user_namespace *ns = PART(PART(bpf_get_current_task_btf(), cred), user_ns);
        bool first = GET(ns, level) == 0;
        __s64 id;

        id = uid == (__u32)-1 ? -1 : (__s64)uid;
        if (id < 0 || first || id_of_host(&ns->uid_map, uid, &id))
                SET(cpu, chown, uid, id);
        id = gid == (__u32)-1 ? -1 : (__s64)gid;
        if (id < 0 || first || id_of_host(&ns->gid_map, gid, &id))
                SET(cpu, chown, gid, id);
}

/* Not static: see path_walk(). */
__noinline int chown_tell(const struct call *call, struct named *named) {
        struct wire_chown *record;
        struct cpu *cpu;

        if (!call || !named)
                return 0;
        cpu = call_record(call, WIRE_KIND_chown, sizeof(struct wire_chown));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        if (call->id == WIRE_CALL_fchownat)
                chown_numbers(cpu, call->args[2], call->args[3]);
        else
                chown_numbers(cpu, call->args[1], call->args[2]);
        if (named_append(cpu, named, &record->pathname, &record->given, &record->file)) {
                SET(cpu, chown, old_uid, named->begun.uid);
                SET(cpu, chown, old_gid, named->begun.gid);
        }
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_chown);
}

static __always_inline int chown_ended(const struct call *call) {
        struct named *named = named_begun(call);

        if (!named || !call_wanted(call, WIRE_KIND_chown))
                return 0;
        named->places = (struct places)PLACES(chown);
        chown_passed(call, &named->passed);
        return named_tell(call, named, chown_tell);
}

CALL_PROGRAM(exit_chown, chown_ended)
KEEP_PROGRAM(chown)

/* ---- setxattr ---- */

/* What setxattrat() reads from memory. */
struct xattr_args {
        __u64 value;
        __u32 size, flags;
};

#define VFS_CAP_BYTES 24                /* struct vfs_cap_data at its largest */

static __always_inline bool is_removal(const struct call *call) {
        return call->id >= WIRE_CALL_removexattr && call->id <= WIRE_CALL_removexattrat;
}

/* Of a value no more is read than what is told. */
static __always_inline void passed_value(struct passed *passed, __u64 value, __u64 size) {
        __u32 most = content_wanted(WIRE_KIND_setxattr);

        if (most < VFS_CAP_BYTES)
                most = VFS_CAP_BYTES;
        passed->bytes = (const void *)value;
        passed->n_bytes = size < most ? size : most;
}

static __always_inline void setxattr_passed(const struct call *call, struct passed *passed) {
        struct xattr_args args = {};

        switch (call->id) {
        case WIRE_CALL_setxattrat:
        case WIRE_CALL_removexattrat:
                passed_path(passed, call->args[0], call->args[1]);
                passed->second = (const char *)call->args[3];
                passed_empty(call, passed, call->args[2]);
                if (call->id == WIRE_CALL_setxattrat &&
                    bpf_probe_read_user(&args, sizeof(args), (const void *)call->args[4]) == 0)
                        passed_value(passed, args.value, args.size);
                return;
        case WIRE_CALL_fsetxattr:
        case WIRE_CALL_fremovexattr:
                passed_descriptor(passed, call->args[0]);
                break;
        default:
                passed_path(passed, AT_FDCWD, call->args[0]);
        }
        passed->second = (const char *)call->args[1];
        if (!is_removal(call))
                passed_value(passed, call->args[2], call->args[3]);
}

/* The permitted set of struct vfs_cap_data, in any of its revisions. */
static __always_inline void setxattr_caps(struct cpu *cpu, const char *value, __u64 size, __u64 user) {
        __u32 revision = *(__u32 *)value >> 24;
        __u64 caps = *(__u32 *)(value + 4);

        if ((revision == 2 && size == 20) || (revision == 3 && size == 24))
                caps |= (__u64) * (__u32 *)(value + 12) << 32;
        else if (revision != 1 || size != 12)
                return;
        SET(cpu, setxattr, caps, caps);
        cpu->header.user &= ~WIRE_BIT(setxattr, caps);
        cpu->header.user |= user;
}

static __always_inline bool is_capability(const char *name, __u32 length) {
        return length == 19 && *(__u64 *)name == 0x7974697275636573ULL /* "security", low byte first */ &&
                *(__u64 *)(name + 8) == 0x6c6962617061632eULL /* ".capabil" */ &&
                (*(__u32 *)(name + 16) & 0xffffff) == 0x797469;         /* "ity" */
}

static __always_inline void setxattr_value(struct cpu *cpu, const struct call *call, const struct passed *passed) {
        struct wire_setxattr *record = (void *)cpu->record;
        __u32 n = passed->n_bytes, offset = 0, name = record->name.offset, wanted = content_wanted(WIRE_KIND_setxattr);
        __u64 size = call->args[3];
        const char *value;

        if (call->id == WIRE_CALL_setxattrat) {
                struct xattr_args args = {};

                if (!passed->bytes || bpf_probe_read_user(&args, sizeof(args), (const void *)call->args[4]) < 0)
                        return;
                size = args.size;
                cpu->header.user |= WIRE_BIT(setxattr, size);
        }
        SET(cpu, setxattr, size, size);
        if (!passed->bytes || record_room(cpu, 2 * WIRE_MAX_CONTENT, &offset) < 2 * WIRE_MAX_CONTENT)
                return;
        BOUND(n, 2 * WIRE_MAX_CONTENT - 1);
        if ((cpu->request.active ? bpf_probe_read_kernel(record_at(cpu, offset), n, passed->bytes)
                                 : bpf_probe_read_user(record_at(cpu, offset), n, passed->bytes)) < 0)
                return;
        digest_add(cpu, offset, n);
        value = record_at(cpu, offset);
        if (cpu->header.known & WIRE_BIT(setxattr, name) && is_capability(record_at(cpu, name), record->name.length))
                setxattr_caps(cpu, value, size, WIRE_BIT(setxattr, caps));

        if (!wanted)
                return;
        if (wanted > n)
                wanted = n;
        BOUND(wanted, 2 * WIRE_MAX_CONTENT - 1);
        cpu->used = offset + wanted;
        record->value.offset = offset;
        record->value.length = wanted;
        cpu->header.known |= WIRE_BIT(setxattr, value);
        cpu->header.user |= WIRE_BIT(setxattr, value);
        if (wanted < size)
                cpu->header.cut |= WIRE_BIT(setxattr, value);
}

/* Not static: see path_walk(). */
__noinline int setxattr_tell(const struct call *call, struct named *named) {
        struct wire_setxattr *record;
        struct cpu *cpu, *kept;

        if (!call || !named)
                return 0;
        cpu = call_record(call, WIRE_KIND_setxattr, sizeof(struct wire_setxattr));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, setxattr, removed, is_removal(call));
        named_append(cpu, named, &record->pathname, &record->given, &record->file);
        kept = resolved_for(cpu);
        if (kept && resolved_append(cpu, 1, &record->name, WIRE_BIT(setxattr, name)))
                digest_add(cpu, record->name.offset, record->name.length);
        else
                string_append(cpu, named->passed.second, &record->name, WIRE_BIT(setxattr, name));
        if (!is_removal(call))
                setxattr_value(cpu, call, &named->passed);
        if (kept && !is_removal(call) && kept->resolved.has_object) {
                __u32 name = record->name.offset;

                SET(cpu, setxattr, size, kept->resolved.size);
                cpu->header.user &= ~WIRE_BIT(setxattr, size);
                if (is_capability(record_at(cpu, name), record->name.length))
                        setxattr_caps(cpu, kept->resolved.value, kept->resolved.size, 0);
        }
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_setxattr);
}

static __always_inline int setxattr_ended(const struct call *call) {
        struct named *named = named_begun(call);

        if (!named || !call_wanted(call, WIRE_KIND_setxattr))
                return 0;
        named->places = (struct places)PLACES(setxattr);
        setxattr_passed(call, &named->passed);
        return named_tell(call, named, setxattr_tell);
}

CALL_PROGRAM(exit_setxattr, setxattr_ended)
KEEP_PROGRAM(setxattr)

/* ---- utimes ---- */

#define UTIME_NOW ((1L << 30) - 1)
#define UTIME_OMIT ((1L << 30) - 2)
#define NSEC_PER_SEC 1000000000L
#define MAX_SECONDS 9000000000L         /* what fits, in nanoseconds */

/* utime() has two times in whole seconds, the others two pairs. */
static __always_inline __u32 utimes_size(const struct call *call) {
        return (call->id == WIRE_CALL_utime ? 16 : 32) >> !!(call->flags & CALL_NARROW);
}

static __always_inline void utimes_passed(const struct call *call, struct passed *passed) {
        passed->n_bytes = utimes_size(call);
        if (call->id == WIRE_CALL_utime || call->id == WIRE_CALL_utimes) {
                passed_path(passed, AT_FDCWD, call->args[0]);
                passed->bytes = (const void *)call->args[1];
                return;
        }
        passed_path(passed, call->args[0], call->args[1]);
        passed->bytes = (const void *)call->args[2];
        if (!passed->first && passed->directory != AT_FDCWD)
                passed->descriptor = true;
        else if (call->id == WIRE_CALL_utimensat)
                passed_empty(call, passed, call->args[3]);
}

/* A time as the call was passed it: seconds, and parts of one. False: it is none (now, or left as it is). */
static __always_inline bool time_of(const struct call *call, __s64 seconds, __s64 part, __s64 *ret) {
        if (seconds > MAX_SECONDS || seconds < -MAX_SECONDS)
                return false;
        if (call->id != WIRE_CALL_utimensat)
                part *= 1000;
        else if (part == UTIME_NOW || part == UTIME_OMIT)
                return false;
        if (part < 0 || part >= NSEC_PER_SEC)
                return false;
        *ret = seconds * NSEC_PER_SEC + part;
        return true;
}

static __always_inline void utimes_times(struct cpu *cpu, const struct call *call, const struct passed *passed) {
        __u32 offset = 0, size = utimes_size(call), width = call->flags & CALL_NARROW ? 4 : 8;
        __s64 times[4] = {}, ns;

        if (!passed->bytes || record_room(cpu, 64, &offset) < 64)
                return;
        BOUND(size, 63);
        if (bpf_probe_read_user(record_at(cpu, offset), size, passed->bytes) < 0)
                return;
        digest_add(cpu, offset, size);
        for (int i = 0; i < 4; i++)
                times[i] = i * width >= size ? 0
                        : width == 4         ? *(__s32 *)record_at(cpu, offset + i * 4)
                                             : *(__s64 *)record_at(cpu, offset + i * 8);
        if (call->id == WIRE_CALL_utime) {
                times[2] = times[1];
                times[1] = times[3] = 0;
        } else if (call->flags & WIRE_COMPAT && width == 8) {
                times[1] = (__u32)times[1];     /* at the other half the kernel does not look */
                times[3] = (__u32)times[3];
        }
        if (time_of(call, times[0], times[1], &ns)) {
                SET(cpu, utimes, atime, ns);
                cpu->header.user |= WIRE_BIT(utimes, atime);
        }
        if (time_of(call, times[2], times[3], &ns)) {
                SET(cpu, utimes, mtime, ns);
                cpu->header.user |= WIRE_BIT(utimes, mtime);
        }
}

/* Those that the file got, where a security hook saw them. */
static __always_inline void utimes_kept(struct cpu *cpu) {
        struct cpu *kept = resolved_for(cpu);

        if (!kept)
                return;
        if (kept->resolved.has_times & 1) {
                SET(cpu, utimes, atime, kept->resolved.atime);
                cpu->header.user &= ~WIRE_BIT(utimes, atime);
        }
        if (kept->resolved.has_times & 2) {
                SET(cpu, utimes, mtime, kept->resolved.mtime);
                cpu->header.user &= ~WIRE_BIT(utimes, mtime);
        }
}

/* Not static: see path_walk(). */
__noinline int utimes_tell(const struct call *call, struct named *named) {
        struct wire_utimes *record;
        struct cpu *cpu;

        if (!call || !named)
                return 0;
        cpu = call_record(call, WIRE_KIND_utimes, sizeof(struct wire_utimes));
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        named_append(cpu, named, &record->pathname, &record->given, &record->file);
        utimes_times(cpu, call, &named->passed);
        utimes_kept(cpu);
        mark_stable(cpu, &named->passed, &named->begun);
        return record_submit(cpu, WIRE_KIND_utimes);
}

static __always_inline int utimes_ended(const struct call *call) {
        struct named *named = named_begun(call);

        if (!named || !call_wanted(call, WIRE_KIND_utimes))
                return 0;
        named->places = (struct places)PLACES(utimes);
        utimes_passed(call, &named->passed);
        return named_tell(call, named, utimes_tell);
}

CALL_PROGRAM(exit_utimes, utimes_ended)
KEEP_PROGRAM(utimes)
