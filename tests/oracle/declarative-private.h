/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the declarative matcher: what a story that has begun still needs, and what one event does to that. */
#pragma once

#include "base/hashmap.h"
#include "declarative.h"

/* What is still to come: the rest of a body, then the rest of what is around it. */
struct rest {
        const struct element *at;
        const struct element *window;   /* the windowed block whose body this is, or NULL */
        const struct rest *up;
};

struct lineage {
        struct run run;
        const struct rest *rest;
        const struct element *loop;     /* the `..` step that was taken last */
        unsigned done;                  /* of an `all` that is next: members that were taken, bit by bit */
        const struct counter *counter;  /* of a `repeat` that is next; NULL: nothing was counted yet */
        int64_t points;                 /* of a sum, since began_ns */
        uint64_t began_ns;
        uint64_t came_ns;               /* time of the last step, */
        size_t came_with, came;         /* its event, and a number that orders all comings */
        bool outlives;                  /* its key has ended */
        bool over;
        struct inside {
                const struct element *block;
                uint64_t start_ns;
                const struct lineage *entered;  /* as it was before the block's first step */
        } inside[PROGRAM_MAX_WINDOWS + 5];
        size_t n_inside;
};

struct lineages ARRAY_BODY(struct lineage *);

/* A lineage at its end, and when that was. */
struct ended {
        struct lineage *lineage;
        struct completion when;
};

struct search {
        const struct facts *facts;
        const struct path_node *path;
        struct arena arena;
        struct hashmap seen;            /* lineages that were there already */
        struct lineages open;           /* every one that is possible, equal ones too */
        ARRAY(struct ended) complete;
        size_t comings;
        bool filled;                    /* the event has filled the counter, or the sum, of the key that it begins in */
};

/* What a lineage waits for with one event: found by walking through the rest. */
struct wait {
        struct search *search;
        const struct lineage *from;
        const struct fact *fact;
        enum truth hidden;
        const struct element *only;     /* steps of this block alone, or NULL */
        struct lineages ways;
        bool taken;                     /* also if an `except` ended all ways */
        bool uncertain;                 /* of the first way */
        const struct element *nots[64], *loops[64];
        size_t n_nots, n_loops;
        const struct element *repeat;                   /* what it stands in front of, */
        const struct rest *behind;                      /* and what follows that */
        uint64_t kinds;                 /* of wanted steps */
        bool names_result;              /* the step that is being asked */
};

/* Where a lineage stands: in front of which element, which `not`s and repetitions lie between, which blocks are around.
 */
struct stand {
        const struct element *front, *nots[64], *loops[64], *windows[PROGRAM_MAX_WINDOWS + 5];
        size_t n_nots, n_loops, n_windows;
        unsigned done;
};

const struct rest *rest_new(struct search *s, const struct element *at, const struct element *window,
                            const struct rest *up);

/* What is left when all that needs no step has been passed; NULL: the story is complete. */
const struct rest *rest_passed(const struct rest *rest);

void stand_of(const struct lineage *l, struct stand *ret);

/* Do they wait for the same, for the same key, with the same captures? */
bool lineage_equal(const struct lineage *a, const struct lineage *b);

/* The lineage, which was as `before` says, has taken a step, and `rest` is still to come. */
void lineage_go(struct search *s, struct lineage *l, const struct lineage *before, const struct rest *rest,
                uint64_t now_ns);

/* Walk through what a lineage waits for, with one event: each way to take it is in w->ways. With `only`, steps of this
 * block alone. */
void wait_look(struct wait *w, struct search *s, const struct lineage *from, const struct fact *fact,
               enum truth hidden, const struct element *only);

/* Add the kinds of these steps. */
void wait_kinds(struct wait *w, const struct element *e);

/* What a gap of touches it; `gap`: any one, which nothing takes. */
uint64_t lineage_kinds(struct search *s, const struct lineage *l, const struct fact *gap);

/* It has come to where it stands at this time, with this record: the gaps that last touch it. */
void lineage_come(struct search *s, struct lineage *l, size_t record, uint64_t came_ns);
