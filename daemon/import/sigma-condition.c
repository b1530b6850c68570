/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions: how the selections of a rule are joined.
 *
 *      or      = and { "or" and }
 *      and     = not { "and" not }
 *      not     = "not" not | primary
 *      primary = "(" or ")" | ("1" | "any" | "all") "of" ("them" | PATTERN) | NAME
 *
 * What it becomes depends on whether a `not` stands above it (see sigma_leave_out()), so reading and translating are
 * one pass, which knows. */
#include <strings.h>

#include "import/sigma-private.h"

#define NAMES_MAX 1024                  /* selections of a rule, tokens of a condition */

struct condition {
        struct sigma_work *w;
        const struct yaml_node *detection, *node;
        const char *at;                 /* the token that comes next */
        size_t n;                       /* its bytes; 0: the end */
        size_t n_tokens;
        unsigned nesting;
};

static bool is_name_byte(char c) {
        return c && !strchr(" \t\r\n()|", c);
}

static void next(struct condition *c) {
        c->at += c->n;
        c->at += strspn(c->at, " \t\r\n");
        c->n = *c->at ? 1 : 0;
        if (is_name_byte(*c->at))
                while (is_name_byte(c->at[c->n]))
                        c->n++;
        c->n_tokens++;
}

static bool is_word(const struct condition *c, const char *word) {
        return strlen(word) == c->n && strncasecmp(c->at, word, c->n) == 0;
}

static struct diag_span span_of_token(const struct condition *c) {
        struct diag_span span = c->node->span;
        size_t quotes = c->node->is_plain ? 0 : 1;

        /* In a text of one line without escapes. */
        if (span.length != c->node->n + 2 * quotes)
                return span;
        span.column += quotes + (c->at - c->node->text);
        span.offset += quotes + (c->at - c->node->text);
        span.length = c->n > 0 ? c->n : 1;
        return span;
}

static struct sigma_expr *unexpected(struct condition *c, const char *expected) {
        if (c->n == 1 && *c->at == '|')
                return sigma_break(c->w, SIGMA_AGGREGATION, span_of_token(c),
                                   "a policy of one step counts nothing, and knows no events beside its own");
        if (c->n == 0)
                return sigma_break(c->w, SIGMA_FORM, span_of_token(c), "the condition ends where %s must stand",
                                   expected);
        return sigma_break(c->w, SIGMA_FORM, span_of_token(c), "'%.*s' where %s must stand",
                           (int)MIN(c->n, (size_t)SIGMA_SHOWN), c->at, expected);
}

static bool is_selection(const struct yaml_node *member) {
        return !streq(member->key->text, "condition") && !streq(member->key->text, "timeframe");
}

static const char *closest_selection(struct condition *c) {
        const char *names[NAMES_MAX];
        size_t n = 0;

        for (const struct yaml_node *m = c->detection->first; m && n < NAMES_MAX; m = m->next)
                if (is_selection(m))
                        names[n++] = m->key->text;
        return diag_closest_n(c->at, c->n, names, n);
}

static struct sigma_expr *one_selection(struct condition *c, const struct yaml_node *selection, bool negated) {
        struct sigma_expr *expr = sigma_selection(c->w, selection, negated);

        if (!expr)
                return NULL;
        /* If there is but one, its name says nothing; a constant will be gone. */
        if ((c->detection->first->next && c->detection->first->next->next) && expr->type != SIGMA_EXPR_NEVER &&
            expr->type != SIGMA_EXPR_ALWAYS)
                expr->label = selection->key->text;
        return expr;
}

/* `*` is any row of characters. */
static bool name_matches(const char *pattern, size_t n, const char *name) {
        const char *star = NULL, *again = NULL, *end = pattern + n;

        while (*name) {
                if (pattern < end && *pattern == '*') {
                        star = pattern++;
                        again = name;
                } else if (pattern < end && *pattern == *name) {
                        pattern++;
                        name++;
                } else if (star) {
                        pattern = star + 1;
                        name = ++again;
                } else
                        return false;
        }
        while (pattern < end && *pattern == '*')
                pattern++;
        return pattern == end;
}

/* Behind `1 of`, `all of`. */
static struct sigma_expr *several(struct condition *c, bool all, bool negated) {
        bool them = is_word(c, "them");
        struct sigma_expr *row = sigma_expr_constant(c->w->arena, all), *expr;
        size_t n = 0;

        if (c->n == 0 || !is_name_byte(*c->at))
                return unexpected(c, "'them' or a name");
        for (const struct yaml_node *m = c->detection->first; m && row; m = m->next) {
                if (!is_selection(m) ||
                    !(them ? m->key->text[0] != '_' : name_matches(c->at, c->n, m->key->text)))
                        continue;
                n++;
                expr = one_selection(c, m, negated);
                row = all ? sigma_expr_all(c->w->arena, row, expr) : sigma_expr_any(c->w->arena, row, expr);
        }
        if (n == 0 && row)
                return sigma_break(c->w, SIGMA_FORM, span_of_token(c), "no selection has such a name");
        next(c);
        return row;
}

static struct sigma_expr *read_or(struct condition *c, bool negated);

static struct sigma_expr *read_primary(struct condition *c, bool negated) {
        const struct yaml_node *selection;
        struct sigma_expr *expr;
        const char *closest;

        if (c->n_tokens > NAMES_MAX)
                return sigma_break(c->w, SIGMA_SIZE, c->node->span, "the condition has more than %d words", NAMES_MAX);
        if (c->n == 1 && *c->at == '(') {
                if (++c->nesting > SIGMA_MAX_NESTING)
                        return sigma_break(c->w, SIGMA_SIZE, span_of_token(c), "nested more than %d deep",
                                           SIGMA_MAX_NESTING);
                next(c);
                expr = read_or(c, negated);
                c->nesting--;
                if (!expr)
                        return NULL;
                if (c->n != 1 || *c->at != ')')
                        return unexpected(c, "')'");
                next(c);
                return expr;
        }
        if (c->n == 0 || !is_name_byte(*c->at) || is_word(c, "and") || is_word(c, "or"))
                return unexpected(c, "a selection");

        selection = NULL;
        for (const struct yaml_node *m = c->detection->first; m && !selection; m = m->next)
                if (is_selection(m) && memeq_str(c->at, c->n, m->key->text))
                        selection = m;
        if (!selection) {
                struct condition ahead = *c;

                next(&ahead);
                if (is_word(&ahead, "of")) {
                        bool all = is_word(c, "all");

                        if (!all && !is_word(c, "1") && !is_word(c, "any"))
                                return sigma_break(c->w, SIGMA_FORM, span_of_token(c),
                                                   "only '1 of', 'any of' and 'all of' can be said");
                        next(c);
                        next(c);
                        return several(c, all, negated);
                }
                closest = closest_selection(c);
                expr = sigma_break(c->w, SIGMA_FORM, span_of_token(c), "there is no selection '%.*s'",
                                   (int)MIN(c->n, (size_t)SIGMA_SHOWN), c->at);
                if (closest)
                        sigma_hint(c->w, "did you mean '%s'?", closest);
                return expr;
        }
        next(c);
        return one_selection(c, selection, negated);
}

static struct sigma_expr *read_not(struct condition *c, bool negated) {
        bool flip = false;
        struct sigma_expr *expr;

        while (is_word(c, "not")) {
                flip = !flip;
                next(c);
        }
        expr = read_primary(c, negated != flip);
        return flip ? sigma_count(c->w, sigma_expr_not(c->w->arena, expr)) : expr;
}

static struct sigma_expr *read_and(struct condition *c, bool negated) {
        struct sigma_expr *row = read_not(c, negated);

        while (row && is_word(c, "and")) {
                next(c);
                row = sigma_expr_all(c->w->arena, row, read_not(c, negated));
        }
        return row;
}

static struct sigma_expr *read_or(struct condition *c, bool negated) {
        struct sigma_expr *row = read_and(c, negated);

        while (row && is_word(c, "or")) {
                next(c);
                row = sigma_expr_any(c->w->arena, row, read_and(c, negated));
        }
        return row;
}

static struct sigma_expr *read_condition(struct sigma_work *w, const struct yaml_node *detection,
                                         const struct yaml_node *node) {
        struct condition c = {.w = w, .detection = detection, .node = node, .at = node->text};
        struct sigma_expr *expr;

        if (node->type != YAML_SCALAR)
                return sigma_break(w, SIGMA_FORM, node->span, "a condition must stand here");
        next(&c);
        expr = read_or(&c, false);
        if (expr && c.n > 0)
                return unexpected(&c, "'and', 'or' or the end");
        return expr;
}

struct sigma_expr *sigma_condition(struct sigma_work *w, const struct yaml_node *detection) {
        const struct yaml_node *condition = sigma_get(detection, "condition");
        struct sigma_expr *row;

        if (!condition)
                return sigma_break(w, SIGMA_FORM, detection->span, "the detection has no 'condition'");
        if (condition->type == YAML_SCALAR)
                return read_condition(w, detection, condition);

        /* Each of several conditions is a search of its own: any of them. */
        if (condition->type != YAML_SEQUENCE || !condition->first)
                return sigma_break(w, SIGMA_FORM, condition->span, "a condition must stand here");
        row = sigma_expr_constant(w->arena, false);
        for (const struct yaml_node *one = condition->first; one && row; one = one->next)
                row = sigma_expr_any(w->arena, row, read_condition(w, detection, one));
        return row;
}
