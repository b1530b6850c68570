/* SPDX-License-Identifier: Apache-2.0 */
/* Prefilter model - what the kernel does with a prefilter, written down the plain way, and as narrow as it may be: keys
 * are exact, patterns are compared one by one. What is missed behind it would be missed in the kernel. */
#pragma once

#include <stdbool.h>

#include "event/event.h"
#include "event/prefilter.h"
#include "process/process.h"

struct armed_key {
        enum prefilter_key key;
        struct identity id;             /* of a tree; a user as pid */
        char name[256];                 /* of a unit or container */
        uint64_t until_ns[_WIRE_KIND_MAX];      /* 0: not armed */
};

/* What it did, that a test may look whether it did anything. */
struct prefilter_tally {
        uint64_t n_seen;                /* events that could have been left out, */
        uint64_t n_left_out;            /* and were, */
        uint64_t n_by[_PREFILTER_DIMENSION_MAX];        /* for this dimension alone, */
        uint64_t n_waiting;             /* or since nothing was armed */
};

void prefilter_tally_add(struct prefilter_tally *tally, const struct prefilter_tally *other);

struct prefilter_model {
        const struct prefilter *prefilter;      /* borrowed; may be exchanged at any time: what is armed stays so */
        struct armed_keys ARRAY_BODY(struct armed_key) keys;
        struct prefilter_tally tally;
};

void prefilter_model_done(struct prefilter_model *model);

/* Uses that the event may be for: all bits, if nobody knows. `actor` is what a table says that was told everything,
 * NULL: nothing is known. */
uint64_t prefilter_model_uses(struct prefilter_model *model, const struct event *event, const struct process *actor);

/* 1: the event is told, and has armed what it arms; 0: not; -ENOMEM. */
int prefilter_model_admits(struct prefilter_model *model, const struct event *event, const struct process *actor);
