/* SPDX-License-Identifier: Apache-2.0 */
/* Trial - one set of policies on one stream, through the engine and through both reference matchers: do they say the
 * same? */
#pragma once

#include "engine-outcome.h"
#include "operational.h"
#include "policy/policy-set.h"

struct trial {
        const struct policy_set *policies;
        const struct world *world;
        const struct engine_limits *limits;     /* NULL: out of reach, and the declarative matcher takes part too */
        const struct policy_set *swap_to;       /* NULL: no reload; else the declarative matcher stays out */
        size_t swap_before;
        const char *changed;            /* a word: what has it is changed by the reload, whatever its text; or NULL */
        const struct operational_trace *trace;  /* may be NULL */
        bool without_engine;            /* the reference matchers alone */
        size_t variant; /* 0: each pass of the compiler left out in turn, all, none; else none and one of
                           these ways, counted round and round */
};

struct trial_result {
        struct outcome_list outcomes;   /* of the engine; of the operational matcher if it stayed out */
        struct strbuf report;           /* what differs; empty if nothing does */
        size_t n_evicted, n_alerts;
        struct prefilter_tally tally;   /* of all variants behind filters */
};

/* Returns 1 if all agree, 0 if not: see the report; or a negative errno. */
int trial_run(const struct trial *trial, struct trial_result *ret);
void trial_result_done(struct trial_result *result);
