/* SPDX-License-Identifier: Apache-2.0 */
/* Explain - what an event says to the runs of a path, condition by condition: true, false or unknown, and the values.
 *
 * Within on_event() of an observer: the event is about to be fed, runs are as they were before. Truth is what the
 * engine's own evaluator says, node by node, so an explanation cannot disagree with what the engine then does; but it
 * is another instance of it, so that asking changes nothing the engine counts or remembers. Slow: for people who ask,
 * never for a daemon. Pure. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "engine/engine.h"
#include "engine/observer.h"
#include "engine/scope.h"

struct explain;
struct strbuf;

/* For the program that the engine runs now. The engine is borrowed. -ENOMEM. */
int explain_new(struct engine *engine, struct explain **ret);

/* How a process is called where one was captured: NULL says that this one has no name. Without it, by its pid. */
void explain_set_label(struct explain *explain, const char *(*label)(const struct identity *id, void *data),
                       void *data);
struct explain *explain_free(struct explain *explain);
DEFINE_CLEANUP(struct explain *, explain_free)

/* The event that is about to be fed: call first, for each. */
void explain_begin(struct explain *explain);

const struct program *explain_program(const struct explain *explain);
const struct event *explain_event(const struct explain *explain);

/* An open run, or (serial 0) the start of the path where a new one may begin. */
struct explain_run {
        uint64_t serial;
        uint32_t path;
        uint32_t steps;                 /* evidence: what it captured */
        uint8_t position;
        uint8_t done;                   /* steps taken */
        bool concerned;                 /* the event belongs to its key; of the start: it has a key at all */
        uint64_t deadline_ns;           /* UINT64_MAX: none */
};

/* The start, then all open runs of the path. */
void explain_runs(struct explain *explain, uint32_t path,
                  void (*on_run)(const struct explain_run *run, void *data), void *data);

/* When an open run ends or falls back if nothing comes; UINT64_MAX: never, or there is no such run. May be asked
 * between events. */
uint64_t explain_deadline(const struct explain *explain, uint32_t path, uint64_t serial);

/* The key of a run (serial 0: the event's), and the one that the event has under the path's `by`. False: none. */
bool explain_key(struct explain *explain, const struct explain_run *run, struct key *ret);
bool explain_event_key(struct explain *explain, uint32_t path, struct key *ret);

enum explain_verdict {
        EXPLAIN_TAKES,                  /* all that the event has to say is true */
        EXPLAIN_FALSE,
        EXPLAIN_UNKNOWN,
        EXPLAIN_FAILED,                 /* the call failed, and the step takes those that succeed */
        EXPLAIN_NOT_CAPTURED,           /* true, but a field that it captures is not known */
};

struct explain_edge {
        uint32_t edge;                  /* in the program; PROGRAM_NONE of an `until` */
        uint32_t until;                 /* in the program, or PROGRAM_NONE */
        enum edge_type type;            /* of an `until`: KILL */
        enum explain_verdict verdict;
        bool later;                     /* a step that the run does not wait for yet, though the event is one */
};

/* The edges where the run waits that look at the event's kind, in their order; the path's `until`s; then the first step
 * further on that takes the event, if none here does. */
void explain_edges(struct explain *explain, const struct explain_run *run,
                   void (*on_edge)(const struct explain_edge *edge, void *data), void *data);

/* An `except` hides the event from the path: its index among the program's exceptions, PROGRAM_NONE if none does. Of
 * unknown ones, the first if *ret_unknown. */
uint32_t explain_exception(struct explain *explain, uint32_t path, bool *ret_unknown);

enum explain_shape {
        EXPLAIN_LEAF,                   /* one comparison */
        EXPLAIN_ALL, EXPLAIN_ANY,       /* of the nodes below */
};

struct explain_node {
        uint32_t condition;             /* in the program; of a negated leaf that which is negated */
        uint8_t shape;
        uint8_t truth;                  /* enum truth, negation included */
        uint8_t depth;
        bool negated;
};

/* A condition as a list of lines: what must be true together at depth 0, what is inside of an `or` below it. A node
 * whose truth is settled by others is there too. Returns how many; more than `max` are left out. */
#define EXPLAIN_MAX_NODES 48
size_t explain_condition(struct explain *explain, const struct explain_run *run, uint32_t condition,
                         struct explain_node *nodes, size_t max);

/* What stands in the policy, after lists and macros: `pathname == $file`. */
void explain_put_node(struct explain *explain, uint32_t path, const struct explain_node *node, struct strbuf *b);

/* What was seen: `"/bin/ls", $file is "/tmp/x"`; of an unknown one why it is. Only of leaves. */
void explain_put_seen(struct explain *explain, const struct explain_run *run, const struct explain_node *node,
                      struct strbuf *b);

/* What the edge would capture of the event: `$file = "/tmp/x"`, joined by commas; nothing if it captures nothing. */
void explain_put_captures(struct explain *explain, uint32_t path, uint32_t edge, struct strbuf *b);

/* A value for people: strings in quotes, cut to size with three dots. */
void explain_put_value(enum field field, const struct value *value, struct strbuf *b);
