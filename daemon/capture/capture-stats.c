/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from the kernel, counted - what the programs count in shared memory, since this process came. */
#include "capture/capture-bpf-private.h"

void capture_bpf_count(const struct capture_bpf *bpf, struct capture_stats *ret) {
        for (size_t cpu = 0; cpu < hooks_n_cpus(bpf->hooks); cpu++) {
                const struct wire_counters *counters = hooks_counters(bpf->hooks, cpu);

                for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                        ret->produced[kind] += counters->produced[kind];
                        ret->filtered[kind] += counters->filtered[kind];
                        ret->aggregated[kind] += counters->aggregated[kind];
                        for (int reason = 0; reason < _WIRE_LOSS_MAX; reason++)
                                ret->lost[kind][reason] += counters->lost[kind][reason];
                }
                for (int wait = 0; wait < _WIRE_WAIT_MAX; wait++)
                        ret->n_calls[wait] += counters->calls[wait];
        }
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                /* A program that was skipped counted nothing. */
                ret->produced[kind] += bpf->skipped[kind];
                ret->lost[kind][WIRE_LOSS_SKIPPED] += bpf->skipped[kind];
        }
        for (int i = 0; i < WIRE_N_GOVERNED; i++)
                ret->n_sheds += hooks_overload(bpf->hooks)[i].n_sheds;
        ret->n_budgets_lost = hooks_n_budgets_lost(bpf->hooks);
}

void capture_bpf_stats(const struct capture *capture, struct capture_stats *ret) {
        const struct capture_bpf *bpf = container_of(capture, const struct capture_bpf, capture);
        const struct capture_stats *base = &bpf->base;

        capture_bpf_count(bpf, ret);
        for (int kind = 0; kind < _WIRE_KIND_MAX; kind++) {
                ret->produced[kind] -= base->produced[kind];
                ret->filtered[kind] -= base->filtered[kind];
                ret->aggregated[kind] -= base->aggregated[kind];
                for (int reason = 0; reason < _WIRE_LOSS_MAX; reason++)
                        ret->lost[kind][reason] -= base->lost[kind][reason];
        }
        for (int wait = 0; wait < _WIRE_WAIT_MAX; wait++)
                ret->n_calls[wait] -= base->n_calls[wait];
        ret->n_sheds -= base->n_sheds;
        ret->n_budgets_lost -= base->n_budgets_lost;
        context_stats(&bpf->context, ret);
        deny_stats(bpf, &ret->deny);
        ret->ring_bytes = bpf->ring_bytes;
        ret->ring_pending = ring_pending(&bpf->ring);
        ret->n_programs = hooks_n_attached(bpf->hooks);
        ret->n_refused = hooks_n_refused(bpf->hooks);
}
