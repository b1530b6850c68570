/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager, inside - the only holder of everything. Made and freed in floor order (manager.c). */

#include <systemd/sd-event.h>

#include "app/asker.h"
#include "app/manager-control.h"
#include "app/manager-deny.h"
#include "app/manager-enforce.h"
#include "app/manager-late.h"
#include "app/manager-governor.h"
#include "app/manager-keep.h"
#include "app/manager-ring.h"
#include "app/manager-metrics.h"
#include "app/manager-recorder.h"
#include "app/manager-scripts.h"
#include "app/manager-status.h"
#include "app/manager-stories.h"
#include "app/manager-watch.h"
#include "app/params.h"
#include "base/strbuf.h"
#include "capture/capture.h"
#include "control/control.h"
#include "pipeline/pipeline.h"
#include "pipeline/settings.h"

/* The next settings, while their policies are compiled by another process; zeroed if there is none under way. */
struct reload {
        struct compile_job *job;        /* owned */
        struct settings settings;       /* all but the program */
        sd_event_source *ended, *late;  /* owned */
        struct asker asker;             /* who wanted it */
        bool again;                     /* asked for once more meanwhile: what was read may be old */
        struct asker again_asker;
        struct strbuf messages;         /* all that is wrong, or to be warned of */
        uint64_t begun_ns, stood_ns;    /* when, and for how long at most events waited because of it */
};

/* What came of the last one. */
struct reload_outcome {
        uint64_t number;                /* of the reload, from 1; 0: there was none */
        bool done;                      /* taken over; else all stayed */
        struct strbuf text;             /* what has changed, or what is wrong */
        struct asker asker;
        uint64_t wall_s, took_ns, stood_ns;
};

struct manager {
        const struct params *params;    /* borrowed */
        sd_event *loop;
        struct settings settings;
        struct manager_keep keep;
        struct manager_stories stories;
        struct capture *capture;
        struct pipeline *pipeline;
        struct reload reload;
        struct reload_outcome reloaded;
        uint64_t n_reloads, n_reloads_failed;   /* begun; ended without a change */
        struct manager_governor governor;
        struct manager_ring ring;
        struct manager_recorder recorder;
        struct manager_health health;
        struct manager_metrics *metrics;        /* owned */
        struct control *control;        /* owned; NULL at the beginning */
        struct watch *watch;            /* owned; NULL: nobody looks for changed files */
        struct manager_scripts scripts;
        struct manager_deny deny;
        struct manager_enforce enforce;
        struct manager_late late;
        sd_event_source *lookup;        /* owned; the next step of report_work() */
        bool looks_up;                  /* which is due */
        sd_event_source *spool;         /* owned; the next try to send what waits for journald */
        bool tries_spool;               /* which is due */

        sd_event_source *output;        /* owned; NULL: standard output is nothing that is waited for */

        uint64_t generation;            /* of the settings in force, from 1 */
        uint64_t started_ns;
        uint64_t deadline_ns;           /* last told to the capture */
        uint64_t n_alerts;
        bool leaves;                    /* asked to end by SIGTERM: perhaps another process follows */
        int status;                     /* to end with */
};

/* Entries wait for journald: try again soon. */
void manager_spool_soon(struct manager *manager);

/* manager-reload.c */

/* Read configuration, have the policies compiled and wait for it; say all that is wrong. Returns 0, or an exit status;
 * *ret is written for 0 only. For the start: nothing else goes on meanwhile. */
int manager_load(const struct params *params, uint64_t generation, struct settings *ret);

/* Begin to build the next settings aside. The loop goes on; when they are complete they are taken over, or everything
 * stays. Says which. Returns the number of the reload that reads the files as they are now: when `reloaded.number` is
 * that or more, it has ended, perhaps at once. */
uint64_t manager_reload(struct manager *manager, const struct asker *asker);

/* What the daemon says of itself, by the settings in force. */
void manager_set_log(const struct manager *manager);

/* Warn of each kind that policies wait for and that no hook on this kernel tells. */
void manager_warn_untold(const struct manager *manager);

/* Give up what is under way. */
void reload_done(struct reload *reload);
void reload_outcome_done(struct reload_outcome *outcome);
