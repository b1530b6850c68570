/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: the order of steps, what each way through them binds, and what nothing can reach. */
#include <string.h>

#include "base/parse.h"
#include "policy/sema-private.h"

/* What stands around an element. */
struct place {
        bool ends_path;                 /* nothing that must happen comes after it */
        bool in_any;                    /* a member of `any`, itself */
        uint64_t within_ns;             /* innermost window around it; 0: none */
        unsigned n_windows;             /* around it */
};

static void check_body(struct sema *s, struct element *first, const struct place *place);

/* Can the run go on without any event taken by this? */
static bool is_optional(const struct element *e) {
        switch (e->type) {
        case ELEMENT_STEP:
                return e->repetition == REPEAT_STAR;
        case ELEMENT_NOT:
        case ELEMENT_ELLIPSIS:
                return true;
        case ELEMENT_CONDITIONAL:
                return false;
        case ELEMENT_ANY:
                for (const struct element *c = e->children; c; c = c->next)
                        if (is_optional(c))
                                return true;
                return !e->children;
        case ELEMENT_BLOCK:
                for (const struct element *c = e->children; c; c = c->next)
                        if (!is_optional(c))
                                return false;
                return true;
        }
        return false;
}

/* `...` on a step with which a run could begin. */
static const struct element *find_optional_first(const struct element *e) {
        for (; e; e = e->next) {
                const struct element *found = NULL;

                switch (e->type) {
                case ELEMENT_STEP:
                        return e->repetition == REPEAT_STAR ? e : NULL;
                case ELEMENT_CONDITIONAL:
                        return NULL;
                case ELEMENT_NOT:
                case ELEMENT_ELLIPSIS:
                        continue;
                case ELEMENT_ANY:
                        for (const struct element *c = e->children; c && !found; c = c->next)
                                if (c->type == ELEMENT_STEP ? c->repetition == REPEAT_STAR : c->type == ELEMENT_BLOCK)
                                        found = c->type == ELEMENT_STEP ? c : find_optional_first(c->children);
                        return found;
                case ELEMENT_BLOCK:
                        found = find_optional_first(e->children);
                        if (found || !is_optional(e))
                                return found;
                        continue;
                }
        }
        return NULL;
}

/* Captures of a step get their slots. */
static void bind_capture(struct sema *s, struct element *e, struct capture *capture) {
        struct path_node *path = s->path;
        const struct field_info *info;
        uint32_t slot;

        if (capture->name.length > SEMA_MAX_NAME) {
                sema_error(s, capture->span, "this name is too long: more than %d bytes", SEMA_MAX_NAME);
                return;
        }
        if (e->type == ELEMENT_NOT) {
                sema_error(s, capture->span, "a 'not' step binds nothing: when the story goes on it has not happened");
                return;
        }
        if (!sema_resolve_field(s, &capture->field, e->kind, false))
                return;
        if (sema_object_behind(capture->field.field) != FIELD_NONE)
                capture->field.field = sema_object_behind(capture->field.field);

        info = schema_field(capture->field.field);
        if (capture->field.subject == SUBJECT_PARENT || capture->field.subject == SUBJECT_ANCESTOR) {
                sema_error(s, capture->field.span, "capturing from a parent or ancestor is not supported yet");
                return;
        }
        if (capture->field.index == INDEX_ANY) {
                sema_error(s, capture->field.span, "'any' cannot be captured: which element would it be?");
                return;
        }
        if (capture->field.index != INDEX_NONE && info->type != VALUE_LIST) {
                sema_error(s, capture->field.span, "'%s' is a %s, not a list", capture->field.name.bytes,
                           value_type_to_string(info->type));
                return;
        }
        if (info->type == VALUE_LIST && capture->field.index == INDEX_NONE) {
                sema_error(s, capture->field.span, "a list cannot be captured");
                diag_hint(s->diags, "one element can: '%s[1]'; or all of them in one string: 'proc.args'",
                          capture->field.name.bytes);
                return;
        }

        for (slot = 0; slot < path->n_captures; slot++)
                if (text_equal(path->captures[slot], capture->name))
                        break;

        if (slot < path->n_captures) {
                const struct field_info *held = schema_field(path->capture_fields[slot]);
                enum value_type a = held->type == VALUE_LIST ? VALUE_STRING : held->type;
                enum value_type b = info->type == VALUE_LIST ? VALUE_STRING : info->type;

                if ((s->bound | s->maybe) & (1ULL << slot)) {
                        sema_error(s, capture->span, "'%.*s' is bound already", TEXT_ARGS(capture->name));
                        diag_hint(s->diags, "to compare with it write '%s == %.*s'", capture->field.name.bytes,
                                  TEXT_ARGS(capture->name));
                        diag_related(s->diags, s->bound_at[slot], "here");
                        return;
                }
                if (a != b) {
                        sema_error(s, capture->span, "'%.*s' is a %s here and a %s in the other branch",
                                   TEXT_ARGS(capture->name), value_type_to_string(b),
                                   value_type_to_string(a));
                        diag_related(s->diags, s->bound_at[slot], "here");
                        return;
                }
        } else if (slot == PROGRAM_MAX_SLOTS) {
                sema_error(s, capture->span, "too many captures in one path: more than %d", PROGRAM_MAX_SLOTS);
                return;
        } else {
                path->captures[slot] = capture->name;
                path->capture_fields[slot] = capture->field.field;
                path->n_captures++;
                s->bound_at[slot] = capture->span;
        }

        capture->slot = slot;
        if (e->repetition == REPEAT_STAR)
                s->maybe |= 1ULL << slot; /* there may be no event to bind it */
        else
                s->bound |= 1ULL << slot;
}

/* The step itself: its kind, conditions, captures. Of one kind with no conditions nothing is left out. */
static void check_step(struct sema *s, struct element *e) {
        if (e->type != ELEMENT_NOT)
                e->number = ++s->path->n_steps;

        e->kind = sema_resolve_kind(s, e->kind_name, e->kind_span);
        if (e->kind == WIRE_NONE) {
                /* Nothing inside can be judged; captures count as bound, so that their uses are no errors. */
                s->path->broken = true;
                return;
        }

        s->kinds |= 1ULL << e->kind;
        s->any_result = false;
        if (e->condition)
                sema_check_condition(s, e->condition, e->kind);
        for (struct capture *c = e->captures; c; c = c->next)
                bind_capture(s, e, c);
        e->any_result = s->any_result;
}

static bool same_condition(const struct element *a, const struct element *b) {
        return a->kind == b->kind && expr_equal(a->condition, b->condition) && !a->captures == !b->captures;
}

static void check_any(struct sema *s, struct element *e, const struct place *place) {
        uint64_t bound = s->bound, maybe = s->maybe, all = UINT64_MAX, some = maybe;
        struct place inner = *place;

        if (!e->children && !s->path->broken)
                sema_error(s, e->span, "'any' is empty: nothing could go on from here");

        inner.in_any = true;
        for (struct element *c = e->children; c; c = c->next) {
                struct element *next = c->next;

                s->bound = bound;
                s->maybe = maybe;
                switch (c->type) {
                case ELEMENT_STEP:
                        if (c->repetition == REPEAT_STAR)
                                sema_error(s, c->span, "a member of 'any' takes an event: '...' could take none");
                        __attribute__((fallthrough));
                case ELEMENT_BLOCK:
                        c->next = NULL; /* each by itself */
                        check_body(s, c, &inner);
                        c->next = next;
                        break;
                case ELEMENT_NOT:
                        sema_error(s, c->span, "'not' cannot be a member of 'any'");
                        break;
                case ELEMENT_ANY:
                        sema_error(s, c->span, "'any' in 'any'");
                        diag_hint(s->diags, "put its members in the outer one");
                        break;
                case ELEMENT_CONDITIONAL:
                        sema_error(s, c->span, "a conditional as a member of 'any' is not supported yet");
                        break;
                case ELEMENT_ELLIPSIS:
                        sema_error(s, c->span, "'...' cannot be a member of 'any'");
                        break;
                }
                all &= s->bound;
                some |= s->bound | s->maybe;

                for (const struct element *d = e->children; d != c; d = d->next)
                        if (c->type == ELEMENT_STEP && d->type == ELEMENT_STEP && c->kind != WIRE_NONE &&
                            same_condition(c, d)) {
                                diag_warning(s->diags, c->span, "this member of 'any' stands here twice");
                                diag_related(s->diags, d->span, "the first time");
                                break;
                        }
        }
        s->bound = e->children ? all : bound;
        s->maybe = some;
}

/* Is there a decision before this one on the same event, by the same condition? */
static void check_chain(struct sema *s, const struct element *first) {
        const struct element *last = first;

        for (const struct element *e = first; e && e->type == ELEMENT_CONDITIONAL; e = e->otherwise) {
                if (e != first && e->kind != last->kind)
                        return;
                for (const struct element *d = first; d != e; d = d->otherwise)
                        if (same_condition(d, e)) {
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
        check_step(s, e);
        check_body(s, e->then, &inner);
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
                        check_body(s, o, &inner);
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

static void check_block(struct sema *s, struct element *e, const struct place *place) {
        struct place inner = *place;
        const struct element *optional;

        inner.in_any = false;
        if (e->within_ns > 0) {
                char outer[FORMAT_DURATION_MAX];

                inner.within_ns = e->within_ns;
                inner.n_windows++;
                if (inner.n_windows == PROGRAM_MAX_WINDOWS + 1)
                        sema_error(s, e->span, "more than %d windows inside each other", PROGRAM_MAX_WINDOWS);
                if (place->within_ns > 0 && e->within_ns >= place->within_ns) {
                        diag_warning(s->diags, e->span, "this window never closes first: the one around it is %s",
                                     format_duration(outer, place->within_ns));
                }
                optional = find_optional_first(e->children);
                if (optional)
                        sema_error(s, optional->span,
                                   "the first step in a window takes an event: '...' could take none");
        }
        if (e->name.length > SEMA_MAX_NAME)
                sema_error(s, e->span, "this name is too long: more than %d bytes", SEMA_MAX_NAME);
        if (is_optional(e) && !s->path->broken)
                sema_error(s, e->span, e->children ? "no step of this block has to happen" : "this block is empty");

        check_body(s, e->children, &inner);
}

/* Elements in order. Each `place` inside is as outside, but what is not last does not end the path. */
static void check_body(struct sema *s, struct element *first, const struct place *place) {
        const struct element *last_step = NULL, *gone = NULL;
        bool begun = false;

        for (const struct element *e = first; e; e = e->next)
                if (e->type != ELEMENT_NOT && e->type != ELEMENT_ELLIPSIS)
                        last_step = e;

        for (struct element *e = first; e; e = e->next) {
                struct place inner = *place;

                inner.ends_path = place->ends_path;
                for (const struct element *after = e->next; after; after = after->next)
                        if (!is_optional(after)) {
                                inner.ends_path = false;
                                break;
                        }

                if (gone && e->type != ELEMENT_ELLIPSIS && e->type != ELEMENT_NOT) {
                        sema_error(s, e->span, "this is never reached: the process is gone");
                        diag_related(s->diags, gone->span, "it ends here, and the path is 'by = process'");
                        gone = NULL;
                }

                switch (e->type) {
                case ELEMENT_STEP:
                        check_step(s, e);
                        if (s->path->by == KEY_PROCESS && e->kind == WIRE_KIND_exit && e->repetition != REPEAT_STAR)
                                gone = e;
                        if (e->repetition == REPEAT_STAR && inner.ends_path && e == last_step && !place->in_any)
                                diag_warning(s->diags, e->span,
                                             "'...' at the end adds nothing: the path is complete before it");
                        break;
                case ELEMENT_NOT:
                        check_step(s, e);
                        if (!begun && !s->path->broken) {
                                sema_error(s, e->span, "'not' cannot come first: it holds between two steps");
                                break;
                        }
                        {
                                bool after = false;

                                for (const struct element *f = e->next; f; f = f->next)
                                        after = after || (f->type != ELEMENT_NOT && f->type != ELEMENT_ELLIPSIS);
                                if (!after && !s->path->broken) {
                                        sema_error(s, e->span, "'not' cannot come last: it holds between two steps");
                                        diag_hint(s->diags, "that it does not happen at all is not supported yet");
                                }
                        }
                        break;
                case ELEMENT_ANY:
                        check_any(s, e, &inner);
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
                begun = begun || (e->type != ELEMENT_NOT && e->type != ELEMENT_ELLIPSIS);
        }

        if (first && !last_step && !s->path->broken)
                sema_error(s, first->span, "there is no step here");
}

/* One step without conditions is all that has to happen. */
static void check_everything(struct sema *s, const struct path_node *path) {
        const struct element *only = NULL;

        for (const struct element *e = path->body; e; e = e->next) {
                if (is_optional(e))
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

void sema_check_path(struct sema *s, struct path_node *path) {
        struct place place = {.ends_path = true, .within_ns = path->within_ns};
        const struct element *optional;
        bool steps = false;

        s->path = path;
        s->kinds = s->bound = s->maybe = 0;
        path->n_steps = path->n_captures = 0;

        for (const struct element *e = path->body; e; e = e->next)
                steps = steps || (e->type != ELEMENT_ELLIPSIS && e->type != ELEMENT_NOT);
        if (!steps && !path->broken) {
                sema_error(s, path->name_span, "this path has no step: it would never alert");
                return;
        }

        optional = find_optional_first(path->body);
        if (optional) {
                sema_error(s, optional->span, "the first step takes an event: '...' could take none");
                diag_hint(s->diags, "'..' is one or more");
        }

        check_body(s, path->body, &place);
        for (struct exception *x = path->exceptions; x; x = x->next)
                sema_check_exception(s, x);
        if (!path->broken)
                check_everything(s, path);
}
