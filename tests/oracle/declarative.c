/* SPDX-License-Identifier: Apache-2.0 */
#include "declarative.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "declarative-private.h"

/* ---- time ---- */

static uint64_t began_ns(const struct lineage *l) {
        for (size_t i = 0; i < l->run.n_taken; i++)
                if (!l->run.taken[i].loop)
                        return l->run.taken[i].first_ns;
        return 0;
}

/* As it was before it entered its i-th block, but with the marks that it has. */
static void forget_block(struct lineage *l, size_t i) {
        struct lineage before = *l->inside[i].entered;

        before.run.uncertain = l->run.uncertain;
        before.run.gap = l->run.gap;
        before.run.gap_count = l->run.gap_count;
        before.run.gap_kinds = l->run.gap_kinds;
        before.run.gap_reasons = l->run.gap_reasons;
        before.outlives = l->outlives;
        before.over = false;
        *l = before;
}

/* When the path's window or that of a block it is inside closes; of a block, *ret_window says which. */
static uint64_t closes_ns(const struct search *s, const struct lineage *l, size_t *ret_window) {
        uint64_t first = s->path->within_ns > 0 ? began_ns(l) + s->path->within_ns : UINT64_MAX;

        *ret_window = SIZE_MAX;
        for (size_t i = 0; i < l->n_inside; i++)
                if (l->inside[i].start_ns + l->inside[i].block->within_ns < first) {
                        first = l->inside[i].start_ns + l->inside[i].block->within_ns;
                        *ret_window = i;
                }
        return first;
}

/* What the clock does to a lineage next, and when. */
enum next { NEXT_OVER, NEXT_FORGET, NEXT_PROOF };

static uint64_t next_ns(const struct search *s, const struct lineage *l, enum next *ret, size_t *ret_window) {
        uint64_t closes, window_ns;
        struct stand stand;

        *ret = NEXT_OVER;
        if (s->path->score > 0)
                return score_over_ns(s->path, l->points, l->began_ns) - 1;
        stand_of(l, &stand);
        if (stand.front->type == ELEMENT_REPEAT && l->run.n_taken == 0) {
                window_ns = counter_window(s->path, stand.front, true);
                return window_ns > 0 ? l->counter->items[l->counter->n - 1].time_ns + window_ns : UINT64_MAX;
        }
        closes = closes_ns(s, l, ret_window);
        if (stand.front->type == ELEMENT_ABSENCE && l->came_ns + stand.front->within_ns <= closes) {
                *ret = NEXT_PROOF;
                return l->came_ns + stand.front->within_ns;
        }
        *ret = *ret_window != SIZE_MAX ? NEXT_FORGET : NEXT_OVER;
        return closes;
}

static bool proves(const struct search *s, const struct lineage *l, const struct element *absence) {
        size_t window;

        return closes_ns(s, l, &window) >= l->came_ns + absence->within_ns;
}

/* Which of two that are equal stays? < 0: a. */
static int who_stays(const struct search *s, const struct lineage *a, const struct lineage *b,
                     const struct element *absence) {
        int order;

        if (absence && proves(s, a, absence) != proves(s, b, absence))
                return proves(s, a, absence) ? -1 : 1;
        if (absence && a->came_ns != b->came_ns)
                return a->came_ns < b->came_ns ? -1 : 1;
        if (absence && a->came_with != b->came_with)
                return a->came_with < b->came_with ? -1 : 1;
        order = run_precedence(&a->run, &b->run);
        for (size_t i = 0; order == 0 && i < a->n_inside; i++)
                if (a->inside[i].start_ns != b->inside[i].start_ns)
                        order = a->inside[i].start_ns > b->inside[i].start_ns ? -1 : 1;
        return order != 0 ? order : run_marks(&a->run, &b->run);
}

/* A counter goes on, and with it the marks of what it holds. */
static void inherit(struct lineage *l, const struct lineage *first) {
        l->counter = first->counter;
        l->came = first->came;
        l->run.uncertain |= first->run.uncertain;
        l->run.gap |= first->run.gap;
        l->run.gap_kinds |= first->run.gap_kinds;
        l->run.gap_reasons |= first->run.gap_reasons;
        l->run.gap_count = MAX(l->run.gap_count, first->run.gap_count);
}

/* Three things do not belong to a lineage alone: the wait on an absence, where repeating the step before must not
 * postpone the end; what `repeat` counts; and the window of a block, which is that of the last of equal beginnings, so
 * that nobody falls back who has begun it again. Who comes there meets those who are there. */
static void settle(struct search *s, struct lineage *l) {
        const struct lineage *first = NULL;
        const struct element *absence;
        struct stand stand;
        bool counts;

        stand_of(l, &stand);
        absence = stand.front->type == ELEMENT_ABSENCE ? stand.front : NULL;
        counts = stand.front->type == ELEMENT_REPEAT;
        if (!absence && !counts && l->n_inside == 0)
                return;
        ARRAY_FOREACH(o, &s->open) {
                struct lineage *other = *o;
                bool stays;

                if (other == l || other->over || l->over || !lineage_equal(l, other))
                        continue;
                if (absence || l->n_inside > 0) {
                        stays = who_stays(s, l, other, absence) < 0;
                        if (counts && stays && other->came < l->came)
                                inherit(l, other);
                        if (counts && !stays && l->came < other->came)
                                inherit(other, l);
                        *(stays ? &other->over : &l->over) = true;
                } else if (other->came < l->came && (!first || run_precedence(&other->run, &first->run) < 0))
                        first = other;
        }
        if (first)
                inherit(l, first);
}

static void finish(struct search *s, struct lineage *l, const struct completion *when) {
        int r = array_push(&s->complete, ((struct ended){l, *when}));

        assert(r >= 0);
        l->over = true;
}

static void prove(struct search *s, struct lineage *l, uint64_t now_ns, size_t record) {
        struct lineage *before = arena_memdup(&s->arena, l, sizeof(*l));
        struct stand stand;
        struct wait w;

        assert(before);
        stand_of(l, &stand);
        wait_look(&w, s, before, &s->facts->items[record - 1], TRUTH_FALSE, NULL);
        run_take_clock(&l->run, stand.front, now_ns);
        lineage_go(s, l, before, w.behind, now_ns);
        lineage_come(s, l, record, now_ns);
        if (!rest_passed(l->rest)) {
                finish(s, l, &(const struct completion){ .record = record, .time_ns = now_ns });
                return;
        }
        stand_of(l, &stand);
        if (l->outlives && stand.front->type != ELEMENT_ABSENCE)
                l->over = true;
        else
                settle(s, l);
}

/* Everything that is due before `now_ns`, the earliest first. */
static void pass_time(struct search *s, uint64_t now_ns, size_t record) {
        for (;;) {
                uint64_t first_ns = now_ns;
                size_t window, first_window = 0;
                struct lineage *first = NULL;
                enum next next, what = NEXT_OVER;

                ARRAY_FOREACH(l, &s->open) {
                        uint64_t ns = (*l)->over ? UINT64_MAX : next_ns(s, *l, &next, &window);

                        if (ns < first_ns) {
                                first_ns = ns;
                                first = *l;
                                first_window = window;
                                what = next;
                        }
                }
                if (!first)
                        return;
                switch (what) {
                case NEXT_PROOF:
                        prove(s, first, first_ns, record);
                        break;
                case NEXT_FORGET:
                        forget_block(first, first_window);
                        first->over = first->run.n_taken == 0 || first->outlives;
                        if (!first->over) {
                                lineage_come(s, first, record, first_ns);
                                settle(s, first);
                        }
                        break;
                case NEXT_OVER:
                        first->over = true;
                        break;
                }
        }
}

/* ---- one event ---- */

static bool has(const char *const *keys, size_t n, const char *key) {
        for (size_t i = 0; i < n; i++)
                if (streq(keys[i], key))
                        return true;
        return false;
}

/* All that matters about a lineage, to look through the same one only once. */
static bool seen_before(struct search *s, const struct lineage *l, size_t at) {
        _cleanup_(strbuf_done) struct strbuf b = {};
        char *key;

        strbuf_printf(&b, "%zu %d %d %llu %llx %x %p %u", at, l->run.uncertain, l->run.gap,
                      (unsigned long long)l->run.gap_count, (unsigned long long)l->run.gap_kinds, l->run.gap_reasons,
                      (const void *)l->loop, l->done);
        for (const struct rest *r = l->rest; r; r = r->up)
                strbuf_printf(&b, " %p", (const void *)r->at);
        for (size_t i = 0; i < l->run.n_taken; i++)
                strbuf_printf(&b, " %zu:%p:%llu", l->run.taken[i].number, (const void *)l->run.taken[i].step,
                              (unsigned long long)l->run.taken[i].count);
        for (size_t i = 0; i < l->n_inside; i++)
                strbuf_printf(&b, " %p@%llu", (const void *)l->inside[i].block,
                              (unsigned long long)l->inside[i].start_ns);
        for (size_t i = 0; i < PROGRAM_MAX_SLOTS; i++)
                if (l->run.bindings.values[i].state != VALUE_UNKNOWN) {
                        strbuf_put(&b, " $");
                        outcome_put_value(FIELD_NONE, &l->run.bindings.values[i], &b);
                }
        strbuf_printf(&b, " %s", l->run.key);

        key = arena_strdup(&s->arena, strbuf_str(&b));
        assert(key);
        return hashmap_put_str(&s->seen, key, key) == -EEXIST;
}

/* The step of a `repeat` that counts the event: the first one in the text. */
static const struct element *counting(const struct search *s, const struct lineage *l, const struct element *repeat,
                                      const struct element *body, const struct fact *fact, struct value *ret) {
        const struct element *found = NULL;

        for (const struct element *e = body; e && !found; e = e->next)
                if (e->type != ELEMENT_STEP)
                        found = counting(s, l, repeat, e->children, fact, ret);
                else if (judge_counts(s->facts, fact, repeat, e, &l->run.bindings, ret))
                        found = e;
        return found;
}

static void mark(struct lineage *l, const struct element *step, const struct fact *fact, enum truth hidden) {
        l->run.uncertain |= hidden == TRUTH_UNKNOWN || (fact->no_result && !step->any_result);
}

/* The lineage stands in front of a `repeat`. Full: a way of its own is in w->ways. */
static bool count(struct wait *w, struct lineage *l) {
        struct search *s = w->search;
        const struct counter *counter;
        const struct element *step;
        struct lineage *way;
        struct value value;
        int r;

        step = counting(s, l, w->repeat, w->repeat->children, w->fact, &value);
        if (!step)
                return false;
        counter = counter_add(&s->arena, l->counter, w->repeat->has_distinct, &value,
                              counter_window(s->path, w->repeat, l->run.n_taken == 0), w->fact);
        if (counter->n < w->repeat->count) {
                mark(l, step, w->fact, w->hidden);
                l->counter = counter;
                return true;
        }
        way = arena_memdup(&s->arena, l, sizeof(*l));
        assert(way);
        mark(way, step, w->fact, w->hidden);
        run_take_counter(&way->run, step, counter, w->fact);
        lineage_go(s, way, l, w->behind, w->fact->clock_ns);
        lineage_come(s, way, w->fact->number, w->fact->clock_ns);
        w->taken = true;
        w->uncertain = way->run.uncertain;
        r = array_push(&w->ways, way);
        assert(r >= 0);
        return true;
}

/* A sum; full: it is in w->ways. */
static bool add(struct wait *w, struct lineage *l) {
        struct search *s = w->search;
        bool taken = false;

        for (const struct element *step = s->path->body; step; step = step->next) {
                if (judge_step(s->facts, w->fact, step, &l->run.bindings) != TRUTH_TRUE)
                        continue;
                if (l->points == 0)
                        l->began_ns = w->fact->clock_ns;
                l->points += step->points;
                run_score(&l->run, step, w->fact);
                mark(l, step, w->fact, w->hidden);
                taken = true;
        }
        if (taken && score_at(s->path, l->points, l->began_ns, w->fact->clock_ns) >= (int64_t)s->path->score) {
                struct lineage *way = arena_memdup(&s->arena, l, sizeof(*l));
                int r;

                assert(way);
                way->rest = NULL;
                w->taken = true;
                r = array_push(&w->ways, way);
                assert(r >= 0);
        }
        return taken;
}

/* One event that is of its key and not hidden. What becomes of it otherwise than staying is in `ways`. */
static void meet(struct search *s, struct lineage *l, const struct fact *fact, enum truth hidden,
                 struct lineages *ways) {
        struct lineage before = *l;
        bool counted = false, uncertain;
        struct wait w;

        if (s->path->score > 0) {
                w = (struct wait){ .search = s, .from = l, .fact = fact, .hidden = hidden };
                counted = add(&w, l);
        } else {
                wait_look(&w, s, l, fact, hidden, NULL);
                if (w.repeat)
                        counted = count(&w, l);
        }
        if (w.taken && (s->path->score > 0 || (w.repeat && before.run.n_taken == 0)))
                s->filled |= fact->begins[s->path->by] && streq(l->run.key, fact->begins[s->path->by]);

        for (size_t i = 0; i < w.n_nots && !w.taken && !counted; i++) {
                enum truth t = judge_step(s->facts, fact, w.nots[i], &l->run.bindings);

                l->over |= t == TRUTH_TRUE;
                l->run.uncertain |= t == TRUTH_UNKNOWN;
                if (l->over)
                        break;
        }
        for (size_t i = 0; i < w.n_loops && !w.taken && !counted && !l->over; i++)
                if (judge_repeats(s->facts, fact, w.loops[i], &l->run.bindings) == TRUTH_TRUE) {
                        run_count(&l->run, w.loops[i], fact);
                        break;
                }
        uncertain = w.taken ? w.uncertain : l->run.uncertain;

        for (size_t i = 0; i < before.n_inside; i++) {
                struct lineage *again = arena_memdup(&s->arena, &before, sizeof(before));
                struct wait restart;

                assert(again);
                again->run.uncertain = uncertain;
                forget_block(again, i);
                if (again->run.n_taken == 0)
                        continue;
                wait_look(&restart, s, again, fact, hidden, before.inside[i].block);
                ARRAY_FOREACH(way, &restart.ways)
                        if (array_push(ways, *way) < 0)
                                abort();
                array_done(&restart.ways);
        }
        ARRAY_FOREACH(way, &w.ways)
                if (array_push(ways, *way) < 0)
                        abort();
        array_done(&w.ways);
        l->over |= w.taken;
}

static void obey_until(const struct search *s, struct lineage *l, const struct fact *fact) {
        enum truth t = rest_passed(l->rest) ? judge_until(s->facts, fact, s->path, &l->run.bindings) : TRUTH_FALSE;

        l->over |= t == TRUTH_TRUE;
        l->run.uncertain |= t == TRUTH_UNKNOWN;
}

static void begin(struct search *s, const struct fact *fact, enum truth hidden, struct lineages *ways) {
        struct lineage *nothing;
        struct stand stand;
        struct wait w;
        bool counted;

        if (!fact->begins[s->path->by])
                return;
        nothing = arena_new(&s->arena, struct lineage);
        assert(nothing);
        nothing->run.key = fact->begins[s->path->by];
        nothing->rest = rest_new(s, s->path->body, NULL, NULL);
        stand_of(nothing, &stand);
        if (s->path->score == 0 && stand.front->type != ELEMENT_REPEAT) {
                wait_look(&w, s, nothing, fact, hidden, NULL);
                ARRAY_FOREACH(way, &w.ways)
                        if (array_push(ways, *way) < 0)
                                abort();
                array_done(&w.ways);
                return;
        }

        /* One counter, or sum, for each key. */
        if (s->filled)
                return;
        ARRAY_FOREACH(other, &s->open)
                if (!(*other)->over && streq((*other)->run.key, nothing->run.key) &&
                    (s->path->score > 0 || (*other)->run.n_taken == 0))
                        return;
        if (s->path->score > 0) {
                w = (struct wait){ .search = s, .from = nothing, .fact = fact, .hidden = hidden };
                counted = add(&w, nothing);
        } else {
                wait_look(&w, s, nothing, fact, hidden, NULL);
                counted = count(&w, nothing);
        }
        if (counted && !w.taken)
                lineage_come(s, nothing, fact->number, fact->clock_ns);
        if (counted && array_push(ways, w.taken ? w.ways.items[0] : nothing) < 0)
                abort();
        array_done(&w.ways);
}

/* Step 3 for one path. */
static void look_at_event(struct search *s, const struct fact *fact) {
        enum truth hidden = judge_hidden(s->facts, fact, s->path);
        enum program_key by = s->path->by;
        struct lineages ways = {};
        size_t n_before = s->open.n;

        if (fact->n_keys[by] == 0 || hidden == TRUTH_TRUE)
                return;
        s->filled = false;
        for (size_t i = 0; i < n_before; i++) {
                struct lineage *l = s->open.items[i];

                if (!has(fact->keys[by], fact->n_keys[by], l->run.key))
                        continue;
                meet(s, l, fact, hidden, &ways);
                if (!l->over)
                        obey_until(s, l, fact);
        }
        ARRAY_FOREACH(way, &ways)
                obey_until(s, *way, fact);
        begin(s, fact, hidden, &ways);

        ARRAY_FOREACH(way, &ways) {
                struct lineage *l = *way;

                if (l->over)
                        continue;
                if (!rest_passed(l->rest))
                        finish(s, l, &(const struct completion){ fact->number, fact->clock_ns, fact });
                else if (!seen_before(s, l, fact->number) && array_push(&s->open, l) < 0)
                        abort();
        }
        array_done(&ways);
        for (size_t i = n_before; i < s->open.n; i++)
                if (s->path->score == 0)
                        settle(s, s->open.items[i]);
}

static void end_keys(struct search *s, const struct fact *fact) {
        ARRAY_FOREACH(l, &s->open)
                if (!(*l)->over && has(fact->ended, fact->n_ended, (*l)->run.key)) {
                        struct stand stand;

                        stand_of(*l, &stand);
                        if (stand.front->type == ELEMENT_ABSENCE)
                                (*l)->outlives = true;
                        else
                                (*l)->over = true;
                }
}

static void look_at_record(struct search *s, const struct fact *fact) {
        s->comings++;
        pass_time(s, fact->clock_ns, fact->number);
        s->comings++;
        if (fact->kind == WIRE_KIND_gap) {
                ARRAY_FOREACH(l, &s->open)
                        if (!(*l)->over && lineage_kinds(s, *l, fact) & fact->gap_kinds &&
                            !run_is_later(&(*l)->run, fact))
                                run_touch(&(*l)->run, fact, true);
        } else if (fact->kind != WIRE_KIND_tick) {
                for (size_t i = s->open.n; i > 0; i--)
                        if (s->open.items[i - 1]->over)
                                array_remove_at(&s->open, i - 1);
                look_at_event(s, fact);
                end_keys(s, fact);
        }
}

/* Is there a completion by the same event that is told instead of the i-th? */
static bool is_outdone(const struct search *s, size_t i) {
        const struct run *run = &s->complete.items[i].lineage->run;
        const struct fact *fact = s->complete.items[i].when.fact;

        for (size_t j = 0; j < s->complete.n && fact; j++) {
                const struct run *other = &s->complete.items[j].lineage->run;
                int order;

                if (j == i || s->complete.items[j].when.fact != fact ||
                    !bindings_equal(&other->bindings, &run->bindings))
                        continue;
                if (!streq(other->key, run->key)) {
                        /* Of a descent the outermost: its key comes later. */
                        bool mine_passed = false;

                        if (s->path->by != KEY_DESCENT)
                                continue;
                        for (size_t k = 0; k < fact->n_keys[KEY_DESCENT]; k++) {
                                if (mine_passed && streq(fact->keys[KEY_DESCENT][k], other->key))
                                        return true;
                                mine_passed = mine_passed || streq(fact->keys[KEY_DESCENT][k], run->key);
                        }
                        continue;
                }
                order = run_precedence(other, run);
                if (order == 0)
                        order = run_marks(other, run);
                if (order < 0 || (order == 0 && j < i))
                        return true;
        }
        return false;
}

static int match_path(const struct facts *facts, const struct path_node *path, struct outcome_list *to) {
        struct search s = { .facts = facts, .path = path };
        int r = 0;

        arena_init(&s.arena, 0);
        hashmap_init(&s.seen);
        for (size_t i = 0; i < facts->n; i++)
                look_at_record(&s, &facts->items[i]);
        for (size_t i = 0; i < s.complete.n && r >= 0; i++)
                if (!is_outdone(&s, i))
                        r = run_complete(&s.complete.items[i].lineage->run, path, &s.complete.items[i].when, false, to);

        array_done(&s.open);
        array_done(&s.complete);
        hashmap_done(&s.seen);
        arena_done(&s.arena);
        return r;
}

/* Of one record: those of the clock first, by time. */
static bool is_later(const struct outcome *a, const struct outcome *b) {
        if (a->record != b->record)
                return a->record > b->record;
        return a->clock != b->clock ? b->clock : a->time_ns > b->time_ns;
}

int declarative_match(const struct facts *facts, const struct path_node *paths, struct outcome_list *to) {
        int r = 0;

        for (const struct path_node *path = paths; path && r >= 0; path = path->next)
                r = match_path(facts, path, to);

        /* Path by path so far; the stream's order is wanted. */
        for (size_t i = 1; i < to->list.n; i++)
                for (size_t j = i; j > 0 && is_later(&to->list.items[j - 1], &to->list.items[j]); j--) {
                        struct outcome swap = to->list.items[j];

                        to->list.items[j] = to->list.items[j - 1];
                        to->list.items[j - 1] = swap;
                }
        return r;
}
