/* SPDX-License-Identifier: Apache-2.0 */
/* Predicate - one comparison of one value with a constant, by itself: what a matcher decides together with all others
 * of the field, decided alone. Three-valued, as docs/SEMANTICS.md says under "Comparing". Pure, no allocation.
 *
 * Whose value it is (the event's, a process's, any ancestor's) and which element of a list is the caller's business,
 * except in predicate_test_list(). The comparison with a field that the event's kind does not have is false, and nobody
 * needs to read it. */
#pragma once

#include "event/value.h"
#include "program/program.h"

struct value_lists;

/* What is not in the program: the runtime lists of this moment. */
struct predicate_now {
        const struct value_lists *lists;        /* borrowed; NULL: all are empty */
        uint64_t time_ns;
};

/* A value that is no list, or for KNOWN any value. `now` NULL: runtime lists are empty. */
enum truth predicate_test(const struct program *program, const struct predicate *predicate, const struct value *value,
                          const struct predicate_now *now);

/* The list as a whole, by predicate->index: INDEX_ANY is `or` over its elements, and of a cut list only complete
 * elements count as true. */
enum truth predicate_test_list(const struct program *program, const struct predicate *predicate,
                               const struct value *list, const struct predicate_now *now);

/* A string against one of the string operations, from STRING to IN_GLOBS. */
enum operand_kind {
        OPERAND_KIND_NONE,
        OPERAND_KIND_NUMBER,
        OPERAND_KIND_NUMBERS,
        OPERAND_KIND_STRING,
        OPERAND_KIND_STRINGS,
        OPERAND_KIND_REGEX,
        OPERAND_KIND_NETWORKS,
        OPERAND_KIND_LIST_NAME,
};
enum operand_kind predicate_operand(enum predicate_op op);

