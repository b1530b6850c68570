/* SPDX-License-Identifier: Apache-2.0 */
#include "declarative.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hashmap.h"

/* What is still to come: the rest of a body, then the rest of what is around it. */
struct rest {
        const struct element *at;
        const struct element *window;   /* the windowed block whose body this is, or NULL */
        const struct rest *up;
};

struct lineage {
        struct run run;
        const struct rest *rest;
        const struct element *loop;     /* the `..` step that was taken last */
        struct inside {
                const struct element *block;
                uint64_t start_ns;
                const struct lineage *entered;  /* as it was before the block's first step */
        } inside[PROGRAM_MAX_WINDOWS + 5];
        size_t n_inside;
};

struct lineages ARRAY_BODY(struct lineage *);

struct search {
        const struct facts *facts;
        const struct path_node *path;
        struct arena arena;
        struct hashmap seen;            /* lineages that were looked through from an event on */
        ARRAY(struct lineage *) complete;
        ARRAY(const struct fact *) complete_at;
};

/* What a lineage waits for with one event: found by walking through the rest. */
struct wait {
        struct search *search;
        const struct lineage *from;
        const struct fact *fact;
        enum truth hidden;
        const struct element *only;     /* steps of this block alone, or NULL */
        struct lineages ways;
        bool taken;                     /* also if an `except` ended all ways */
        bool uncertain;                 /* of the first way */
        const struct element *nots[64], *loops[64];
        size_t n_nots, n_loops;
        uint64_t kinds;                 /* of wanted steps */
        bool names_result;              /* the step that is being asked */
};

static const struct rest *rest_new(struct search *s, const struct element *at, const struct element *window,
                                   const struct rest *up) {
        struct rest *rest = arena_new(&s->arena, struct rest);

        assert(rest);
        *rest = (struct rest){ at, window, up };
        return rest;
}

static bool needs_a_step(const struct element *e) {
        for (; e; e = e->next)
                if (e->type == ELEMENT_ANY || e->type == ELEMENT_BLOCK || e->type == ELEMENT_CONDITIONAL ||
                    (e->type == ELEMENT_STEP && e->repetition != REPEAT_STAR))
                        return true;
        return false;
}

/* What is left when all that needs no step has been passed. */
static const struct rest *passed(const struct rest *rest) {
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

/* The lineage takes the event as `told`, and `rest` is still to come. */
static void take(struct wait *w, const struct element *told, const struct element *binds, const struct rest *rest,
                 const struct element *loop) {
        struct search *s = w->search;
        struct lineage *way;
        struct inside inside[PROGRAM_MAX_WINDOWS + 5];
        enum truth excepted;
        size_t n = 0;

        if (w->only && !contains(w->only->children, told))
                return;
        way = arena_memdup(&s->arena, w->from, sizeof(*way));
        assert(way);
        way->rest = rest;
        way->loop = loop;
        run_take(&way->run, told, false, w->fact);
        if (binds)
                judge_bind(s->facts, w->fact, binds, &way->run.bindings);

        /* Which windows is it inside? Those of the rest, counted from within. */
        for (const struct rest *r = passed(rest); r; r = r->up) {
                if (!r->window)
                        continue;
                inside[n] = (struct inside){ r->window, w->fact->clock_ns, w->from };
                for (size_t i = 0; i < w->from->n_inside; i++)
                        if (w->from->inside[i].block == r->window)
                                inside[n] = w->from->inside[i];
                n++;
        }
        way->n_inside = n;
        for (size_t i = 0; i < n; i++)
                way->inside[i] = inside[n - 1 - i];

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
                take(w, c, c, rest_new(w->search, c->then, NULL, behind), NULL);
        so_far = truth_and(so_far, truth_not(t));
        if (other && other->type == ELEMENT_CONDITIONAL && other->kind == c->kind)
                decide(w, other, rest_new(w->search, other->next, NULL, behind), so_far);
        else if (so_far == TRUTH_TRUE)
                take(w, c, NULL, rest_new(w->search, other, NULL, behind), NULL);
}

/* The first steps of one element; then `behind` follows. */
static void first_steps(struct wait *w, const struct element *e, const struct rest *behind) {
        w->names_result = e->any_result;
        switch (e->type) {
        case ELEMENT_STEP:
                w->kinds |= UINT64_C(1) << e->kind;
                if (step_truth(w, e) == TRUTH_TRUE)
                        take(w, e, e, behind, e->repetition == REPEAT_PLUS ? e : NULL);
                break;
        case ELEMENT_ANY:
                for (const struct element *member = e->children; member; member = member->next)
                        first_steps(w, member, behind);
                break;
        case ELEMENT_BLOCK:
                walk(w, rest_new(w->search, e->children, e->within_ns > 0 ? e : NULL, behind));
                break;
        case ELEMENT_CONDITIONAL:
                w->kinds |= UINT64_C(1) << e->kind;
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

static void look(struct wait *w, struct search *s, const struct lineage *from, const struct fact *fact,
                 enum truth hidden, const struct element *only) {
        *w = (struct wait){ .search = s, .from = from, .fact = fact, .hidden = hidden, .only = only };
        if (from->loop)
                w->loops[w->n_loops++] = from->loop;
        walk(w, from->rest);
}

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
        *l = before;
}

/* Let time pass. Returns false if the lineage is over. */
static bool survives_until(const struct search *s, struct lineage *l, uint64_t now_ns) {
        for (;;) {
                uint64_t first = s->path->within_ns > 0 ? began_ns(l) + s->path->within_ns : UINT64_MAX;
                size_t window = SIZE_MAX;

                for (size_t i = 0; i < l->n_inside; i++)
                        if (l->inside[i].start_ns + l->inside[i].block->within_ns < first) {
                                first = l->inside[i].start_ns + l->inside[i].block->within_ns;
                                window = i;
                        }
                if (first >= now_ns)
                        return true;
                if (window == SIZE_MAX)
                        return false;
                forget_block(l, window);
                if (l->run.n_taken == 0)
                        return false;
        }
}

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

        strbuf_printf(&b, "%zu %d %d %llu %llx %p", at, l->run.uncertain, l->run.gap,
                      (unsigned long long)l->run.gap_count, (unsigned long long)l->run.gap_kinds,
                      (const void *)l->loop);
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

static void follow(struct search *s, const struct lineage *l, size_t at);

/* They have just taken the event at `at - 1`: complete, ended with their key, or to be followed. */
static void follow_all(struct search *s, struct lineages *ways, size_t at) {
        const struct fact *fact = &s->facts->items[at - 1];

        ARRAY_FOREACH(way, ways) {
                struct lineage *l = *way;

                if (!passed(l->rest)) {
                        int r = array_push(&s->complete, l);

                        if (r >= 0)
                                r = array_push(&s->complete_at, fact);
                        assert(r >= 0);
                } else if (!has(fact->ended, fact->n_ended, l->run.key))
                        follow(s, l, at);
        }
        array_done(ways);
}

/* One event. Returns false if the lineage ends or goes on as others. */
static bool meet(struct search *s, struct lineage *l, size_t at) {
        const struct fact *fact = &s->facts->items[at];
        struct lineage before;
        enum truth hidden;
        struct wait w;
        bool killed = false;

        if (!survives_until(s, l, fact->clock_ns))
                return false;
        before = *l;

        if (fact->kind == WIRE_KIND_tick)
                return true;
        if (fact->kind == WIRE_KIND_gap) {
                look(&w, s, l, fact, TRUTH_FALSE, NULL);
                for (size_t i = 0; i < w.n_nots; i++)
                        w.kinds |= UINT64_C(1) << w.nots[i]->kind;
                if (w.kinds & fact->gap_kinds) {
                        l->run.gap = true;
                        l->run.gap_count += fact->gap_count;
                        l->run.gap_kinds |= fact->gap_kinds;
                }
                return true;
        }

        hidden = judge_hidden(s->facts, fact, s->path);
        if (has(fact->keys[s->path->by], fact->n_keys[s->path->by], l->run.key) && hidden != TRUTH_TRUE) {
                struct lineage *self = arena_memdup(&s->arena, l, sizeof(*l));
                bool uncertain;

                assert(self);
                look(&w, s, self, fact, hidden, NULL);
                for (size_t i = 0; i < w.n_nots && !w.taken && !killed; i++) {
                        enum truth t = judge_step(s->facts, fact, w.nots[i], &l->run.bindings);

                        killed = t == TRUTH_TRUE;
                        l->run.uncertain |= t == TRUTH_UNKNOWN;
                }
                for (size_t i = 0; i < w.n_loops && !w.taken && !killed; i++)
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
                        look(&restart, s, again, fact, hidden, before.inside[i].block);
                        follow_all(s, &restart.ways, at + 1);
                }
                follow_all(s, &w.ways, at + 1);
                if (w.taken || killed)
                        return false;
        }
        return !has(fact->ended, fact->n_ended, l->run.key);
}

static void follow(struct search *s, const struct lineage *from, size_t at) {
        struct lineage l = *from;

        if (seen_before(s, &l, at))
                return;
        while (at < s->facts->n && meet(s, &l, at))
                at++;
}

static void begin(struct search *s, size_t at) {
        const struct fact *fact = &s->facts->items[at];
        struct lineage *nothing = arena_new(&s->arena, struct lineage);
        enum truth hidden = judge_hidden(s->facts, fact, s->path);
        struct wait w;

        if (fact->kind == WIRE_KIND_gap || fact->kind == WIRE_KIND_tick || !fact->begins[s->path->by] ||
            hidden == TRUTH_TRUE)
                return;
        assert(nothing);
        nothing->run.key = fact->begins[s->path->by];
        nothing->rest = rest_new(s, s->path->body, NULL, NULL);
        look(&w, s, nothing, fact, hidden, NULL);
        follow_all(s, &w.ways, at + 1);
}

/* Is there a completion by the same event that is told instead of the i-th? */
static bool is_outdone(const struct search *s, size_t i) {
        const struct run *run = &s->complete.items[i]->run;
        const struct fact *fact = s->complete_at.items[i];

        for (size_t j = 0; j < s->complete.n; j++) {
                const struct run *other = &s->complete.items[j]->run;
                int order;

                if (j == i || s->complete_at.items[j] != fact || !bindings_equal(&other->bindings, &run->bindings))
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
                begin(&s, i);

        for (size_t number = 1; number <= facts->n && r >= 0; number++)
                for (size_t i = 0; i < s.complete.n && r >= 0; i++)
                        if (s.complete_at.items[i]->number == number && !is_outdone(&s, i))
                                r = run_complete(&s.complete.items[i]->run, path, s.complete_at.items[i], false, to);

        array_done(&s.complete);
        array_done(&s.complete_at);
        hashmap_done(&s.seen);
        arena_done(&s.arena);
        return r;
}

int declarative_match(const struct facts *facts, const struct path_node *paths, struct outcome_list *to) {
        int r = 0;

        for (const struct path_node *path = paths; path && r >= 0; path = path->next)
                r = match_path(facts, path, to);

        /* Path by path so far; the stream's order is wanted. */
        for (size_t i = 1; i < to->list.n; i++)
                for (size_t j = i; j > 0 && to->list.items[j - 1].record > to->list.items[j].record; j--) {
                        struct outcome swap = to->list.items[j];

                        to->list.items[j] = to->list.items[j - 1];
                        to->list.items[j - 1] = swap;
                }
        return r;
}
