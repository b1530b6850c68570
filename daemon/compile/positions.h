/* SPDX-License-Identifier: Apache-2.0 */
/* Positions - the body of a path becomes places where a run waits, and edges between them.
 *
 * The construction is Glushkov's (1961), by need: beginning with the place before the first element, the edges of a
 * place are those of all elements that could come first there, and each leads to the place behind its element. Two
 * places are one if the same text follows, the same repetition may still count, and they are inside the same windows:
 * so what follows an `any` or a conditional exists once. Only what can be reached is made, and places lead forward
 * only. A block's window is told apart by the place from which it was entered, for that is where an expired run falls
 * back to. Inside of an `all` there is a place for each set of members that are still wanted. A `score` path has one
 * place, where all its steps add up.
 *
 * More than PROGRAM_MAX_POSITIONS places are refused with a diag that names the path: -EBADMSG in the compilation's
 * assembly. */
#pragma once

#include "base/array.h"
#include "compile/compilation.h"

#define DRAFT_ACCEPT UINT32_MAX

struct draft_edge {
        enum edge_type type;
        enum wire_kind kind;
        bool any_result;
        bool captures;                  /* binds what the element captures */
        uint32_t condition;
        const struct element *element;  /* borrowed from the tree */
        uint32_t target;                /* number of a draft position, or DRAFT_ACCEPT; own for SCORE, LOOP, KILL */
        uint32_t window; /* ADVANCE: in draft->windows: innermost one that the element is in; or PROGRAM_NONE */
        uint32_t named; /* in draft->windows: innermost named block that the element is in; or PROGRAM_NONE */
};

struct draft_context;

struct draft_position {
        const struct element *at;       /* what comes first, */
        const struct draft_context *up; /* and what follows behind the end of its body */
        const struct element *loop;     /* a repetition that may still count */
        uint32_t taken;                 /* `at` is an `all`: bit per member that was taken */
        const struct element *repeat;   /* what its COUNT edges count for, or NULL */
        const struct element *absence;  /* the `no` that it waits on, or NULL, */
        uint32_t absence_target;        /* where that leads, */
        uint32_t absence_named;         /* and the named block that it is in */
        uint32_t window;                /* innermost windowed block that a run is inside here */
        struct draft_edges ARRAY_BODY(struct draft_edge) edges;
        uint32_t number;                /* in the finished path: later places have larger ones */
};

/* A windowed block as entered from one place, or a named one without a window. */
struct draft_window {
        const struct element *element;
        uint32_t first;                 /* draft position from which it is entered */
        uint32_t parent;                /* windowed block around it, or PROGRAM_NONE */
        uint16_t depth;
};

struct draft {
        struct draft_positions ARRAY_BODY(struct draft_position) positions;
        struct draft_windows ARRAY_BODY(struct draft_window) windows;
        uint32_t order[PROGRAM_MAX_POSITIONS];  /* draft position of each finished one */
};

/* Errors are remembered in the assembly; then the draft is of no use. */
void positions_build(struct compilation *c, const struct path_node *path, struct draft *ret);
void draft_done(struct draft *draft);

/* Captures that are bound inside of a block, as a bit set. */
uint64_t element_slots(const struct element *element);
