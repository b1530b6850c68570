/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/losses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

int losses_init(struct losses *losses, size_t n_cpus) {
        *losses = (struct losses){
                .seen = calloc(n_cpus + 1, sizeof(losses_table)),
                .totals = calloc(n_cpus + 1, sizeof(uint64_t)),
                .n_cpus = n_cpus,
        };
        if (!losses->seen || !losses->totals) {
                losses_done(losses);
                return -ENOMEM;
        }
        return 0;
}

void losses_init_shared(struct losses *losses, size_t n_cpus, losses_table *seen, uint64_t *totals) {
        *losses = (struct losses){.seen = seen, .totals = totals, .n_cpus = n_cpus, .shared = true};
        memset(seen[n_cpus], 0, sizeof(seen[n_cpus]));
        totals[n_cpus] = 0;
}

void losses_done(struct losses *losses) {
        if (!losses->shared) {
                free(losses->seen);
                free(losses->totals);
        }
        *losses = (struct losses){};
}

uint64_t losses_see(struct losses *losses, size_t cpu, const losses_table lost) {
        uint64_t more = 0;

        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++)
                for (int reason = WIRE_LOSS_NONE + 1; reason < _WIRE_LOSS_MAX; reason++) {
                        /* The programs count on while we look. */
                        uint64_t n = __atomic_load_n(&lost[kind][reason], __ATOMIC_RELAXED);

                        if (likely(n == losses->seen[cpu][kind][reason]))
                                continue;
                        losses->sums[kind][reason] += n - losses->seen[cpu][kind][reason];
                        losses->seen[cpu][kind][reason] = n;
                        losses->kinds[reason] |= wire_kind_bit(kind);
                        losses->reasons |= 1U << reason;
                        losses->fresh |= 1U << reason;
                        more |= wire_kind_bit(kind);
                }
        return more;
}

static bool is_on_purpose(enum wire_loss reason) {
        return reason == WIRE_LOSS_SAMPLED || reason == WIRE_LOSS_LIMITED || reason == WIRE_LOSS_SHED;
}

static void tell(struct losses *losses, enum wire_loss reason, uint64_t now_ns, struct losses_gap *ret) {
        *ret = (struct losses_gap){
                .kinds = losses->kinds[reason],
                .until_ns = losses->changed_ns[reason],
                .reason = reason,
        };
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                ret->count += losses->sums[kind][reason] - losses->told[kind][reason];
                losses->told[kind][reason] = losses->sums[kind][reason];
        }
        if (is_on_purpose(reason) && losses->changed_ns[reason] == now_ns) {
                if (now_ns <= losses->ahead_ns[reason])
                        ret->kinds |= losses->ahead_kinds[reason];
                ret->until_ns = now_ns + LOSSES_AHEAD_NS;
                losses->ahead_kinds[reason] = ret->kinds;
                losses->ahead_ns[reason] = ret->until_ns;
        }
        losses->kinds[reason] = 0;
        losses->reasons &= ~(1U << reason);
}

bool losses_next(struct losses *losses, uint64_t now_ns, bool all, struct losses_gap *ret) {
        for (; losses->fresh != 0; losses->fresh &= losses->fresh - 1)
                losses->changed_ns[__builtin_ctz(losses->fresh)] = now_ns;
        for (uint32_t left = losses->reasons; left != 0; left &= left - 1) {
                enum wire_loss reason = (enum wire_loss)__builtin_ctz(left);
                bool later = (losses->kinds[reason] & ~losses->ahead_kinds[reason]) == 0 &&
                             now_ns <= losses->ahead_ns[reason];

                if (later && !all)
                        continue;
                tell(losses, reason, now_ns, ret);
                return true;
        }
        return false;
}
