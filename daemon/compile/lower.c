/* SPDX-License-Identifier: Apache-2.0 */
#include "compile/lower.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "compile/pattern.h"
#include "program/glob.h"
#include "program/regex.h"

/* The parser nests less deeply; this keeps the stack safe from trees that it did not make. */
#define LOWER_MAX_NESTING 200

struct lowering {
        struct compilation *c;
        const struct path_node *path;
        unsigned nesting;
};

static uint32_t no_memory(struct lowering *l) {
        assembly_note(&l->c->out, -ENOMEM);
        return 0;
}

static uint32_t refuse(struct lowering *l, struct diag_span span, const char *what) {
        assembly_note(&l->c->out, diag_error(l->c->diags, span, "%s", what));
        return 0;
}

static struct subject_field field_of(const struct field_ref *ref) {
        return (struct subject_field){.field = ref->field, .subject = ref->subject, .index = ref->index};
}

/* What is compared are the elements; `argv contains "-i"` asks for an element that is this. */
static bool is_list_as_a_whole(struct subject_field field) {
        return field.index == INDEX_NONE && schema_field((enum field)field.field)->type == VALUE_LIST;
}

static uint32_t lower_glob(struct lowering *l, struct subject_field field, const struct operand *operand) {
        char literal[GLOB_MAX];
        enum glob_place place;
        size_t length;

        if (operand->text.length > GLOB_MAX)
                return refuse(l, operand->span, "the glob is too long: 255 bytes are allowed");
        compilation_count(l->c, COMPILE_PASS_LOWER, 1, 0);
        if (!compilation_does(l->c, COMPILE_PASS_LOWER) ||
            !glob_is_plain(operand->text.bytes, operand->text.length, literal, &length, &place)) {
                compilation_count(l->c, COMPILE_PASS_LOWER, 0, 1);
                return condition_string(l->c, field, PREDICATE_GLOB, operand->text.bytes, operand->text.length);
        }

        switch (place) {
        case GLOB_WHOLE: return condition_string(l->c, field, PREDICATE_STRING, literal, length);
        case GLOB_PREFIX: return condition_string(l->c, field, PREDICATE_PREFIX, literal, length);
        case GLOB_SUFFIX: return condition_string(l->c, field, PREDICATE_SUFFIX, literal, length);
        /* `**` alone takes whatever is known, also of a cut text, and so does the empty prefix. */
        case GLOB_INSIDE:
                return condition_string(l->c, field, length > 0 ? PREDICATE_CONTAINS : PREDICATE_PREFIX, literal,
                                        length);
        }
        return 0;
}

/* What a new regex takes is known when it is compiled. All of them have to fit into the daemon. */
static void count_regex(struct lowering *l, const struct operand *operand) {
        struct regex *regex = NULL;
        const char *message;
        size_t offset;
        int r;

        r = regex_new(operand->text.bytes, operand->text.length, false, &regex, &message, &offset);
        if (r == -EBADMSG)
                return;                 /* whoever verifies the program says so */
        if (r < 0) {
                assembly_note(&l->c->out, r);
                return;
        }
        l->c->regex_bytes += regex_size(regex);
        regex_free(regex);
        if (l->c->regex_bytes > REGEX_MAX_TOGETHER)
                refuse(l, operand->span, "the regexes of the policies are too large: with this one they take more than "
                                         "32 MiB compiled");
}

static uint32_t lower_regex(struct lowering *l, struct subject_field field, const struct operand *operand) {
        struct pattern pattern = {};
        struct text strings[PATTERN_MAX_PARTS];
        uint32_t parts[PATTERN_MAX_PARTS], pair[2];
        size_t n_strings = 0, n_parts = 0, n_regexes;

        if (pattern_read(&l->c->arena, operand->text, &pattern) < 0)
                return no_memory(l);

        if (!compilation_does(l->c, COMPILE_PASS_LOWER))
                pattern.n_parts = 0;
        if (!compilation_does(l->c, COMPILE_PASS_REQUIRE))
                pattern.literal = (struct text){.bytes = ""};

        compilation_count(l->c, COMPILE_PASS_LOWER, 1, pattern.n_parts == 0);
        if (pattern.n_parts == 0) {
                compilation_count(l->c, COMPILE_PASS_REQUIRE, 1, pattern.literal.length == 0);
                n_regexes = l->c->out.regexes.n;
                /* Before PCRE2 is asked, the literal is looked for; it knows one case only. */
                pair[0] = condition_regex(l->c, field, operand->text,
                                          pattern.fold ? (struct text){.bytes = ""} : pattern.literal);
                if (l->c->out.regexes.n > n_regexes)
                        count_regex(l, operand);
                if (pattern.literal.length == 0)
                        return pair[0];
                /* Asked first: the matcher finds it on its way, and a path can be dispatched by it. */
                pair[1] = condition_string(l->c, field, pattern.fold ? PREDICATE_CONTAINS_FOLD : PREDICATE_CONTAINS,
                                           pattern.literal.bytes, pattern.literal.length);
                return condition_all(l->c, pair, 2);
        }

        for (size_t i = 0; i < pattern.n_parts; i++)
                if (pattern.parts[i].op == PREDICATE_STRING)
                        strings[n_strings++] = pattern.parts[i].text;
                else
                        parts[n_parts++] = condition_string(l->c, field, pattern.parts[i].op,
                                                            pattern.parts[i].text.bytes, pattern.parts[i].text.length);
        if (n_strings > 0)
                parts[n_parts++] = condition_in_strings(l->c, field, PREDICATE_IN_STRINGS, strings, n_strings);
        return condition_any(l->c, parts, n_parts);
}

/* A list holds strings, numbers or networks; whatever it holds, any of them will do. The copies are sorted, and gone
 * afterwards: a list of thousands may be named by hundreds of policies. */
static uint32_t lower_in(struct lowering *l, struct subject_field field, const struct operand *list) {
        _cleanup_(freep) struct program_network *networks = NULL;
        _cleanup_(freep) struct text *texts = NULL;
        _cleanup_(freep) int64_t *numbers = NULL;
        size_t n_networks = 0, n_texts = 0, n_numbers = 0;
        uint32_t parts[3];

        for (size_t i = 0; i < list->n_items; i++) {
                n_networks += list->items[i].type == OPERAND_NETWORK;
                n_texts += list->items[i].type == OPERAND_STRING;
                n_numbers += list->items[i].type == OPERAND_NUMBER;
                if (n_networks + n_texts + n_numbers != i + 1)
                        return refuse(l, list->items[i].span, "this cannot stand in a list");
        }
        networks = calloc(n_networks + 1, sizeof(*networks));
        texts = calloc(n_texts + 1, sizeof(*texts));
        numbers = calloc(n_numbers + 1, sizeof(*numbers));
        if (!networks || !texts || !numbers)
                return no_memory(l);

        n_networks = n_texts = n_numbers = 0;
        for (size_t i = 0; i < list->n_items; i++) {
                const struct operand *item = &list->items[i];

                if (item->type == OPERAND_NETWORK)
                        networks[n_networks++] = item->network;
                else if (item->type == OPERAND_STRING)
                        texts[n_texts++] = item->text;
                else
                        numbers[n_numbers++] = item->number;
        }
        parts[0] = condition_in_numbers(l->c, field, numbers, n_numbers);
        parts[1] = condition_in_strings(l->c, field, PREDICATE_IN_STRINGS, texts, n_texts);
        parts[2] = condition_in_networks(l->c, field, networks, n_networks);
        return condition_any(l->c, parts, 3);
}

static uint32_t lower_text(struct lowering *l, struct subject_field field, enum compare_op op,
                           const struct operand *operand) {
        enum predicate_op predicate = op == COMPARE_FOLD         ? PREDICATE_STRING_FOLD
                                      : op == COMPARE_STARTSWITH ? PREDICATE_PREFIX
                                      : op == COMPARE_ENDSWITH   ? PREDICATE_SUFFIX
                                      : op == COMPARE_CONTAINS   ? PREDICATE_CONTAINS
                                                                 : PREDICATE_STRING;

        return condition_string(l->c, field, predicate, operand->text.bytes, operand->text.length);
}

/* One item of the operand, in the positive form of the comparison. */
static uint32_t lower_item(struct lowering *l, const struct expr *expr, struct subject_field field,
                           const struct operand *operand) {
        struct program_network network;

        switch ((int)expr->op) {
        case COMPARE_EQUAL:
        case COMPARE_NOT_EQUAL:
                if (operand->type == OPERAND_NUMBER)
                        return condition_number(l->c, field, PREDICATE_EQUAL, operand->number);
                if (operand->type != OPERAND_NETWORK)
                        return lower_text(l, field, COMPARE_EQUAL, operand);
                network = operand->network;
                return condition_in_networks(l->c, field, &network, 1);
        case COMPARE_LESS: return condition_number(l->c, field, PREDICATE_LESS, operand->number);
        case COMPARE_LESS_EQUAL: return condition_number(l->c, field, PREDICATE_LESS_EQUAL, operand->number);
        case COMPARE_GREATER: return condition_number(l->c, field, PREDICATE_GREATER, operand->number);
        case COMPARE_GREATER_EQUAL: return condition_number(l->c, field, PREDICATE_GREATER_EQUAL, operand->number);
        case COMPARE_BITS_ANY: return condition_number(l->c, field, PREDICATE_BITS_ANY, operand->number);
        case COMPARE_BITS_ALL: return condition_number(l->c, field, PREDICATE_BITS_ALL, operand->number);
        case COMPARE_REGEX:
        case COMPARE_NOT_REGEX: return lower_regex(l, field, operand);
        case COMPARE_GLOB: return lower_glob(l, field, operand);
        case COMPARE_FOLD:
        case COMPARE_STARTSWITH:
        case COMPARE_ENDSWITH:
        case COMPARE_CONTAINS: return lower_text(l, field, expr->op, operand);
        case COMPARE_TRUE: return condition_not(l->c, condition_number(l->c, field, PREDICATE_EQUAL, 0));
        case COMPARE_IN:
        case COMPARE_NOT_IN:
                if (operand->type == OPERAND_NETWORK) {
                        network = operand->network;
                        return condition_in_networks(l->c, field, &network, 1);
                }
                if (operand->type == OPERAND_RUNTIME)
                        return condition_string(l->c, field, PREDICATE_LISTED,
                                                operand->text.bytes + strlen(RUNTIME_PREFIX),
                                                operand->text.length - strlen(RUNTIME_PREFIX));
                return lower_text(l, field, COMPARE_EQUAL, operand);
        default: return refuse(l, expr->span, "this comparison cannot be compiled");
        }
}

static uint32_t lower_guard(struct lowering *l, const struct expr *expr, struct subject_field field) {
        uint32_t slot = expr->operand.slot;

        if (slot >= PROGRAM_MAX_SLOTS)
                return refuse(l, expr->span, "this comparison with a capture cannot be compiled");

        switch ((int)expr->op) {
        case COMPARE_EQUAL:
        case COMPARE_NOT_EQUAL: return condition_guard(l->c, field, GUARD_EQUAL, slot);
        case COMPARE_LESS: return condition_guard(l->c, field, GUARD_LESS, slot);
        case COMPARE_LESS_EQUAL: return condition_guard(l->c, field, GUARD_LESS_EQUAL, slot);
        case COMPARE_GREATER: return condition_guard(l->c, field, GUARD_GREATER, slot);
        case COMPARE_GREATER_EQUAL: return condition_guard(l->c, field, GUARD_GREATER_EQUAL, slot);
        case COMPARE_CONTAINS:
                if (is_list_as_a_whole(field)) {
                        field.index = INDEX_ANY;
                        return condition_guard(l->c, field, GUARD_EQUAL, slot);
                }
                break;
        default: break;
        }
        return refuse(l, expr->span, "a capture can be compared for equality or order only");
}

static uint32_t lower_compare(struct lowering *l, const struct expr *expr) {
        struct subject_field field = field_of(&expr->field);
        const struct operand *operand = &expr->operand;
        struct expr element;
        uint32_t *parts;

        if (expr->op != COMPARE_TRUE && operand->type == OPERAND_CAPTURE)
                return lower_guard(l, expr, field);

        if (is_list_as_a_whole(field) && expr->op == COMPARE_CONTAINS) {
                element = *expr;
                element.op = operand->type == OPERAND_LIST ? COMPARE_IN : COMPARE_EQUAL;
                element.field.index = INDEX_ANY;
                return lower_compare(l, &element);
        }

        if (expr->op == COMPARE_TRUE || operand->type != OPERAND_LIST)
                return lower_item(l, expr, field, operand);
        if (expr->op == COMPARE_IN || expr->op == COMPARE_NOT_IN)
                return lower_in(l, field, operand);

        /* `startswith ["/tmp/", "/var/tmp/"]`: one of them. */
        parts = arena_new_array(&l->c->arena, uint32_t, operand->n_items);
        if (!parts)
                return no_memory(l);
        for (size_t i = 0; i < operand->n_items; i++)
                parts[i] = lower_item(l, expr, field, &operand->items[i]);
        return condition_any(l->c, parts, operand->n_items);
}

/* `(field & mask) == number`: the bits of the number are set, and of the mask no others. */
static uint32_t lower_masked_item(struct lowering *l, struct subject_field field, uint64_t mask,
                                  const struct operand *operand) {
        uint64_t bits = (uint64_t)operand->number, rest = mask & ~bits;
        uint32_t both[2] = {condition_true(l->c), condition_true(l->c)};

        if ((bits & ~mask) != 0)
                return condition_false(l->c);
        if (bits != 0)
                both[0] = condition_number(l->c, field, PREDICATE_BITS_ALL, (int64_t)bits);
        if (rest != 0)
                both[1] = condition_not(l->c, condition_number(l->c, field, PREDICATE_BITS_ANY, (int64_t)rest));
        return condition_all(l->c, both, 2);
}

static uint32_t lower_masked(struct lowering *l, const struct expr *expr) {
        struct subject_field field = field_of(&expr->field);
        uint64_t mask = (uint64_t)expr->mask.number;
        const struct operand *operand = &expr->operand;
        uint32_t *parts;

        if (operand->type != OPERAND_LIST)
                return lower_masked_item(l, field, mask, operand);

        parts = arena_new_array(&l->c->arena, uint32_t, operand->n_items);
        if (!parts)
                return no_memory(l);
        for (size_t i = 0; i < operand->n_items; i++)
                parts[i] = lower_masked_item(l, field, mask, &operand->items[i]);
        return condition_any(l->c, parts, operand->n_items);
}

static uint32_t lower_any_expr(struct lowering *l, const struct expr *expr);

/* `a and b and c` leans to the left, as long as somebody likes to write: along there without recursion. */
static uint32_t lower_chain(struct lowering *l, const struct expr *expr) {
        enum expr_type type = expr->type;
        const struct expr **links;
        const struct expr *e;
        uint32_t *parts;
        size_t n = 1, i;

        for (e = expr; e->type == type; e = e->left)
                n++;
        parts = arena_new_array(&l->c->arena, uint32_t, n);
        links = arena_new_array(&l->c->arena, const struct expr *, n);
        if (!parts || !links)
                return no_memory(l);

        i = n;
        for (e = expr; e->type == type; e = e->left)
                links[--i] = e->right;
        links[0] = e;
        for (i = 0; i < n; i++)
                parts[i] = lower_any_expr(l, links[i]);
        return type == EXPR_AND ? condition_all(l->c, parts, n) : condition_any(l->c, parts, n);
}

/* What was lowered before because others share it. Compared by address, for sema gives the same tree or items to all
 * uses of a list. */
struct shared_expr {
        const void *first, *second;     /* trees; or items and nothing */
        uint64_t n_items, mask;
        uint32_t field, subject;
        int32_t index;
        uint32_t op;
};

static struct shared_number *known_expr(struct lowering *l, const struct expr *expr) {
        struct shared_expr key = {
                .field = expr->field.field, .subject = expr->field.subject, .index = expr->field.index};

        if (expr->spread) {
                key.first = expr->left;
                key.second = expr->right;
        } else {
                key.first = expr->operand.items;
                key.n_items = expr->operand.n_items;
                key.mask = expr->masked ? (uint64_t)expr->mask.number : UINT64_MAX;
        }
        key.op = expr->op;
        return compilation_share(l->c, &l->c->known_exprs, &key, sizeof(key));
}

static uint32_t lower_new_expr(struct lowering *l, const struct expr *expr);

static uint32_t lower_any_expr(struct lowering *l, const struct expr *expr) {
        struct shared_number *known = NULL;
        uint32_t condition;

        if (l->c->out.error < 0)
                return 0;
        if (expr->spread ||
            (expr->type == EXPR_COMPARE && expr->op != COMPARE_TRUE && expr->operand.type == OPERAND_LIST)) {
                known = known_expr(l, expr);
                if (!known)
                        return no_memory(l);
                if (known->number != PROGRAM_NONE)
                        return known->number;
        }

        condition = lower_new_expr(l, expr);
        if (known && l->c->out.error == 0)
                known->number = condition;
        return condition;
}

static uint32_t lower_new_expr(struct lowering *l, const struct expr *expr) {
        uint32_t condition = 0;

        if (++l->nesting > LOWER_MAX_NESTING)
                return refuse(l, expr->span, "the condition is nested too deeply");

        switch (expr->type) {
        case EXPR_AND:
        case EXPR_OR:
                condition = lower_chain(l, expr);
                break;
        case EXPR_NOT:
                condition = condition_not(l->c, lower_any_expr(l, expr->left));
                break;
        case EXPR_ANCESTOR:
                condition = condition_ancestor(l->c, lower_any_expr(l, expr->left));
                break;
        case EXPR_COMPARE:
                condition = expr->masked ? lower_masked(l, expr) : lower_compare(l, expr);
                if (compare_op_is_negative(expr->op))
                        condition = condition_not(l->c, condition);
                break;
        }
        l->nesting--;
        return condition;
}

uint32_t lower_expr(struct compilation *c, const struct path_node *path, const struct expr *expr) {
        struct lowering l = {.c = c, .path = path};
        uint32_t condition;

        if (!expr)
                return condition_true(c);

        condition = lower_any_expr(&l, expr);
        if (c->out.error < 0)
                return 0;
        if (c->out.conditions.items[condition].depth > PROGRAM_MAX_DEPTH)
                return refuse(&l, expr->span, "the condition is nested too deeply: 64 levels are allowed");
        if (c->conditions.items[condition].nodes > PROGRAM_MAX_NODES)
                return refuse(&l, expr->span, "the condition is too large: 65,536 comparisons are allowed");
        return condition;
}
