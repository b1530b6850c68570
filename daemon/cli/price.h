/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Price - what watching a kind costs the programs that make its calls, measured here and now: a child makes the calls
 * many times, with nothing attached and then with the kind watched, and the best rounds are compared. Processor time,
 * so a busy host does not count; differences of a few per cent are noise all the same. Needs the daemon's privileges.
 */

#include <stdbool.h>
#include <stdint.h>

#include "event/event.h"

struct price {
        bool measured;
        const char *why_not;            /* if it was not measured; NULL: nobody tried */
        const char *calls;              /* what was called */
        int64_t call_ns;                /* what a call takes unwatched */
        int64_t added_ns;               /* and more, when the kind is watched and the event recorded */
        int64_t other_ns;               /* what any other call (getppid) takes more meanwhile */
};

/* Of all kinds whose calls can be made without changing this host: they do nothing, are undone at once, or must fail.
 * Of the others it says why not. Takes up to a minute, most of it to leave the calls alone again. Negative errno as of
 * capture_new_bpf(), which was logged. */
int price_measure(struct price ret[static _WIRE_KIND_MAX]);
