/* SPDX-License-Identifier: Apache-2.0 */
/* Program verify, inside - what its parts share: what has been learned so far, and how a check is written. For this
 * room only.
 *
 *      program-verify.c             the block and its sections, matchers, dispatch
 *      program-verify-condition.c   predicates, guards, conditions
 *      program-verify-path.c        steps, blocks, edges, positions, paths
 *
 * Each verifier_...() says false with `where` set if the record is not as program.h says; then nothing more is asked.
 */
#pragma once

#include <stdbool.h>

#include "program/program.h"

enum filed {
        FILED_NOT,
        FILED_KIND,
        FILED_PREDICATE,
};

enum mark {
        MARK_EACH = 1U << 0,            /* reads a creator that a condition around it has to choose */
        MARK_ANCESTOR = 1U << 1,        /* chooses one */
};

/* What is learned on the way. */
struct verifier {
        const struct program *p;
        const char *where;
        uint64_t work_left; /* records that may still be looked at through ranges: overlapping ones must not multiply */
        uint32_t *condition_slots;      /* owned; by condition: captures that it reads */
        uint8_t *condition_marks;       /* owned; by condition: enum mark */
        uint32_t *condition_nodes;      /* owned; by condition: how many it has, written out as a tree */
        uint64_t *decided;              /* owned; by predicate: kinds for which a matcher decides it */
        uint8_t *filed;                 /* owned; by edge: enum filed */
        uint64_t next_position, next_edge, next_child, next_exception, next_until, next_repeat, next_absence,
                next_start;
};

/* Every check reads: if not so, say where and stop. */
#define CHECK(v, condition, text)                                                                                      \
        do {                                                                                                           \
                if (!(condition)) {                                                                                    \
                        (v)->where = (text);                                                                           \
                        return false;                                                                                  \
                }                                                                                                      \
        } while (0)

/* Does the range lie in a section of n records? Costs as much work as it has records. */
bool verifier_range(struct verifier *v, struct program_range range, uint64_t n);

/* Ranges that follow each other: record by record, each belongs to one owner. */
bool verifier_next_range(struct program_range range, uint64_t *next, uint64_t n);
bool verifier_string(struct verifier *v, struct program_string string);
bool verifier_strings(struct verifier *v, struct program_range range);
int verifier_compare(struct verifier *v, struct program_string a, struct program_string b);

/* The subject says where the value comes from, so which fields it can have. */
bool verifier_field(uint16_t field, uint8_t subject, int16_t index);

bool verifier_predicate(struct verifier *v, const struct predicate *predicate);
bool verifier_network(struct verifier *v, const struct program_network *network);
bool verifier_guard(struct verifier *v, const struct guard *guard);
bool verifier_condition(struct verifier *v, uint32_t i);
bool verifier_step(struct verifier *v, const struct step *step);
bool verifier_block(struct verifier *v, uint32_t i);
bool verifier_path(struct verifier *v, const struct path *path, const struct path *before);
