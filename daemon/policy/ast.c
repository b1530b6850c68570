/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ast.h"

#include <errno.h>
#include <string.h>

const char *compare_op_to_string(enum compare_op op) {
        switch (op) {
        case COMPARE_EQUAL: return "==";
        case COMPARE_NOT_EQUAL: return "!=";
        case COMPARE_LESS: return "<";
        case COMPARE_LESS_EQUAL: return "<=";
        case COMPARE_GREATER: return ">";
        case COMPARE_GREATER_EQUAL: return ">=";
        case COMPARE_IN: return "in";
        case COMPARE_NOT_IN: return "not in";
        case COMPARE_REGEX: return "=~";
        case COMPARE_NOT_REGEX: return "!~";
        case COMPARE_FOLD: return "~=";
        case COMPARE_GLOB: return "glob";
        case COMPARE_STARTSWITH: return "startswith";
        case COMPARE_ENDSWITH: return "endswith";
        case COMPARE_CONTAINS: return "contains";
        case COMPARE_BITS_ANY: return "&";
        case COMPARE_BITS_ALL: return "has all";
        case COMPARE_TRUE: return "";
        case _COMPARE_OP_MAX: break;
        }
        return NULL;
}

bool compare_op_is_negative(enum compare_op op) {
        return op == COMPARE_NOT_EQUAL || op == COMPARE_NOT_IN || op == COMPARE_NOT_REGEX;
}

const char *relation_type_to_string(enum relation_type type) {
        switch (type) {
        case RELATION_SAME_PROCESS: return "same process as";
        case RELATION_CHILD: return "child of";
        case RELATION_SIBLING: return "sibling of";
        case RELATION_DESCENDANT: return "descendant of";
        case RELATION_SAME_FILE: return "same file as";
        case RELATION_SAME_PIPE: return "same pipe as";
        case RELATION_SAME_UNIT: return "same unit as";
        case _RELATION_TYPE_MAX: break;
        }
        return NULL;
}

const char *on_loss_to_string(enum on_loss on_loss) {
        switch (on_loss) {
        case ON_LOSS_FLAG: return "flag";
        case ON_LOSS_ALERT: return "alert";
        case ON_LOSS_SKIP: return "skip";
        case _ON_LOSS_MAX: break;
        }
        return NULL;
}

int on_loss_from_string(const char *name, size_t length) {
        for (int i = 0; i < _ON_LOSS_MAX; i++)
                if (memeq_str(name, length, on_loss_to_string((enum on_loss)i)))
                        return i;
        return -EINVAL;
}

static bool operand_equal(const struct operand *a, const struct operand *b) {
        if (a->type != b->type || !text_equal(a->text, b->text) || a->number != b->number || a->n_items != b->n_items)
                return false;
        if (a->type == OPERAND_NETWORK && memcmp(&a->network, &b->network, sizeof(a->network)) != 0)
                return false;
        for (size_t i = 0; i < a->n_items; i++)
                if (!operand_equal(&a->items[i], &b->items[i]))
                        return false;
        return true;
}

static bool field_ref_equal(const struct field_ref *a, const struct field_ref *b) {
        return text_equal(a->name, b->name) && a->index == b->index;
}

bool expr_equal(const struct expr *a, const struct expr *b) {
        if (!a || !b)
                return a == b;
        if (a->type != b->type)
                return false;

        switch (a->type) {
        case EXPR_AND:
        case EXPR_OR:
                return expr_equal(a->left, b->left) && expr_equal(a->right, b->right);
        case EXPR_NOT:
        case EXPR_ANCESTOR:
                return expr_equal(a->left, b->left);
        case EXPR_COMPARE:
                return a->op == b->op && field_ref_equal(&a->field, &b->field) && a->masked == b->masked &&
                       (!a->masked || operand_equal(&a->mask, &b->mask)) && operand_equal(&a->operand, &b->operand);
        }
        return false;
}

static bool captures_equal(const struct capture *a, const struct capture *b) {
        for (; a && b; a = a->next, b = b->next)
                if (!text_equal(a->name, b->name) || !field_ref_equal(&a->field, &b->field))
                        return false;
        return !a && !b;
}

static bool relations_equal(const struct relation *a, const struct relation *b) {
        for (; a && b; a = a->next, b = b->next)
                if (a->type != b->type || !text_equal(a->name, b->name))
                        return false;
        return !a && !b;
}

static bool elements_equal(const struct element *a, const struct element *b) {
        for (; a && b; a = a->next, b = b->next)
                if (a->type != b->type || !text_equal(a->kind_name, b->kind_name) ||
                    !expr_equal(a->condition, b->condition) || !captures_equal(a->captures, b->captures) ||
                    !text_equal(a->as, b->as) || !relations_equal(a->relations, b->relations) ||
                    a->has_points != b->has_points || a->points != b->points || a->repetition != b->repetition ||
                    !text_equal(a->name, b->name) || a->within_ns != b->within_ns || a->count != b->count ||
                    a->has_distinct != b->has_distinct ||
                    (a->has_distinct && !field_ref_equal(&a->distinct, &b->distinct)) ||
                    !elements_equal(a->children, b->children) || !elements_equal(a->then, b->then) ||
                    !elements_equal(a->otherwise, b->otherwise))
                        return false;
        return !a && !b;
}

static bool exceptions_equal(const struct exception *a, const struct exception *b) {
        for (; a && b; a = a->next, b = b->next)
                if (!text_equal(a->reason, b->reason) || !text_equal(a->owner, b->owner) ||
                    !text_equal(a->expires, b->expires) || !expr_equal(a->condition, b->condition))
                        return false;
        return !a && !b;
}

static bool texts_equal(const struct texts *a, const struct texts *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!text_equal(a->items[i], b->items[i]))
                        return false;
        return true;
}

static bool responses_equal(const struct step_response *a, const struct step_response *b) {
        for (; a && b; a = a->next, b = b->next)
                if (a->number != b->number || !texts_equal(&a->respond, &b->respond))
                        return false;
        return !a && !b;
}

static bool path_equal(const struct path_node *a, const struct path_node *b) {
        return a->extension == b->extension && text_equal(a->name, b->name) &&
               text_equal(a->description, b->description) && a->severity == b->severity && a->by == b->by &&
               a->on_loss == b->on_loss && a->enforce == b->enforce && a->within_ns == b->within_ns &&
               a->within_given == b->within_given && a->suppress_ns == b->suppress_ns &&
               a->suppress_given == b->suppress_given && texts_equal(&a->mitre, &b->mitre) &&
               texts_equal(&a->respond, &b->respond) && elements_equal(a->body, b->body) &&
               elements_equal(a->untils, b->untils) && exceptions_equal(a->exceptions, b->exceptions) &&
               responses_equal(a->responses, b->responses) && a->score == b->score && a->decay == b->decay &&
               a->decay_ns == b->decay_ns && a->decay_given == b->decay_given;
}

bool file_node_equal(const struct file_node *a, const struct file_node *b) {
        const struct list_node *la = a->lists, *lb = b->lists;
        const struct macro_node *ma = a->macros, *mb = b->macros;
        const struct path_node *pa = a->paths, *pb = b->paths;

        for (; la && lb; la = la->next, lb = lb->next)
                if (!text_equal(la->name, lb->name) || la->append != lb->append ||
                    !operand_equal(&la->value, &lb->value))
                        return false;
        for (; ma && mb; ma = ma->next, mb = mb->next)
                if (!text_equal(ma->name, mb->name) || ma->append != mb->append ||
                    !expr_equal(ma->condition, mb->condition))
                        return false;
        for (; pa && pb; pa = pa->next, pb = pb->next)
                if (!path_equal(pa, pb))
                        return false;
        return !la && !lb && !ma && !mb && !pa && !pb && exceptions_equal(a->exceptions, b->exceptions);
}
