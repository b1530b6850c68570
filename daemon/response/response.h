/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Response - the daemon's side of scripts: a process of its own (respond-worker.h) is asked about alerts, and the
 * daemon never waits for it.
 *
 *      response_new()          starts it; on_ready() says whether its scripts are good
 *      response_attach()       from then on alerts that concern a script are held (report.h) and sent
 *      ... the answer comes, or the time is over: the alert is told, in either case, once
 *      response_detach()       no more are sent; what is under way still comes
 *      response_finish()       until it says so: the process ends what it has begun, too
 *
 * A step that has responders is sent as well: nothing waits for it, and what is said of it is told when it comes. Steps
 * take half of the queue at most, so that no flood of them leaves alerts without an answer.
 *
 * How many alerts may wait is bounded, more are told at once and counted. When the process ends, by itself or because
 * it has not answered for too long, all that it had are told, and it is started again, after a while that doubles.
 *
 * It is our child, or a service of its own that the service manager starts when we connect (struct response_service):
 * then it may have what we do not, and we it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct config;
struct program;
struct report;
struct response;
struct strbuf;

/* A process of its own for each connection. Strings are borrowed for the call. */
struct response_service {
        const char *path;               /* of the socket: SEQPACKET */
        pid_t listener;                 /* who must have made it */
        const char *unit;               /* that the process must be in, as of fnmatch(3); NULL: any */
};

struct response_options {
        const struct config *config;    /* borrowed for the call */
        const struct program *program;  /* the same; who is named in it and not there is warned of; may be NULL */
        const char *const *places;      /* of scripts; n_places 0: as configured */
        size_t n_places;
        const char *executable;         /* NULL: our own, whose main() must know RESPOND_WORKER_NAME */
        const struct response_service *service; /* NULL: it is our child */
        bool is_patient;                /* should it not begin, that is no error: it is tried again and again */
        sd_event *loop;                 /* a reference is taken */
};

struct response_sink {
        /* Once, for the first start: 0; or < 0, and why in `messages` (which may hold warnings of a 0). */
        void (*on_ready)(int r, const char *messages, void *userdata);
        /* A runtime list has changed, as in action/actions.h. May be NULL. */
        void (*on_list)(const char *list, const char *value, uint64_t until_ns, void *userdata);
        /* A storm of actions has disarmed this policy, or an operator wants it armed again. May be NULL. */
        void (*on_storm)(const char *policy, bool disarmed, void *userdata);
};

struct response_stats {
        uint64_t n_asked, n_answered;   /* alerts */
        uint64_t n_late;                /* told before the answer came */
        uint64_t n_lost, n_full, n_down, n_large;       /* told without one: see enum alert_response_state */
        uint64_t n_fast;                /* answers within 5 ms */
        uint64_t n_failed;              /* answers with errors in them */
        uint64_t n_actions;             /* attempts */
        uint64_t n_steps_asked, n_steps_answered;       /* about steps, which are in none of the above but actions */
        uint64_t n_steps_left;          /* nobody was asked: too many waited, or the process was not there */
        uint64_t n_starts;              /* of the process */
        uint64_t latency_max_ns;        /* from the alert to its answer */
        size_t n_waiting;               /* alerts and steps */
        int pid;                        /* 0: it is not there */
        bool is_service;                /* not our child */
        char notice[256];               /* the last that it said of itself: a script is suspended, all is disarmed */
};

/* Is anybody to be asked about alerts of this program, with this configuration? Else nothing needs to be started. */
bool response_is_needed(const struct program *program, const struct config *config);

int response_new(const struct response_options *options, const struct response_sink *sink, void *userdata,
                 struct response **ret);

/* Ends the process. Alerts that still wait are told as lost. */
struct response *response_free(struct response *response);
DEFINE_CLEANUP(struct response *, response_free)

/* The report is borrowed until the response is freed. */
void response_attach(struct response *response, struct report *report);
void response_detach(struct response *response);

/* After response_detach(): is nothing under way any more, neither alerts nor actions that take long? From the time when
 * no alert waits the process has half a minute to end what it has begun. To be asked again and again. */
bool response_finish(struct response *response);

/* Wait for on_ready(), for whoever has nothing else to do: runs the loop for this alone, until the patience is over. */
int response_wait(struct response *response);

/* Wait until no alert waits any more, at most as long as they may; what is left is told without an answer. */
void response_drain(struct response *response);

void response_stats(const struct response *response, struct response_stats *ret);

/* One line for the summary, if there is anything to say. */
void response_put(const struct response_stats *stats, struct strbuf *b);
