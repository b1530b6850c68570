/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Facts - what an event must hold for a condition to be true of it, whatever else the condition says: through `and` and
 * `or`. What stands under `not`, compares with a capture or with an ancestor is no fact. Of two facts that are joined
 * by `and` the one that presumably lets less through is taken. So facts may be wider than the condition, and are never
 * narrower. Pure. */

#include <stdbool.h>

#include "event/prefilter.h"
#include "program/program.h"

/* An event must have one of these, in one dimension. */
struct fact {
        struct program_string text;     /* in the program's bytes; of a glob the part that is literal */
        struct program_network network;
        int64_t number;
        uint8_t place;                  /* enum prefilter_place */
};

struct facts {
        bool all;                       /* whatever it holds */
        uint64_t bits;                  /* of FLAGS: any of these */
        struct facts_patterns ARRAY_BODY(struct fact) patterns;
};

/* Which dimension a comparison is about; _PREFILTER_DIMENSION_MAX: none. */
enum prefilter_dimension facts_dimension(const struct predicate *predicate);

/* Could a comparison of this sort (enum predicate_op) be a fact? */
bool facts_could_be(uint8_t op);

/* What an event must hold in this field for the condition, by its number, to be true of it. facts_done() follows. */
void facts_of(const struct program *program, uint32_t condition, enum field field, struct facts *ret);

static inline void facts_done(struct facts *facts) {
        array_done(&facts->patterns);
}

/* Any of these bits of the field must be set for the condition to be true; 0: not that anybody knows. */
uint64_t facts_flags(const struct program *program, uint32_t condition, enum field field);

/* Does the condition look at this field anywhere, in whatever way? */
bool facts_names(const struct program *program, uint32_t condition, enum field field);

uint64_t facts_hash(const struct program *program, const struct facts *facts);
