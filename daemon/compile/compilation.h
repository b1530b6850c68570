/* SPDX-License-Identifier: Apache-2.0 */
/* Compilation - what the passes work on together: the program under construction, what is known of its predicates and
 * conditions, and the tables by which equal ones are found again (hash-consing). Lives as long as one call of
 * compile_policies(). */
#pragma once

#include "base/hashmap.h"
#include "base/siphash.h"
#include "compile/compile.h"
#include "program/assembly.h"

/* Known of a predicate beside what the program says. */
struct predicate_info {
        struct siphash128 hash;         /* of its meaning, whatever its number */
        uint64_t kinds;                 /* of the events that it is asked of */
        bool matched;                   /* a matcher decides it, or will if there is room in its table */
        bool begins;                    /* a first step is filed under it */
};

struct condition_info {
        struct siphash128 hash;         /* of its meaning: order of children and sharing make no difference */
        uint32_t nodes;                 /* as a tree */
        uint32_t slots;                 /* captures that it reads */
        uint64_t kinds;
        uint32_t cost;                  /* of finding out, roughly: cheap ones are asked first */
};

struct compilation {
        uint64_t without;               /* bit per enum compile_pass */
        size_t max_bytes;
        struct diag_set *diags;
        struct compile_report report;
        size_t regex_bytes;             /* of all different regexes, compiled */
        struct assembly out;
        struct arena arena;             /* of all that ends with the compilation */
        struct compilation_predicates ARRAY_BODY(struct predicate_info) predicates;    /* by number */
        struct compilation_conditions ARRAY_BODY(struct condition_info) conditions;
        struct hashmap known_predicates, known_conditions, known_guards, known_regexes;
        struct hashmap known_exprs;     /* what many policies share: lists, and what sema made of them */
};

void compilation_init(struct compilation *c, const struct compile_options *options, struct diag_set *diags);
void compilation_done(struct compilation *c);

/* A number that may be found again under a key of bytes: the record in `map`, made anew (number PROGRAM_NONE) if it is
 * not there or sharing is switched off. NULL: no memory. The key is copied. */
struct shared_number {
        uint32_t number;
        char key[];
};
struct shared_number *compilation_share(struct compilation *c, struct hashmap *map, const void *key, size_t size);

/* Is this pass to be made? */
static inline bool compilation_does(const struct compilation *c, enum compile_pass pass) {
        return !(c->without >> pass & 1);
}

/* A pass was given so much, and so much is left of it. */
static inline void compilation_count(struct compilation *c, enum compile_pass pass, uint64_t given, uint64_t left) {
        c->report.passes[pass].given += given;
        c->report.passes[pass].left += left;
}

/* Add to a hash with the length in front, so that no two sequences of texts look alike. */
void hash_add_text(struct siphash *s, const char *bytes, size_t length);
void hash_begin(struct siphash *s);

static inline struct diag_span path_span(const struct path_node *path) {
        return path->name_span;
}
