/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Alert - a match as it is told to the outside: what the journal, JSON and text forms are all printed from, so that the
 * three cannot say different things.
 *
 * A plain tree of values with wall-clock times. Everything that an alert shows was copied and redacted here; nothing
 * later looks at the match, the table or an event again. Bytes are as they were: each form escapes them in its own way.
 * The same match gives the same alert. Bounded: long values are cut and say so. No clock, no I/O. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "engine/match.h"
#include "process/process-table.h"
#include "report/alert-response.h"
#include "report/redact.h"

#define ALERT_VERSION 1 /* of the JSON form, docs/ALERTS.md; rises when a key changes its meaning or goes away */
#define ALERT_MAX_ANCESTORS 32
#define ALERT_MAX_FIELDS 16             /* of one step */
#define ALERT_MAX_TEXT 4096             /* bytes of one value */
#define ALERT_MAX_ANCESTOR_ARGS 512     /* bytes of an ancestor's arguments */

struct alert_text {
        const char *bytes;              /* arena; redacted; ended by a NUL that is not counted */
        size_t length;
        bool known;                     /* else it could not be captured */
        bool cut;                       /* the true value is longer */
};

enum alert_detail {
        ALERT_ACTOR,                    /* everything */
        ALERT_STEP_ACTOR,               /* who it was */
        ALERT_ANCESTOR,                 /* the same, arguments shorter */
};

struct host;

/* Which package of the host owns a program: filled in by whoever may look (report.c). */
struct alert_package {
        bool known;                     /* else it could not be found out */
        struct alert_text name;         /* empty: none does */
        struct alert_text version;
};

struct alert_process {
        struct identity id;
        struct wire_object file;        /* its image; inode 0: not known */
        struct alert_package package;
        uint64_t start_ns;              /* wall clock; 0: not known */
        bool has_credentials;
        uint32_t uid, euid, gid, egid, loginuid, session;
        bool deleted, memfd, upper_layer, writable;     /* its image; false also if not known */
        bool before_us, image_before_us;        /* it, its image, ran when the watch began */
        struct alert_text name, exe, args, unit, container;
        struct alert_text cwd, cgroup, user_unit;       /* of an ALERT_ACTOR */
        struct alert_text container_runtime, container_name, container_image, login_session;    /* and these */
        struct alert_text *argv;                        /* arena; of an ALERT_ACTOR */
        size_t n_argv;
};

/* Where a value comes from. */
enum alert_provenance {
        ALERT_KERNEL, /* the kernel's own data, or not known */
        ALERT_USER_STABLE, /* bytes that the program passed: the same at both ends of the call, in memory that it had
                              alone */
        ALERT_USER, /* bytes that it could have exchanged while they were read */
};

struct alert_field {
        const char *name;               /* arena or constant: "pathname", "argv[1]", "parent.exe" */
        enum field field;
        enum program_subject subject;
        bool known;
        bool cut;
        enum alert_provenance provenance;
        bool is_number;                 /* number says it, as a plain number; else text does, or items */
        bool is_boolean;
        bool is_time;                   /* number is wall clock, nanoseconds */
        bool is_list;
        int64_t number;
        struct alert_text text;         /* as people write it: "O_RDWR|O_CREAT", "0755", "10.0.0.1" */
        struct alert_text *items;
        size_t n_items;
};

struct alert_step {
        uint32_t number;                /* as written in the policy, from 1 */
        uint32_t line;                  /* in the policy's file */
        const char *kind;
        struct alert_text block;        /* not known: in no named block */
        uint64_t time_ns, last_ns;      /* wall clock */
        uint64_t count;
        bool absent;                    /* of a `no`: it did not happen for within_ns, until time_ns */
        uint64_t within_ns;             /* of a `no` or a `repeat`; 0: none */
        uint32_t points;                /* of a score; 0: it is not one */
        bool kept;                      /* else the event itself could not be kept as evidence */
        bool has_result;
        int64_t result;                 /* of the call */
        struct alert_process process;
        struct alert_field fields[ALERT_MAX_FIELDS];
        size_t n_fields;
};

struct alert_capture {
        struct alert_text name;         /* without the dollar sign */
        struct alert_field value;
};

struct alert {
        uint64_t number, generation;
        const struct host *host;        /* borrowed while the alert is told; NULL: it does not say */
        bool summary;                   /* the end of a suppression */
        uint32_t step;                  /* no alert: a story has taken this step, and responders are asked; else 0 */
        uint64_t time_ns, first_ns;     /* wall clock */
        struct alert_text policy, description, file;
        uint32_t line;
        enum severity severity;
        enum program_key by;
        struct alert_text key;
        struct alert_text *techniques;
        size_t n_techniques;
        struct alert_process process;
        struct alert_process ancestors[ALERT_MAX_ANCESTORS];
        size_t n_ancestors;
        bool ancestors_broken;          /* there are more, which are not known or do not fit */
        struct alert_step *steps;
        size_t n_steps;
        struct alert_capture captures[PROGRAM_MAX_SLOTS];
        size_t n_captures;
        uint64_t n_before_us; /* of the processes that acted: how many ran when the watch began */
        uint64_t score, threshold;      /* threshold 0: it is no score */
        uint64_t starts, suppressed;
        struct alert_text enforced; /* what the kernel did at the last step: "killed"; not known: it was not asked */
        bool uncertain, gap;
        uint64_t gap_count, gap_kinds;
        struct alert_text gap_reasons[_WIRE_LOSS_MAX];  /* "sampled" */
        size_t n_gap_reasons;

        struct alert_text recording; /* file that what led to it is being saved in, if it is: put there by report.c */

        /* Of scripts, if any has to do with it: put there by report.c. */
        const struct alert_response *response;  /* borrowed while the alert is told; NULL: none has */
        struct alert_text response_state;       /* of that, as a word */
        struct alert_text response_fields[ALERT_RESPONSE_MAX_FIELDS];   /* of that, as "name=value" */
        size_t n_response_fields;
};

struct alert_context {
        const struct process_table *table;      /* borrowed; NULL: no ancestors */
        const struct redactor *redactor;
        struct redact_cache *cache;     /* NULL: every text is looked through */
        int64_t offset_ns;              /* CLOCK_REALTIME less CLOCK_BOOTTIME */
};

/* Is the process of step i one that ran when the watch began, and neither the actor nor that of a step before? */
bool alert_step_names_before_us(const struct alert *alert, size_t i);

/* Make the alert of a match. Its memory lies in the arena and is good until that is reset. -ENOMEM. */
int alert_build(const struct match *match, const struct alert_context *context, struct arena *arena,
                struct alert **ret);
