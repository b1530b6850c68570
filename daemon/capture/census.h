/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Census - who is alive, by the stream: entered by `process`, `fork` and `execve`, struck out by `exit`.
 *
 * It knows no more than the stream does, so it is what the stream has to be compared with after a loss (mend.h). Only
 * records of class CORE touch it. Bounded: who finds no room is counted, and their loss is not mended. Pure. */

#include <stdint.h>

#include "base/idmap.h"
#include "base/slab.h"
#include "event/event.h"

struct resident {
        struct wire_header last;        /* of the last record about it: who it is, whose child, with which rights */
        struct wire_object image;       /* what it runs; inode 0: not known */
        uint64_t round;                 /* that of the census when it was last heard of */
};

struct census {
        struct idmap by_pid;            /* struct resident */
        struct slab residents;          /* n_refused: no room */
        uint64_t round;                 /* the caller's to count up */
};

void census_init(struct census *census, size_t capacity);
void census_done(struct census *census);

/* NULL: not known to live. The second finds another process with the same pid: one whose end was lost. */
struct resident *census_find(const struct census *census, const struct identity *id);
struct resident *census_find_other(const struct census *census, const struct identity *id);

/* Take note of a record, after census_find_other() was asked for whom it is about. */
void census_see(struct census *census, const struct event *event);
void census_remove(struct census *census, const struct identity *id);

/* Whom a record of class CORE is about: the child of a fork, else the actor. */
struct identity census_subject(const struct event *event);

/* The file that a `process` or `execve` record says is run; inode 0: it does not say. */
struct wire_object census_image(const struct event *event);
