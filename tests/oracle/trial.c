/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "declarative.h"
#include "pipeline/settings.h"
#include "policy/source.h"

/* What the configuration switches (config/optimisations.def). */
enum switches {
        ALL_OFF,
        ALL_ON,
        ALL_BUT_ONE,
};

static const struct variant {
        const char *name;
        struct compile_options options;
        enum switches switches;
        enum config_id off;             /* the one */
        size_t restart_every;           /* records */
} variants[] = {
        { "engine", {} },
        { "engine with all optimisations", {}, .switches = ALL_ON },
        { "engine that is restarted all the time", {}, .switches = ALL_ON, .restart_every = 5 },
#define OPTIMISATION(section, key)                                                                                     \
        { "engine with all but " #section "." #key, {}, .switches = ALL_BUT_ONE, .off = CONFIG_ID_##section##_##key },
#include "config/optimisations.def"
        { "engine without any pass", { .without = COMPILE_WITHOUT_ALL } },
#define PASS(id, name, given, left, doc) { "engine without " name, { .without = COMPILE_WITHOUT(id) } },
#include "compile/passes.def"
};

static int configure(const struct variant *variant, struct config *ret) {
        int r = config_init(CONFIG_PROFILE_BALANCED, ret);

        for (size_t i = 0; i < n_config_optimisations && r >= 0; i++)
                config_switch(ret, &config_optimisations[i],
                              variant->switches == ALL_ON ||
                                      (variant->switches == ALL_BUT_ONE && config_optimisations[i].id != variant->off));
        return r;
}

struct path_lists {
        const struct path_node *lists[2];
        const char *changed;
};

static const struct path_node *find_path(const struct path_node *list, const char *name) {
        for (const struct path_node *p = list; p; p = p->next)
                if (memeq_str(p->name.bytes, p->name.length, name))
                        return p;
        return NULL;
}

/* A path is the same if its text is, and what it names. */
static bool same_path(const struct path_node *a, const struct path_node *b, const void *data) {
        const char *text = a->source->text + a->span.offset, *changed = data;

        return a->span.length == b->span.length &&
               memcmp(text, b->source->text + b->span.offset, a->span.length) == 0 &&
               !(changed && memmem(text, a->span.length, changed, strlen(changed)));
}

static uint64_t window_ns(const char *name, void *data) {
        const struct path_lists *paths = data;
        const struct path_node *path = find_path(paths->lists[0], name) ?: find_path(paths->lists[1], name);

        return path ? path->suppress_ns : 0;
}

static bool ends(const char *name, void *data) {
        const struct path_lists *paths = data;
        const struct path_node *before = find_path(paths->lists[0], name), *after = find_path(paths->lists[1], name);

        return !before || !after || !same_path(before, after, paths->changed);
}

static void put_list(const char *title, struct outcome_list *list, bool without_starts, struct strbuf *b) {
        strbuf_printf(b, "%s: %zu\n", title, list->list.n);
        ARRAY_FOREACH(o, &list->list) {
                strbuf_put(b, "    ");
                outcome_put(o, without_starts, b);
                strbuf_put_char(b, '\n');
        }
}

static bool same_lists(struct outcome_list *a, struct outcome_list *b, bool without_starts) {
        if (a->list.n != b->list.n)
                return false;
        for (size_t i = 0; i < a->list.n; i++) {
                _cleanup_(strbuf_done) struct strbuf x = {}, y = {};

                outcome_put(&a->list.items[i], without_starts, &x);
                outcome_put(&b->list.items[i], without_starts, &y);
                if (!streq(strbuf_str(&x), strbuf_str(&y)))
                        return false;
        }
        return true;
}

static int run_operational(const struct trial *trial, const struct facts *facts, struct outcome_list *to,
                           size_t *ret_evicted) {
        const struct engine_limits *limits = trial->limits ?: &engine_trial_wide;
        const struct operational_limits bounds = { .max_runs = limits->max_runs, .max_tuples = limits->max_tuples,
                                                   .max_counts = limits->max_counts };
        struct operational *op = NULL;
        int r;

        r = operational_new(facts, &bounds, trial->trace, to, &op);
        if (r >= 0)
                r = operational_swap(op, trial->policies->paths, same_path, NULL);
        for (size_t i = 0; i < facts->n && r >= 0; i++) {
                if (trial->swap_to && i == trial->swap_before)
                        r = operational_swap(op, trial->swap_to->paths, same_path, trial->changed);
                if (r >= 0)
                        r = operational_feed(op, &facts->items[i]);
        }
        if (r >= 0)
                *ret_evicted = operational_evicted(op);
        operational_free(op);
        return r;
}

static int compile(const struct policy_set *set, const struct compile_options *options, struct strbuf *report,
                   struct program **ret) {
        struct diag_set diags;
        int r;

        diag_set_init(&diags, 0);
        r = compile_policies(set, options, &diags, ret);
        if (r < 0) {
                strbuf_put(report, "does not compile:\n");
                diag_set_put_text(&diags, NULL, 0, report);
        }
        diag_set_done(&diags);
        return r;
}

/* Of a cut text the string comparisons to which a regex was lowered know more than the regex would: there this pass is
 * part of what a policy means (docs/SEMANTICS.md, "Comparing"). */
static bool any_cut(const struct facts *facts) {
        for (size_t i = 0; i < facts->n; i++)
                for (size_t f = 0; f < facts->n_fields; f++)
                        for (size_t k = 0; k < facts->items[i].values[f].n; k++)
                                if (facts->items[i].values[f].values[k].state == VALUE_CUT)
                                        return true;
        return false;
}

static int run_engine(const struct trial *trial, const struct compile_options *options, const struct variant *variant,
                      struct outcome_list *to, struct engine_stats *ret_stats, struct trial_result *result) {
        _cleanup_(config_done) struct config config = {};
        struct engine_trial engine = {
                .world = trial->world,
                .limits = trial->limits,
                .swap_before = trial->swap_before,
                .restart_every = variant->restart_every,
                .tally = &result->tally,
        };
        int r;

        r = configure(variant, &config);
        if (r < 0)
                return r;
        engine.uses = settings_uses(&config);
        r = compile(trial->policies, options, &result->report, &engine.program);
        if (r >= 0 && trial->swap_to)
                r = compile(trial->swap_to, options, &result->report, &engine.swap_to);
        if (r >= 0)
                r = engine_outcome(&engine, to, ret_stats);
        program_unref(engine.program);
        program_unref(engine.swap_to);
        outcome_list_sort(to);
        return r;
}

static int suppress(const struct trial *trial, const struct facts *facts, struct outcome_list *list) {
        struct path_lists paths = {
                { trial->policies->paths, trial->swap_to ? trial->swap_to->paths : NULL },
                trial->changed,
        };
        _cleanup_(freep) uint64_t *clocks = calloc(facts->n + 1, sizeof(*clocks));
        int r;

        if (!clocks)
                return -ENOMEM;
        for (size_t i = 0; i < facts->n; i++)
                clocks[i] = facts->items[i].clock_ns;
        r = outcome_suppress(list, &(const struct outcome_suppression){
                .window_ns = window_ns,
                .clocks = clocks,
                .n_records = facts->n,
                .reload_before = trial->swap_to ? trial->swap_before : SIZE_MAX,
                .ends = ends,
                .data = &paths,
        });
        outcome_list_sort(list);
        return r;
}

static int run_references(const struct trial *trial, struct facts *facts, struct outcome_list *op,
                          struct outcome_list *declared, struct trial_result *result) {
        bool declarative = !trial->limits && !trial->swap_to;
        int r;

        r = run_operational(trial, facts, op, &result->n_evicted);
        if (r >= 0)
                r = suppress(trial, facts, op);
        if (r >= 0 && declarative)
                r = declarative_match(facts, trial->policies->paths, declared);
        if (r >= 0 && declarative)
                r = suppress(trial, facts, declared);
        if (r < 0)
                return r;

        result->n_alerts = op->list.n;
        if (declarative && !same_lists(op, declared, true)) {
                put_list("operational", op, true, &result->report);
                put_list("declarative", declared, true, &result->report);
        }
        return 0;
}

int trial_run(const struct trial *trial, struct trial_result *ret) {
        const struct path_node *paths[2] = { trial->policies->paths, trial->swap_to ? trial->swap_to->paths : NULL };
        struct outcome_list op, declared;
        struct engine_stats stats;
        struct facts facts;
        uint64_t fixed;                 /* passes that have to be made */
        int r;

        *ret = (struct trial_result){};
        outcome_list_init(&ret->outcomes);
        outcome_list_init(&op);
        outcome_list_init(&declared);

        r = facts_init(&facts, trial->world, paths, trial->swap_to ? 2 : 1);
        if (r >= 0)
                r = run_references(trial, &facts, &op, &declared, ret);
        fixed = r >= 0 && any_cut(&facts) ? COMPILE_WITHOUT(LOWER) : 0;
        for (size_t v = 0; v < ELEMENTSOF(variants) && r >= 0 && !trial->without_engine; v++) {
                struct compile_options options = variants[v].options;

                options.without &= ~fixed;
                if (v > 0 && ((options.without == 0 && variants[v].switches == ALL_OFF) ||
                              (trial->variant > 0 && v != 1 + trial->variant % (ELEMENTSOF(variants) - 1))))
                        continue;
                outcome_list_done(&ret->outcomes);
                outcome_list_init(&ret->outcomes);
                r = run_engine(trial, &options, &variants[v], &ret->outcomes, &stats, ret);
                if (r >= 0 && stats.n_evicted != ret->n_evicted)
                        strbuf_printf(&ret->report, "%s evicted %llu runs, the operational matcher %zu\n",
                                      variants[v].name, (unsigned long long)stats.n_evicted, ret->n_evicted);
                if (r >= 0 && (ret->report.n > 0 || !same_lists(&op, &ret->outcomes, false))) {
                        put_list("operational", &op, false, &ret->report);
                        put_list(variants[v].name, &ret->outcomes, false, &ret->report);
                        break;
                }
        }
        facts_done(&facts);
        outcome_list_done(&declared);
        if (trial->without_engine) {
                outcome_list_done(&ret->outcomes);
                ret->outcomes = op;
        } else
                outcome_list_done(&op);
        return r < 0 ? r : ret->report.n == 0;
}

void trial_result_done(struct trial_result *result) {
        outcome_list_done(&result->outcomes);
        strbuf_done(&result->report);
}
