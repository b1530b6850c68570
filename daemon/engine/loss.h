/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Loss - gaps that last: those whose end the clock of the stream has not passed.
 *
 * A gap is told when it is known, which may be before the records that were there already, and may announce that more
 * will be lost. So it touches not only the runs that are open, but until its end also those that come to wait for one
 * of its kinds. Bounded: when there is no room the two oldest become one, which touches more and never less. Pure. */

#include <stdint.h>

#define LOSS_MAX 64

struct loss_gap {
        uint64_t kinds;
        uint64_t until_ns;              /* 0: not known, it touches who is there */
        uint64_t count;
        uint16_t reasons;               /* 1 << enum wire_loss */
};

struct loss {
        struct loss_gap gaps[LOSS_MAX]; /* as they were told */
        unsigned n;
};

void loss_add(struct loss *loss, const struct loss_gap *gap);

/* Those that have ended before this time. */
void loss_forget(struct loss *loss, uint64_t now_ns);
