/* SPDX-License-Identifier: Apache-2.0 */
/* Sema, private - the parts that its files share. Functions that return bool return false when they reported an
 * error (or are out of memory); the caller goes on with the next thing. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "policy/sema.h"
#include "policy/source.h"

struct sema_list {
        struct list_node *node;         /* borrowed; its value is flat once state is LIST_FLAT */
        uint8_t state;
        unsigned depth;                 /* 1 if it holds no other, and so on */
        bool built_in;
};

struct sema_macro {
        struct macro_node *node;        /* borrowed */
        uint8_t state;
        unsigned depth;                 /* 1 if it holds no other, and so on */
};

/* Where a copy of a macro stands. */
struct sema_use {
        const struct expr *root;        /* of the copy */
        struct diag_span span;          /* where its name stood */
};

struct sema {
        struct policy_set *set;
        const struct policy_options *options;
        struct arena *arena;
        struct diag_set *diags;
        int error;                      /* -ENOMEM */

        struct sema_list *lists;        /* sorted by name */
        size_t n_lists;
        unsigned depth;                 /* of lists in lists, or macros in macros, while they are looked through */
        size_t n_items;                 /* of all lists, for SEMA_MAX_LIST_ITEMS */
        struct sema_macro *macros;      /* sorted by name */
        size_t n_macros;
        size_t n_copied;                /* nodes of all copies of macros, for SEMA_MAX_COPIES */
        bool broken;                    /* a file could not be read in full: a name that is missing may be defined
                                           there */

        /* The path at hand. */
        struct path_node *path;
        uint64_t kinds;                 /* bit set of those that its steps name */
        struct diag_span bound_at[PROGRAM_MAX_SLOTS];

        /* The step at hand. */
        bool any_result;
        bool in_exception;
        struct sema_use *uses;          /* of macros in the condition at hand */
        size_t n_uses, n_uses_allocated;
        struct diag_span copied_to;     /* where the name of the macro stood whose copy is being checked; line 0:
                                           none */
        struct diag_span compared;      /* the comparison at hand, if it is with a list by name; else line 0 */
        uint64_t bound, maybe;          /* slots that every way here binds, and those that some way binds */
        uint64_t used;                  /* slots that the exception at hand names */
};

bool sema_no_memory(struct sema *s);
bool sema_error(struct sema *s, struct diag_span span, const char *fmt, ...) _printf_(3, 4); /* false */

/* The name that was probably meant, or NULL; also NULL if nobody would see it, because it costs some time. */
const char *sema_closest(const struct sema *s, struct text name, const char *const *names, size_t n);

/* A text for "%.*s", cut. */
#define TEXT_ARGS(text) (int)MIN((text).length, (size_t)60), (text).bytes

/* sema-list.c */
bool sema_collect_lists(struct sema *s);
struct sema_list *sema_find_list(struct sema *s, struct text name);
const char *sema_closest_list(struct sema *s, struct text name);
void sema_check_lists(struct sema *s);
bool sema_flatten_list(struct sema *s, struct sema_list *list);

/* sema-macro.c */
bool sema_collect_macros(struct sema *s);
void sema_check_macros(struct sema *s);
bool sema_expand(struct sema *s, struct expr *expr);    /* names of macros become copies of their conditions */
const char *sema_closest_macro(struct sema *s, struct text name);

/* sema-field.c. Sets field and subject; in an exception `kind` is tried quietly (false without a message). */
enum wire_kind sema_resolve_kind(struct sema *s, struct text name, struct diag_span span);
bool sema_resolve_field(struct sema *s, struct field_ref *ref, enum wire_kind kind, bool quiet);
bool sema_name_is_of_process(struct text name);
/* `fd` stands for the object behind it where something is captured or compared with a capture: FIELD_NONE if the kind
 * has none. */
enum field sema_object_behind(enum field field);

/* sema-compare.c */
bool sema_check_compare(struct sema *s, struct expr *expr);
bool sema_value_is_string(const struct field_ref *ref);
bool sema_is_absolute(const struct field_ref *ref, bool *ret_resolved);

/* sema-number.c */
bool sema_check_number(struct sema *s, struct expr *expr, const struct field_info *info);
bool sema_constant(struct text text, enum field_format format, int64_t *ret);

/* sema-string.c */
bool sema_check_string(struct sema *s, struct expr *expr, const struct field_info *info);
bool sema_check_string_operand(struct sema *s, const struct expr *expr, const struct operand *operand);
bool sema_spread(struct sema *s, struct expr *expr); /* op [a, b] becomes op a or op b */

/* sema-condition.c */
bool sema_check_condition(struct sema *s, struct expr *expr, enum wire_kind kind);
bool sema_check_exception(struct sema *s, struct exception *exception);

/* sema-path.c */
void sema_check_path(struct sema *s, struct path_node *path);
