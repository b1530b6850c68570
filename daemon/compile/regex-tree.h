/* SPDX-License-Identifier: Apache-2.0 */
/* Regex tree - a regex of the plain kind as a tree: what compile/pattern.c reasons about.
 *
 * Reads what PCRE2 reads, or gives up: whatever is not surely understood (options but for `(?i)` in front, back
 * references, recursion, POSIX classes, ...) makes no tree, and what is understood only in part (look-arounds, word
 * boundaries, possessive repetitions) is marked, so that a tree never claims more than the regex. PCRE2 stays the judge
 * of what a regex means; a random test compares the two. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "policy/ast.h"

#define REGEX_TREE_INFINITE UINT32_MAX

enum regex_node_type {
        REGEX_BYTE,
        REGEX_DOT,                      /* any byte */
        REGEX_SET,
        REGEX_BEGIN,                    /* ^ */
        REGEX_END,                      /* $ */
        REGEX_ASSERTION,                /* matches no byte, under a condition that is not looked at */
        REGEX_SEQUENCE,                 /* all children, one after the other; none: the empty text */
        REGEX_CHOICE,                   /* one of the children */
        REGEX_REPEAT,                   /* the only child, min to max times */
};

struct regex_set {
        uint64_t words[4];
};

static inline bool regex_set_has(const struct regex_set *set, unsigned char c) {
        return set->words[c / 64] >> (c % 64) & 1;
}

static inline unsigned regex_set_size(const struct regex_set *set) {
        unsigned n = 0;

        for (unsigned i = 0; i < 4; i++)
                n += (unsigned)__builtin_popcountll(set->words[i]);
        return n;
}

struct regex_node {
        enum regex_node_type type;
        unsigned char byte;
        uint32_t min, max;
        const struct regex_set *set;
        struct regex_node *children;    /* arena */
        struct regex_node *next;        /* among the children of its parent */
};

struct regex_tree {
        struct regex_node *root;        /* NULL: given up */
        bool fold;                      /* began with (?i): bytes that are letters are small and stand for both cases,
                                           sets have both */
        bool exact;                     /* matches exactly what the regex matches; else at least that */
};

/* -ENOMEM; otherwise 0 and a tree, or none. */
int regex_tree_read(struct arena *arena, struct text regex, struct regex_tree *ret);
