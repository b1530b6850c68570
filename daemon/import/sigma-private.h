/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sigma private - what the files that turn one rule into a policy share. */

#include "config/yaml-reader.h"
#include "import/sigma-expr.h"
#include "import/sigma.h"

#define SIGMA_MAX_EXPRS 4096            /* comparisons and operators of one rule; the language has 1024 to a step */
#define SIGMA_MAX_NESTING 32            /* of parentheses in a condition */

/* The kind of event that is being written. */
enum sigma_view {
        SIGMA_VIEW_ALL,                 /* in sigma-fields.def: in each of them */
        SIGMA_VIEW_EXEC,
        SIGMA_VIEW_OPEN,
        SIGMA_VIEW_RENAME,
        SIGMA_VIEW_CONNECT,
};

struct sigma_work {
        struct arena *arena;            /* of the run */
        const struct sigma_options *options;
        struct sigma_rule *rule;
        enum sigma_view view;
        size_t n_exprs;
        bool broken;                    /* there will be no policy */
        bool incomplete;                /* a part was left out */
        int error;                      /* -ENOMEM */
};

/* Add a reason. The same one at the same place counts once: rules are gone through once for each kind of event. */
void sigma_reason(struct sigma_work *w, enum sigma_class class, bool is_remark, struct diag_span span,
                  const char *fmt, ...) _printf_(5, 6);
void sigma_hint(struct sigma_work *w, const char *fmt, ...) _printf_(2, 3);

/* Something cannot be carried over: what stands in its place. `negated`: it stands below an odd number of `not`. */
struct sigma_expr *sigma_leave_out(struct sigma_work *w, enum sigma_class class, bool negated, struct diag_span span,
                                   const char *fmt, ...) _printf_(5, 6);
/* Something can never be true. */
struct sigma_expr *sigma_impossible(struct sigma_work *w, bool negated, struct diag_span span, const char *fmt, ...)
        _printf_(4, 5);
/* Something is so wrong that the rule is refused. Returns NULL. */
struct sigma_expr *sigma_break(struct sigma_work *w, enum sigma_class class, struct diag_span span, const char *fmt,
                               ...) _printf_(4, 5);

/* Member of a mapping, or NULL. */
const struct yaml_node *sigma_get(const struct yaml_node *mapping, const char *key);

/* A name as it stands in a rule, for messages. */
#define SIGMA_SHOWN 80

/* The conditions of the detection for the work's view; NULL: broken, or no memory. */
struct sigma_expr *sigma_condition(struct sigma_work *w, const struct yaml_node *detection);

/* One named group of fields and values. */
struct sigma_expr *sigma_selection(struct sigma_work *w, const struct yaml_node *selection, bool negated);

/* One field of it: `key` is the name with its modifiers. */
struct sigma_expr *sigma_match(struct sigma_work *w, const struct yaml_node *value, bool negated);

/* Words that may stand in any field. */
struct sigma_expr *sigma_keywords(struct sigma_work *w, const struct yaml_node *words, bool all, bool negated);

/* Fields. */
enum sigma_type {
        SIGMA_TYPE_PATH, SIGMA_TYPE_TEXT, SIGMA_TYPE_NUMBER, SIGMA_TYPE_ADDRESS, SIGMA_TYPE_USER, SIGMA_TYPE_OUTWARD,
        SIGMA_TYPE_PROTOCOL, SIGMA_TYPE_IPV6,
};

struct sigma_field {
        enum sigma_view view;
        const char *name;               /* Sigma's */
        enum sigma_type type;
        const char *fields[2];          /* ours; the second, if there is one, is another reading */
};

/* NULL: there is none; *ret_why says why if that is known, and *ret_closest (may be NULL) what was perhaps meant. */
const struct sigma_field *sigma_field_find(enum sigma_view view, const char *name, size_t n, const char **ret_why,
                                           const char **ret_closest);

/* Modifiers. */
enum sigma_operator {
        SIGMA_IS, SIGMA_CONTAINS, SIGMA_STARTSWITH, SIGMA_ENDSWITH, SIGMA_RE, SIGMA_CIDR, SIGMA_LT, SIGMA_LTE, SIGMA_GT,
        SIGMA_GTE, SIGMA_EXISTS,
};

#define SIGMA_MAX_CODINGS 4

struct sigma_modifiers {
        enum sigma_operator op;
        bool all, cased, negated;       /* negated: neq */
        bool re_i, re_m, re_s;
        /* How the value is changed, in this order. */
        enum sigma_coding { SIGMA_WINDASH, SIGMA_BASE64, SIGMA_BASE64_OFFSET, SIGMA_WIDE_LE, SIGMA_WIDE_BE,
                            SIGMA_WIDE_BOM } codings[SIGMA_MAX_CODINGS];
        size_t n_codings;
};

/* One value of a field that holds a string, with all its readings. */
struct sigma_expr *sigma_strings(struct sigma_work *w, const struct sigma_field *field,
                                 const struct sigma_modifiers *modifiers, const struct yaml_node *const *values,
                                 size_t n_values, bool negated);
/* The same for all other fields. */
struct sigma_expr *sigma_scalars(struct sigma_work *w, const struct sigma_field *field,
                                 const struct sigma_modifiers *modifiers, const struct yaml_node *const *values,
                                 size_t n_values, bool negated);

bool sigma_is_null(const struct yaml_node *value);

/* expr, or NULL with the work's error set if there is no memory, or broken if there is too much. */
struct sigma_expr *sigma_count(struct sigma_work *w, struct sigma_expr *expr);
