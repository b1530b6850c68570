/* SPDX-License-Identifier: Apache-2.0 */
/* What counts: `repeat` and `score`. */
#include <stdio.h>

#include "operational-private.h"

/* The step that counts the event, the first one in the text. */
static const struct want *counting(struct operational *op, const struct open_run *run, const struct fact *fact,
                                   struct value *ret) {
        for (size_t i = 0; i < run->place->n_wants; i++)
                if (judge_counts(op->facts, fact, run->place->repeat, run->place->wants[i].told, &run->run.bindings,
                                 ret))
                        return &run->place->wants[i];
        return NULL;
}

static bool count(struct operational *op, struct matcher *m, struct open_run *run, const struct fact *fact,
                  enum truth hidden, bool *ret_full) {
        const struct element *repeat = run->place->repeat;
        const struct open_run before = *run;
        const struct want *want;
        const struct counter *counter;
        struct value value;
        char text[16];

        *ret_full = false;
        want = counting(op, run, fact, &value);
        if (!want)
                return false;
        run->run.uncertain |= hidden == TRUTH_UNKNOWN || (fact->no_result && !want->told->any_result);

        counter = counter_add(&op->arena, run->counter, repeat->has_distinct, &value,
                              counter_window(m->path, repeat, run->place == m->start), fact);
        if (counter->n < repeat->count) {
                run->counter = counter;
                operational_cell(op, m, run, "+");
                return true;
        }
        *ret_full = true;
        run->is_new = run->place == m->start;
        run_take_counter(&run->run, want->told, counter, fact);
        operational_go(op, run, &before, want->next, fact->clock_ns);
        operational_come(op, m, run, fact->clock_ns);
        snprintf(text, sizeof(text), "%u%s", want->told->number, run->place->accept ? "!" : "");
        operational_cell(op, m, run, text);
        return true;
}

static bool add_points(struct operational *op, struct matcher *m, struct open_run *run, const struct fact *fact,
                       enum truth hidden, bool *ret_full) {
        bool taken = false;

        *ret_full = false;
        for (size_t i = 0; i < run->place->n_wants; i++) {
                const struct element *step = run->place->wants[i].told;

                if (judge_step(op->facts, fact, step, &run->run.bindings) != TRUTH_TRUE)
                        continue;
                if (run->points == 0)
                        run->began_ns = fact->clock_ns;
                run->points += step->points;
                run_score(&run->run, step, fact);
                run->run.uncertain |= hidden == TRUTH_UNKNOWN || (fact->no_result && !step->any_result);
                taken = true;
        }
        if (!taken)
                return false;
        *ret_full = score_at(m->path, run->points, run->began_ns, fact->clock_ns) >= (int64_t)m->path->score;
        if (*ret_full)
                run->place = run->place->after;
        operational_cell(op, m, run, *ret_full ? "+!" : "+");
        return true;
}

bool operational_count(struct operational *op, struct matcher *m, struct open_run *run, const struct fact *fact,
                       enum truth hidden, bool *ret_full) {
        return run->place->score ? add_points(op, m, run, fact, hidden, ret_full)
                                 : count(op, m, run, fact, hidden, ret_full);
}
