/* SPDX-License-Identifier: Apache-2.0 */
/* What it costs to keep the table of processes.
 *
 *      table_ns                update per event, mix of a busy host, forks, execs and exits among it
 *      table_hot_ns            update for an event of a process that acted last
 *      table_find_ns           update for an event of any of 2,000 running processes
 *      table_exec_ns           fork, exec and exit of a process, together
 *      table_ancestor_ns       one step of a lineage
 *      table_allocs_per_event  allocations per event after the first tenth of the mix
 *      table_kib_2000          memory that a table of 2,000 processes, each with an image of its own, takes */
#include <unistd.h>

#include "alloc-fail.h"
#include "measure.h"
#include "process/lineage.h"
#include "process/process-table.h"
#include "workload.h"

#define N_EVENTS 200000
#define BATCH 1000
#define N_MANY 2000

/* The mix lasts for some four seconds of its own time, so that with this grace it is steady after the first tenth. */
#define MIX_GRACE_NS UINT64_C(200000000)

static struct measure mix, hot, any, exec, ancestor;
static struct record record;

static const struct process_table_limits limits = {
        .max_processes = 32768,
        .max_image_bytes = 16 << 20,
        .max_cgroups = 4096,
};

static struct process_table *new_table(uint64_t grace_ns) {
        struct process_table_limits l = limits;
        struct process_table *table;

        l.grace_ns = grace_ns;
        if (process_table_new(&l, &table) < 0)
                exit(EXIT_FAILURE);
        return table;
}

static double run_mix(const struct event *events) {
        struct process_table *table = new_table(MIX_GRACE_NS);
        size_t n_allocations = 0;

        for (size_t at = 0; at < N_EVENTS; at += BATCH) {
                uint64_t start = measure_now_ns();

                if (at == N_EVENTS / 10)
                        n_allocations = alloc_count();
                for (size_t i = at; i < at + BATCH; i++)
                        MEASURE_KEEP(process_table_update(table, &events[i]));
                process_table_expire(table, events[at].time_ns);
                measure_add(&mix, start, BATCH);
        }
        n_allocations = alloc_count() - n_allocations;
        process_table_free(table);
        return (double)n_allocations / (N_EVENTS - N_EVENTS / 10);
}

static size_t resident_bytes(void) {
        FILE *f = fopen("/proc/self/statm", "re");
        unsigned long size, resident = 0;

        if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
                exit(EXIT_FAILURE);
        fclose(f);
        return resident * sysconf(_SC_PAGESIZE);
}

static void send(struct process_table *table) {
        struct event event;

        if (record_finish(&record) < 0 || event_parse(record.data, record.header.size, &event) < 0)
                abort();
        process_table_update(table, &event);
}

static void begin(enum wire_kind kind, uint32_t pid) {
        record_begin(&record, kind);
        record.header.tgid = record.header.tid = pid;
        record.header.start_ns = 1000 + pid;
        record.header.time_ns = 1000000;
}

/* Each process the child of the one half its number: eleven generations. */
static struct process_table *many_processes(void) {
        struct process_table *table = new_table(30 * UINT64_C(1000000000));
        char option[64];

        begin(WIRE_KIND_process, 1);
        send(table);
        for (uint32_t pid = 2; pid <= N_MANY; pid++) {
                begin(WIRE_KIND_fork, pid / 2);
                record_set_number(&record, FIELD_fork_child_pid, pid);
                record_set_number(&record, FIELD_fork_child_start, 1000 + pid);
                send(table);
                begin(WIRE_KIND_execve, pid);
                snprintf(option, sizeof(option), "--instance=%u", pid);
                record_set_text(&record, FIELD_execve_exe, "/usr/lib/some-package/some-program");
                record_set_text(&record, FIELD_execve_filename, "/usr/lib/some-package/some-program");
                record_set_text(&record, FIELD_execve_cwd, "/var/lib/some-package");
                record_set_text(&record, FIELD_execve_comm, "some-program");
                record_set_list(
                        &record, FIELD_execve_argv,
                        (const char *const[]){"some-program", "--config=/etc/some-package/main.conf", option, NULL});
                send(table);
        }
        return table;
}

static void run_many(struct process_table *table, const struct event *opens) {
        uint64_t start = measure_now_ns();

        for (size_t i = 0; i < BATCH; i++)
                MEASURE_KEEP(process_table_update(table, &opens[i]));
        measure_add(&any, start, BATCH);

        start = measure_now_ns();
        for (size_t i = 0; i < BATCH; i++)
                MEASURE_KEEP(process_table_update(table, &opens[0]));
        measure_add(&hot, start, BATCH);
}

static void run_ancestors(const struct process_table *table) {
        const struct identity last = { .pid = N_MANY, .start_ns = 1000 + N_MANY };
        const struct process *process = process_table_find(table, &last);
        uint64_t start = measure_now_ns();
        struct lineage lineage;
        size_t n = 0;

        for (size_t i = 0; i < BATCH; i++) {
                lineage_begin(&lineage, table, process);
                while (lineage_next(&lineage))
                        n++;
        }
        measure_add(&ancestor, start, n);
}

/* The three events of a short life, over and over, each time with another pid. */
static void run_exec(void) {
        static char bytes[3 * BATCH * 512] __attribute__((aligned(8)));
        static struct event events[3 * BATCH];
        struct process_table *table = new_table(30 * UINT64_C(1000000000));
        size_t used = 0, n = 0;
        uint64_t start;

        for (uint32_t i = 0; i < BATCH; i++)
                for (unsigned what = 0; what < 3; what++) {
                        begin(what == 0   ? WIRE_KIND_fork
                              : what == 1 ? WIRE_KIND_execve
                                          : WIRE_KIND_exit,
                              what == 0 ? 1 : 100 + i);
                        if (what == 0) {
                                record_set_number(&record, FIELD_fork_child_pid, 100 + i);
                                record_set_number(&record, FIELD_fork_child_start, 1100 + i);
                        } else if (what == 1) {
                                record_set_text(&record, FIELD_execve_exe, "/usr/bin/some-program");
                                record_set_text(&record, FIELD_execve_cwd, "/home/somebody");
                                record_set_list(&record, FIELD_execve_argv,
                                                (const char *const[]){"some-program", "--an-option", NULL});
                        }
                        if (record_finish(&record) < 0)
                                abort();
                        memcpy(bytes + used, record.data, record.header.size);
                        if (event_parse(bytes + used, record.header.size, &events[n++]) < 0)
                                abort();
                        used += record.header.size;
                }

        start = measure_now_ns();
        for (size_t i = 0; i < n; i++)
                MEASURE_KEEP(process_table_update(table, &events[i]));
        measure_add(&exec, start, BATCH);
        process_table_free(table);
}

int main(int argc, char **argv) {
        bool is_quick = measure_is_quick(argc, argv);
        struct event *events, *opens, sample;
        double allocations = 0;
        struct process_table *table;
        size_t before;
        char *bytes;

        /* Memory first, while the heap is as small as a daemon's. */
        before = resident_bytes();
        table = many_processes();
        measure_print("table_kib_2000", (resident_bytes() - before) / 1024.0);

        opens = calloc(BATCH, sizeof(*opens));
        bytes = aligned_alloc(64, BATCH * 256);
        if (!opens || !bytes)
                return EXIT_FAILURE;
        for (uint32_t i = 0; i < BATCH; i++) {
                begin(WIRE_KIND_openat, 2 + (i * 7919) % (N_MANY - 1));
                if (record_finish(&record) < 0)
                        abort();
                memcpy(bytes + i * 256, record.data, record.header.size);
                if (event_parse(bytes + i * 256, record.header.size, &sample) < 0)
                        abort();
                opens[i] = sample;
        }
        for (size_t i = 0; i < (is_quick ? 200 : 2000); i++) {
                run_many(table, opens);
                run_ancestors(table);
                if (i % 10 == 0)
                        run_exec();
        }
        process_table_free(table);
        free(opens);
        free(bytes);

        workload_make(2, N_EVENTS, &bytes, &events);
        for (size_t i = 0; i < (is_quick ? 2 : 10); i++)
                allocations = run_mix(events);
        free(events);
        free(bytes);

        measure_print("table_ns", measure_median(&mix));
        measure_print("table_hot_ns", measure_median(&hot));
        measure_print("table_find_ns", measure_median(&any));
        measure_print("table_exec_ns", measure_median(&exec));
        measure_print("table_ancestor_ns", measure_median(&ancestor));
        measure_print("table_allocs_per_event", allocations);
        return EXIT_SUCCESS;
}
