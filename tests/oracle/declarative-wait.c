/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "declarative-private.h"

const struct rest *rest_new(struct search *s, const struct element *at, const struct element *window,
                                   const struct rest *up) {
        struct rest *rest = arena_new(&s->arena, struct rest);

        assert(rest);
        *rest = (struct rest){ at, window, up };
        return rest;
}

static bool needs_a_step(const struct element *e) {
        for (; e; e = e->next)
                if (e->type == ELEMENT_ANY || e->type == ELEMENT_BLOCK || e->type == ELEMENT_CONDITIONAL ||
                    e->type == ELEMENT_ALL || e->type == ELEMENT_REPEAT || e->type == ELEMENT_ABSENCE ||
                    (e->type == ELEMENT_STEP && e->repetition != REPEAT_STAR))
                        return true;
        return false;
}

const struct rest *rest_passed(const struct rest *rest) {
        while (rest && !needs_a_step(rest->at))
                rest = rest->up;
        return rest;
}

static bool contains(const struct element *tree, const struct element *step) {
        for (const struct element *e = tree; e; e = e->next)
                if (e == step || contains(e->children, step) || contains(e->then, step) || contains(e->otherwise, step))
                        return true;
        return false;
}

static void stand_before(struct stand *stand, const struct rest *rest) {
        for (; rest; rest = rest->up)
                for (const struct element *e = rest->at; e; e = e->next) {
                        if (e->type == ELEMENT_NOT)
                                stand->nots[stand->n_nots++] = e;
                        else if (e->type == ELEMENT_STEP && e->repetition == REPEAT_STAR)
                                stand->loops[stand->n_loops++] = e;
                        else if (e->type == ELEMENT_BLOCK && e->within_ns == 0) {
                                stand_before(stand, &(const struct rest){
                                        e->children,
                                        NULL,
                                        &(const struct rest){ e->next, rest->window, rest->up },
                                });
                                return;
                        } else if (e->type != ELEMENT_ELLIPSIS) {
                                stand->front = e;
                                return;
                        }
                }
}

void stand_of(const struct lineage *l, struct stand *ret) {
        *ret = (struct stand){ .done = l->done };
        if (l->loop)
                ret->loops[ret->n_loops++] = l->loop;
        for (size_t i = 0; i < l->n_inside; i++)
                ret->windows[ret->n_windows++] = l->inside[i].block;
        stand_before(ret, l->rest);
}

static bool stand_equal(const struct lineage *a, const struct lineage *b) {
        struct stand x, y;

        stand_of(a, &x);
        stand_of(b, &y);
        return x.front == y.front && x.done == y.done && x.n_nots == y.n_nots && x.n_loops == y.n_loops &&
                x.n_windows == y.n_windows && memcmp(x.nots, y.nots, sizeof(*x.nots) * x.n_nots) == 0 &&
                memcmp(x.loops, y.loops, sizeof(*x.loops) * x.n_loops) == 0 &&
                memcmp(x.windows, y.windows, sizeof(*x.windows) * x.n_windows) == 0;
}

bool lineage_equal(const struct lineage *a, const struct lineage *b) {
        if (!streq(a->run.key, b->run.key) || !bindings_equal(&a->run.bindings, &b->run.bindings) || !stand_equal(a, b))
                return false;
        for (size_t i = 0; i < a->n_inside; i++)
                if (!stand_equal(a->inside[i].entered, b->inside[i].entered))
                        return false;
        return true;
}

void lineage_go(struct search *s, struct lineage *l, const struct lineage *before, const struct rest *rest,
               uint64_t now_ns) {
        const struct taken *last = &l->run.taken[l->run.n_taken - 1];
        struct inside inside[PROGRAM_MAX_WINDOWS + 5];
        size_t n = 0;

        l->rest = rest;
        l->loop = NULL;
        l->done = 0;
        l->counter = NULL;
        l->came_ns = now_ns;
        l->came = s->comings;
        if (!last->clock)
                l->came_with = last->number;

        /* Which windows is it inside? Those of the rest, counted from within. */
        for (const struct rest *r = rest_passed(rest); r; r = r->up) {
                if (!r->window)
                        continue;
                inside[n] = (struct inside){ r->window, now_ns, before };
                for (size_t i = 0; i < before->n_inside; i++)
                        if (before->inside[i].block == r->window)
                                inside[n] = before->inside[i];
                n++;
        }
        l->n_inside = n;
        for (size_t i = 0; i < n; i++)
                l->inside[i] = inside[n - 1 - i];
}

/* The lineage takes the event as `told`, and `rest` is still to come; of an `all`, with these members done. */
static void take(struct wait *w, const struct element *told, const struct element *binds, const struct rest *rest,
                 const struct element *loop, unsigned done) {
        struct search *s = w->search;
        struct lineage *way;
        enum truth excepted;

        if (w->only && !contains(w->only->children, told))
                return;
        way = arena_memdup(&s->arena, w->from, sizeof(*way));
        assert(way);
        run_take(&way->run, told, false, w->fact);
        if (binds)
                judge_bind(s->facts, w->fact, binds, &way->run.bindings);
        lineage_go(s, way, w->from, rest, w->fact->clock_ns);
        way->loop = loop;
        way->done = done;
        lineage_come(s, way, w->fact->number, w->fact->clock_ns);

        excepted = judge_excepted(s->facts, w->fact, s->path, &w->from->run.bindings, &way->run.bindings);
        way->run.uncertain |=
                w->hidden == TRUTH_UNKNOWN || (w->fact->no_result && !w->names_result) || excepted == TRUTH_UNKNOWN;
        if (!w->taken)
                w->uncertain = way->run.uncertain;
        w->taken = true;
        if (excepted != TRUTH_TRUE) {
                int r = array_push(&w->ways, way);

                assert(r >= 0);
        }
}

static void walk(struct wait *w, const struct rest *rest);

static enum truth step_truth(struct wait *w, const struct element *step) {
        return judge_step(w->search->facts, w->fact, step, &w->from->run.bindings);
}

/* A conditional whose event has come: `so_far` says that all before it in the chain are false. */
static void decide(struct wait *w, const struct element *c, const struct rest *behind, enum truth so_far) {
        enum truth t = step_truth(w, c);
        const struct element *other = c->otherwise;

        if (truth_and(so_far, t) == TRUTH_TRUE)
                take(w, c, c, rest_new(w->search, c->then, NULL, behind), NULL, 0);
        so_far = truth_and(so_far, truth_not(t));
        if (other && other->type == ELEMENT_CONDITIONAL && other->kind == c->kind)
                decide(w, other, rest_new(w->search, other->next, NULL, behind), so_far);
        else if (so_far == TRUTH_TRUE)
                take(w, c, NULL, rest_new(w->search, other, NULL, behind), NULL, 0);
}

/* `at` is the rest that begins with the `all`. */
static void all_steps(struct wait *w, const struct element *all, const struct rest *at, const struct rest *behind) {
        unsigned done = w->from->rest && w->from->rest->at == all ? w->from->done : 0, bit = 1, n = 0;

        for (const struct element *member = all->children; member; member = member->next)
                n++;
        for (const struct element *member = all->children; member; member = member->next, bit <<= 1) {
                w->names_result = member->any_result;
                if (done & bit)
                        continue;
                w->kinds |= wire_kind_bit(member->kind);
                if (step_truth(w, member) != TRUTH_TRUE)
                        continue;
                if ((done | bit) == (1U << n) - 1)
                        take(w, member, member, behind, NULL, 0);
                else
                        take(w, member, member, at, NULL, done | bit);
        }
}

void wait_kinds(struct wait *w, const struct element *e) {
        for (; e; e = e->next)
                if (e->type == ELEMENT_STEP)
                        w->kinds |= wire_kind_bit(e->kind);
                else
                        wait_kinds(w, e->children);
}

/* The first steps of one element; then `behind` follows. */
static void first_steps(struct wait *w, const struct element *e, const struct rest *behind) {
        w->names_result = e->any_result;
        switch (e->type) {
        case ELEMENT_STEP:
                w->kinds |= wire_kind_bit(e->kind);
                if (step_truth(w, e) == TRUTH_TRUE)
                        take(w, e, e, behind, e->repetition == REPEAT_PLUS ? e : NULL, 0);
                break;
        case ELEMENT_ALL:
                all_steps(w, e, rest_new(w->search, e, behind->window, behind->up), behind);
                break;
        case ELEMENT_REPEAT:
                w->repeat = e;
                w->behind = behind;
                wait_kinds(w, e->children);
                break;
        case ELEMENT_ABSENCE:
                w->behind = behind;
                w->nots[w->n_nots++] = e;
                break;
        case ELEMENT_ANY:
                for (const struct element *member = e->children; member; member = member->next)
                        first_steps(w, member, behind);
                break;
        case ELEMENT_BLOCK:
                walk(w, rest_new(w->search, e->children, e->within_ns > 0 ? e : NULL, behind));
                break;
        case ELEMENT_CONDITIONAL:
                w->kinds |= wire_kind_bit(e->kind);
                if (w->fact->kind == e->kind && (!w->fact->failed || e->any_result))
                        decide(w, e, behind, TRUTH_TRUE);
                break;
        case ELEMENT_NOT:
        case ELEMENT_ELLIPSIS:
                break;
        }
}

static void walk(struct wait *w, const struct rest *rest) {
        for (; rest; rest = rest->up)
                for (const struct element *e = rest->at; e; e = e->next) {
                        if (e->type == ELEMENT_NOT)
                                w->nots[w->n_nots++] = e;
                        else if (e->type == ELEMENT_STEP && e->repetition == REPEAT_STAR)
                                w->loops[w->n_loops++] = e;
                        else if (e->type != ELEMENT_ELLIPSIS) {
                                first_steps(w, e, rest_new(w->search, e->next, rest->window, rest->up));
                                return;
                        }
                }
}

void wait_look(struct wait *w, struct search *s, const struct lineage *from, const struct fact *fact,
                 enum truth hidden, const struct element *only) {
        *w = (struct wait){ .search = s, .from = from, .fact = fact, .hidden = hidden, .only = only };
        if (from->loop)
                w->loops[w->n_loops++] = from->loop;
        walk(w, from->rest);
}

uint64_t lineage_kinds(struct search *s, const struct lineage *l, const struct fact *gap) {
        uint64_t kinds = judge_until_kinds(s->path, &l->run.bindings);
        struct wait w;

        wait_look(&w, s, l, gap, TRUTH_FALSE, NULL);
        if (s->path->score > 0)
                wait_kinds(&w, s->path->body);
        for (size_t i = 0; i < w.n_nots; i++)
                kinds |= wire_kind_bit(w.nots[i]->kind);
        return w.kinds | kinds;
}

void lineage_come(struct search *s, struct lineage *l, size_t record, uint64_t came_ns) {
        const struct facts *facts = s->facts;

        if (facts->n_gaps > 0 && facts->gaps[0]->number < record && rest_passed(l->rest))
                run_come(&l->run, facts, record, lineage_kinds(s, l, facts->gaps[0]), came_ns);
}
