// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Credentials - setuid, setgid, capset, setgroups, prctl: what a process did to its own, before and after.
 *
 * Attached as well while `credchange` is wanted: then these calls are explained (credentials.bpf.h). */
#include "call.bpf.h"
#include "text.bpf.h"

/* The programs at both ends see the credentials at that moment: of the kernel's own. */
struct held {
        __u32 uids[4], gids[4];         /* real, effective, saved, of files */
        __u64 caps[3];                  /* effective, permitted, inheritable */
        __u32 n_groups;
        __u32 pad;
};

static __always_inline void held_see(struct held *held) {
        struct cred *cred = PART(bpf_get_current_task_btf(), real_cred);

        held->uids[0] = cred->uid.val;
        held->uids[1] = cred->euid.val;
        held->uids[2] = cred->suid.val;
        held->uids[3] = cred->fsuid.val;
        held->gids[0] = cred->gid.val;
        held->gids[1] = cred->egid.val;
        held->gids[2] = cred->sgid.val;
        held->gids[3] = cred->fsgid.val;
        held->caps[0] = CRED_CAPS(cred, cap_effective);
        held->caps[1] = CRED_CAPS(cred, cap_permitted);
        held->caps[2] = CRED_CAPS(cred, cap_inheritable);
        held->n_groups = GET(GET(cred, group_info), ngroups);
}

static __always_inline bool is_setgid(__u32 id) {
        return id == WIRE_CALL_setgid || id == WIRE_CALL_setregid || id == WIRE_CALL_setresgid ||
                id == WIRE_CALL_setfsgid;
}

static __noinline int credentials_begin(const struct call *call) {
        struct held held = {};
        struct begun *begun;

        credentials_watch();
        begun = call_begin(call);
        if (!begun)
                return 0;
        held_see(&held);
        if (call->id == WIRE_CALL_capset)
                __builtin_memcpy(begun->caps, held.caps, sizeof(held.caps));
        else if (call->id == WIRE_CALL_setgroups)
                begun->n_groups = held.n_groups;
        else if (is_setgid(call->id))
                __builtin_memcpy(begun->ids, held.gids, sizeof(held.gids));
        else
                __builtin_memcpy(begun->ids, held.uids, sizeof(held.uids));
        return 0;
}

ENTER_PROGRAM(enter_credentials, credentials_begin)

/* setuid and setgid have the same eight fields. */
struct wire_ids {
        struct wire_header header;
        __s64 now[4], old[4];
};

#define SAME_IDS(kind, last)                                                                                           \
        _Static_assert(sizeof(struct wire_##kind) == sizeof(struct wire_ids) &&                                        \
                               offsetof(struct wire_##kind, last) == offsetof(struct wire_ids, old[3]),                \
                       #kind)
SAME_IDS(setuid, old_fsuid);
SAME_IDS(setgid, old_fsgid);

static __always_inline int ids_put(struct cpu *cpu, enum wire_kind kind, const __u32 now[4], struct begun *begun) {
        struct wire_ids *record = (void *)cpu->record;

        for (int i = 0; i < 4; i++) {
                record->now[i] = now[i];
                record->old[i] = begun ? begun->ids[i] : 0;
        }
        cpu->header.known |= begun ? 0xff : 0xf;
        return record_submit(cpu, kind);
}

static __noinline int ids_ended(const struct call *call) {
        struct begun *begun = call_begun(call);
        struct held held = {};
        struct cpu *cpu;

        credentials_follow();
        held_see(&held);
        if (is_setgid(call->id)) {
                cpu = RARE_RECORD(call, setgid);
                return cpu ? ids_put(cpu, WIRE_KIND_setgid, held.gids, begun) : 0;
        }
        cpu = RARE_RECORD(call, setuid);
        return cpu ? ids_put(cpu, WIRE_KIND_setuid, held.uids, begun) : 0;
}

CALL_PROGRAM(exit_setuid, ids_ended)

static __noinline int capset_ended(const struct call *call) {
        struct begun *begun = call_begun(call);
        struct held held = {};
        struct cpu *cpu;

        credentials_follow();
        cpu = RARE_RECORD(call, capset);
        if (!cpu)
                return 0;
        held_see(&held);
        SET(cpu, capset, effective, held.caps[0]);
        SET(cpu, capset, permitted, held.caps[1]);
        SET(cpu, capset, inheritable, held.caps[2]);
        if (begun) {
                SET(cpu, capset, old_effective, begun->caps[0]);
                SET(cpu, capset, old_permitted, begun->caps[1]);
                SET(cpu, capset, old_inheritable, begun->caps[2]);
        }
        return record_submit(cpu, WIRE_KIND_capset);
}

CALL_PROGRAM(exit_capset, capset_ended)

static __noinline int setgroups_ended(const struct call *call) {
        struct begun *begun = call_begun(call);
        struct held held = {};
        struct cpu *cpu;

        cpu = RARE_RECORD(call, setgroups);
        if (!cpu)
                return 0;
        held_see(&held);
        SET(cpu, setgroups, count, held.n_groups);
        if (begun)
                SET(cpu, setgroups, old_count, begun->n_groups);
        return record_submit(cpu, WIRE_KIND_setgroups);
}

CALL_PROGRAM(exit_setgroups, setgroups_ended)

/* ---- prctl ---- */

#define PR_SET_NAME 15
#define PR_GET_AUXV 0x41555856

/* Options that only ask. */
#define PR_ASK(n) (1ULL << ((n)&63))
#define PR_ASKS_BELOW_64                                                                                               \
        (PR_ASK(2) | PR_ASK(3) | PR_ASK(5) | PR_ASK(7) | PR_ASK(9) | PR_ASK(11) | PR_ASK(13) | PR_ASK(16) |            \
         PR_ASK(19) | PR_ASK(21) | PR_ASK(23) | PR_ASK(25) | PR_ASK(27) | PR_ASK(30) | PR_ASK(34) | PR_ASK(37) |       \
         PR_ASK(39) | PR_ASK(40) | PR_ASK(42) | PR_ASK(46) | PR_ASK(51) | PR_ASK(52) | PR_ASK(56) | PR_ASK(58) |       \
         PR_ASK(61))
#define PR_ASKS_BELOW_128 (PR_ASK(64) | PR_ASK(66) | PR_ASK(68) | PR_ASK(70) | PR_ASK(72) | PR_ASK(74))

static __always_inline bool prctl_asks(__u32 option) {
        if (option >= 128)
                return option == PR_GET_AUXV;
        return (option < 64 ? PR_ASKS_BELOW_64 : PR_ASKS_BELOW_128) & PR_ASK(option);
}

static __noinline int prctl_ended(const struct call *call) {
        __u32 option = call->args[0];
        struct wire_prctl *record;
        struct cpu *cpu;

        if (prctl_asks(option)) {
                if (wants[WIRE_KIND_prctl])
                        count_filtered(WIRE_KIND_prctl);
                return 0;
        }
        cpu = RARE_RECORD(call, prctl);
        if (!cpu)
                return 0;
        record = (void *)cpu->record;
        SET(cpu, prctl, option, option);
        SET(cpu, prctl, argument, call->args[1]);
        if (option == PR_SET_NAME)
                text_append(cpu, &record->name, WIRE_BIT(prctl, name), (void *)call->args[1], TASK_COMM_LEN);
        return record_submit(cpu, WIRE_KIND_prctl);
}

CALL_PROGRAM(exit_prctl, prctl_ended)
