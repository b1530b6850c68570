/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* YAML reader - a YAML text as a small tree of nodes with their places.
 * The tame part of YAML: mappings with scalar keys, sequences, scalars. Anchors, aliases, tags, several documents,
 * keys that come twice, bytes that are not UTF-8, control characters and those that hide or reorder text are errors
 * with their place. Depth and nodes are bounded. What a scalar means (number, word, nothing) is for the caller to say:
 * here it is its text. All that can be found is reported; only a fault of syntax ends the reading. */

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
        struct yaml_node *next;         /* in the same sequence or mapping */
};

#define YAML_DEPTH_MAX 8
#define YAML_NODES_MAX 4096

/* The root of the only document, NULL if the text has none (it is empty or only comments). The nodes lie in the arena.
 * 0: it was read to its end, but what was refused in it has been reported and left out, so the caller goes on, finds
 * more, and looks at diags->n_errors at the end; -EBADMSG: it could not be read to its end, no root; -ENOMEM. */
int yaml_read(const char *name, const char *text, size_t n, struct arena *arena, struct diag_set *diags,
              struct yaml_node **ret);

const char *yaml_type_to_string(enum yaml_type type);
