/* SPDX-License-Identifier: Apache-2.0 */
/* Victims - the runs of one group in the order in which a bound would evict them: fewest steps taken, then lowest
 * serial.
 *
 * A pairing heap (Fredman, Sedgewick, Sleator, Tarjan, 1986) through links in the runs: adding costs one comparison, so
 * that those who never meet a bound pay next to nothing. `root` is the first, STOCK_NONE if there is none. Pure. */
#pragma once

#include "engine/instance.h"

void victims_add(struct instance *instances, uint32_t *root, uint32_t run);
void victims_remove(struct instance *instances, uint32_t *root, uint32_t run);
