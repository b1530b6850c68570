/* SPDX-License-Identifier: Apache-2.0 */
#include "base/allowance.h"

#include "base/clock.h"

uint64_t allowance_left(struct allowance *allowance, uint64_t per_second_ns, uint64_t now_ns) {
        if (nsec_sub(now_ns, allowance->since_ns) >= NSEC_PER_SEC)
                *allowance = (struct allowance){.since_ns = now_ns};
        return nsec_sub(per_second_ns, allowance->spent_ns);
}

void allowance_spend(struct allowance *allowance, uint64_t begun_ns, uint64_t now_ns) {
        allowance->spent_ns = nsec_add(allowance->spent_ns, nsec_sub(now_ns, begun_ns));
}
