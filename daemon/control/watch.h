/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Watch - says that files or directories have changed, once for a burst of changes: when nothing more has come for
 * `delay_ns`, and at the latest ten times that after the first.
 *
 * Not what has changed: whoever is told reads everything anyway. A place is a file or a directory with all below it; it
 * need not be there, and may be replaced as a whole (a rename, a link that points elsewhere). What editors leave on the
 * way (names that begin with '.' or '#', or end in '~') does not count. Directories are bounded, and so is their depth:
 * what is beyond that is not seen, and counted. One thread, the loop's. */

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct watch;

#define WATCH_MAX_DIRECTORIES 1024
#define WATCH_MAX_DEPTH 8

struct watch_options {
        const char *const *places;      /* absolute; borrowed during the call */
        size_t n_places;
        uint64_t delay_ns;
};

struct watch_stats {
        uint64_t n_directories;         /* that are looked at */
        uint64_t n_refused;             /* that could not be */
        uint64_t n_changes, n_told;     /* seen; bursts that came of them */
};

/* `on_change` is the last thing that is done in a turn: it may free the watch. `name` is what changed last, without its
 * directory, and may be any bytes. -errno if there can be no inotify. */
int watch_new(sd_event *loop, const struct watch_options *options, void (*on_change)(const char *name, void *userdata),
              void *userdata, struct watch **ret);
struct watch *watch_free(struct watch *watch);
DEFINE_CLEANUP(struct watch *, watch_free)

void watch_stats(const struct watch *watch, struct watch_stats *ret);
