/* SPDX-License-Identifier: Apache-2.0 */
/* Plan - what the engine works out once from a program, so that an event costs no search.
 *
 * Per position: what each kind of event could do there, with restarts of the blocks around it, in the order of
 * docs/SEMANTICS.md: advance, count, score, kill, loop, restart, until. Per edge: which conjuncts belong to the event
 * alone, which to the run, and which one is
 * `== $x`, by which runs can be looked up. Per kind: which paths and matchers to look at. Owned by the engine, belongs
 * to one program. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "program/program.h"

#define PLAN_MAX_INDEXES 2              /* captures by which the runs of one position are indexed */
#define PLAN_NO_INDEX UINT8_MAX
#define PLAN_NO_MATCHER UINT16_MAX
#define PLAN_WORDS(n) (((n) + 63) / 64)

enum plan_action {
        PLAN_ADVANCE,
        PLAN_COUNT,
        PLAN_SCORE,
        PLAN_KILL,
        PLAN_LOOP,
        PLAN_RESTART,                   /* take it from the start of a windowed block that the run is inside */
        PLAN_UNTIL,                     /* an `until` of the path: whoever waits here may have to end */
};

/* What a position waits on beside events. */
enum plan_wait {
        WAIT_FOR_NOTHING,
        WAIT_FOR_ABSENCE,
        WAIT_FOR_COUNT,                 /* behind other steps */
        WAIT_FOR_FIRST_COUNT,           /* at the start of the path: there is one run per key, and its window slides */
        WAIT_FOR_SCORE,                 /* the only position of its path; one run per key */
};

struct plan_edge {
        uint32_t edge;                  /* in the program; of UNTIL: in its untils */
        uint32_t free, n_free;          /* conjuncts of the event alone, in plan->conjuncts */
        uint32_t bound, n_bound;        /* conjuncts that look at captures */
        uint32_t guard;                 /* one of them, a GUARD_EQUAL by which runs are indexed; or PROGRAM_NONE */
        uint16_t kind;
        uint16_t target;
        uint16_t local; /* number of the edge at its own position: evidence names edges so, and survives a reload */
        uint8_t action;                 /* enum plan_action */
        uint8_t position;               /* its own position: where it stands, but for RESTART the block's start */
        uint8_t depth;                  /* RESTART: of the block */
        uint8_t index;                  /* of the guard's slot at the position where it stands; or PLAN_NO_INDEX */
        bool any_result;
        bool weak;                      /* the guard's slot may not be bound */
};

struct plan_position {
        uint32_t edges, n_edges;        /* in plan->edges */
        uint64_t kinds;                 /* bit per kind that can do anything here */
        uint64_t loss_kinds;            /* whose loss matters to all that wait here: not loops, restarts and untils */
        uint64_t wait_ns;               /* of an absence, or the window of a count; 0: none */
        uint32_t count;                 /* of a repeat: how often */
        uint32_t blocks[PROGRAM_MAX_WINDOWS];   /* windowed blocks around it, from the outermost */
        uint8_t n_blocks;
        uint8_t n_slots;
        uint8_t slots[PLAN_MAX_INDEXES];
        uint8_t wait;                   /* enum plan_wait */
        uint8_t arms; /* what the kernel decides (`enforce`) of what is waited for here: rules, bits */
};

struct plan_path {
        uint32_t positions;             /* in plan->positions */
        uint16_t n_positions;
        uint8_t by;                     /* enum program_key */
        bool is_lone;                   /* its first position holds one run per key: enum plan_wait */
        bool has_absences;
        bool has_exceptions;            /* decided by the event alone */
        bool has_capture_exceptions;
        bool has_responses;             /* a step of it has responders */
        bool arms;                      /* one of its positions does */
        uint16_t file_slot, address_slot;       /* with which the kernel compares; ENFORCEMENT_NO_SLOT: none */
        uint16_t weak;                  /* bit per slot that a run may have to do without */
        uint16_t slot_fields[PROGRAM_MAX_SLOTS];        /* enum field: what each capture holds */
};

/* A first step that one predicate leads to. */
struct plan_start {
        uint16_t kind, path;
};

struct plan_kind {
        uint32_t eager, n_eager;        /* in plan->eager: matchers that can start paths with this kind */
        uint64_t *paths;                /* bit per path whose first step is tried for every event of the kind */
        uint64_t *aggregates;           /* bit per path that takes aggregates of the kind (program/aggregate.h) */
        bool starts;                    /* is anything in `paths` or `eager` */
        bool meta;                      /* the daemon's own records */
};

struct plan {
        const struct program *program;  /* borrowed */
        struct plan_path *paths;
        struct plan_position *positions;
        struct plan_edge *edges;
        uint32_t *conjuncts;            /* conditions */
        uint32_t *eager;                /* matchers */
        struct plan_start *starts;      /* in the order of program->starts */
        uint16_t *matcher_of;           /* per predicate: the matcher that decides it; PLAN_NO_MATCHER if none */
        uint64_t *kind_paths;           /* memory of plan_kind.paths and .aggregates */
        struct plan_kind kinds[_WIRE_KIND_MAX];
        uint32_t n_path_words;

        /* Upper bounds from which the pools are sized. */
        uint32_t max_copies;            /* runs that one run can become by one event, beside itself */
        uint32_t max_starts;            /* runs of one path that can begin with one event */
        uint32_t max_steps;             /* of one run, repetitions included */
        uint32_t max_slots;
        uint32_t max_edges;             /* of one path, restarts included */
};

int plan_init(struct plan *plan, const struct program *program);        /* -ENOMEM */
void plan_done(struct plan *plan);

static inline const struct plan_position *plan_position(const struct plan *plan, uint32_t path, uint32_t position) {
        return &plan->positions[plan->paths[path].positions + position];
}

static inline const struct edge *plan_edge_at(const struct plan *plan, uint32_t path, uint32_t position,
                                              uint32_t local) {
        const struct program *program = plan->program;

        return &program->edges[program->positions[program->paths[path].positions.first + position].edges.first + local];
}

/* The predicate is true: set the bits of the paths that it begins with an event of this kind. */
static inline void plan_mark(const struct plan *plan, uint32_t predicate, enum wire_kind kind, uint64_t *dirty) {
        const struct program *program = plan->program;
        struct program_range range;

        if (predicate >= program->header->predicate_starts.n)
                return;
        range = program->predicate_starts[predicate];
        for (const struct plan_start *s = &plan->starts[range.first], *end = s + range.n; s < end; s++)
                if (s->kind == kind)
                        dirty[s->path / 64] |= UINT64_C(1) << s->path % 64;
}
