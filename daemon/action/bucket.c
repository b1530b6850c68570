/* SPDX-License-Identifier: Apache-2.0 */
#include "action/bucket.h"

#include "base/clock.h"
#include "base/macro.h"

bool action_bucket_take(struct action_bucket *bucket, uint64_t per_minute, uint64_t now_ns) {
        double most = (double)per_minute;

        if (bucket->filled_ns == 0)
                bucket->level = most;
        else
                bucket->level += most * (double)nsec_sub(now_ns, bucket->filled_ns) / (double)NSEC_PER_MIN;
        bucket->level = MIN(bucket->level, most);
        bucket->filled_ns = MAX(now_ns, (uint64_t)1);
        if (bucket->level < 1)
                return false;
        bucket->level -= 1;
        return true;
}
