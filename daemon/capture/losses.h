/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Losses - what was lost since it was last told, and which gaps are to be told of it.
 *
 * The programs count on each CPU; who reads looks at the sums when it has read what was there at the last look, and at
 * the counts behind a sum that has changed. What was lost before a record was written is so told before that record is
 * read, and no record costs anything.
 *
 * What is left out on purpose (sampled, limited, shed) goes on for long, and a gap for each look would cost more than
 * the events. So such a gap holds for the next LOSSES_AHEAD_NS, too, and what is lost of the same kinds until then is
 * added up and told behind it. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

#define LOSSES_AHEAD_NS UINT64_C(100000000)

typedef __u64 losses_table[_WIRE_KIND_MAX][_WIRE_LOSS_MAX];

struct losses {
        losses_table *seen;             /* of each CPU, and the reader's own behind them */
        uint64_t *totals;               /* of each CPU */
        size_t n_cpus;
        bool shared;                    /* both are borrowed; else owned */
        losses_table sums, told;
        uint64_t kinds[_WIRE_LOSS_MAX]; /* by reason: those with something that was not told, */
        uint64_t changed_ns[_WIRE_LOSS_MAX];    /* and when it had been seen that there was more */
        uint32_t reasons;               /* bits: those with something that was not told, */
        uint32_t fresh;                 /* and with something that was seen since the last losses_next() */

        /* By reason: what the last gap holds for. */
        uint64_t ahead_kinds[_WIRE_LOSS_MAX];
        uint64_t ahead_ns[_WIRE_LOSS_MAX];
};

struct losses_gap {
        uint64_t kinds, count, until_ns;
        enum wire_loss reason;
};

int losses_init(struct losses *losses, size_t n_cpus);          /* -ENOMEM */

/* What was seen is in memory of somebody else's, as he left it, but for the reader's own. */
void losses_init_shared(struct losses *losses, size_t n_cpus, losses_table *seen, uint64_t *totals);
void losses_done(struct losses *losses);

/* The counts of a CPU (n_cpus: the reader's own). Returns the kinds of which there are more. */
uint64_t losses_see(struct losses *losses, size_t cpu, const losses_table lost);

/* Is there anything to see behind this sum of a CPU? */
static inline bool losses_is_new(struct losses *losses, size_t cpu, uint64_t total) {
        if (__builtin_expect(losses->totals[cpu] == total, true))
                return false;
        losses->totals[cpu] = total;
        return true;
}

/* A gap that is to be told now; false: none. `now_ns`: read after all was seen. `all`: also what could be told later.
 */
bool losses_next(struct losses *losses, uint64_t now_ns, bool all, struct losses_gap *ret);
