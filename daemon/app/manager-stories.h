/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager stories - open stories over a restart: what the engine knows of them (engine/carry.h) as a file in memory
 * that the service manager holds beside programs and ring (manager-keep.h). Only from a process that ended in order:
 * one that crashed leaves events, and no stories. */

#include <stdbool.h>

#include "engine/carry.h"

struct manager;

struct manager_stories {
        bool went_on;                   /* with those of the process before */
        bool refused;                   /* it left some that cannot be read */
        struct carried carried;
};

/* A descriptor of what there is, or a negative errno. */
int manager_stories_write(struct manager *manager);

/* Before the capture starts: go on with what the process before has left, if it has. Says what becomes of it. */
void manager_stories_read(struct manager *manager);
