/* SPDX-License-Identifier: Apache-2.0 */
#include "process/namespaces.h"

_Static_assert(FIELD_PROCESS_ns_time - FIELD_PROCESS_ns_mnt == N_NAMESPACES - 1, "process-fields.def");
_Static_assert(FIELD_fork_child_ns_time - FIELD_fork_child_ns_mnt == N_NAMESPACES - 1, "events.def");
_Static_assert(FIELD_execve_ns_time - FIELD_execve_ns_mnt == N_NAMESPACES - 1, "events.def");
_Static_assert(FIELD_process_ns_time - FIELD_process_ns_mnt == N_NAMESPACES - 1, "events.def");
_Static_assert(FIELD_unshare_ns_time - FIELD_unshare_ns_mnt == N_NAMESPACES - 1, "events.def");
_Static_assert(FIELD_unshare_old_ns_time - FIELD_unshare_old_ns_mnt == N_NAMESPACES - 1, "events.def");
_Static_assert(FIELD_setns_ns_time - FIELD_setns_ns_mnt == N_NAMESPACES - 1, "events.def");
_Static_assert(FIELD_setns_old_ns_time - FIELD_setns_old_ns_mnt == N_NAMESPACES - 1, "events.def");

/* Where only the next children will live, if a call says so. */
#define OF_CHILDREN                                                                                                    \
        (1U << (FIELD_PROCESS_ns_pid - FIELD_PROCESS_ns_mnt) | 1U << (FIELD_PROCESS_ns_time - FIELD_PROCESS_ns_mnt))

static bool is_first_thread(const struct wire_header *header) {
        return header->tid == header->tgid;
}

/* 0: the record does not tell. */
static uint32_t number_at(const struct event *event, enum field field) {
        struct value v;

        event_get(event, field, &v);
        return v.state == VALUE_KNOWN ? (uint32_t)v.number : 0;
}

void namespaces_take(struct namespaces *namespaces, const struct event *event, enum field first) {
        for (unsigned i = 0; i < N_NAMESPACES; i++) {
                uint32_t number = number_at(event, (enum field)(first + i));

                if (number != 0)
                        namespaces->numbers[i] = number;
        }
}

void namespaces_fork(struct namespaces *ret, const struct namespaces *creator, const struct event *fork) {
        *ret = *creator;
        ret->moved = 0;
        /* The record tells what differs from the thread that forks, and that may not live where the first one does. */
        if (!is_first_thread(fork->wire))
                for (unsigned i = 0; i < N_NAMESPACES; i++)
                        if (creator->moved & 1U << i)
                                ret->numbers[i] = 0;
        namespaces_take(ret, fork, FIELD_fork_child_ns_mnt);
}

void namespaces_complete(struct namespaces *namespaces, const struct namespaces *from) {
        for (unsigned i = 0; i < N_NAMESPACES; i++)
                if (namespaces->numbers[i] == 0)
                        namespaces->numbers[i] = from->numbers[i];
}

void namespaces_exec(struct namespaces *namespaces, const struct event *execve) {
        namespaces->moved = 0;
        namespaces_take(namespaces, execve, FIELD_execve_ns_mnt);
}

void namespaces_move(struct namespaces *namespaces, const struct event *event) {
        bool is_unshare = event_kind(event) == WIRE_KIND_unshare;
        enum field now = is_unshare ? FIELD_unshare_ns_mnt : FIELD_setns_ns_mnt;
        enum field old = is_unshare ? FIELD_unshare_old_ns_mnt : FIELD_setns_old_ns_mnt;

        for (unsigned i = 0; i < N_NAMESPACES; i++) {
                uint32_t number = number_at(event, (enum field)(now + i));

                if (number == 0 || OF_CHILDREN & 1U << i)
                        continue;
                if (number != number_at(event, (enum field)(old + i)))
                        namespaces->moved |= 1U << i;
                if (is_first_thread(event->wire))
                        namespaces->numbers[i] = number;
        }
}

void namespaces_get(const struct namespaces *namespaces, const struct event *event, enum field field,
                    struct value *ret) {
        unsigned i = field - FIELD_PROCESS_ns_mnt;
        bool unclear = event && !is_first_thread(event->wire) && namespaces->moved & 1U << i;

        *ret = (struct value){ .number = unclear ? 0 : namespaces->numbers[i], .type = VALUE_NUMBER };
        ret->state = ret->number != 0 ? VALUE_KNOWN : VALUE_UNKNOWN;
}
