/* SPDX-License-Identifier: Apache-2.0 */
/* Pattern - what a regex really says.
 *
 * Many are no more than a few string comparisons: `^/tmp/` a prefix, `\.(sh|py)$` two suffixes, `^/home/[^/]+/\.ssh/` a
 * glob. Those are compiled as such: the matcher finds them all in one pass over the text, and nobody can make them
 * backtrack. Of the others it is worth knowing a literal that every match contains. Pure; a property test compares
 * lowered and original on random texts. */
#pragma once

#include "base/arena.h"
#include "policy/ast.h"

#define PATTERN_MAX_PARTS 16

struct pattern_part {
        enum predicate_op op;           /* STRING, PREFIX, SUFFIX, CONTAINS, one of these with _FOLD, or GLOB */
        struct text text;               /* arena; not empty, or a STRING */
};

struct pattern {
        struct pattern_part parts[PATTERN_MAX_PARTS];
        size_t n_parts; /* the regex matches what one of these matches, and nothing else; 0: it is not so simple */
        struct text literal;            /* if it is not: what every match contains, at least 2 bytes, or empty */
        bool fold;                      /* ASCII letters of the literal stand for both cases */
};

/* The regex was compiled by PCRE2 before (policy sema): it is not wrong. 0 or -ENOMEM. */
int pattern_read(struct arena *arena, struct text regex, struct pattern *ret);
