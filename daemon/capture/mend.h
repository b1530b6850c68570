/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Mend - what a loss of `fork`, `execve` or `exit` records would leave wrong for good, made good.
 *
 * A process whose end was lost would seem to run until its pid comes again, one whose exec was lost would seem to run
 * its old image, one whose fork was lost would have no image and perhaps no name. So after such a loss the kernel is
 * asked for all that run (snapshot.h), and the answer compared with what the stream says (census.h). The stream gets
 *
 *      exit            for each that it believes to live and that is gone: with its last known credentials, without
 *                      code, signal and run time; its time is that of finding out, not that of the end
 *      process         for each that it does not know, or that runs another file than it believes
 *
 * marked WIRE_SYNTHETIC and WIRE_MENDED. Execs and forks are not made up: a step that waits for one has missed it, and
 * the gap says so. A process that executes the same file anew keeps its old arguments.
 *
 * The stream lags behind the kernel by what waits in the ring. So the comparison waits until what was in the ring when
 * the kernel answered is read, and whoever was heard of meanwhile is left alone: the record is newer than the answer.
 * An end is told (or lost) before its process can be missing from the answer. The caller begins when the ring was empty
 * after the last loss that it noticed; if it never is, it begins anyway, and again. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "capture/census.h"
#include "event/encode.h"

#define MEND_INTERVAL_NS NSEC_PER_SEC   /* between two, at least */
#define MEND_PATIENCE_NS NSEC_PER_SEC   /* with a ring that is never empty */
#define MEND_SHARE 20                   /* it takes at most this part of the time */

struct ring;
struct snapshot;

struct mend {
        struct census census;
        struct snapshot *snapshot;      /* owned; an answer that is not compared yet */
        uint64_t until;                 /* position in the ring that has to be read before */
        uint64_t wanted_ns;             /* since when; 0: nothing is wanted */
        uint64_t next_ns;               /* not before: it costs a share of the time, not all of it */
};

/* Both may take from the census; neither may call back into here. */
struct mend_sink {
        void (*on_gone)(const struct wire_header *last, void *userdata);
        void (*on_found)(struct record *record, bool supervisor, void *userdata);       /* finished but for its time */
};

void mend_init(struct mend *mend, size_t capacity);
void mend_done(struct mend *mend);

/* Records of class CORE, and those of the first snapshot. */
void mend_see(struct mend *mend, const struct event *event);

/* Something that matters was lost. */
void mend_want(struct mend *mend, uint64_t now_ns);

/* Is it time to begin? With records waiting in the ring only if that has been so for long. */
bool mend_is_due(const struct mend *mend, const struct ring *ring, uint64_t now_ns);

/* Ask the kernel: read its answer from the iterator. */
int mend_begin(struct mend *mend, int iterator_fd, const char *const *supervisors, size_t n_supervisors,
               const struct ring *ring);

/* Compare, if the ring has been read far enough. `record` is where records are built. */
void mend_finish(struct mend *mend, const struct ring *ring, struct record *record, const struct mend_sink *sink,
                 void *userdata);
