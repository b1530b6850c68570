/* SPDX-License-Identifier: Apache-2.0 */
/* AST - a policy file as a tree. The parser makes it of text, sema checks it and fills in what names mean (kinds,
 * fields, list items, capture slots), and compile/ and the reference matchers read it: they never look at text again.
 *
 * Every node lives in the arena of its policy set and has a span. Members marked `sema` are set by sema only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/macro.h"
#include "event/schema.h"
#include "program/program.h"

struct source;

/* Bytes in the arena; followed by a NUL that is not counted. */
struct text {
        const char *bytes;
        size_t length;
};

enum operand_type {
        OPERAND_NUMBER,                 /* also durations (ns), sizes and symbolic constants after sema */
        OPERAND_STRING,
        OPERAND_REGEX,
        OPERAND_LIST,                   /* [ ... ] or the name of a list */
        OPERAND_NETWORK,                /* an address, with or without /prefix */
        OPERAND_NAME,                   /* a bare word: a list, macro or constant until sema has looked it up */
        OPERAND_CAPTURE,                /* $name */
        OPERAND_RUNTIME,                /* sema: runtime.blocked; `text` is all of it */
};

struct operand {
        enum operand_type type;
        struct diag_span span;
        struct text text;               /* as a string, name, pattern, "$name" */
        int64_t number;
        struct program_network network;
        struct operand *items;          /* of a list; sema replaces a name by the items of its list, flat */
        size_t n_items;
        uint32_t slot;                  /* sema: of a capture */
};

enum compare_op {
        COMPARE_EQUAL,
        COMPARE_NOT_EQUAL,
        COMPARE_LESS,
        COMPARE_LESS_EQUAL,
        COMPARE_GREATER,
        COMPARE_GREATER_EQUAL,
        COMPARE_IN,
        COMPARE_NOT_IN,
        COMPARE_REGEX,
        COMPARE_NOT_REGEX,              /* =~ !~ */
        COMPARE_FOLD,                   /* ~= : equal but for case */
        COMPARE_GLOB,                   /* of a string, or of a list of strings: any of them */
        COMPARE_STARTSWITH,
        COMPARE_ENDSWITH,
        COMPARE_CONTAINS,               /* sema makes an OR of one with a list */
        COMPARE_BITS_ANY,               /* flags & O_CREAT */
        COMPARE_BITS_ALL,               /* flags has all O_CREAT|O_EXCL */
        COMPARE_TRUE,                   /* a bare boolean or number field: not 0 */
        _COMPARE_OP_MAX,
};

struct field_ref {
        struct diag_span span;
        struct text name;               /* as written, "proc.name" */
        enum field field;               /* sema */
        enum program_subject subject;   /* sema; EACH in an EXPR_ANCESTOR */
        int index;                      /* argv[1]; INDEX_ANY for `any argv`; INDEX_NONE */
};

enum expr_type {
        EXPR_AND,
        EXPR_OR,
        EXPR_NOT,
        EXPR_COMPARE,
        EXPR_ANCESTOR,                  /* ancestor { ... }: one and the same creator for all of `left` */
};

struct expr {
        enum expr_type type;
        struct diag_span span;
        struct expr *left, *right;      /* AND, OR; NOT and ANCESTOR have left only */
        struct field_ref field;         /* COMPARE */
        bool masked;                    /* COMPARE: (field & mask) op operand, with ==, !=, in or not in */
        struct operand mask;
        enum compare_op op;
        struct operand operand;
        bool spread; /* OR: sema made it of one comparison of `field` with a list; its children may be those of others,
                        too */
};

/* `$file = pathname` in a step. */
struct capture {
        struct diag_span span;
        struct text name;               /* with the dollar sign */
        struct field_ref field;
        uint32_t slot;                  /* sema */
        bool hidden; /* sema: made for a relation, "$a.parent". If the field is not known, the step is
                        taken all the same and the slot stays unbound: unknown to who compares */
        struct capture *next;
};

enum relation_type {
        RELATION_SAME_PROCESS,          /* the actor is the process that $a names */
        RELATION_CHILD,                 /* its creator is */
        RELATION_SIBLING,               /* both have one creator, and it is another process */
        RELATION_DESCENDANT,            /* one of its creators is */
        RELATION_SAME_FILE,             /* as the step that $a names: the same file object, */
        RELATION_SAME_PIPE,             /* a pipe that one of them writes and the other reads, */
        RELATION_SAME_UNIT,             /* the same systemd unit, and not none */
        _RELATION_TYPE_MAX,
};

/* `child of $a` behind the braces of a step. Sema says it in conditions and hidden captures: who reads a checked tree
 * need not look here. */
struct relation {
        enum relation_type type;
        struct diag_span span;
        struct text name;               /* "$a" */
        struct relation *next;
};

enum repetition {
        REPEAT_ONCE,
        REPEAT_PLUS,                    /* .. one or more */
        REPEAT_STAR,                    /* ... zero or more */
};

enum element_type {
        ELEMENT_STEP,
        ELEMENT_NOT,                    /* `step` must not happen until the next element is taken */
        ELEMENT_ANY,                    /* children: one of them; each a step or a block */
        ELEMENT_BLOCK,                  /* children in order; also the unnamed `within D { }` */
        ELEMENT_CONDITIONAL,            /* step ? then : otherwise */
        ELEMENT_ELLIPSIS,               /* bare `...` or `..`: any further events */
        ELEMENT_ALL,                    /* children: steps, each once, in any order */
        ELEMENT_REPEAT,                 /* the child, a step or an `any` of steps, `count` times */
        ELEMENT_ABSENCE,                /* `no step within D` */
};

#define ELEMENT_ALL_MAX 6               /* members */
#define ELEMENT_REPEAT_MAX 1024         /* times */

struct element {
        enum element_type type;
        struct diag_span span;
        struct element *next;           /* in the same body */

        /* STEP, NOT, ABSENCE, the deciding step of CONDITIONAL, and an `until` */
        struct text kind_name;
        struct diag_span kind_span;
        enum wire_kind kind;            /* sema */
        struct expr *condition;         /* NULL: none */
        struct capture *captures;       /* sema adds those of `as` and the hidden ones */
        struct text as;                 /* "$p" of `openat as $p { }`: the process that took the step; may be empty */
        struct diag_span as_span;
        struct relation *relations;
        int64_t points;                 /* of a `score` path: `+10` */
        bool has_points;
        enum repetition repetition;
        bool any_result;                /* sema: it names `result` or `failed` */
        bool refusable;                 /* sema: the last step of a path with `enforce`: calls that were refused
                                           (-EPERM) are taken as well */
        uint32_t number;                /* sema: of the step in its path, from 1, in order of text; 0 for NOT */

        /* ANY, ALL, BLOCK, REPEAT, ABSENCE */
        struct text name;               /* of a block, may be empty */
        uint64_t within_ns;             /* BLOCK, REPEAT: 0 is no window of its own; ABSENCE: how long */
        uint32_t count;                 /* REPEAT */
        bool has_distinct;              /* REPEAT: count different values of this field only */
        struct field_ref distinct;      /* its name; sema resolves it in `distinct_field` of each step of the body */
        struct element *children;

        struct field_ref distinct_field; /* sema: of a step in a REPEAT with `distinct` */

        /* CONDITIONAL: each branch is a list of elements; otherwise is NULL if `:` was left out */
        struct element *then, *otherwise;
};

struct exception {
        struct diag_span span;
        struct expr *condition;         /* sema: a field of events stands here once for each kind of the path that
                                           has it, joined by OR */
        uint64_t slots;                 /* sema: captures that it names */
        struct text reason, owner;      /* may be empty */
        struct text expires;            /* "2027-01-31": good until the end of this day, UTC; may be empty */
        struct diag_span expires_span;
        bool expired;                   /* sema: hides nothing any more */
        bool shared;                    /* sema: of a drop-in, and every path of its file has a copy */
        struct exception *next;
};

struct texts {
        struct text *items;
        struct diag_span *spans;
        size_t n;
};

/* `on step 2 respond ["snapshot"]`. */
struct step_response {
        struct diag_span span, number_span;
        uint32_t number;
        struct texts respond;
        struct step_response *next;
};

struct path_node {
        struct diag_span span, name_span;
        struct text name;
        struct text description;
        enum severity severity;
        enum program_key by;
        enum on_loss on_loss;
        enum path_enforce enforce;
        struct diag_span enforce_span;  /* of the property; line 0: it is not there */
        uint64_t within_ns;             /* 0: unlimited; sema puts the default */
        bool within_given;
        struct diag_span within_span;   /* of the property; line 0: it is not there */
        uint64_t suppress_ns;
        bool suppress_given;
        struct texts mitre, respond;
        struct element *body;
        struct element *untils;         /* each a step that takes nothing: `until kind { }` */
        struct exception *exceptions;
        struct exception **exceptions_end; /* sema: where drop-ins add to them; NULL before they do */
        struct step_response *responses;
        uint32_t score;                 /* the threshold of a `score` path; 0: it is a story in order */
        uint32_t decay;                 /* points that it forgets in decay_ns; sema puts the default */
        uint64_t decay_ns;
        bool decay_given;
        struct diag_span score_span, decay_span;
        uint32_t n_steps;               /* sema */
        struct text captures[PROGRAM_MAX_SLOTS]; /* sema: names by slot */
        enum field capture_fields[PROGRAM_MAX_SLOTS]; /* sema: what each holds */
        uint32_t n_captures;            /* sema */
        const struct source *source;    /* borrowed from the policy set */
        bool broken;                    /* parser: a fault was reported, something may be missing: what depends on it
                                           is not judged */
        bool extension;                 /* in a drop-in: this is said of a path that is written elsewhere */
        bool severity_given, on_loss_given, respond_given,
                enforce_given; /* in an extension, what is not given stays as it is */
        struct path_node *next;         /* in the policy set, sorted by name (sema) */
};

struct list_node {
        struct diag_span span, name_span;
        struct text name;
        struct operand value;           /* OPERAND_LIST */
        bool append;                    /* `+=`: more items of a list that stands elsewhere */
        struct list_node *next;
};

/* Conditions under a name. Sema puts a copy of them wherever the name stands as a condition by itself. */
struct macro_node {
        struct diag_span span, name_span;
        struct text name;
        struct expr *condition;         /* as written, never resolved: its fields are those of the step that uses it */
        bool append;                    /* `+=`: or these */
        struct macro_node *next;
};

struct file_node {
        const struct source *source;
        struct path_node *paths;        /* as written; sema moves them into the policy set */
        struct list_node *lists;
        struct macro_node *macros;
        struct exception *exceptions;   /* of a drop-in: of all paths of the file that it extends */
        bool broken;                    /* parser: a fault was reported outside of any path */
        const struct file_node *extends; /* of a drop-in: the file that it extends; else NULL */
        struct file_node *next;
};

static inline bool text_is(struct text text, const char *other) {
        return memeq_str(text.bytes, text.length, other);
}

static inline bool text_equal(struct text a, struct text b) {
        return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* As policies write them; NULL for a number that is none. COMPARE_TRUE has no sign and gives "". */
const char *compare_op_to_string(enum compare_op op);
const char *relation_type_to_string(enum relation_type type); /* "child of" */
const char *on_loss_to_string(enum on_loss on_loss);
int on_loss_from_string(const char *name, size_t length); /* -EINVAL if it is none */

/* != !~ not in: the negation of another comparison. */
bool compare_op_is_negative(enum compare_op op);

/* How the name of a runtime list begins: scripts fill it while the host runs. */
#define RUNTIME_PREFIX "runtime."

/* Do two conditions say the same? As parsed. Both may be NULL. */
bool expr_equal(const struct expr *a, const struct expr *b);

/* Do two files say the same? As parsed: what sema fills in is not looked at, nor are places. */
bool file_node_equal(const struct file_node *a, const struct file_node *b);
