/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks, bursts - what the programs count in place of telling it (bpf/burst.bpf.h). */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture/hooks-private.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"               /* generated code */
#include "sensor.skel.h"
#pragma GCC diagnostic pop

static bool counts(const struct prefilter *prefilter) {
        for (size_t kind = 0; prefilter && kind < _WIRE_KIND_MAX; kind++)
                if (prefilter->kinds[kind].counting != 0)
                        return true;
        return false;
}

void hooks_count_bursts(struct hooks *hooks, const struct prefilter *prefilter) {
        __atomic_store_n(&hooks->knobs->bursts_counted, counts(prefilter), __ATOMIC_SEQ_CST);
        if (!prefilter && hooks_has_bursts(hooks))
                (void)hooks_flush_bursts(hooks, UINT64_MAX);
}

bool hooks_has_bursts(const struct hooks *hooks) {
        return __atomic_load_n(&hooks->knobs->bursts_open, __ATOMIC_RELAXED) > 0;
}

int hooks_flush_bursts(struct hooks *hooks, uint64_t until_ns) {
        struct bpf_test_run_opts options = {.sz = sizeof(options)};

        __atomic_store_n(&hooks->knobs->bursts_before_ns, until_ns, __ATOMIC_SEQ_CST);
        return bpf_prog_test_run_opts(hooks_program(hooks, "flush_bursts"), &options);
}
