/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no event: deadlines and the merging of equal runs. */
#include "operational-private.h"

#include <stdio.h>

static uint64_t start_ns(const struct open_run *run) {
        for (size_t i = 0; i < run->run.n_taken; i++)
                if (!run->run.taken[i].loop)
                        return run->run.taken[i].first_ns;
        return 0;
}

/* ---- merging ---- */

static bool equal(const struct open_run *a, const struct open_run *b) {
        for (size_t i = 0; i < a->n_windows && a->place == b->place; i++)
                if (a->windows[i].entered_from != b->windows[i].entered_from)
                        return false;
        return streq(a->run.key, b->run.key) && a->place == b->place &&
               bindings_equal(&a->run.bindings, &b->run.bindings);
}

/* While an absence is waited for, who came first goes on, unless that one's windows end too early. */
static int absence_precedence(const struct matcher *m, const struct open_run *a, const struct open_run *b) {
        if (operational_proves(m, a) != operational_proves(m, b))
                return operational_proves(m, a) ? -1 : 1;
        if (a->came_ns != b->came_ns)
                return a->came_ns < b->came_ns ? -1 : 1;
        if (a->came_with != b->came_with)
                return a->came_with < b->came_with ? -1 : 1;
        return 0;
}

static bool survives(const struct matcher *m, const struct open_run *a, const struct open_run *b) {
        int order = a->place->absence ? absence_precedence(m, a, b) : 0;

        if (order == 0)
                order = run_precedence(&a->run, &b->run);

        for (size_t i = 0; order == 0 && i < a->n_windows && i < b->n_windows; i++)
                if (a->windows[i].start_ns != b->windows[i].start_ns)
                        order = a->windows[i].start_ns > b->windows[i].start_ns ? -1 : 1;
        if (order == 0)
                order = run_marks(&a->run, &b->run);
        return order == 0 ? a->serial < b->serial : order < 0;
}

/* The counter belongs to the key and its captures: it goes on, and with it the marks of what it holds. */
static void inherit_counter(struct open_run *winner, const struct open_run *loser) {
        if (!winner->place->repeat || loser->came >= winner->came)
                return;
        winner->counter = loser->counter;
        winner->came = loser->came;
        winner->run.uncertain |= loser->run.uncertain;
        winner->run.gap |= loser->run.gap;
        winner->run.gap_kinds |= loser->run.gap_kinds;
        winner->run.gap_reasons |= loser->run.gap_reasons;
        winner->run.gap_count = MAX(winner->run.gap_count, loser->run.gap_count);
}

void operational_merge(struct operational *op, struct matcher *m) {
        for (size_t i = 0; i < m->runs.n; i++)
                for (size_t j = i + 1; j < m->runs.n;) {
                        struct open_run *a = m->runs.items[i], *b = m->runs.items[j], *winner, *loser;

                        if (!equal(a, b)) {
                                j++;
                                continue;
                        }
                        winner = survives(m, a, b) ? a : b;
                        loser = winner == a ? b : a;
                        winner->run.starts =
                                MAX(winner->run.starts, loser->run.starts + (winner->is_new && !loser->is_new));
                        inherit_counter(winner, loser);
                        operational_cell(op, m, loser, "m");
                        if (winner == b)
                                m->runs.items[i] = b;
                        m->runs.items[j] = loser;
                        operational_drop(m, j);
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

void operational_fall_back(struct open_run *run, size_t i) {
        const struct window window = run->windows[i];
        size_t kept = 0;

        run->place = window.entered_from;
        run->run.n_taken = window.n_taken;
        run->run.bindings = window.bindings;
        for (size_t j = 0; j < i; j++)
                if (is_inside(run->place, run->windows[j].block))
                        run->windows[kept++] = run->windows[j];
        run->n_windows = kept;
        run->counter = NULL;
}

enum due { DUE_PATH, DUE_WINDOW, DUE_ABSENCE };

struct deadline {
        uint64_t ns;
        enum due due;
        size_t window;
};

static struct deadline windows_deadline(const struct matcher *m, const struct open_run *run) {
        struct deadline d = { .ns = m->path->within_ns > 0 ? start_ns(run) + m->path->within_ns : UINT64_MAX };

        for (size_t i = 0; i < run->n_windows; i++)
                if (run->windows[i].start_ns + run->windows[i].block->within_ns < d.ns)
                        d = (struct deadline){
                                run->windows[i].start_ns + run->windows[i].block->within_ns,
                                DUE_WINDOW,
                                i,
                        };
        return d;
}

bool operational_proves(const struct matcher *m, const struct open_run *run) {
        return windows_deadline(m, run).ns >= run->came_ns + run->place->absence->within_ns;
}

/* The earliest deadline of a run; that of an absence before others at the same time. */
static struct deadline deadline(const struct matcher *m, const struct open_run *run) {
        struct deadline d = {};

        if (run->place->score) {
                d.ns = score_over_ns(m->path, run->points, run->began_ns) - 1;  /* at that time it is over */
                return d;
        }
        if (run->place->repeat && run->place == m->start) {
                uint64_t window_ns = counter_window(m->path, run->place->repeat, true);

                d.ns = window_ns > 0 ? run->counter->items[run->counter->n - 1].time_ns + window_ns : UINT64_MAX;
                return d;
        }
        d = windows_deadline(m, run);
        if (run->place->absence && run->came_ns + run->place->absence->within_ns <= d.ns)
                d = (struct deadline){ run->came_ns + run->place->absence->within_ns, DUE_ABSENCE, 0 };
        return d;
}

/* What was not to happen did not. */
static int fire_absence(struct operational *op, struct matcher *m, size_t i, uint64_t now_ns) {
        struct open_run *run = m->runs.items[i];
        const struct element *absence = run->place->absence;
        const struct open_run before = *run;
        char text[16];
        int r = 0;

        run_take_clock(&run->run, absence, now_ns);
        operational_go(op, run, &before, run->place->after, now_ns);
        operational_come(op, m, run, now_ns);
        if (run->place->accept)
                r = run_complete(&run->run, m->path,
                                 &(const struct completion){.record = op->fact->number, .time_ns = now_ns}, true,
                                 op->to);
        else if (run->outlives && !run->place->absence) {
                operational_cell(op, m, run, "k");
                operational_drop(m, i);
                return 0;
        }
        snprintf(text, sizeof(text), "%u^%s", absence->number, run->place->accept ? "!" : "");
        operational_cell(op, m, run, text);
        if (run->place->accept)
                operational_drop(m, i);
        else
                operational_merge(op, m);
        return r;
}

int operational_fire(struct operational *op, uint64_t now_ns) {
        for (;;) {
                struct matcher *due_matcher = NULL;
                struct deadline due_deadline = {};
                struct open_run *run;
                size_t due = 0;
                int r = 0;

                ARRAY_FOREACH(m, &op->matchers)
                        for (size_t i = 0; i < (*m)->runs.n; i++) {
                                struct deadline d = deadline(*m, (*m)->runs.items[i]);

                                if (d.ns >= now_ns)
                                        continue;
                                if (!due_matcher || d.ns < due_deadline.ns ||
                                    (d.ns == due_deadline.ns &&
                                     (*m)->runs.items[i]->serial < due_matcher->runs.items[due]->serial)) {
                                        due_deadline = d;
                                        due_matcher = *m;
                                        due = i;
                                }
                        }
                if (!due_matcher)
                        return 0;

                run = due_matcher->runs.items[due];
                if (due_deadline.due == DUE_ABSENCE) {
                        r = fire_absence(op, due_matcher, due, due_deadline.ns);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (due_deadline.due == DUE_WINDOW)
                        operational_fall_back(run, due_deadline.window);
                if (due_deadline.due == DUE_WINDOW && run->run.n_taken > 0)
                        operational_come(op, due_matcher, run, due_deadline.ns);
                if (due_deadline.due == DUE_PATH || run->run.n_taken == 0 || run->outlives) {
                        operational_cell(op, due_matcher, run, run->outlives ? "k" : "e");
                        operational_drop(due_matcher, due);
                } else {
                        operational_cell(op, due_matcher, run, "<");
                        operational_merge(op, due_matcher);
                }
        }
}
