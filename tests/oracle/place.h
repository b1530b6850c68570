/* SPDX-License-Identifier: Apache-2.0 */
/* Place - where a run of a path can wait: the steps that would advance it, the `not`s in force, the repetitions that
 * still count, and the windowed blocks that it is inside. Made by walking through the tree of the path. For the
 * operational matcher. */
#pragma once

#include "policy/ast.h"

#define PLACE_MAX_WANTS 64
#define PLACE_MAX_CHAIN 16

/* One way to advance. A plain step: chain[0] must be true. A conditional, with its else-ifs: the first `decides` of the
 * chain must be false, and chain[decides] true; decides == n_chain: all of them false. */
struct want {
        const struct element *chain[PLACE_MAX_CHAIN];
        size_t n_chain, decides;
        const struct element *told;     /* the step that is told */
        const struct element *binds;    /* the step whose captures are bound, or NULL */
        struct place *next;
};

struct place {
        struct want wants[PLACE_MAX_WANTS];
        size_t n_wants;
        const struct element *nots[PLACE_MAX_WANTS];
        size_t n_nots;
        const struct element *loops[PLACE_MAX_WANTS];
        size_t n_loops;
        const struct element *windows[PROGRAM_MAX_WINDOWS + 5];         /* from the outermost */
        size_t n_windows;
        bool accept;
        bool score;                     /* the wants add points; the run stays, until it is at `after` */
        const struct element *repeat;   /* the wants are counted for it */
        const struct element *absence;  /* what must not happen: then there are no wants, */
        struct place *after;            /* and this is where the clock takes the run */
        struct place *other;            /* all places of the path */
};

/* All places of a path; the first is its start. In the arena. NULL: out of memory. */
struct place *places_of(const struct path_node *path, struct arena *arena);

/* Is the step somewhere in this block? */
bool place_step_is_inside(const struct element *block, const struct element *step);
