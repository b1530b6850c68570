/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ast-print.h"

#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#define INDENT 4
#define LINE_WIDTH 100 /* beyond it the conditions of a step stand below each other */

/* How tightly an operator binds: what binds less stands in parentheses. */
enum {
        BINDS_OR,
        BINDS_AND,
        BINDS_NOT,
};

static void print_string(struct text text, struct strbuf *b) {
        strbuf_put_char(b, '"');
        for (size_t i = 0; i < text.length;) {
                unsigned char c = (unsigned char)text.bytes[i];
                uint32_t character;
                size_t n;

                if (c == '"' || c == '\\')
                        strbuf_printf(b, "\\%c", c);
                else if (c == '\n')
                        strbuf_put(b, "\\n");
                else if (c == '\t')
                        strbuf_put(b, "\\t");
                else if (c == '\r')
                        strbuf_put(b, "\\r");
                else {
                        n = utf8_decode(text.bytes + i, text.length - i, &character);
                        if (n > 0 && utf8_is_showable(character)) {
                                strbuf_put_n(b, text.bytes + i, n);
                                i += n;
                                continue;
                        }
                        strbuf_printf(b, "\\x%02x", c);
                }
                i++;
        }
        strbuf_put_char(b, '"');
}

/* Single quotes where they can hold it: patterns are full of backslashes. */
static void print_regex(struct text text, struct strbuf *b) {
        for (size_t i = 0; i < text.length; i++) {
                unsigned char c = (unsigned char)text.bytes[i];

                if (c == '\'' || c < 0x20 || c >= 0x7f) {
                        print_string(text, b);
                        return;
                }
        }
        strbuf_put_char(b, '\'');
        strbuf_put_n(b, text.bytes, text.length);
        strbuf_put_char(b, '\'');
}

static void print_text(struct text text, struct strbuf *b) {
        strbuf_put_n(b, text.bytes, text.length);
}

static void print_operand(const struct operand *operand, struct strbuf *b) {
        switch (operand->type) {
        case OPERAND_STRING:
                print_string(operand->text, b);
                return;
        case OPERAND_REGEX:
                print_regex(operand->text, b);
                return;
        case OPERAND_NUMBER:
        case OPERAND_NETWORK:
        case OPERAND_NAME:
        case OPERAND_CAPTURE:
        case OPERAND_RUNTIME:
                print_text(operand->text, b);
                return;
        case OPERAND_LIST:
                if (operand->text.length > 0) { /* a named one */
                        print_text(operand->text, b);
                        return;
                }
                strbuf_put_char(b, '[');
                for (size_t i = 0; i < operand->n_items; i++) {
                        strbuf_put(b, i == 0 ? "" : ", ");
                        print_operand(&operand->items[i], b);
                }
                strbuf_put_char(b, ']');
                return;
        }
}

static void print_field(const struct field_ref *ref, struct strbuf *b) {
        if (ref->index == INDEX_ANY)
                strbuf_put(b, "any ");
        print_text(ref->name, b);
        if (ref->index >= 0)
                strbuf_printf(b, "[%d]", ref->index);
}

static void print_conjuncts(const struct expr *expr, const char *separator, unsigned depth, struct strbuf *b);

static void print_expr(const struct expr *expr, int binds, struct strbuf *b) {
        int own = expr->type == EXPR_OR ? BINDS_OR : expr->type == EXPR_AND ? BINDS_AND
                                                                            : BINDS_NOT;

        if (own < binds)
                strbuf_put_char(b, '(');

        switch (expr->type) {
        case EXPR_OR:
                print_expr(expr->left, BINDS_OR, b);
                strbuf_put(b, " or ");
                print_expr(expr->right, BINDS_AND, b);
                break;
        case EXPR_AND:
                print_expr(expr->left, BINDS_AND, b);
                strbuf_put(b, " and ");
                print_expr(expr->right, BINDS_NOT, b);
                break;
        case EXPR_NOT:
                strbuf_put(b, "not ");
                print_expr(expr->left, BINDS_NOT, b);
                break;
        case EXPR_ANCESTOR:
                strbuf_put(b, "ancestor { ");
                print_conjuncts(expr->left, ", ", 0, b);
                strbuf_put(b, " }");
                break;
        case EXPR_COMPARE:
                if (expr->masked)
                        strbuf_put_char(b, '(');
                print_field(&expr->field, b);
                if (expr->masked) {
                        strbuf_put(b, " & ");
                        print_operand(&expr->mask, b);
                        strbuf_put_char(b, ')');
                }
                if (expr->op != COMPARE_TRUE) {
                        strbuf_printf(b, " %s ", compare_op_to_string(expr->op));
                        print_operand(&expr->operand, b);
                }
                break;
        }

        if (own < binds)
                strbuf_put_char(b, ')');
}

void ast_print_expr(const struct expr *expr, struct strbuf *b) {
        print_expr(expr, BINDS_OR, b);
}

static void print_indent(unsigned depth, struct strbuf *b) {
        strbuf_put_repeat(b, ' ', (size_t)depth * INDENT);
}

/* What `and` joins on the left side stands with commas, which bind least. */
static void print_conjuncts(const struct expr *expr, const char *separator, unsigned depth, struct strbuf *b) {
        if (expr->type == EXPR_AND) {
                print_conjuncts(expr->left, separator, depth, b);
                strbuf_put(b, separator);
                if (depth > 0)
                        print_indent(depth, b);
                /* Between commas an `or` needs no parentheses, an `and` does: it would be read as two. */
                print_expr(expr->right, expr->right->type == EXPR_AND ? BINDS_NOT : BINDS_OR, b);
                return;
        }
        if (depth > 0)
                print_indent(depth, b);
        print_expr(expr, BINDS_OR, b);
}

static void print_captures(const struct capture *captures, bool first, const char *separator, unsigned depth,
                           struct strbuf *b) {
        for (const struct capture *c = captures; c; c = c->next) {
                if (c->hidden)
                        continue;
                if (!first)
                        strbuf_put(b, separator);
                if (depth > 0)
                        print_indent(depth, b);
                print_text(c->name, b);
                strbuf_put(b, " = ");
                print_field(&c->field, b);
                first = false;
        }
}

/* "{ a, b }", or one below the other if that is too long. */
static void print_conditions(const struct expr *condition, const struct capture *captures, unsigned depth,
                             struct strbuf *b) {
        size_t start = b->n, line = start;

        if (!condition && !captures) {
                strbuf_put(b, "{ }");
                return;
        }
        while (line > 0 && b->data[line - 1] != '\n')
                line--;

        strbuf_put(b, "{ ");
        if (condition)
                print_conjuncts(condition, ", ", 0, b);
        print_captures(captures, !condition, ", ", 0, b);
        strbuf_put(b, " }");
        if (b->error < 0 || b->n - line <= LINE_WIDTH)
                return;

        strbuf_truncate(b, start);
        strbuf_put(b, "{\n");
        if (condition)
                print_conjuncts(condition, ",\n", depth + 1, b);
        print_captures(captures, !condition, ",\n", depth + 1, b);
        strbuf_put_char(b, '\n');
        print_indent(depth, b);
        strbuf_put_char(b, '}');
}

static void print_elements(const struct element *first, unsigned depth, struct strbuf *b);

static void print_element(const struct element *e, unsigned depth, struct strbuf *b);

/* A branch of one statement stands as it is, a conditional only after ':', where no other ':' could be taken for its
 * own. */
static void print_branch(const struct element *branch, bool otherwise, unsigned depth, struct strbuf *b) {
        if (branch && !branch->next && (otherwise || branch->type != ELEMENT_CONDITIONAL)) {
                print_element(branch, depth, b);
                return;
        }
        strbuf_put(b, "{\n");
        print_elements(branch, depth + 1, b);
        print_indent(depth, b);
        strbuf_put_char(b, '}');
}

static void print_behind(const struct element *e, struct strbuf *b) {
        static const char *const suffixes[] = {[REPEAT_ONCE] = "", [REPEAT_PLUS] = " ..", [REPEAT_STAR] = " ..."};

        for (const struct relation *r = e->relations; r; r = r->next) {
                strbuf_printf(b, " %s ", relation_type_to_string(r->type));
                print_text(r->name, b);
        }
        strbuf_put(b, suffixes[e->repetition]);
        if (e->has_points)
                strbuf_printf(b, " +%" PRId64, e->points);
}

/* The step alone: its kind, the name of its process, its conditions, and what stands behind them. */
static void print_step(const struct element *e, unsigned depth, struct strbuf *b) {
        print_text(e->kind_name, b);
        strbuf_put_char(b, ' ');
        if (e->as.length > 0) {
                strbuf_put(b, "as ");
                print_text(e->as, b);
                strbuf_put_char(b, ' ');
        }
        print_conditions(e->condition, e->captures, depth, b);
        print_behind(e, b);
}

static void print_element(const struct element *e, unsigned depth, struct strbuf *b) {
        char duration[FORMAT_DURATION_MAX];

        switch (e->type) {
        case ELEMENT_STEP:
        case ELEMENT_NOT:
                if (e->type == ELEMENT_NOT)
                        strbuf_put(b, "not ");
                print_step(e, depth, b);
                return;

        case ELEMENT_ABSENCE:
                strbuf_put(b, "no ");
                print_step(e, depth, b);
                strbuf_printf(b, " within %s", format_duration(duration, e->within_ns));
                return;

        case ELEMENT_CONDITIONAL:
                print_step(e, depth, b);
                strbuf_put_char(b, '\n');
                print_indent(depth + 1, b);
                strbuf_put(b, "? ");
                print_branch(e->then, false, depth + 1, b);
                if (e->otherwise) {
                        strbuf_put_char(b, '\n');
                        print_indent(depth + 1, b);
                        strbuf_put(b, ": ");
                        print_branch(e->otherwise, true, depth + 1, b);
                }
                return;

        case ELEMENT_ANY:
                strbuf_put(b, "any {\n");
                break;
        case ELEMENT_ALL:
                strbuf_put(b, "all {\n");
                break;
        case ELEMENT_REPEAT:
                strbuf_printf(b, "repeat %" PRIu32 " ", e->count);
                if (e->has_distinct) {
                        strbuf_put(b, "distinct ");
                        print_field(&e->distinct, b);
                        strbuf_put_char(b, ' ');
                }
                if (e->within_ns > 0)
                        strbuf_printf(b, "within %s ", format_duration(duration, e->within_ns));
                strbuf_put(b, "{\n");
                break;
        case ELEMENT_BLOCK:
                if (e->name.length > 0) {
                        strbuf_put(b, "block ");
                        print_string(e->name, b);
                        strbuf_put_char(b, ' ');
                }
                if (e->within_ns > 0)
                        strbuf_printf(b, "within %s ", format_duration(duration, e->within_ns));
                else if (e->name.length == 0)
                        strbuf_put(b, "block \"\" ");
                strbuf_put(b, "{\n");
                break;
        case ELEMENT_ELLIPSIS:
                strbuf_put(b, "...");
                return;
        }

        print_elements(e->children, depth + 1, b);
        print_indent(depth, b);
        strbuf_put_char(b, '}');
}

static void print_elements(const struct element *first, unsigned depth, struct strbuf *b) {
        for (const struct element *e = first; e; e = e->next) {
                print_indent(depth, b);
                print_element(e, depth, b);
                strbuf_put_char(b, '\n');
        }
}

static void print_list(const struct texts *texts, struct strbuf *b) {
        strbuf_put_char(b, '[');
        for (size_t i = 0; i < texts->n; i++) {
                strbuf_put(b, i == 0 ? "" : ", ");
                print_string(texts->items[i], b);
        }
        strbuf_put(b, "]\n");
}

static void print_texts(const char *property, const struct texts *texts, struct strbuf *b) {
        if (texts->n == 0)
                return;
        print_indent(1, b);
        strbuf_printf(b, "%s = ", property);
        print_list(texts, b);
}

static void print_word(const char *property, const char *word, struct strbuf *b) {
        print_indent(1, b);
        strbuf_printf(b, "%s = %s\n", property, word);
}

static void print_exception(const struct exception *x, unsigned depth, struct strbuf *b) {
        strbuf_put(b, "except ");
        if (x->reason.length > 0) {
                print_string(x->reason, b);
                strbuf_put_char(b, ' ');
        }
        if (x->owner.length > 0) {
                strbuf_put(b, "owner ");
                print_string(x->owner, b);
                strbuf_put_char(b, ' ');
        }
        if (x->expires.length > 0) {
                strbuf_put(b, "expires ");
                print_string(x->expires, b);
                strbuf_put_char(b, ' ');
        }
        print_conditions(x->condition, NULL, depth, b);
        strbuf_put_char(b, '\n');
}

void ast_print_path(const struct path_node *path, struct strbuf *b) {
        char duration[FORMAT_DURATION_MAX];
        size_t start;

        strbuf_put(b, "path ");
        print_string(path->name, b);
        strbuf_put(b, " {\n");
        start = b->n;

        if (path->description.length > 0) {
                print_indent(1, b);
                strbuf_put(b, "description = ");
                print_string(path->description, b);
                strbuf_put_char(b, '\n');
        }
        if (path->severity != SEVERITY_MEDIUM || (path->extension && path->severity_given))
                print_word("severity", severity_to_string(path->severity), b);
        print_texts("mitre", &path->mitre, b);
        if (path->by != KEY_TREE)
                print_word("by", program_key_to_string(path->by), b);
        if (path->within_given)
                print_word("within", path->within_ns > 0 ? format_duration(duration, path->within_ns) : "unlimited", b);
        if (path->suppress_given)
                print_word("suppress", format_duration(duration, path->suppress_ns), b);
        if (path->on_loss != ON_LOSS_FLAG || (path->extension && path->on_loss_given))
                print_word("on_loss", on_loss_to_string(path->on_loss), b);
        if (path->enforce != PATH_ENFORCE_NONE || (path->extension && path->enforce_given))
                print_word("enforce", path_enforce_to_string(path->enforce), b);
        if (path->score > 0) {
                print_indent(1, b);
                strbuf_printf(b, "score = %" PRIu32 "\n", path->score);
        }
        if (path->decay_given) {
                print_indent(1, b);
                strbuf_printf(b, "decay = %" PRIu32 " per %s\n", path->decay,
                              format_duration(duration, path->decay_ns));
        }
        print_texts("respond", &path->respond, b);
        if (b->n > start && path->body)
                strbuf_put_char(b, '\n');

        print_elements(path->body, 1, b);
        for (const struct element *e = path->untils; e; e = e->next) {
                print_indent(1, b);
                strbuf_put(b, "until ");
                print_step(e, 1, b);
                strbuf_put_char(b, '\n');
        }
        for (const struct step_response *r = path->responses; r; r = r->next) {
                print_indent(1, b);
                strbuf_printf(b, "on step %" PRIu32 " respond ", r->number);
                print_list(&r->respond, b);
        }

        for (const struct exception *x = path->exceptions; x; x = x->next) {
                if (x == path->exceptions && b->n > start)
                        strbuf_put_char(b, '\n');
                print_indent(1, b);
                print_exception(x, 1, b);
        }
        strbuf_put(b, "}\n");
}

void ast_print_file(const struct file_node *file, struct strbuf *b) {
        bool first = true;

        for (const struct list_node *l = file->lists; l; l = l->next) {
                strbuf_put(b, "list ");
                print_text(l->name, b);
                strbuf_put(b, l->append ? " += " : " = ");
                print_operand(&l->value, b);
                strbuf_put_char(b, '\n');
                first = false;
        }
        for (const struct macro_node *m = file->macros; m; m = m->next) {
                strbuf_put(b, "macro ");
                print_text(m->name, b);
                strbuf_put(b, m->append ? " += " : " ");
                print_conditions(m->condition, NULL, 0, b);
                strbuf_put_char(b, '\n');
                first = false;
        }
        for (const struct exception *x = file->exceptions; x; x = x->next) {
                print_exception(x, 0, b);
                first = false;
        }
        for (const struct path_node *path = file->paths; path; path = path->next) {
                if (!first)
                        strbuf_put_char(b, '\n');
                ast_print_path(path, b);
                first = false;
        }
}
