/* SPDX-License-Identifier: Apache-2.0 */
#include "operational.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "place.h"

/* A windowed block that a run is inside. */
struct window {
        const struct element *block;
        uint64_t start_ns;
        const struct place *entered_from;
        size_t n_taken;                 /* evidence when it was entered */
        struct bindings bindings;       /* captures when it was entered */
};

struct open_run {
        struct run run;
        const struct place *place;
        struct window windows[PROGRAM_MAX_WINDOWS + 5];         /* from the outermost */
        size_t n_windows;
        uint64_t serial;
        bool is_new;                    /* begun by the event that is being fed */
        char cell[8];
};

struct run_list ARRAY_BODY(struct open_run *);

/* A key that holds runs of a path; `opened` orders all keys of all paths by when they came to hold one. */
struct open_key {
        const char *name;
        uint64_t opened;
};

struct matcher {
        const struct path_node *path;
        const struct place *start;
        struct run_list runs;           /* by serial; owned */
        ARRAY(struct open_key) open_keys;
};

struct operational {
        const struct facts *facts;
        const struct operational_limits *limits;
        const struct operational_trace *trace;
        struct outcome_list *to;
        struct arena arena;
        ARRAY(struct matcher *) matchers;       /* in order of path name; owned */
        uint64_t next_serial, next_key;
        size_t n_evicted;
        const struct fact *fact;
};

static void cell(struct operational *op, struct matcher *m, const struct open_run *run, const char *text) {
        char name[256];

        if (!op->trace || !op->fact)
                return;
        snprintf(name, sizeof(name), "%.*s", (int)m->path->name.length, m->path->name.bytes);
        op->trace->on_cell(op->fact->number, name, run->serial, text, op->trace->data);
}

static uint64_t start_ns(const struct open_run *run) {
        for (size_t i = 0; i < run->run.n_taken; i++)
                if (!run->run.taken[i].loop)
                        return run->run.taken[i].first_ns;
        return 0;
}

static bool same_key(const struct open_run *a, const struct open_run *b) {
        return streq(a->run.key, b->run.key);
}

static void drop(struct matcher *m, size_t i) {
        free(m->runs.items[i]);
        array_remove_at(&m->runs, i);
}

/* ---- merging ---- */

static bool equal(const struct open_run *a, const struct open_run *b) {
        for (size_t i = 0; i < a->n_windows && a->place == b->place; i++)
                if (a->windows[i].entered_from != b->windows[i].entered_from)
                        return false;
        return same_key(a, b) && a->place == b->place && bindings_equal(&a->run.bindings, &b->run.bindings);
}

static bool survives(const struct open_run *a, const struct open_run *b) {
        int order = run_precedence(&a->run, &b->run);

        for (size_t i = 0; order == 0 && i < a->n_windows && i < b->n_windows; i++)
                if (a->windows[i].start_ns != b->windows[i].start_ns)
                        order = a->windows[i].start_ns > b->windows[i].start_ns ? -1 : 1;
        if (order == 0)
                order = run_marks(&a->run, &b->run);
        return order == 0 ? a->serial < b->serial : order < 0;
}

static void merge(struct operational *op, struct matcher *m) {
        for (size_t i = 0; i < m->runs.n; i++)
                for (size_t j = i + 1; j < m->runs.n;) {
                        struct open_run *a = m->runs.items[i], *b = m->runs.items[j], *winner, *loser;

                        if (!equal(a, b)) {
                                j++;
                                continue;
                        }
                        winner = survives(a, b) ? a : b;
                        loser = winner == a ? b : a;
                        winner->run.starts =
                                MAX(winner->run.starts, loser->run.starts + (winner->is_new && !loser->is_new));
                        cell(op, m, loser, "m");
                        if (winner == b)
                                m->runs.items[i] = b;
                        m->runs.items[j] = loser;
                        drop(m, j);
                        j = i + 1;      /* the survivor moved */
                }
        /* Keep them by serial. */
        for (size_t i = 1; i < m->runs.n; i++)
                for (size_t j = i; j > 0 && m->runs.items[j - 1]->serial > m->runs.items[j]->serial; j--) {
                        struct open_run *swap = m->runs.items[j];

                        m->runs.items[j] = m->runs.items[j - 1];
                        m->runs.items[j - 1] = swap;
                }
}

/* ---- deadlines ---- */

static bool is_inside(const struct place *place, const struct element *block) {
        for (size_t i = 0; i < place->n_windows; i++)
                if (place->windows[i] == block)
                        return true;
        return false;
}

/* The run as it stood when it entered its i-th window. */
static void fall_back(struct open_run *run, size_t i) {
        const struct window window = run->windows[i];
        size_t kept = 0;

        run->place = window.entered_from;
        run->run.n_taken = window.n_taken;
        run->run.bindings = window.bindings;
        for (size_t j = 0; j < i; j++)
                if (is_inside(run->place, run->windows[j].block))
                        run->windows[kept++] = run->windows[j];
        run->n_windows = kept;
}

/* The earliest deadline of a run; *ret_window is its window, SIZE_MAX for the path's own. */
static uint64_t deadline(const struct matcher *m, const struct open_run *run, size_t *ret_window) {
        uint64_t first = m->path->within_ns > 0 ? start_ns(run) + m->path->within_ns : UINT64_MAX;

        *ret_window = SIZE_MAX;
        for (size_t i = 0; i < run->n_windows; i++)
                if (run->windows[i].start_ns + run->windows[i].block->within_ns < first) {
                        first = run->windows[i].start_ns + run->windows[i].block->within_ns;
                        *ret_window = i;
                }
        return first;
}

static void fire_deadlines(struct operational *op, uint64_t now_ns) {
        for (;;) {
                struct matcher *due_matcher = NULL;
                uint64_t due_ns = now_ns;
                struct open_run *run;
                size_t due = 0, window, due_window = 0;

                ARRAY_FOREACH(m, &op->matchers)
                        for (size_t i = 0; i < (*m)->runs.n; i++) {
                                uint64_t d = deadline(*m, (*m)->runs.items[i], &window);

                                if (d < due_ns ||
                                    (d == due_ns && due_matcher &&
                                     (*m)->runs.items[i]->serial < due_matcher->runs.items[due]->serial)) {
                                        due_ns = d;
                                        due_matcher = *m;
                                        due = i;
                                        due_window = window;
                                }
                        }
                if (!due_matcher)
                        return;

                run = due_matcher->runs.items[due];
                if (due_window != SIZE_MAX)
                        fall_back(run, due_window);
                if (due_window == SIZE_MAX || run->run.n_taken == 0) {
                        cell(op, due_matcher, run, "e");
                        drop(due_matcher, due);
                } else {
                        cell(op, due_matcher, run, "<");
                        merge(op, due_matcher);
                }
        }
}

/* ---- one event and one run ---- */

static enum truth want_truth(struct operational *op, const struct fact *fact, const struct want *want,
                             const struct bindings *bindings) {
        enum truth answer = TRUTH_TRUE;

        /* Only an event of the kind decides, and `false` must not come from anything else. */
        if (fact->kind != want->chain[0]->kind || (fact->failed && !want->chain[0]->any_result))
                return TRUTH_FALSE;
        for (size_t i = 0; i < want->decides && i < want->n_chain; i++)
                answer = truth_and(answer, truth_not(judge_step(op->facts, fact, want->chain[i], bindings)));
        if (want->decides < want->n_chain)
                answer = truth_and(answer, judge_step(op->facts, fact, want->chain[want->decides], bindings));
        return answer;
}

/* The run takes the event. Returns false if an `except` ends it with that. */
static bool advance(struct operational *op, struct matcher *m, struct open_run *run, const struct want *want,
                    const struct fact *fact, enum truth hidden) {
        const struct bindings before = run->run.bindings;
        const struct place *from = run->place;
        const size_t n_taken = run->run.n_taken;
        struct window windows[PROGRAM_MAX_WINDOWS + 5];
        enum truth excepted;

        for (size_t i = 0; i < want->next->n_windows; i++) {
                const struct element *block = want->next->windows[i];

                windows[i] = (struct window){
                        .block = block,
                        .start_ns = fact->clock_ns,
                        .entered_from = from,
                        .n_taken = n_taken,
                        .bindings = before,
                };
                for (size_t j = 0; j < run->n_windows; j++)
                        if (run->windows[j].block == block)
                                windows[i] = run->windows[j];
        }
        memcpy(run->windows, windows, sizeof(windows));
        run->n_windows = want->next->n_windows;

        run_take(&run->run, want->told, false, fact);
        if (want->binds)
                judge_bind(op->facts, fact, want->binds, &run->run.bindings);
        run->place = want->next;
        run->run.uncertain |= hidden == TRUTH_UNKNOWN || (fact->no_result && !want->chain[0]->any_result);

        excepted = judge_excepted(op->facts, fact, m->path, &before, &run->run.bindings);
        run->run.uncertain |= excepted == TRUTH_UNKNOWN;
        snprintf(run->cell, sizeof(run->cell), "%u%s", want->told->number, run->place->accept ? "!" : "");
        return excepted != TRUTH_TRUE;
}

static struct open_run *copy_of(struct operational *op, const struct open_run *run) {
        struct open_run *copy = malloc(sizeof(*copy));

        if (copy) {
                *copy = *run;
                copy->serial = op->next_serial++;
        }
        return copy;
}

/* Every way in which a run, as it stands, takes the event, for the steps that `only` allows. The first way is the run
 * itself unless it is `base`, which stays as it is. */
static int take_ways(struct operational *op, struct matcher *m, struct open_run *self, const struct open_run *base,
                     const struct element *only, const struct fact *fact, enum truth hidden, struct run_list *to,
                     bool *ret_taken, bool *ret_self_ended) {
        const struct open_run as_it_was = *base;

        *ret_taken = false;
        for (size_t i = 0; i < as_it_was.place->n_wants; i++) {
                const struct want *want = &as_it_was.place->wants[i];
                struct open_run *way;
                bool goes_on;
                int r;

                if (only && !place_step_is_inside(only, want->told))
                        continue;
                if (want_truth(op, fact, want, &as_it_was.run.bindings) != TRUTH_TRUE)
                        continue;
                if (self && !*ret_taken)
                        way = self;
                else {
                        way = copy_of(op, &as_it_was);
                        if (!way)
                                return -ENOMEM;
                }
                *ret_taken = true;

                goes_on = advance(op, m, way, want, fact, hidden);
                if (!goes_on)
                        snprintf(way->cell, sizeof(way->cell), "x");
                cell(op, m, way, way->cell);
                if (way == self)
                        *ret_self_ended = !goes_on;
                else if (goes_on) {
                        r = array_push(to, way);
                        if (r < 0)
                                return r;
                } else
                        free(way);
        }
        return 0;
}

/* (b) and (c) of the step function. Returns true if a `not` ended the run. */
static bool stay(struct operational *op, struct matcher *m, struct open_run *run, const struct fact *fact) {
        const char *text = ".";

        for (size_t i = 0; i < run->place->n_nots; i++) {
                enum truth t = judge_step(op->facts, fact, run->place->nots[i], &run->run.bindings);

                if (t == TRUTH_TRUE) {
                        cell(op, m, run, "x");
                        return true;
                }
                if (t == TRUTH_UNKNOWN) {
                        run->run.uncertain = true;
                        text = "?";
                }
        }
        for (size_t i = 0; i < run->place->n_loops; i++)
                if (judge_repeats(op->facts, fact, run->place->loops[i], &run->run.bindings) == TRUTH_TRUE) {
                        run_count(&run->run, run->place->loops[i], fact);
                        text = "+";
                        break;
                }
        cell(op, m, run, text);
        return false;
}

/* Copies of the run that restart the blocks it was inside. `before`: as it was before the event; marks: those that it
 * has now. */
static int restart(struct operational *op, struct matcher *m, const struct open_run *before, const struct open_run *now,
                   const struct fact *fact, enum truth hidden, struct run_list *to) {
        for (size_t i = 0; i < before->n_windows; i++) {
                struct open_run base = *before;
                bool taken, ended;
                int r;

                fall_back(&base, i);
                /* A block that begins the path: that is a new run. One that begins another block restarts with it. */
                if (base.run.n_taken == 0 || (i > 0 && before->windows[i].n_taken == before->windows[i - 1].n_taken))
                        continue;
                base.run.uncertain = now->run.uncertain;
                base.run.gap = now->run.gap;
                base.run.starts = now->run.starts;
                base.is_new = false;
                r = take_ways(op, m, NULL, &base, before->windows[i].block, fact, hidden, to, &taken, &ended);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool fact_has_key(const struct fact *fact, enum program_key by, const char *key) {
        for (size_t i = 0; i < fact->n_keys[by]; i++)
                if (streq(fact->keys[by][i], key))
                        return true;
        return false;
}

/* Step 3.2: every run that was open before. */
static int move_runs(struct operational *op, struct matcher *m, const struct fact *fact, enum truth hidden,
                     struct run_list *to) {
        size_t n_before = m->runs.n;

        for (size_t i = 0; i < n_before;) {
                struct open_run *run = m->runs.items[i];
                struct open_run before = *run;
                bool taken, ended = false;
                int r;

                run->is_new = false;
                if (!fact_has_key(fact, m->path->by, run->run.key)) {
                        cell(op, m, run, ".");
                        i++;
                        continue;
                }
                r = take_ways(op, m, run, run, NULL, fact, hidden, to, &taken, &ended);
                if (r >= 0 && !taken)
                        ended = stay(op, m, run, fact);
                if (r >= 0)
                        r = restart(op, m, &before, run, fact, hidden, to);
                if (r < 0)
                        return r;
                if (ended) {
                        drop(m, i);
                        n_before--;
                } else
                        i++;
        }
        return 0;
}

/* Step 3.3. */
static int begin_runs(struct operational *op, struct matcher *m, const struct fact *fact, enum truth hidden,
                      struct run_list *to) {
        struct open_run nothing = {
                .run = { .key = fact->begins[m->path->by], .starts = 1 },
                .place = m->start,
                .is_new = true,
        };
        bool taken, ended;

        if (!nothing.run.key)
                return 0;
        return take_ways(op, m, NULL, &nothing, NULL, fact, hidden, to, &taken, &ended);
}

/* ---- bounds ---- */

static size_t count_key(const struct matcher *m, const char *key) {
        size_t n = 0;

        ARRAY_FOREACH(run, &m->runs)
                n += !(*run)->place->accept && streq((*run)->run.key, key);
        return n;
}

static void evict_in(struct operational *op, struct matcher *m, const char *key) {
        size_t victim = SIZE_MAX;

        for (size_t i = 0; i < m->runs.n; i++) {
                struct open_run *run = m->runs.items[i];

                if (run->place->accept || !streq(run->run.key, key))
                        continue;
                if (victim == SIZE_MAX || run_progress(&run->run) < run_progress(&m->runs.items[victim]->run) ||
                    (run_progress(&run->run) == run_progress(&m->runs.items[victim]->run) &&
                     run->serial < m->runs.items[victim]->serial))
                        victim = i;
        }
        assert(victim != SIZE_MAX);
        drop(m, victim);
        op->n_evicted++;
}

/* Forget keys without runs, note new ones: those of new runs in the order of the runs. */
static int track_keys(struct operational *op, struct matcher *m) {
        for (size_t i = 0; i < m->open_keys.n;)
                if (count_key(m, m->open_keys.items[i].name) == 0)
                        array_remove_at(&m->open_keys, i);
                else
                        i++;

        ARRAY_FOREACH(run, &m->runs) {
                bool found = (*run)->place->accept;

                ARRAY_FOREACH(key, &m->open_keys)
                        found = found || streq(key->name, (*run)->run.key);
                if (!found && array_push(&m->open_keys, ((struct open_key){ (*run)->run.key, op->next_key++ })) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int evict(struct operational *op, struct matcher *m) {
        int r;

        r = track_keys(op, m);
        if (r < 0)
                return r;
        ARRAY_FOREACH(key, &m->open_keys)
                while (count_key(m, key->name) > op->limits->max_tuples)
                        evict_in(op, m, key->name);

        for (;;) {
                struct matcher *most_matcher = NULL;
                struct open_key most_key = {};
                size_t total = 0, most = 0;

                ARRAY_FOREACH(other, &op->matchers)
                        ARRAY_FOREACH(key, &(*other)->open_keys) {
                                size_t n = count_key(*other, key->name);

                                total += n;
                                if (n > most || (n == most && n > 0 && key->opened < most_key.opened)) {
                                        most = n;
                                        most_key = *key;
                                        most_matcher = *other;
                                }
                        }
                if (total <= op->limits->max_runs)
                        return track_keys(op, m);
                evict_in(op, most_matcher, most_key.name);
                r = track_keys(op, most_matcher);
                if (r < 0)
                        return r;
        }
}

/* ---- completion ---- */

/* Of a descent the outermost of equal completions alerts: its key comes last in the event's list. */
static bool is_outdone(const struct matcher *m, const struct open_run *run, const struct fact *fact) {
        bool further_out = false;

        if (m->path->by != KEY_DESCENT)
                return false;
        for (size_t k = 0; k < fact->n_keys[KEY_DESCENT]; k++) {
                if (further_out)
                        ARRAY_FOREACH(other, &m->runs)
                                if ((*other)->place->accept && streq((*other)->run.key, fact->keys[KEY_DESCENT][k]) &&
                                    bindings_equal(&(*other)->run.bindings, &run->run.bindings))
                                        return true;
                further_out = further_out || streq(fact->keys[KEY_DESCENT][k], run->run.key);
        }
        return false;
}

static int complete(struct operational *op, struct matcher *m, const struct fact *fact) {
        int r;

        ARRAY_FOREACH(run, &m->runs)
                if ((*run)->place->accept && !is_outdone(m, *run, fact)) {
                        r = run_complete(&(*run)->run, m->path, fact, true, op->to);
                        if (r < 0)
                                return r;
                }
        for (size_t i = 0; i < m->runs.n;)
                if (m->runs.items[i]->place->accept)
                        drop(m, i);
                else
                        i++;
        return 0;
}

/* ---- the step function ---- */

static int feed_path(struct operational *op, struct matcher *m, const struct fact *fact) {
        struct run_list made = {};
        enum truth hidden;
        int r = 0;

        hidden = judge_hidden(op->facts, fact, m->path);
        if (fact->n_keys[m->path->by] == 0 || hidden == TRUTH_TRUE) {
                ARRAY_FOREACH(run, &m->runs)
                        cell(op, m, *run, ".");
                return 0;
        }

        r = move_runs(op, m, fact, hidden, &made);
        if (r >= 0)
                r = begin_runs(op, m, fact, hidden, &made);
        ARRAY_FOREACH(run, &made)
                if (r >= 0)
                        r = array_push(&m->runs, *run);
        array_done(&made);
        if (r < 0)
                return r;

        merge(op, m);
        r = evict(op, m);
        if (r < 0)
                return r;
        r = complete(op, m, fact);
        ARRAY_FOREACH(run, &m->runs)
                (*run)->is_new = false;
        return r;
}

static void touch_by_gap(struct operational *op, const struct fact *fact) {
        ARRAY_FOREACH(m, &op->matchers)
                ARRAY_FOREACH(run, &(*m)->runs) {
                        const struct place *place = (*run)->place;
                        uint64_t kinds = 0;

                        for (size_t i = 0; i < place->n_wants; i++)
                                kinds |= UINT64_C(1) << place->wants[i].chain[0]->kind;
                        for (size_t i = 0; i < place->n_nots; i++)
                                kinds |= UINT64_C(1) << place->nots[i]->kind;
                        if (!(kinds & fact->gap_kinds))
                                continue;
                        (*run)->run.gap = true;
                        (*run)->run.gap_count += fact->gap_count;
                        (*run)->run.gap_kinds |= fact->gap_kinds;
                }
}

static bool key_ended(const struct fact *fact, const char *key) {
        for (size_t i = 0; i < fact->n_ended; i++)
                if (streq(fact->ended[i], key))
                        return true;
        return false;
}

static int end_keys(struct operational *op, const struct fact *fact) {
        ARRAY_FOREACH(m, &op->matchers) {
                for (size_t i = 0; i < (*m)->runs.n;)
                        if (key_ended(fact, (*m)->runs.items[i]->run.key)) {
                                cell(op, *m, (*m)->runs.items[i], "k");
                                drop(*m, i);
                        } else
                                i++;
                if (track_keys(op, *m) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int operational_feed(struct operational *op, const struct fact *fact) {
        int r;

        op->fact = fact;
        fire_deadlines(op, fact->clock_ns);
        ARRAY_FOREACH(m, &op->matchers) {
                r = track_keys(op, *m);
                if (r < 0)
                        return r;
        }
        if (fact->kind == WIRE_KIND_gap)
                touch_by_gap(op, fact);
        if (fact->kind == WIRE_KIND_gap || fact->kind == WIRE_KIND_tick) {
                ARRAY_FOREACH(m, &op->matchers)
                        ARRAY_FOREACH(run, &(*m)->runs)
                                cell(op, *m, *run, ".");
                return 0;
        }
        ARRAY_FOREACH(m, &op->matchers) {
                r = feed_path(op, *m, fact);
                if (r < 0)
                        return r;
        }
        return end_keys(op, fact);
}

/* ---- life ---- */

static struct matcher *matcher_free(struct matcher *m) {
        while (m->runs.n > 0)
                drop(m, m->runs.n - 1);
        array_done(&m->runs);
        array_done(&m->open_keys);
        free(m);
        return NULL;
}

int operational_new(const struct facts *facts, const struct operational_limits *limits,
                    const struct operational_trace *trace, struct outcome_list *to, struct operational **ret) {
        struct operational *op = calloc(1, sizeof(*op));

        if (!op)
                return -ENOMEM;
        op->facts = facts;
        op->limits = limits;
        op->trace = trace;
        op->to = to;
        arena_init(&op->arena, 0);
        *ret = op;
        return 0;
}

struct operational *operational_free(struct operational *op) {
        if (!op)
                return NULL;
        ARRAY_FOREACH(m, &op->matchers)
                matcher_free(*m);
        array_done(&op->matchers);
        arena_done(&op->arena);
        free(op);
        return NULL;
}

int operational_swap(struct operational *op, const struct path_node *paths,
                     bool (*same)(const struct path_node *before, const struct path_node *after)) {
        __typeof__(op->matchers) before = op->matchers;

        memset(&op->matchers, 0, sizeof(op->matchers));
        for (const struct path_node *path = paths; path; path = path->next) {
                struct matcher *m = NULL;

                for (size_t i = 0; i < before.n && !m; i++)
                        if (same(before.items[i]->path, path)) {
                                m = before.items[i];
                                array_remove_at(&before, i);
                        }
                if (!m) {
                        m = calloc(1, sizeof(*m));
                        if (!m)
                                return -ENOMEM;
                        m->path = path;
                        m->start = places_of(path, &op->arena);
                }
                if (array_push(&op->matchers, m) < 0)
                        return -ENOMEM;
        }
        ARRAY_FOREACH(m, &before)
                matcher_free(*m);
        array_done(&before);
        return 0;
}

size_t operational_evicted(const struct operational *op) {
        return op->n_evicted;
}
