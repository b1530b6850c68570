/* SPDX-License-Identifier: Apache-2.0 */
/* Condition - makes predicates, guards and conditions in the program under construction. Equal ones are one.
 *
 * Conditions are kept in a simple form: no `and` directly in an `and`, no constants below the top, no child twice,
 * cheap children first. That changes no value: Kleene's `and` and `or` do not depend on order or repetition. All
 * functions return the number of the condition; errors (no memory, too large) are remembered in the compilation's
 * assembly, and what they return then must not be used. */
#pragma once

#include "compile/compilation.h"

uint32_t condition_true(struct compilation *c);
uint32_t condition_false(struct compilation *c);
uint32_t condition_not(struct compilation *c, uint32_t child);
uint32_t condition_all(struct compilation *c, const uint32_t *children, size_t n);
uint32_t condition_any(struct compilation *c, const uint32_t *children, size_t n);

/* One and the same creator satisfies it: its fields have the subject EACH. Not inside of another one. */
uint32_t condition_ancestor(struct compilation *c, uint32_t child);

/* What a comparison is about. */
struct subject_field {
        uint16_t field;                 /* enum field */
        uint8_t subject;                /* enum program_subject */
        int16_t index;
};

uint32_t condition_number(struct compilation *c, struct subject_field field, enum predicate_op op, int64_t number);
uint32_t condition_string(struct compilation *c, struct subject_field field, enum predicate_op op, const char *bytes,
                          size_t length);

/* Is the field one of these? Sorts the lists and drops what stands in them twice; empty: false. */
uint32_t condition_in_numbers(struct compilation *c, struct subject_field field, int64_t *numbers, size_t n);
uint32_t condition_in_strings(struct compilation *c, struct subject_field field, enum predicate_op op,
                              struct text *texts, size_t n);
uint32_t condition_in_networks(struct compilation *c, struct subject_field field, struct program_network *networks,
                               size_t n);

/* `literal`: what every match contains; may be empty. */
uint32_t condition_regex(struct compilation *c, struct subject_field field, struct text pattern, struct text literal);

uint32_t condition_guard(struct compilation *c, struct subject_field field, enum guard_op op, uint32_t slot);
