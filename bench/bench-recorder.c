/* SPDX-License-Identifier: Apache-2.0 */
/* What the recorder of the last events costs for each event: the same records through a table of processes, and through
 * one with a recorder behind it, in turn batch by batch, each time another one first.
 *
 *      recorder_off_ns                 per event of the mix of a busy host, through the table alone
 *      recorder_ns                     what a full recorder of 4 MiB adds: the median of the differences
 *      recorder_opens_ns               the same of opens alone, which say nothing of who runs
 *      recorder_cold_ns                of the mix, ten events at a time, each time with caches full of something else
 *      recorder_bytes_per_event        which is copied
 *      recorder_left_pct               of the records of the mix have left again */
#include "event/encode.h"
#include "measure.h"
#include "pipeline/recorder.h"
#include "workload.h"

#define N_EVENTS 400000
#define BATCH 1000
#define COLD_BATCH 10
#define COLD_BYTES (32 << 20)
#define RECORDER_BYTES ((size_t)4 << 20)
#define N_OPENS 20000

static const struct process_table_limits limits = {
        .max_processes = 32768,
        .max_image_bytes = 16 << 20,
        .max_cgroups = 4096,
        .grace_ns = 200000000,
};

/* Of one kind of run: the time without, and what it takes more with it. */
struct lane {
        struct process_table *tables[2];        /* owned; without a recorder, and with one */
        struct recorder *recorder;              /* owned */
        struct measure off, more;
        unsigned turn;
};

static char *thrash;

static void lane_init(struct lane *lane) {
        if (process_table_new(&limits, &lane->tables[0]) < 0 || process_table_new(&limits, &lane->tables[1]) < 0 ||
            recorder_new(RECORDER_BYTES, &limits, lane->tables[1], &lane->recorder) < 0)
                exit(EXIT_FAILURE);
}

static void lane_done(struct lane *lane) {
        recorder_free(lane->recorder);
        process_table_free(lane->tables[0]);
        process_table_free(lane->tables[1]);
}

static double time_of(struct lane *lane, bool with, const struct event *events, size_t n) {
        uint64_t start = measure_now_ns();

        for (size_t i = 0; i < n; i++) {
                MEASURE_KEEP(process_table_update(lane->tables[with], &events[i]));
                if (with)
                        recorder_add(lane->recorder, &events[i]);
        }
        process_table_expire(lane->tables[with], events[0].time_ns);
        return (double)(measure_now_ns() - start) / n;
}

static void empty_caches(void) {
        for (size_t k = 0; k < COLD_BYTES; k += 64)
                thrash[k]++;
}

/* Neither of the two is the one that brings the records into the caches. */
static void look_at(const struct event *events, size_t n) {
        unsigned sum = 0;

        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < events[i].wire->size; k += 64)
                        sum += ((const unsigned char *)events[i].wire)[k];
        MEASURE_KEEP(sum);
}

static void lane_run(struct lane *lane, const struct event *events, size_t n, bool cold, bool counts) {
        bool first = lane->turn++ % 2;
        double ns[2];

        for (unsigned i = 0; i < 2; i++) {
                bool with = first != (i == 1);

                if (cold)
                        empty_caches();
                look_at(events, n);
                ns[with] = time_of(lane, with, events, n);
        }
        if (!counts || lane->off.n == MEASURE_MAX)
                return;
        lane->off.samples[lane->off.n++] = ns[0];
        lane->more.samples[lane->more.n++] = ns[1] - ns[0];
}

/* What is measured begins when the recorder is full: from there on each record makes others leave. */
static bool is_full(const struct lane *lane) {
        struct recorder_stats stats;

        recorder_stats(lane->recorder, &stats);
        return stats.n_left > 0;
}

static void run_mix(const struct event *events, size_t n) {
        static struct lane hot, cold;
        struct recorder_stats stats;
        double bytes = 0;

        lane_init(&hot);
        lane_init(&cold);
        for (size_t at = 0; at < n; at += BATCH) {
                lane_run(&hot, events + at, BATCH, false, is_full(&hot));
                for (size_t i = 0; i < BATCH; i += COLD_BATCH)
                        lane_run(&cold, events + at + i, COLD_BATCH, i < 3 * COLD_BATCH && is_full(&cold),
                                 i < 3 * COLD_BATCH && is_full(&cold));
        }
        for (size_t i = 0; i < n; i++)
                bytes += events[i].wire->size;
        recorder_stats(hot.recorder, &stats);
        measure_print("recorder_off_ns", measure_median(&hot.off));
        measure_print("recorder_ns", measure_median(&hot.more));
        measure_print("recorder_cold_ns", measure_median(&cold.more));
        measure_print("recorder_bytes_per_event", bytes / n);
        measure_print("recorder_left_pct", 100.0 * stats.n_left / n);
        lane_done(&hot);
        lane_done(&cold);
}

/* Opens of the mix, round and round. */
static void run_opens(struct event *events, size_t n) {
        static struct lane lane;
        struct event *opens = calloc(N_OPENS, sizeof(*opens));
        size_t n_opens = 0;

        if (!opens)
                exit(EXIT_FAILURE);
        lane_init(&lane);
        for (size_t i = 0; i < n && n_opens < N_OPENS; i++)
                if (event_kind(&events[i]) == WIRE_KIND_openat)
                        opens[n_opens++] = events[i];
        for (size_t round = 0; round < n / N_OPENS; round++)
                for (size_t at = 0; at + BATCH <= n_opens; at += BATCH)
                        lane_run(&lane, opens + at, BATCH, false, is_full(&lane));
        measure_print("recorder_opens_ns", measure_median(&lane.more));
        lane_done(&lane);
        free(opens);
}

int main(int argc, char **argv) {
        size_t n = measure_is_quick(argc, argv) ? N_EVENTS / 4 : N_EVENTS;
        struct event *events;
        char *bytes;

        workload_make(1, n, &bytes, &events);
        thrash = calloc(1, COLD_BYTES);
        if (!thrash)
                return EXIT_FAILURE;
        run_mix(events, n);
        run_opens(events, n);
        free(thrash);
        free(events);
        free(bytes);
        return 0;
}
