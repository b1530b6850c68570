/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a recording: the reader neither faults nor waits for ever, and a process table that is fed with whatever
 * records it holds keeps its bounds and its counts. */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "event/encode.h"
#include "event/trace.h"
#include "process/lineage.h"
#include "process/process-fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char input[1 << 20] __attribute__((aligned(8)));

static const struct process_table_limits limits = {
        .max_processes = 16,
        .max_image_bytes = 65536,
        .max_cgroups = 4,
        .grace_ns = 1000,
};

static void check_table(const struct process_table *table) {
        const struct process *process = NULL, *ancestor;
        struct process_table_stats stats;
        size_t n_running = 0, n_kept = 0;
        struct lineage lineage;
        struct value v;
        char text[64];

        while ((process = process_table_next(table, process))) {
                if (process->state == PROCESS_RUNNING) {
                        n_running++;
                        assert(process_table_tree_members(table, &process->tree) > 0);
                } else
                        n_kept++;
                assert(process->n_live_children <= process->n_children);
                lineage_begin(&lineage, table, process);
                while ((ancestor = lineage_next(&lineage)))
                        assert(ancestor != process);
                for (unsigned f = _FIELD_PROCESS_BEFORE + 1; f < _FIELD_MAX; f++) {
                        process_get(process, NULL, f, &v);
                        (void)schema_format(f, &v, text, sizeof(text));
                }
        }
        process_table_stats(table, &stats);
        assert(stats.n_running == n_running && stats.n_kept == n_kept);
        assert(n_running + n_kept <= limits.max_processes);
}

static void read_all(const char *bytes, size_t n, struct process_table *table) {
        const struct trace_header *header;
        struct trace_state state;
        struct event event;
        uint64_t last_ns = 0;
        char text[256];
        int r;

        r = trace_take_header(&state, bytes, n, &header);
        if (r > 0)
                while ((r = trace_take_record(&state, bytes + state.offset, n - state.offset, &event)) > 0) {
                        assert(state.offset <= n && event.time_ns >= last_ns);
                        last_ns = event.time_ns;
                        process_table_update(table, &event);
                        process_table_expire(table, event.time_ns);
                }
        if (r == 0)
                (void)trace_take_end(&state, n - state.offset);
        trace_describe(&state, text, sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        struct process_table *table = NULL;
        struct trace_header header;

        if (n > sizeof(input) / 2 || process_table_new(&limits, &table) < 0)
                return 0;
        memcpy(input, data, n);
        read_all(input, n, table);

        /* The same as what follows a header: few bytes get past it otherwise. Sizes and versions are put right, as far
         * as it goes. */
        trace_header_init(&header, NULL);
        memcpy(input, &header, sizeof(header));
        memcpy(input + header.size, data, n);
        for (size_t at = header.size; at + sizeof(struct wire_header) <= header.size + n;) {
                struct wire_header *record = (struct wire_header *)(input + at);

                record->version = WIRE_VERSION;
                record->size -= record->size % 8;
                if (record->size < sizeof(*record) || record->size > header.size + n - at)
                        record->size = (header.size + n - at) / 8 * 8;
                at += record->size;
        }
        read_all(input, header.size + n, table);
        check_table(table);
        process_table_free(table);
        return 0;
}
