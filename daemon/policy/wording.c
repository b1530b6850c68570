/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/wording.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define MAX_LISTED 4 /* items of a list without a name that are written out */

/* How tightly words bind: what binds less stands in parentheses. */
enum {
        BINDS_OR,
        BINDS_AND,
        BINDS_NOT,
};

static void put_text(struct text text, struct strbuf *b) {
        strbuf_put_text(b, text.bytes, text.length);
}

void wording_kind(enum wire_kind kind, struct strbuf *b) {
        /* Where the reference is too exact for a story. */
        static const char *const plain[_WIRE_KIND_MAX] = {
                [WIRE_KIND_execve] = "a program was started",
                [WIRE_KIND_exit] = "a process ended",
                [WIRE_KIND_unlink] = "a file was deleted",
                [WIRE_KIND_rename] = "a file was renamed",
                [WIRE_KIND_connect] = "a connection was made",
        };
        const struct kind_info *info = schema_kind(kind);
        const char *doc = kind < _WIRE_KIND_MAX && plain[kind] ? plain[kind] : info ? info->doc : "something happened";

        /* Behind a colon or a parenthesis it is about the calls. */
        strbuf_put_n(b, doc, strcspn(doc, ":(;,"));
        while (b->n > 0 && b->data[b->n - 1] == ' ')
                strbuf_truncate(b, b->n - 1);
}

/* The name of a field without `proc.`, `parent.` or `ancestor.`; those of the event as they are. */
static const char *bare_name(const struct field_ref *ref, size_t *ret_n) {
        const struct field_info *info = schema_field(ref->field);

        if (info) {
                *ret_n = strlen(info->name);
                return info->name;
        }
        *ret_n = ref->name.length;
        return ref->name.bytes;
}

static const char *subject_word(enum program_subject subject) {
        switch (subject) {
        case SUBJECT_EVENT: return "";
        case SUBJECT_PROCESS: return "the process's ";
        case SUBJECT_PARENT: return "the parent's ";
        case SUBJECT_ANCESTOR: return "some ancestor's ";
        case SUBJECT_EACH: return "its ";
        case _SUBJECT_MAX: break;
        }
        return "";
}

static void put_field(const struct field_ref *ref, struct strbuf *b) {
        size_t n;
        const char *name = bare_name(ref, &n);

        strbuf_put(b, subject_word(ref->subject));
        if (ref->index == INDEX_ANY)
                strbuf_put(b, "any element of ");
        if (ref->subject == SUBJECT_PROCESS && memeq_str(name, n, "identity"))
                strbuf_put(b, "identity");
        else
                strbuf_put_n(b, name, n);
        if (ref->index >= 0)
                strbuf_printf(b, "[%d]", ref->index);
}

static void put_quoted(struct text text, char quote, struct strbuf *b) {
        strbuf_put_char(b, quote);
        put_text(text, b);
        strbuf_put_char(b, quote);
}

static void put_operand(const struct operand *operand, struct strbuf *b) {
        switch (operand->type) {
        case OPERAND_STRING:
                put_quoted(operand->text, '"', b);
                return;
        case OPERAND_REGEX:
                put_quoted(operand->text, '\'', b);
                return;
        case OPERAND_NUMBER:
        case OPERAND_NETWORK:
        case OPERAND_NAME:
        case OPERAND_CAPTURE:
        case OPERAND_RUNTIME:
                put_text(operand->text, b);
                return;
        case OPERAND_LIST:
                if (operand->text.length > 0) {
                        put_text(operand->text, b);
                        return;
                }
                for (size_t i = 0; i < MIN(operand->n_items, (size_t)MAX_LISTED); i++) {
                        strbuf_put(b, i == 0 ? "" : i + 1 == operand->n_items ? " or " : ", ");
                        put_operand(&operand->items[i], b);
                }
                if (operand->n_items > MAX_LISTED)
                        strbuf_printf(b, " or %zu more", operand->n_items - MAX_LISTED);
                return;
        }
}

/* A named list, or several: then "one of" stands before it. */
static bool is_choice(const struct operand *operand) {
        return operand->type == OPERAND_RUNTIME || (operand->type == OPERAND_LIST && operand->text.length > 0);
}

/* Between field and operand; with `not` its opposite. */
static const char *op_word(enum compare_op op, bool negated) {
        switch (op) {
        case COMPARE_EQUAL: return negated ? "is not" : "is";
        case COMPARE_NOT_EQUAL: return negated ? "is" : "is not";
        case COMPARE_LESS: return negated ? "is not below" : "is below";
        case COMPARE_LESS_EQUAL: return negated ? "is not at most" : "is at most";
        case COMPARE_GREATER: return negated ? "is not above" : "is above";
        case COMPARE_GREATER_EQUAL: return negated ? "is not at least" : "is at least";
        case COMPARE_IN: return negated ? "is not" : "is";
        case COMPARE_NOT_IN: return negated ? "is" : "is not";
        case COMPARE_REGEX: return negated ? "does not match" : "matches";
        case COMPARE_NOT_REGEX: return negated ? "matches" : "does not match";
        case COMPARE_FOLD: return negated ? "is not, in any case of letters," : "is, in any case of letters,";
        case COMPARE_GLOB: return negated ? "does not look like" : "looks like";
        case COMPARE_STARTSWITH: return negated ? "does not begin with" : "begins with";
        case COMPARE_ENDSWITH: return negated ? "does not end in" : "ends in";
        case COMPARE_CONTAINS: return negated ? "does not contain" : "contains";
        case COMPARE_BITS_ANY: return negated ? "has none of" : "has";
        case COMPARE_BITS_ALL: return negated ? "lacks one of" : "has all of";
        case COMPARE_TRUE:
        case _COMPARE_OP_MAX: break;
        }
        return negated ? "is 0" : "is not 0";
}

/* "the image is an anonymous memory file" says more than "memfd". */
static bool put_truth(const struct expr *e, bool negated, struct strbuf *b) {
        const struct field_info *info = schema_field(e->field.field);
        size_t n;

        if (!info || info->format != FORMAT_BOOLEAN || e->op != COMPARE_TRUE)
                return false;
        n = strcspn(info->doc, ":;");
        if (negated)
                strbuf_put(b, "not so: ");
        if (e->field.subject == SUBJECT_PARENT || e->field.subject == SUBJECT_ANCESTOR)
                strbuf_put(b, e->field.subject == SUBJECT_PARENT ? "of the parent, " : "of some ancestor, ");
        strbuf_put_n(b, info->doc, n);
        return true;
}

static void put_compare(const struct expr *e, bool negated, struct strbuf *b) {
        if (put_truth(e, negated, b))
                return;
        if (e->field.field == FIELD_PROCESS_identity && e->operand.type == OPERAND_CAPTURE) {
                strbuf_put(b, e->field.subject == SUBJECT_PARENT ? "the parent " : e->field.subject == SUBJECT_ANCESTOR
                                                                                           ? "some ancestor "
                                                                                           : "the process ");
                strbuf_printf(b, "%s ", op_word(e->op, negated));
                put_operand(&e->operand, b);
                return;
        }
        put_field(&e->field, b);
        if (e->masked) {
                strbuf_put(b, ", only its bits ");
                put_operand(&e->mask, b);
                strbuf_put_char(b, ',');
        }
        strbuf_printf(b, " %s", op_word(e->op, negated));
        if (e->op == COMPARE_TRUE)
                return;
        if (is_choice(&e->operand))
                strbuf_put(b, " one of");
        strbuf_put_char(b, ' ');
        put_operand(&e->operand, b);
}

static void put_expr(const struct expr *expr, int binds, bool negated, struct strbuf *b);

/* `contains` with a list is one comparison to its author and an `or` of many to sema: is this such a one? */
static bool is_uniform(const struct expr *expr, const struct expr *first) {
        if (expr->type == EXPR_OR)
                return is_uniform(expr->left, first) && is_uniform(expr->right, first);
        return expr->type == EXPR_COMPARE && expr->op == first->op && !expr->masked &&
               expr->operand.type == first->operand.type && expr->field.field == first->field.field &&
               expr->field.subject == first->field.subject && expr->field.index == first->field.index &&
               text_equal(expr->field.name, first->field.name);
}

static const struct expr *first_of(const struct expr *expr) {
        while (expr->type == EXPR_OR || expr->type == EXPR_AND)
                expr = expr->left;
        return expr;
}

static size_t count_of(const struct expr *expr) {
        return expr->type == EXPR_OR ? count_of(expr->left) + count_of(expr->right) : 1;
}

static void put_choices(const struct expr *expr, size_t n, size_t *i, struct strbuf *b) {
        if (expr->type == EXPR_OR) {
                put_choices(expr->left, n, i, b);
                put_choices(expr->right, n, i, b);
                return;
        }
        if (*i > 0 && *i < MAX_LISTED)
                strbuf_put(b, *i + 1 == n ? " or " : ", ");
        if (*i < MAX_LISTED)
                put_operand(&expr->operand, b);
        else if (*i == MAX_LISTED)
                strbuf_printf(b, " or %zu more", n - MAX_LISTED);
        ++*i;
}

static bool is_spread_list(const struct expr *expr) {
        const struct expr *first = first_of(expr);

        return expr->type == EXPR_OR && first->type == EXPR_COMPARE && first->op != COMPARE_TRUE &&
               first->operand.type != OPERAND_LIST && first->operand.type != OPERAND_CAPTURE && is_uniform(expr, first);
}

static void put_spread_list(const struct expr *expr, bool negated, struct strbuf *b) {
        const struct expr *first = first_of(expr);
        size_t i = 0;

        put_field(&first->field, b);
        strbuf_printf(b, " %s ", op_word(first->op, negated));
        put_choices(expr, count_of(expr), &i, b);
}

/* The operands of a chain of equal operators. What sema has written once for each kind of event is said once. */
static void put_chain(const struct expr *expr, enum expr_type type, bool negated, size_t start, struct strbuf *b) {
        size_t before, part;

        if (expr->type == type && !is_spread_list(expr)) {
                put_chain(expr->left, type, negated, start, b);
                put_chain(expr->right, type, negated, start, b);
                return;
        }
        before = b->n;
        if (b->n > start)
                strbuf_put(b, (type == EXPR_OR) != negated ? " or " : " and ");
        part = b->n;
        put_expr(expr, (type == EXPR_OR) != negated ? BINDS_AND : BINDS_NOT, negated, b);
        if (b->error >= 0 && before > start && part - start >= b->n - part && b->n > part &&
            memmem(b->data + start, before - start, b->data + part, b->n - part))
                strbuf_truncate(b, before);
}

static void put_expr(const struct expr *expr, int binds, bool negated, struct strbuf *b) {
        int own = BINDS_NOT;
        size_t start;

        switch (expr->type) {
        case EXPR_NOT:
                put_expr(expr->left, binds, !negated, b);
                return;
        case EXPR_COMPARE:
                put_compare(expr, negated, b);
                return;
        case EXPR_ANCESTOR:
                strbuf_put(b, negated ? "there is no ancestor of which: " : "there is one ancestor of which: ");
                put_expr(expr->left, BINDS_OR, false, b);
                return;
        case EXPR_AND:
        case EXPR_OR:
                if (is_spread_list(expr)) {
                        put_spread_list(expr, negated, b);
                        return;
                }
                /* not (a and b) is said as: not a or not b. */
                own = (expr->type == EXPR_OR) != negated ? BINDS_OR : BINDS_AND;
                break;
        }

        if (own < binds)
                strbuf_put_char(b, '(');
        start = b->n;
        put_chain(expr, expr->type, negated, start, b);
        if (own < binds)
                strbuf_put_char(b, ')');
}

void wording_expr(const struct expr *expr, struct strbuf *b) {
        put_expr(expr, BINDS_OR, false, b);
}

/* What compares with a hidden capture. */
static bool is_hidden(const struct expr *expr) {
        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                return is_hidden(expr->left) || is_hidden(expr->right);
        case EXPR_NOT:
        case EXPR_ANCESTOR:
                return is_hidden(expr->left);
        case EXPR_COMPARE:
                return expr->operand.type == OPERAND_CAPTURE &&
                       memchr(expr->operand.text.bytes, '.', expr->operand.text.length);
        }
        return false;
}

/* Is this what sema made of a relation, which is said by itself? */
static bool is_of_relation(const struct element *step, const struct expr *expr) {
        const struct expr *e = expr->type == EXPR_NOT ? expr->left : expr;

        if (!step->relations)
                return false;
        if (e->type != EXPR_COMPARE)
                return is_hidden(expr);
        for (const struct relation *r = step->relations; r; r = r->next)
                if ((e->field.field == FIELD_PROCESS_identity && e->operand.type == OPERAND_CAPTURE &&
                     text_equal(e->operand.text, r->name)) ||
                    (r->type == RELATION_SAME_UNIT && e->field.field == FIELD_PROCESS_unit &&
                     e->operand.text.length == 0))
                        return true;
        return is_hidden(expr);
}

static void put_conjuncts(const struct element *step, const struct expr *expr, struct strbuf *b) {
        if (expr->type == EXPR_AND) {
                put_conjuncts(step, expr->left, b);
                put_conjuncts(step, expr->right, b);
                return;
        }
        if (is_of_relation(step, expr))
                return;
        wording_expr(expr, b);
        strbuf_put_char(b, '\n');
}

static const char *relation_word(enum relation_type type) {
        switch (type) {
        case RELATION_SAME_PROCESS: return "done by the process ";
        case RELATION_CHILD: return "done by a child of ";
        case RELATION_SIBLING: return "done by a sibling of ";
        case RELATION_DESCENDANT: return "done by a descendant of ";
        case RELATION_SAME_FILE: return "about the same file as the step of ";
        case RELATION_SAME_PIPE: return "joined by a pipe to the step of ";
        case RELATION_SAME_UNIT: return "in the same unit as ";
        case _RELATION_TYPE_MAX: break;
        }
        return "related to ";
}

void wording_step(const struct element *step, struct strbuf *b) {
        if (step->condition)
                put_conjuncts(step, step->condition, b);
        for (const struct relation *r = step->relations; r; r = r->next) {
                strbuf_put(b, relation_word(r->type));
                put_text(r->name, b);
                strbuf_put_char(b, '\n');
        }
        for (const struct capture *c = step->captures; c; c = c->next) {
                if (c->hidden)
                        continue;
                if (step->as.length > 0 && text_equal(step->as, c->name)) {
                        strbuf_put(b, "its process is called ");
                        put_text(c->name, b);
                } else {
                        put_field(&c->field, b);
                        strbuf_put(b, " is kept as ");
                        put_text(c->name, b);
                }
                strbuf_put_char(b, '\n');
        }
}

const char *wording_key(enum program_key key) {
        switch (key) {
        case KEY_TREE: return "all by one activity: a process and whatever came of it";
        case KEY_PROCESS: return "all by one process";
        case KEY_DESCENT: return "all by the process of the first step and its descendants";
        case KEY_UNIT: return "all in one systemd unit";
        case KEY_CONTAINER: return "all in one container";
        case KEY_USER: return "all by one user";
        case KEY_HOST: return "by anybody on the host";
        case _KEY_MAX: break;
        }
        return "";
}

void wording_window(const struct path_node *path, struct strbuf *b) {
        char duration[FORMAT_DURATION_MAX];

        if (path->score > 0) {
                strbuf_printf(b, "alert at %u points; %u are forgotten in ", path->score, path->decay);
                strbuf_put(b, format_duration(duration, path->decay_ns));
        } else if (path->within_ns > 0)
                strbuf_printf(b, "within %s from the first step to the last",
                              format_duration(duration, path->within_ns));
        else
                strbuf_put(b, "no limit of time");
}

void wording_count(const struct element *element, struct strbuf *b) {
        char duration[FORMAT_DURATION_MAX];

        if (element->type == ELEMENT_REPEAT)
                strbuf_printf(b, "%u times", element->count);
        if (element->within_ns > 0)
                strbuf_printf(b, "%swithin %s", element->type == ELEMENT_REPEAT ? " " : "",
                              format_duration(duration, element->within_ns));
        if (element->has_distinct) {
                strbuf_put(b, ", counting different values of ");
                put_text(element->distinct.name, b);
        }
}
