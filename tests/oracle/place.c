/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <assert.h>

#include "base/arena.h"

/* What follows when a body is at its end: the next element around it; and which windowed block was left with it. */
struct around {
        const struct element *next;
        const struct element *window;
        const struct around *up;
};

struct maker {
        struct arena *arena;
        struct place *places;           /* newest first */
        struct made *made;
};

/* An element has one continuation, so the place in front of it is one. */
struct made {
        const struct element *at, *loop;
        unsigned done;                  /* members of `at`, an `all`, that are no longer wanted */
        struct place *place;
        struct made *next;
};

static struct place *make(struct maker *m, const struct element *at, const struct around *around,
                          const struct element *loop, unsigned done);

bool place_step_is_inside(const struct element *block, const struct element *step) {
        for (const struct element *e = block->children; e; e = e->next) {
                if (e == step || place_step_is_inside(e, step))
                        return true;
                for (const struct element *t = e->then; t; t = t->next)
                        if (t == step || place_step_is_inside(&(struct element){ .children = e->then }, step))
                                return true;
                for (const struct element *t = e->otherwise; t; t = t->next)
                        if (t == step || place_step_is_inside(&(struct element){ .children = e->otherwise }, step))
                                return true;
        }
        return false;
}

static struct want *add_want(struct place *place) {
        assert(place->n_wants < PLACE_MAX_WANTS);
        return &place->wants[place->n_wants++];
}

static const struct around *nest(struct maker *m, const struct element *next, const struct element *window,
                                 const struct around *up) {
        struct around *around = arena_new(m->arena, struct around);

        assert(around);
        *around = (struct around){ next, window, up };
        return around;
}

static void want_step(struct maker *m, struct place *place, const struct element *step, const struct element *next,
                      const struct around *around) {
        struct want *want = add_want(place);

        *want = (struct want){ .chain = { step }, .n_chain = 1, .told = step, .binds = step };
        want->next = make(m, next, around, step->repetition == REPEAT_PLUS ? step : NULL, 0);
}

/* A ? X : B ? Y : Z, as long as one event can decide. */
static void want_conditional(struct maker *m, struct place *place, const struct element *conditional,
                             const struct element *next, const struct around *around) {
        const struct element *chain[PLACE_MAX_CHAIN], *e = conditional;
        const struct around *behind = nest(m, next, NULL, around);
        struct want *want;
        size_t n = 0;

        for (;;) {
                want = add_want(place);
                assert(n < PLACE_MAX_CHAIN);
                chain[n++] = e;
                *want = (struct want){ .n_chain = n, .decides = n - 1, .told = e, .binds = e };
                memcpy(want->chain, chain, n * sizeof(*chain));
                want->next = make(m, e->then, behind, NULL, 0);

                if (!e->otherwise || e->otherwise->type != ELEMENT_CONDITIONAL || e->otherwise->kind != e->kind)
                        break;
                behind = nest(m, e->otherwise->next, NULL, behind);
                e = e->otherwise;
        }

        want = add_want(place);
        *want = (struct want){ .n_chain = n, .decides = n, .told = e };
        memcpy(want->chain, chain, n * sizeof(*chain));
        want->next = make(m, e->otherwise, behind, NULL, 0);
}

/* The members of an `all` that are still wanted. It stands in a body, so `next` follows it there. */
static void want_all(struct maker *m, struct place *place, const struct element *all, const struct around *around,
                     unsigned done) {
        unsigned bit = 1, full = 0;

        for (const struct element *member = all->children; member; member = member->next)
                full = full << 1 | 1;
        for (const struct element *member = all->children; member; member = member->next, bit <<= 1) {
                struct want *want;

                if (done & bit)
                        continue;
                want = add_want(place);
                *want = (struct want){.chain = {member}, .n_chain = 1, .told = member, .binds = member};
                want->next = (done | bit) == full ? make(m, all->next, around, NULL, 0)
                                                  : make(m, all, around, NULL, done | bit);
        }
}

static void want_repeat(struct maker *m, struct place *place, const struct element *repeat, const struct element *child,
                        const struct around *around) {
        for (; child; child = child->next)
                if (child->type == ELEMENT_STEP) {
                        struct want *want = add_want(place);

                        *want = (struct want){.chain = {child}, .n_chain = 1, .told = child};
                        want->next = make(m, repeat->next, around, NULL, 0);
                } else
                        want_repeat(m, place, repeat, child->children, around);
}

/* One element's first steps, where it stands in front of `next`. */
static void first_of(struct maker *m, struct place *place, const struct element *at, const struct element *next,
                     const struct around *around, unsigned done) {
        switch (at->type) {
        case ELEMENT_STEP:
                want_step(m, place, at, next, around);
                return;
        case ELEMENT_ANY:
                /* The members follow each other in the tree, but not in the story. */
                for (const struct element *member = at->children; member; member = member->next)
                        first_of(m, place, member, next, around, 0);
                return;
        case ELEMENT_BLOCK:
                first_of(m, place, at->children, at->children->next,
                         nest(m, next, at->within_ns > 0 ? at : NULL, around), 0);
                return;
        case ELEMENT_CONDITIONAL:
                want_conditional(m, place, at, next, around);
                return;
        case ELEMENT_ALL:
                want_all(m, place, at, around, done);
                return;
        case ELEMENT_REPEAT:
                place->repeat = at;
                want_repeat(m, place, at, at->children, around);
                return;
        case ELEMENT_ABSENCE:
                place->absence = at;
                place->after = make(m, next, around, NULL, 0);
                return;
        case ELEMENT_NOT:
        case ELEMENT_ELLIPSIS:
                break;
        }
        assert(false);                  /* the checker lets no body begin so */
}

static bool same_place(const struct place *a, const struct place *b) {
        if (a->accept != b->accept || a->n_wants != b->n_wants || a->n_nots != b->n_nots || a->n_loops != b->n_loops ||
            a->n_windows != b->n_windows || a->absence != b->absence || a->repeat != b->repeat)
                return false;
        for (size_t i = 0; i < a->n_wants; i++)
                if (a->wants[i].told != b->wants[i].told || a->wants[i].decides != b->wants[i].decides ||
                    a->wants[i].n_chain != b->wants[i].n_chain)
                        return false;
        return memcmp(a->nots, b->nots, sizeof(*a->nots) * a->n_nots) == 0 &&
                memcmp(a->loops, b->loops, sizeof(*a->loops) * a->n_loops) == 0 &&
                memcmp(a->windows, b->windows, sizeof(*a->windows) * a->n_windows) == 0;
}

static struct place *remember(struct maker *m, const struct element *at, const struct element *loop, unsigned done,
                              struct place *place) {
        struct made *made = arena_new(m->arena, struct made);

        assert(made);
        *made = (struct made){ at, loop, done, place, m->made };
        m->made = made;
        return place;
}

/* The place in front of `at`; with `loop`, behind a step that may be repeated; with `done`, inside of an `all`. */
static struct place *make(struct maker *m, const struct element *at, const struct around *around,
                          const struct element *loop, unsigned done) {
        const struct element *windows[PROGRAM_MAX_WINDOWS + 5], *start;
        struct place *place;
        size_t n = 0;

        for (; !at && around; around = around->up)
                at = around->next;
        start = at;
        for (const struct made *made = m->made; made; made = made->next)
                if (made->at == at && made->loop == loop && made->done == done)
                        return made->place;

        place = arena_new(m->arena, struct place);
        assert(place);
        if (loop)
                place->loops[place->n_loops++] = loop;

        for (;;) {
                if (!at) {
                        if (!around) {
                                place->accept = true;
                                break;
                        }
                        at = around->next;
                        around = around->up;
                } else if (at->type == ELEMENT_NOT) {
                        place->nots[place->n_nots++] = at;
                        at = at->next;
                } else if (at->type == ELEMENT_ELLIPSIS)
                        at = at->next;
                else if (at->type == ELEMENT_STEP && at->repetition == REPEAT_STAR) {
                        place->loops[place->n_loops++] = at;
                        at = at->next;
                } else if (at->type == ELEMENT_BLOCK && at->within_ns == 0) {
                        around = nest(m, at->next, NULL, around);
                        at = at->children;
                } else
                        break;
        }

        if (place->accept)
                place->n_nots = place->n_loops = 0;
        for (const struct around *a = around; a; a = a->up)
                if (a->window)
                        windows[n++] = a->window;
        while (n > 0)
                place->windows[place->n_windows++] = windows[--n];
        if (at)
                first_of(m, place, at, at->next, around, done);

        for (struct place *other = m->places; other; other = other->other)
                if (same_place(other, place))
                        return remember(m, start, loop, done, other);
        place->other = m->places;
        m->places = place;
        return remember(m, start, loop, done, place);
}

struct place *places_of(const struct path_node *path, struct arena *arena) {
        struct maker m = { .arena = arena };
        struct place *place;

        if (path->score == 0)
                return make(&m, path->body, NULL, NULL, 0);

        place = arena_new(arena, struct place);
        assert(place);
        place->score = true;
        place->after = make(&m, NULL, NULL, NULL, 0);
        for (const struct element *step = path->body; step; step = step->next)
                *add_want(place) = (struct want){.chain = {step}, .n_chain = 1, .told = step};
        return place;
}
