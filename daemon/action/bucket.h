/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bucket - so many in a minute, and no more than that at once. Pure. */

#include <stdbool.h>
#include <stdint.h>

struct action_bucket {
        uint64_t filled_ns;             /* when it was filled last; 0: never, it is full */
        double level;
};

/* May there be one more? Then there was. */
bool action_bucket_take(struct action_bucket *bucket, uint64_t per_minute, uint64_t now_ns);
