/* SPDX-License-Identifier: Apache-2.0 */
/* Macros: conditions under a name. A copy of them takes the place of the name before anything in it is looked up, so
 * its fields are those of the step that uses it. */
#include <stdlib.h>
#include <string.h>

#include "policy/sema-private.h"

enum {
        MACRO_NEW,
        MACRO_OPEN,                     /* being looked through: to meet it again is a cycle */
        MACRO_GOOD,
        MACRO_BROKEN,
};

static int text_compare(struct text a, struct text b) {
        int r = memcmp(a.bytes, b.bytes, MIN(a.length, b.length));

        return r != 0 ? r : (a.length > b.length) - (a.length < b.length);
}

/* Definitions come before what adds to them, and drop-ins last, in their own order. */
static int sema_macro_rank(const struct sema_macro *macro) {
        return macro->file->extends ? 2 : macro->node->append ? 1 : 0;
}

static int sema_macro_compare(const void *x, const void *y) {
        const struct sema_macro *a = x, *b = y;
        int r = text_compare(a->node->name, b->node->name);

        if (r == 0)
                r = sema_macro_rank(a) - sema_macro_rank(b);
        return r != 0 ? r : (a->order > b->order) - (a->order < b->order);
}

bool sema_collect_macros(struct sema *s) {
        size_t n = 0, i = 0;

        for (const struct file_node *f = s->set->files; f; f = f->next)
                for (const struct macro_node *m = f->macros; m; m = m->next)
                        n++;
        if (n == 0)
                return true;

        s->macros = arena_new_array(s->arena, struct sema_macro, n);
        if (!s->macros)
                return sema_no_memory(s);
        for (const struct file_node *f = s->set->files; f; f = f->next)
                for (struct macro_node *m = f->macros; m; m = m->next, i++)
                        s->macros[i] = (struct sema_macro){.node = m, .file = f, .order = i};
        s->n_macros = n;
        qsort(s->macros, n, sizeof(*s->macros), sema_macro_compare);
        return true;
}

/* `macro m += { }`: or these. */
static bool add_alternative(struct sema *s, struct macro_node *macro, struct expr *condition) {
        struct expr *either;

        if (!condition || !macro->condition) {
                macro->condition = macro->condition ? macro->condition : condition;
                return true;
        }
        either = arena_new(s->arena, struct expr);
        if (!either)
                return sema_no_memory(s);
        either->type = EXPR_OR;
        either->span = condition->span;
        either->left = macro->condition;
        either->right = condition;
        macro->condition = either;
        return true;
}

/* What a drop-in says of a macro replaces what the file says that it extends, and nothing else. */
static bool join_macro(struct sema *s, struct sema_macro *first, struct sema_macro *macro) {
        struct text name = macro->node->name;

        macro->joined = true;
        if (macro->node->append && ++first->n_added > SEMA_MAX_ALTERNATIVES) {
                if (first->n_added == SEMA_MAX_ALTERNATIVES + 1)
                        sema_error(s, macro->node->name_span,
                                   "too much is added to the macro '%.*s': more than %u times", TEXT_ARGS(name),
                                   SEMA_MAX_ALTERNATIVES);
                return true;
        }
        if (macro->node->append)
                return add_alternative(s, first->node, macro->node->condition);
        if (macro->file->extends &&
            (first->file == macro->file->extends || first->file->extends == macro->file->extends)) {
                first->node->condition = macro->node->condition;
                return true;
        }
        sema_error(s, macro->node->name_span, "a second macro '%.*s'", TEXT_ARGS(name));
        diag_hint(s->diags,
                  macro->file->extends ? "a drop-in replaces macros of the file that it extends: '+=' adds to any"
                                       : "'macro %.*s += { ... }' adds another alternative",
                  TEXT_ARGS(name));
        diag_related(s->diags, first->node->name_span, "first defined here");
        return true;
}

bool sema_join_macros(struct sema *s) {
        size_t first = 0;

        for (size_t i = 0; i < s->n_macros; i++) {
                struct text name = s->macros[i].node->name;

                if (i > 0 && text_equal(s->macros[first].node->name, name)) {
                        if (!join_macro(s, &s->macros[first], &s->macros[i]))
                                return false;
                        continue;
                }
                first = i;
                if (s->macros[i].node->append && !s->broken) {
                        sema_error(s, s->macros[i].node->name_span, "there is no macro '%.*s' to add to",
                                   TEXT_ARGS(name));
                        diag_hint(s->diags, "'macro %.*s { ... }' defines one", TEXT_ARGS(name));
                }
        }
        return true;
}

static struct sema_macro *find_macro(struct sema *s, struct text name) {
        size_t low = 0, high = s->n_macros;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (text_compare(s->macros[middle].node->name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < s->n_macros && text_equal(s->macros[low].node->name, name) ? &s->macros[low] : NULL;
}

const char *sema_closest_macro(struct sema *s, struct text name) {
        const char *names[256];
        size_t n = MIN(s->n_macros, ELEMENTSOF(names));

        for (size_t i = 0; i < n; i++)
                names[i] = s->macros[i].node->name.bytes;
        return sema_closest(s, name, names, n);
}

/* A word by itself that is the name of a macro. */
static struct sema_macro *macro_of(struct sema *s, const struct expr *expr) {
        if (s->n_macros == 0 || expr->type != EXPR_COMPARE || expr->op != COMPARE_TRUE ||
            expr->field.index != INDEX_NONE)
                return NULL;
        return find_macro(s, expr->field.name);
}

static bool look_through(struct sema *s, struct sema_macro *macro);

/* Which macros are in this, and how deep? */
static bool look_into(struct sema *s, const struct expr *expr, unsigned *deepest) {
        struct sema_macro *macro;
        bool good;

        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                good = look_into(s, expr->left, deepest);
                return look_into(s, expr->right, deepest) && good;
        case EXPR_NOT:
        case EXPR_ANCESTOR: return look_into(s, expr->left, deepest);
        case EXPR_COMPARE: break;
        }

        macro = macro_of(s, expr);
        if (!macro)
                return true;
        if (macro->state == MACRO_OPEN) {
                sema_error(s, expr->span, "the macro '%.*s' contains itself", TEXT_ARGS(macro->node->name));
                diag_related(s->diags, macro->node->name_span, "it is defined here");
                return false;
        }
        good = look_through(s, macro);
        *deepest = MAX(*deepest, macro->depth);
        return good;
}

static bool look_through(struct sema *s, struct sema_macro *macro) {
        unsigned deepest = 0;
        bool good;

        if (macro->state != MACRO_NEW)
                return macro->state == MACRO_GOOD;

        macro->state = MACRO_OPEN;
        s->depth++;
        good = s->depth <= SEMA_MAX_MACROS_DEEP && macro->node->condition &&
               look_into(s, macro->node->condition, &deepest);
        macro->depth = deepest + 1;
        if (s->depth > SEMA_MAX_MACROS_DEEP || (good && macro->depth > SEMA_MAX_MACROS_DEEP))
                good = sema_error(s, macro->node->name_span, "macros in macros, more than %u deep",
                                  SEMA_MAX_MACROS_DEEP);
        s->depth--;
        macro->state = good ? MACRO_GOOD : MACRO_BROKEN;
        return good;
}

static void check_name(struct sema *s, const struct macro_node *macro) {
        struct text name = macro->name;

        if (name.length > SEMA_MAX_NAME) {
                sema_error(s, macro->name_span, "this name is too long: more than %d bytes", SEMA_MAX_NAME);
                return;
        }
        if (memchr(name.bytes, '.', name.length)) {
                sema_error(s, macro->name_span, "the name of a macro has no dots");
                return;
        }
        for (unsigned kind = WIRE_NONE + 1; kind < _WIRE_KIND_MAX; kind++)
                if (schema_find_field((enum wire_kind)kind, name.bytes, name.length) != FIELD_NONE) {
                        sema_error(s, macro->name_span, "'%.*s' is a field of '%s'", TEXT_ARGS(name),
                                   schema_kind((enum wire_kind)kind)->name);
                        return;
                }
}

void sema_check_macros(struct sema *s) {
        for (size_t i = 0; i < s->n_macros; i++) {
                struct macro_node *macro = s->macros[i].node;

                if (s->macros[i].joined)
                        continue;
                check_name(s, macro);
                if (!macro->condition && !s->broken)
                        sema_error(s, macro->span, "this macro is empty");
                look_through(s, &s->macros[i]);
        }
}

struct expr *sema_copy_expr(struct sema *s, const struct expr *expr) {
        struct expr *copy;

        if (++s->n_copied > SEMA_MAX_COPIES)
                return NULL;
        copy = arena_memdup(s->arena, expr, sizeof(*expr));
        if (!copy) {
                sema_no_memory(s);
                return NULL;
        }
        if (expr->left && !(copy->left = sema_copy_expr(s, expr->left)))
                return NULL;
        if (expr->right && !(copy->right = sema_copy_expr(s, expr->right)))
                return NULL;

        /* What sema turns into something else in the one must not change in the other. */
        if (expr->operand.n_items > 0) {
                copy->operand.items =
                        arena_memdup(s->arena, expr->operand.items, expr->operand.n_items * sizeof(struct operand));
                if (!copy->operand.items) {
                        sema_no_memory(s);
                        return NULL;
                }
        }
        return copy;
}

static bool remember_use(struct sema *s, const struct expr *root, struct diag_span span) {
        if (s->n_uses == s->n_uses_allocated) {
                size_t n = MAX((size_t)8, s->n_uses_allocated * 2);
                struct sema_use *uses = arena_new_array(s->arena, struct sema_use, n);

                if (!uses)
                        return sema_no_memory(s);
                if (s->n_uses > 0)
                        memcpy(uses, s->uses, s->n_uses * sizeof(*uses));
                s->uses = uses;
                s->n_uses_allocated = n;
        }
        s->uses[s->n_uses++] = (struct sema_use){.root = root, .span = span};
        return true;
}

bool sema_expand(struct sema *s, struct expr *expr) {
        struct sema_macro *macro;
        struct diag_span span = expr->span;
        struct expr *copy;
        bool good;

        if (s->n_macros == 0)
                return true;

        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                good = sema_expand(s, expr->left);
                return sema_expand(s, expr->right) && good;
        case EXPR_NOT:
        case EXPR_ANCESTOR: return sema_expand(s, expr->left);
        case EXPR_COMPARE: break;
        }

        macro = macro_of(s, expr);
        if (!macro)
                return true;
        if (macro->state != MACRO_GOOD)
                return false;           /* told where it is defined */

        copy = sema_copy_expr(s, macro->node->condition);
        if (!copy) {
                if (s->error >= 0 && s->n_copied == SEMA_MAX_COPIES + 1)
                        sema_error(s, span, "the macros and drop-ins are too large: more than %u conditions in all",
                                   SEMA_MAX_COPIES);
                return false;
        }
        *expr = *copy;
        return remember_use(s, expr, span) && sema_expand(s, expr);
}
