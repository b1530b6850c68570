// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Skipped - how often the kernel did not run a program, since it would have nested: of all programs in one go, where
 * asking for each by itself takes a system call for each.
 *
 * The kernel counts by CPU, at an address to which each CPU adds an offset of its own. Symbols that say which are not
 * there on every kernel; a map that has a value for each CPU says it: where the value of a CPU is, less the map's own
 * address for it. That stands in the map, which our program has among those that it uses. */
#include "given.bpf.h"

#define MANY_CPUS 8192                  /* no kernel has more */
#define MANY_MAPS 8                     /* of count_skipped() */

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, __u64);
} skipped_here SEC(".maps");

__u64 skipped_base = 0;                 /* its address, without the offset of a CPU; 0: not found yet */

struct skipped_sum {
        __u64 stats;                    /* address, without the offset of a CPU */
        __u64 misses;
};

/* Is this program ours, then its map is, too. */
static __always_inline void look_for_base(struct bpf_prog_aux *aux) {
        __u32 own = ((struct bpf_map *)&skipped_here)->id, n = GET(aux, used_map_cnt);
        struct bpf_map **maps = GET(aux, used_maps);

        for (__u32 i = 0; i < MANY_MAPS; i++) {
                struct bpf_map *map = NULL;

                if (i >= n || bpf_probe_read_kernel(&map, sizeof(map), maps + i) < 0)
                        return;
                if (!map || GET(map, id) != own)
                        continue;
                bpf_probe_read_kernel(&skipped_base, sizeof(skipped_base),
                                      (void *)map + bpf_core_field_offset(struct bpf_array, pptrs));
                return;
        }
}

static long skipped_on(__u32 cpu, struct skipped_sum *sum) {
        __u32 zero = 0;
        const void *there = bpf_map_lookup_percpu_elem(&skipped_here, &zero, cpu);
        __u64 address, misses = 0;

        if (!there)
                return 1;               /* that was the last one */
        bpf_probe_read_kernel(&address, sizeof(address), &there);       /* to the verifier a number, no pointer */
        address += sum->stats - skipped_base;
        bpf_probe_read_kernel(&misses, sizeof(misses),
                              (void *)address + bpf_core_field_offset(struct bpf_prog_stats, misses));
        sum->misses += misses;
        return 0;
}

/* One `struct wire_skipped` for each program on the host that was ever skipped. Programs that come before ours are told
 * of from the second time on. */
SEC("iter/bpf_prog")
int count_skipped(struct bpf_iter__bpf_prog *context) {
        struct bpf_prog *program = context->prog;
        struct wire_skipped record = {};
        struct skipped_sum sum = {};
        struct bpf_prog_aux *aux;

        if (!program)
                return 0;
        aux = GET(program, aux);
        if (!skipped_base)
                look_for_base(aux);
        bpf_probe_read_kernel(&sum.stats, sizeof(sum.stats),
                              (void *)program + bpf_core_field_offset(struct bpf_prog, stats));
        if (!skipped_base || !sum.stats)
                return 0;
        bpf_loop(MANY_CPUS, skipped_on, &sum, 0);
        if (!sum.misses)
                return 0;
        record.id = GET(aux, id);
        record.count = sum.misses;
        bpf_seq_write(context->meta->seq, &record, sizeof(record));
        return 0;
}
