/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Capture from the kernel, inside - what its source keeps, and the records that it makes itself. For capture-bpf.c and
 * capture-own.c only. */

#include "base/macro.h"
#include "event/encode.h"

#include "capture/capture-private.h"
#include "capture/context.h"
#include "capture/enforcer.h"
#include "capture/hierarchy.h"
#include "capture/hooks.h"
#include "capture/losses.h"
#include "capture/mend.h"
#include "capture/overload.h"
#include "capture/pace.h"
#include "capture/ring-size.h"
#include "capture/ring.h"

struct capture_bpf {
        struct capture capture;         /* first: what the callers hold */
        struct hooks *hooks;            /* owned */
        struct ring ring;
        struct pace pace;
        struct hierarchy hierarchy;
        struct interest interest;       /* as last set */
        char **supervisors;             /* owned, and its strings */
        size_t n_supervisors;
        enum capture_compat compat;
        size_t batch, ring_bytes, wake_bytes;
        struct ring_size size;
        size_t waited_max;              /* bytes, and */
        uint64_t lost_for_room;         /* events, at the last look at the size, which was then: */
        uint64_t sampled_ns;

        sd_event *loop;                 /* borrowed; NULL: there is none */
        sd_event_source *ring_source, *timer, *again;
        uint64_t generation;
        uint64_t ticked_ns;             /* time of the last tick */
        uint64_t deadline_ns;           /* asked for; UINT64_MAX: none */
        uint64_t flushed_ns;            /* when bursts were last looked for */
        uint64_t busy_since_ns;         /* the first record is not finished; 0: it is, or there is none */
        bool stalled;
        int64_t clock_offset_ns;        /* last told */

        struct losses losses;
        uint64_t looked;                /* what was written up to here had not been lost at the last look for losses */
        bool tell_all;                  /* losses, also those that may wait */
        uint64_t groups_lost;           /* cgroup records */
        uint64_t skipped[_WIRE_KIND_MAX];

        struct capture_overload overload;       /* as last set */
        struct overload_watch shedding[WIRE_N_GOVERNED];

        struct context context;
        struct mend mend;
        bool moves_lost;                /* who left which namespace has to be looked up */
        bool sees_all;                  /* the task iterator shows every process, not only those of a namespace */

        enum capture_tier tier;         /* the best that may be used */
        struct enforcer *enforcer;      /* owned; NULL: nothing is forbidden */
        sd_event_source *verdicts;      /* owned */
        struct capture_deny_stats denied;       /* by those that are gone */
        bool enforcing;

        struct record own;              /* for the daemon's own records */
        struct record copy;             /* for records that are changed on their way */
};

static inline struct capture_bpf *bpf_of(struct capture *capture) {
        return container_of(capture, struct capture_bpf, capture);
}

/* Read up to `max` records. *ret_empty: the ring was empty at the end, and everything up to now is told. */
size_t capture_bpf_read(struct capture_bpf *bpf, size_t max, bool *ret_empty);

#define TICK_INTERVAL_NS NSEC_PER_SEC

/* capture-loop.c: read on the loop from now on; not later than for the deadline, which has changed; and have it tell
 * when the kernel calls the reader of this ring. */
int capture_loop_join(struct capture_bpf *bpf);
void capture_loop_hasten(struct capture_bpf *bpf);
int capture_loop_watch(struct capture_bpf *bpf, int ring_fd, sd_event_source **ret);

/* capture-ring.c: how full is it? Once a second it may get another size. */
void capture_ring_turn(struct capture_bpf *bpf, uint64_t now_ns);

/* capture-own.c: a record of our own, in bpf->own; one about the process that another record is about. */
void own_begin(struct capture_bpf *bpf, enum wire_kind kind, uint64_t time_ns);
void own_begin_about(struct capture_bpf *bpf, enum wire_kind kind, const struct wire_header *about, uint64_t time_ns);
void own_deliver(struct capture_bpf *bpf);

/* The offset of the wall clock, if it is another than was told. */
void tell_clock(struct capture_bpf *bpf, uint64_t now_ns);
void tell_cgroup(uint64_t id, const char *path, void *userdata);
void tell_start(struct capture_bpf *bpf);
void tell_tick(struct capture_bpf *bpf, uint64_t time_ns);
void tell_obscured(struct capture_bpf *bpf, const struct wire_header *about, enum wire_reason reason,
                   const char *subject);
void tell_gap(struct capture_bpf *bpf, uint64_t kinds, uint64_t count, enum wire_loss reason, uint64_t until_ns);

/* capture-deny.c: what the kernel refuses. Verdicts up to a time are told by deny_read(), so that they stand where they
 * happened. */
int deny_set(struct capture *capture, const struct capture_deny *deny);
void deny_set_enforcing(struct capture *capture, bool enforcing);
int deny_join(struct capture_bpf *bpf);
void deny_read(struct capture_bpf *bpf, uint64_t until_ns);
void deny_stats(const struct capture_bpf *bpf, struct capture_deny_stats *ret);
void deny_done(struct capture_bpf *bpf);

extern const struct context_sink own_context_sink;
