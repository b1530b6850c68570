/* SPDX-License-Identifier: Apache-2.0 */
/* Random why - does what is explained of an event agree with what the engine then does? Policies and streams of dice.
 *
 *      random-why [--seed N] [--stories N]
 *
 * Before each event every edge of every open run is explained, condition by condition; then the engine is fed, and what
 * became of each run must follow from what was explained, and the other way round. The truth of each `and` and `or`
 * must follow from its parts. And who is looked at does the same as who is not. Exit status: 0 they agree, 1 they
 * differ, 2 it could not be run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "compile/compile.h"
#include "engine/explain.h"
#include "engine-outcome.h"
#include "policy/policy-set.h"
#include "random.h"

#define MAX_PATHS 3

/* What was explained of one run and the event, or came of it. */
struct foretold {
        uint32_t path;
        uint64_t serial;
        unsigned n_takes;               /* edges that lead on */
        bool concerned, hidden, kills, doubts, loops, counts;
        unsigned n_taken, n_killed, n_doubted, n_looped;
};

struct check {
        const struct program *program;
        struct explain *explain;
        ARRAY(struct foretold) foretold;
        const struct explain_run *run;
        unsigned n_began[MAX_PATHS];
        uint64_t n_edges, n_nodes, n_fates;
        unsigned n_alerts;
        char why[512];                  /* the first disagreement; empty: none */
};

static void disagree(struct check *check, const char *what, uint32_t path, uint64_t serial) {
        if (*check->why == '\0')
                snprintf(check->why, sizeof(check->why), "%s: path %u, run %llu", what, path,
                         (unsigned long long)serial);
}

/* Returns the index behind the node and what is below it; its truth must follow. */
static size_t check_node(struct check *check, const struct explain_node *nodes, size_t n, size_t i) {
        enum truth truth = nodes[i].shape == EXPLAIN_ALL ? TRUTH_TRUE : TRUTH_FALSE;
        size_t k = i + 1;

        if (nodes[i].shape == EXPLAIN_LEAF)
                return k;
        while (k < n && nodes[k].depth > nodes[i].depth) {
                enum truth part = (enum truth)nodes[k].truth;

                truth = nodes[i].shape == EXPLAIN_ALL ? truth_and(truth, part) : truth_or(truth, part);
                k = check_node(check, nodes, n, k);
        }
        if (truth != (enum truth)nodes[i].truth)
                disagree(check, "a node does not follow from its parts", check->run->path, check->run->serial);
        return k;
}

static void check_condition(struct check *check, uint32_t condition, enum explain_verdict verdict) {
        static struct explain_node nodes[4096];
        size_t n = explain_condition(check->explain, check->run, condition, nodes, ELEMENTSOF(nodes));
        enum truth truth = TRUTH_TRUE;

        check->n_nodes += n;
        for (size_t i = 0; i < n;) {
                truth = truth_and(truth, (enum truth)nodes[i].truth);
                i = check_node(check, nodes, n, i);
        }
        if ((verdict == EXPLAIN_FALSE) != (truth == TRUTH_FALSE) ||
            (verdict == EXPLAIN_TAKES && truth != TRUTH_TRUE) || (verdict == EXPLAIN_UNKNOWN && truth != TRUTH_UNKNOWN))
                disagree(check, "the verdict does not follow from the conditions", check->run->path,
                         check->run->serial);
}

static void on_edge(const struct explain_edge *found, void *data) {
        struct check *check = data;
        struct foretold *foretold = array_last(&check->foretold);
        bool takes = found->verdict == EXPLAIN_TAKES;

        if (found->later)
                return;
        check->n_edges++;
        check_condition(check,
                        found->until != PROGRAM_NONE ? check->program->untils[found->until].condition
                                                     : check->program->edges[found->edge].condition,
                        found->verdict);
        switch (found->type) {
        case EDGE_ADVANCE:
                foretold->n_takes += takes;
                break;
        case EDGE_LOOP:
                foretold->loops |= takes;
                break;
        case EDGE_KILL:
                if (found->until != PROGRAM_NONE)
                        foretold->counts = true;        /* decided when all else is done */
                foretold->kills |= takes;
                foretold->doubts |= found->verdict == EXPLAIN_UNKNOWN;
                break;
        case EDGE_COUNT:
        case EDGE_SCORE:
                foretold->counts = true;
                break;
        case _EDGE_TYPE_MAX:
                break;
        }
}

static void on_explained_run(const struct explain_run *run, void *data) {
        struct check *check = data;
        struct foretold foretold = {.path = run->path, .serial = run->serial, .concerned = run->concerned};
        bool unknown;

        foretold.hidden = explain_exception(check->explain, run->path, &unknown) != PROGRAM_NONE && !unknown;
        if (array_push(&check->foretold, foretold) < 0)
                abort();
        check->run = run;
        explain_edges(check->explain, run, on_edge, check);
}

static void on_event(struct engine *engine, void *data) {
        struct check *check = data;

        explain_begin(check->explain);
        for (uint32_t path = 0; path < check->program->n_paths; path++)
                explain_runs(check->explain, path, on_explained_run, check);
}

static void on_run(const struct observation *o, void *data) {
        struct check *check = data;
        struct foretold *found = NULL;

        check->n_fates++;
        ARRAY_FOREACH(foretold, &check->foretold)
                if (foretold->path == o->path && foretold->serial == o->serial)
                        found = foretold;
        if (o->fate == RUN_BEGINS)
                check->n_began[o->path]++;
        if (!found)
                return;                 /* it began, or was copied, by this event */
        found->n_taken += o->fate == RUN_TAKES;
        found->n_killed += o->fate == RUN_IS_KILLED;
        found->n_doubted += o->fate == RUN_DOUBTS;
        found->n_looped += o->fate == RUN_COUNTS;
}

/* The event is over: did it come as it was foretold? */
static void compare(struct check *check) {
        ARRAY_FOREACH(f, &check->foretold) {
                bool may = f->concerned && !f->hidden;
                bool takes = may && f->n_takes > 0, kills = may && !takes && f->kills;

                if (f->counts)
                        continue;
                if (f->serial == 0) {
                        if (check->n_began[f->path] != (may ? f->n_takes : 0))
                                disagree(check, "runs that begin", f->path, 0);
                        continue;
                }
                if (f->n_taken != (takes ? 1 : 0))
                        disagree(check, "a step", f->path, f->serial);
                if (f->n_killed != (kills ? 1 : 0))
                        disagree(check, "a not", f->path, f->serial);
                if (f->n_doubted != (may && !takes && !kills && f->doubts ? 1 : 0))
                        disagree(check, "a not that is unknown", f->path, f->serial);
                if (f->n_looped != (may && !takes && !kills && f->loops ? 1 : 0))
                        disagree(check, "a repetition", f->path, f->serial);
        }
        array_clear(&check->foretold);
        memset(check->n_began, 0, sizeof(check->n_began));
}

static void on_match(const struct match *match, void *data) {
        ((struct check *)data)->n_alerts++;
}

static void on_obscured(enum wire_reason reason, const struct path *path, const char *key, void *data) {
}

static const struct process_table_limits table_limits = {
        .max_processes = 4096,
        .max_image_bytes = 4 << 20,
        .max_cgroups = 1024,
        .grace_ns = UINT64_MAX / 2,
};

/* `looked_at`: with everything explained. */
static int feed(struct check *check, const struct world *world, bool looked_at, struct engine_stats *ret) {
        const struct engine_observer observer = {on_event, on_run, check};
        const struct engine_sink sink = {.on_match = on_match, .on_obscured = on_obscured, .data = check};
        struct process_table *table = NULL;
        struct engine *engine = NULL;
        int r;

        r = process_table_new(&table_limits, &table);
        if (r >= 0)
                r = engine_new((struct program *)check->program, table, &engine_trial_wide, &sink, &engine);
        if (r >= 0 && looked_at)
                r = explain_new(engine, &check->explain);
        if (r >= 0 && looked_at)
                engine_observe(engine, &observer);
        for (size_t i = 0; r >= 0 && i < world->records.n; i++) {
                struct event event;

                r = world_event(world, i, &event);
                if (r < 0)
                        break;
                engine_feed(engine, &event, process_table_update(table, &event));
                compare(check);
        }
        if (r >= 0) {
                engine_end(engine);
                engine_stats(engine, ret);
        }
        check->explain = explain_free(check->explain);
        engine_free(engine);
        process_table_free(table);
        return r;
}

/* Paths that the checker takes; one that it does not is thrown again. */
static int tell_paths(struct random *random, const struct random_style *style, struct strbuf *text,
                      struct policy_set **ret) {
        const struct policy_options options = {.trust_any_owner = true};

        for (unsigned i = 0; i < style->n_paths;) {
                struct policy_set *set = NULL;
                size_t before = text->n;
                int r;

                random_path(random, style, i, text);
                r = policy_set_parse("random", strbuf_str(text), text->n, &options, NULL, &set);
                if (r < 0 || ++i < style->n_paths)
                        policy_set_free(set);
                else
                        *ret = set;
                if (r < 0 && r != -EBADMSG)
                        return r;
                if (r < 0)
                        strbuf_truncate(text, before);
        }
        return 0;
}

/* Returns 1: they agree; 0: not; or a negative errno. */
static int one_story(uint64_t seed, struct check *totals) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL;
        _cleanup_(strbuf_done) struct strbuf text = {};
        struct engine_stats looked_at = {}, alone = {};
        struct check check = {}, unseen = {};
        struct program *program = NULL;
        struct random_style style;
        struct world world;
        struct random random;
        int r;

        random_init(&random, seed);
        style = (struct random_style){
                .simple = random_chance(&random, 25),
                .flat_time = random_chance(&random, 20),
                .n_paths = 1 + random_below(&random, MAX_PATHS),
                .n_events = 15 + random_below(&random, 50),
        };
        r = world_init(&world);
        if (r >= 0)
                r = tell_paths(&random, &style, &text, &set);
        if (r >= 0)
                r = random_stream(&random, &style, &world);
        if (r >= 0)
                r = compile_policies(set, NULL, NULL, &program);
        check.program = unseen.program = program;
        if (r >= 0)
                r = feed(&check, &world, true, &looked_at);
        if (r >= 0)
                r = feed(&unseen, &world, false, &alone);
        looked_at.n_passed_by = alone.n_passed_by = 0;  /* who is looked at lets nothing pass by */
        if (r >= 0 && (check.n_alerts != unseen.n_alerts || memcmp(&looked_at, &alone, sizeof(alone)) != 0))
                disagree(&check, "who is looked at does something else", 0, 0);
        if (r >= 0 && *check.why)
                printf("story %llu: %s\n%s", (unsigned long long)seed, check.why, strbuf_str(&text));

        totals->n_edges += check.n_edges;
        totals->n_nodes += check.n_nodes;
        totals->n_fates += check.n_fates;
        totals->n_alerts += check.n_alerts;
        array_done(&check.foretold);
        array_done(&unseen.foretold);
        if (program)
                program_unref(program);
        world_done(&world);
        return r < 0 ? r : *check.why == '\0';
}

int main(int argc, char *argv[]) {
        uint64_t seed = 1, n_stories = 1000;
        struct check totals = {};
        unsigned n_different = 0;

        for (int i = 1; i + 1 < argc; i += 2)
                if (parse_u64(argv[i + 1], 0, UINT64_MAX, streq(argv[i], "--seed") ? &seed : &n_stories) < 0)
                        return 2;
        for (uint64_t i = 0; i < n_stories && n_different < 3; i++) {
                int r = one_story(seed + i, &totals);

                if (r < 0) {
                        printf("story %llu: %s\n", (unsigned long long)(seed + i), strerror(-r));
                        return 2;
                }
                n_different += r == 0;
        }
        printf("%llu stories: %llu edges and %llu conditions explained, %llu things that happened to runs, %u alerts; "
               "%u "
               "differ\n",
               (unsigned long long)n_stories, (unsigned long long)totals.n_edges, (unsigned long long)totals.n_nodes,
               (unsigned long long)totals.n_fates, totals.n_alerts, n_different);
        if (totals.n_alerts == 0 || totals.n_edges == 0) {
                printf("nothing was tested\n");
                return 2;
        }
        return n_different > 0;
}
