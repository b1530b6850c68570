/* SPDX-License-Identifier: Apache-2.0 */
/* Account - what became of the runs of one path over a stream of events, and why each went no further: the answer of
 * `execrayctl why`.
 *
 * It looks on while the engine works (engine/observer.h): what it says happened is what the engine did; what it says of
 * conditions comes from the engine's evaluator (engine/explain.h). Bounded: it keeps the runs that came furthest, and
 * of events that a run did not take one for each reason, with a count. Pure. */
#pragma once

#include "base/array.h"
#include "base/cleanup.h"
#include "engine/engine.h"

struct account;
struct strbuf;

struct account_options {
        uint32_t path;                  /* in the program of the engine */
        uint64_t origin_ns;             /* times are told from here on */
        /* The name of a process, as the stream's author calls it; NULL: "name[pid]". */
        const char *(*label)(const struct identity *id, void *data);
        void *data;
};

/* Looks on from now on, until account_free(); one at a time. The engine is borrowed. -ENOMEM. */
int account_new(struct engine *engine, const struct process_table *table, const struct account_options *options,
                struct account **ret);
struct account *account_free(struct account *account);
DEFINE_CLEANUP(struct account *, account_free)

/* The event that was fed is done: call after each engine_feed(). */
void account_end_event(struct account *account);

/* -ENOMEM if something could not be kept for want of memory. */
int account_error(const struct account *account);

/* For people. `n_runs`: of the runs that came furthest so many are told, the others are counted. */
#define ACCOUNT_RUNS_SHOWN 6
void account_put_text(const struct account *account, size_t n_runs, struct strbuf *b);
