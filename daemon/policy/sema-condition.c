/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: of a step, and of an exception, which sees events of all kinds. */
#include <string.h>

#include "policy/sema-private.h"

/* A step that names `result` or `failed` takes failed calls too, and what their fields can be is wider: known before
 * the first comparison is judged. */
static bool names_result(const struct expr *expr) {
        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                return names_result(expr->left) || names_result(expr->right);
        case EXPR_NOT:
                return names_result(expr->left);
        case EXPR_ANCESTOR:
                return false;           /* its fields are those of a process */
        case EXPR_COMPARE:
                return text_is(expr->field.name, "result") || text_is(expr->field.name, "failed");
        }
        return false;
}

/* Inside of the copy of a macro messages say where it is used. Returns what was so before. */
static struct diag_span enter_copy(struct sema *s, const struct expr *expr) {
        struct diag_span outer = s->copied_to;

        for (size_t i = 0; i < s->n_uses && outer.line == 0; i++)
                if (s->uses[i].root == expr)
                        s->copied_to = s->uses[i].span;
        return outer;
}

static bool check_node(struct sema *s, struct expr *expr, enum wire_kind kind);
static bool check_expr(struct sema *s, struct expr *expr, enum wire_kind kind);
static void check_contradiction(struct sema *s, struct expr *expr);

/* One and the same creator: nothing of the event is looked at inside. */
static bool check_ancestor(struct sema *s, struct expr *expr) {
        bool good;

        if (s->in_ancestor)
                return sema_error(s, expr->span, "'ancestor' in 'ancestor'");
        s->in_ancestor = true;
        good = check_expr(s, expr->left, WIRE_NONE);
        s->in_ancestor = false;
        if (good)
                check_contradiction(s, expr->left);
        return good;
}

static bool check_expr(struct sema *s, struct expr *expr, enum wire_kind kind) {
        struct diag_span outer = enter_copy(s, expr);
        bool good = check_node(s, expr, kind);

        s->copied_to = outer;
        return good;
}

static bool check_node(struct sema *s, struct expr *expr, enum wire_kind kind) {
        bool good;

        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                good = check_expr(s, expr->left, kind);
                return check_expr(s, expr->right, kind) && good;
        case EXPR_NOT:
                return check_expr(s, expr->left, kind);
        case EXPR_ANCESTOR:
                return check_ancestor(s, expr);
        case EXPR_COMPARE:
                break;
        }

        /* A word by itself may be a macro that is defined in what could not be read. */
        return sema_resolve_field(s, &expr->field, kind, s->broken && expr->op == COMPARE_TRUE) &&
               sema_check_compare(s, expr);
}

/* What has to hold together: `==` with constants. */
static size_t collect_equal(struct expr *expr, struct expr **ret, size_t n, size_t max) {
        if (expr->type == EXPR_AND) {
                n = collect_equal(expr->left, ret, n, max);
                return collect_equal(expr->right, ret, n, max);
        }
        if (expr->type == EXPR_COMPARE && expr->op == COMPARE_EQUAL && !expr->masked && n < max &&
            expr->field.subject != SUBJECT_ANCESTOR && expr->field.index != INDEX_ANY &&
            (expr->operand.type == OPERAND_STRING || expr->operand.type == OPERAND_NUMBER))
                ret[n++] = expr;
        return n;
}

static void check_contradiction(struct sema *s, struct expr *expr) {
        struct expr *equal[32];
        size_t n = collect_equal(expr, equal, 0, ELEMENTSOF(equal));

        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < i; k++) {
                        const struct field_ref *a = &equal[i]->field, *b = &equal[k]->field;

                        if (a->field != b->field || a->subject != b->subject || a->index != b->index ||
                            equal[i]->operand.type != equal[k]->operand.type)
                                continue;
                        if (equal[i]->operand.type == OPERAND_STRING
                                    ? text_equal(equal[i]->operand.text, equal[k]->operand.text)
                                    : equal[i]->operand.number == equal[k]->operand.number)
                                continue;
                        sema_error(s, equal[i]->span, "this is never true: '%s' is something else already",
                                   a->name.bytes);
                        diag_related(s->diags, equal[k]->span, "here");
                        return;
                }
}

bool sema_check_condition(struct sema *s, struct expr *expr, enum wire_kind kind) {
        s->n_uses = 0;
        if (!sema_expand(s, expr))
                return false;
        if (names_result(expr))
                s->any_result = true;
        if (!check_expr(s, expr, kind))
                return false;
        check_contradiction(s, expr);
        return true;
}

static enum compare_op positive(enum compare_op op) {
        return op == COMPARE_NOT_EQUAL ? COMPARE_EQUAL : op == COMPARE_NOT_IN ? COMPARE_IN
                                               : op == COMPARE_NOT_REGEX      ? COMPARE_REGEX
                                                                              : op;
}

static bool some_kind_has(struct sema *s, const struct field_ref *ref) {
        for (unsigned kind = WIRE_NONE + 1; kind < _WIRE_KIND_MAX; kind++) {
                struct field_ref one = *ref;

                if (sema_resolve_field(s, &one, (enum wire_kind)kind, true))
                        return true;
        }
        return false;
}

/* What no event is: an exception of a drop-in names a field that no kind of this path has, only those of others. */
static bool make_false(struct sema *s, struct expr *expr) {
        struct expr *never = expr;

        if (compare_op_is_negative(expr->op)) {
                never = arena_memdup(s->arena, expr, sizeof(*expr));
                if (!never)
                        return sema_no_memory(s);
                expr->type = EXPR_NOT;
                expr->left = never;
        }
        never->type = EXPR_COMPARE;
        never->span = expr->span;
        never->field = (struct field_ref){.span = expr->field.span,
                                          .name = {.bytes = "time", .length = strlen("time")},
                                          .field = FIELD_COMMON_time,
                                          .subject = SUBJECT_EVENT,
                                          .index = INDEX_NONE};
        never->op = COMPARE_LESS;
        never->masked = false;
        never->operand = (struct operand){.type = OPERAND_NUMBER,
                                          .span = expr->operand.span,
                                          .text = {.bytes = "0", .length = 1}};
        return true;
}

/* A field of events in an exception: the comparison once for each kind that has it, joined by OR, and NOT before all of
 * it if it was negative. A comparison with a field that the kind of an event has not is false (docs/SEMANTICS.md), so
 * this says exactly that. */
static bool check_foreign(struct sema *s, struct expr *expr) {
        struct expr *all = NULL, model = *expr, *node;
        enum compare_op op = expr->op;

        model.op = positive(op);
        for (unsigned kind = WIRE_NONE + 1; kind < _WIRE_KIND_MAX; kind++) {
                struct expr one = model, *copy;

                if (!(s->kinds & wire_kind_bit(kind)) || !sema_resolve_field(s, &one.field, (enum wire_kind)kind, true))
                        continue;
                if (!sema_check_compare(s, &one))
                        return false;
                copy = arena_memdup(s->arena, &one, sizeof(one));
                if (!copy)
                        return sema_no_memory(s);
                if (!all) {
                        all = copy;
                        continue;
                }
                node = arena_memdup(s->arena, &model, sizeof(model));
                if (!node)
                        return sema_no_memory(s);
                node->type = EXPR_OR;
                node->operand = (struct operand){};
                node->left = all;
                node->right = copy;
                all = node;
        }

        if (!all && s->in_shared && some_kind_has(s, &expr->field))
                return make_false(s, expr);
        if (!all) {
                if (s->path->broken)
                        return false;
                sema_error(s, expr->field.span, "no step of this path has a field '%.*s'", TEXT_ARGS(expr->field.name));
                if (schema_find_process_field(expr->field.name.bytes, expr->field.name.length) != FIELD_NONE)
                        diag_hint(s->diags, "did you mean 'proc.%.*s'?", TEXT_ARGS(expr->field.name));
                return false;
        }

        if (compare_op_is_negative(op)) {
                expr->type = EXPR_NOT;
                expr->operand = (struct operand){};
                expr->left = all;
        } else
                *expr = *all;
        return true;
}

static bool check_exception_node(struct sema *s, struct expr *expr);

static bool check_exception_expr(struct sema *s, struct expr *expr) {
        struct diag_span outer = enter_copy(s, expr);
        bool good = check_exception_node(s, expr);

        s->copied_to = outer;
        return good;
}

static bool check_exception_node(struct sema *s, struct expr *expr) {
        bool good;

        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                good = check_exception_expr(s, expr->left);
                return check_exception_expr(s, expr->right) && good;
        case EXPR_NOT:
                return check_exception_expr(s, expr->left);
        case EXPR_ANCESTOR:
                return check_ancestor(s, expr);
        case EXPR_COMPARE:
                if (sema_name_is_of_process(expr->field.name) ||
                    schema_find_field(WIRE_NONE, expr->field.name.bytes, expr->field.name.length) != FIELD_NONE)
                        return sema_resolve_field(s, &expr->field, WIRE_NONE, false) && sema_check_compare(s, expr);
                return check_foreign(s, expr);
        }
        return false;
}

bool sema_check_exception(struct sema *s, struct exception *exception) {
        bool good;

        if (!exception->condition) {
                if (!s->path->broken)
                        sema_error(s, exception->span, "an exception without conditions would hide everything");
                return false;
        }

        sema_check_expiry(s, exception);
        s->n_uses = 0;
        if (!sema_expand(s, exception->condition))
                return false;
        s->anywhere = true;
        s->in_shared = exception->shared;
        s->any_result = true;           /* it sees failed calls as well */
        s->used = 0;
        good = check_exception_expr(s, exception->condition);
        exception->slots = s->used;
        s->anywhere = s->in_shared = false;
        return good;
}
