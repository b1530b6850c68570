/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* YAML reader - a YAML text as a small tree of nodes with their places.
 * The tame part of YAML: mappings with scalar keys, sequences, scalars. Tags, keys that come twice, bytes that are not
 * UTF-8, control characters and those that hide or reorder text are errors with their place; so are anchors, aliases
 * and several documents, unless the caller takes them. Depth and nodes are bounded. What a scalar means (number, word,
 * nothing) is for the caller to say: here it is its text. All that can be found is reported; only a fault of syntax
 * ends the reading. */

#include "base/arena.h"
#include "base/diag.h"

enum yaml_type {
        YAML_SCALAR,
        YAML_SEQUENCE,
        YAML_MAPPING,
};

struct yaml_node {
        enum yaml_type type;
        bool is_plain;                  /* of a scalar: without quotes; an empty plain scalar is "nothing" */
        struct diag_span span;          /* of a scalar: all of it; else: where it begins */
        const char *text;               /* of a scalar, with a NUL behind it. Holds none itself */
        size_t n;
        struct yaml_node *key;          /* of a value in a mapping */
        struct yaml_node *first;        /* members of a sequence; of a mapping its values, in order of the text */
        struct yaml_node *next;         /* in the same sequence or mapping; of a root: the next document's */
        size_t n_nodes;                 /* in it, itself among them; what an alias stands for is counted each time */
};

#define YAML_DEPTH_MAX 8
#define YAML_NODES_MAX 4096

struct yaml_rules {
        unsigned max_depth;
        size_t max_nodes;               /* of all documents together, counted as in n_nodes */
        bool has_aliases;               /* anchors and aliases are taken; an alias inside of its anchor is an error */
        bool has_documents;             /* more than one, with --- between them */
        bool has_hidden;                /* characters that hide or reorder text may stand in it: it is data to search
                                           for */
};

/* The root of the only document, NULL if the text has none (it is empty or only comments). The nodes lie in the arena.
 * 0: it was read to its end, but what was refused in it has been reported and left out, so the caller goes on, finds
 * more, and looks at diags->n_errors at the end; -EBADMSG: it could not be read to its end, no root; -ENOMEM. */
int yaml_read(const char *name, const char *text, size_t n, struct arena *arena, struct diag_set *diags,
              struct yaml_node **ret);

/* The same by other rules. *ret is the first of the documents that were read to their end, also for -EBADMSG: those
 * before the fault. A document without anything in it is a scalar without text. What an alias stands for is shared, not
 * copied: the tree is a graph without cycles, and none of it may be changed. */
int yaml_read_by(const struct yaml_rules *rules, const char *name, const char *text, size_t n, struct arena *arena,
                 struct diag_set *diags, struct yaml_node **ret);

const char *yaml_type_to_string(enum yaml_type type);
