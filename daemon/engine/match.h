/* SPDX-License-Identifier: Apache-2.0 */
/* Match - one completed story with its evidence: which event of which process was which step. Plain values, so that
 * report, response, replay and tests read the same thing. Borrowed from the engine while on_match() runs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"
#include "process/process.h"
#include "program/program.h"

#define MATCH_MAX_STEPS 128

struct match_step {
        const struct step *step;        /* borrowed from the program */
        struct event event;             /* its record lies in the evidence slab; wire is NULL if it could not be kept */
        bool absent;                    /* of a `no`: what it says did not happen for within_ns, until first_ns. Then
                                           there is no event, and the actor is that of the step before */
        uint64_t within_ns;             /* of a `no` or a `repeat`; 0: none */
        struct identity actor;
        const struct process_image *image;      /* what the actor ran then; NULL: not known */
        uint64_t first_ns, last_ns;     /* of several events; else both the event's time */
        uint64_t count;                 /* events that this step took, at least 1 */
        uint32_t points;                /* of a score: for each of them; 0: it is not one */
};

/* What became of the last step of a path with `enforce`. */
enum match_enforced {
        MATCH_NOT_ENFORCED,             /* it has none */
        MATCH_KILLED,                   /* who took it never came back from it */
        MATCH_LATE,                     /* who took it was killed by the daemon, some time after it */
        MATCH_REFUSED,
        MATCH_WOULD,                    /* nothing: enforcement is off */
        MATCH_PROTECTED,                /* nothing: who took it is protected */
        MATCH_FAILED,                   /* nothing: the call came before the kernel knew of the story, or it has not
                                           said what it did; and who took it had ended, or was not to be killed */
        _MATCH_ENFORCED_MAX,
};

const char *match_enforced_to_string(enum match_enforced enforced);     /* NULL for the first */

struct match {
        const struct program *program;
        const struct path *path;
        uint64_t number; /* of this match in the life of the engine, from 1: with the generation, its name */
        uint64_t time_ns; /* of the completing event, or when something had not happened for long enough */
        const char *key;                /* whose story, printable: "tree 4711", "unit nginx.service", "host" */
        enum program_key key_type;
        struct identity key_identity;   /* tree, process, descent: the process that it is named after */
        struct process *actor;          /* who completed it, in the table; NULL if not there */
        struct identity actor_id;

        const struct match_step *steps;
        size_t n_steps;

        struct value captures[PROGRAM_MAX_SLOTS];       /* state VALUE_UNKNOWN: not bound */
        uint16_t capture_fields[PROGRAM_MAX_SLOTS];     /* enum field: how to print it */

        uint64_t score, threshold;      /* of a `score` path: the sum that completed it; threshold 0: it is not one */
        uint64_t starts;                /* equal runs that were merged into this one, at least 1 */
        bool uncertain;                 /* a `not` or `except` was unknown on the way */
        bool gap;                       /* events that it needed may have been lost while it was open */
        uint64_t gap_count, gap_kinds;
        uint32_t gap_reasons;           /* 1 << enum wire_loss */

        enum match_enforced enforced;   /* set by whoever knows (pipeline.h) */
        bool summary; /* no new story: the end of a suppression, `suppressed` says how many were joined */
        uint64_t suppressed;
        uint64_t first_ns;              /* of the first step; of a summary, of the first alert */

        const struct step *taken;       /* no story, but one under way: it has just taken this step, which has
                                           responders, and what is here is what is known so far. The number is 0 */
};
