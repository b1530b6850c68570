/* SPDX-License-Identifier: Apache-2.0 */
#include "import/sigma-expr.h"

#include <assert.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define WIDTH 112                       /* columns, where it can be done */
#define STEP 4                          /* of the indentation */

static struct sigma_expr *expr_new(struct arena *arena, enum sigma_expr_type type) {
        struct sigma_expr *expr = arena_new(arena, struct sigma_expr);

        if (expr)
                expr->type = type;
        return expr;
}

struct sigma_expr *sigma_expr_constant(struct arena *arena, bool value) {
        return expr_new(arena, value ? SIGMA_EXPR_ALWAYS : SIGMA_EXPR_NEVER);
}

struct sigma_expr *sigma_expr_compare(struct arena *arena, const char *field, const char *op,
                                      const char *const *items, size_t n_items) {
        struct sigma_expr *expr = expr_new(arena, SIGMA_EXPR_COMPARE);

        if (!expr)
                return NULL;
        expr->field = field;
        expr->op = op;
        expr->n_items = n_items;
        if (n_items > 0) {
                expr->items = arena_memdup(arena, items, n_items * sizeof(*items));
                if (!expr->items)
                        return NULL;
        }
        return expr;
}

struct sigma_expr *sigma_expr_not(struct arena *arena, struct sigma_expr *expr) {
        struct sigma_expr *negation;

        if (!expr)
                return NULL;
        switch (expr->type) {
        case SIGMA_EXPR_NEVER: return sigma_expr_constant(arena, true);
        case SIGMA_EXPR_ALWAYS: return sigma_expr_constant(arena, false);
        case SIGMA_EXPR_NOT: return expr->first;
        case SIGMA_EXPR_COMPARE:
        case SIGMA_EXPR_ALL:
        case SIGMA_EXPR_ANY:
                break;
        }
        negation = expr_new(arena, SIGMA_EXPR_NOT);
        if (negation)
                negation->first = expr;
        return negation;
}

/* A row has at least two members; one alone is itself. */
static struct sigma_expr *join(struct arena *arena, enum sigma_expr_type type, struct sigma_expr *row,
                               struct sigma_expr *expr) {
        enum sigma_expr_type nothing = type == SIGMA_EXPR_ALL ? SIGMA_EXPR_ALWAYS : SIGMA_EXPR_NEVER;
        enum sigma_expr_type decided = type == SIGMA_EXPR_ALL ? SIGMA_EXPR_NEVER : SIGMA_EXPR_ALWAYS;
        struct sigma_expr *joined, *last;

        if (!row || !expr)
                return NULL;
        if (row->type == decided || expr->type == nothing)
                return row;
        if (expr->type == decided || row->type == nothing)
                return expr;

        joined = row;
        if (row->type != type || row->label) {
                joined = expr_new(arena, type);
                if (!joined)
                        return NULL;
                joined->first = row;
                row->next = NULL;
        }
        for (last = joined->first; last->next; last = last->next)
                ;
        last->next = expr->type == type && !expr->label ? expr->first : expr;
        return joined;
}

struct sigma_expr *sigma_expr_all(struct arena *arena, struct sigma_expr *row, struct sigma_expr *expr) {
        return join(arena, SIGMA_EXPR_ALL, row, expr);
}

struct sigma_expr *sigma_expr_any(struct arena *arena, struct sigma_expr *row, struct sigma_expr *expr) {
        return join(arena, SIGMA_EXPR_ANY, row, expr);
}

/* On one line. Members of a row stand in parentheses if they are rows themselves. */
static void print_flat(const struct sigma_expr *expr, bool is_member, struct strbuf *b) {
        switch (expr->type) {
        case SIGMA_EXPR_NEVER:
        case SIGMA_EXPR_ALWAYS:
                assert(false);
                return;
        case SIGMA_EXPR_COMPARE:
                strbuf_put(b, expr->field);
                if (!expr->op)
                        return;
                strbuf_printf(b, " %s ", expr->op);
                if (expr->n_items != 1)
                        strbuf_put_char(b, '[');
                for (size_t i = 0; i < expr->n_items; i++)
                        strbuf_printf(b, "%s%s", i > 0 ? ", " : "", expr->items[i]);
                if (expr->n_items != 1)
                        strbuf_put_char(b, ']');
                return;
        case SIGMA_EXPR_NOT:
                strbuf_put(b, "not (");
                print_flat(expr->first, false, b);
                strbuf_put_char(b, ')');
                return;
        case SIGMA_EXPR_ALL:
        case SIGMA_EXPR_ANY:
                if (is_member)
                        strbuf_put_char(b, '(');
                for (const struct sigma_expr *e = expr->first; e; e = e->next) {
                        if (e != expr->first)
                                strbuf_put(b, expr->type == SIGMA_EXPR_ALL ? " and " : " or ");
                        print_flat(e, true, b);
                }
                if (is_member)
                        strbuf_put_char(b, ')');
                return;
        }
}

static void print_indent(unsigned indent, struct strbuf *b) {
        strbuf_put_repeat(b, ' ', indent);
}

static void print_label(const struct sigma_expr *expr, unsigned indent, struct strbuf *b) {
        if (!expr->label)
                return;
        print_indent(indent, b);
        strbuf_put(b, "# ");
        strbuf_put_text(b, expr->label, strlen(expr->label));
        strbuf_put_char(b, '\n');
}

static bool has_label(const struct sigma_expr *expr) {
        for (const struct sigma_expr *e = expr->first; e; e = e->next)
                if (e->label || has_label(e))
                        return true;
        return false;
}

/* A list whose items do not fit on one line: filled rows. */
static void print_list(const struct sigma_expr *expr, unsigned indent, struct strbuf *b) {
        size_t column = WIDTH;

        print_indent(indent, b);
        strbuf_printf(b, "%s %s [", expr->field, expr->op);
        for (size_t i = 0; i < expr->n_items; i++) {
                size_t n = strlen(expr->items[i]) + 2;

                if (column + n > WIDTH) {
                        strbuf_put_char(b, '\n');
                        print_indent(indent + STEP, b);
                        column = indent + STEP;
                } else
                        strbuf_put_char(b, ' ');
                strbuf_put(b, expr->items[i]);
                if (i + 1 < expr->n_items)
                        strbuf_put_char(b, ',');
                column += n;
        }
        strbuf_put_char(b, '\n');
        print_indent(indent, b);
        strbuf_put_char(b, ']');
}

/* On as many lines as it takes, without the end of the last one. */
static void print_wide(const struct sigma_expr *expr, unsigned indent, struct strbuf *b) {
        _cleanup_(strbuf_done) struct strbuf flat = {};

        print_label(expr, indent, b);

        print_flat(expr, true, &flat);
        if (flat.error < 0 && b->error == 0)
                b->error = flat.error;
        if (!has_label(expr) && (indent + flat.n <= WIDTH || (expr->type == SIGMA_EXPR_COMPARE && expr->n_items < 2))) {
                print_indent(indent, b);
                strbuf_put(b, strbuf_str(&flat));
                return;
        }

        if (expr->type == SIGMA_EXPR_COMPARE) {
                print_list(expr, indent, b);
                return;
        }
        print_indent(indent, b);
        strbuf_put(b, expr->type == SIGMA_EXPR_NOT ? "not (\n" : "(\n");
        if (expr->type == SIGMA_EXPR_NOT &&
            (expr->first->type == SIGMA_EXPR_ALL || expr->first->type == SIGMA_EXPR_ANY)) {
                expr = expr->first;             /* its parentheses are those of the `not` */
                print_label(expr, indent + STEP, b);
        }
        for (const struct sigma_expr *e = expr->first; e; e = e->next) {
                print_wide(e, indent + STEP, b);
                strbuf_put(b, !e->next ? "\n" : expr->type == SIGMA_EXPR_ALL ? " and\n" : " or\n");
        }
        print_indent(indent, b);
        strbuf_put_char(b, ')');
}

void sigma_expr_print(const struct sigma_expr *expr, unsigned indent, struct strbuf *b) {
        assert(expr->type != SIGMA_EXPR_NEVER && expr->type != SIGMA_EXPR_ALWAYS);

        if (expr->type != SIGMA_EXPR_ALL) {
                print_wide(expr, indent, b);
                strbuf_put_char(b, '\n');
                return;
        }
        print_label(expr, indent, b);
        for (const struct sigma_expr *e = expr->first; e; e = e->next) {
                print_wide(e, indent, b);
                strbuf_put_char(b, '\n');
        }
}
