/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the operational matcher: its runs, and the parts that it is written in. */
#pragma once

#include "operational.h"
#include "place.h"

/* A windowed block that a run is inside. */
struct window {
        const struct element *block;
        uint64_t start_ns;
        const struct place *entered_from;
        size_t n_taken;                 /* evidence when it was entered */
        struct bindings bindings;       /* captures when it was entered */
};

struct open_run {
        struct run run;
        const struct place *place;
        struct window windows[PROGRAM_MAX_WINDOWS + 5];         /* from the outermost */
        size_t n_windows;
        uint64_t came_ns;               /* when it came to its place, */
        size_t came_with;               /* with which event; if it was the clock, the last one before */
        uint64_t came;                  /* and orders all comings */
        const struct counter *counter;  /* of a `repeat`; NULL: empty */
        int64_t points;                 /* of a sum: all that were added since began_ns */
        uint64_t began_ns;
        uint64_t serial;
        bool is_new;                    /* its first step is the event that is being fed */
        bool outlives;                  /* its key has ended */
        char cell[16];
};

struct run_list ARRAY_BODY(struct open_run *);

/* A key that holds runs of a path; `opened` orders all keys of all paths by when they came to hold one. */
struct open_key {
        const char *name;
        uint64_t opened;
};

struct matcher {
        const struct path_node *path;
        const struct place *start;
        struct run_list runs;           /* by serial; owned */
        bool filled;                    /* the event has filled the counter, or the sum, of the key that it begins in */
        ARRAY(struct open_key) open_keys;
};

struct operational {
        const struct facts *facts;
        const struct operational_limits *limits;
        const struct operational_trace *trace;
        struct outcome_list *to;
        struct arena arena;
        ARRAY(struct matcher *) matchers;       /* in order of path name; owned */
        uint64_t next_serial, next_key, next_came;
        size_t n_evicted;
        const struct fact *fact;
};

void operational_cell(struct operational *op, struct matcher *m, struct open_run *run, const char *text);
void operational_drop(struct matcher *m, size_t i);

/* A run that has its own evidence, windows and captures, but a serial of its own. NULL: out of memory. */
struct open_run *operational_copy(struct operational *op, const struct open_run *run);

/* Time: everything that is due before `now_ns`. */
int operational_fire(struct operational *op, uint64_t now_ns);

/* The run as it stood when it entered its i-th window. */
void operational_fall_back(struct open_run *run, size_t i);

/* Does the absence that the run waits on come before all its windows end? */
bool operational_proves(const struct matcher *m, const struct open_run *run);

void operational_merge(struct operational *op, struct matcher *m);

/* A run goes to a place; it was as `before` says. It is inside the windows that are there, and with `enters` in new
 * ones from now on. */
void operational_go(struct operational *op, struct open_run *run, const struct open_run *before,
                    const struct place *place, uint64_t now_ns);

/* It has come to its place at this time: the gaps that last touch it. */
void operational_come(struct operational *op, struct matcher *m, struct open_run *run, uint64_t came_ns);

/* What counts: a run at a `repeat`, or a sum. Has it taken the event, and is it full? */
bool operational_count(struct operational *op, struct matcher *m, struct open_run *run, const struct fact *fact,
                       enum truth hidden, bool *ret_full);

/* Step 3, part 5. */
int operational_evict(struct operational *op, struct matcher *m);
int operational_track_keys(struct operational *op, struct matcher *m);
