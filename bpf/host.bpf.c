// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Host - keyctl, quotactl, reboot, settime, sethostname, swapon, acct: what is said to the system as a whole. Rare and
 * loud, so one program serves them all. */
#include "call.bpf.h"
#include "text.bpf.h"

#define KEYCTL_JOIN_SESSION_KEYRING 1
#define KEYCTL_SEARCH 10

static __always_inline int keyctl_ended(const struct call *call) {
        struct wire_keyctl *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, keyctl);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        if (call->id != WIRE_CALL_keyctl) {
                /* The key that was made or found. */
                if (call->result >= 0)
                        SET(cpu, keyctl, key, call->result);
                text_append(cpu, &record->type, WIRE_BIT(keyctl, type), (void *)call->args[0], WIRE_MAX_NAME);
                text_append(cpu, &record->name, WIRE_BIT(keyctl, name), (void *)call->args[1], WIRE_MAX_PATH);
                return record_submit(cpu, WIRE_KIND_keyctl);
        }
        SET(cpu, keyctl, option, (int)call->args[0]);
        if (call->args[0] == KEYCTL_JOIN_SESSION_KEYRING)
                text_append(cpu, &record->name, WIRE_BIT(keyctl, name), (void *)call->args[1], WIRE_MAX_PATH);
        else
                SET(cpu, keyctl, key, (int)call->args[1]);
        if (call->args[0] == KEYCTL_SEARCH) {
                text_append(cpu, &record->type, WIRE_BIT(keyctl, type), (void *)call->args[2], WIRE_MAX_NAME);
                text_append(cpu, &record->name, WIRE_BIT(keyctl, name), (void *)call->args[3], WIRE_MAX_PATH);
        }
        return record_submit(cpu, WIRE_KIND_keyctl);
}

static __always_inline int quotactl_ended(const struct call *call) {
        bool by_name = call->id == WIRE_CALL_quotactl;
        struct wire_quotactl *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, quotactl);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, quotactl, command, (__u32)call->args[by_name ? 0 : 1]);
        SET(cpu, quotactl, id, (__u32)call->args[2]);
        if (by_name)
                text_append(cpu, &record->pathname, WIRE_BIT(quotactl, pathname), (void *)call->args[1],
                            WIRE_MAX_PATH);
        return record_submit(cpu, WIRE_KIND_quotactl);
}

/* ---- clocks ---- */

#define ADJ_OFFSET_SS_READ 0xa001

/* Seconds, and parts of one: two of 64 bits, or of 32. */
static __always_inline long time_read(__s64 *ret, const void *user, bool narrow) {
        __s32 halves[2] = {};
        long r;

        if (!narrow)
                return bpf_probe_read_user(ret, 2 * sizeof(*ret), user);
        r = bpf_probe_read_user(halves, sizeof(halves), user);
        ret[0] = halves[0];
        ret[1] = halves[1];
        return r;
}

static __always_inline int settime_ended(const struct call *call) {
        bool adjusts = call->id == WIRE_CALL_adjtimex || call->id == WIRE_CALL_clock_adjtime;
        bool names_clock = call->id == WIRE_CALL_clock_settime || call->id == WIRE_CALL_clock_adjtime;
        const void *user = (void *)call->args[names_clock ? 1 : 0];
        struct cpu *cpu;
        __s64 time[2] = {};
        __u32 modes = 0;

        if (adjusts) {
                if (bpf_probe_read_user(&modes, sizeof(modes), user) == 0 &&
                    (modes == 0 || modes == ADJ_OFFSET_SS_READ)) {
                        if (wants[WIRE_KIND_settime])
                                count_filtered(WIRE_KIND_settime);
                        return 0;
                }
        }
        cpu = RARE_RECORD(call, settime);
        if (!cpu)
                return 0;
        SET(cpu, settime, clock, names_clock ? (int)call->args[0] : 0);
        if (adjusts) {
                SET(cpu, settime, modes, modes);
                cpu->header.user |= WIRE_BIT(settime, modes);
        } else if (user && time_read(time, user, call->flags & CALL_NARROW) == 0) {
                __s64 part_ns = call->id == WIRE_CALL_settimeofday ? time[1] * 1000 : time[1];

                SET(cpu, settime, value, time[0] * 1000000000 + part_ns);
                cpu->header.user |= WIRE_BIT(settime, value);
        }
        return record_submit(cpu, WIRE_KIND_settime);
}

/* ---- names and places ---- */

#define MAX_HOST_NAME 64

static __always_inline int sethostname_ended(const struct call *call) {
        struct wire_sethostname *record;
        __u32 offset = 0, length = call->args[1] < MAX_HOST_NAME ? call->args[1] : MAX_HOST_NAME;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, sethostname);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, sethostname, domain, call->id == WIRE_CALL_setdomainname);
        BOUND(length, 2 * MAX_HOST_NAME - 1);
        if (record_room(cpu, 2 * MAX_HOST_NAME, &offset) == 2 * MAX_HOST_NAME &&
            bpf_probe_read_user(record_at(cpu, offset), length, (void *)call->args[0]) == 0) {
                text_take(cpu, &record->name, WIRE_BIT(sethostname, name), offset, length);
                cpu->header.user |= WIRE_BIT(sethostname, name);
                if (call->args[1] > MAX_HOST_NAME)
                        cpu->header.cut |= WIRE_BIT(sethostname, name);
        }
        return record_submit(cpu, WIRE_KIND_sethostname);
}

static __always_inline int swapon_ended(const struct call *call) {
        struct given name = {
                .user = (const char *)call->args[0],
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(swapon, pathname),
                .given_bit = WIRE_BIT(swapon, given),
        };
        bool off = call->id == WIRE_CALL_swapoff;
        struct wire_swapon *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, swapon);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, swapon, off, off);
        if (!off)
                SET(cpu, swapon, flags, (__u32)call->args[1]);
        given_append(cpu, &name, &record->pathname, &record->given);
        return record_submit(cpu, WIRE_KIND_swapon);
}

static __always_inline int acct_ended(const struct call *call) {
        struct given name = {
                .user = (const char *)call->args[0],
                .directory = AT_FDCWD,
                .path_bit = WIRE_BIT(acct, pathname),
                .given_bit = WIRE_BIT(acct, given),
        };
        struct wire_acct *record;
        struct cpu *cpu;

        cpu = RARE_RECORD(call, acct);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        if (name.user)
                given_append(cpu, &name, &record->pathname, &record->given);
        return record_submit(cpu, WIRE_KIND_acct);
}

/* ---- reboot ---- */

static __always_inline int reboot_ended(const struct call *call) {
        struct cpu *cpu = RARE_RECORD(call, reboot);

        if (!cpu)
                return 0;
        SET(cpu, reboot, command, (__u32)call->args[2]);
        return record_submit(cpu, WIRE_KIND_reboot);
}

#define CAP_SYS_BOOT 22
#define REBOOT_MAGIC 0xfee1dead
#define REBOOT_CAD_ON 0x89abcdef
#define REBOOT_CAD_OFF 0

/* A call that does it does not return. So one that may is told at its beginning, with a result that is not known; if
 * it fails all the same that is told, too. */
static __noinline int reboot_begins(const struct call *call) {
        __u32 command = call->args[2];
        struct cpu *cpu;

        if (!(cred_caps(PART(bpf_get_current_task_btf(), cred)) & 1ULL << CAP_SYS_BOOT) ||
            (__u32)call->args[0] != REBOOT_MAGIC || command == REBOOT_CAD_ON || command == REBOOT_CAD_OFF)
                return 0;
        cpu = RARE_RECORD(call, reboot);
        if (!cpu)
                return 0;
        cpu->header.flags |= WIRE_NO_RESULT;
        SET(cpu, reboot, command, command);
        return record_submit(cpu, WIRE_KIND_reboot);
}

ENTER_PROGRAM(enter_reboot, reboot_begins)

static __noinline int host_ended(const struct call *call) {
        switch (call->id) {
        case WIRE_CALL_reboot: return reboot_ended(call);
        case WIRE_CALL_quotactl:
        case WIRE_CALL_quotactl_fd: return quotactl_ended(call);
        case WIRE_CALL_add_key:
        case WIRE_CALL_request_key:
        case WIRE_CALL_keyctl: return keyctl_ended(call);
        case WIRE_CALL_clock_settime:
        case WIRE_CALL_settimeofday:
        case WIRE_CALL_adjtimex:
        case WIRE_CALL_clock_adjtime: return settime_ended(call);
        case WIRE_CALL_sethostname:
        case WIRE_CALL_setdomainname: return sethostname_ended(call);
        case WIRE_CALL_swapon:
        case WIRE_CALL_swapoff: return swapon_ended(call);
        case WIRE_CALL_acct: return acct_ended(call);
        }
        return nothing();
}

CALL_PROGRAM(exit_host, host_ended)
