/* SPDX-License-Identifier: Apache-2.0 */
/* Carry - what an engine knows of stories, as bytes: from a process that ends in order to the one that follows it.
 *
 *      engine ──engine_save()──▶ bytes ──engine_load()──▶ another engine, that has seen nothing yet
 *
 * Open runs with their evidence, counters, captures and deadlines, what is suppressed, gaps that last, the clock of
 * the stream, the numbers that were given, and the secret under which strings were captured. A path goes on if it has
 * the same name, hash and shape in the other engine's program, as at a reload (handover.c); runs of others end,
 * counted.
 *
 * The bytes have a version and a checksum, and are believed nothing: what cannot be is refused as a whole. They are in
 * the form of this machine and of this boot, for nobody else can use them. Pure; saving allocates as much as it has to
 * number things, loading the same. */
#pragma once

#include "engine/engine.h"

#define CARRY_STAMP 16                  /* bytes; the same where clocks and processes are the same: the boot's id */
#define CARRY_MAX_BYTES (UINT64_C(1) << 30)

struct carry_sink {
        int (*put)(const void *data, size_t n, void *userdata); /* < 0 ends it, and is handed up */
        void *userdata;
};

/* Between two events. `number`: of the last one. -ENOMEM, -EFBIG, or what the sink says. */
int engine_save(const struct engine *engine, const uint8_t stamp[static CARRY_STAMP], uint64_t number,
                const struct carry_sink *sink);

struct carried {
        uint64_t number;                /* of the last event */
        uint64_t n_runs;                /* that go on */
        uint64_t n_ended;               /* not, for their path is another one now, or is not there */
        uint64_t n_refused;             /* not, for there is no room for them here */
        uint64_t n_suppressed;          /* told stories that are remembered */
        uint64_t n_forgotten;           /* and those that are not, for either reason */
};

/* Into an engine that was fed nothing. `table`: its own, which keeps the images of evidence. `now_ns`: CLOCK_BOOTTIME,
 * the stream has not passed it. `on_ended` (may be NULL) is called per path whose runs end.
 * -EPROTO: of another version, or boot; -EBADMSG: damaged; -ENOMEM. Then nothing was taken over. */
int engine_load(struct engine *engine, struct process_table *table, const void *data, size_t n,
                const uint8_t stamp[static CARRY_STAMP], uint64_t now_ns,
                void (*on_ended)(const char *path, size_t length, uint64_t n_runs, void *userdata), void *userdata,
                struct carried *ret);
