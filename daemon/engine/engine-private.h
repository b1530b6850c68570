/* SPDX-License-Identifier: Apache-2.0 */
/* Engine, inside - what feeding, advancing, telling and handing over share. For this room only. */
#pragma once

#include "base/cleanup.h"
#include "engine/engine.h"
#include "engine/eval.h"
#include "engine/loss.h"
#include "engine/observer.h"
#include "engine/plan.h"
#include "engine/pool.h"
#include "engine/suppress.h"

#define ENGINE_MAX_ASKED 32             /* steps with responders that one event may tell of one path */

struct path_counters {
        uint64_t n_matches, n_evicted;
};

/* An edge that the event being fed could go along: its own conjuncts are not false. */
struct active {
        const struct plan_edge *edge;   /* borrowed from the plan */
        enum truth free;                /* of these conjuncts; unknown only where it matters, for KILL */
};

/* A key of the event being fed, worked out when it is first asked for. */
struct event_key {
        struct key key;
        uint32_t generation;            /* of the event for which it was worked out */
        bool is_there;
};

/* A step with responders that was told of the event being fed. */
struct asked {
        struct token captures;
        const struct step *step;        /* borrowed from the program */
};

/* Memory to work in, as large as a program and the bounds want it. */
struct engine_scratch {
        uint64_t *starting,
                *concerning; /* bit per path that may begin with the event; per path with runs that it may concern */
        uint32_t *concerned;            /* by path: the first group that the event may concern, or POOL_NONE */
        struct path_counters *counters; /* by path */
        uint64_t *hidden;               /* by exception: what it hid or ended */
        struct active *actives;         /* of the path being advanced */
        const struct plan_edge **ways;  /* those that one run goes, then those on which copies of it restart */
        uint32_t *candidates, *moved, *completed;       /* runs */
        uint32_t *left;                 /* groups that may be empty: closed when the event is over */
};

struct engine {
        struct program *program;        /* owned reference */
        const struct process_table *table;      /* borrowed */
        struct engine_sink sink;
        const struct engine_observer *observer; /* borrowed; NULL: nobody looks on */
        struct engine_limits limits;
        struct engine_stats stats;

        struct value_lists *lists;      /* owned; filled by others */
        struct plan plan;
        struct evidence evidence;
        struct eval eval;
        struct pool pool;
        struct suppress suppress;
        struct engine_scratch scratch;
        struct loss loss;
        uint64_t now_ns;                /* the clock of the stream */
        uint64_t last_match;            /* number */
        uint64_t last_coming;           /* number: of a clock that moved, or of an event */

        /* The event being fed. */
        const struct event *event;      /* borrowed; NULL between events */
        struct process *actor;          /* borrowed; NULL: not in the table */
        bool late;                      /* the actor exited before */
        struct event_key keys[_KEY_MAX];
        uint32_t n_left;

        /* The path being advanced. */
        struct { uint32_t first, n; } active_at[PROGRAM_MAX_POSITIONS];
        uint64_t active_known[PLAN_WORDS(PROGRAM_MAX_POSITIONS)];      /* bit per position */
        bool uncertain;                 /* an `except` was unknown */
        bool spent;                     /* the event completed the one run of its key that counts from the start */
        uint32_t n_actives, n_candidates, n_moved, n_completed, n_asked;
        struct asked asked[ENGINE_MAX_ASKED];

        struct match match;
        struct match_step steps[MATCH_MAX_STEPS];
        char key_text[SCOPE_TEXT];
};

/* What the runs of a program can need at most. */
size_t engine_max_steps(const struct engine_limits *limits, const struct plan *plan);
size_t engine_max_captures(const struct engine_limits *limits, const struct plan *plan);

int engine_scratch_init(struct engine_scratch *scratch, const struct plan *plan, size_t capacity);     /* -ENOMEM */
void engine_scratch_done(struct engine_scratch *scratch);

DEFINE_CLEANUP(struct engine *, engine_free)

/* The active edges of a position, worked out for the first run that waits there (advance.c). Returns how many. */
uint32_t engine_activate(struct engine *engine, uint32_t path, uint8_t position);

/* Let a run that is not filed take the event along an edge. Returns its marks afterwards; the run itself may have
 * ended. */
uint8_t engine_take(struct engine *engine, uint32_t path, uint32_t run, const struct plan_edge *plan_edge);

/* Counting (count.c). True: the count is full, and the run is to be advanced. */
bool engine_count(struct engine *engine, uint32_t path, uint32_t run, const struct plan_edge *plan_edge);

/* Add the event's points to a score. False: it is complete. */
bool engine_advance_score(struct engine *engine, uint32_t path, uint32_t run);

/* A filed run leaves its position: if it is the start of its path, and the run one of the event's own key, the event
 * begins no other. */
void engine_leave_start(struct engine *engine, uint32_t run);

/* Begin the one run of the key that counts from the start of its path, unless it is there. Returns its group. */
uint32_t engine_start_lone(struct engine *engine, uint32_t path, const struct key *key, uint32_t own);

/* Is an `until` true of the run (until.c)? An unknown one marks it. */
bool engine_meets_until(struct engine *engine, uint32_t path, uint32_t run);

/* Kinds of the `until`s that look at a run. */
uint64_t engine_until_kinds(const struct engine *engine, uint32_t path, const struct instance *instance);

/* End those of the runs that moved of which an `until` is true. */
void engine_end_moved(struct engine *engine, uint32_t path);

/* What one event does to one path (advance.c). `may_start`: a first step of the path is possible. */
void engine_advance(struct engine *engine, uint32_t path, bool may_start);

/* The key of the event being fed; NULL if it has none. */
const struct key *engine_key(struct engine *engine, enum program_key type);

/* End a filed run, and count it. */
void engine_end_run(struct engine *engine, uint32_t run, uint64_t *counter);

/* End all runs. */
void engine_drop_runs(struct engine *engine);

/* Tell the observer, if there is one, what becomes of a run. `edge` may be PROGRAM_NONE. */
void engine_note_slowly(struct engine *engine, enum run_fate fate, uint32_t path, uint32_t run, uint64_t other,
                        uint32_t edge, uint64_t time_ns);
static inline void engine_note(struct engine *engine, enum run_fate fate, uint32_t path, uint32_t run, uint64_t other,
                               uint32_t edge) {
        if (__builtin_expect(engine->observer != NULL, false))
                engine_note_slowly(engine, fate, path, run, other, edge, engine->now_ns);
}

/* A `gap` record: the runs that it touches are marked (loss.c). */
void engine_gap(struct engine *engine, const struct event *event);

/* A run has come to its position at this time: the gaps that last touch it. */
void engine_touch_slowly(struct engine *engine, uint32_t run, uint32_t path, uint64_t came_ns);
static inline void engine_touch(struct engine *engine, uint32_t run, uint32_t path, uint64_t came_ns) {
        if (__builtin_expect(engine->loss.n > 0, false))
                engine_touch_slowly(engine, run, path, came_ns);
}

/* Who waits for a last step that the kernel decides has changed (arming.c): of the pool. */
void engine_on_arms(uint32_t group, bool came, void *data);

/* Remember that a group may be empty, and close those that are. */
void engine_leave(struct engine *engine, uint32_t group);
void engine_close_groups(struct engine *engine);

/* File a run that was changed, merging it with its equal. */
void engine_file(struct engine *engine, uint32_t run);

/* A run is complete by the event being fed, or without one because something did not happen until time_ns: alert, join
 * it to one, or withhold it (tell.c). `key` is its. */
void engine_tell(struct engine *engine, uint32_t run, uint32_t path, const struct key *key);
void engine_tell_absent(struct engine *engine, uint32_t run, uint32_t path, const struct key *key, uint64_t time_ns);

/* A run has taken a step, by the event being fed or because something did not happen until time_ns: tell it if it has
 * responders. Of runs that know the same the first is told, for there is one thing to be done. `own`: the key of a run
 * in no group. */
void engine_tell_step_slowly(struct engine *engine, uint32_t run, uint32_t path, const struct key *own);
void engine_tell_absent_step_slowly(struct engine *engine, uint32_t run, uint32_t path, uint64_t time_ns);
static inline bool engine_has_responses(const struct engine *engine, uint32_t path) {
        return __builtin_expect(engine->plan.paths[path].has_responses, false) && engine->sink.on_step;
}

/* Sum up a suppressed story, if it was joined by any, and forget it. */
void engine_sum_up(struct engine *engine, uint32_t story);

void engine_tell_evicted(struct engine *engine, uint32_t path, const struct key *key);

/* A regex met its limits when it was asked for this path, and for the first time with this event. */
void engine_tell_limit(struct engine *engine, uint32_t path);
