/* SPDX-License-Identifier: Apache-2.0 */
/* Random - policies and streams that nobody would write, made of a small alphabet so that stories come about often. The
 * same seed gives the same policy and the same stream. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "story/world.h"

struct random {
        uint64_t state;
};

void random_init(struct random *random, uint64_t seed);
uint32_t random_below(struct random *random, uint32_t n);
/* True in `percent` of all calls. */
bool random_chance(struct random *random, unsigned percent);

#define RANDOM_PICK(random, list) ((list)[random_below(random, ELEMENTSOF(list))])

/* What a policy may use; a stream that is to be without something has to be without it too. */
struct random_style {
        bool simple;                    /* steps only: no blocks, branches, repetitions */
        bool flat_time;                 /* many equal times */
        bool quick;                     /* time passes in halves of a second */
        bool aggregates;                /* some records stand for many events */
        unsigned n_paths;
        unsigned n_events;
};

/* One path, with its name, as text. */
void random_path(struct random *random, const struct random_style *style, unsigned number, struct strbuf *b);

/* Events into a world that is new. Returns 0 or a negative errno. */
int random_stream(struct random *random, const struct random_style *style, struct world *world);
