/* SPDX-License-Identifier: Apache-2.0 */
/* Engine outcome - what the daemon's own compiler and engine say about a world's stream, in the form of outcome.h. */
#pragma once

#include "compile/compile.h"
#include "engine/engine.h"
#include "outcome.h"
#include "prefilter-model.h"
#include "story/world.h"

struct engine_trial {
        const struct world *world;
        struct program *program;
        const struct engine_limits *limits;
        struct program *swap_to;        /* NULL: none */
        size_t swap_before;             /* index of the record before which the program is exchanged */
        size_t restart_every; /* so many records, all is saved, and another engine with another secret goes on; 0: never
                               */
        unsigned uses; /* of program/uses.h: records that the kernel would leave out for these programs with that do
                        * not arrive, but their time does. 0: all arrive */
        struct prefilter_tally *tally;  /* added to; may be NULL */
};

extern const struct engine_limits engine_trial_wide;    /* bounds out of reach */

/* Feed all records. *ret_stats may be NULL. Returns 0 or a negative errno. */
int engine_outcome(const struct engine_trial *trial, struct outcome_list *to, struct engine_stats *ret_stats);
