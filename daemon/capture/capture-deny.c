/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from the kernel, what it refuses - the enforcers in force, and their verdicts as events of the stream. */
#include <errno.h>
#include <sys/epoll.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macro.h"

#include "capture/capture-bpf-private.h"
#include "enforce.h"

#define VERDICTS_MAX 256                /* told in one turn of the loop */

/* What the kernel did at the end of a call (it killed) is known a little after the record of the call. It is told
 * before it all the same, as of the same time: whoever hears of the call can say what became of it. Not of somebody
 * whose fork is yet to be read. */
#define VERDICT_AHEAD_NS NSEC_PER_MSEC

static const char *list_word(enum enforce_list list) {
        switch (list) {
        case ENFORCE_ADDRESSES: return "addresses";
        case ENFORCE_EXECUTABLES: return "executables";
        case ENFORCE_FILES: return "files";
        case ENFORCE_POLICIES: return "policies";
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

static const struct resident *find_refused(const struct capture_bpf *bpf, const struct enforce_verdict *verdict) {
        struct identity id = {.start_ns = verdict->start_ns, .pid = verdict->tgid};

        return census_find(&bpf->mend.census, &id);
}

/* Whose it is: as last heard of him, and what the kernel says now. */
static void begin_verdict(struct capture_bpf *bpf, const struct enforce_verdict *verdict) {
        uint64_t time_ns = MIN(verdict->time_ns, bpf->verdicts_until_ns);
        const struct resident *resident = find_refused(bpf, verdict);
        struct wire_header *header = &bpf->own.header;

        if (resident)
                own_begin_about(bpf, WIRE_KIND_verdict, &resident->last, time_ns);
        else {
                own_begin(bpf, WIRE_KIND_verdict, time_ns);
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

static bool on_verdict(const struct enforce_verdict *verdict, const char *rule, void *userdata) {
        struct capture_bpf *bpf = userdata;
        struct record *own = &bpf->own;

        if (verdict->time_ns > bpf->verdicts_until_ns && !find_refused(bpf, verdict))
                return false;
        if (bpf->refusals)
                refusals_see(bpf->refusals, verdict);
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
        return true;
}

static struct enforcer *forget(struct capture_bpf *bpf, struct enforcer *enforcer, sd_event_source **source) {
        *source = sd_event_source_disable_unref(*source);
        if (enforcer)
                enforcer_stats(enforcer, &bpf->denied);
        return enforcer_free(enforcer);
}

static void read_one(struct capture_bpf *bpf, struct enforcer *enforcer, uint64_t until_ns) {
        (void)enforcer_read(enforcer, until_ns, VERDICTS_MAX, on_verdict, bpf);
}

bool deny_is_used(const struct capture_bpf *bpf) {
        for (size_t i = 0; i < DENY_N; i++)
                if (bpf->deny[i].enforcer || bpf->deny[i].before)
                        return true;
        return false;
}

static void read_all(struct capture_bpf *bpf, uint64_t until_ns) {
        for (size_t i = 0; i < DENY_N; i++) {
                struct deny *deny = &bpf->deny[i];

                if (unlikely(deny->before)) {
                        read_one(bpf, deny->before, until_ns);
                        if (enforcer_is_over(deny->before))
                                deny->before = forget(bpf, deny->before, &deny->verdicts_before);
                }
                if (unlikely(deny->enforcer))
                        read_one(bpf, deny->enforcer, until_ns);
        }
}

void deny_read(struct capture_bpf *bpf, uint64_t until_ns) {
        bpf->verdicts_until_ns = until_ns;
        read_all(bpf, nsec_add(until_ns, VERDICT_AHEAD_NS));
}

void deny_read_begun(struct capture_bpf *bpf, uint64_t begun_ns) {
        bpf->verdicts_until_ns = UINT64_MAX;
        read_all(bpf, begun_ns);
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

static int join(struct capture_bpf *bpf, const struct enforcer *enforcer, sd_event_source **ret) {
        int r;

        if (!enforcer || !bpf->loop || enforcer_fd(enforcer) < 0)
                return 0;
        r = sd_event_add_io(bpf->loop, ret, enforcer_fd(enforcer), EPOLLIN, on_verdicts, bpf);
        if (r >= 0)
                r = sd_event_source_set_priority(*ret, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                r = sd_event_source_set_description(*ret, "capture-verdicts");
        return r;
}

int deny_join(struct capture_bpf *bpf) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < DENY_N; i++) {
                struct deny *deny = &bpf->deny[i];

                r = join(bpf, deny->enforcer, &deny->verdicts);
                if (r >= 0)
                        r = join(bpf, deny->before, &deny->verdicts_before);
        }
        return r;
}

/* The queue has what is in force, once it has anything. */
static void publish(struct capture_bpf *bpf) {
        if (bpf->keep.number > 0)
                capture_keep_publish(bpf);
}

/* The new one is at work, and in the queue, before the old one goes: who has its links, too, has let go by then. */
static void exchange(struct capture_bpf *bpf, struct deny *deny, struct enforcer *enforcer) {
        struct enforcer *old = deny->enforcer;
        int r;

        deny->enforcer = enforcer;
        publish(bpf);
        if (old) {
                enforcer_detach(old);
                bpf->verdicts_until_ns = UINT64_MAX;
                while (enforcer_read(old, UINT64_MAX, VERDICTS_MAX, on_verdict, bpf) > 0)
                        ;
        }
        forget(bpf, old, &deny->verdicts);
        r = join(bpf, enforcer, &deny->verdicts);
        if (r < 0)
                log_warning_errno(r, "Cannot watch what the kernel refuses, it is refused and not told: %m");
}

static struct enforcer_place place_of(const struct capture_bpf *bpf) {
        return (struct enforcer_place){.cgroup2 = bpf->hierarchy.v2, .named = bpf->hierarchy.named,
                                       .tier = bpf->tier, .enforcing = bpf->enforcing};
}

/* ---- over a restart ---- */

int deny_inherit(struct capture_bpf *bpf, struct bequest *before) {
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < DENY_N; i++)
                r = enforcer_inherit(before, i, &bpf->deny[i].before);
        return r;
}

size_t deny_put_items(const struct capture_bpf *bpf, struct keep_item *items) {
        size_t n = 0;

        for (unsigned i = 0; i < DENY_N; i++) {
                const struct deny *deny = &bpf->deny[i];

                if (deny->enforcer)
                        n += enforcer_put_items(deny->enforcer, i, items + n);
                else if (deny->before && !bpf->let_go)
                        n += enforcer_put_items(deny->before, i, items + n);
        }
        return n;
}

void deny_let_go(struct capture *capture) {
        struct capture_bpf *bpf = bpf_of(capture);
        bool any = false;

        for (size_t i = 0; i < DENY_N; i++)
                any |= bpf->deny[i].before != NULL;
        if (bpf->let_go || !any)
                return;
        bpf->let_go = true;
        publish(bpf);
        for (size_t i = 0; i < DENY_N; i++) {
                struct deny *deny = &bpf->deny[i];

                if (!deny->before)
                        continue;
                enforcer_detach(deny->before);
                if (enforcer_is_over(deny->before))
                        deny->before = forget(bpf, deny->before, &deny->verdicts_before);
        }
}

int deny_set(struct capture *capture, const struct capture_deny *deny) {
        struct capture_bpf *bpf = bpf_of(capture);
        const struct enforcer_place place = place_of(bpf);
        struct enforcer *enforcer;
        int r;

        r = enforcer_new(deny, &place, &enforcer);
        if (r >= 0)
                exchange(bpf, &bpf->deny[DENY_LISTS], enforcer);
        return MIN(r, 0);
}

static void name_group(uint64_t id, const char *path, void *userdata) {
        deny_name_group(userdata, id, path, strlen(path), false);
}

int deny_set_enforcement(struct capture *capture, const struct capture_enforcement *enforcement) {
        struct capture_bpf *bpf = bpf_of(capture);
        const struct enforcer_place place = place_of(bpf);
        struct enforcer *enforcer;
        int r;

        r = enforcer_new_for_policies(enforcement, &place, &enforcer);
        if (r >= 0 && enforcer && !bpf->refusals && refusals_new(&bpf->refusals) < 0) {
                enforcer = enforcer_free(enforcer);
                r = log_oom();
        }
        if (r >= 0)
                exchange(bpf, &bpf->deny[DENY_POLICIES], enforcer);
        if (r >= 0 && enforcer && enforcer_names_groups(enforcer))
                (void)hierarchy_list(&bpf->hierarchy, name_group, bpf);
        return MIN(r, 0);
}

#define LOOK_AGAIN_NS (20 * NSEC_PER_USEC)

bool deny_has_killed(struct capture *capture, const struct identity *who, const char *policy, uint64_t wait_ns) {
        const struct deny *deny = &bpf_of(capture)->deny[DENY_POLICIES];
        uint64_t until_ns = clock_boottime_ns() + wait_ns;

        if (deny->before && enforcer_has_killed(deny->before, who, policy))
                return true;
        if (!deny->enforcer)
                return false;
        while (!enforcer_has_killed(deny->enforcer, who, policy)) {
                if (clock_boottime_ns() >= until_ns)
                        return false;
                (void)clock_nanosleep(CLOCK_BOOTTIME, 0, &(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
        }
        return true;
}

const char *deny_obstacle(const struct capture *capture, const struct enforcement_rule *rule) {
        const struct capture_bpf *bpf = container_of(capture, const struct capture_bpf, capture);
        const struct enforcer_place place = place_of(bpf);

        return enforcer_obstacle(rule, &place);
}

int deny_arm(struct capture *capture, const struct enforcement_arming *arming) {
        struct enforcer *enforcer = bpf_of(capture)->deny[DENY_POLICIES].enforcer;

        return enforcer ? enforcer_arm(enforcer, arming) : -ENOENT;
}

void deny_disarm_policy(struct capture *capture, const char *policy, bool disarmed) {
        struct enforcer *enforcer = bpf_of(capture)->deny[DENY_POLICIES].enforcer;

        if (enforcer)
                enforcer_disarm(enforcer, policy, disarmed);
}

void deny_name_group(struct capture_bpf *bpf, uint64_t id, const char *path, size_t n_path, bool is_cut) {
        struct enforcer *enforcer = bpf->deny[DENY_POLICIES].enforcer;

        if (unlikely(enforcer))
                enforcer_name_group(enforcer, id, path, n_path, is_cut);
}

void deny_forget_group(struct capture_bpf *bpf, uint64_t id) {
        struct enforcer *enforcer = bpf->deny[DENY_POLICIES].enforcer;

        if (unlikely(enforcer))
                enforcer_forget_group(enforcer, id);
}

void deny_set_enforcing(struct capture *capture, bool enforcing) {
        struct capture_bpf *bpf = bpf_of(capture);

        bpf->enforcing = enforcing;
        for (size_t i = 0; i < DENY_N; i++)
                if (bpf->deny[i].enforcer)
                        enforcer_set_enforcing(bpf->deny[i].enforcer, enforcing);
        if (!enforcing)
                deny_let_go(capture);
}

int deny_protect(struct capture *capture, const struct capture_deny_list *executables) {
        struct capture_bpf *bpf = bpf_of(capture);
        int r = 0;

        for (size_t i = 0; r >= 0 && i < DENY_N; i++)
                if (bpf->deny[i].enforcer)
                        r = enforcer_protect(bpf->deny[i].enforcer, executables);
        return r;
}

void deny_stats(const struct capture_bpf *bpf, struct capture_deny_stats *ret) {
        *ret = bpf->denied;
        for (size_t i = 0; i < DENY_N; i++) {
                if (bpf->deny[i].enforcer)
                        enforcer_stats(bpf->deny[i].enforcer, ret);
                if (bpf->deny[i].before)
                        enforcer_stats(bpf->deny[i].before, ret);
        }
}

void deny_done(struct capture_bpf *bpf) {
        for (size_t i = 0; i < DENY_N; i++) {
                struct deny *deny = &bpf->deny[i];

                deny->enforcer = forget(bpf, deny->enforcer, &deny->verdicts);
                deny->before = forget(bpf, deny->before, &deny->verdicts_before);
        }
        bpf->refusals = refusals_free(bpf->refusals);
}
