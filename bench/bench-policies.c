/* SPDX-License-Identifier: Apache-2.0 */
/* Does the cost of an event depend on how many policies there are? The engine alone, on files that are opened, of which
 * the policies want none or few; the least of many rounds, which take turns.
 *
 *      engine_field_ns_p10, _p500      so many policies on one field: whole names, beginnings, ends, parts, globs,
 * regexes, lists engine_field_ratio              the second by the first engine_other_kinds_ns_each      what each of
 * 500 policies adds that are about other kinds of events */
#include "base/strbuf.h"
#include "compile/compile.h"
#include "engine/engine.h"
#include "measure.h"
#include "workload.h"

#define BATCH 500

static const struct process_table_limits table_limits = {
        .max_processes = 4096,
        .max_image_bytes = 4 << 20,
        .max_cgroups = 1024,
        .grace_ns = 1000000000,
};

static const struct engine_limits engine_limits = {
        .max_runs = 65536,
        .max_tuples = 1024,
        .max_keys = 4096,
        .max_counts = 4096,
        .max_suppressed = 4096,
        .evidence_bytes = 4 << 20,
};

struct subject {
        struct program *program;
        struct engine *engine;
        double least_ns;
};

static void put_head(struct strbuf *b, const char *name, unsigned i) {
        strbuf_printf(b, "path \"%s_%u\" {\n    within = 30s\n    ", name, i);
}

/* On `pathname` of openat, as differently as people write. */
static void put_field_policies(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                put_head(b, "field", i);
                switch (i % 10) {
                case 0: strbuf_printf(b, "openat { pathname == \"/etc/secret-%u.conf\" }\n", i); break;
                case 1:
                        strbuf_printf(b, "openat { pathname startswith \"/srv/data%u/\", flags & O_WRONLY }\n", i);
                        break;
                case 2: strbuf_printf(b, "openat { pathname endswith \".locked%u\" }\n", i); break;
                case 3: strbuf_printf(b, "openat { pathname contains \"/.ssh%u/\" }\n", i); break;
                case 4: strbuf_printf(b, "openat { pathname glob \"/home/*/.config%u/*.key\" }\n", i); break;
                case 5: strbuf_printf(b, "openat { pathname =~ '^/etc/(passwd|shadow|secret%u)$' }\n", i); break;
                case 6: strbuf_printf(b, "openat { pathname =~ '/x[0-9]+/key%u' }\n", i); break;
                case 7: strbuf_printf(b, "openat { pathname in [\"/a/%u\", \"/b/%u\", \"/c/%u\"] }\n", i, i, i); break;
                case 8:
                        strbuf_printf(b, "openat { pathname startswith \"/tmp/build-%u/\", mode & S_ISUID }\n",
                                      1000 + i);
                        break;
                default:
                        strbuf_printf(b, "openat { not failed, pathname == \"/usr/bin/admin%u\", flags & O_CREAT }\n",
                                      i);
                }
                strbuf_put(b, "    unlink { }\n}\n");
        }
}

/* On other kinds. */
static void put_other_policies(struct strbuf *b, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                put_head(b, "other", i);
                switch (i % 4) {
                case 0: strbuf_printf(b, "unlink { pathname == \"/etc/secret-%u.conf\" }\n    chmod { }\n", i); break;
                case 1: strbuf_printf(b, "execve { filename startswith \"/srv/data%u/\" }\n    unlink { }\n", i); break;
                case 2: strbuf_printf(b, "connect { dport == %u }\n    execve { }\n", 1 + i); break;
                default: strbuf_printf(b, "rename { newpath endswith \".locked%u\" }\n    unlink { }\n", i);
                }
                strbuf_put(b, "}\n");
        }
}

static void subject_init(struct subject *subject, struct process_table *table, unsigned n_field, unsigned n_other) {
        const struct policy_options options = {.trust_any_owner = true};
        const struct engine_sink sink = {};
        struct policy_set *set = NULL;
        struct strbuf text = {}, messages = {};
        struct diag_set diags;

        put_field_policies(&text, n_field);
        put_other_policies(&text, n_other);
        diag_set_init(&diags, 0);
        if (policy_set_parse("bench", text.data, text.n, &options, &diags, &set) < 0 ||
            compile_policies(set, NULL, &diags, &subject->program) < 0) {
                policy_set_put_diags(set, &diags, &messages);
                fputs(strbuf_str(&messages), stderr);
                exit(EXIT_FAILURE);
        }
        diag_set_done(&diags);
        policy_set_free(set);
        strbuf_done(&text);
        if (engine_new(subject->program, table, &engine_limits, &sink, &subject->engine) < 0)
                exit(EXIT_FAILURE);
        subject->least_ns = 1e9;
}

static void subject_done(struct subject *subject) {
        engine_free(subject->engine);
        program_unref(subject->program);
}

static void subject_run(struct subject *subject, const struct event *events, struct process *const *actors) {
        uint64_t start = measure_now_ns();
        double ns;

        for (size_t i = 0; i < BATCH; i++)
                engine_feed(subject->engine, &events[i], actors[i]);
        ns = (double)(measure_now_ns() - start) / BATCH;
        if (ns < subject->least_ns)
                subject->least_ns = ns;
}

int main(int argc, char **argv) {
        unsigned n_rounds = measure_is_quick(argc, argv) ? 400 : 4000;
        struct subject subjects[3] = {};
        static struct event chosen[BATCH];
        static struct process *actors[BATCH];
        struct process_table *table;
        struct event *events;
        size_t n_chosen = 0;
        uint64_t number = 0;
        char *bytes;

        workload_make(1, 20000, &bytes, &events);
        if (process_table_new(&table_limits, &table) < 0)
                return EXIT_FAILURE;
        subject_init(&subjects[0], table, 10, 0);
        subject_init(&subjects[1], table, 500, 0);
        subject_init(&subjects[2], table, 10, 500);

        /* Files that are opened by processes that stay. */
        for (size_t i = 0; i < 20000 && n_chosen < BATCH; i++) {
                struct process *actor = process_table_update(table, &events[i]);

                for (int k = 0; k < 3; k++)
                        engine_feed(subjects[k].engine, &events[i], actor);
                number = events[i].number;
                if (event_kind(&events[i]) == WIRE_KIND_openat && actor && events[i].wire->tgid < 2000) {
                        actors[n_chosen] = actor;
                        chosen[n_chosen++] = events[i];
                }
        }
        if (n_chosen < BATCH)
                return EXIT_FAILURE;

        for (unsigned round = 0; round < n_rounds; round++) {
                for (size_t i = 0; i < BATCH; i++)
                        chosen[i].number = ++number;
                for (unsigned k = 0; k < 3; k++)
                        subject_run(&subjects[(round + k) % 3], chosen, actors);
        }

        measure_print("engine_field_ns_p10", subjects[0].least_ns);
        measure_print("engine_field_ns_p500", subjects[1].least_ns);
        measure_print("engine_field_ratio", subjects[1].least_ns / subjects[0].least_ns);
        measure_print("engine_other_kinds_ns_each", (subjects[2].least_ns - subjects[0].least_ns) / 500);
        for (int k = 0; k < 3; k++)
                subject_done(&subjects[k]);
        process_table_free(table);
        free(events);
        free(bytes);
        return EXIT_SUCCESS;
}
