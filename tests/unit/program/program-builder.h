/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Program builder - programs written by hand in C, for tests of what runs or reads them. No policy, no compiler.
 *
 *      struct builder b;
 *      builder_init(&b);
 *      builder_path(&b, "two");                        then its positions, in order
 *      builder_position(&b);
 *      builder_step(&b, WIRE_KIND_openat, builder_text(&b, PREDICATE_STRING, WIRE_FIELD_openat_pathname, "/a"), 1);
 *      builder_capture(&b, "$f", WIRE_FIELD_openat_pathname);          by the step above
 *      builder_position(&b);
 *      builder_step(&b, WIRE_KIND_unlink, builder_guard(&b, WIRE_FIELD_unlink_pathname, 0), POSITION_ACCEPT);
 *      builder_kill(&b, WIRE_KIND_rename, builder_true(&b));
 *      program = builder_finish(&b);                   verified; a mistake ends the test and says where it is
 *
 * Paths have to be built in order of their names. Attributes that have no function are set through the pointers that
 * the functions return, which are good until the next call. First steps are filed under their kind; nothing is shared,
 * no matcher is made. */

#include "program/assembly.h"

struct builder {
        struct assembly assembly;
        const char *slots[PROGRAM_MAX_SLOTS];
        uint32_t n_slots, n_steps;      /* of the path that is being built */
};

void builder_init(struct builder *b);

/* by tree, within 10 min, suppress 60 s, severity medium, on_loss flag. */
struct path *builder_path(struct builder *b, const char *name);

/* The next position of the path. */
struct position *builder_position(struct builder *b);

/* A windowed block; `parent` PROGRAM_NONE or one that stands before it. Set position->block and edge->block where it
 * holds. */
uint32_t builder_block(struct builder *b, const char *name, uint64_t within_ns, uint16_t first, uint32_t parent,
                       uint64_t clears);

/* Edges of the last position, in the order of enum edge_type. A step gets the next number. */
struct edge *builder_step(struct builder *b, enum wire_kind kind, uint32_t condition, uint16_t target);
struct edge *builder_again(struct builder *b, enum wire_kind kind, uint32_t condition, uint32_t step);
struct edge *builder_kill(struct builder *b, enum wire_kind kind, uint32_t condition);

/* The last position counts: `n` times within `within_ns` (0: no window of its own), then on to `target`. With
 * `distinct` not FIELD_NONE only different values of it count. Once for each kind of step that counts. */
struct edge *builder_count(struct builder *b, enum wire_kind kind, uint32_t condition, uint16_t target, uint32_t n,
                           uint64_t within_ns, uint16_t distinct);

/* The last position waits on an absence of `within_ns`, then goes on to `target` with the next step number. What must
 * not happen are its kills. */
void builder_absence(struct builder *b, enum wire_kind kind, uint64_t within_ns, uint16_t target);

/* The last path is a score; its one position comes next. Then its steps. */
void builder_score(struct builder *b, uint32_t threshold, uint32_t decay, uint64_t decay_ns);
struct edge *builder_points(struct builder *b, enum wire_kind kind, uint32_t condition, int32_t points);

/* An `until` of the last path; call it behind the path's positions. */
void builder_until(struct builder *b, enum wire_kind kind, uint32_t condition, uint64_t slots);

/* The last step binds `name` (the next slot if it is new; slots count from 0 in each path). The subject is the event
 * or, by the field's scope, its process. */
uint32_t builder_capture(struct builder *b, const char *name, uint16_t field);
uint32_t builder_capture_from(struct builder *b, const char *name, enum program_subject subject, uint16_t field,
                              bool weak);

/* An `except` of the last path; call it behind the path's positions. */
void builder_except(struct builder *b, uint32_t condition, uint64_t slots);

/* Conditions. The subject is the event or, by the field's scope, the acting process; builder_predicate() takes any. */
uint32_t builder_true(struct builder *b);
uint32_t builder_false(struct builder *b);
uint32_t builder_text(struct builder *b, enum predicate_op op, uint16_t field, const char *text);
uint32_t builder_number(struct builder *b, enum predicate_op op, uint16_t field, int64_t number);
uint32_t builder_regex(struct builder *b, uint16_t field, const char *pattern);
uint32_t builder_predicate(struct builder *b, struct predicate predicate);
uint32_t builder_guard(struct builder *b, uint16_t field, uint16_t slot);
uint32_t builder_guard_on(struct builder *b, enum program_subject subject, uint16_t field, uint16_t slot);
uint32_t builder_not(struct builder *b, uint32_t child);
uint32_t builder_ancestor(struct builder *b, uint32_t child);     /* of predicates whose subject is EACH */
uint32_t builder_and(struct builder *b, uint32_t left, uint32_t right);
uint32_t builder_or(struct builder *b, uint32_t left, uint32_t right);

/* The program, owned by the caller; or the block, for free(). The builder is empty afterwards. */
struct program *builder_finish(struct builder *b);
void *builder_finish_block(struct builder *b, size_t *ret_size);
