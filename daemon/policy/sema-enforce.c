/* SPDX-License-Identifier: Apache-2.0 */
/* `enforce`: can the kernel decide the last step by itself? What it cannot is said where it stands. program/enforce.h
 * makes rules of the compiled path, and refuses again whatever is let pass here. */
#include <string.h>

#include "policy/sema-private.h"
#include "program/enforce.h"
#include "program/glob.h"

struct enforce_check {
        struct sema *s;
        const struct path_node *path;
        const struct element *step;     /* the last step at hand */
        bool only;                      /* there is none before it */
};

static bool undecidable(const struct enforce_check *c, struct diag_span span, const char *why) {
        sema_error(c->s, span, "the kernel cannot decide this: %s", why);
        diag_related(c->s->diags, c->path->enforce_span, "it would have to, for 'enforce'");
        return false;
}

/* ---- conditions ---- */

static bool check_text(const struct enforce_check *c, const struct expr *expr, const struct operand *operand) {
        char literal[GLOB_MAX];
        enum glob_place place;
        size_t length = operand->text.length;

        if (operand->type != OPERAND_STRING)
                return undecidable(c, operand->span, "a runtime list is the daemon's");
        if (expr->op == COMPARE_GLOB &&
            (length > GLOB_MAX || !glob_is_plain(operand->text.bytes, length, literal, &length, &place) ||
             place == GLOB_INSIDE))
                return undecidable(c, operand->span, "of globs it knows \"/dir/**\" and \"**.end\" alone");
        if (length == 0 || length > ENFORCEMENT_MAX_TEXT)
                return undecidable(c, operand->span, "it compares 1 to 240 bytes");
        return true;
}

static bool check_texts(const struct enforce_check *c, const struct expr *expr) {
        const struct operand *operand = &expr->operand;
        bool good = true;

        switch ((int)expr->op) {
        case COMPARE_EQUAL:
        case COMPARE_NOT_EQUAL:
        case COMPARE_IN:
        case COMPARE_NOT_IN:
        case COMPARE_STARTSWITH:
        case COMPARE_ENDSWITH:
        case COMPARE_GLOB:
                break;
        case COMPARE_REGEX:
        case COMPARE_NOT_REGEX:
                return undecidable(c, expr->span, "it runs no regexes; 'startswith', 'endswith' and 'in' it knows");
        default:
                return undecidable(c, expr->span, "it compares exactly, or by 'startswith' and 'endswith'");
        }
        if (operand->type != OPERAND_LIST)
                return check_text(c, expr, operand);
        if (operand->n_items > ENFORCEMENT_MAX_OPERANDS)
                return undecidable(c, operand->span, "the list has more than 32 items");
        for (size_t i = 0; i < operand->n_items && good; i++)
                good = check_text(c, expr, &operand->items[i]);
        return good;
}

static bool check_flags(const struct enforce_check *c, const struct expr *expr) {
        bool masked = expr->masked && (expr->op == COMPARE_EQUAL || expr->op == COMPARE_NOT_EQUAL);
        int64_t bits = masked ? expr->mask.number : expr->operand.number;

        if (!masked && expr->op != COMPARE_BITS_ANY && expr->op != COMPARE_BITS_ALL)
                return undecidable(c, expr->span, "flags are compared by their bits: 'flags & O_WRONLY'");
        if (expr->operand.type != OPERAND_NUMBER || (bits & ~(int64_t)ENFORCE_OPEN_FLAGS) != 0)
                return undecidable(c, expr->span, "of flags it keeps O_WRONLY, O_RDWR and O_APPEND alone");
        return true;
}

static bool check_number(const struct enforce_check *c, const struct expr *expr) {
        if (expr->masked || expr->op == COMPARE_BITS_ANY || expr->op == COMPARE_BITS_ALL)
                return undecidable(c, expr->span, "it compares the bits of flags alone");
        if (expr->op != COMPARE_TRUE && expr->operand.type == OPERAND_RUNTIME)
                return undecidable(c, expr->operand.span, "a runtime list is the daemon's");
        if (expr->op != COMPARE_TRUE && expr->operand.type == OPERAND_LIST &&
            expr->operand.n_items > ENFORCEMENT_MAX_OPERANDS)
                return undecidable(c, expr->operand.span, "the list has more than 32 items");
        return true;
}

/* Those that are to be, of which some go by no hook. What is not to be is left out of what it decides. */
static bool check_request(const struct enforce_check *c, const struct expr *expr) {
        const struct operand *operand = &expr->operand;
        bool list = operand->type == OPERAND_LIST;
        size_t n = list ? operand->n_items : 1;

        if (!check_number(c, expr))
                return false;
        if (expr->op != COMPARE_EQUAL && expr->op != COMPARE_IN)
                return true;
        for (size_t i = 0; i < n; i++) {
                const struct operand *item = list ? &operand->items[i] : operand;

                if (item->type == OPERAND_NUMBER &&
                    !enforce_request(item->number, c->path->enforce == PATH_ENFORCE_DENY))
                        return undecidable(c, item->span,
                                           item->number == WIRE_PTRACE_PROC_MEM
                                                 ? "an open of /proc/PID/mem is an 'openat' to it"
                                                 : "it refuses who attaches, not what is done when he has");
        }
        return true;
}

/* Of an event of another kind it is false: exceptions name the fields of all kinds of their path. */
static bool is_foreign(const struct enforce_check *c, const struct expr *expr) {
        const struct field_info *info = schema_field(expr->field.field);

        return !info || (info->scope == FIELD_EVENT && info->kind != c->step->kind);
}

static bool check_compare(const struct enforce_check *c, const struct expr *expr) {
        enum enforcement_field field;
        const char *why = "";

        if (is_foreign(c, expr))
                return true;
        field = enforce_field(c->step->kind, expr->field.field, expr->field.subject, &why);
        if (field == _ENFORCEMENT_FIELD_MAX)
                return undecidable(c, expr->field.span, why);
        if (expr->op != COMPARE_TRUE && expr->operand.type == OPERAND_CAPTURE) {
                bool equal = expr->op == COMPARE_EQUAL || expr->op == COMPARE_NOT_EQUAL;

                return (equal && (field == ENFORCEMENT_FILE || field == ENFORCEMENT_ADDRESS)) ||
                       undecidable(c, expr->operand.span,
                                   "of captures it compares a file ('file == $f') or an address ('daddr == $a')");
        }

        switch (field) {
        case ENFORCEMENT_EXE:
        case ENFORCEMENT_PATH:
                return check_texts(c, expr);
        case ENFORCEMENT_FLAGS:
                return check_flags(c, expr);
        case ENFORCEMENT_REQUEST:
                return check_request(c, expr);
        case ENFORCEMENT_UID:
        case ENFORCEMENT_EUID:
        case ENFORCEMENT_GID:
        case ENFORCEMENT_EGID:
        case ENFORCEMENT_PORT:
        case ENFORCEMENT_TARGET_PID:
        case ENFORCEMENT_TARGET_UID:
        case ENFORCEMENT_ADDRESS:
                return check_number(c, expr);
        case ENFORCEMENT_FILE:
        case _ENFORCEMENT_FIELD_MAX:
                break;
        }
        return undecidable(c, expr->span, "of files as such it knows that they are the one captured before");
}

/* All that is wrong. A list that stands for an `or` is one comparison. */
static bool check_expr(const struct enforce_check *c, const struct expr *expr) {
        bool good = true;

        if (!expr)
                return true;
        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                good = check_expr(c, expr->left);
                if (good || !expr->spread)
                        good = check_expr(c, expr->right) && good;
                return good;
        case EXPR_NOT:
                return check_expr(c, expr->left);
        case EXPR_ANCESTOR:
                return undecidable(c, expr->span, "it looks at the caller, and at nobody before him");
        case EXPR_COMPARE:
                return check_compare(c, expr);
        }
        return good;
}

/* Conjunctions that it comes to, as far as anybody wants to know; and does each look at the far side? */
static unsigned alternatives(const struct expr *expr, bool negate) {
        unsigned left, right;

        if (!expr || expr->type == EXPR_COMPARE || expr->type == EXPR_ANCESTOR || (expr->spread && !negate))
                return 1;
        if (expr->type == EXPR_NOT)
                return alternatives(expr->left, !negate);
        left = alternatives(expr->left, negate);
        right = alternatives(expr->right, negate);
        return MIN((expr->type == EXPR_OR) == !negate ? left + right : left * right, 1000U);
}

static bool names_far_side(const struct enforce_check *c, const struct expr *expr, bool negate) {
        const char *why;

        if (!expr)
                return false;
        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                if ((expr->type == EXPR_AND) == !negate)
                        return names_far_side(c, expr->left, negate) || names_far_side(c, expr->right, negate);
                return names_far_side(c, expr->left, negate) && names_far_side(c, expr->right, negate);
        case EXPR_NOT:
                return names_far_side(c, expr->left, !negate);
        case EXPR_ANCESTOR:
                return false;
        case EXPR_COMPARE:
                switch ((int)enforce_field(c->step->kind, expr->field.field, expr->field.subject, &why)) {
                case ENFORCEMENT_ADDRESS:
                case ENFORCEMENT_PORT:
                        return true;
                default:
                        return false;
                }
        }
        return false;
}

/* ---- steps ---- */

static void check_step(struct enforce_check *c, struct element *step) {
        bool is_network = step->kind == WIRE_KIND_connect || step->kind == WIRE_KIND_sendto;
        bool good;

        c->step = step;
        if (step->kind == WIRE_NONE)
                return;
        if (!is_network && step->kind != WIRE_KIND_openat && step->kind != WIRE_KIND_execve &&
            step->kind != WIRE_KIND_ptrace) {
                undecidable(c, step->kind_span, "the last step is a connect, sendto, openat, execve or ptrace");
                return;
        }
        if (step->repetition != REPEAT_ONCE) {
                undecidable(c, step->span, "the last step is one call");
                return;
        }
        if (c->only && !step->condition && !c->path->exceptions) {
                undecidable(c, step->kind_span, "nothing comes before it and it has no condition: that is every such "
                                                "call of this host");
                return;
        }
        step->refusable = true;         /* what the kernel has refused is told as a call that failed */
        good = check_expr(c, step->condition);
        if (good && alternatives(step->condition, false) > ENFORCEMENT_MAX_RULES)
                good = undecidable(c, step->condition->span, "these alternatives are more than 8");
        if (good && is_network && !names_far_side(c, step->condition, false))
                undecidable(c, step->kind_span, "not every socket has an address: compare 'daddr' or 'dport' too");

        for (const struct exception *x = c->path->exceptions; x; x = x->next) {
                if (x->expired)
                        continue;
                if (x->slots != 0)
                        undecidable(c, x->span, "this exception names a capture");
                else if (check_expr(c, x->condition) && alternatives(x->condition, true) > ENFORCEMENT_MAX_RULES)
                        undecidable(c, x->span, "this exception is more than 8 alternatives");
        }
}

static void check_last(struct enforce_check *c, struct element *first) {
        const struct element *barred = NULL;
        struct element *last = NULL;

        for (struct element *e = first; e; e = e->next)
                if (e->type != ELEMENT_NOT && e->type != ELEMENT_ELLIPSIS)
                        last = e;
        if (!last)
                return;

        /* A `not` that is in force when the last step comes. */
        for (const struct element *e = first; e && e != last; e = e->next)
                if (e->type == ELEMENT_NOT)
                        barred = e;
                else if (!sema_is_optional(e))
                        barred = NULL;
        if (barred)
                undecidable(c, barred->span, "what must not come before the last step it does not look at");

        switch (last->type) {
        case ELEMENT_STEP:
                check_step(c, last);
                return;
        case ELEMENT_ANY:
                for (struct element *e = last->children; e; e = e->next)
                        if (e->type == ELEMENT_STEP)
                                check_step(c, e);
                        else
                                check_last(c, e->children);
                return;
        case ELEMENT_BLOCK:
                check_last(c, last->children);
                return;
        case ELEMENT_NOT:
        case ELEMENT_ELLIPSIS:
        case ELEMENT_CONDITIONAL:
        case ELEMENT_ALL:
        case ELEMENT_REPEAT:
        case ELEMENT_ABSENCE:
                break;
        }
        undecidable(c, last->span, "the last step is one call, or 'any' of several");
}

void sema_check_enforce(struct sema *s, struct path_node *path) {
        struct enforce_check c = {.s = s, .path = path, .only = path->body && !path->body->next};

        if (path->enforce == PATH_ENFORCE_NONE || path->broken)
                return;
        if (path->score > 0) {
                sema_error(s, path->enforce_span, "a path with a score has no last step for the kernel to decide");
                return;
        }
        if (path->by == KEY_DESCENT) {
                sema_error(s, path->enforce_span, "the kernel does not tell stories apart by descent: it forgets who "
                                                  "created a process when the creator ends");
                diag_hint(s->diags, "'by' is process, tree, unit, container, user or host");
        }
        if (path->untils)
                undecidable(&c, path->untils->span, "the story may be over when the last step comes");
        check_last(&c, path->body);
}
