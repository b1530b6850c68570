/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/macro.h"

#include "capture/capture-private.h"

void capture_pass(struct capture *capture, struct event *event) {
        enum wire_kind kind = event_kind(event);

        if (event->time_ns < capture->clock_ns) {
                event->time_ns = capture->clock_ns;
                capture->stats.n_late++;
        }
        capture->clock_ns = event->time_ns;
        event->number = ++capture->number;
        capture->stats.delivered[kind] += event_count(event);
        if (kind == WIRE_KIND_obscured)
                capture->stats.n_obscured++;
        capture->sink.on_event(event, capture->userdata);
}

int capture_deliver(struct capture *capture, const void *data, size_t size, struct event *ret_event) {
        struct event event;
        int r;

        r = event_parse(data, size, &event);
        if (unlikely(r < 0)) {
                const struct wire_header *header = data;

                /* For the count alone: the kind as far as it can be believed. */
                capture->stats.lost[size >= sizeof(*header) && header->kind < _WIRE_KIND_MAX ? header->kind : WIRE_NONE]
                                   [WIRE_LOSS_INVALID]++;
                return r;
        }

        capture_pass(capture, &event);
        if (ret_event)
                *ret_event = event;
        return 0;
}

int capture_deliver_own(struct capture *capture, const struct wire_header *header) {
        capture->stats.produced[header->kind]++;
        return capture_deliver(capture, header, header->size, NULL);
}

struct capture *capture_free(struct capture *capture) {
        return capture ? capture->ops->free(capture) : NULL;
}

void capture_leave(struct capture *capture, int table_fd, int stories_fd) {
        if (capture->ops->leave)
                capture->ops->leave(capture, table_fd, stories_fd);
}

int capture_take_stories(struct capture *capture) {
        return capture->ops->take_stories ? capture->ops->take_stories(capture) : -1;
}

void capture_go_on_behind(struct capture *capture, uint64_t number) {
        assert(capture->number == 0);
        capture->number = number;
}

void capture_set_wait(struct capture *capture, bool wait) {
        capture->ops->set_wait(capture, wait);
}

int capture_start(struct capture *capture, sd_event *loop, uint64_t generation) {
        return capture->ops->start(capture, loop, generation);
}

int capture_dispatch(struct capture *capture, size_t max) {
        return capture->ops->dispatch(capture, max);
}

void capture_flush(struct capture *capture) {
        if (capture->ops->flush)
                capture->ops->flush(capture);
}

void capture_set_prefilter(struct capture *capture, const struct prefilter *prefilter) {
        capture->prefilter = prefilter;
}

int capture_set_interest(struct capture *capture, const struct interest *interest, uint64_t generation) {
        return capture->ops->set_interest(capture, interest, generation);
}

int capture_set_deny(struct capture *capture, const struct capture_deny *deny) {
        return capture->ops->set_deny ? capture->ops->set_deny(capture, deny) : -EOPNOTSUPP;
}

int capture_set_enforcement(struct capture *capture, const struct capture_enforcement *enforcement) {
        return capture->ops->set_enforcement ? capture->ops->set_enforcement(capture, enforcement) : -EOPNOTSUPP;
}

bool capture_has_killed(struct capture *capture, const struct identity *who, const char *policy, uint64_t wait_ns) {
        return capture->ops->has_killed && capture->ops->has_killed(capture, who, policy, wait_ns);
}

const char *capture_enforcement_obstacle(const struct capture *capture, const struct enforcement_rule *rule) {
        return capture->ops->obstacle ? capture->ops->obstacle(capture, rule) : NULL;
}

void capture_disarm_policy(struct capture *capture, const char *policy, bool disarmed) {
        if (capture->ops->disarm_policy)
                capture->ops->disarm_policy(capture, policy, disarmed);
}

int capture_arm(struct capture *capture, const struct enforcement_arming *arming) {
        return capture->ops->arm ? capture->ops->arm(capture, arming) : -EOPNOTSUPP;
}

void capture_set_enforcing(struct capture *capture, bool enforcing) {
        if (capture->ops->set_enforcing)
                capture->ops->set_enforcing(capture, enforcing);
}

void capture_let_go(struct capture *capture) {
        if (capture->ops->let_go)
                capture->ops->let_go(capture);
}

int capture_protect(struct capture *capture, const struct capture_deny_list *executables) {
        return capture->ops->protect ? capture->ops->protect(capture, executables) : 0;
}

void capture_begin_wait(struct capture *capture) {
        capture->unread_since_ns = clock_boottime_ns();
        capture->longest_unread_ns = 0;
}

uint64_t capture_end_wait(struct capture *capture) {
        capture_reads(capture);
        capture->unread_since_ns = 0;
        return capture->longest_unread_ns;
}

void capture_reads(struct capture *capture) {
        if (capture->unread_since_ns != 0)
                capture->longest_unread_ns =
                        MAX(capture->longest_unread_ns, clock_boottime_ns() - capture->unread_since_ns);
}

void capture_has_read(struct capture *capture) {
        if (capture->unread_since_ns != 0)
                capture->unread_since_ns = clock_boottime_ns();
}

void capture_set_overload(struct capture *capture, const struct capture_overload *overload) {
        if (capture->ops->set_overload)
                capture->ops->set_overload(capture, overload);
}

void capture_set_pace(struct capture *capture, uint64_t max_latency_ns, bool wake_urgent, bool patient,
                      bool wake_each) {
        if (capture->ops->set_pace)
                capture->ops->set_pace(capture, max_latency_ns, wake_urgent, patient, wake_each);
}

void capture_skipped(struct capture *capture, uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX]) {
        if (capture->ops->skipped)
                capture->ops->skipped(capture, kinds, ret);
        else
                memset(ret, 0, _WIRE_KIND_MAX * sizeof(*ret));
}

int capture_retell(struct capture *capture) {
        return capture->ops->retell ? capture->ops->retell(capture) : -EOPNOTSUPP;
}

void capture_set_deadline(struct capture *capture, uint64_t deadline_ns) {
        capture->ops->set_deadline(capture, deadline_ns);
}

uint64_t capture_untold(const struct capture *capture) {
        return capture->ops->untold ? capture->ops->untold(capture) : 0;
}

void capture_stats(const struct capture *capture, struct capture_stats *ret) {
        *ret = capture->stats;
        capture->ops->stats(capture, ret);
}

size_t capture_describe(const struct capture *capture, char *buffer, size_t size) {
        return capture->ops->describe(capture, buffer, size);
}
