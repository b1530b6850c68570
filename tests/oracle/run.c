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
                .first_ns = fact->clock_ns,
                .last_ns = fact->clock_ns,
                .count = 1,
        };
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

static bool has_not(const struct element *e) {
        for (; e; e = e->next)
                if (e->type == ELEMENT_NOT || has_not(e->children) || has_not(e->then) || has_not(e->otherwise))
                        return true;
        return false;
}

int run_complete(const struct run *run, const struct path_node *path, const struct fact *fact, bool counts_starts,
                 struct outcome_list *to) {
        _cleanup_(strbuf_done) struct strbuf captures = {}, exe = {};
        struct outcome o = {
                .path = arena_strndup(&to->arena, path->name.bytes, path->name.length),
                .record = fact->number,
                .time_ns = fact->clock_ns,
                .key = arena_strdup(&to->arena, run->key),
                .n_steps = run->n_taken,
                .uncertain = run->uncertain,
                .starts = counts_starts ? run->starts : 0,
        };

        if (run->gap && path->on_loss == ON_LOSS_SKIP && has_not(path->body))
                return 0;
        if (run->gap && path->on_loss != ON_LOSS_ALERT) {
                o.gap = true;
                o.gap_count = run->gap_count;
                o.gap_kinds = run->gap_kinds;
        }

        for (size_t i = 0; i < path->n_captures; i++) {
                if (run->bindings.values[i].state == VALUE_UNKNOWN)
                        continue;
                strbuf_printf(&captures, " %.*s=", (int)path->captures[i].length, path->captures[i].bytes);
                outcome_put_value(path->capture_fields[i], &run->bindings.values[i], &captures);
        }
        if (fact->actor_exe.state != VALUE_UNKNOWN)
                outcome_put_value(FIELD_PROCESS_exe, &fact->actor_exe, &exe);
        if (fact->actor_exe.state == VALUE_CUT)
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
