/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Allowance - how much of each second may be spent on something that others have to wait for. Time is an argument.
 * Zeroed is a second of which nothing is spent. */

#include <stdint.h>

struct allowance {
        uint64_t since_ns, spent_ns;    /* of the second that began then */
};

/* How much of `per_second_ns` is left now. */
uint64_t allowance_left(struct allowance *allowance, uint64_t per_second_ns, uint64_t now_ns);

/* It was begun at `begun_ns`, and is over. */
void allowance_spend(struct allowance *allowance, uint64_t begun_ns, uint64_t now_ns);
