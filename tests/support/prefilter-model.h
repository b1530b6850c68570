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
        struct identity tree;           /* 0 of HOST */
        uint64_t until_ns[_WIRE_KIND_MAX];      /* 0: not armed */
};

struct prefilter_model {
        const struct prefilter *prefilter;      /* borrowed; may be exchanged at any time: what is armed stays so */
        struct armed_keys ARRAY_BODY(struct armed_key) keys;
};

void prefilter_model_done(struct prefilter_model *model);

/* Uses that the event may be for: all bits, if nobody knows. `actor` is what a table says that was told everything,
 * NULL: nothing is known. */
uint64_t prefilter_model_uses(struct prefilter_model *model, const struct event *event, const struct process *actor);

/* 1: the event is told, and has armed what it arms; 0: not; -ENOMEM. */
int prefilter_model_admits(struct prefilter_model *model, const struct event *event, const struct process *actor);
