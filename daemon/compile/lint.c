/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/lint.h"

#include <errno.h>
#include <string.h>

#include "compile/pattern.h"
#include "compile/regex-tree.h"

#define MAX_CONJUNCTS 64 /* of one step; of more nothing is said */

struct lint {
        struct diag_set *diags;
        const struct path_node *path;
        struct arena arena;             /* of one regex */
        int error;
};

/* --- what a condition says for sure --- */

struct conjuncts {
        const struct expr *items[MAX_CONJUNCTS];
        size_t n;
        bool too_many;
};

static void collect_conjuncts(const struct expr *expr, struct conjuncts *c) {
        if (!expr)
                return;
        if (expr->type == EXPR_AND) {
                collect_conjuncts(expr->left, c);
                collect_conjuncts(expr->right, c);
        } else if (c->n < MAX_CONJUNCTS)
                c->items[c->n++] = expr;
        else
                c->too_many = true;
}

static bool same_field(const struct expr *a, const struct expr *b) {
        return a->type == EXPR_COMPARE && b->type == EXPR_COMPARE && !a->masked && !b->masked &&
               a->field.field == b->field.field && a->field.subject == b->field.subject &&
               a->field.index == b->field.index;
}

static bool text_begins(struct text text, struct text with) {
        return text.length >= with.length && memcmp(text.bytes, with.bytes, with.length) == 0;
}

static bool text_ends_in(struct text text, struct text with) {
        return text.length >= with.length &&
               memcmp(text.bytes + text.length - with.length, with.bytes, with.length) == 0;
}

/* Is a true whenever b is? Only what is plain to see. */
static bool follows_from(const struct expr *a, const struct expr *b) {
        struct text s = b->operand.text;

        if (expr_equal(a, b))
                return true;
        if (!same_field(a, b) || a->operand.type != OPERAND_STRING || b->operand.type != OPERAND_STRING)
                return false;
        if (a->op == COMPARE_STARTSWITH)
                return (b->op == COMPARE_EQUAL || b->op == COMPARE_STARTSWITH) && text_begins(s, a->operand.text);
        if (a->op == COMPARE_ENDSWITH)
                return (b->op == COMPARE_EQUAL || b->op == COMPARE_ENDSWITH) && text_ends_in(s, a->operand.text);
        return false;
}

/* Is all that `a` asks for asked for by `b` as well? */
static bool condition_covers(const struct expr *a, const struct expr *b) {
        struct conjuncts wanted = {}, given = {};

        collect_conjuncts(a, &wanted);
        collect_conjuncts(b, &given);
        if (wanted.too_many || given.too_many)
                return false;
        for (size_t i = 0; i < wanted.n; i++) {
                size_t k = 0;

                while (k < given.n && !follows_from(wanted.items[i], given.items[k]))
                        k++;
                if (k == given.n)
                        return false;
        }
        return true;
}

/* Does `a` take every event that `b` takes? */
static bool step_covers(const struct element *a, const struct element *b) {
        return a->kind == b->kind && (a->any_result || !b->any_result) && condition_covers(a->condition, b->condition);
}

static void warn(struct lint *l, const char *code, struct diag_span span, const char *fmt, ...) _printf_(4, 5);
static void warn(struct lint *l, const char *code, struct diag_span span, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        diag_vreport(l->diags, DIAG_WARNING, span, fmt, ap);
        va_end(ap);
        diag_code(l->diags, code);
}

/* --- steps that nothing reaches --- */

static bool keeps_something(const struct element *e) {
        return e->captures || e->relations || e->as.length > 0;
}

static void lint_any(struct lint *l, const struct element *any) {
        for (const struct element *c = any->children; c; c = c->next)
                for (const struct element *d = any->children; d != c; d = d->next)
                        if (c->type == ELEMENT_STEP && d->type == ELEMENT_STEP && d->repetition == REPEAT_ONCE &&
                            !keeps_something(c) && !keeps_something(d) && step_covers(d, c) &&
                            !expr_equal(c->condition, d->condition)) {
                                warn(l, "unreachable-member", c->kind_span,
                                     "this member of 'any' adds nothing: an earlier one takes all its events");
                                diag_related(l->diags, d->kind_span, "this one, which asks for less");
                                break;
                        }
}

static void lint_until(struct lint *l, const struct element *step, bool last) {
        if (step->type != ELEMENT_STEP || last)
                return;
        for (const struct element *u = l->path->untils; u; u = u->next)
                if (step_covers(u, step)) {
                        warn(l, "unreachable-after-until", step->kind_span,
                             "no story gets past this step: 'until' takes the same events and ends it");
                        diag_related(l->diags, u->span, "here");
                        return;
                }
}

static void lint_exceptions(struct lint *l, const struct element *step) {
        if (step->type != ELEMENT_STEP && step->type != ELEMENT_CONDITIONAL)
                return;
        for (const struct exception *x = l->path->exceptions; x; x = x->next)
                if (!x->expired && x->condition && x->slots == 0 && condition_covers(x->condition, step->condition)) {
                        warn(l, "hidden-step", step->kind_span,
                             "nothing ever takes this step: an exception hides all its events");
                        diag_related(l->diags, x->span, "this one");
                        return;
                }
}

/* --- stories that stay open --- */

/* Kinds of which a host has thousands in a minute. */
static bool is_busy(enum wire_kind kind) {
        switch ((int)kind) {
        case WIRE_KIND_fork: case WIRE_KIND_execve: case WIRE_KIND_exit:
        case WIRE_KIND_openat: case WIRE_KIND_read: case WIRE_KIND_write: case WIRE_KIND_close: case WIRE_KIND_dup:
        case WIRE_KIND_mmap: case WIRE_KIND_mprotect:
        case WIRE_KIND_sendto: case WIRE_KIND_recvfrom:
                return true;
        }
        return false;
}

static const struct element *first_busy(const struct element *e) {
        for (; e; e = e->next) {
                if (e->type == ELEMENT_NOT || e->type == ELEMENT_ELLIPSIS)
                        continue;
                if (e->type == ELEMENT_STEP || e->type == ELEMENT_CONDITIONAL)
                        return is_busy(e->kind) ? e : NULL;
                for (const struct element *c = e->children; c; c = c->next) {
                        const struct element *found = c->type == ELEMENT_STEP ? (is_busy(c->kind) ? c : NULL)
                                                                              : first_busy(c->children);

                        if (found)
                                return found;
                        if (e->type == ELEMENT_BLOCK)
                                break;
                }
                return NULL;
        }
        return NULL;
}

static void lint_window(struct lint *l) {
        const struct path_node *path = l->path;
        const struct element *busy;

        if (path->score > 0 || path->within_ns > 0 || path->n_steps < 2)
                return;
        busy = first_busy(path->body);
        if (!busy)
                return;
        warn(l, "no-window", busy->kind_span,
             "this story has no window, and begins with a kind of event that is busy: what begins it stays open");
        diag_hint(l->diags, "give the path a 'within', and 'until' what ends it");
}

/* --- regexes --- */

static void set_add(struct regex_set *to, const struct regex_set *other) {
        for (unsigned i = 0; i < 4; i++)
                to->words[i] |= other->words[i];
}

static bool set_meets(const struct regex_set *a, const struct regex_set *b) {
        for (unsigned i = 0; i < 4; i++)
                if (a->words[i] & b->words[i])
                        return true;
        return false;
}

/* The bytes with which a match of this can begin. Returns whether it can be empty. */
static bool node_first(const struct regex_node *node, struct regex_set *ret) {
        bool empty = false;

        switch (node->type) {
        case REGEX_BYTE:
                ret->words[node->byte / 64] |= UINT64_C(1) << (node->byte % 64);
                return false;
        case REGEX_DOT:
                memset(ret, 0xff, sizeof(*ret));
                return false;
        case REGEX_SET:
                set_add(ret, node->set);
                return false;
        case REGEX_BEGIN:
        case REGEX_END:
        case REGEX_ASSERTION:
                return true;
        case REGEX_SEQUENCE:
                for (const struct regex_node *c = node->children; c; c = c->next)
                        if (!node_first(c, ret))
                                return false;
                return true;
        case REGEX_CHOICE:
                for (const struct regex_node *c = node->children; c; c = c->next)
                        empty = node_first(c, ret) || empty;
                return empty;
        case REGEX_REPEAT:
                return node_first(node->children, ret) || node->min == 0;
        }
        return true;
}

/* Inside of an unbounded repetition: is there another one that could as well leave a byte to what comes behind it? Then
 * there are as many ways to read a text as there are to cut it in pieces. `after`: what can come behind. */
static bool has_two_readings(const struct regex_node *node, const struct regex_set *after) {
        struct regex_set inner = {}, behind;

        switch (node->type) {
        case REGEX_REPEAT:
                if (node->max == REGEX_TREE_INFINITE) {
                        (void)node_first(node->children, &inner);
                        if (set_meets(&inner, after))
                                return true;
                }
                return has_two_readings(node->children, after);
        case REGEX_CHOICE:
                for (const struct regex_node *c = node->children; c; c = c->next)
                        if (has_two_readings(c, after))
                                return true;
                return false;
        case REGEX_SEQUENCE:
                for (const struct regex_node *c = node->children; c; c = c->next) {
                        const struct regex_node *d;

                        /* Where all that comes behind may be empty, the next round follows. */
                        behind = (struct regex_set){};
                        for (d = c->next; d && node_first(d, &behind); d = d->next)
                                ;
                        if (!d)
                                set_add(&behind, after);
                        if (has_two_readings(c, &behind))
                                return true;
                }
                return false;
        case REGEX_BYTE:
        case REGEX_DOT:
        case REGEX_SET:
        case REGEX_BEGIN:
        case REGEX_END:
        case REGEX_ASSERTION:
                return false;
        }
        return false;
}

static bool backtracks_badly(const struct regex_node *node) {
        struct regex_set first = {};

        if (node->type == REGEX_REPEAT && node->max == REGEX_TREE_INFINITE) {
                (void)node_first(node->children, &first);
                if (has_two_readings(node->children, &first))
                        return true;
        }
        for (const struct regex_node *c = node->children; c; c = c->next)
                if (backtracks_badly(c))
                        return true;
        return false;
}

static void lint_regex(struct lint *l, const struct operand *operand, bool guarded) {
        struct regex_tree tree = {};
        struct pattern pattern = {};
        int r;

        arena_reset(&l->arena);
        r = pattern_read(&l->arena, operand->text, &pattern);
        if (r >= 0)
                r = regex_tree_read(&l->arena, operand->text, &tree);
        if (r < 0) {
                l->error = r;
                return;
        }
        if (pattern.n_parts > 0)
                return;                 /* it becomes plain comparisons */
        if (tree.root && backtracks_badly(tree.root)) {
                warn(l, "regex-backtracks", operand->span,
                     "this pattern can be made to try very many ways: a repetition in a repetition of the same");
                diag_hint(l->diags, "what a match may cost is limited, and beyond it the condition is unknown: whoever "
                                    "chooses the text can choose that");
        } else if (pattern.literal.length == 0 && !guarded) {
                warn(l, "regex-slow", operand->span,
                     "this pattern is tried on every value: there is no text that all its matches contain");
                diag_hint(
                        l->diags,
                        "two or more letters that must be there, outside of '?', '*' and '[ ]', make it cheap, and so "
                        "does a comparison without a pattern beside it (`proc.name == \"...\"`)");
        }
}

/* Does it name what it wants? Conditions are tried in order of their cost (compile/condition.c), regexes last: beside
 * such a comparison a regex sees the few values alone that are left. */
static bool chooses(const struct expr *expr) {
        switch (expr->type) {
        case EXPR_AND:
                return chooses(expr->left) || chooses(expr->right);
        case EXPR_OR:
                return chooses(expr->left) && chooses(expr->right);
        case EXPR_NOT:
        case EXPR_ANCESTOR:
                return false;
        case EXPR_COMPARE:
                return expr->op == COMPARE_EQUAL || expr->op == COMPARE_IN || expr->op == COMPARE_FOLD ||
                       expr->op == COMPARE_GLOB || expr->op == COMPARE_STARTSWITH || expr->op == COMPARE_ENDSWITH ||
                       expr->op == COMPARE_CONTAINS;
        }
        return false;
}

static void lint_expr(struct lint *l, const struct expr *expr, bool guarded) {
        switch (expr->type) {
        case EXPR_AND:
                lint_expr(l, expr->left, guarded || chooses(expr->right));
                lint_expr(l, expr->right, guarded || chooses(expr->left));
                return;
        case EXPR_OR:
                lint_expr(l, expr->left, guarded);
                lint_expr(l, expr->right, guarded);
                return;
        case EXPR_NOT:
                lint_expr(l, expr->left, guarded);
                return;
        case EXPR_ANCESTOR:
                lint_expr(l, expr->left, false);
                return;
        case EXPR_COMPARE:
                if (expr->op == COMPARE_REGEX || expr->op == COMPARE_NOT_REGEX)
                        lint_regex(l, &expr->operand, guarded);
                return;
        }
}

/* --- */

static void lint_elements(struct lint *l, const struct element *first, bool ends_path) {
        for (const struct element *e = first; e && l->error >= 0; e = e->next) {
                bool last = ends_path && !e->next;

                if (e->condition)
                        lint_expr(l, e->condition, false);
                lint_until(l, e, last);
                lint_exceptions(l, e);
                if (e->type == ELEMENT_ANY)
                        lint_any(l, e);
                /* Each member of an `any` may be the last; of an `all` one is, and nobody knows which. */
                if (e->type == ELEMENT_ANY)
                        for (const struct element *c = e->children; c; c = c->next) {
                                struct element alone = *c;

                                alone.next = NULL;
                                lint_elements(l, &alone, last);
                        }
                else
                        lint_elements(l, e->children, last || e->type == ELEMENT_ALL || e->type == ELEMENT_REPEAT);
                lint_elements(l, e->then, last);
                lint_elements(l, e->otherwise, last);
        }
}

int lint_policies(const struct policy_set *set, struct diag_set *diags) {
        struct lint l = {.diags = diags};

        arena_init(&l.arena, 0);
        for (const struct path_node *p = set->paths; p && l.error >= 0; p = p->next) {
                l.path = p;
                lint_window(&l);
                lint_elements(&l, p->body, true);
                lint_elements(&l, p->untils, true);
                for (const struct exception *x = p->exceptions; x && l.error >= 0; x = x->next)
                        if (x->condition)
                                lint_expr(&l, x->condition, false);
        }
        arena_done(&l.arena);
        return l.error;
}
