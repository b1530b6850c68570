/* SPDX-License-Identifier: Apache-2.0 */
#include "operational.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "operational-private.h"

void operational_cell(struct operational *op, struct matcher *m, struct open_run *run, const char *text) {
        char name[256];

        snprintf(run->cell, sizeof(run->cell), "%s", text);
        if (!op->trace || !op->fact)
                return;
        snprintf(name, sizeof(name), "%.*s", (int)m->path->name.length, m->path->name.bytes);
        op->trace->on_cell(op->fact->number, name, run->serial, text, op->trace->data);
}

void operational_drop(struct matcher *m, size_t i) {
        free(m->runs.items[i]);
        array_remove_at(&m->runs, i);
}

struct open_run *operational_copy(struct operational *op, const struct open_run *run) {
        struct open_run *copy = malloc(sizeof(*copy));

        if (copy) {
                *copy = *run;
                copy->serial = op->next_serial++;
        }
        return copy;
}

void operational_go(struct operational *op, struct open_run *run, const struct open_run *before,
                    const struct place *place, uint64_t now_ns) {
        struct window windows[PROGRAM_MAX_WINDOWS + 5];
        const struct taken *last = &run->run.taken[run->run.n_taken - 1];

        for (size_t i = 0; i < place->n_windows; i++) {
                const struct element *block = place->windows[i];

                windows[i] = (struct window){
                        .block = block,
                        .start_ns = now_ns,
                        .entered_from = before->place,
                        .n_taken = before->run.n_taken,
                        .bindings = before->run.bindings,
                };
                for (size_t j = 0; j < before->n_windows; j++)
                        if (before->windows[j].block == block)
                                windows[i] = before->windows[j];
        }
        memcpy(run->windows, windows, sizeof(windows));
        run->n_windows = place->n_windows;
        run->place = place;
        run->counter = NULL;
        run->came_ns = now_ns;
        if (!last->clock)
                run->came_with = last->number;
        run->came = op->next_came;
}

/* ---- loss ---- */

static uint64_t awaited_kinds(const struct matcher *m, const struct open_run *run) {
        const struct place *place = run->place;
        uint64_t kinds = judge_until_kinds(m->path, &run->run.bindings);

        if (place->absence)
                kinds |= wire_kind_bit(place->absence->kind);
        for (size_t i = 0; i < place->n_wants; i++)
                kinds |= wire_kind_bit(place->wants[i].chain[0]->kind);
        for (size_t i = 0; i < place->n_nots; i++)
                kinds |= wire_kind_bit(place->nots[i]->kind);
        return kinds;
}

void operational_come(struct operational *op, struct matcher *m, struct open_run *run, uint64_t came_ns) {
        if (!run->place->accept)
                run_come(&run->run, op->facts, op->fact->number, awaited_kinds(m, run), came_ns);
}

/* ---- one event and one run ---- */

static enum truth want_truth(struct operational *op, const struct fact *fact, const struct want *want,
                             const struct bindings *bindings) {
        enum truth answer = TRUTH_TRUE;

        /* Only an event of the kind decides, and `false` must not come from anything else. */
        if (fact->kind != want->chain[0]->kind || (fact->failed && !want->chain[0]->any_result &&
                                                     !(want->chain[0]->refusable && fact->refused)))
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
        const struct open_run before = *run;
        enum truth excepted;
        char text[16];

        run_take(&run->run, want->told, false, fact);
        if (want->binds)
                judge_bind(op->facts, fact, want->binds, &run->run.bindings);
        operational_go(op, run, &before, want->next, fact->clock_ns);
        operational_come(op, m, run, fact->clock_ns);
        run->run.uncertain |= hidden == TRUTH_UNKNOWN || (fact->no_result && !want->chain[0]->any_result);

        excepted = judge_excepted(op->facts, fact, m->path, &before.run.bindings, &run->run.bindings);
        run->run.uncertain |= excepted == TRUTH_UNKNOWN;
        snprintf(text, sizeof(text), "%u%s", want->told->number, run->place->accept ? "!" : "");
        operational_cell(op, m, run, excepted == TRUTH_TRUE ? "x" : text);
        return excepted != TRUTH_TRUE;
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
                        way = operational_copy(op, &as_it_was);
                        if (!way)
                                return -ENOMEM;
                }
                *ret_taken = true;

                goes_on = advance(op, m, way, want, fact, hidden);
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

        for (size_t i = 0; i < run->place->n_nots + (run->place->absence ? 1 : 0); i++) {
                const struct element *not = i < run->place->n_nots ? run->place->nots[i] : run->place->absence;
                enum truth t = judge_step(op->facts, fact, not, &run->run.bindings);

                if (t == TRUTH_TRUE) {
                        operational_cell(op, m, run, "x");
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
        operational_cell(op, m, run, text);
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

                operational_fall_back(&base, i);
                /* A block that begins the path: that is a new run. One that begins another block restarts with it. */
                if (base.run.n_taken == 0 || (i > 0 && before->windows[i].n_taken == before->windows[i - 1].n_taken))
                        continue;
                base.run.uncertain = now->run.uncertain;
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
                        operational_cell(op, m, run, ".");
                        i++;
                        continue;
                }
                if (run->place->repeat || run->place->score) {
                        bool full;

                        taken = operational_count(op, m, run, fact, hidden, &full);
                        if (full && before.place == m->start && fact->begins[m->path->by] &&
                            streq(run->run.key, fact->begins[m->path->by]))
                                m->filled = true;
                        r = 0;
                } else
                        r = take_ways(op, m, run, run, NULL, fact, hidden, to, &taken, &ended);
                if (r >= 0 && !taken)
                        ended = stay(op, m, run, fact);
                if (r >= 0)
                        r = restart(op, m, &before, run, fact, hidden, to);
                if (r < 0)
                        return r;
                if (ended) {
                        operational_drop(m, i);
                        n_before--;
                } else
                        i++;
        }
        return 0;
}

/* Step 3.2, (d): returns true if an `until` ends the run. */
static bool until_ends(struct operational *op, struct matcher *m, struct open_run *run, const struct fact *fact) {
        enum truth t;

        if (run->place->accept || !fact_has_key(fact, m->path->by, run->run.key))
                return false;
        t = judge_until(op->facts, fact, m->path, &run->run.bindings);
        if (t == TRUTH_UNKNOWN) {
                run->run.uncertain = true;
                if (streq(run->cell, "."))
                        operational_cell(op, m, run, "?");
        } else if (t == TRUTH_TRUE)
                operational_cell(op, m, run, "x");
        return t == TRUTH_TRUE;
}

static void look_at_untils(struct operational *op, struct matcher *m, const struct fact *fact, struct run_list *made) {
        for (size_t i = 0; i < m->runs.n;)
                if (until_ends(op, m, m->runs.items[i], fact))
                        operational_drop(m, i);
                else
                        i++;
        for (size_t i = 0; i < made->n;)
                if (until_ends(op, m, made->items[i], fact)) {
                        free(made->items[i]);
                        array_remove_at(made, i);
                } else
                        i++;
}

/* Step 3.3. */
static int begin_runs(struct operational *op, struct matcher *m, const struct fact *fact, enum truth hidden,
                      struct run_list *to) {
        struct open_run nothing = {
                .run = { .key = fact->begins[m->path->by], .starts = 1 },
                .place = m->start,
                .is_new = true,
        };
        struct open_run *run;
        bool taken, ended, full;

        if (!nothing.run.key)
                return 0;
        if (!m->start->repeat && !m->start->score)
                return take_ways(op, m, NULL, &nothing, NULL, fact, hidden, to, &taken, &ended);

        /* One counter, or sum, for each key: none begins with an event that went into it. */
        ARRAY_FOREACH(other, &m->runs)
                if ((*other)->place == m->start && streq((*other)->run.key, nothing.run.key))
                        return 0;
        if (m->filled)
                return 0;
        nothing.serial = op->next_serial;
        if (!operational_count(op, m, &nothing, fact, hidden, &full))
                return 0;
        if (!full)
                operational_come(op, m, &nothing, fact->clock_ns);
        run = operational_copy(op, &nothing);
        return run ? array_push(to, run) : -ENOMEM;
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
                        r = run_complete(&(*run)->run, m->path,
                                         &(const struct completion){ fact->number, fact->clock_ns, fact }, true,
                                         op->to);
                        if (r < 0)
                                return r;
                }
        for (size_t i = 0; i < m->runs.n;)
                if (m->runs.items[i]->place->accept)
                        operational_drop(m, i);
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
                        operational_cell(op, m, *run, ".");
                return 0;
        }

        m->filled = false;
        r = move_runs(op, m, fact, hidden, &made);
        if (r >= 0)
                look_at_untils(op, m, fact, &made);
        if (r >= 0)
                r = begin_runs(op, m, fact, hidden, &made);
        ARRAY_FOREACH(run, &made)
                if (r >= 0)
                        r = array_push(&m->runs, *run);
        array_done(&made);
        if (r < 0)
                return r;

        operational_merge(op, m);
        r = operational_evict(op, m);
        if (r < 0)
                return r;
        r = complete(op, m, fact);
        ARRAY_FOREACH(run, &m->runs)
                (*run)->is_new = false;
        return r;
}

static void touch_by_gap(struct operational *op, const struct fact *fact) {
        ARRAY_FOREACH(m, &op->matchers)
                ARRAY_FOREACH(run, &(*m)->runs)
                        if (awaited_kinds(*m, *run) & fact->gap_kinds && !run_is_later(&(*run)->run, fact))
                                run_touch(&(*run)->run, fact, true);
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
                        if (!key_ended(fact, (*m)->runs.items[i]->run.key))
                                i++;
                        else if ((*m)->runs.items[i]->place->absence)
                                (*m)->runs.items[i++]->outlives = true;
                        else {
                                operational_cell(op, *m, (*m)->runs.items[i], "k");
                                operational_drop(*m, i);
                        }
                if (operational_track_keys(op, *m) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int operational_feed(struct operational *op, const struct fact *fact) {
        int r;

        op->fact = fact;
        op->next_came++;
        r = operational_fire(op, fact->clock_ns);
        if (r < 0)
                return r;
        op->next_came++;
        ARRAY_FOREACH(m, &op->matchers) {
                r = operational_track_keys(op, *m);
                if (r < 0)
                        return r;
        }
        if (fact->kind == WIRE_KIND_gap)
                touch_by_gap(op, fact);
        if (fact->kind == WIRE_KIND_gap || fact->kind == WIRE_KIND_tick) {
                ARRAY_FOREACH(m, &op->matchers)
                        ARRAY_FOREACH(run, &(*m)->runs)
                                operational_cell(op, *m, *run, ".");
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
                operational_drop(m, m->runs.n - 1);
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
                     bool (*same)(const struct path_node *before, const struct path_node *after, const void *data),
                     const void *data) {
        __typeof__(op->matchers) before = op->matchers;

        memset(&op->matchers, 0, sizeof(op->matchers));
        for (const struct path_node *path = paths; path; path = path->next) {
                struct matcher *m = NULL;

                for (size_t i = 0; i < before.n && !m; i++)
                        if (same(before.items[i]->path, path, data)) {
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
