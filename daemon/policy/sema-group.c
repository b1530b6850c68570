/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of steps, and what must not happen for some time. */
#include <string.h>

#include "base/parse.h"
#include "policy/sema-private.h"

/* What cannot be a member of `any`. */
static void report_member(struct sema *s, const struct element *e) {
        switch (e->type) {
        case ELEMENT_STEP:
        case ELEMENT_BLOCK:
                return;
        case ELEMENT_NOT:
                sema_error(s, e->span, "'not' cannot be a member of 'any'");
                return;
        case ELEMENT_ANY:
                sema_error(s, e->span, "'any' in 'any'");
                diag_hint(s->diags, "put its members in the outer one");
                return;
        case ELEMENT_CONDITIONAL:
                sema_error(s, e->span, "a conditional cannot be a member of 'any'");
                diag_hint(s->diags, "put it into a block: 'block \"name\" { ... ? ... : ... }'");
                return;
        case ELEMENT_ELLIPSIS:
                sema_error(s, e->span, "'...' cannot be a member of 'any'");
                return;
        case ELEMENT_ALL:
                sema_error(s, e->span, "'all' cannot be a member of 'any'");
                diag_hint(s->diags, "put it into a block: 'block \"name\" { all { ... } }'");
                return;
        case ELEMENT_REPEAT:
                sema_error(s, e->span, "'repeat' cannot stand in 'any'");
                diag_hint(s->diags, "'any' can stand in 'repeat'; or write a path of its own");
                return;
        case ELEMENT_ABSENCE:
                sema_error(s, e->span, "a member of 'any' begins with an event: 'no' waits for none");
                return;
        }
}

static void check_first_of_member(struct sema *s, const struct element *e) {
        const struct element *first = e->type == ELEMENT_BLOCK ? sema_find_first(e->children, sema_is_absence) : NULL;

        if (first && e->within_ns == 0)  /* of a window it is told there */
                sema_error(s, first->span, "a member of 'any' begins with an event: 'no' waits for none");
}

void sema_check_any(struct sema *s, struct element *e, const struct place *place) {
        uint64_t bound = s->bound, maybe = s->maybe, all = UINT64_MAX, some = maybe;
        struct place inner = *place;

        if (!e->children && !s->path->broken)
                sema_error(s, e->span, "'any' is empty: nothing could go on from here");

        inner.in_any = inner.inside_any = true;
        for (struct element *c = e->children; c; c = c->next) {
                struct element *next = c->next;

                s->bound = bound;
                s->maybe = maybe;
                if (c->type == ELEMENT_STEP || c->type == ELEMENT_BLOCK) {
                        if (sema_is_star(c))
                                sema_error(s, c->span, "a member of 'any' takes an event: '...' could take none");
                        c->next = NULL; /* each by itself */
                        check_first_of_member(s, c);
                        sema_check_body(s, c, &inner);
                        c->next = next;
                } else
                        report_member(s, c);
                all &= s->bound;
                some |= s->bound | s->maybe;

                for (const struct element *d = e->children; d != c; d = d->next)
                        if (c->type == ELEMENT_STEP && d->type == ELEMENT_STEP && c->kind != WIRE_NONE &&
                            sema_same_condition(c, d)) {
                                diag_warning(s->diags, c->span, "this member of 'any' stands here twice");
                                diag_related(s->diags, d->span, "the first time");
                                break;
                        }
        }
        s->bound = e->children ? all : bound;
        s->maybe = some;
}

void sema_check_all(struct sema *s, struct element *e) {
        uint64_t bound = s->bound, maybe = s->maybe, siblings = s->siblings, all = bound;
        size_t n = 0;

        for (struct element *c = e->children; c; c = c->next) {
                n++;
                if (c->type != ELEMENT_STEP) {
                        if (!s->path->broken)
                                sema_error(s, c->span, "a member of 'all' is a single step");
                        s->path->broken = true;
                        continue;
                }
                if (c->repetition != REPEAT_ONCE)
                        sema_error(s, c->span, "a member of 'all' comes once: without '%s'",
                                   c->repetition == REPEAT_PLUS ? ".." : "...");

                s->bound = bound;
                s->maybe = maybe;
                s->siblings = siblings | (all & ~bound);
                sema_check_step(s, c);
                all |= s->bound;
        }
        s->bound = all;
        s->maybe = maybe;
        s->siblings = siblings;

        if ((n < 2 || n > ELEMENT_ALL_MAX) && !s->path->broken) {
                sema_error(s, e->span, "'all' has 2 to %d members, this one has %zu", ELEMENT_ALL_MAX, n);
                if (n > ELEMENT_ALL_MAX)
                        diag_hint(s->diags, "'score = N' counts many small signs in whatever order they come");
        }
}

/* One that is counted. */
static void check_counted(struct sema *s, const struct element *repeat, struct element *step,
                          const struct field_ref **first) {
        const struct field_info *a, *b;

        if (step->type != ELEMENT_STEP) {
                if (!s->path->broken)
                        sema_error(s, step->span, "'repeat' counts one step, or 'any' of several steps");
                s->path->broken = true;
                return;
        }
        if (step->repetition != REPEAT_ONCE)
                sema_error(s, step->span, "'repeat' counts already: without '%s'",
                           step->repetition == REPEAT_PLUS ? ".." : "...");

        s->binds_nothing = "a step in 'repeat' binds nothing: which of them would it be?";
        sema_check_step(s, step);
        s->binds_nothing = NULL;

        if (!repeat->has_distinct || !sema_check_distinct(s, repeat, step))
                return;
        if (!*first) {
                *first = &step->distinct_field;
                return;
        }
        a = schema_field((*first)->field);
        b = schema_field(step->distinct_field.field);
        if ((a->type == VALUE_LIST ? VALUE_STRING : a->type) != (b->type == VALUE_LIST ? VALUE_STRING : b->type))
                sema_error(s, repeat->distinct.span, "'%s' is a %s of '%s' and a %s of the member before it",
                           repeat->distinct.name.bytes, value_type_to_string(b->type), schema_kind(step->kind)->name,
                           value_type_to_string(a->type));
}

void sema_check_repeat(struct sema *s, struct element *e, const struct place *place) {
        const struct field_ref *first = NULL;
        char outer[FORMAT_DURATION_MAX];

        if (place->inside_any) {
                sema_error(s, e->span, "'repeat' cannot stand in 'any'");
                diag_hint(s->diags, "'any' can stand in 'repeat'; or write a path of its own");
        }
        if (place->after_empty) {
                sema_error(s, e->span, "'repeat' cannot stand directly behind '...', which may take nothing");
                diag_hint(s->diags, "'..' is one or more; or leave the step with '...' out, the story is the same");
        }
        if (place->shortest_ns > 0 && e->within_ns >= place->shortest_ns)
                diag_warning(s->diags, e->span, "this window never closes first: the one around it is %s",
                             format_duration(outer, place->shortest_ns));
        if (e->count == 1 && !s->path->broken)
                diag_warning(s->diags, e->span, "'repeat 1' says no more than the step by itself");

        if (!e->children) {
                if (!s->path->broken)
                        sema_error(s, e->span, "'repeat' counts one step, or 'any' of several steps");
                return;
        }
        if (e->children->next) {
                if (!s->path->broken) {
                        sema_error(s, e->children->next->span, "'repeat' counts one step, or 'any' of several steps");
                        diag_hint(s->diags, "steps that come in order again and again cannot be counted");
                }
                s->path->broken = true;
        }
        if (e->children->type != ELEMENT_ANY) {
                check_counted(s, e, e->children, &first);
                return;
        }
        if (!e->children->children && !s->path->broken)
                sema_error(s, e->children->span, "'any' is empty: nothing could go on from here");
        for (struct element *c = e->children->children; c; c = c->next)
                check_counted(s, e, c, &first);
}

void sema_check_absence(struct sema *s, struct element *e, const struct place *place) {
        char own[FORMAT_DURATION_MAX], outer[FORMAT_DURATION_MAX];

        s->binds_nothing = "a 'no' step binds nothing: when the story goes on it has not happened";
        sema_check_step(s, e);
        s->binds_nothing = NULL;

        if (place->shortest_ns == 0 || e->within_ns <= place->shortest_ns)
                return;
        if (place->shortest.line > 0) {
                sema_error(s, e->span,
                           "the window around this ends before it can be known: after %s, and 'no' takes %s",
                           format_duration(outer, place->shortest_ns), format_duration(own, e->within_ns));
                diag_related(s->diags, place->shortest, "this one");
                return;
        }
        sema_error(s, e->span, "the path ends before this can be known: after %s, and 'no' takes %s",
                   format_duration(outer, place->shortest_ns), format_duration(own, e->within_ns));
        diag_hint(s->diags, "%s is what a path has that does not say: give it 'within = ...'",
                  format_duration(outer, place->shortest_ns));
}
