/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hooks - the programs in the kernel: loaded, told what to look for, attached where a policy needs them, and their
 * counters. All are loaded at the start, so that a reload cannot meet the verifier. Logs what it decides. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "event/interest.h"
#include "event/prefilter.h"

#include "capture/capture.h"

struct hooks;
struct keep_item;
struct bequest;

/* Kinds of the calls that explain a change of credentials: `credchange` is seen through their hooks. (keyctl and prctl
 * change none of those that are compared.) */
#define HOOKS_EXPLAINING_KINDS                                                                                         \
        (wire_kind_bit(WIRE_KIND_setuid) | wire_kind_bit(WIRE_KIND_setgid) | wire_kind_bit(WIRE_KIND_capset) |        \
         INTEREST_NAMESPACE_KINDS)

struct hooks_options {
        size_t ring_bytes;              /* a power of two */
        size_t asked_ring_bytes;        /* as configured: a ring that has grown since is no reason to begin anew */
        bool named_hierarchy;           /* hierarchy.h */
        const char *cgroup2;            /* where v2 is mounted; NULL: nowhere. Borrowed */
        enum capture_tier tier;         /* the best that may be used */
        struct bequest *kept;              /* of the process before; what is the same is taken out of it. NULL: none */
};

/* Errors as of capture_new_bpf(). */
int hooks_new(const struct hooks_options *options, struct hooks **ret);

/* Detaches, here or in a process of its own. */
struct hooks *hooks_free(struct hooks *hooks);
DEFINE_CLEANUP(struct hooks *, hooks_free)
void hooks_set_wait(struct hooks *hooks, bool wait);

/* What the next process could go on with (keep.h, hooks-adopt.c): descriptors of everything that is loaded and
 * attached, still ours, KEEP_MAX_ITEMS at most, and what else there is to know, KEEP_MAX_HEAD at most. */
enum keep_what {
        KEEP_RING,
        KEEP_LEDGER,                    /* the capture's */
        KEEP_MAP,
        KEEP_PROGRAM,
        KEEP_LINK,
        KEEP_TABLE,                     /* the capture's */
        KEEP_STORIES,                   /* the daemon's */
        KEEP_ENFORCER_LINK,             /* the enforcers' (enforcer.h) */
        KEEP_ENFORCER_PART,
};
size_t hooks_put_items(const struct hooks *hooks, struct keep_item *items);
size_t hooks_put_head(const struct hooks *hooks, void *ret);

/* Was all taken over, with this ring? */
bool hooks_is_adopted(const struct hooks *hooks);
size_t hooks_ring_bytes(const struct hooks *hooks);

/* What was kept has a ring of this size, with records of this version. 0: this cannot be said. */
size_t hooks_kept_ring_bytes(const struct bequest *kept, uint32_t *ret_wire_version);

/* Detach all that was kept, and free it. */
void hooks_detach_kept(struct hooks *hooks, struct bequest *kept);

/* Grows with each change of what hooks_put_items() gives. `on_detach` is called when links are about to be closed:
 * whoever has them, too, has to let go first. */
uint64_t hooks_n_changes(const struct hooks *hooks);
void hooks_on_detach(struct hooks *hooks, void (*on_detach)(void *userdata), void *userdata);

/* hooks_free() will only close: somebody else has everything. */
void hooks_leave(struct hooks *hooks);

/* The next snapshot finds out anew who we are. Is it this one? */
void hooks_forget_self(struct hooks *hooks);
bool hooks_is_self(const struct hooks *hooks, uint32_t tgid, uint64_t start_ns);

/* fork, execve, exit, cgroups: what is always watched. */
int hooks_attach_core(struct hooks *hooks);

/* Attach what this interest needs and set the filters; on failure nothing is changed. What is not needed any more stays
 * attached, and is filtered, until hooks_detach_unneeded(). To attach is slow (0.05 to 0.4 ms for each place):
 * `meanwhile`, if there is one, is called between two, to read what came. */
int hooks_set_interest(struct hooks *hooks, const struct interest *interest, void (*meanwhile)(void *userdata),
                       void *userdata);
void hooks_detach_unneeded(struct hooks *hooks);

/* Get ready what the kernel shall leave out beside, then put it into force: NULL, or not got ready: nothing. A failure
 * changes nothing that is in force. `began`: stories may be open though nothing is attached yet. */
int hooks_fill_prefilter(struct hooks *hooks, const struct prefilter *prefilter, void (*meanwhile)(void *userdata),
                         void *userdata);
void hooks_use_prefilter(struct hooks *hooks, const struct prefilter *prefilter, bool began);

/* The stream tells the name of a cgroup, or that it is gone. */
void hooks_see_group(struct hooks *hooks, uint64_t id, const char *path, size_t length, bool cut);
void hooks_forget_group(struct hooks *hooks, uint64_t id);

/* What the programs count in place of telling it (bpf/burst.bpf.h): is there any; tell what was begun until then. */
bool hooks_has_bursts(const struct hooks *hooks);
int hooks_flush_bursts(struct hooks *hooks, uint64_t until_ns);

/* From now on look at system calls through the 32-bit table, too: at a cost for every call on the host. 1: newly, 0: it
 * was so before. */
int hooks_watch_compat(struct hooks *hooks);

/* Wait, without blocking, for processes that detached. */
void hooks_reap(struct hooks *hooks);

/* Of a ring of this size so much waiting is worth a call of its reader, and so much may most kinds fill. */
size_t hooks_wake_bytes(size_t ring_bytes);
size_t hooks_share_bytes(size_t ring_bytes);
int hooks_ring_fd(const struct hooks *hooks);

/* A ring of this size, and to put it in the place of the one in use: it belongs to the hooks then, and the old one's
 * descriptor is closed. When this returns no program writes to that any more; it may take the kernel some 10 ms. On
 * failure nothing has changed. */
int hooks_new_ring(size_t bytes);
int hooks_exchange_ring(struct hooks *hooks, int ring_fd, size_t bytes);

/* Shared with the programs: see bpf/reader.bpf.h. */
uint32_t *hooks_waits(struct hooks *hooks);
uint32_t *hooks_urgent(struct hooks *hooks);
uint32_t *hooks_soon(struct hooks *hooks);
struct wire_overload *hooks_overload(const struct hooks *hooks);       /* by enum wire_priority: overload.bpf.h */
uint64_t hooks_n_budgets_lost(const struct hooks *hooks);

size_t hooks_n_cpus(const struct hooks *hooks);
const struct wire_counters *hooks_counters(const struct hooks *hooks, size_t cpu);

/* How often the kernel skipped the programs of each of these kinds (they would have nested), since the programs were
 * loaded; all bits: of all kinds. Few calls, whatever the number of programs; or one for each where the kernel has no
 * such iterator. */
void hooks_count_skipped(struct hooks *hooks, uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX]);

/* 1: what a snapshot tells of each process is from now on what is known of it, by the stream and by the kernel
 * (bpf/image.bpf.h). */
uint32_t *hooks_snapshot_is_first(struct hooks *hooks);

/* Run an iterator: a descriptor to read its records from. */
int hooks_open_snapshot(struct hooks *hooks);

/* From now on children of this process begin trees of their own. */
int hooks_add_supervisor(struct hooks *hooks, const struct identity *id);

/* Tell the kernel where the processes of the snapshot belong: one call for each, then run. */
int hooks_add_seed(struct hooks *hooks, const struct identity *id, const struct identity *creator,
                   const struct identity *tree);
int hooks_plant_seeds(struct hooks *hooks);

/* Names in events of this kind are those that the kernel found, where it came that far. */
bool hooks_has_security(const struct hooks *hooks, enum wire_kind kind);

size_t hooks_n_attached(const struct hooks *hooks);

/* Places that would only add to what others tell, and that the kernel refused: each was logged once, and is not tried
 * again. What it does not have, and what another place does instead, is not refused. */
size_t hooks_n_refused(const struct hooks *hooks);

/* Kinds that are wanted and that nothing tells: of all their hooks none could be attached. Bits. */
uint64_t hooks_untold(const struct hooks *hooks);

/* "openat: sys_exit_openat, ..." one line for each kind. */
struct strbuf;
void hooks_describe(const struct hooks *hooks, struct strbuf *b);

/* A line of hook-table.def. */
enum hooks_role {
        HOOKS_NEEDED,                   /* without it calls of the kind are missed */
        HOOKS_EXTRA,                    /* makes what the others tell more certain */
        HOOKS_OF_COMPAT,                /* 32-bit calls, of all kinds */
        HOOKS_OF_URING,                 /* operations of io_uring, of all kinds */
};

struct hooks_place {
        const char *place;
        enum wire_kind kind;            /* WIRE_NONE: of none, or of many */
        enum hooks_role role;
        const char *use;                /* when it is attached, in words */
        const char *why;                /* it is not used, in words, where an errno does not say it. NULL: it does */
};

size_t hooks_n_places(void);

/* Attach to each place and take it off again: `each` gets 0, or what came of it (-ENOENT: this kernel has no such
 * place; -EALREADY: it is not needed, a better one has the program). Places that we run ourselves count as attached.
 * `hooks` NULL: -EINPROGRESS for each, nothing was tried. */
void hooks_try(struct hooks *hooks, void (*each)(const struct hooks_place *place, int r, void *userdata),
               void *userdata);
