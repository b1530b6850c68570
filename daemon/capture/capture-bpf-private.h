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
#include "capture/keep.h"
#include "capture/losses.h"
#include "capture/mend.h"
#include "capture/overload.h"
#include "capture/pace.h"
#include "capture/refusals.h"
#include "capture/ring-size.h"
#include "capture/ring.h"

/* What the next process has to know of this one at any time, also if it crashes: in memory that it gets with the
 * programs. Behind it are the losses that were seen (losses.h), by CPU: tables, then totals. */
struct ledger {
        uint64_t left;                  /* 1: the process ended on purpose. The first word in every version */
        uint64_t consumed[_WIRE_KIND_MAX];      /* events taken from the ring, as many as they stand for */
        uint64_t skipped[_WIRE_KIND_MAX];       /* as last seen */
};

struct keep {
        struct capture_keep ends;       /* borrowed */
        bool on;
        struct bequest *before;            /* owned; what the process before left, until it is read */
        struct ledger *ledger;          /* mapped */
        size_t ledger_bytes;
        int table_fd;                   /* owned; -1: the process before left no table of processes */
        int stories_fd;                 /* owned; -1: it left none, or it was taken */
        int ledger_fd;                  /* owned; -1: there is none, the ledger is our own memory */
        uint64_t published;             /* state of the hooks that is in the queue, */
        uint64_t number;                /* and of that publication, */
        size_t n_messages;              /* which has so many */
        bool watched;                   /* there were programs all the time */
        bool told_table;                /* the stream began with what the process before knew */
        uint64_t unread_until;          /* position in the ring: what came while nobody read, of which so far */
        uint64_t n_unread;
        uint64_t not_before_ns;         /* what is older was in the ring of the process before */
};

enum deny_for {
        DENY_LISTS,                     /* of the administrator */
        DENY_POLICIES,                  /* with `enforce` */
        DENY_N,
};

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
        struct capture_stats base;      /* what the kernel had counted when we came */
        uint64_t *consumed;             /* by kind: where events are counted that are read */
        struct keep keep;

        struct capture_overload overload;       /* as last set */
        struct overload_watch shedding[WIRE_N_GOVERNED];

        struct context context;
        struct mend mend;
        bool moves_lost;                /* who left which namespace has to be looked up */
        bool sees_all;                  /* the task iterator shows every process, not only those of a namespace */

        enum capture_tier tier;         /* the best that may be used */
        struct deny {
                struct enforcer *enforcer;      /* owned; NULL: nothing is forbidden */
                struct enforcer *before; /* owned; of the process before, until ours is in force and it is read */
                sd_event_source *verdicts, *verdicts_before;    /* owned */
        } deny[DENY_N];
        struct refusals *refusals;      /* owned; NULL: no policy enforces anything */
        uint64_t verdicts_until_ns;     /* those that are being told are not told as of later */
        struct capture_deny_stats denied;       /* by those that are gone */
        bool enforcing;
        bool let_go;                    /* nothing of the process before is in force any more */

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
void capture_loop_set_deadline(struct capture *capture, uint64_t deadline_ns);
int capture_loop_watch(struct capture_bpf *bpf, int ring_fd, sd_event_source **ret);

/* Nobody in the kernel looks at a burst that is over: it is told from here. */
void capture_loop_flush(struct capture_bpf *bpf, uint64_t now_ns);

/* capture-ring.c: how full is it? Once a second it may get another size. */
void capture_ring_turn(struct capture_bpf *bpf, uint64_t now_ns);

/* capture-keep.c. Take what the process before left; the ledger, which needs the hooks; and whether the record is not
 * for us: ours by the process before's programs, or told by them already. */
int capture_keep_init(struct capture_bpf *bpf, const struct capture_keep *keep);
int capture_keep_open_ledger(struct capture_bpf *bpf);
void capture_keep_done(struct capture_bpf *bpf);

/* When the stream begins: before the first event that waits. */
uint64_t capture_keep_begin_ns(struct capture_bpf *bpf, uint64_t now_ns);

/* The beginning of the stream is told: what the process before left comes next. */
void capture_keep_go_on(struct capture_bpf *bpf);

/* Have the queue hold what is loaded and attached now. */
void capture_keep_publish(struct capture_bpf *bpf);

/* The last time: with this table (-1: none), and nothing is taken back. And what the process before left of stories. */
void capture_keep_leave(struct capture *capture, int table_fd, int stories_fd);
int capture_keep_take_stories(struct capture *capture);

/* Tell the processes and groups that the process before knew, as of this time; `each` of the former. False: it left
 * none that can be read. */
bool capture_keep_tell_table(struct capture_bpf *bpf, uint64_t time_ns,
                             int (*each)(struct capture_bpf *bpf, const struct wire_header *header));

/* Is this record from the ring not to be told? For those for which capture_keep_looks() only. */
bool capture_keep_drops(struct capture_bpf *bpf, const struct event *event);

/* Once a second. */
static inline void capture_keep_turn(struct capture_bpf *bpf) {
        if (bpf->keep.published != hooks_n_changes(bpf->hooks))
                capture_keep_publish(bpf);
}

static inline bool capture_keep_looks(const struct capture_bpf *bpf) {
        return __builtin_expect(bpf->keep.unread_until > 0 || bpf->keep.not_before_ns > 0, false);
}

/* capture-bpf.c: one record; capture-stats.c: what the kernel has counted, since its programs were loaded. */
void capture_bpf_take(struct capture_bpf *bpf, const void *data, size_t size);
void capture_bpf_count(const struct capture_bpf *bpf, struct capture_stats *ret);
void capture_bpf_stats(const struct capture *capture, struct capture_stats *ret);
void capture_bpf_skipped(struct capture *capture, uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX]);
uint64_t capture_bpf_untold(const struct capture *capture);
size_t capture_bpf_describe(const struct capture *capture, char *buffer, size_t size);

/* capture-groups.c: before a record is told, the control group that it names is; after one of a group, whoever is
 * filtered by the name is so behind it. */
void groups_find(struct capture_bpf *bpf, const struct wire_header *header);
void groups_see(struct capture_bpf *bpf, const struct event *event);

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
int deny_set_enforcement(struct capture *capture, const struct capture_enforcement *enforcement);
bool deny_has_killed(struct capture *capture, const struct identity *who, const char *policy, uint64_t wait_ns);
const char *deny_obstacle(const struct capture *capture, const struct enforcement_rule *rule);
int deny_arm(struct capture *capture, const struct enforcement_arming *arming);
void deny_disarm_policy(struct capture *capture, const char *policy, bool disarmed);
void deny_name_group(struct capture_bpf *bpf, uint64_t id, const char *path, size_t n_path, bool is_cut);
void deny_forget_group(struct capture_bpf *bpf, uint64_t id);
void deny_set_enforcing(struct capture *capture, bool enforcing);
int deny_protect(struct capture *capture, const struct capture_deny_list *executables);
int deny_join(struct capture_bpf *bpf);

/* What the process before has left in force; what the queue is to hold: of ours, or still that one. */
int deny_inherit(struct capture_bpf *bpf, struct bequest *before);
size_t deny_put_items(const struct capture_bpf *bpf, struct keep_item *items);
void deny_let_go(struct capture *capture);
void deny_read(struct capture_bpf *bpf, uint64_t until_ns);
/* Those of before this time, when nothing else is to be told before them. */
void deny_read_begun(struct capture_bpf *bpf, uint64_t begun_ns);
bool deny_is_used(const struct capture_bpf *bpf);

/* After deny_read(): has what the kernel refused been put into a copy of the record, in bpf->copy? */
static inline bool deny_completes(struct capture_bpf *bpf, const struct wire_header *header) {
        return __builtin_expect(header->result == -EPERM && bpf->refusals, false) &&
               refusals_complete(bpf->refusals, header, &bpf->copy);
}
void deny_stats(const struct capture_bpf *bpf, struct capture_deny_stats *ret);
void deny_done(struct capture_bpf *bpf);

extern const struct context_sink own_context_sink;
