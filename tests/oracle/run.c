/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <errno.h>

#include "base/cleanup.h"

size_t run_progress(const struct run *run) {
        size_t n = 0;

        for (size_t i = 0; i < run->n_taken; i++)
                n += !run->taken[i].loop;
        return n;
}

void run_take(struct run *run, const struct element *step, bool loop, const struct fact *fact) {
        assert(run->n_taken < RUN_MAX_TAKEN);
        run->taken[run->n_taken++] = (struct taken){
                .step = step,
                .loop = loop,
                .number = fact->number,
                .actor_exe = &fact->actor_exe,
                .first_ns = fact->clock_ns,
                .last_ns = fact->clock_ns,
                .count = 1,
        };
}

static const struct taken *last_step(const struct run *run) {
        for (size_t i = run->n_taken; i > 0; i--)
                if (!run->taken[i - 1].loop)
                        return &run->taken[i - 1];
        return NULL;
}

void run_take_clock(struct run *run, const struct element *absence, uint64_t time_ns) {
        const struct taken *before = last_step(run);

        assert(run->n_taken < RUN_MAX_TAKEN && before);
        run->taken[run->n_taken++] = (struct taken){
                .step = absence,
                .clock = true,
                .actor_exe = before->actor_exe,
                .first_ns = time_ns,
                .last_ns = time_ns,
                .count = 1,
        };
}

void run_take_counter(struct run *run, const struct element *step, const struct counter *counter,
                      const struct fact *fact) {
        run_take(run, step, false, fact);
        run->taken[run->n_taken - 1].first_ns = counter->items[0].time_ns;
        run->taken[run->n_taken - 1].count = counter->n;
}

const struct counter *counter_add(struct arena *arena, const struct counter *counter, bool distinct,
                                  const struct value *value, uint64_t window_ns, const struct fact *fact) {
        size_t n = counter ? counter->n : 0;
        struct counter *after = arena_alloc(arena, sizeof(*after) + (n + 1) * sizeof(*after->items));

        assert(after);
        after->n = 0;
        for (size_t i = 0; i < n; i++) {
                const struct counted *c = &counter->items[i];

                if ((window_ns == 0 || fact->clock_ns - c->time_ns <= window_ns) &&
                    !(distinct && value_same(&c->value, value)))
                        after->items[after->n++] = *c;
        }
        after->items[after->n++] = (struct counted){ fact->clock_ns, *value };
        return after;
}

uint64_t counter_window(const struct path_node *path, const struct element *repeat, bool is_first) {
        if (!is_first || path->within_ns == 0)
                return repeat->within_ns;
        return repeat->within_ns == 0 ? path->within_ns : MIN(repeat->within_ns, path->within_ns);
}

void run_score(struct run *run, const struct element *step, const struct fact *fact) {
        for (size_t i = 0; i < run->n_taken; i++)
                if (run->taken[i].step == step) {
                        run->taken[i].count++;
                        run->taken[i].last_ns = fact->clock_ns;
                        return;
                }
        run_take(run, step, false, fact);
}

uint64_t score_over_ns(const struct path_node *path, int64_t points, uint64_t begun_ns) {
        unsigned __int128 in = (unsigned __int128)points * path->decay_ns;

        in = (in + path->decay - 1) / path->decay;
        return in > UINT64_MAX - begun_ns ? UINT64_MAX : begun_ns + (uint64_t)in;
}

int64_t score_at(const struct path_node *path, int64_t points, uint64_t begun_ns, uint64_t now_ns) {
        return points - (int64_t)((unsigned __int128)(now_ns - begun_ns) * path->decay / path->decay_ns);
}

void run_count(struct run *run, const struct element *step, const struct fact *fact) {
        for (size_t i = run->n_taken; i > 0; i--)
                if (run->taken[i - 1].step == step) {
                        run->taken[i - 1].count++;
                        run->taken[i - 1].last_ns = fact->clock_ns;
                        return;
                }
        run_take(run, step, true, fact);
}

static const struct taken *next_step(const struct run *run, size_t *at) {
        while (*at < run->n_taken && run->taken[*at].loop)
                (*at)++;
        return *at < run->n_taken ? &run->taken[(*at)++] : NULL;
}

int run_precedence(const struct run *a, const struct run *b) {
        size_t i = 0, j = 0;

        for (;;) {
                const struct taken *x = next_step(a, &i), *y = next_step(b, &j);

                if (!x || !y)
                        return 0;
                if (x->number != y->number)
                        return x->number > y->number ? -1 : 1;
                if (x->step != y->step)
                        return x->step->number < y->step->number ? -1 : 1;
        }
}

int run_marks(const struct run *a, const struct run *b) {
        if (a->uncertain != b->uncertain)
                return a->uncertain ? 1 : -1;
        if (a->gap_count != b->gap_count)
                return a->gap_count < b->gap_count ? -1 : 1;
        return 0;
}

bool run_is_later(const struct run *run, const struct fact *gap) {
        for (size_t i = 0; i < run->n_taken; i++)
                if (!run->taken[i].loop)
                        return gap->gap_until_ns > 0 && run->taken[i].first_ns > gap->gap_until_ns;
        return false;
}

void run_touch(struct run *run, const struct fact *gap, bool counts) {
        run->gap = true;
        run->gap_kinds |= gap->gap_kinds;
        run->gap_reasons |= gap->gap_reasons;
        if (counts)
                run->gap_count += gap->gap_count;
}

void run_come(struct run *run, const struct facts *facts, size_t until_number, uint64_t kinds, uint64_t came_ns) {
        bool counts = !run->gap;

        for (size_t i = 0; i < facts->n_gaps && facts->gaps[i]->number < until_number; i++)
                if (facts->gaps[i]->gap_until_ns >= came_ns && facts->gaps[i]->gap_kinds & kinds)
                        run_touch(run, facts->gaps[i], counts);
}

/* Is there something that must not happen? */
static bool has_not(const struct element *e) {
        for (; e; e = e->next)
                if (e->type == ELEMENT_NOT || e->type == ELEMENT_ABSENCE || has_not(e->children) || has_not(e->then) ||
                    has_not(e->otherwise))
                        return true;
        return false;
}

int run_complete(const struct run *run, const struct path_node *path, const struct completion *when, bool counts_starts,
                 struct outcome_list *to) {
        _cleanup_(strbuf_done) struct strbuf captures = {}, exe = {};
        const struct value *actor_exe = when->fact ? &when->fact->actor_exe : last_step(run)->actor_exe;
        struct outcome o = {
                .path = arena_strndup(&to->arena, path->name.bytes, path->name.length),
                .record = when->record,
                .time_ns = when->time_ns,
                .clock = !when->fact,
                .key = arena_strdup(&to->arena, run->key),
                .n_steps = run->n_taken,
                .uncertain = run->uncertain,
                .starts = counts_starts ? run->starts : 0,
        };

        if (run->gap && path->on_loss == ON_LOSS_SKIP && (has_not(path->body) || path->untils))
                return 0;
        if (run->gap && path->on_loss != ON_LOSS_ALERT) {
                o.gap = true;
                o.gap_count = run->gap_count;
                o.gap_kinds = run->gap_kinds;
                o.gap_reasons = run->gap_reasons;
        }

        for (size_t i = 0; i < path->n_captures; i++) {
                if (run->bindings.values[i].state == VALUE_UNKNOWN)
                        continue;
                strbuf_printf(&captures, " %.*s=", (int)path->captures[i].length, path->captures[i].bytes);
                outcome_put_value(path->capture_fields[i], &run->bindings.values[i], &captures);
        }
        if (actor_exe->state != VALUE_UNKNOWN)
                outcome_put_value(FIELD_PROCESS_exe, actor_exe, &exe);
        if (actor_exe->state == VALUE_CUT)
                strbuf_put_char(&exe, '~');     /* that it is this one is not certain */
        o.captures = arena_strdup(&to->arena, strbuf_str(&captures));
        o.actor_exe = arena_strdup(&to->arena, strbuf_str(&exe));

        o.steps = arena_new_array(&to->arena, struct outcome_step, run->n_taken);
        if (!o.path || !o.key || !o.captures || !o.actor_exe || !o.steps)
                return -ENOMEM;
        for (size_t i = 0; i < run->n_taken; i++)
                o.steps[i] = (struct outcome_step){
                        .number = run->taken[i].step->number,
                        .record = run->taken[i].number,
                        .first_ns = run->taken[i].first_ns,
                        .last_ns = run->taken[i].last_ns,
                        .count = run->taken[i].count,
                };
        return array_push(&to->list, o);
}
