/* SPDX-License-Identifier: Apache-2.0 */
/* Eval - what is true of one event: predicates, conditions, comparisons with captures.
 *
 * Each predicate and each condition that belongs to the event alone is worked out when it is first asked for, at most
 * once, and remembered under the number of the event; a new event forgets by counting on. String patterns on one field
 * are decided together by their matcher. What a matcher finds in a process image is remembered with the image: it is
 * the same for every event of the process. Three-valued throughout. Pure; owned by the engine; nothing allocates after
 * eval_init(). */
#pragma once

#include "engine/evidence.h"
#include "engine/plan.h"
#include "process/process-table.h"

struct eval_memo {
        uint32_t generation;
        uint32_t truth;                 /* enum truth */
};

enum eval_state {
        EVAL_UNKNOWN,
        EVAL_ABSENT,                    /* known not to be there: no comparison with it is true */
        EVAL_CUT,
        EVAL_KNOWN,
        EVAL_ANY,                       /* a list, to be compared element by element */
};

/* The event's side of a guard. */
struct eval_guard {
        uint32_t generation;
        uint8_t state;                  /* enum eval_state */
        uint8_t type;                   /* enum value_type */
        struct token token;             /* of EVAL_KNOWN */
};

struct value_lists;
struct eval_image;                      /* what a matcher found in an image */

struct eval {
        const struct program *program;  /* borrowed */
        const struct plan *plan;        /* borrowed */
        const struct process_table *table;      /* borrowed */
        const struct evidence *evidence;        /* borrowed: captures, and the secret of tokens */

        const struct value_lists *lists;        /* borrowed; NULL: runtime lists are empty */

        /* The event. */
        const struct event *event;      /* borrowed */
        const struct process *actor;    /* borrowed; never NULL after eval_begin(): `nobody` stands in */
        const struct process *parent;   /* borrowed; once asked for */
        enum eval_state parent_state;
        bool parent_asked;
        struct process nobody;          /* an actor that is not in the table: what its record says */
        const struct process *each;     /* borrowed; the creator that a CONDITION_ANCESTOR is looking at */
        uint64_t *dirty; /* borrowed: bit per path that may begin with the event; NULL while nobody asks */

        uint32_t generation;
        struct eval_memo *predicates, *conditions;
        struct eval_memo *matchers;     /* truth: of the predicates that it did not report */
        struct eval_guard *guards;
        struct eval_image *images;      /* owned; direct-mapped */

        bool met_limit;                 /* a regex ended at its limits; whoever wonders clears it */
        uint64_t n_predicates, n_unknown;
};

int eval_init(struct eval *eval, const struct program *program, const struct plan *plan,
              const struct process_table *table, const struct evidence *evidence); /* -ENOMEM */
void eval_done(struct eval *eval);

void eval_begin(struct eval *eval, const struct event *event, const struct process *actor);

/* Run the matchers by whose hits paths begin, and set the bits of these paths, and of those that begin with any event
 * of the kind. */
void eval_dispatch(struct eval *eval, uint64_t *dirty);

enum truth eval_predicate(struct eval *eval, uint32_t predicate);

/* `steps`: of the run whose captures guards compare with; EVIDENCE_NONE if the condition has none. */
enum truth eval_condition(struct eval *eval, uint32_t condition, uint32_t steps);

/* The event's side of a guard; its token is good if the state is EVAL_KNOWN. */
const struct eval_guard *eval_guard(struct eval *eval, uint32_t guard);

/* Read a field of the event, of the actor, of its parent or of the creator that is being looked at, and of a list one
 * element. INDEX_ANY gives the list. Who the parent is the actor's own record says, be the parent in the table or not.
 */
enum eval_state eval_get(struct eval *eval, enum program_subject subject, enum field field, int index,
                         struct value *ret);
