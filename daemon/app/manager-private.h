/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager, inside - the only holder of everything. Made and freed in floor order (manager.c). */

#include <systemd/sd-event.h>

#include "app/params.h"
#include "capture/capture.h"
#include "pipeline/pipeline.h"
#include "pipeline/settings.h"

struct manager {
        const struct params *params;    /* borrowed */
        sd_event *loop;
        struct settings settings;
        struct capture *capture;
        struct pipeline *pipeline;

        uint64_t generation;            /* of the settings in force, from 1 */
        uint64_t started_ns;
        uint64_t deadline_ns;           /* last told to the capture */
        uint64_t n_alerts;
        int status;                     /* to end with */
};

/* manager-reload.c */

/* Read configuration and policies and say all that is wrong. Returns 0, or an exit status; *ret is written for 0 only.
 */
int manager_load(const struct params *params, uint64_t generation, struct settings *ret);

/* Build the next settings aside and swap, or stay. Says which. */
void manager_reload(struct manager *manager);
