/* SPDX-License-Identifier: Apache-2.0 */
/* One step: its kind, its conditions, and what it binds. */
#include <string.h>

#include "policy/sema-private.h"

static enum value_type type_held(const struct field_info *info) {
        return info->type == VALUE_LIST ? VALUE_STRING : info->type;
}

/* May this field be captured? Sets the object behind a descriptor. */
static bool check_captured(struct sema *s, struct capture *capture) {
        struct field_ref *ref = &capture->field;
        const struct field_info *info;

        if (sema_object_behind(ref->field) != FIELD_NONE)
                ref->field = sema_object_behind(ref->field);
        info = schema_field(ref->field);

        if (ref->subject == SUBJECT_ANCESTOR) {
                sema_error(s, ref->span, "'%s' cannot be captured: which of the creators would it be?",
                           ref->name.bytes);
                diag_hint(s->diags, "of the nearest one it is 'parent.%s'", ref->name.bytes + strlen("ancestor."));
                return false;
        }
        if (ref->index == INDEX_ANY)
                return sema_error(s, ref->span, "'any' cannot be captured: which element would it be?");
        if (ref->index != INDEX_NONE && info->type != VALUE_LIST)
                return sema_error(s, ref->span, "'%s' is a %s, not a list", ref->name.bytes,
                                  value_type_to_string(info->type));
        if (info->type == VALUE_LIST && ref->index == INDEX_NONE) {
                sema_error(s, ref->span, "a list cannot be captured");
                diag_hint(s->diags, "one element can: '%s[1]'; or all of them in one string: 'proc.args'",
                          ref->name.bytes);
                return false;
        }
        return true;
}

/* The slot of this name: an old one if another branch binds it as well. */
static bool find_slot(struct sema *s, const struct capture *capture, uint32_t *ret) {
        struct path_node *path = s->path;
        const struct field_info *info = schema_field(capture->field.field), *held;
        uint32_t slot;

        for (slot = 0; slot < path->n_captures; slot++)
                if (text_equal(path->captures[slot], capture->name))
                        break;
        *ret = slot;

        if (slot == path->n_captures) {
                if (slot == PROGRAM_MAX_SLOTS) {
                        sema_error(s, capture->span, "too many captures in one path: more than %d", PROGRAM_MAX_SLOTS);
                        if (capture->hidden)
                                diag_hint(s->diags, "'%.*s' is one, made for a relation", TEXT_ARGS(capture->name));
                        path->broken = true;    /* its uses are no errors of their own */
                        return false;
                }
                path->captures[slot] = capture->name;
                path->capture_fields[slot] = capture->field.field;
                path->n_captures++;
                s->bound_at[slot] = capture->span;
                return true;
        }

        if ((s->bound | s->maybe | s->siblings) & (1ULL << slot)) {
                sema_error(s, capture->span, "'%.*s' is bound already", TEXT_ARGS(capture->name));
                if (!capture->hidden)
                        diag_hint(s->diags, "to compare with it write '%s == %.*s'", capture->field.name.bytes,
                                  TEXT_ARGS(capture->name));
                diag_related(s->diags, s->bound_at[slot], "here");
                return false;
        }
        held = schema_field(path->capture_fields[slot]);
        if (type_held(held) != type_held(info)) {
                sema_error(s, capture->span, "'%.*s' is a %s here and a %s in the other branch",
                           TEXT_ARGS(capture->name), value_type_to_string(type_held(info)),
                           value_type_to_string(type_held(held)));
                diag_related(s->diags, s->bound_at[slot], "here");
                return false;
        }
        return true;
}

/* A capture of a step gets its slot. */
static bool bind_capture(struct sema *s, const struct element *e, struct capture *capture) {
        if (capture->name.length > SEMA_MAX_NAME)
                return sema_error(s, capture->span, "this name is too long: more than %d bytes", SEMA_MAX_NAME);
        if (s->binds_nothing)
                return sema_error(s, capture->span, "%s", s->binds_nothing);

        if (!sema_resolve_field(s, &capture->field, e->kind, false) || !check_captured(s, capture)) {
                s->path->broken = true; /* its uses are no errors of their own */
                return false;
        }
        if (!find_slot(s, capture, &capture->slot))
                return false;

        if (e->repetition == REPEAT_STAR)
                s->maybe |= 1ULL << capture->slot; /* there may be no event to bind it */
        else
                s->bound |= 1ULL << capture->slot;
        return true;
}

static void check_points(struct sema *s, const struct element *e) {
        if (e->has_points && s->path->score == 0 && !s->path->broken) {
                sema_error(s, e->span, "points belong to a path with a score");
                diag_hint(s->diags, "'score = 50' alerts at 50 points, in whatever order they come");
        } else if (!e->has_points && s->path->score > 0 && !s->path->broken) {
                sema_error(s, e->span, "how many points is this step worth?");
                diag_hint(s->diags, "in a path with a score each step says so behind its braces: '+10'");
        }
}

/* Its kind, conditions, captures. Of one kind with no conditions nothing is left out. */
void sema_check_taker(struct sema *s, struct element *e) {
        s->any_result = s->options->any_result;
        e->kind = sema_resolve_kind(s, e->kind_name, e->kind_span);
        if (e->kind == WIRE_NONE) {
                /* Nothing inside can be judged; captures count as bound, so that their uses are no errors. */
                s->path->broken = true;
                return;
        }

        s->kinds |= wire_kind_bit(e->kind);
        if (!sema_add_relations(s, e))
                return;
        if (e->condition)
                sema_check_condition(s, e->condition, e->kind);
        e->any_result = s->any_result;

        if (!sema_add_names(s, e))
                return;
        for (struct capture *c = e->captures; c; c = c->next)
                if (!bind_capture(s, e, c) && s->binds_nothing)
                        break;
}

void sema_check_step(struct sema *s, struct element *e) {
        e->number = ++s->path->n_steps;
        check_points(s, e);
        sema_check_taker(s, e);
        if (e->number <= s->n_steps)
                s->bound_by[e->number] = s->bound;
}

/* `distinct`: of each step that is counted. */
bool sema_check_distinct(struct sema *s, const struct element *repeat, struct element *step) {
        struct field_ref *ref = &step->distinct_field;
        const struct field_info *info;

        if (step->kind == WIRE_NONE)
                return false;
        *ref = repeat->distinct;
        if (!sema_resolve_field(s, ref, step->kind, false))
                return false;
        if (sema_object_behind(ref->field) != FIELD_NONE)
                ref->field = sema_object_behind(ref->field);

        info = schema_field(ref->field);
        if (ref->subject == SUBJECT_ANCESTOR) {
                sema_error(s, ref->span, "'%s' has no one value: which of the creators would it be?", ref->name.bytes);
                diag_hint(s->diags, "of the nearest one it is 'parent.%s'", ref->name.bytes + strlen("ancestor."));
                return false;
        }
        if (ref->index == INDEX_ANY)
                return sema_error(s, ref->span, "'any' has no one value: which element would it be?");
        if (ref->index != INDEX_NONE && info->type != VALUE_LIST)
                return sema_error(s, ref->span, "'%s' is a %s, not a list", ref->name.bytes,
                                  value_type_to_string(info->type));
        if (info->type == VALUE_LIST && ref->index == INDEX_NONE) {
                sema_error(s, ref->span, "'%s' is a list", ref->name.bytes);
                diag_hint(s->diags, "one element is a value: '%s[1]'; or all of them in one string: 'proc.args'",
                          ref->name.bytes);
                return false;
        }
        return true;
}
