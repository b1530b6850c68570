/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Outlet - a descriptor for entries, and nobody waits for who reads them.
 *
 * A pipe, a socket or a terminal takes what it has room for; the rest waits here, in its order, until outlet_work() is
 * called because there is room again. Bounded: an entry that does not fit is refused whole, so what is read are whole
 * entries in any case. Anything else, a file above all, is written as ever.
 *
 * O_NONBLOCK belongs to what was opened, and with a terminal that is the shell's, too: it is never set on the
 * descriptor that is given. A pipe or terminal is opened once more for us; a socket has a flag for the call; what
 * cannot be opened again is asked before each piece, of at most PIPE_BUF for a pipe and of one byte for a terminal,
 * which waits only if somebody else fills it between the two. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define OUTLET_MAX_BYTES ((size_t)1 << 20)
#define OUTLET_PATIENCE_MS 1000         /* of outlet_finish(), without any progress */
#define OUTLET_PATIENCE_MAX_MS 5000     /* and with */

struct outlet;

struct outlet_stats {
        uint64_t n_refused;             /* entries for which there was no room */
        uint64_t n_lost;                /* that waited, and could not be written then */
        uint64_t n_waiting, waiting_bytes;      /* now; what is left of the first of them counts whole */
};

/* `fd` is borrowed. No more than max_bytes wait, or one entry that is larger. */
int outlet_new(int fd, size_t max_bytes, struct outlet **ret);
struct outlet *outlet_free(struct outlet *outlet);
DEFINE_CLEANUP(struct outlet *, outlet_free)

/* 0: written, or it waits; -ENOBUFS: there is no room; or what writing says, and then what had waited is lost. */
int outlet_put(struct outlet *outlet, const void *data, size_t n);

/* Something waits: watch outlet_fd() for being writable, then call outlet_work(). -1: nothing will ever wait. */
bool outlet_waits(const struct outlet *outlet);
int outlet_fd(const struct outlet *outlet);
int outlet_work(struct outlet *outlet);

/* The end: give whoever still reads the time to do so. What is left is lost, and counted. */
void outlet_finish(struct outlet *outlet);

void outlet_stats(const struct outlet *outlet, struct outlet_stats *ret);
