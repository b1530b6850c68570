/* SPDX-License-Identifier: Apache-2.0 */
/* Random aggregates - records that stand for many events, on policies and streams of dice.
 *
 *      random-aggregates [--seed N] [--stories N] [--one SEED]
 *
 * Of each story one of two things is tried.
 *
 * Meaning: a stream with aggregates in it is told to the engine, for one path. The same stream is written out for the
 * reference matchers, that know of no aggregates: to a path that takes them each is so many events, to others it is
 * none. All must say the same.
 *
 * Counting: a stream in which events come in bursts is told to the engine as it is, and as the kernel would tell it
 * (bpf/burst.bpf.h), which is modelled here, with as much delay as there may be. Alerts must be the same, and what was
 * joined to them.
 *
 * Exit status: 0 they agree, 1 they differ, 2 it could not be run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/parse.h"
#include "prefilter-model.h"
#include "program/aggregate.h"
#include "program/uses.h"
#include "random.h"
#include "trial.h"

#define MSEC UINT64_C(1000000)
#define LIST "list some_names = [\"/a\", \"/tmp/f\"]\n"

struct totals {
        uint64_t n_stories, n_refused, n_alerts, n_taken, n_dropped, n_events, n_counted, n_records, n_suppressed;
};

struct story {
        struct world world;             /* owns all records */
        struct policy_set *policies;
        struct program *program;
};

static void story_done(struct story *story) {
        policy_set_free(story->policies);
        program_unref(story->program);
        world_done(&story->world);
}

/* 0: it is no policy. */
static int read_policies(struct story *story, const char *text) {
        const struct policy_options options = { .trust_any_owner = true, .wall_s = 1800000000 };
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = policy_set_parse("random", text, strlen(text), &options, &diags, &story->policies);
        if (r >= 0)
                r = compile_policies(story->policies, NULL, &diags, &story->program);
        if (getenv("VERBOSE") && r < 0) {
                _cleanup_(strbuf_done) struct strbuf b = {};

                policy_set_put_diags(story->policies, &diags, &b);
                fprintf(stderr, "%s\n%s", text, strbuf_str(&b));
        }
        diag_set_done(&diags);
        return r == -ENOMEM ? r : r >= 0;
}

/* Another list of records of the same world. */
static int keep(struct world *to, const struct world *of, struct record *record, uint64_t time_ns) {
        struct world_record kept = {.time_ns = time_ns};
        int r;

        r = record_finish(record);
        if (r < 0)
                return r;
        kept.wire = arena_memdup((struct arena *)&of->arena, record->data, record->header.size);
        return kept.wire ? array_push(&to->records, kept) : -ENOMEM;
}

static void put_outcomes(const char *title, const struct outcome_list *list) {
        printf("%s: %zu\n", title, list->list.n);
        ARRAY_FOREACH(o, &list->list) {
                _cleanup_(strbuf_done) struct strbuf b = {};

                outcome_put(o, false, &b);
                printf("    %s\n", strbuf_str(&b));
        }
}

/* ---- meaning ---- */

/* The stream for who knows of no aggregates: `numbers` is which record of the first each comes from. */
static int write_out(const struct story *story, struct world *to, size_t **ret_numbers, struct totals *totals) {
        static struct record record;
        struct sizes ARRAY_BODY(size_t) numbers = {};
        int r = 0;

        for (size_t i = 0; i < story->world.records.n && r >= 0; i++) {
                const struct world_record *from = &story->world.records.items[i];
                const struct event event = {.wire = from->wire};
                uint64_t n = event_count(&event);

                if (!event_aggregate(&event)) {
                        r = array_push(&to->records, *from);
                        if (r >= 0)
                                r = array_push(&numbers, i + 1);
                        continue;
                }
                record_copy(&record, from->wire);
                record.aggregate.count = 0;
                if (aggregate_most(story->program, &story->program->paths[0], event_kind(&event)) == 0) {
                        /* Somebody did something, and that is all. */
                        struct wire_header header = *from->wire;

                        record_begin(&record, WIRE_KIND_swapon);
                        header.kind = WIRE_KIND_swapon;
                        header.known = header.cut = header.user = header.stable = 0;
                        record.header = header;
                        n = 1;
                        totals->n_dropped++;
                } else
                        totals->n_taken += n;
                for (; n > 0 && r >= 0; n--) {
                        r = keep(to, &story->world, &record, from->time_ns);
                        if (r >= 0)
                                r = array_push(&numbers, i + 1);
                        record.used = ALIGN_UP(record.used, 8);
                }
        }
        *ret_numbers = numbers.items;
        return r;
}

static void renumber(struct outcome_list *list, const size_t *numbers) {
        ARRAY_FOREACH(o, &list->list) {
                o->record = o->record > 0 ? numbers[o->record - 1] : 0;
                for (size_t s = 0; s < o->n_steps; s++)
                        o->steps[s].record = o->steps[s].record > 0 ? numbers[o->steps[s].record - 1] : 0;
        }
        outcome_list_sort(list);
}

static bool same_lists(const struct outcome_list *a, const struct outcome_list *b) {
        bool same = a->list.n == b->list.n;

        for (size_t i = 0; same && i < a->list.n; i++) {
                _cleanup_(strbuf_done) struct strbuf x = {}, y = {};

                outcome_put(&a->list.items[i], false, &x);
                outcome_put(&b->list.items[i], false, &y);
                same = streq(strbuf_str(&x), strbuf_str(&y));
        }
        return same;
}

static int try_meaning(struct random *random, struct story *story, struct totals *totals) {
        const struct random_style style = {
                .simple = random_chance(random, 40),
                .flat_time = random_chance(random, 20),
                .quick = random_chance(random, 40),
                .aggregates = true,
                .n_paths = 1,
                .n_events = 15 + random_below(random, 60),
        };
        _cleanup_(strbuf_done) struct strbuf text = {};
        _cleanup_(freep) size_t *numbers = NULL;
        struct trial_result result = {};
        struct engine_trial engine = {.world = &story->world};
        struct outcome_list told;
        struct world other = {};
        int r, same;

        strbuf_put(&text, LIST);
        random_path(random, &style, 0, &text);
        r = read_policies(story, strbuf_str(&text));
        if (r <= 0) {
                totals->n_refused++;
                return r < 0 ? r : 1;
        }
        outcome_list_init(&told);
        r = random_stream(random, &style, &story->world);
        if (r >= 0)
                r = write_out(story, &other, &numbers, totals);
        engine.program = story->program;
        if (r >= 0)
                r = engine_outcome(&engine, &told, NULL);
        outcome_list_sort(&told);
        if (r >= 0)
                r = trial_run(&(const struct trial){.policies = story->policies, .world = &other, .variant = 1},
                              &result);
        same = r;
        if (same > 0) {
                totals->n_alerts += told.list.n;
                renumber(&result.outcomes, numbers);
                same = same_lists(&told, &result.outcomes);
        }
        if (same == 0) {
                printf("%s%s", strbuf_str(&text), strbuf_str(&result.report));
                put_outcomes("with aggregates", &told);
                put_outcomes("written out", &result.outcomes);
        }
        array_done(&other.records);
        trial_result_done(&result);
        outcome_list_done(&told);
        return same;
}

/* ---- counting ---- */

/* Windows end in the middle between two bursts: what is told late falls behind none. */
static void random_counting_path(struct random *random, unsigned number, struct strbuf *b) {
        static const char *const keys[] = {"tree", "tree", "process", "unit", "user", "host"};
        static const char *const conditions[] = {
                "",
                "",
                "pathname == \"/a\"",
                "pathname startswith \"/a\"",
                "not pathname == \"/b\"",
                "proc.exe == \"/bin/a\"",
                "length > 2",
                "pathname == \"/a\" or offset == 0",
                "proc.uid == 0",
                "parent.name == \"a\"",
        };
        static const char *const windows[] = {"2500ms", "4500ms", "9500ms", "20500ms"};
        const char *kind = random_chance(random, 70) ? "write" : "read", *condition = RANDOM_PICK(random, conditions);

        strbuf_printf(b, "path \"p%u\" {\nby = %s\nsuppress = %s\n", number, RANDOM_PICK(random, keys),
                      RANDOM_PICK(random, windows));
        switch (random_below(random, 8)) {
        case 0:
        case 1:
                strbuf_printf(b, "repeat %u within %s { %s { %s } }\n", 2 + random_below(random, 30),
                              RANDOM_PICK(random, windows), kind, condition);
                break;
        case 2:
                strbuf_printf(b, "within = %s\nrepeat %u { any { write { %s } read { %s } } }\n",
                              RANDOM_PICK(random, windows), 2 + random_below(random, 12), condition,
                              RANDOM_PICK(random, conditions));
                break;
        case 3:
                strbuf_printf(b, "score = %u\ndecay = 1 per 1000s\n%s { %s } +%u\n", 5 + random_below(random, 40), kind,
                              condition, 1 + random_below(random, 9));
                break;
        case 4:
                strbuf_printf(b, "execve { }\n%s { %s }\n", kind, condition);
                break;
        case 5:
                strbuf_printf(b, "%s { %s }\nnot read { }\nwrite { }\n", kind, condition);
                break;
        default: strbuf_printf(b, "%s { %s }\n", kind, condition); break;
        }
        if (random_chance(random, 15))
                strbuf_put(b, "except { pathname == \"/b\" }\n");
        strbuf_put(b, "}\n");
}

static int put_transfer(struct random *random, struct world *world, struct world_process *actor, bool is_read,
                        const char *path) {
        struct record *record = world_begin(world, actor, is_read ? WIRE_KIND_read : WIRE_KIND_write);
        struct wire_object file = world_object(path);

        record->header.result = 1 + random_below(random, 4);
        record_set_text(record, is_read ? FIELD_read_pathname : FIELD_write_pathname, path);
        record_set_object(record, is_read ? FIELD_read_file : FIELD_write_file, &file);
        record_set_number(record, is_read ? FIELD_read_length : FIELD_write_length, record->header.result);
        record_set_number(record, is_read ? FIELD_read_offset : FIELD_write_offset, random_below(random, 3) * 100);
        return world_end(world);
}

/* One or two processes, at one or two files, in turns; between them somebody ends, or executes. */
static int put_burst(struct random *random, struct world *world) {
        static const char *const paths[] = {"/a", "/a/x", "/b"};
        static const char *const programs[] = {"/bin/a", "/bin/b"};
        struct world_process *actors[2];
        const char *files[2] = {RANDOM_PICK(random, paths), RANDOM_PICK(random, paths)};
        bool reads[2] = {random_chance(random, 20), random_chance(random, 40)};
        unsigned n = 1 + random_below(random, random_chance(random, 20) ? 60 : 12), mixed = random_below(random, 3);
        int r = 0;

        world->now_ns += (1 + random_below(random, 3)) * 1000 * MSEC;
        for (unsigned i = 0; i < 2; i++) {
                actors[i] = world->processes.items[1 + random_below(random, world->processes.n - 1)];
                if (actors[i]->exited)
                        return 0;
        }
        for (unsigned i = 0; i < n && r >= 0; i++) {
                unsigned which = mixed ? i % 2 : 0;
                struct world_process *actor = actors[mixed == 2 ? which : 0];

                world->now_ns += random_below(random, 5) * MSEC;
                r = put_transfer(random, world, actor, reads[which], files[which]);
                if (r >= 0 && random_chance(random, 4)) {
                        struct record *record = world_begin(world, actor, WIRE_KIND_execve);

                        actor->exe = RANDOM_PICK(random, programs);
                        record_set_text(record, FIELD_execve_exe, actor->exe);
                        record_set_text(record, FIELD_execve_filename, actor->exe);
                        r = world_end(world);
                }
                if (r >= 0 && random_chance(random, 1) && actor != world->init)
                        return world_exit(world, actor);
        }
        return r;
}

static int tell_bursts(struct random *random, struct world *world) {
        static const char *const units[] = {"/system.slice/nginx.service", "/system.slice/ssh.service"};
        int r = 0;

        for (unsigned i = 0; i < 5 && r >= 0; i++) {
                struct world_process *p = world_add(world, "p", i < 3 ? world->init : world->processes.items[1],
                                                    WORLD_START_NS / 2 + world->next_pid);

                if (!p)
                        return -ENOMEM;
                p->uid = p->euid = p->loginuid = i % 2 ? 1000 : 0;
                p->exe = i % 3 ? "/bin/a" : "/bin/b";
                p->cgroup_id = world_cgroup(world, units[i % 2]);
                r = world_tell(world, p, NULL);
        }
        for (unsigned i = 0; i < 12 && r >= 0; i++)
                r = put_burst(random, world);
        return r;
}

/* What the kernel does, of one burst. */
struct burst {
        struct record record;           /* the first, without what varies */
        uint64_t opened_ns, due_ns, first_ns, last_ns, count, bytes;
};

#define MAX_BURSTS 4                    /* as many as one thread has there */

struct kernel {
        const struct world *from;
        struct world *to;
        struct random *random;
        const struct prefilter *prefilter;
        struct prefilter_model model;
        struct burst *bursts[MAX_BURSTS];       /* owned */
        uint64_t n_counted;
};

/* Comparable: without what varies between the events of a burst. */
static void blank(struct record *record) {
        const struct kind_info *info = schema_kind((enum wire_kind)record->header.kind);

        record->header.time_ns = 0;
        record->header.result = 0;
        for (uint32_t f = info->first_field; f < info->first_field + info->n_fields; f++)
                if (event_field_varies((enum field)f)) {
                        memset(record->data + schema_field((enum field)f)->offset, 0, 8);
                        record->header.known &= ~(UINT64_C(1) << schema_field((enum field)f)->bit);
                }
}

static int tell(struct kernel *kernel, struct burst *burst, uint64_t now_ns) {
        static struct record record;

        if (burst->count == 0)
                return 0;
        record_copy(&record, &burst->record.header);
        record.header.time_ns = burst->last_ns;
        record.header.result = 1;
        record.aggregate = (struct wire_aggregate){
                .count = burst->count, .first_ns = burst->first_ns, .bytes = burst->bytes};
        kernel->n_counted += burst->count;
        burst->count = burst->bytes = 0;
        return keep(kernel->to, kernel->from, &record, now_ns);
}

static int close_burst(struct kernel *kernel, size_t i, uint64_t now_ns) {
        int r = tell(kernel, kernel->bursts[i], now_ns);

        free(kernel->bursts[i]);
        kernel->bursts[i] = NULL;
        return r;
}

static int close_due(struct kernel *kernel, uint64_t now_ns) {
        int r = 0;

        for (size_t i = 0; i < MAX_BURSTS && r >= 0; i++)
                if (kernel->bursts[i] && kernel->bursts[i]->due_ns <= now_ns)
                        r = close_burst(kernel, i, kernel->bursts[i]->due_ns);
        return r;
}

/* Returns 1 if it goes out, 0 if it is counted. */
static int take(struct kernel *kernel, const struct world_record *record, const struct event *event) {
        const struct prefilter_kind *kind = &kernel->prefilter->kinds[event_kind(event)];
        struct burst *burst = NULL;
        size_t at = 0;
        int r = 0;

        if (event_kind(event) == WIRE_KIND_exit || event_kind(event) == WIRE_KIND_execve) {
                for (size_t i = 0; i < MAX_BURSTS && r >= 0; i++)
                        if (kernel->bursts[i] && kernel->bursts[i]->record.header.tid == event->wire->tid)
                                r = tell(kernel, kernel->bursts[i], record->time_ns);
                return r < 0 ? r : 1;
        }
        if (!kind->counting || prefilter_model_uses(&kernel->model, event, NULL) & ~kind->counting)
                return 1;

        burst = calloc(1, sizeof(*burst));
        if (!burst)
                return -ENOMEM;
        record_copy(&burst->record, event->wire);
        blank(&burst->record);
        for (size_t i = 0; i < MAX_BURSTS; i++) {
                struct burst *other = kernel->bursts[i];

                if (!other || other->record.used != burst->record.used ||
                    memcmp(other->record.data, burst->record.data, burst->record.used) != 0)
                        continue;
                if (record->time_ns - other->opened_ns >= WIRE_BURST_NS) {
                        r = close_burst(kernel, i, record->time_ns);
                        break;
                }
                if (other->count == 0)
                        other->first_ns = record->time_ns;
                other->last_ns = record->time_ns;
                other->bytes += event->wire->result;
                if (++other->count >= kind->most)
                        r = tell(kernel, other, record->time_ns);
                free(burst);
                return r;
        }
        for (size_t i = 0; i < MAX_BURSTS; i++)
                if (!kernel->bursts[i] ||
                    (kernel->bursts[at] && kernel->bursts[i]->opened_ns < kernel->bursts[at]->opened_ns))
                        at = i;
        if (r >= 0 && kernel->bursts[at])
                r = close_burst(kernel, at, record->time_ns);
        burst->opened_ns = record->time_ns;
        burst->due_ns = record->time_ns + WIRE_BURST_NS + random_below(kernel->random, 100) * MSEC;
        kernel->bursts[at] = burst;
        return r < 0 ? r : 1;
}

/* The stream as the kernel tells it. */
static int aggregate(struct kernel *kernel) {
        int r = 0;

        for (size_t i = 0; i < kernel->from->records.n && r >= 0; i++) {
                const struct world_record *record = &kernel->from->records.items[i];
                struct event event;

                r = close_due(kernel, record->time_ns);
                if (r >= 0)
                        r = world_event(kernel->from, i, &event);
                if (r >= 0)
                        r = take(kernel, record, &event);
                if (r > 0)
                        r = array_push(&kernel->to->records, *record);
        }
        if (r >= 0)
                r = close_due(kernel, UINT64_MAX);
        return r;
}

/* Whoever's event completes a count that several processes share: of two that act at the same time it may be the
 * other. What is joined goes by that. */
static bool is_shared(const struct program *program, const char *name) {
        for (uint32_t i = 0; i < program->n_paths; i++) {
                const struct path *path = &program->paths[i];
                const struct edge *edge = &program->edges[program->positions[path->positions.first].edges.first];

                if (streq(program_text(program, path->name), name))
                        return path->by != KEY_PROCESS && edge->type != EDGE_ADVANCE;
        }
        return false;
}

/* How often each path was told for each key, and how often joined to that. */
static void sum_up(const struct program *program, const struct outcome_list *list, struct strbuf *b) {
        _cleanup_(freep) bool *done = calloc(list->list.n + 1, sizeof(*done));

        for (size_t i = 0; done && i < list->list.n; i++) {
                const struct outcome *o = &list->list.items[i];
                uint64_t n_alerts = 0, n_joined = 0;

                for (size_t k = i; k < list->list.n && !done[i]; k++) {
                        const struct outcome *other = &list->list.items[k];

                        if (!streq(o->path, other->path) || !streq(o->key, other->key))
                                continue;
                        done[k] = k > i;
                        n_alerts += !other->summary;
                        n_joined += other->suppressed;
                }
                if (!done[i] && is_shared(program, o->path))
                        strbuf_printf(b, "%s %s: %llu in all\n", o->path, o->key,
                                      (unsigned long long)(n_alerts + n_joined));
                else if (!done[i])
                        strbuf_printf(b, "%s %s: %llu, and %llu\n", o->path, o->key, (unsigned long long)n_alerts,
                                      (unsigned long long)n_joined);
        }
}

static int compare_lines(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Which is told first is another matter. */
static void sort_lines(struct strbuf *b) {
        _cleanup_(freep) char *text = strdup(strbuf_str(b));
        char *lines[1024], *rest = text;
        size_t n = 0;

        for (char *line = strtok_r(text, "\n", &rest); line && n < ELEMENTSOF(lines);
             line = strtok_r(NULL, "\n", &rest))
                lines[n++] = line;
        qsort(lines, n, sizeof(lines[0]), compare_lines);
        strbuf_done(b);
        *b = (struct strbuf){};
        for (size_t i = 0; i < n; i++)
                strbuf_printf(b, "%s\n", lines[i]);
}

static int tell_engine(const struct story *story, const struct world *world, struct strbuf *ret,
                       struct totals *totals) {
        const struct engine_trial trial = {.world = world, .program = story->program};
        struct outcome_list list;
        int r;

        outcome_list_init(&list);
        r = engine_outcome(&trial, &list, NULL);
        ARRAY_FOREACH(o, &list.list) {
                totals->n_alerts += !o->summary;
                totals->n_suppressed += o->suppressed;
        }
        sum_up(story->program, &list, ret);
        sort_lines(ret);
        outcome_list_done(&list);
        return r;
}

static int try_counting(struct random *random, struct story *story, struct totals *totals) {
        _cleanup_(strbuf_done) struct strbuf text = {}, plain = {}, counted = {};
        _cleanup_(prefilter_freep) struct prefilter *prefilter = NULL;
        struct world other = {};
        struct kernel kernel = {.from = &story->world, .to = &other, .random = random};
        unsigned n_paths = 1 + random_below(random, 3);
        int r;

        for (unsigned i = 0; i < n_paths; i++)
                random_counting_path(random, i, &text);
        r = read_policies(story, strbuf_str(&text));
        if (r <= 0) {
                totals->n_refused++;
                return r < 0 ? r : 1;
        }
        r = uses_collect(story->program, USES_AGGREGATE | (random_chance(random, 50) ? USES_FILTER : 0), &prefilter);
        kernel.prefilter = kernel.model.prefilter = prefilter;
        if (r >= 0)
                r = tell_bursts(random, &story->world);
        if (r >= 0)
                r = aggregate(&kernel);
        if (r >= 0)
                r = tell_engine(story, &story->world, &plain, totals);
        if (r >= 0)
                r = tell_engine(story, &other, &counted, totals);
        totals->n_events += story->world.records.n;
        totals->n_records += other.records.n;
        totals->n_counted += kernel.n_counted;
        array_done(&other.records);
        prefilter_model_done(&kernel.model);
        if (r < 0 || streq(strbuf_str(&plain), strbuf_str(&counted)))
                return r < 0 ? r : 1;
        printf("%s-- each event:\n%s-- counted:\n%s", strbuf_str(&text), strbuf_str(&plain), strbuf_str(&counted));
        return 0;
}

static int one_story(uint64_t seed, struct totals *totals) {
        struct story story = {};
        struct random random;
        int r;

        random_init(&random, seed);
        r = world_init(&story.world);
        if (r >= 0)
                r = random_chance(&random, 50) ? try_meaning(&random, &story, totals)
                                               : try_counting(&random, &story, totals);
        if (r <= 0)
                printf("story %llu: %s\n", (unsigned long long)seed, r < 0 ? strerror(-r) : "they differ");
        totals->n_stories++;
        story_done(&story);
        return r;
}

int main(int argc, char *argv[]) {
        uint64_t seed = 1, n_stories = 1000;
        struct totals totals = {};

        for (int i = 1; i < argc; i += 2) {
                uint64_t *to = streq(argv[i], "--seed") || streq(argv[i], "--one") ? &seed
                               : streq(argv[i], "--stories")                        ? &n_stories
                                                                                    : NULL;

                if (!to || i + 1 == argc || parse_u64(argv[i + 1], 0, UINT64_MAX, to) < 0) {
                        fprintf(stderr, "usage: %s [--seed N] [--stories N] [--one SEED]\n", argv[0]);
                        return 2;
                }
                if (streq(argv[i], "--one"))
                        n_stories = 1;
        }
        for (uint64_t i = 0; i < n_stories; i++) {
                int r = one_story(seed + i, &totals);

                if (r <= 0)
                        return r < 0 ? 2 : 1;
        }
        printf("%llu stories, %llu policies thrown away, %llu alerts, %llu joined; aggregates: %llu events taken, %llu "
               "records nobody took; bursts: %llu events in %llu records, %llu of them counted\n",
               (unsigned long long)totals.n_stories, (unsigned long long)totals.n_refused,
               (unsigned long long)totals.n_alerts, (unsigned long long)totals.n_suppressed,
               (unsigned long long)totals.n_taken, (unsigned long long)totals.n_dropped,
               (unsigned long long)totals.n_events, (unsigned long long)totals.n_records,
               (unsigned long long)totals.n_counted);
        if (n_stories > 100 && (totals.n_taken == 0 || totals.n_dropped == 0 || totals.n_counted == 0 ||
                                totals.n_alerts == 0 || totals.n_suppressed == 0)) {
                printf("nothing was tested\n");
                return 2;
        }
        return 0;
}
