/* SPDX-License-Identifier: Apache-2.0 */
/* Capture from the kernel, counted - what the programs count in shared memory, since this process came; and in words,
 * what they are and run on. */
#include "base/macro.h"
#include "base/strbuf.h"

#include "capture/capture-bpf-private.h"
#include "capture/kernel.h"

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

void capture_bpf_skipped(struct capture *capture, uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX]) {
        struct capture_bpf *bpf = bpf_of(capture);

        hooks_count_skipped(bpf->hooks, kinds, ret);
        for (unsigned kind = 0; kind < _WIRE_KIND_MAX; kind++)
                ret[kind] -= MIN(ret[kind], bpf->skipped[kind]);
}

uint64_t capture_bpf_untold(const struct capture *capture) {
        const struct capture_bpf *bpf = container_of(capture, struct capture_bpf, capture);

        return hooks_untold(bpf->hooks);
}

size_t capture_bpf_describe(const struct capture *capture, char *buffer, size_t size) {
        const struct capture_bpf *bpf = container_of(capture, const struct capture_bpf, capture);
        struct strbuf b;
        char text[512];

        strbuf_init_fixed(&b, buffer, size);
        kernel_describe(kernel_get(), text, sizeof(text));
        strbuf_put(&b, text);
        hooks_describe(bpf->hooks, &b);
        strbuf_printf(&b, "ring: %zu KiB; cgroups: %s\n", bpf->ring_bytes >> 10,
                      !bpf->hierarchy.mount ? "none" : bpf->hierarchy.named ? "v1, name=systemd" : "v2");
        return b.n;
}
