/* SPDX-License-Identifier: Apache-2.0 */
/* What an event costs in the table of processes and the engine, and whether that grows with the number of policies.
 *
 *      engine_ns_p1 ... _p500          per event of the mix of a busy host, through process table and engine
 *      engine_cold_ns_p10, _p500       the same, ten events at a time, each time with caches full of something else
 *      engine_only_ns_p10              of engine_ns_p10, without the table
 *      allocs_per_event                after the first tenth of the mix, all sizes together
 *      engine_runs_p500                runs that are open at the end
 *      engine_started_pct_p500         events that begin or advance a run, in percent
 *      engine_passed_ns                an event that begins no story and that no run awaits; without the table
 *      engine_passed_ns_60000          the same while 60,000 runs wait, each with a deadline to come
 *      engine_elsewhere_ns_60000       an event of a kind that these await, in a process that has none of them
 *      engine_turnover_ns_60000        an event that begins a run, and passes the deadline of another
 *      engine_many_ns_10, _200, _2000  an open of one of so many processes in turn: table and engine, 10 policies
 *      engine_guard_ns_1024            an event that 1,024 runs of one key wait for, each with another captured value
 *      engine_count_ns                 an event that a full window of 1,000 different values counts, each in its new
 * place engine_score_ns                 an event that adds points to a sum engine_evict_ns                 an event
 * that begins a run where its key is full, and so evicts one engine_swap_ms_p500             exchange of a program */
#include "alloc-fail.h"
#include "base/strbuf.h"
#include "compile/compile.h"
#include "engine/engine.h"
#include "measure.h"
#include "workload.h"

#define N_EVENTS 200000
#define BATCH 1000
#define COLD_BATCH 10
#define COLD_BYTES (32 << 20)
#define GRACE_NS UINT64_C(200000000)    /* so short that the mix is steady after the first tenth */

static const unsigned sizes[] = {1, 10, 50, 100, 250, 500};
#define N_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const struct process_table_limits table_limits = {
        .max_processes = 32768,
        .max_image_bytes = 16 << 20,
        .max_cgroups = 4096,
        .grace_ns = GRACE_NS,
};

static const struct engine_limits engine_limits = {
        .max_runs = 65536,
        .max_tuples = 1024,
        .max_keys = 65536,
        .max_counts = 65536,
        .max_suppressed = 4096,
        .evidence_bytes = 16 << 20,
};

struct bench {
        struct program *program;
        struct process_table *table;
        struct engine *engine;
        struct measure hot, cold;
        uint64_t n_told;
};

static struct bench benches[N_SIZES];
static struct measure table_alone;
static char *thrash;

/* Stories of the usual shapes: two or three steps, mostly about files and programs of their own; one in ten is about
 * what the mix does. */
static void put_policy(struct strbuf *b, unsigned i) {
        strbuf_printf(b, "path \"policy_%03u\" {\n    within = 30s\n    ", i);
        switch (i % 10) {
        case 0:
                strbuf_printf(b, "write { proc.name in [\"curl\", \"wget\", \"fetch%u\"], $file = pathname }\n", i);
                strbuf_put(b,
                           "    not unlink { pathname == $file }\n    any { chmod { pathname == $file, mode & 0111 } "
                           "execve { argv[1] == $file } }\n    execve { filename == $file }\n");
                break;
        case 1:
                strbuf_printf(b, "openat { pathname =~ '^/etc/(passwd|shadow|secret%u)$' }\n", i);
                strbuf_put(b, "    connect { daddr in 203.0.113.0/24, dport != 443 }\n");
                break;
        case 2:
                strbuf_printf(b, "by = process\n    openat { pathname == \"/srv/app%u/secret.conf\" }\n", i);
                strbuf_printf(b, "    connect { dport == %u }\n", 1000 + i);
                break;
        case 3:
                strbuf_printf(b, "openat { pathname startswith \"/srv/data%u/\", flags & O_WRONLY }\n", i);
                strbuf_put(b, "    write { pathname =~ '\\.(sh|py|pl|rb)$' }\n    chmod { mode & S_ISUID }\n");
                break;
        case 4:
                strbuf_printf(b, "execve { filename glob \"/tmp/*/tool%u\", any argv contains \"-e\" }\n", i);
                strbuf_printf(b, "    openat { pathname =~ '/x[0-9]+/key%u' }\n", i);
                break;
        case 5:
                strbuf_printf(b, "by = unit\n    write { pathname endswith \".%u.tmp\", $f = file }\n", i);
                strbuf_put(b, "    write { file == $f, proc.uid == 0 }\n");
                break;
        case 6:
                strbuf_printf(b, "execve { proc.name in [\"sh\", \"bash\"], parent.name in [\"nginx\", \"web%u\"] }\n",
                              i);
                strbuf_put(b, "    connect { dport in [4444, 1337] }\n");
                break;
        case 7:
                strbuf_printf(b, "by = host\n    unlink { pathname startswith \"/var/log/audit%u\" }\n", i);
                strbuf_put(b, "    execve { proc.name == \"logrotate\" }\n");
                break;
        case 8:
                strbuf_printf(b, "openat { pathname startswith \"/tmp/build-%u/\", flags & O_CREAT, $f = pathname }\n",
                              i / 10 * 3 % 200);
                strbuf_put(b, "    unlink { pathname == $f }\n");
                break;
        default:
                strbuf_printf(b, "by = descent\n    execve { filename == \"/usr/bin/admin%u\" }\n", i);
                strbuf_put(
                        b,
                        "    openat { pathname startswith \"/root/\" }\n    rename { newpath endswith \".locked\" }\n");
        }
        strbuf_put(b, "    except { proc.exe == \"/usr/bin/apt-get\" }\n}\n");
}

static struct program *compile(const struct strbuf *text) {
        const struct policy_options options = {.trust_any_owner = true};
        struct policy_set *set = NULL;
        struct strbuf messages = {};
        struct program *program;
        struct diag_set diags;

        diag_set_init(&diags, 0);
        if (policy_set_parse("bench", text->data, text->n, &options, &diags, &set) < 0 ||
            compile_policies(set, NULL, &diags, &program) < 0) {
                policy_set_put_diags(set, &diags, &messages);
                fputs(strbuf_str(&messages), stderr);
                exit(EXIT_FAILURE);
        }
        diag_set_done(&diags);
        policy_set_free(set);
        return program;
}

static struct program *compile_policies_n(unsigned n) {
        struct strbuf text = {};
        struct program *program;

        for (unsigned i = 0; i < n; i++)
                put_policy(&text, i);
        program = compile(&text);
        strbuf_done(&text);
        return program;
}

static void on_match(const struct match *match, void *data) {
        ++*(uint64_t *)data;
}

static void bench_init(struct bench *bench, struct program *program) {
        const struct engine_sink sink = {.on_match = on_match, .data = &bench->n_told};

        bench->program = program;
        if (process_table_new(&table_limits, &bench->table) < 0 ||
            engine_new(program, bench->table, &engine_limits, &sink, &bench->engine) < 0)
                exit(EXIT_FAILURE);
}

static void bench_done(struct bench *bench) {
        engine_free(bench->engine);
        process_table_free(bench->table);
        program_unref(bench->program);
}

static void feed(struct bench *bench, const struct event *events, size_t n) {
        for (size_t i = 0; i < n; i++)
                engine_feed(bench->engine, &events[i], process_table_update(bench->table, &events[i]));
}

static void run_hot(struct bench *bench, const struct event *events) {
        uint64_t start = measure_now_ns();

        feed(bench, events, BATCH);
        process_table_expire(bench->table, events[0].time_ns);
        measure_add(&bench->hot, start, BATCH);
}

/* The first events of the batch one handful after the other, each after something large went through the caches. */
static void run_cold(struct bench *bench, const struct event *events) {
        for (size_t i = 0; i < 3 * COLD_BATCH; i += COLD_BATCH) {
                uint64_t start;

                for (size_t k = 0; k < COLD_BYTES; k += 64)
                        thrash[k]++;
                start = measure_now_ns();
                feed(bench, events + i, COLD_BATCH);
                measure_add(&bench->cold, start, COLD_BATCH);
        }
        feed(bench, events + 3 * COLD_BATCH, BATCH - 3 * COLD_BATCH);
        process_table_expire(bench->table, events[0].time_ns);
}

/* All sizes take turns, each batch another one first: what the machine does besides hits all alike. */
static void run_mix(size_t n_events, const struct event *events) {
        struct process_table *table;
        size_t n_allocations = 0;

        if (process_table_new(&table_limits, &table) < 0)
                exit(EXIT_FAILURE);

        for (size_t at = 0, batch = 0; at < n_events; at += BATCH, batch++) {
                uint64_t start;

                if (at >= n_events / 10 && n_allocations == 0)
                        n_allocations = alloc_count();
                start = measure_now_ns();
                for (size_t i = at; i < at + BATCH; i++)
                        MEASURE_KEEP(process_table_update(table, &events[i]));
                process_table_expire(table, events[at].time_ns);
                measure_add(&table_alone, start, BATCH);

                for (size_t k = 0; k < N_SIZES; k++) {
                        struct bench *bench = &benches[(batch + k) % N_SIZES];

                        if (batch % 20 == 19)
                                run_cold(bench, events + at);
                        else
                                run_hot(bench, events + at);
                }
        }
        measure_print("allocs_per_event",
                      (double)(alloc_count() - n_allocations) / (n_events - n_events / 10) / N_SIZES);
        process_table_free(table);
}

/* A story of one process that is looked for under many captured values. */

static struct record record;
static struct event made;

static const struct event *make(enum wire_kind kind, enum field field, const char *path, unsigned i) {
        static uint64_t number;
        char text[64];

        record_begin(&record, kind);
        record.header.tgid = record.header.tid = 4711;
        record.header.start_ns = 1000;
        record.header.time_ns = 1000000;
        snprintf(text, sizeof(text), path, i);
        record_set_text(&record, field, text);
        if (record_finish(&record) < 0 || event_parse(record.data, record.header.size, &made) < 0)
                abort();
        made.number = ++number;
        return &made;
}

static void run_guarded(unsigned n_rounds) {
        struct measure *guard = &benches[0].cold, *evict = &benches[0].hot;
        struct strbuf text = {};
        struct bench bench = {};

        guard->n = evict->n = 0;
        strbuf_put(&text, "path \"p\" { suppress = 0s  openat { $f = pathname }  not unlink { pathname == $f }  chmod "
                          "{ pathname == $f } }");
        bench_init(&bench, compile(&text));
        for (unsigned i = 0; i < 1024; i++)
                feed(&bench, make(WIRE_KIND_openat, FIELD_openat_pathname, "/tmp/a-file-%u", i), 1);

        for (unsigned round = 0; round < n_rounds; round++) {
                const struct event *event =
                        make(WIRE_KIND_unlink, FIELD_unlink_pathname, "/tmp/no-such-file-%u", round);
                uint64_t start = measure_now_ns();

                for (unsigned i = 0; i < BATCH; i++)
                        feed(&bench, event, 1);
                measure_add(guard, start, BATCH);
        }
        for (unsigned round = 0; round < n_rounds * 10; round++) {
                struct process *actor;
                uint64_t start;

                actor = process_table_update(bench.table,
                                             make(WIRE_KIND_openat, FIELD_openat_pathname, "/tmp/another-%u", round));
                start = measure_now_ns();
                engine_feed(bench.engine, &made, actor);
                measure_add(evict, start, 1);
        }
        measure_print("engine_guard_ns_1024", measure_median(guard));
        measure_print("engine_evict_ns", measure_median(evict));
        bench_done(&bench);
        strbuf_done(&text);
}

/* Many runs wait, each with a deadline of its own. */

#define N_WAITING 60000

static const struct event *make_by(enum wire_kind kind, enum field field, const char *path, unsigned i, uint32_t pid,
                                   uint64_t time_ns) {
        make(kind, field, path, i);
        record.header.tgid = record.header.tid = pid;
        record.header.start_ns = pid;
        record.header.time_ns = time_ns;
        if (record_finish(&record) < 0 || event_parse(record.data, record.header.size, &made) < 0)
                abort();
        return &made;
}

/* One event again and again, the clock a little further each time. */
static void run_still(const char *key, struct bench *bench, const struct event *event, unsigned n_rounds) {
        static struct measure measure;
        struct process *actor = process_table_update(bench->table, event);
        struct event again = *event;

        measure.n = 0;
        for (unsigned round = 0; round < n_rounds; round++) {
                uint64_t start = measure_now_ns();

                for (unsigned i = 0; i < BATCH; i++) {
                        again.time_ns++;
                        engine_feed(bench->engine, &again, actor);
                }
                measure_add(&measure, start, BATCH);
        }
        measure_print(key, measure_median(&measure));
}

static void run_waiting(unsigned n_rounds) {
        static struct measure measure;
        static struct record chmod;
        const uint64_t begin_ns = 1000000000, within_ns = 1000000000;
        struct strbuf text = {};
        struct bench bench = {};
        struct event event;
        uint64_t now_ns = begin_ns;

        strbuf_put(&text,
                   "path \"p\" { within = 1s  by = process  openat { $f = pathname }  unlink { pathname == $f } }");
        bench_init(&bench, compile(&text));
        record_begin(&chmod, WIRE_KIND_chmod);
        chmod.header.tgid = chmod.header.tid = 4711;
        chmod.header.start_ns = 4711;
        chmod.header.time_ns = begin_ns;
        record_set_text(&chmod, FIELD_chmod_pathname, "/srv/data/file");
        if (record_finish(&chmod) < 0 || event_parse(chmod.data, chmod.header.size, &event) < 0)
                abort();
        run_still("engine_passed_ns", &bench, &event, n_rounds);

        for (unsigned i = 0; i < N_WAITING; i++)
                feed(&bench, make_by(WIRE_KIND_openat, FIELD_openat_pathname, "/srv/file-%u", i, 10000 + i % 2000,
                                     now_ns += within_ns / N_WAITING / 2), 1);
        event.time_ns = now_ns;
        run_still("engine_passed_ns_60000", &bench, &event, n_rounds);
        run_still("engine_elsewhere_ns_60000", &bench,
                  make_by(WIRE_KIND_unlink, FIELD_unlink_pathname, "/srv/file-%u", 1, 4711, now_ns + 1000000),
                  n_rounds);

        /* Now each new one comes when an old one has to go. */
        now_ns = begin_ns + within_ns;
        measure.n = 0;
        for (unsigned i = 0; i < n_rounds * 100; i++) {
                struct process *actor;
                uint64_t start;

                actor = process_table_update(bench.table, make_by(WIRE_KIND_openat, FIELD_openat_pathname,
                                                                  "/srv/new-%u", i, 10000 + i % 2000,
                                                                  now_ns += within_ns / N_WAITING / 2));
                start = measure_now_ns();
                engine_feed(bench.engine, &made, actor);
                measure_add(&measure, start, 1);
        }
        measure_print("engine_turnover_ns_60000", measure_median(&measure));
        bench_done(&bench);
        strbuf_done(&text);
}

/* Few processes or many, in turn: no record is of the process that the last one was of. */
static void run_many(unsigned n_processes, unsigned n_rounds) {
        static struct measure measure;
        struct record *records = calloc(n_processes, sizeof(*records));
        struct event *events = calloc(n_processes, sizeof(*events));
        struct bench bench = {};
        uint64_t now_ns = 1000000000;
        char key[64];

        if (!records || !events)
                exit(EXIT_FAILURE);
        bench_init(&bench, compile_policies_n(10));
        for (unsigned i = 0; i < n_processes; i++) {
                char path[64];

                record_begin(&records[i], WIRE_KIND_openat);
                records[i].header.tgid = records[i].header.tid = 10000 + i;
                records[i].header.start_ns = 10000 + i;
                records[i].header.time_ns = now_ns;
                snprintf(path, sizeof(path), "/var/lib/service-%u/data", i);
                record_set_text(&records[i], FIELD_openat_pathname, path);
                if (record_finish(&records[i]) < 0 ||
                    event_parse(records[i].data, records[i].header.size, &events[i]) < 0)
                        abort();
        }

        measure.n = 0;
        for (unsigned round = 0, at = 0; round < n_rounds * 10; round++) {
                uint64_t start = measure_now_ns();

                for (unsigned i = 0; i < BATCH; i++, at = at + 1 < n_processes ? at + 1 : 0) {
                        events[at].time_ns = now_ns++;
                        feed(&bench, &events[at], 1);
                }
                if (round >= n_rounds)
                        measure_add(&measure, start, BATCH);
        }
        snprintf(key, sizeof(key), "engine_many_ns_%u", n_processes);
        measure_print(key, measure_median(&measure));
        bench_done(&bench);
        free(records);
        free(events);
}

/* The same few events again and again, each of which a `repeat` or a `score` takes. */
static void run_counted(const char *key, const char *policy, unsigned n_rounds) {
        struct measure *counted = &benches[0].cold;
        struct strbuf text = {};
        struct bench bench = {};

        counted->n = 0;
        strbuf_put(&text, policy);
        bench_init(&bench, compile(&text));
        for (unsigned i = 0; i < 1000; i++)
                feed(&bench, make(WIRE_KIND_openat, FIELD_openat_pathname, "/tmp/a-file-%u", i), 1);

        for (unsigned round = 0; round < n_rounds; round++) {
                const struct event *event =
                        make(WIRE_KIND_openat, FIELD_openat_pathname, "/tmp/a-file-%u", round * 37 % 1000);
                uint64_t start = measure_now_ns();

                for (unsigned i = 0; i < BATCH; i++)
                        feed(&bench, event, 1);
                measure_add(counted, start, BATCH);
        }
        measure_print(key, measure_median(counted));
        bench_done(&bench);
        strbuf_done(&text);
}

int main(int argc, char **argv) {
        bool quick = measure_is_quick(argc, argv);
        size_t n_events = quick ? N_EVENTS / 4 : N_EVENTS;
        struct engine_stats stats;
        struct event *events;
        static struct measure swap;
        char *bytes, key[64];

        workload_make(1, n_events, &bytes, &events);
        thrash = calloc(1, COLD_BYTES);
        if (!thrash)
                return EXIT_FAILURE;
        for (size_t i = 0; i < n_events; i++)
                events[i].number = i + 1;
        for (size_t i = 0; i < N_SIZES; i++)
                bench_init(&benches[i], compile_policies_n(sizes[i]));

        run_mix(n_events, events);
        for (size_t i = 0; i < N_SIZES; i++) {
                snprintf(key, sizeof(key), "engine_ns_p%u", sizes[i]);
                measure_print(key, measure_median(&benches[i].hot));
        }
        measure_print("engine_only_ns_p10", measure_median(&benches[1].hot) - measure_median(&table_alone));
        measure_print("engine_cold_ns_p10", measure_median(&benches[1].cold));
        measure_print("engine_cold_ns_p500", measure_median(&benches[N_SIZES - 1].cold));

        engine_stats(benches[N_SIZES - 1].engine, &stats);
        measure_print("engine_runs_p500", stats.n_runs);
        measure_print("engine_started_pct_p500", 100.0 * (stats.n_started + stats.n_advanced) / stats.n_events);

        for (unsigned i = 0; i < 5; i++) {
                uint64_t start = measure_now_ns();

                if (engine_swap(benches[N_SIZES - 1].engine, benches[N_SIZES - 1].program) < 0)
                        return EXIT_FAILURE;
                measure_add(&swap, start, 1000000);
        }
        measure_print("engine_swap_ms_p500", measure_median(&swap));
        for (size_t i = 0; i < N_SIZES; i++)
                bench_done(&benches[i]);

        run_waiting(quick ? 50 : 200);
        run_many(10, quick ? 50 : 200);
        run_many(200, quick ? 50 : 200);
        run_many(2000, quick ? 50 : 200);
        run_guarded(quick ? 50 : 200);
        run_counted("engine_count_ns", "path \"p\" { repeat 1024 distinct pathname within 1h { openat { } } }",
                    quick ? 50 : 200);
        run_counted("engine_score_ns", "path \"p\" { score = 1000000  openat { } +1 }", quick ? 50 : 200);
        free(thrash);
        free(events);
        free(bytes);
        return 0;
}
