/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: the order of steps, what each way through them binds, and what nothing can reach. */
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "policy/sema-private.h"

/* Can the run go on without any event taken by this? */
bool sema_is_optional(const struct element *e) {
        switch (e->type) {
        case ELEMENT_STEP:
                return e->repetition == REPEAT_STAR;
        case ELEMENT_NOT:
        case ELEMENT_ELLIPSIS:
                return true;
        case ELEMENT_CONDITIONAL:
        case ELEMENT_ALL:
        case ELEMENT_REPEAT:
        case ELEMENT_ABSENCE:
                return false;
        case ELEMENT_ANY:
                for (const struct element *c = e->children; c; c = c->next)
                        if (sema_is_optional(c))
                                return true;
                return !e->children;
        case ELEMENT_BLOCK:
                for (const struct element *c = e->children; c; c = c->next)
                        if (!sema_is_optional(c))
                                return false;
                return true;
        }
        return false;
}

bool sema_is_star(const struct element *e) {
        return e->type == ELEMENT_STEP && e->repetition == REPEAT_STAR;
}

bool sema_is_absence(const struct element *e) {
        return e->type == ELEMENT_ABSENCE;
}

static bool is_repeat(const struct element *e) {
        return e->type == ELEMENT_REPEAT;
}

const struct element *sema_find_first(const struct element *e, bool (*is)(const struct element *e)) {
        const struct element *found;

        for (; e; e = e->next) {
                if (e->type == ELEMENT_NOT || e->type == ELEMENT_ELLIPSIS)
                        continue;
                if (is(e))
                        return e;
                if (e->type == ELEMENT_ANY)
                        for (const struct element *c = e->children; c; c = c->next) {
                                found = is(c) ? c : c->type == ELEMENT_BLOCK ? sema_find_first(c->children, is)
                                                                             : NULL;
                                if (found)
                                        return found;
                        }
                if (e->type == ELEMENT_BLOCK) {
                        found = sema_find_first(e->children, is);
                        if (found)
                                return found;
                }
                if (!sema_is_optional(e))
                        return NULL;
        }
        return NULL;
}

/* Does it end with a step that may take nothing? What follows is then directly behind that. */
static bool ends_empty(const struct element *first) {
        const struct element *last = NULL;

        for (const struct element *e = first; e; e = e->next)
                if (e->type != ELEMENT_NOT && e->type != ELEMENT_ELLIPSIS)
                        last = e;
        if (!last)
                return false;

        switch (last->type) {
        case ELEMENT_STEP:
                return last->repetition == REPEAT_STAR;
        case ELEMENT_BLOCK:
                return ends_empty(last->children);
        case ELEMENT_CONDITIONAL:
                return ends_empty(last->then) || ends_empty(last->otherwise);
        case ELEMENT_ANY:
                for (const struct element *c = last->children; c; c = c->next)
                        if (c->type == ELEMENT_BLOCK && ends_empty(c->children))
                                return true;
                return false;
        case ELEMENT_NOT:
        case ELEMENT_ELLIPSIS:
        case ELEMENT_ALL:
        case ELEMENT_REPEAT:
        case ELEMENT_ABSENCE:
                break;
        }
        return false;
}

bool sema_same_condition(const struct element *a, const struct element *b) {
        return a->kind == b->kind && expr_equal(a->condition, b->condition) && !a->captures == !b->captures;
}

/* Is there a decision before this one on the same event, by the same condition? */
static void check_chain(struct sema *s, const struct element *first) {
        const struct element *last = first;

        for (const struct element *e = first; e && e->type == ELEMENT_CONDITIONAL; e = e->otherwise) {
                if (e != first && e->kind != last->kind)
                        return;
                for (const struct element *d = first; d != e; d = d->otherwise)
                        if (sema_same_condition(d, e)) {
                                sema_error(s, e->span, "this is never reached: the same condition has decided before");
                                diag_related(s->diags, d->span, "here");
                                return;
                        }
                if (!e->condition && e->otherwise && e->kind != WIRE_NONE) {
                        sema_error(s, e->otherwise->span,
                                   "this is never reached: a step without conditions is always true");
                        diag_related(s->diags, e->span, "this one");
                        return;
                }
                if (e->otherwise && e->otherwise->next)
                        return;
                last = e;
        }
}

static void check_conditional(struct sema *s, struct element *e, const struct place *place, bool chained) {
        uint64_t bound = s->bound, maybe = s->maybe, then_bound, then_maybe;
        struct place inner = *place;

        inner.in_any = false;
        sema_check_step(s, e);
        sema_check_body(s, e->then, &inner);
        if (!e->then && !s->path->broken)
                sema_error(s, e->span, "this branch is empty");
        then_bound = s->bound;
        then_maybe = s->maybe;

        s->bound = bound;
        s->maybe = maybe;
        if (e->otherwise) {
                struct element *o = e->otherwise;

                if (o->type == ELEMENT_CONDITIONAL && !o->next)
                        check_conditional(s, o, &inner, true);
                else
                        sema_check_body(s, o, &inner);
        } else if (place->ends_path && !s->path->broken) {
                sema_error(s, e->span, "without ':' a false condition would complete the path");
                diag_hint(s->diags,
                          "write the conditions as a step of their own, or say what follows when they are false");
        }
        s->maybe |= then_maybe | then_bound | s->bound;
        s->bound &= then_bound;

        if (!chained)
                check_chain(s, e);
}

static void check_window(struct sema *s, struct element *e, struct place *inner) {
        const struct element *first;
        char outer[FORMAT_DURATION_MAX];

        if (inner->within_ns > 0 && e->within_ns >= inner->within_ns)
                diag_warning(s->diags, e->span, "this window never closes first: the one around it is %s",
                             format_duration(outer, inner->within_ns));
        inner->within_ns = e->within_ns;
        if (inner->shortest_ns == 0 || e->within_ns < inner->shortest_ns) {
                inner->shortest_ns = e->within_ns;
                inner->shortest = e->span;
        }
        inner->n_windows++;
        if (inner->n_windows == PROGRAM_MAX_WINDOWS + 1)
                sema_error(s, e->span, "more than %d windows inside each other", PROGRAM_MAX_WINDOWS);

        first = sema_find_first(e->children, sema_is_star);
        if (first)
                sema_error(s, first->span, "the first step in a window takes an event: '...' could take none");
        first = sema_find_first(e->children, sema_is_absence);
        if (first)
                sema_error(s, first->span, "the first step in a window takes an event: 'no' waits for none");
        first = sema_find_first(e->children, is_repeat);
        if (first) {
                sema_error(s, first->span, "'repeat' cannot come first in a window");
                diag_hint(s->diags, "it has one of its own: 'repeat %" PRIu32 " within 10s { ... }'", first->count);
        }
}

static void check_block(struct sema *s, struct element *e, const struct place *place) {
        struct place inner = *place;

        inner.in_any = false;
        if (e->within_ns > 0)
                check_window(s, e, &inner);
        if (e->name.length > SEMA_MAX_NAME)
                sema_error(s, e->span, "this name is too long: more than %d bytes", SEMA_MAX_NAME);
        if (sema_is_optional(e) && !s->path->broken)
                sema_error(s, e->span, e->children ? "no step of this block has to happen" : "this block is empty");

        sema_check_body(s, e->children, &inner);
}

/* `not` holds between two steps. */
static void check_not(struct sema *s, struct element *e, bool begun) {
        bool after = false;

        s->binds_nothing = "a 'not' step binds nothing: when the story goes on it has not happened";
        sema_check_taker(s, e);
        s->binds_nothing = NULL;

        if (!begun && !s->path->broken) {
                sema_error(s, e->span, "'not' cannot come first: it holds between two steps");
                return;
        }
        for (const struct element *f = e->next; f; f = f->next)
                after = after || (f->type != ELEMENT_NOT && f->type != ELEMENT_ELLIPSIS);
        if (!after && !s->path->broken) {
                sema_error(s, e->span, "'not' cannot come last: it holds between two steps");
                diag_hint(s->diags, "that it does not happen for some time is 'no %.*s { ... } within 10s'",
                          TEXT_ARGS(e->kind_name));
        }
}

/* Elements in order. Each `place` inside is as outside, but what is not last does not end the path. */
void sema_check_body(struct sema *s, struct element *first, const struct place *place) {
        const struct element *last_step = NULL, *gone = NULL;
        bool begun = false, after_empty = place->after_empty;

        for (const struct element *e = first; e; e = e->next)
                if (e->type != ELEMENT_NOT && e->type != ELEMENT_ELLIPSIS)
                        last_step = e;

        for (struct element *e = first; e; e = e->next) {
                struct place inner = *place;

                inner.after_empty = after_empty;
                for (const struct element *after = e->next; after; after = after->next)
                        if (!sema_is_optional(after)) {
                                inner.ends_path = false;
                                break;
                        }

                if (gone && e->type != ELEMENT_ELLIPSIS && e->type != ELEMENT_NOT && e->type != ELEMENT_ABSENCE) {
                        sema_error(s, e->span, "this is never reached: the process is gone");
                        diag_related(s->diags, gone->span, "it ends here, and the path is 'by = process'");
                        gone = NULL;
                }

                switch (e->type) {
                case ELEMENT_STEP:
                        sema_check_step(s, e);
                        if (s->path->by == KEY_PROCESS && e->kind == WIRE_KIND_exit && e->repetition != REPEAT_STAR)
                                gone = e;
                        if (e->repetition == REPEAT_STAR && inner.ends_path && e == last_step && !place->in_any)
                                diag_warning(s->diags, e->span,
                                             "'...' at the end adds nothing: the path is complete before it");
                        break;
                case ELEMENT_NOT:
                        check_not(s, e, begun);
                        break;
                case ELEMENT_ANY:
                        sema_check_any(s, e, &inner);
                        break;
                case ELEMENT_ALL:
                        sema_check_all(s, e);
                        break;
                case ELEMENT_REPEAT:
                        sema_check_repeat(s, e, &inner);
                        break;
                case ELEMENT_ABSENCE:
                        sema_check_absence(s, e, &inner);
                        break;
                case ELEMENT_BLOCK:
                        check_block(s, e, &inner);
                        break;
                case ELEMENT_CONDITIONAL:
                        check_conditional(s, e, &inner, false);
                        break;
                case ELEMENT_ELLIPSIS:
                        if (!begun || !e->next)
                                diag_warning(s->diags, e->span,
                                             "this says nothing: other events may always come in between");
                        break;
                }
                if (e->type == ELEMENT_NOT || e->type == ELEMENT_ELLIPSIS)
                        continue;
                begun = true;
                {
                        struct element *next = e->next;

                        e->next = NULL;
                        after_empty = ends_empty(e);
                        e->next = next;
                }
        }

        if (first && !last_step && !s->path->broken)
                sema_error(s, first->span, "there is no step here");
}

/* One step without conditions is all that has to happen. */
static void check_everything(struct sema *s, const struct path_node *path) {
        const struct element *only = NULL;

        for (const struct element *e = path->body; e; e = e->next) {
                if (sema_is_optional(e))
                        continue;
                if (only || e->type != ELEMENT_STEP)
                        return;
                only = e;
        }
        if (only && !only->condition && !path->exceptions && only->kind != WIRE_NONE) {
                diag_warning(s->diags, only->span, "this path alerts at every '%s' of every process",
                             schema_kind(only->kind)->name);
                diag_hint(s->diags, "a step without conditions takes every event of its kind");
        }
}

static void check_untils(struct sema *s, struct path_node *path) {
        const struct element *only = NULL;

        s->anywhere = true;
        s->binds_nothing = "an 'until' step binds nothing: the story is over when it happens";
        for (struct element *e = path->untils; e; e = e->next)
                sema_check_taker(s, e);
        s->binds_nothing = NULL;
        s->anywhere = false;

        for (const struct element *e = path->body; e; e = e->next)
                if (!sema_is_optional(e)) {
                        if (only)
                                return;
                        only = e;
                }
        if (path->untils && !path->broken && path->score == 0 && only && only->type == ELEMENT_STEP)
                diag_warning(s->diags, path->untils->span,
                             "this says nothing: the path is complete with its first step, no story is ever open");
}

/* Steps with points, and nothing else. */
static void check_score(struct sema *s, struct path_node *path) {
        static const char binds_nothing[] = "a path with a score binds nothing: its steps are no story";

        if (path->within_given)
                sema_error(s, path->within_span, "a path with a score has no window: its points decay");
        if (path->responses && !path->broken)
                sema_error(s, path->responses->span, "a path with a score responds when its points are together");
        if (!path->decay_given) {
                path->decay = path->score;
                path->decay_ns = s->options->default_within_ns;
        }
        path->within_ns = 0;

        for (struct element *e = path->body; e; e = e->next) {
                if (e->type != ELEMENT_STEP) {
                        sema_error(s, e->span, "a path with a score has steps and no order");
                        diag_hint(s->diags, "each step says how many points it is worth: 'openat { ... } +10'");
                        path->broken = true;
                        continue;
                }
                if (e->repetition != REPEAT_ONCE)
                        sema_error(s, e->span, "in a path with a score every step may come again: without '%s'",
                                   e->repetition == REPEAT_PLUS ? ".." : "...");
                s->binds_nothing = binds_nothing;
                sema_check_step(s, e);
                s->binds_nothing = NULL;
        }
}

static void check_story(struct sema *s, struct path_node *path) {
        struct place place = {.ends_path = true,
                              .within_ns = path->within_ns,
                              .shortest_ns = path->within_ns,
                              .shortest = path->within_span};
        const struct element *first;

        if (path->decay_given)
                sema_error(s, path->decay_span, "'decay' belongs to a path with a score");

        first = sema_find_first(path->body, sema_is_star);
        if (first) {
                sema_error(s, first->span, "the first step takes an event: '...' could take none");
                diag_hint(s->diags, "'..' is one or more");
        }
        first = sema_find_first(path->body, sema_is_absence);
        if (first) {
                sema_error(s, first->span, "the first step takes an event: 'no' waits for none");
                diag_hint(s->diags, "say after which step it must not come");
        }
        sema_check_body(s, path->body, &place);
}

void sema_check_path(struct sema *s, struct path_node *path) {
        bool steps = false;

        s->path = path;
        s->kinds = s->bound = s->maybe = s->siblings = 0;
        path->n_steps = path->n_captures = 0;

        for (const struct element *e = path->body; e; e = e->next)
                steps = steps || (e->type != ELEMENT_ELLIPSIS && e->type != ELEMENT_NOT);
        if (!steps && !path->broken) {
                sema_error(s, path->name_span, "this path has no step: it would never alert");
                return;
        }
        if (!sema_collect_names(s))
                return;

        if (path->score > 0)
                check_score(s, path);
        else
                check_story(s, path);
        check_untils(s, path);
        sema_check_responses(s, path);
        for (struct exception *x = path->exceptions; x; x = x->next)
                sema_check_exception(s, x);
        sema_check_enforce(s, path);
        if (!path->broken && path->score == 0)
                check_everything(s, path);
}
