/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Pipeline - the path of one event, put together: process table, engine, report.
 *
 * The daemon feeds it what the kernel says, the tool what a recording holds; both get the same alerts for the same
 * stream. It keeps the wall clock by the stream's `clock` records, and makes an `obscured` event of whatever the engine
 * says could hide something, so that policies can watch for that too. No clock, no I/O of its own (report writes). */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "engine/carry.h"
#include "engine/engine.h"
#include "event/event.h"
#include "process/process-table.h"
#include "report/report.h"

struct config;
struct pipeline;

struct pipeline_options {
        struct process_table_limits table;
        struct engine_limits engine;
        struct report_options report;   /* its table is set here */
};

/* Limits and what concerns alerts, as configured. Says nothing of outputs, which depend on how the program was started.
 */
void pipeline_configure(const struct config *config, struct pipeline_options *ret);

struct pipeline_sink {
        void (*on_match)(const struct match *match, void *userdata);    /* after it was reported; may be NULL */

        /* A story is complete that looks at these kinds: how many events of each the kernel has skipped without the
         * stream's saying so yet. Then the alert is marked. NULL: none but those that the stream says (WIRE_AHEAD). */
        void (*skipped)(uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX], void *userdata);

        /* The same as a record, good until it returns: a stream that has it before the event that completed the story
         * gives the same alert. Not of what came with the stream. May be NULL. */
        void (*on_ahead)(const struct event *gap, void *userdata);

        /* A story with `enforce` is complete: what did the kernel do? NULL: nobody knows (a recording), and the alert
         * does not say. */
        enum match_enforced (*enforced)(const struct match *match, void *userdata);

        /* As of the engine's sink; may be NULL. */
        void (*on_arming)(const struct enforcement_arming *arming, void *userdata);
};

struct pipeline_stats {
        uint64_t n_events[_WIRE_KIND_MAX];      /* fed */
        uint64_t n_obscured_told;       /* obscured events made for the policies */
        uint64_t n_obscured_joined;     /* too many at once: joined to another of the same event */
        struct process_table_stats table;
        struct engine_stats engine;
        struct report_stats report;
};

/* The program is referenced, the sink copied. */
int pipeline_new(struct program *program, const struct pipeline_options *options, const struct pipeline_sink *sink,
                 void *userdata, struct pipeline **ret);
struct pipeline *pipeline_free(struct pipeline *pipeline);
DEFINE_CLEANUP(struct pipeline *, pipeline_free)

/* Borrowed; what shares its images may outlive the pipeline. */
struct process_table *pipeline_table(struct pipeline *pipeline);

/* The next event of the stream. */
void pipeline_feed(struct pipeline *pipeline, const struct event *event);

/* When time itself should be fed, as a `tick`, at the latest. UINT64_MAX: nothing waits. */
uint64_t pipeline_next_deadline(const struct pipeline *pipeline);

/* Take over a new program; see engine_swap(). */
int pipeline_swap(struct pipeline *pipeline, struct program *program);

/* The stream is over: sum up what was held back. */
void pipeline_end(struct pipeline *pipeline);

/* What is known of processes and groups, as records (process/retell.h), at the time of the stream. */
int pipeline_retell(struct pipeline *pipeline, int (*tell)(const struct event *event, void *userdata), void *userdata);

/* Another process is to follow: as pipeline_end(), but what is held back it will sum up, and what is open it will go on
 * with. engine/carry.h. */
int pipeline_save(struct pipeline *pipeline, const uint8_t stamp[static CARRY_STAMP], const struct carry_sink *sink);
void pipeline_leave(struct pipeline *pipeline);

/* Before the first event: what pipeline_save() has put. */
int pipeline_load(struct pipeline *pipeline, const void *data, size_t n, const uint8_t stamp[static CARRY_STAMP],
                  uint64_t now_ns,
                  void (*on_ended)(const char *path, size_t length, uint64_t n_runs, void *userdata), void *userdata,
                  struct carried *ret);

struct report *pipeline_report(struct pipeline *pipeline);
struct engine *pipeline_engine(struct pipeline *pipeline);
void pipeline_stats(const struct pipeline *pipeline, struct pipeline_stats *ret);
