/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager recorder - saves what led to an alert, or what has just happened: the last events (pipeline/recorder.h) go
 * into a file that `execrayctl replay`, `trace` and `why` read.
 *
 * A copy of this process writes it, so that the loop stands still for the fork alone, and events that come meanwhile do
 * not matter to it. One is written at a time. Files are readable by their owner only, appear under their name when they
 * are whole, and the oldest go. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

struct event;
struct manager;
struct match;
struct recorder;
struct strbuf;

struct manager_recorder {
        struct recorder *recorder;      /* owned; NULL: off */
        char directory[256];            /* empty: nowhere */
        pid_t writer;                   /* 0: none is at work */
        int pidfd;                      /* owned; of the writer */
        sd_event_source *ended;         /* owned; the writer did */
        char file[384];                 /* that is being written, or will be */
        char policy[128];               /* of the alert; empty: somebody asked */
        uint64_t number;                /* of the alert, */
        uint64_t decided;               /* and of the last one for which that was decided */
        bool due;                       /* begin when this event is through: `policy` and `number` say for what */
        uint64_t last_ns;               /* when the last one was begun for an alert; 0: never */
        uint64_t n_saved, n_failed, n_left_out, fork_max_ns;
};

int manager_recorder_init(struct manager *manager);
void manager_recorder_done(struct manager *manager);

/* Before the event goes through, and after it. */
void manager_recorder_add(struct manager *manager, const struct event *event);
void manager_recorder_settle(struct manager *manager);

/* There is an alert: save, if it is of a severity for that, and the last one was long enough ago. The first gives the
 * file that what led to it will be in, NULL: it is not saved; for an alert that is being told (`userdata` is the
 * manager). The second for each alert, told or not. */
const char *manager_recorder_file(const struct match *match, void *userdata);
void manager_recorder_on_match(struct manager *manager, const struct match *match);

/* Somebody wants it now. 0: it is being written, and control_saved() will be called; < 0: why not. */
int manager_recorder_ask(struct manager *manager, struct strbuf *why);

void manager_recorder_put(const struct manager *manager, struct strbuf *b);
