/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Credentials - those last seen of each task, and `credchange`: they are others now, and no call explains it.
 *
 * Whoever changes them by a call is seen at the end of that call (credentials.bpf.c, namespaces.bpf.c), and of an exec;
 * children begin with what they were given. So what differs at another event was changed by no call: that is what an
 * exploit of the kernel leaves behind. It is told before the event at which it is noticed.
 *
 * Compared are the objective credentials (real_cred): the kernel replaces the others for moments at a time. Only while
 * all these hooks are attached: what was seen in an earlier epoch is not compared, but taken as it is. Never from an
 * interrupt, where the task may be at the end of such a call. */
#pragma once

#include "emit.bpf.h"

static __always_inline void credentials_see(struct task_struct *task, struct task_state *state) {
        struct cred *cred = PART(task, real_cred);

        state->seen.uid = cred->uid.val;
        state->seen.euid = cred->euid.val;
        state->seen.gid = cred->gid.val;
        state->seen.egid = cred->egid.val;
        state->seen.caps = cred_caps(cred);
        state->seen_epoch = credentials_epoch;
}

static __always_inline bool credentials_are(struct task_struct *task, const struct credentials *seen) {
        struct cred *cred = PART(task, real_cred);

        return seen->uid == cred->uid.val && seen->euid == cred->euid.val && seen->gid == cred->gid.val &&
                seen->egid == cred->egid.val && seen->caps == cred_caps(cred);
}

/* Global, so that the verifier looks at it once and not at each call. It keeps nothing on the stack, which is short. */
__noinline int credentials_compare(void) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct task_state *state = state_of(task, true);
        struct cpu *cpu;

        if (!state)
                return nothing();
        if (state->seen_epoch != credentials_epoch) {
                credentials_see(task, state);
                return nothing();
        }
        if (credentials_are(task, &state->seen))
                return nothing();

        cpu = record_begin(WIRE_KIND_credchange, sizeof(struct wire_credchange));
        if (!cpu) {
                credentials_see(task, state);
                return nothing();
        }
        header_actor(&cpu->header, state, 0);
        SET(cpu, credchange, old_uid, state->seen.uid);
        SET(cpu, credchange, old_euid, state->seen.euid);
        SET(cpu, credchange, old_gid, state->seen.gid);
        SET(cpu, credchange, old_egid, state->seen.egid);
        SET(cpu, credchange, old_caps, state->seen.caps);
        credentials_see(task, state);
        SET(cpu, credchange, uid, state->seen.uid);
        SET(cpu, credchange, euid, state->seen.euid);
        SET(cpu, credchange, gid, state->seen.gid);
        SET(cpu, credchange, egid, state->seen.egid);
        SET(cpu, credchange, caps, state->seen.caps);
        return record_submit(cpu, WIRE_KIND_credchange);
}

/* Before an event of the current task is told. */
static __always_inline void credentials_watch(void) {
        if (wants[WIRE_KIND_credchange])
                credentials_compare();
}

/* At the end of a call that may have changed them. */
static __always_inline void credentials_follow(void) {
        struct task_struct *task = bpf_get_current_task_btf();
        struct task_state *state;

        if (!wants[WIRE_KIND_credchange])
                return;
        state = state_of(task, true);
        if (state)
                credentials_see(task, state);
}
