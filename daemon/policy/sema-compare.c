/* SPDX-License-Identifier: Apache-2.0 */
/* May this field be compared like this with that? Dispatch by type; objects, addresses, lists and captures are done
 * here. */
#include <arpa/inet.h>
#include <string.h>

#include "base/parse.h"
#include "policy/sema-private.h"
#include "program/value-lists.h"

static const char *field_name(const struct field_ref *ref) {
        return ref->name.bytes;         /* ends in NUL, and names of fields that were found are short */
}

bool sema_value_is_string(const struct field_ref *ref) {
        const struct field_info *info = schema_field(ref->field);

        return info->type == VALUE_STRING || (info->type == VALUE_LIST && ref->index != INDEX_NONE);
}

/* Is the value always an absolute path? *ret_resolved: and free of `..`, `//` and the like, because the kernel made it.
 */
bool sema_is_absolute(const struct field_ref *ref, bool *ret_resolved) {
        const struct field_info *info = schema_field(ref->field);

        *ret_resolved = false;
        if (info->type != VALUE_STRING || info->format != FORMAT_PATHNAME)
                return false;
        if (info->scope == FIELD_PROCESS || (info->flags & FIELD_PATH)) {
                *ret_resolved = true;
                return true;
        }
        return info->flags & FIELD_TIER;
}

/* The slot of a capture that every way here binds; reports if there is none. */
bool sema_find_capture(struct sema *s, struct text name, struct diag_span span, uint32_t *ret) {
        const char *names[PROGRAM_MAX_SLOTS];
        uint32_t slot, n = 0;

        for (slot = 0; slot < s->path->n_captures; slot++)
                if (text_equal(s->path->captures[slot], name))
                        break;
        *ret = slot;
        if (slot < s->path->n_captures && (s->anywhere || (s->bound & (1ULL << slot))))
                return true;
        /* A hidden one: that of which it is a part has been found, and not every step that binds that has all parts. */
        if (slot < s->path->n_captures && memchr(name.bytes, '.', name.length))
                return true;

        if (slot < s->path->n_captures) {
                const char *why = "is bound in another branch";

                if (s->siblings & (1ULL << slot))
                        why = "is bound by another member of 'all', which may come later";
                else if (s->maybe & (1ULL << slot))
                        why = "is not bound on every way here";
                sema_error(s, span, "'%.*s' %s", TEXT_ARGS(name), why);
                diag_related(s->diags, s->bound_at[slot], "it is bound here");
                return false;
        }
        if (s->path->broken)
                return false;

        sema_error(s, span, s->anywhere ? "no step of this path binds '%.*s'" : "nothing before this binds '%.*s'",
                   TEXT_ARGS(name));
        for (uint32_t i = 0; i < s->path->n_captures; i++)
                if (!memchr(s->path->captures[i].bytes, '.', s->path->captures[i].length))
                        names[n++] = s->path->captures[i].bytes;
        diag_did_you_mean(s->diags, sema_closest(s, name, names, n));
        return false;
}

/* A capture that is compared with, of a type that can be. */
static bool check_capture_operand(struct sema *s, struct expr *expr) {
        struct operand *operand = &expr->operand;
        const struct field_info *info, *held;
        uint32_t slot;

        if (!sema_find_capture(s, operand->text, operand->span, &slot))
                return false;
        operand->slot = slot;
        s->used |= 1ULL << slot;

        held = schema_field(s->path->capture_fields[slot]);
        info = schema_field(expr->field.field);

        /* `fd == $fd`: a descriptor's number says nothing, its object does. */
        if (held->type == VALUE_OBJECT && sema_object_behind(expr->field.field) != FIELD_NONE) {
                expr->field.field = sema_object_behind(expr->field.field);
                info = schema_field(expr->field.field);
        }

        if (info->type == VALUE_LIST && expr->field.index == INDEX_NONE && expr->op != COMPARE_CONTAINS) {
                sema_error(s, expr->field.span, "'%s' is a list", field_name(&expr->field));
                diag_hint(s->diags, "write 'any %s == %.*s'", field_name(&expr->field), TEXT_ARGS(operand->text));
                return false;
        }
        if ((held->type == VALUE_LIST ? VALUE_STRING : held->type) !=
            (info->type == VALUE_LIST ? VALUE_STRING : info->type)) {
                sema_error(s, expr->span, "'%s' is a %s, '%.*s' holds a %s", field_name(&expr->field),
                           value_type_to_string(info->type == VALUE_LIST ? VALUE_STRING : info->type),
                           TEXT_ARGS(operand->text),
                           value_type_to_string(held->type == VALUE_LIST ? VALUE_STRING : held->type));
                diag_related(s->diags, s->bound_at[slot], "it is bound here");
                return false;
        }
        if (expr->op == COMPARE_CONTAINS && info->type == VALUE_LIST && expr->field.index == INDEX_NONE)
                return true;

        switch (expr->op) {
        case COMPARE_EQUAL:
        case COMPARE_NOT_EQUAL:
                return true;
        case COMPARE_LESS:
        case COMPARE_LESS_EQUAL:
        case COMPARE_GREATER:
        case COMPARE_GREATER_EQUAL:
                if (info->type == VALUE_NUMBER)
                        return true;
                return sema_error(s, expr->span, "'%s' is for numbers, and '%s' is a %s",
                                  compare_op_to_string(expr->op), field_name(&expr->field),
                                  value_type_to_string(info->type));
        case COMPARE_IN:
        case COMPARE_NOT_IN:
        case COMPARE_REGEX:
        case COMPARE_NOT_REGEX:
        case COMPARE_FOLD:
        case COMPARE_GLOB:
        case COMPARE_STARTSWITH:
        case COMPARE_ENDSWITH:
        case COMPARE_CONTAINS:
        case COMPARE_BITS_ANY:
        case COMPARE_BITS_ALL:
        case COMPARE_TRUE:
        case _COMPARE_OP_MAX:
                break;
        }
        sema_error(s, expr->span, "'%s' compares with constants, not with captures", compare_op_to_string(expr->op));
        diag_hint(s->diags, "with captures '==' and '!=' do, of numbers also '<', '<=', '>' and '>='");
        return false;
}

/* Strings that hold an address become one: lists of addresses are often pasted so. */
static bool operand_to_network(struct sema *s, struct operand *item) {
        char text[64];
        int family;

        if (item->type == OPERAND_NETWORK)
                return true;

        family = item->text.length > 0 && memchr(item->text.bytes, ':', item->text.length) ? AF_INET6 : AF_INET;
        if (item->type == OPERAND_STRING && item->text.length < sizeof(text)) {
                const char *slash = memchr(item->text.bytes, '/', item->text.length);
                size_t n = slash ? (size_t)(slash - item->text.bytes) : item->text.length;
                uint64_t prefix = family == AF_INET ? 32 : 128;
                struct program_network network = {};

                memcpy(text, item->text.bytes, n);
                text[n] = '\0';
                if (inet_pton(family, text, network.address.bytes) == 1 &&
                    (!slash || parse_u64_n(slash + 1, item->text.length - n - 1, 0, prefix, &prefix) >= 0)) {
                        network.address.family = (uint16_t)family;
                        network.prefix = (uint32_t)prefix;
                        item->type = OPERAND_NETWORK;
                        item->network = network;
                        return true;
                }
        }
        sema_error(s, item->span, "this is no address");
        if (item->type == OPERAND_NAME && !s->broken)
                diag_did_you_mean(s->diags, sema_closest_list(s, item->text));
        else if (item->type == OPERAND_STRING)
                diag_hint(s->diags, "names are not looked up: write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32");
        return false;
}

/* The list that an operand names takes its place. */
static bool operand_to_list(struct sema *s, struct operand *operand) {
        struct sema_list *list;

        if (operand->type != OPERAND_NAME)
                return true;
        list = sema_find_list(s, operand->text);
        if (!list)
                return true;
        if (!sema_flatten_list(s, list))
                return false;
        operand->type = OPERAND_LIST;
        operand->items = list->node->value.items;
        operand->n_items = list->node->value.n_items;
        return true;
}

/* The items of a list literal, its lists spelled out. */
static bool operand_flatten(struct sema *s, struct operand *operand) {
        struct operand *flat;
        bool nested = false;
        size_t n = 0, i = 0;

        if (operand->text.length > 0)
                return true;            /* a named one is flat */

        for (size_t k = 0; k < operand->n_items; k++) {
                struct operand *item = &operand->items[k];

                if (!operand_to_list(s, item))
                        return false;
                nested = nested || item->type == OPERAND_LIST;
                n += item->type == OPERAND_LIST ? item->n_items : 1;
        }
        if (!nested)
                return true;

        s->n_items += n;
        if (s->n_items > SEMA_MAX_LIST_ITEMS)
                return sema_error(s, operand->span, "the lists are too large: more than %u items in all",
                                  SEMA_MAX_LIST_ITEMS);
        flat = arena_new_array(s->arena, struct operand, MAX(n, (size_t)1));
        if (!flat)
                return sema_no_memory(s);
        for (size_t k = 0; k < operand->n_items; k++) {
                struct operand *item = &operand->items[k];

                if (item->type != OPERAND_LIST)
                        flat[i++] = *item;
                else if (item->n_items > 0) {
                        memcpy(flat + i, item->items, item->n_items * sizeof(*flat));
                        i += item->n_items;
                }
        }
        operand->items = flat;
        operand->n_items = n;
        return true;
}

static bool check_address(struct sema *s, struct expr *expr) {
        struct operand *operand = &expr->operand;
        bool good = true, copied = false;

        switch (expr->op) {
        case COMPARE_EQUAL:
        case COMPARE_NOT_EQUAL:
                if (operand->type == OPERAND_LIST) {
                        sema_error(s, expr->span, "'%s' compares with one address", compare_op_to_string(expr->op));
                        diag_hint(s->diags, "write '%s'", expr->op == COMPARE_EQUAL ? "in" : "not in");
                        return false;
                }
                if (!operand_to_network(s, operand))
                        return false;
                if (operand->network.prefix < (operand->network.address.family == AF_INET ? 32U : 128U)) {
                        sema_error(s, expr->span, "'%s' compares with one address, and this is a network",
                                   compare_op_to_string(expr->op));
                        diag_hint(s->diags, "write '%s'", expr->op == COMPARE_EQUAL ? "in" : "not in");
                        return false;
                }
                return true;
        case COMPARE_IN:
        case COMPARE_NOT_IN:
                if (operand->type != OPERAND_LIST)
                        return operand_to_network(s, operand);
                for (size_t i = 0; i < operand->n_items; i++) {
                        if (operand->items[i].type == OPERAND_NETWORK)
                                continue;
                        /* Items of a named list belong to all its uses. */
                        if (!copied && operand->text.length > 0) {
                                operand->items = arena_memdup(s->arena, operand->items,
                                                              operand->n_items * sizeof(*operand->items));
                                if (!operand->items)
                                        return sema_no_memory(s);
                        }
                        copied = true;
                        good = operand_to_network(s, &operand->items[i]) && good;
                }
                return good;
        case COMPARE_LESS:
        case COMPARE_LESS_EQUAL:
        case COMPARE_GREATER:
        case COMPARE_GREATER_EQUAL:
        case COMPARE_REGEX:
        case COMPARE_NOT_REGEX:
        case COMPARE_FOLD:
        case COMPARE_GLOB:
        case COMPARE_STARTSWITH:
        case COMPARE_ENDSWITH:
        case COMPARE_CONTAINS:
        case COMPARE_BITS_ANY:
        case COMPARE_BITS_ALL:
        case COMPARE_TRUE:
        case _COMPARE_OP_MAX:
                break;
        }

        if (expr->op == COMPARE_TRUE)
                sema_error(s, expr->span, "'%s' is an address: compare it with something", field_name(&expr->field));
        else
                sema_error(s, expr->span, "'%s' does not work on addresses", compare_op_to_string(expr->op));
        diag_hint(s->diags, "'%s in 10.0.0.0/8', '%s == 192.0.2.1'", field_name(&expr->field),
                  field_name(&expr->field));
        return false;
}

/* The whole of argv or env. */
static bool check_list(struct sema *s, struct expr *expr) {
        const char *name = field_name(&expr->field);

        if (expr->op == COMPARE_CONTAINS) {
                if (expr->operand.type == OPERAND_LIST)
                        return sema_spread(s, expr);
                return sema_check_string_operand(s, expr, &expr->operand);
        }

        if (expr->op == COMPARE_TRUE)
                sema_error(s, expr->span, "'%s' is a list: compare one element or any of them", name);
        else
                sema_error(s, expr->span, "'%s' compares one string, and '%s' is a list",
                           compare_op_to_string(expr->op), name);
        if (text_is(expr->field.name, "argv") || text_is(expr->field.name, "proc.argv"))
                diag_hint(s->diags, "write 'any %s ...', '%s[1] ...', or '%s contains \"...\"'", name, name, name);
        else
                diag_hint(s->diags, "write 'any %s ...' or '%s contains \"...\"'", name, name);
        return false;
}

/* With constants, by the type of the field. */
static bool check_typed(struct sema *s, struct expr *expr, const struct field_info *info) {
        switch (info->type) {
        case VALUE_NUMBER:
                return sema_check_number(s, expr, info);
        case VALUE_STRING:
                return sema_check_string(s, expr, info);
        case VALUE_LIST:
                return expr->field.index == INDEX_NONE ? check_list(s, expr) : sema_check_string(s, expr, info);
        case VALUE_ADDRESS:
                return check_address(s, expr);
        case VALUE_OBJECT:
                sema_error(s, expr->span, "'%s' is an object: only a captured one can be compared with it",
                           field_name(&expr->field));
                diag_hint(s->diags, "bind it in an earlier step: '$file = %s'; compare here: '%s == $file'",
                          field_name(&expr->field), field_name(&expr->field));
                return false;
        case VALUE_IDENTITY:
                sema_error(s, expr->span, "'%s' is a process: only a captured one can be compared with it",
                           field_name(&expr->field));
                diag_hint(s->diags, "name an earlier step's process, 'execve as $p { ... }', and compare '%s == $p'",
                          field_name(&expr->field));
                return false;
        case _VALUE_TYPE_MAX:
                break;
        }
        return false;
}

static struct sema_compared *find_compared(const struct sema *s, const struct sema_list *list,
                                           const struct expr *expr) {
        for (struct sema_compared *c = list->compared; c; c = c->next)
                if (c->op == expr->op && c->field.field == expr->field.field &&
                    c->field.subject == expr->field.subject && c->field.index == expr->field.index &&
                    c->masked == expr->masked &&
                    (!c->masked || (c->mask.type == expr->mask.type && c->mask.number == expr->mask.number &&
                                    text_equal(c->mask.text, expr->mask.text))) &&
                    c->any_result == s->any_result && c->anywhere == s->anywhere)
                        return c;
        return NULL;
}

/* A list of thousands that hundreds of policies name is checked once for each field that it is compared with; what is
 * wrong with it is told once, too. */
static bool check_with_list(struct sema *s, struct expr *expr, struct sema_list *list) {
        struct sema_compared *c = find_compared(s, list, expr);
        struct expr before = *expr;

        if (!c) {
                c = arena_new(s->arena, struct sema_compared);
                if (!c)
                        return sema_no_memory(s);
                *c = (struct sema_compared){.next = list->compared,
                                            .op = expr->op,
                                            .field = expr->field,
                                            .masked = expr->masked,
                                            .mask = expr->mask,
                                            .any_result = s->any_result,
                                            .anywhere = s->anywhere};
                s->compared = expr->span;
                c->good = check_typed(s, expr, schema_field(expr->field.field));
                s->compared.line = 0;
                c->after = *expr;
                list->compared = c;
                return c->good;
        }

        *expr = c->after;
        expr->span = before.span;
        if (expr->type == EXPR_COMPARE) {
                expr->field = before.field;
                expr->operand.span = before.operand.span;
        }
        return c->good;
}

static bool is_runtime(const struct operand *operand) {
        return operand->type == OPERAND_NAME && operand->text.length >= strlen(RUNTIME_PREFIX) &&
               memcmp(operand->text.bytes, RUNTIME_PREFIX, strlen(RUNTIME_PREFIX)) == 0;
}

/* `in runtime.blocked`: what is on it is not known here. */
static bool check_runtime(struct sema *s, struct expr *expr, const struct field_info *info) {
        struct text name = expr->operand.text;

        if (expr->op != COMPARE_IN && expr->op != COMPARE_NOT_IN) {
                sema_error(s, expr->span, "'%s' does not work on a runtime list", compare_op_to_string(expr->op));
                diag_hint(s->diags, "'%s%s in %.*s', or 'not in'",
                          info->type == VALUE_LIST && expr->field.index == INDEX_NONE ? "any " : "",
                          field_name(&expr->field), TEXT_ARGS(name));
                return false;
        }
        if (expr->masked)
                return sema_error(s, expr->span, "what is left of '&' is compared with constants");
        if (info->type == VALUE_LIST && expr->field.index == INDEX_NONE) {
                sema_error(s, expr->field.span, "'%s' is a list", field_name(&expr->field));
                diag_hint(s->diags, "write 'any %s in %.*s'", field_name(&expr->field), TEXT_ARGS(name));
                return false;
        }
        if (info->type == VALUE_LIST && streq(info->name, "env"))
                return sema_error(s, expr->field.span, "which variable? Only those that policies name are captured");
        if (info->type == VALUE_OBJECT || info->type == VALUE_IDENTITY)
                return sema_error(s, expr->field.span,
                                  "'%s' cannot be on a runtime list: strings, numbers and addresses can",
                                  field_name(&expr->field));
        if (!value_lists_is_name(name.bytes + strlen(RUNTIME_PREFIX), name.length - strlen(RUNTIME_PREFIX)))
                return sema_error(s, expr->operand.span,
                                  "the name of a runtime list is letters, digits and '_', at most %d of them",
                                  VALUE_LISTS_NAME_MAX);
        expr->operand.type = OPERAND_RUNTIME;
        return true;
}

bool sema_check_compare(struct sema *s, struct expr *expr) {
        const struct field_info *info = schema_field(expr->field.field);
        struct sema_list *list = expr->op != COMPARE_TRUE && expr->operand.type == OPERAND_NAME
                                       ? sema_find_list(s, expr->operand.text)
                                       : NULL;

        if (expr->field.index != INDEX_NONE && info->type != VALUE_LIST)
                return sema_error(s, expr->field.span, "'%s' is a %s, not a list", field_name(&expr->field),
                                  value_type_to_string(info->type));

        if (expr->op != COMPARE_TRUE && is_runtime(&expr->operand))
                return check_runtime(s, expr, info);
        if (expr->masked && info->type != VALUE_NUMBER)
                return sema_error(s, expr->span, "'&' is for numbers, and '%s' is a %s", field_name(&expr->field),
                                  value_type_to_string(info->type));
        if (expr->masked && expr->operand.type == OPERAND_CAPTURE)
                return sema_error(s, expr->span, "what is left of '&' is compared with constants");
        if (expr->op != COMPARE_TRUE && expr->operand.type == OPERAND_CAPTURE)
                return check_capture_operand(s, expr);
        if (expr->op != COMPARE_TRUE && !operand_to_list(s, &expr->operand))
                return false;
        if (expr->op != COMPARE_TRUE && expr->operand.type == OPERAND_LIST) {
                if (!operand_flatten(s, &expr->operand))
                        return false;
                if (expr->operand.n_items == 0)
                        return s->broken ? false : sema_error(s, expr->operand.span, "nothing is in an empty list");
        }

        return list ? check_with_list(s, expr, list) : check_typed(s, expr, info);
}
