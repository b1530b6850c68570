/* SPDX-License-Identifier: Apache-2.0 */
/* Sema, private - the parts that its files share. Functions that return bool return false when they reported an
 * error (or are out of memory); the caller goes on with the next thing. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "policy/sema.h"
#include "policy/source.h"

/* A comparison with a list by its name, and what came of it: that of others of the same field is no different. */
struct sema_compared {
        struct sema_compared *next;
        enum compare_op op;
        struct field_ref field;
        bool masked, any_result, anywhere;
        struct operand mask;            /* as written */
        bool good;
        struct expr after;              /* its trees and items are for all uses */
};

struct sema_list {
        struct sema_compared *compared; /* arena */
        struct list_node *node;         /* borrowed; its value is flat once state is LIST_FLAT */
        const struct file_node *file;   /* borrowed: where it stands; NULL: built in */
        size_t order;                   /* in which it was read */
        uint8_t state;
        unsigned depth;                 /* 1 if it holds no other, and so on */
        bool built_in;
        bool joined;                    /* part of the value of the first of its name */
};

struct sema_macro {
        struct macro_node *node;        /* borrowed */
        const struct file_node *file;   /* borrowed: where it stands */
        size_t order;                   /* in which it was read */
        uint8_t state;
        unsigned depth;                 /* 1 if it holds no other, and so on */
        bool joined;                    /* part of the first of its name */
        unsigned n_added;               /* to it */
};

/* The process of a step, `as $name`. */
struct sema_name {
        struct text name;               /* with the dollar sign */
        struct diag_span span;          /* where it is given first */
        uint64_t kinds;                 /* bit set of those of the steps that are named so */
        unsigned needs;                 /* what relations look at: see sema-relation.c */
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
        struct sema_name names[PROGRAM_MAX_SLOTS];
        size_t n_names;
        uint32_t n_steps;               /* at most so many are numbered */
        uint64_t *bound_by;             /* by number of a step: slots that are bound when it has been taken */

        /* The step at hand. */
        bool any_result;
        bool anywhere;                  /* captures need not be bound before: an exception or an `until` */
        bool in_shared;                 /* an exception that other paths have, too */
        bool in_ancestor;               /* fields are those of one ancestor */
        const char *binds_nothing;      /* why this step may not; NULL: it may */
        uint64_t siblings;              /* slots that earlier members of the same `all` bind */
        struct sema_use *uses;          /* of macros in the condition at hand */
        size_t n_uses, n_uses_allocated;
        struct diag_span copied_to;     /* where the name of the macro stood whose copy is being checked; line 0:
                                           none */
        struct diag_span compared;      /* the comparison at hand, if it is with a list by name; else line 0 */
        uint64_t bound, maybe;          /* slots that every way here binds, and those that some way binds */
        uint64_t used;                  /* slots that the exception at hand names */
};

/* What stands around an element. */
struct place {
        bool ends_path;                 /* nothing that must happen comes after it */
        bool in_any;                    /* a member of `any`, itself */
        bool inside_any;                /* somewhere inside of one */
        bool after_empty;               /* directly behind something that may take nothing */
        uint64_t within_ns;             /* innermost window around it; 0: none */
        uint64_t shortest_ns;           /* the shortest of all around it; 0: none */
        struct diag_span shortest;      /* where that is written; line 0: nowhere */
        unsigned n_windows;             /* around it */
};

bool sema_no_memory(struct sema *s);
bool sema_error(struct sema *s, struct diag_span span, const char *fmt, ...) _printf_(3, 4); /* false */

/* The name that was probably meant, or NULL; also NULL if nobody would see it, because it costs some time. */
const char *sema_closest(const struct sema *s, struct text name, const char *const *names, size_t n);

/* A text for "%.*s", cut. */
#define TEXT_ARGS(text) (int)MIN((text).length, (size_t)60), (text).bytes

/* sema-list.c */
bool sema_collect_lists(struct sema *s);
bool sema_join_lists(struct sema *s);   /* `+=`, and what drop-ins replace */
struct sema_list *sema_find_list(struct sema *s, struct text name);
const char *sema_closest_list(struct sema *s, struct text name);
void sema_check_lists(struct sema *s);
bool sema_flatten_list(struct sema *s, struct sema_list *list);

/* sema-macro.c */
bool sema_collect_macros(struct sema *s);
bool sema_join_macros(struct sema *s);
void sema_check_macros(struct sema *s);
bool sema_expand(struct sema *s, struct expr *expr);    /* names of macros become copies of their conditions */
struct expr *sema_copy_expr(struct sema *s, const struct expr *expr); /* NULL: no memory, or SEMA_MAX_COPIES */
const char *sema_closest_macro(struct sema *s, struct text name);

/* sema-field.c. Sets field and subject; in an exception `kind` is tried quietly (false without a message). */
enum wire_kind sema_resolve_kind(struct sema *s, struct text name, struct diag_span span);
bool sema_resolve_field(struct sema *s, struct field_ref *ref, enum wire_kind kind, bool quiet);
bool sema_name_is_of_process(struct text name);
/* `fd` stands for the object behind it where something is captured or compared with a capture: FIELD_NONE if the kind
 * has none. */
enum field sema_object_behind(enum field field);

/* sema-compare.c */
bool sema_find_capture(struct sema *s, struct text name, struct diag_span span, uint32_t *ret);
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

/* sema-relation.c. First the names of all steps of a path; then of each step what its relations say, added to its
 * condition, and what its name captures. */
bool sema_collect_names(struct sema *s);
bool sema_add_relations(struct sema *s, struct element *e);
bool sema_add_names(struct sema *s, struct element *e);
bool sema_is_name(struct sema *s, struct text name);

/* sema-step.c */
void sema_check_step(struct sema *s, struct element *e);        /* with a number */
void sema_check_taker(struct sema *s, struct element *e);       /* without: `not`, `until` */
bool sema_check_distinct(struct sema *s, const struct element *repeat, struct element *step);

/* sema-property.c */
void sema_check_properties(struct sema *s, struct path_node *path);     /* before its steps */
void sema_check_responses(struct sema *s, struct path_node *path);      /* after them */
void sema_check_expiry(struct sema *s, struct exception *exception);

/* sema-enforce.c: may the kernel decide its last step? */
void sema_check_enforce(struct sema *s, struct path_node *path);

/* sema-group.c */
void sema_check_any(struct sema *s, struct element *e, const struct place *place);
void sema_check_all(struct sema *s, struct element *e);
void sema_check_repeat(struct sema *s, struct element *e, const struct place *place);
void sema_check_absence(struct sema *s, struct element *e, const struct place *place);

/* sema-extend.c */
bool sema_extend(struct sema *s);       /* what drop-ins say of paths becomes part of these */

/* sema-path.c */
void sema_check_path(struct sema *s, struct path_node *path);
void sema_check_body(struct sema *s, struct element *first, const struct place *place);
bool sema_is_optional(const struct element *e); /* can the run go on without any event taken by this? */
/* The first in the text of those with which a body could begin that is of this kind. */
const struct element *sema_find_first(const struct element *e, bool (*is)(const struct element *e));
bool sema_is_star(const struct element *e);             /* for it */
bool sema_is_absence(const struct element *e);
bool sema_same_condition(const struct element *a, const struct element *b);
