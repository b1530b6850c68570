/* SPDX-License-Identifier: Apache-2.0 */
/* Random stories - the engine against the two reference matchers, on policies and streams made of dice.
 *
 *      random-stories [--seed N] [--stories N] [--events N] [--seconds N] [--long] [--every] [--one SEED]
 *                     [--differences N] [--without-engine] [--verbose]
 *
 * The same seed tells the same stories. They end when there were so many, or so many events, or after so many seconds.
 * The engine runs each with all passes of the compiler, and with one of them or all left out, another one for each
 * story; with --every, with each of them. A story on which they differ is made smaller as long as they still differ,
 * and printed with the number that --one takes. Exit status: 0 they agree, 1 they differ, 2 it could not be run. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "random.h"
#include "trial.h"

#define MAX_PATHS 4

enum mode {
        MODE_PLAIN,                     /* bounds out of reach */
        MODE_TIGHT,                     /* tiny bounds */
        MODE_RELOAD,                    /* other policies in the middle */
        MODE_TIGHT_RELOAD,
        _MODE_MAX,
};

static bool is_tight(enum mode mode) {
        return mode == MODE_TIGHT || mode == MODE_TIGHT_RELOAD;
}

static bool has_reload(enum mode mode) {
        return mode == MODE_RELOAD || mode == MODE_TIGHT_RELOAD;
}

struct told {
        uint64_t seed;
        enum mode mode;
        char *paths[MAX_PATHS];         /* owned; NULL: left out */
        uint64_t after_swap;            /* bit per path: is there behind the reload */
        bool other_list;                /* and the list is another one */
        size_t n_paths;
        size_t swap_before;
        struct engine_limits limits;
        struct world world;
};

/* What the language has: a word of each, to see that stories with it came to their end. */
static const struct construct {
        const char *name, *word;
} constructs[] = {
        { "until", "until " },
        { "no", "\nno " },
        { "all", "all {" },
        { "repeat", "repeat " },
        { "distinct", "distinct " },
        { "score", "score = " },
        { "relation", " $a\n" },
        { "ancestor", "ancestor {" },
        { "any", "any {" },
        { "window", "\nwithin " },
        { "decision", " ? " },
        { "repetition", " ..\n" },
        { "not", "\nnot " },
        { "except", "\nexcept {" },
        { "descent", "by = descent" },
};

struct totals {
        uint64_t n_stories, n_events, n_alerts, n_evicted, n_refused;
        uint64_t n_by_mode[_MODE_MAX];
        uint64_t n_long;                /* alerts of three steps and more */
        uint64_t n_told[ELEMENTSOF(constructs)];        /* alerts of paths that have it */
        struct prefilter_tally tally;
};

#define MIN_LEFT_OUT_PCT 10

static bool without_engine, verbose, long_ones, every_variant;
static volatile uint64_t current_seed;

/* An assertion failed, or worse: say in which story, then go on dying. */
static void on_crash(int number) {
        char text[64];
        int n = snprintf(text, sizeof(text), "it was story %llu\n", (unsigned long long)current_seed);

        (void)!write(STDERR_FILENO, text, n);
        signal(number, SIG_DFL);
        raise(number);
}

static uint64_t seconds_since(const struct timespec *start) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec - start->tv_sec;
}

#define LIST "list some_names = [\"/a\", \"/tmp/f\"]\n"
#define OTHER_LIST "list some_names = [\"/b\", \"/a/x\"]\n"

/* The policies as one text; `which`: bit per path. */
static int parse(const struct told *told, const char *list, uint64_t which, bool complain, struct policy_set **ret) {
        const struct policy_options options = { .trust_any_owner = true, .wall_s = 1800000000 };
        _cleanup_(strbuf_done) struct strbuf text = {};
        struct diag_set diags;
        int r;

        strbuf_put(&text, list);
        for (size_t i = 0; i < told->n_paths; i++)
                if (told->paths[i] && (which & UINT64_C(1) << i))
                        strbuf_put(&text, told->paths[i]);
        diag_set_init(&diags, 0);
        r = policy_set_parse("random", strbuf_str(&text), text.n, &options, &diags, ret);
        if (r < 0 && complain) {
                _cleanup_(strbuf_done) struct strbuf b = {};

                policy_set_put_diags(*ret, &diags, &b);
                fprintf(stderr, "%s\n%s", strbuf_str(&text), strbuf_str(&b));
        }
        diag_set_done(&diags);
        return r;
}

/* Each path has to pass the checker by itself; one that does not is thrown again. */
static int tell_paths(struct random *random, const struct random_style *style, struct told *told,
                      struct totals *totals) {
        for (unsigned i = 0; i < style->n_paths;) {
                _cleanup_(strbuf_done) struct strbuf text = {};
                struct policy_set *set = NULL;
                int r;

                random_path(random, style, i, &text);
                r = strbuf_take(&text, &told->paths[i]);
                if (r < 0)
                        return r;
                told->n_paths = i + 1;
                r = parse(told, LIST, UINT64_C(1) << i, verbose, &set);
                policy_set_free(set);
                if (r < 0) {
                        totals->n_refused++;
                        free(told->paths[i]);
                        told->paths[i] = NULL;
                        continue;
                }
                i++;
        }
        return 0;
}

static void told_done(struct told *told) {
        for (size_t i = 0; i < MAX_PATHS; i++)
                free(told->paths[i]);
        world_done(&told->world);
}

static int tell(uint64_t seed, struct told *told, struct totals *totals) {
        struct random random;
        struct random_style style;
        int r;

        random_init(&random, seed);
        *told = (struct told){
                .seed = seed,
                .mode = (enum mode)random_below(&random, _MODE_MAX),
                .limits = engine_trial_wide,
        };
        style = (struct random_style){
                .simple = random_chance(&random, 25),
                .flat_time = random_chance(&random, 20),
                .quick = random_chance(&random, 40),
                .n_paths = 1 + random_below(&random, 3),
                .n_events = 15 + random_below(&random, 100),
        };
        if (long_ones && random_chance(&random, 10))
                style.n_events = 300 + random_below(&random, 700);
        told->limits.max_tuples = 1 + random_below(&random, 4);
        told->limits.max_runs = 1 + random_below(&random, 8);
        told->limits.max_counts = 1 + random_below(&random, 8);

        r = world_init(&told->world);
        if (r >= 0)
                r = tell_paths(&random, &style, told, totals);
        if (r >= 0)
                r = random_stream(&random, &style, &told->world);
        told->after_swap = random_below(&random, 1 << style.n_paths) | (random_chance(&random, 50) ? 1 : 0);
        told->other_list = random_chance(&random, 30);
        told->swap_before = random_below(&random, told->world.records.n + 1);
        return r;
}

/* Returns 1 if all agree, 0 if not, with what they say in `report`. */
static int try(const struct told *told, struct trial_result *result) {
        _cleanup_(policy_set_freep) struct policy_set *set = NULL, *other = NULL;
        struct trial trial = {
                .world = &told->world,
                .without_engine = without_engine,
                .variant = every_variant ? 0 : 1 + told->seed % 1000,
        };
        uint64_t after = told->after_swap;
        int r;

        *result = (struct trial_result){};
        outcome_list_init(&result->outcomes);
        r = parse(told, LIST, UINT64_MAX, false, &set);
        if (r < 0)
                return r;
        trial.policies = set;
        if (is_tight(told->mode))
                trial.limits = &told->limits;
        if (has_reload(told->mode)) {
                if (after == 0)
                        after = 1;
                r = parse(told, told->other_list ? OTHER_LIST : LIST, after, false, &other);
                if (r < 0)
                        return r;
                trial.swap_to = other;
                trial.changed = told->other_list ? "some_names" : NULL;
                trial.swap_before = told->swap_before;
        }
        return trial_run(&trial, result);
}

static bool still_differs(const struct told *told) {
        struct trial_result result;
        int r = try(told, &result);

        trial_result_done(&result);
        return r == 0;
}

/* Leave out what is not needed for the difference: paths, then records in ever smaller pieces. */
static void shrink(struct told *told) {
        struct world_records *records = &told->world.records;

        for (size_t i = 0; i < told->n_paths; i++) {
                char *path = told->paths[i];

                told->paths[i] = NULL;
                if (still_differs(told))
                        free(path);
                else
                        told->paths[i] = path;
        }
        for (size_t piece = records->n / 2; piece > 0; piece = piece > 1 ? piece / 2 : 0)
                for (size_t i = 0; i + piece <= records->n;) {
                        _cleanup_(freep) struct world_record *all = malloc(records->n * sizeof(*all));
                        size_t n = records->n, swap = told->swap_before;

                        if (!all)
                                return;
                        memcpy(all, records->items, n * sizeof(*all));
                        memmove(records->items + i, records->items + i + piece, (n - i - piece) * sizeof(*all));
                        records->n -= piece;
                        if (swap > i)
                                told->swap_before = swap >= i + piece ? swap - piece : i;
                        if (still_differs(told))
                                continue;
                        memcpy(records->items, all, n * sizeof(*all));
                        records->n = n;
                        told->swap_before = swap;
                        i += piece;
                }
}

static const char *label_of(const struct world *world, const struct wire_header *wire) {
        for (size_t i = 0; i < world->processes.n; i++)
                if (world->processes.items[i]->id.pid == wire->tgid &&
                    world->processes.items[i]->id.start_ns == wire->start_ns)
                        return world->processes.items[i]->label;
        return "-";
}

static void print_record(const struct told *told, size_t i) {
        const struct world_record *record = &told->world.records.items[i];
        const struct kind_info *kind = schema_kind((enum wire_kind)record->wire->kind);
        struct event event;

        if (world_event(&told->world, i, &event) < 0)
                return;
        if (has_reload(told->mode) && i == told->swap_before)
                printf("        -- reload --\n");
        printf("#%-3zu %8.3fs  %s %s", i + 1, ((double)record->time_ns - (double)WORLD_START_NS) / 1e9,
               label_of(&told->world, record->wire), kind->name);
        if (record->wire->result != 0)
                printf(" result=%lld", (long long)record->wire->result);
        if (record->wire->flags & WIRE_NO_RESULT)
                printf(" result=?");
        if (record->wire->tgid != 0)
                printf(" creator=%u tree=%u uid=%u", record->wire->creator_tgid, record->wire->tree_tgid,
                       record->wire->uid);
        for (uint32_t f = 0; f < kind->n_fields; f++) {
                enum field field = (enum field)(kind->first_field + f);
                struct value value;
                char buffer[512];

                event_get(&event, field, &value);
                if (value.state == VALUE_UNKNOWN)
                        continue;
                schema_format(field, &value, buffer, sizeof(buffer));
                printf(" %s=%s%s", schema_field(field)->name, buffer, value.state == VALUE_CUT ? "~" : "");
        }
        printf("\n");
}

static void print_story(const struct told *told, const struct trial_result *result) {
        static const char *const modes[] = { "plain", "tight", "reload", "tight and reload" };

        printf("---- story %llu (--one %llu), %s\n", (unsigned long long)told->seed, (unsigned long long)told->seed,
               modes[told->mode]);
        if (is_tight(told->mode))
                printf("bounds: %zu runs, %zu of a key\n", told->limits.max_runs, told->limits.max_tuples);
        if (has_reload(told->mode))
                printf("behind the reload: paths %llx%s\n", (unsigned long long)told->after_swap,
                       told->other_list ? ", " OTHER_LIST : "");
        printf("%s", LIST);
        for (size_t i = 0; i < told->n_paths; i++)
                if (told->paths[i])
                        printf("%s", told->paths[i]);
        for (size_t i = 0; i < told->world.records.n; i++)
                print_record(told, i);
        printf("%s", strbuf_str(&result->report));
        fflush(stdout);
}

static void count_constructs(const struct told *told, const struct outcome_list *outcomes, struct totals *totals) {
        ARRAY_FOREACH(o, &outcomes->list) {
                size_t path = strtoul(o->path + 1, NULL, 10);

                totals->n_long += o->n_steps > 2;
                for (size_t i = 0; i < ELEMENTSOF(constructs); i++)
                        totals->n_told[i] += strstr(told->paths[path], constructs[i].word) != NULL;
        }
}

/* Filters that leave nothing out change no alert either. Each way to leave something out has to have done so. */
static bool left_enough_out(const struct prefilter_tally *tally) {
        static const char *const names[_PREFILTER_DIMENSION_MAX] = {
                [PREFILTER_TEXT] = "texts",        [PREFILTER_NETWORK] = "networks",
                [PREFILTER_NUMBER] = "numbers",    [PREFILTER_USER] = "users",
                [PREFILTER_EXE] = "executables",   [PREFILTER_NAME] = "names",
                [PREFILTER_IN_UNIT] = "units",     [PREFILTER_IN_CONTAINER] = "containers",
                [PREFILTER_IN_CGROUP] = "cgroups", [PREFILTER_FLAGS] = "flags",
        };
        bool enough = tally->n_left_out * 100 >= tally->n_seen * MIN_LEFT_OUT_PCT && tally->n_waiting > 0;

        printf("behind filters %llu of %llu events were left out: since they waited %llu",
               (unsigned long long)tally->n_left_out, (unsigned long long)tally->n_seen,
               (unsigned long long)tally->n_waiting);
        for (int d = 0; d < _PREFILTER_DIMENSION_MAX; d++) {
                printf(", by %s alone %llu", names[d], (unsigned long long)tally->n_by[d]);
                enough = enough && tally->n_by[d] > 0;
        }
        printf("\n");
        return enough;
}

/* Returns 1 agree, 0 differ, negative errno. */
static int one_story(uint64_t seed, struct totals *totals) {
        struct trial_result result = {};
        clock_t begun = clock();
        struct told told;
        int r;

        current_seed = seed;
        r = tell(seed, &told, totals);
        if (r >= 0)
                r = try(&told, &result);
        if (r >= 0) {
                totals->n_stories++;
                totals->n_by_mode[told.mode]++;
                totals->n_events += told.world.records.n;
                totals->n_alerts += result.n_alerts;
                totals->n_evicted += result.n_evicted;
                count_constructs(&told, &result.outcomes, totals);
                prefilter_tally_add(&totals->tally, &result.tally);
        }
        if (r == 0) {
                trial_result_done(&result);
                shrink(&told);
                try(&told, &result);
                print_story(&told, &result);
        } else if (r < 0) {
                printf("story %llu: %s\n%s", (unsigned long long)seed, strerror(-r), strbuf_str(&result.report));
        }
        if (verbose && clock() - begun > CLOCKS_PER_SEC)
                printf("story %llu took %.1f s\n", (unsigned long long)seed,
                       (double)(clock() - begun) / CLOCKS_PER_SEC);
        trial_result_done(&result);
        told_done(&told);
        return r;
}

static int run(uint64_t seed, uint64_t n_stories, uint64_t n_events, uint64_t n_seconds, unsigned max_differences) {
        struct totals totals = {};
        struct timespec start;
        unsigned n_different = 0;

        clock_gettime(CLOCK_MONOTONIC, &start);
        for (uint64_t i = 0; i < n_stories && totals.n_events < n_events; i++) {
                int r = one_story(seed + i, &totals);

                if (r < 0)
                        return 2;
                if (r == 0 && ++n_different >= max_differences)
                        break;
                if (n_seconds > 0 && seconds_since(&start) >= n_seconds)
                        break;
        }
        printf("%llu stories (%llu plain, %llu tight, %llu with a reload, %llu with both), %llu events, %llu alerts, "
               "%llu evictions, "
               "%llu policies thrown again; %u differ\n",
               (unsigned long long)totals.n_stories, (unsigned long long)totals.n_by_mode[MODE_PLAIN],
               (unsigned long long)totals.n_by_mode[MODE_TIGHT], (unsigned long long)totals.n_by_mode[MODE_RELOAD],
               (unsigned long long)totals.n_by_mode[MODE_TIGHT_RELOAD], (unsigned long long)totals.n_events,
               (unsigned long long)totals.n_alerts, (unsigned long long)totals.n_evicted,
               (unsigned long long)totals.n_refused, n_different);
        printf("%llu alerts of three steps and more; alerts of paths with", (unsigned long long)totals.n_long);
        for (size_t i = 0; i < ELEMENTSOF(constructs); i++) {
                printf(" %s: %llu%s", constructs[i].name, (unsigned long long)totals.n_told[i],
                       i + 1 < ELEMENTSOF(constructs) ? "," : "\n");
                if (totals.n_told[i] == 0 && totals.n_stories > 1000)
                        n_different++;
        }
        if (!without_engine && !left_enough_out(&totals.tally) && totals.n_stories > 4000) {
                printf("the filters were not tested: they left too little out\n");
                return 2;
        }
        if (totals.n_alerts == 0 || (totals.n_evicted == 0 && totals.n_stories > 100)) {
                printf("nothing was tested: no alerts, or no evictions\n");
                return 2;
        }
        return n_different > 0;
}

int main(int argc, char *argv[]) {
        uint64_t seed = 1, n_stories = 3000, n_events = UINT64_MAX, n_seconds = 0, value;
        unsigned max_differences = 1;

        signal(SIGABRT, on_crash);
        signal(SIGSEGV, on_crash);
        for (int i = 1; i < argc; i++) {
                if (streq(argv[i], "--without-engine"))
                        without_engine = true;
                else if (streq(argv[i], "--verbose"))
                        verbose = true;
                else if (streq(argv[i], "--every"))
                        every_variant = true;
                else if (streq(argv[i], "--long")) {
                        n_stories = 200000;
                        long_ones = true;
                } else if (i + 1 < argc && parse_u64(argv[i + 1], 0, UINT64_MAX, &value) >= 0) {
                        if (streq(argv[i], "--seed"))
                                seed = value;
                        else if (streq(argv[i], "--stories"))
                                n_stories = value;
                        else if (streq(argv[i], "--events")) {
                                n_events = value;
                                n_stories = UINT64_MAX;
                        } else if (streq(argv[i], "--seconds"))
                                n_seconds = value;
                        else if (streq(argv[i], "--differences"))
                                max_differences = value;
                        else if (streq(argv[i], "--one")) {
                                struct totals totals = {};
                                int r;

                                every_variant = true;
                                r = one_story(value, &totals);

                                return r < 0 ? 2 : r == 0;
                        } else
                                return 2;
                        i++;
                } else {
                        fprintf(stderr,
                                "usage: %s [--seed N] [--stories N] [--events N] [--seconds N] [--long] [--every] "
                                "[--one SEED] [--differences N] [--without-engine] [--verbose]\n",
                                argv[0]);
                        return 2;
                }
        }
        return run(seed, n_stories, n_events, n_seconds, max_differences);
}
