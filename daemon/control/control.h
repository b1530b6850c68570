/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Control - the door in: the object /org/execray1 with the interface org.execray1.Manager (docs/BUS.md), on the system
 * bus under the name org.execray1, and on a socket of our own that needs no bus and is root's alone.
 *
 * Nothing here waits. A bus that is not there is looked for again after 1, 2, 4 ... 60 seconds, and all else goes on
 * without it. Calls come at the loop's lowest priority, in turn with the kernel's events, so that nobody who asks all
 * day keeps us from reading those. What somebody can make grow is bounded: clients, calls that wait for an answer, what
 * is queued for one who does not read. Only root may change something, and whom polkit lets, if it is there; whatever
 * the bus lets through. One thread, the loop's. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct control;
struct metrics;
struct strbuf;

#define CONTROL_SOCKET "/run/execrayd/control"
#define CONTROL_MAX_CLIENTS 16          /* of the socket */
#define CONTROL_MAX_PENDING 32          /* calls that wait for an answer */
#define CONTROL_MAX_PENDING_BUS 24      /* of them over the bus: somebody there cannot keep root from the socket */
#define CONTROL_MAX_PENDING_OTHERS 8    /* of these of those who are not root */
#define CONTROL_MAX_PENDING_USER 2      /* and of one of them */
#define CONTROL_MAX_QUEUED 1024         /* messages for one who does not read */

/* Who asks; the kernel's word, or the bus's. */
struct control_caller {
        const char *way;                /* "bus", "socket" */
        pid_t pid;                      /* 0: not known */
        uid_t uid;                      /* UINT32_MAX: not known */
};

struct control_reloaded {
        uint64_t number, generation;    /* of the reload that ended last; in force */
        bool done;
        const char *text;               /* what changed, or what is wrong; borrowed until the function returns */
};

struct control_state {
        const char *health;             /* "healthy", "degraded", "failing" */
        uint64_t generation, n_policies, n_alerts;
};

struct control_policy {
        const char *severity;
        const char *name, *file;        /* not ended by NUL */
        size_t n_name, n_file;
        uint64_t n_alerts, n_open;      /* stories told, and under way */
};

struct control_story {
        const char *policy;             /* not ended by NUL */
        size_t n_policy;
        const char *key;                /* whose: printable */
        uint64_t n_done, left_ns;       /* steps; until it ends if nothing comes, UINT64_MAX: never */
};

struct control_alert {
        uint64_t number;
        const char *policy, *severity, *key, *exe;      /* any bytes */
        pid_t pid;
};

/* The upper floor's half. Called from the loop; they do not call back, but for control_reloaded() and control_saved().
 */
struct control_ops {
        /* Read the files again. Returns the number of the reload that does. */
        uint64_t (*reload)(const struct control_caller *caller, void *userdata);
        /* The number of the reload that is under way, or of the last one. */
        uint64_t (*reloading)(void *userdata);
        void (*reloaded)(struct control_reloaded *ret, void *userdata);
        /* Save the last events. 0: control_saved() will be called; or < 0 and why. */
        int (*snapshot)(const struct control_caller *caller, struct strbuf *why, void *userdata);
        void (*state)(struct control_state *ret, void *userdata);
        /* Returns the health, as in `state`. */
        const char *(*status)(struct strbuf *text, struct strbuf *json, void *userdata);
        void (*policies)(void (*on_policy)(const struct control_policy *policy, void *data), void *data,
                         void *userdata);
        void (*stories)(size_t max, void (*on_story)(const struct control_story *story, void *data), void *data,
                        void *userdata);
        const struct metrics *(*metrics)(void *userdata);
};

struct control_stats {
        uint64_t n_calls, n_refused;    /* answered; for a bound or for who asked */
        uint64_t n_dropped;             /* signals for one who did not read */
        uint64_t n_connected;           /* times that the bus was reached */
        uint64_t n_clients, n_pending;  /* now */
        uint64_t n_asked, n_allowed;    /* polkit was asked; it said yes */
        uint64_t on_bus;                /* 1: the name is ours */
};

/* What is not to be there or cannot be is said, and done without. */
struct control_options {
        bool bus, polkit;               /* be on the bus; ask polkit there about who is not root */
        const char *socket;             /* borrowed during the call; NULL: none */
};

/* `ops` is borrowed for good. -ENOMEM. */
int control_new(sd_event *loop, const struct control_options *options, const struct control_ops *ops, void *userdata,
                struct control **ret);
struct control *control_free(struct control *control);
DEFINE_CLEANUP(struct control *, control_free)

/* A reload has ended: whoever waits for it is answered, and what changed is told. */
void control_reloaded(struct control *control);

/* A recording that was asked for is whole, or (r < 0) will never be. */
void control_saved(struct control *control, int r, const char *file);

/* The health is another one. */
void control_changed(struct control *control);

void control_alert(struct control *control, const struct control_alert *alert);

void control_stats(const struct control *control, struct control_stats *ret);
