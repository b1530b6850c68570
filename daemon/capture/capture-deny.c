/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from the kernel, what it refuses - the enforcer in force, and its verdicts as events of the stream. */
#include <errno.h>
#include <sys/epoll.h>

#include "base/log.h"

#include "capture/capture-bpf-private.h"
#include "enforce.h"

#define VERDICTS_MAX 256                /* told in one turn of the loop */

static const char *list_word(enum enforce_list list) {
        switch (list) {
        case ENFORCE_ADDRESSES: return "addresses";
        case ENFORCE_EXECUTABLES: return "executables";
        case ENFORCE_FILES: return "files";
        case ENFORCE_N_LISTS: break;
        }
        return NULL;
}

static const char *outcome_word(enum enforce_outcome outcome) {
        switch (outcome) {
        case ENFORCE_KERNEL: return "kernel";
        case ENFORCE_WOULD: return "would";
        case ENFORCE_NO: return "no";
        case ENFORCE_N_OUTCOMES: break;
        }
        return NULL;
}

/* Whose it is: as last heard of him, and what the kernel says now. */
static void begin_verdict(struct capture_bpf *bpf, const struct enforce_verdict *verdict) {
        struct identity id = {.start_ns = verdict->start_ns, .pid = verdict->tgid};
        const struct resident *resident = census_find(&bpf->mend.census, &id);
        struct wire_header *header = &bpf->own.header;

        if (resident)
                own_begin_about(bpf, WIRE_KIND_verdict, &resident->last, verdict->time_ns);
        else {
                own_begin(bpf, WIRE_KIND_verdict, verdict->time_ns);
                header->loginuid = UINT32_MAX;
                header->cgroup_id = bpf->hierarchy.named ? 0 : verdict->cgroup_id;
        }
        header->start_ns = verdict->start_ns;
        header->tgid = verdict->tgid;
        header->tid = verdict->tid;
        header->uid = verdict->uid;
        header->euid = verdict->euid;
        header->gid = verdict->gid;
        header->egid = verdict->egid;
}

static void on_verdict(const struct enforce_verdict *verdict, const char *rule, void *userdata) {
        struct capture_bpf *bpf = userdata;
        struct record *own = &bpf->own;

        begin_verdict(bpf, verdict);
        record_set_text(own, (enum field)WIRE_FIELD_verdict_list, list_word(verdict->list));
        if (*rule)
                record_set_text(own, (enum field)WIRE_FIELD_verdict_rule, rule);
        record_set_text(own, (enum field)WIRE_FIELD_verdict_action, verdict->killed ? "kill" : "deny");
        record_set_text(own, (enum field)WIRE_FIELD_verdict_enforced, outcome_word(verdict->outcome));
        record_set_text(own, (enum field)WIRE_FIELD_verdict_reason, *rule ? "rule" : "undecided");
        if (verdict->n_path > 0) {
                record_set_bytes(own, (enum field)WIRE_FIELD_verdict_pathname, verdict->path, verdict->n_path);
                if (verdict->n_path == ENFORCE_TOLD)
                        record_mark_cut(own, (enum field)WIRE_FIELD_verdict_pathname);
        }
        if (verdict->family != 0) {
                struct wire_address address = {.family = verdict->family};

                memcpy(address.bytes, verdict->address, sizeof(address.bytes));
                record_set_address(own, (enum field)WIRE_FIELD_verdict_daddr, &address);
                record_set_number(own, (enum field)WIRE_FIELD_verdict_dport, verdict->port);
        }
        own_deliver(bpf);
}

void deny_read(struct capture_bpf *bpf, uint64_t until_ns) {
        if (unlikely(bpf->enforcer))
                (void)enforcer_read(bpf->enforcer, until_ns, VERDICTS_MAX, on_verdict, bpf);
}

static int on_verdicts(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct capture_bpf *bpf = userdata;
        uint64_t until = bpf->ring.position + ring_pending(&bpf->ring);
        bool empty;

        /* What is in the ring happened before: whoever is refused something is known then. Bounded by its size. */
        while (bpf->ring.position < until && capture_bpf_read(bpf, bpf->batch, &empty) > 0)
                ;
        deny_read(bpf, UINT64_MAX);
        return 0;
}

int deny_join(struct capture_bpf *bpf) {
        int r;

        if (!bpf->enforcer || !bpf->loop)
                return 0;
        r = sd_event_add_io(bpf->loop, &bpf->verdicts, enforcer_fd(bpf->enforcer), EPOLLIN, on_verdicts, bpf);
        if (r >= 0)
                r = sd_event_source_set_priority(bpf->verdicts, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_source_set_description(bpf->verdicts, "capture-verdicts");
        return r;
}

static void drop(struct capture_bpf *bpf) {
        bpf->verdicts = sd_event_source_disable_unref(bpf->verdicts);
        if (!bpf->enforcer)
                return;
        enforcer_stats(bpf->enforcer, &bpf->denied);
        bpf->enforcer = enforcer_free(bpf->enforcer);
}

/* The new one is at work before the old one goes. */
int deny_set(struct capture *capture, const struct capture_deny *deny) {
        struct capture_bpf *bpf = bpf_of(capture);
        const struct enforcer_place place = {.cgroup2 = bpf->hierarchy.v2, .tier = bpf->tier};
        _cleanup_(enforcer_freep) struct enforcer *enforcer = NULL;
        int r;

        r = enforcer_new(deny, &place, &enforcer);
        if (r < 0)
                return r;
        if (enforcer)
                enforcer_set_enforcing(enforcer, bpf->enforcing);
        deny_read(bpf, UINT64_MAX);
        drop(bpf);
        bpf->enforcer = TAKE_PTR(enforcer);
        r = deny_join(bpf);
        if (r < 0)
                log_warning_errno(r, "Cannot watch what the kernel refuses, it is refused and not told: %m");
        return 0;
}

void deny_set_enforcing(struct capture *capture, bool enforcing) {
        struct capture_bpf *bpf = bpf_of(capture);

        bpf->enforcing = enforcing;
        if (bpf->enforcer)
                enforcer_set_enforcing(bpf->enforcer, enforcing);
}

int deny_protect(struct capture *capture, const struct capture_deny_list *executables) {
        struct capture_bpf *bpf = bpf_of(capture);

        return bpf->enforcer ? enforcer_protect(bpf->enforcer, executables) : 0;
}

void deny_stats(const struct capture_bpf *bpf, struct capture_deny_stats *ret) {
        *ret = bpf->denied;
        if (bpf->enforcer)
                enforcer_stats(bpf->enforcer, ret);
}

void deny_done(struct capture_bpf *bpf) {
        drop(bpf);
}
