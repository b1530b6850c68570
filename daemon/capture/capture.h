/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Capture - a source of events: the running kernel or a recording, and the caller cannot tell which.
 *
 * What comes out is one stream of checked wire records, the daemon's own among them (clock, cgroup, process, start,
 * gap, obscured, tick): whoever writes every record that on_event() sees into a trace file has a recording that replays
 * to the same stream. Events are numbered from 1, and their time_ns never runs backwards; the record's own time is left
 * as it was.
 *
 * The order in a stream: `clock`, the `cgroup` names that exist (with a `container` behind each that is one's), one
 * `process` for each that runs (parents first), `start`, and then what happens. A `gap` stands before the first record
 * that was written after a loss, or lasts until then (losses.h). A `tick` says that no event before its time is
 * missing: once a second while nothing happens, and when a deadline that was asked for has come. After a gap in fork,
 * execve or exit the stream is mended (mend.h): `exit` for those who are gone, `process` for those who are there,
 * marked WIRE_MENDED.
 *
 * This room does I/O, logs and reads the clock. One thread, the loop's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "event/enforcement.h"
#include "event/event.h"
#include "event/interest.h"
#include "event/prefilter.h"

struct capture;

/* The upper floor's half. Events are borrowed until the function returns; it must not call back into the capture, but
 * for capture_set_deadline() and capture_stats(). */
struct capture_sink {
        void (*on_event)(const struct event *event, void *userdata);

        /* The source has nothing more: the recording ended (0) or is broken (-EBADMSG, ...). Never for the kernel. May
         * be NULL. */
        void (*on_end)(int status, void *userdata);
};

/* System calls through the 32-bit table of the kernel. */
enum capture_compat {
        CAPTURE_COMPAT_AUTO,            /* once a 32-bit program runs */
        CAPTURE_COMPAT_ALWAYS,          /* also those that 64-bit programs make: every call on the host costs more */
        CAPTURE_COMPAT_OFF,
};

/* How security hooks are used, where the kernel lets us: best first. */
enum capture_tier {
        CAPTURE_TIER_LSM,
        CAPTURE_TIER_FENTRY,
        CAPTURE_TIER_TRACEPOINT,        /* not at all */
};

/* What may be left out of the events of one priority (daemon/event/priorities.def), beside what there is no room for.
 * Rates are events per second on this host, bursts how many may come at once before the rate counts. */
struct capture_limits {
        uint64_t sample;                /* tell one in so many of each kind; 0, 1: all */
        uint64_t rate, burst;           /* rate 0: no limit; burst 0: 1 */
        uint64_t process_rate, process_burst;   /* the same, of each process */
        uint64_t shed;                  /* nothing while more than so many % of the ring wait; 100: never, 0: default */
};

struct capture_overload {
        struct capture_limits limits[WIRE_N_GOVERNED];  /* by enum wire_priority */
        uint64_t hysteresis;            /* % of the ring; 0: 20 */
};

/* A queue in which programs, maps and ring outlive this process (keep.h): a pair of sockets of type SOCK_SEQPACKET, of
 * which somebody else has `queue`, too. What capture_start() began is in it, and follows what changes, until
 * capture_free() empties it. `before` is the queue of the process before, -1: there was none. What it holds is gone on
 * with if this process would load the same. Else our own programs come first, then what waits in the old ring is read,
 * or counted if it is of another wire version. Borrowed until capture_free(). */
struct capture_keep {
        int queue, send;
        int before;
};

struct capture_options {
        size_t ring_bytes; /* a power of two >= 64 KiB; 0: 8 MiB. Memory counts twice, the ring is mapped twice */
        size_t max_ring_bytes; /* the same: on a loop it grows up to this with what it has to hold (ring-size.h), and
                                  shrinks again. Less than ring_bytes: it does not */
        uint64_t max_latency_ns;        /* how long a record may wait in the ring while events are frequent; 0: 1 ms */
        bool wake_urgent;               /* but not what may end a story or start a response, */
        bool patient;                   /* with it: what does not may wait for longer (pace.h) */
        bool wake_each;                 /* no record waits for others: each that finds the reader asleep wakes it */
        size_t learned_ring_bytes;      /* what it began with grew or shrank to, when last it ran; 0: not known. Within
                                           the bounds it begins with that */
        size_t batch;                   /* records read in one turn of the loop; 0: 512 */

        enum capture_compat compat;

        /* Absolute paths of programs whose children begin activities of their own (sshd, cron, a container's shim, ...)
         * when they run as the main process of a unit. PID 1 and kthreadd always do. Borrowed during the call. */
        const char *const *supervisors;
        size_t n_supervisors;

        /* The best that may be used, also where the kernel takes better ones: for comparison and for trouble. */
        enum capture_tier tier;

        struct capture_overload overload;

        const struct capture_keep *keep;        /* NULL: nothing is kept */

        /* Of so many at a time it is known who lives: for what is made good after a loss. 0: 65536 */
        size_t max_processes;
};

/* What the kernel is to refuse (enforcer.h): borrowed during the call. */
struct capture_deny_list {
        const char *const *items;
        size_t n;
};

struct capture_deny {
        struct capture_deny_list addresses, executables, files;
        struct capture_deny_list protected; /* absolute paths of executables that are never refused anything, beside PID
                                               1 and the kernel's threads */
        bool kill; /* the caller is not only refused, but killed, before it comes back from its call */
        bool closed; /* what cannot be looked at is refused; and it is an error if a list cannot be in force */
};

/* Last steps of policies that the kernel decides (event/enforcement.h): borrowed during the call. */
struct capture_enforcement {
        const struct enforcement_rule *rules;
        size_t n_rules;
        struct capture_deny_list protected; /* as of capture_deny */
        bool closed; /* it is an error if a rule cannot be in force; else it is said */
};

struct capture_deny_stats {
        uint64_t n_refused;             /* calls, */
        uint64_t n_would;               /* that would have been, but nothing was to be refused */
        uint64_t n_protected;           /* that would have been, but for the caller */
        uint64_t n_killed, n_kill_failed;       /* callers of the first */
        uint64_t n_undecided;           /* that could not be looked at */
        uint64_t n_untold;              /* of these: for which there is no `verdict` */
        uint64_t n_unarmed;             /* stories for which there was no room: their last step is answered late */
        uint64_t n_unnamed;             /* control groups: of these the kernel does not know unit and container */
};

/* What is watched, from where, and what was lost. The counters only grow. */
struct capture_stats {
        uint64_t produced[_WIRE_KIND_MAX];      /* passed the filters in the kernel */
        uint64_t filtered[_WIRE_KIND_MAX];      /* did not: no policy could have used them */
        uint64_t delivered[_WIRE_KIND_MAX];     /* given to the sink, an aggregate as the events that it stands for; for
                                                   META kinds also those made here */
        uint64_t aggregated[_WIRE_KIND_MAX];    /* of those delivered, in aggregates; and those under way */
        uint64_t lost[_WIRE_KIND_MAX][_WIRE_LOSS_MAX];  /* produced = delivered + these, when the ring is empty
                                                           and nothing is being counted */
        uint64_t n_late;                /* came with a time before the stream's, and were given the stream's */
        uint64_t n_obscured;            /* `obscured` records made */
        uint64_t n_mended_exits;        /* ends that were lost, told when they were found out */
        uint64_t n_mended_processes;    /* starts and execs that were lost, told as `process` */
        uint64_t n_bus_lost;            /* times that the bus, or a service on it, went away */
        uint64_t n_bus_forged;          /* messages on the bus that were from somebody else */
        uint64_t n_context_refused;     /* containers, units and sessions for which there was no room */
        uint64_t n_context_unreadable;  /* files of runtimes that could not be read, or made no sense */
        uint64_t n_wakeups;             /* times that the kernel woke the reader, */
        uint64_t n_calls[_WIRE_WAIT_MAX];       /* and what for; more than one may come at once */
        uint64_t n_turns;
        uint64_t n_resized;             /* times that the ring got another size */
        uint64_t n_stalls;              /* times that the ring's first record was not finished for 10 ms */
        uint64_t n_sheds;               /* times that the ring was so full that events were shed */
        uint64_t n_budgets_lost;        /* times that the limit of a process was forgotten for that of another */
        size_t ring_bytes, ring_pending, ring_pending_max;
        struct capture_deny_stats deny;
        size_t n_programs;              /* attached */
        size_t n_refused;               /* places that should add to what is told, and that the kernel refused */
};

/* Watch the running kernel. Loads the programs, attaches nothing yet. Fails with one log line that says what to do:
 * -EPERM          not allowed: CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_RESOURCE or root
 * -ENODATA        the kernel has no type information (CONFIG_DEBUG_INFO_BTF)
 * -EOPNOTSUPP     the kernel is older than 6.1 or lacks something that cannot be done without
 * -ENOLINK        loaded but cannot be attached
 * -EMFILE         not allowed to open as many files as it takes
 * and -ENOMEM. `sink` is copied. */
int capture_new_bpf(
        const struct capture_options *options,
        const struct interest *interest,
        const struct capture_sink *sink,
        void *userdata,
        struct capture **ret);

/* Read a recording, as fast as it goes; needs no privilege and looks at no clock. The interest plays no part: what is
 * in the recording is delivered. Fails with one log line that says why: -EBADMSG (no recording, or damaged), -EPROTO
 * (of another version or machine), -ENODATA (cut), or the error of opening it. */
int capture_new_replay(const char *path, const struct capture_sink *sink, void *userdata, struct capture **ret);

/* Stops, too. Detaching from system calls is slow in the kernel; it is left to a process that outlives this call,
 * unless `wait` was set by capture_set_wait(). */
struct capture *capture_free(struct capture *capture);
DEFINE_CLEANUP(struct capture *, capture_free)

/* This process ends and another is to follow: capture_free() leaves all as it is, in the queue. Events go on into the
 * ring. `table_fd` is a recording of `cgroup` and `process` records, which the next stream begins with: what is known
 * of those that are there now, for they may be gone by then. `stories_fd` is what capture_take_stories() gives the next
 * one: the caller's business. -1: there is none. Borrowed. Without a queue: nothing. */
void capture_leave(struct capture *capture, int table_fd, int stories_fd);

/* What the process before has left so, for the caller to close; -1: nothing, as if it had crashed. */
int capture_take_stories(struct capture *capture);

/* Before the start: the stream goes on behind the event of this number, which the process before read last. */
void capture_go_on_behind(struct capture *capture, uint64_t number);
void capture_set_wait(struct capture *capture, bool wait);

/* Attach and begin on the loop, at its lowest priority. With the kernel as the source everything up to `start` is
 * delivered before this returns. `generation` is the number of the policy set, told in `start`. Errors as above. */
int capture_start(struct capture *capture, sd_event *loop, uint64_t generation);

/* Without a loop: start with loop = NULL, then read up to `max` records now. Returns how many; 0: none is there
 * (kernel) or no more will come (recording). */
int capture_dispatch(struct capture *capture, size_t max);

/* Have what the kernel is counting told now, and all losses: it can be read then. A recording: nothing. */
void capture_flush(struct capture *capture);

/* Change what is watched, without losing an event that both sets want: attach what is new, change the filters, tell
 * `start`, detach what nobody wants (elsewhere, this call does not wait for it). While it attaches, and tells the
 * kernel what to leave out, which is slow, events go on being delivered, before `start`. On failure everything is as it
 * was. */
int capture_set_interest(struct capture *capture, const struct interest *interest, uint64_t generation);

/* From now on it is looked how long nobody reads; the longest such time until now. */
void capture_begin_wait(struct capture *capture);
uint64_t capture_end_wait(struct capture *capture);

/* What the next capture_start() or capture_set_interest() puts into force beside the interest: events that nobody could
 * use by what they hold, or by what came before them, are left out in the kernel, and counted as filtered. Not called
 * before one of these, or NULL: none are. If the kernel does not take it none are, and the log says so. Borrowed until
 * then. A recording has what it has. */
void capture_set_prefilter(struct capture *capture, const struct prefilter *prefilter);

/* Change what is left out under overload, from now on. A recording has what it has. */
void capture_set_overload(struct capture *capture, const struct capture_overload *overload);

/* From now on the kernel looks at what these lists say; `verdict` events tell what it did. It refuses nothing before
 * capture_set_enforcing(), which holds for all lists to come, at once. Errors as enforcer_new() has them, and all is as
 * it was. A recording: -EOPNOTSUPP. */
int capture_set_deny(struct capture *capture, const struct capture_deny *deny);
void capture_set_enforcing(struct capture *capture, bool enforcing);

/* What the process before has left refuses on until this is called: once all that this one forbids is in force. If it
 * is not enforcing, that is at once. */
void capture_let_go(struct capture *capture);

/* As capture_set_deny(), of the last steps of policies: `verdict` events say `policies` in place of a list, and the
 * policy's name. Whoever was armed is so no longer: tell them again. */
int capture_set_enforcement(struct capture *capture, const struct capture_enforcement *enforcement);

/* Has the kernel killed this process for this policy, and is it not told yet? What happens at the end of a call is
 * known some microseconds after the record of the call: waits at most so long for it. A recording: no. */
bool capture_has_killed(struct capture *capture, const struct identity *who, const char *policy, uint64_t wait_ns);

/* Why the kernel cannot decide this rule here; NULL: it can, or this is a recording. */
const char *capture_enforcement_obstacle(const struct capture *capture, const struct enforcement_rule *rule);

/* Stories have come to their last step, or are over. -ENOENT: no rule of its path is in force. -E2BIG, counted: there
 * is no room. A recording: -EOPNOTSUPP. */
int capture_arm(struct capture *capture, const struct enforcement_arming *arming);

/* What this policy enforces is told from now on, and not done; or done again. New rules are in force. */
void capture_disarm_policy(struct capture *capture, const char *policy, bool disarmed);

/* These as well are never refused anything, as deny->protected. -E2BIG: there is no room for all. */
int capture_protect(struct capture *capture, const struct capture_deny_list *executables);

/* Change when the reader is woken, from now on; as in struct capture_options. A recording is read as fast as it goes.
 */
void capture_set_pace(struct capture *capture, uint64_t max_latency_ns, bool wake_urgent, bool patient,
                      bool wake_each);

/* How many events of these kinds the kernel has skipped of which no gap has told yet: looked for once a second
 * otherwise, and here at the cost of a system call for each program of these kinds. A recording: 0. */
void capture_skipped(struct capture *capture, uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX]);

/* Tell the beginning of the stream again, as of now: `clock`, `cgroup`..., `process`..., `start`. Whoever writes to
 * another file from here on has one that is complete in itself. Nothing is lost or told twice but that; read what is
 * there before (capture_dispatch()), and it stands in the first. A recording: -EOPNOTSUPP. */
int capture_retell(struct capture *capture);

/* Ask for a tick as soon as the clock (CLOCK_BOOTTIME) has passed this time. Replaces the last one; UINT64_MAX takes it
 * back. A recording has its ticks in it, there this does nothing. */
void capture_set_deadline(struct capture *capture, uint64_t deadline_ns);

/* Kinds that are wanted now and that no hook on this kernel tells: bits. 0 of a recording. */
uint64_t capture_untold(const struct capture *capture);

void capture_stats(const struct capture *capture, struct capture_stats *ret);

/* What is watched and with what, one line each, for people. Cut to `size`, always ended by NUL; returns the length. */
size_t capture_describe(const struct capture *capture, char *buffer, size_t size);
