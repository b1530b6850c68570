/* SPDX-License-Identifier: Apache-2.0 */
/* Rehearsal - policies and a story meet, without a kernel, a clock or a report: process table, engine, and the alerts
 * that came of it, kept as plain values to be compared with what was expected. Pure. */
#pragma once

#include "base/arena.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "rehearsal/account.h"

struct rehearsal_step {
        uint32_t number, line;          /* of the step in its path; of its text in the file */
        uint64_t first_ns, count;
};

struct rehearsal_capture {
        const char *name, *text;        /* "$file"; as people write the value */
};

struct rehearsal_alert {
        const char *path;               /* all texts: arena of the rehearsal */
        uint64_t time_ns;
        const char *key;                /* "tree:bash", "unit:x.service", "user:1000", "host" */
        struct rehearsal_step *steps;
        size_t n_steps;
        struct rehearsal_capture *captures;
        size_t n_captures;
        bool uncertain, gap;
        uint64_t gap_count, starts;
        bool summary;                   /* of a suppressed story: `suppressed` alerts were joined to one before */
        uint64_t suppressed;
};

struct rehearsal_options {
        const char *account_of;         /* path of which an account is wanted; NULL: none */
        uint64_t origin_ns;             /* times are told from here on */
        const char *(*label)(const struct identity *id, void *data);    /* see account.h; NULL: none */
        void *data;
};

struct rehearsal;

/* The program is referenced. -ENOENT: it has no path of that name. */
int rehearsal_new(struct program *program, const struct rehearsal_options *options, struct rehearsal **ret);
struct rehearsal *rehearsal_free(struct rehearsal *rehearsal);
DEFINE_CLEANUP(struct rehearsal *, rehearsal_free)

/* 0, or -ENOMEM: alerts or the account are not complete. */
int rehearsal_feed(struct rehearsal *rehearsal, const struct event *event);
int rehearsal_end(struct rehearsal *rehearsal);

struct rehearsal_alerts ARRAY_BODY(struct rehearsal_alert);
const struct rehearsal_alerts *rehearsal_alerts(const struct rehearsal *rehearsal);
const struct account *rehearsal_account(const struct rehearsal *rehearsal);     /* NULL: none was wanted */

/* Number of the path of that name, or PROGRAM_NONE. */
uint32_t rehearsal_find_path(const struct program *program, const char *name);
