/* SPDX-License-Identifier: Apache-2.0 */
/* Engine - programs meet events: runs of paths begin, advance, end, and complete as matches.
 *
 * docs/SEMANTICS.md says what one event does; this is the fast way of doing exactly that. Pure: no clock (time is the
 * events'), no I/O, no logging; one thread. Nothing is allocated after engine_new() but by engine_swap(). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "engine/match.h"
#include "event/event.h"
#include "process/process-table.h"
#include "program/program.h"

struct engine;
struct value_lists;

struct engine_limits {
        size_t max_runs;                /* in all; at most 65,536 */
        size_t max_tuples;              /* runs of one path and key, at most 1,024 */
        size_t max_keys;                /* keys with open runs */
        size_t max_counts;              /* times that all `repeat`s hold together */
        size_t max_suppressed;          /* stories remembered for `suppress` */
        size_t evidence_bytes;          /* slab for the events that are kept as evidence */
};

/* Called from within engine_feed(), engine_tick(), engine_end() and engine_swap(), which sums up what it ends. */
struct enforcement_arming;
struct engine_sink {
        /* Another story with `enforce` waits for its last step, or one does so no more: all of its path and key.
         * Borrowed until the call returns. NULL: nobody asks. */
        void (*on_arming)(const struct enforcement_arming *arming, void *data);
        /* A path is complete, or (match->summary) a suppressed story is summed up. Borrowed until the call returns. */
        void (*on_match)(const struct match *match, void *data);
        /* A run has taken a step that has responders, match->taken: the story until there. NULL: nobody asks, and it
         * costs nothing. */
        void (*on_step)(const struct match *match, void *data);
        /* An open run made room for another one, or a regex met its limit: shown, because it could hide something. */
        void (*on_obscured)(enum wire_reason reason, const struct path *path, const char *key, void *data);
        void *data;
};

struct engine_stats {
        uint64_t n_events;              /* fed, kinds of class META not counted */
        uint64_t n_passed_by;           /* of these, of a kind that begins no story and that no run awaits */
        uint64_t n_started, n_advanced, n_completed, n_killed, n_expired, n_merged, n_evicted, n_key_ended;
        uint64_t n_ended_by_until;
        uint64_t n_counted;             /* events that were counted by a `repeat` or a `score` */
        uint64_t n_absent;              /* times that what must not happen did not */
        uint64_t n_suppressed;          /* completions that were joined to an alert before them */
        uint64_t n_steps_told;          /* steps with responders */
        uint64_t n_steps_left;          /* of these, not told: too many by one event */
        uint64_t n_withheld;            /* completions of `on_loss = skip` paths after a gap */
        uint64_t n_ended_by_reload;
        uint64_t n_predicates;          /* evaluations, to see that sharing works */
        uint64_t n_unknown;             /* conditions that were unknown */
        uint64_t n_gaps;
        uint64_t n_evidence_refused;    /* steps whose event could not be kept: slab full */
        uint64_t n_list_refused;        /* values of runtime lists for which there was no room */
        uint64_t n_runs, n_keys, n_counts, evidence_used, n_listed;     /* gauges; the last: values of runtime lists */
};

/* The table is borrowed for the life of the engine, the program is referenced. */
int engine_new(struct program *program, const struct process_table *table, const struct engine_limits *limits,
               const struct engine_sink *sink, struct engine **ret);
struct engine *engine_free(struct engine *engine);

/* One event, after process_table_update(), which gave `actor` (NULL if there is none). META kinds: gap marks runs, tick
 * lets time pass, start ends nothing. */
void engine_feed(struct engine *engine, const struct event *event, struct process *actor);

/* Time has passed without an event: `now_ns` was read before the stream was found empty. */
void engine_tick(struct engine *engine, uint64_t now_ns);

/* When engine_tick() should be called at the latest; UINT64_MAX if nothing waits on time. */
uint64_t engine_next_deadline(const struct engine *engine);

/* The stream is over: completes nothing, sums up what was suppressed. */
void engine_end(struct engine *engine);

/* Take over a new program: runs, counters and suppression of unchanged paths (equal hash) go on, the rest ends and is
 * counted. -ENOMEM leaves everything as it was. */
int engine_swap(struct engine *engine, struct program *program);

/* Tell the sink of all that are armed, once more. */
void engine_arm_again(struct engine *engine);

/* The runtime lists, empty at first: whoever knows what is on them puts it there, between events. They outlive
 * programs. They are not part of the stream: a recording that is replayed finds them empty. */
struct value_lists *engine_lists(struct engine *engine);

void engine_stats(const struct engine *engine, struct engine_stats *ret);
/* Of one path of the current program: how often it matched, how many runs are open. */
void engine_path_stats(const struct engine *engine, uint32_t path, uint64_t *ret_matches, uint64_t *ret_runs);
/* How many events an `except` of the current program (by its number there) has hidden from its path that would have
 * done something, or how many runs it ended. Where several are true the first in the text hides. */
uint64_t engine_exception_stats(const struct engine *engine, uint32_t exception);
