/* SPDX-License-Identifier: Apache-2.0 */
/* One field of a selection: its name, its modifiers, its values. */
#include <errno.h>
#include <strings.h>

#include "import/sigma-private.h"

#define VALUES_MAX 4096                 /* of one field */

bool sigma_is_null(const struct yaml_node *value) {
        static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

        if (value->type != YAML_SCALAR || !value->is_plain)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(nulls); i++)
                if (streq(value->text, nulls[i]))
                        return true;
        return false;
}

/* What a word behind the bar does: an operator, a coding, a switch, or nothing that we have. */
struct word {
        const char *name;
        enum { OPERATOR, CODING, SWITCH, ABSENT } kind;
        int number;
        const char *why;                /* ABSENT */
};

enum { SWITCH_ALL, SWITCH_CASED, SWITCH_NEQ, SWITCH_I, SWITCH_M, SWITCH_S };

static const struct word words[] = {
        {"contains", OPERATOR, SIGMA_CONTAINS, NULL},
        {"startswith", OPERATOR, SIGMA_STARTSWITH, NULL},
        {"endswith", OPERATOR, SIGMA_ENDSWITH, NULL},
        {"re", OPERATOR, SIGMA_RE, NULL},
        {"cidr", OPERATOR, SIGMA_CIDR, NULL},
        {"lt", OPERATOR, SIGMA_LT, NULL},
        {"lte", OPERATOR, SIGMA_LTE, NULL},
        {"gt", OPERATOR, SIGMA_GT, NULL},
        {"gte", OPERATOR, SIGMA_GTE, NULL},
        {"exists", OPERATOR, SIGMA_EXISTS, NULL},
        {"windash", CODING, SIGMA_WINDASH, NULL},
        {"base64", CODING, SIGMA_BASE64, NULL},
        {"base64offset", CODING, SIGMA_BASE64_OFFSET, NULL},
        {"wide", CODING, SIGMA_WIDE_LE, NULL},
        {"utf16le", CODING, SIGMA_WIDE_LE, NULL},
        {"utf16be", CODING, SIGMA_WIDE_BE, NULL},
        {"utf16", CODING, SIGMA_WIDE_BOM, NULL},
        {"all", SWITCH, SWITCH_ALL, NULL},
        {"cased", SWITCH, SWITCH_CASED, NULL},
        {"neq", SWITCH, SWITCH_NEQ, NULL},
        {"i", SWITCH, SWITCH_I, NULL},
        {"m", SWITCH, SWITCH_M, NULL},
        {"s", SWITCH, SWITCH_S, NULL},
        {"fieldref", ABSENT, 0, "one field of an event cannot be compared with another"},
        {"expand", ABSENT, 0, "what a placeholder stands for is known to your site only: write the values"},
        {"minute", ABSENT, 0, "times cannot be taken apart"},
        {"hour", ABSENT, 0, "times cannot be taken apart"},
        {"day", ABSENT, 0, "times cannot be taken apart"},
        {"week", ABSENT, 0, "times cannot be taken apart"},
        {"month", ABSENT, 0, "times cannot be taken apart"},
        {"year", ABSENT, 0, "times cannot be taken apart"},
};

static const char *closest_word(const char *name, size_t n) {
        const char *names[ELEMENTSOF(words)];

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                names[i] = words[i].name;
        return diag_closest_n(name, n, names, ELEMENTSOF(names));
}

/* The span of a part of a key, which stands as it is in the text unless it has escapes. */
static struct diag_span part_of(const struct yaml_node *key, const char *at, size_t n) {
        struct diag_span span = key->span;
        size_t quotes = key->is_plain ? 0 : 1;

        if (span.length != key->n + 2 * quotes)
                return span;
        span.column += quotes + (at - key->text);
        span.offset += quotes + (at - key->text);
        span.length = n;
        return span;
}

static bool take_switch(struct sigma_modifiers *m, int number, bool has_operator) {
        switch (number) {
        case SWITCH_ALL: m->all = true; return true;
        case SWITCH_CASED: m->cased = true; return true;
        case SWITCH_NEQ: m->negated = true; return true;
        case SWITCH_I: m->re_i = true; break;
        case SWITCH_M: m->re_m = true; break;
        case SWITCH_S: m->re_s = true; break;
        }
        return has_operator && m->op == SIGMA_RE;
}

/* 1 and *ret; 0: left out, *ret_expr stands in its place (NULL if the rule is broken). */
static int read_modifiers(struct sigma_work *w, const struct yaml_node *key, const char *at, bool negated,
                          struct sigma_modifiers *ret, struct sigma_expr **ret_expr) {
        struct sigma_modifiers m = {.op = SIGMA_IS};
        bool has_operator = false;

        *ret_expr = NULL;
        while (*at == '|') {
                const char *name = at + 1, *closest;
                size_t n = strcspn(name, "|");
                struct diag_span span = part_of(key, name, n);
                const struct word *word = NULL;

                for (size_t i = 0; i < ELEMENTSOF(words) && !word; i++)
                        if (memeq_str(name, n, words[i].name))
                                word = &words[i];
                at = name + n;
                if (!word) {
                        closest = closest_word(name, n);
                        *ret_expr = sigma_leave_out(w, SIGMA_MODIFIER, negated, span, "unknown modifier '%.*s'",
                                                    (int)MIN(n, (size_t)SIGMA_SHOWN), name);
                        if (closest)
                                sigma_hint(w, "did you mean '%s'?", closest);
                        return 0;
                }

                switch (word->kind) {
                case ABSENT:
                        *ret_expr = sigma_leave_out(w, SIGMA_MODIFIER, negated, span, "no '%s' here: %s", word->name,
                                                    word->why);
                        return 0;
                case SWITCH:
                        if (!take_switch(&m, word->number, has_operator)) {
                                sigma_break(w, SIGMA_FORM, span, "'%s' belongs behind 're'", word->name);
                                return 0;
                        }
                        break;
                case CODING:
                        if (has_operator || m.n_codings == SIGMA_MAX_CODINGS) {
                                sigma_break(w, SIGMA_FORM, span,
                                            has_operator ? "'%s' belongs before the comparison"
                                                         : "too many before '%s'",
                                            word->name);
                                return 0;
                        }
                        m.codings[m.n_codings++] = word->number;
                        break;
                case OPERATOR:
                        if (has_operator) {
                                sigma_break(w, SIGMA_FORM, span, "'%s' is a second comparison on one field",
                                            word->name);
                                return 0;
                        }
                        has_operator = true;
                        m.op = word->number;
                        break;
                }
        }
        *ret = m;
        return 1;
}

/* The values of a field, whichever way they were written. 0 if they cannot be used. */
static size_t read_values(struct sigma_work *w, const struct yaml_node *value, const struct yaml_node ***ret) {
        const struct yaml_node **values;
        size_t n = 0;

        if (value->type == YAML_MAPPING) {
                sigma_break(w, SIGMA_FORM, value->span, "a value or a list of values must stand here");
                return 0;
        }
        if (value->type == YAML_SEQUENCE && !value->first) {
                sigma_break(w, SIGMA_FORM, value->span, "the list is empty");
                return 0;
        }
        if (value->n_nodes > VALUES_MAX) {
                sigma_break(w, SIGMA_SIZE, value->span, "more than %d values", VALUES_MAX);
                return 0;
        }

        values = arena_new_array(w->arena, const struct yaml_node *, value->n_nodes);
        if (!values) {
                w->error = -ENOMEM;
                return 0;
        }
        if (value->type == YAML_SCALAR)
                values[n++] = value;
        else
                for (const struct yaml_node *v = value->first; v; v = v->next) {
                        if (v->type != YAML_SCALAR) {
                                sigma_break(w, SIGMA_FORM, v->span, "a value must stand here, and not %s",
                                            yaml_type_to_string(v->type));
                                return 0;
                        }
                        values[n++] = v;
                }
        *ret = values;
        return n;
}

struct sigma_expr *sigma_match(struct sigma_work *w, const struct yaml_node *value, bool negated) {
        const char *key = value->key->text, *why, *closest;
        size_t n = strcspn(key, "|"), n_values;
        const struct yaml_node **values = NULL;
        struct sigma_modifiers modifiers;
        const struct sigma_field *field;
        struct sigma_expr *expr;

        field = sigma_field_find(w->view, key, n, &why, &closest);
        if (!field) {
                expr = sigma_leave_out(w, SIGMA_FIELD, negated, part_of(value->key, key, n), "no field '%.*s' here%s%s",
                                       (int)MIN(n, (size_t)SIGMA_SHOWN), key, why ? ": " : "", why ? why : "");
                if (closest)
                        sigma_hint(w, "did you mean '%s'?", closest);
                return expr;
        }
        if (read_modifiers(w, value->key, key + n, negated, &modifiers, &expr) == 0)
                return expr;
        n_values = read_values(w, value, &values);
        if (n_values == 0)
                return NULL;

        negated ^= modifiers.negated;
        if (field->type == SIGMA_TYPE_PATH || field->type == SIGMA_TYPE_TEXT)
                expr = sigma_strings(w, field, &modifiers, values, n_values, negated);
        else
                expr = sigma_scalars(w, field, &modifiers, values, n_values, negated);
        return modifiers.negated ? sigma_count(w, sigma_expr_not(w->arena, expr)) : expr;
}
