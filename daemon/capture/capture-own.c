/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own records in the stream from the kernel. */
#include <stddef.h>
#include <string.h>

#include "base/clock.h"

#include "capture/capture-bpf-private.h"

#define CLOCK_STEP_NS ((int64_t)(10 * NSEC_PER_MSEC))

void own_begin(struct capture_bpf *bpf, enum wire_kind kind, uint64_t time_ns) {
        record_begin(&bpf->own, kind);
        bpf->own.header.time_ns = time_ns;
        bpf->own.header.flags = WIRE_SYNTHETIC;
}

void own_deliver(struct capture_bpf *bpf) {
        if (record_finish(&bpf->own) >= 0)
                (void)capture_deliver_own(&bpf->capture, &bpf->own.header);
}

void tell_clock(struct capture_bpf *bpf, uint64_t now_ns) {
        int64_t offset_ns = clock_realtime_offset_ns(), step_ns = offset_ns - bpf->clock_offset_ns;

        if (bpf->clock_offset_ns != 0 && step_ns < CLOCK_STEP_NS && step_ns > -CLOCK_STEP_NS)
                return;
        bpf->clock_offset_ns = offset_ns;
        own_begin(bpf, WIRE_KIND_clock, now_ns);
        record_set_number(&bpf->own, (enum field)WIRE_FIELD_clock_offset_ns, offset_ns);
        own_deliver(bpf);
}

void tell_cgroup(uint64_t id, const char *path, void *userdata) {
        struct capture_bpf *bpf = userdata;

        own_begin(bpf, WIRE_KIND_cgroup, bpf->capture.clock_ns);
        record_set_number(&bpf->own, (enum field)WIRE_FIELD_cgroup_id, id);
        record_set_text(&bpf->own, (enum field)WIRE_FIELD_cgroup_path, path);
        own_deliver(bpf);
        hooks_see_group(bpf->hooks, id, path, strlen(path), false);
        deny_name_group(bpf, id, path, strlen(path), false);
        context_name(&bpf->context, id, path);
}

void tell_start(struct capture_bpf *bpf) {
        own_begin(bpf, WIRE_KIND_start, bpf->capture.clock_ns);
        record_set_number(&bpf->own, (enum field)WIRE_FIELD_start_generation, bpf->generation);
        own_deliver(bpf);
}

void tell_tick(struct capture_bpf *bpf, uint64_t time_ns) {
        own_begin(bpf, WIRE_KIND_tick, time_ns);
        own_deliver(bpf);
        bpf->ticked_ns = time_ns;
        if (bpf->deadline_ns < time_ns)
                bpf->deadline_ns = UINT64_MAX;
}

static void header_set_actor(struct wire_header *header, const struct wire_header *about) {
        memcpy(&header->start_ns, &about->start_ns,
               offsetof(struct wire_header, result) - offsetof(struct wire_header, start_ns));
}

/* One about the process that another record is about. */
void own_begin_about(struct capture_bpf *bpf, enum wire_kind kind, const struct wire_header *about, uint64_t time_ns) {
        own_begin(bpf, kind, time_ns);
        header_set_actor(&bpf->own.header, about);
}

void tell_obscured(struct capture_bpf *bpf, const struct wire_header *about, enum wire_reason reason,
                   const char *subject) {
        own_begin_about(bpf, WIRE_KIND_obscured, about, about->time_ns);
        bpf->own.header.cpu = about->cpu;
        record_set_number(&bpf->own, (enum field)WIRE_FIELD_obscured_reason, reason);
        record_set_text(&bpf->own, (enum field)WIRE_FIELD_obscured_subject, subject);
        record_set_number(&bpf->own, (enum field)WIRE_FIELD_obscured_count, 1);
        own_deliver(bpf);
}

void tell_gap(struct capture_bpf *bpf, uint64_t kinds, uint64_t count, enum wire_loss reason, uint64_t until_ns) {
        own_begin(bpf, WIRE_KIND_gap, bpf->capture.clock_ns);
        record_set_number(&bpf->own, (enum field)WIRE_FIELD_gap_kinds, kinds);
        record_set_number(&bpf->own, (enum field)WIRE_FIELD_gap_count, count);
        record_set_number(&bpf->own, (enum field)WIRE_FIELD_gap_reason, reason);
        record_set_number(&bpf->own, (enum field)WIRE_FIELD_gap_until, (int64_t)until_ns);
        own_deliver(bpf);
}

/* ---- containers, units, logins (context.h) ---- */

/* The manager is process 1, a login its leader's: if numbers of processes mean the same to the bus and to the kernel.
 */
static const struct wire_header *outside_actor(const struct capture_bpf *bpf, const struct record *record) {
        const struct wire_login *login = (const struct wire_login *)record->data;
        const struct resident *resident;
        uint64_t pid = 1;

        if (!bpf->sees_all)
                return NULL;
        if (record->header.kind == WIRE_KIND_login)
                pid = record->header.known & WIRE_BIT(login, leader_pid) ? (uint64_t)login->leader_pid : 0;
        resident = idmap_find(&bpf->mend.census.by_pid, pid);
        return resident ? &resident->last : NULL;
}

static void on_context(struct record *record, const struct wire_header *about, bool outside, void *userdata) {
        struct capture_bpf *bpf = userdata;
        uint64_t until = bpf->ring.position + ring_pending(&bpf->ring);
        bool empty;

        /* What is in the ring happened before. Bounded by its size. */
        while (outside && bpf->ring.position < until && capture_bpf_read(bpf, bpf->batch, &empty) > 0)
                ;
        if (outside)
                about = outside_actor(bpf, record);
        if (about)
                header_set_actor(&record->header, about);
        record->header.time_ns = outside ? clock_boottime_ns() : about ? about->time_ns : bpf->capture.clock_ns;
        if (record_finish(record) >= 0)
                (void)capture_deliver_own(&bpf->capture, &record->header);
}

static void on_context_gap(uint64_t kinds, void *userdata) {
        tell_gap(userdata, kinds, 0, WIRE_LOSS_BUS, clock_boottime_ns());
}

const struct context_sink own_context_sink = {.on_record = on_context, .on_gap = on_context_gap};
