/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Report - where alerts leave the daemon: as text, JSON or ECS lines on a descriptor, and as entries of the journal.
 *
 * One alert is built once (alert.h: redacted there) and printed in every form that was asked for. A form that cannot be
 * delivered is counted and said once a minute; it never holds back the others. This room does the I/O; time comes with
 * the events. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/match.h"
#include "process/process-table.h"
#include "report/redact.h"

enum report_output {
        REPORT_TEXT = 1U << 0,
        REPORT_JSON = 1U << 1,
        REPORT_JOURNAL = 1U << 2,
        REPORT_ECS = 1U << 3,
};

struct report_options {
        unsigned outputs;               /* enum report_output, or 0 for none: alerts are counted only */
        int fd;                         /* of text, JSON and ECS; borrowed */
        /* Do not wait for who reads a pipe, socket or terminal (outlet.h): false for whoever has time. */
        bool never_wait;
        void (*on_output_waits)(void *userdata);        /* from now on report_output_waits(); may be NULL */
        void *userdata;
        bool colour;
        unsigned width;                 /* of text; 0: do not cut */
        enum severity min_severity;     /* what is below is counted, not told */
        const struct redactor *redactor;        /* borrowed */
        const struct process_table *table;      /* borrowed */
        bool remember; /* for alerts that look alike: redacted texts; packages of files, for a second */
        const char *spool;              /* file for what journald cannot take; borrowed during the call; NULL: none */
        uint64_t spool_bytes;           /* its bound */
        bool packages;                  /* say which package of this host owns a program. Not for a recording */
        bool host;                      /* say which host this is. Not for a recording */
};

struct report_stats {
        uint64_t n_alerts, n_summaries;
        uint64_t n_obscured;            /* notices that were due, told or joined */
        uint64_t n_below;               /* alerts and summaries below the severity that is told */
        uint64_t n_failed;              /* alerts that could not be built or delivered in a form that was asked for */
        uint64_t n_journal_failed;      /* of these, to the journal */
        uint64_t n_output_full;         /* of these, because whoever reads text or JSON did not keep up */
        uint64_t n_output_waiting, output_bytes;        /* entries that wait for him, now */
        uint64_t n_held;                /* alerts that waited for scripts */
        uint64_t n_spooled, n_spool_refused;    /* entries that had to wait for journald; for which there was no room */
        uint64_t n_spool_waiting, spool_bytes;  /* now */
        uint64_t n_asked, n_remembered; /* texts and files that alerts showed, and of how many the answer was there */
};

struct report;
struct alert;

/* Scripts that have something to say about an alert: then it is held back, until report_release() tells it. Whoever
 * sets this looks after that, and bounds how many and how long. */
struct report_hold {
        /* Is there a script for it at all? Asked for each alert that is told: cheap. */
        bool (*wants)(const struct match *match, void *userdata);

        /* Take it over under this id, 0; else it is told at once, with this reason (enum alert_response_state). `json`
         * is the alert, one line. */
        int (*ask)(uint64_t id, const struct match *match, const struct alert *alert, const char *json, size_t n,
                   void *userdata);

        /* Is it to be asked about a step (match->taken)? That is not held, nor told: what scripts do is all there is.
         * Whoever says no counts it. Then comes ask(), of which the answer is not looked at. NULL: never. */
        bool (*wants_step)(const struct match *match, void *userdata);
        void *userdata;
};

int report_new(const struct report_options *options, struct report **ret);
struct report *report_free(struct report *report);

/* The offset of wall-clock time from here on: from the `clock` records of the stream, so that a replay shows the times
 * of then. */
void report_set_offset(struct report *report, int64_t offset_ns);

/* After a reload of the configuration. */
void report_set_redactor(struct report *report, const struct redactor *redactor);
void report_set_min_severity(struct report *report, enum severity severity);

/* From here on; NULL: no alert is held any more. Those that are stay until they are released. */
void report_set_hold(struct report *report, const struct report_hold *hold);

/* Who saves what led to an alert: the file that it will be in, good until the next call; NULL: it is not saved. Asked
 * once for each alert that is told. NULL: nobody. */
void report_set_recorder(struct report *report, const char *(*file)(const struct match *match, void *userdata),
                         void *userdata);

/* Tell an alert that is held, with what scripts said. false: there is none of this id. */
struct alert_response;
bool report_release(struct report *report, uint64_t id, const struct alert_response *response);

/* Tell what scripts said of an alert that was told before. */
struct report_told {
        uint64_t number, generation;
        const char *policy;
        uint32_t step;                  /* not an alert: what was said of a step; else 0 */
};
void report_answer(struct report *report, const struct report_told *told, const struct alert_response *response);

/* Tell it. Returns 0, or the first error of the forms that failed: counted and logged here, nothing is left to do. */
int report_match(struct report *report, const struct match *match);

/* A step with responders was taken: ask them. No alert, nowhere counted as one. */
void report_step(struct report *report, const struct match *match);

/* An open story was evicted or a regex met its limit. Told at once the first time for a policy and reason, then once a
 * minute with a count: an attacker can cause these at will. */
void report_obscured(struct report *report, enum wire_reason reason, const char *policy, const char *key,
                     uint64_t now_ns);

/* Something about the daemon itself that belongs beside the alerts: an entry of the journal, if that is where they go,
 * with these fields. 1: sent; 0: the journal is no output, say it elsewhere; or the error, which was said. */
struct report_field {
        const char *name, *value;
};
int report_notice(struct report *report, const char *message_id, int priority, const char *message,
                  const struct report_field *fields, size_t n_fields);

/* Tell what report_obscured() has counted and not told. At the end. */
void report_flush(struct report *report, uint64_t now_ns);

/* What alerts tell of this host is looked up beside the stream, in steps (packages.h). report_prepare() at the start;
 * whenever there is work, which any report_match() may bring, report_work() is to be called soon, and again while it
 * returns true. */
void report_prepare(struct report *report, uint64_t now_ns);
bool report_has_work(const struct report *report);
bool report_work(struct report *report);

/* Entries wait for journald: try to send some. True: it takes them, and there are more. */
bool report_waits(const struct report *report);
bool report_send_waiting(struct report *report);

/* Text or JSON waits for its reader: watch the descriptor for being writable, then call report_send_output(). At the
 * end, when nothing more is told, report_finish_output(): it waits for a reader who goes on, a few seconds at most. */
bool report_output_waits(const struct report *report);
int report_output_fd(const struct report *report);      /* -1: it is nothing that is waited for */
void report_send_output(struct report *report);
void report_finish_output(struct report *report);

/* Where alerts go: bits of enum report_output. */
unsigned report_outputs(const struct report *report);

void report_stats(const struct report *report, struct report_stats *ret);

/* Alerts by policy over the whole life of the report, in order of name. i from 0; false: there are no more. */
bool report_policy_at(const struct report *report, size_t i, const char **ret_name, uint64_t *ret_alerts,
                      uint64_t *ret_suppressed);
