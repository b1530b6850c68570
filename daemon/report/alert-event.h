/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Alert event - one event as it is told to the outside, with everything that is known of it: what `trace` prints. As an
 * alert it is a plain tree of values, copied and redacted here once, so that its forms cannot say different things. */

#include "process/process.h"
#include "program/program.h"
#include "report/alert.h"

struct alert_event {
        enum wire_kind kind;
        uint64_t number;                /* in the stream */
        uint64_t time_ns;               /* wall clock */
        uint32_t tid;
        uint32_t parent_pid;            /* of the task that called fork; 0: not known */
        struct alert_process process;
        bool has_process;               /* else it is the daemon's own record, and nobody's */
        bool has_result;
        int64_t result;
        uint32_t flags;                 /* WIRE_* */
        uint64_t more;                  /* stands for so many events like one that was told; 0: for itself */
        uint64_t first_ns, more_bytes;  /* of these: wall clock, and sum of their results */
        struct alert_field *fields; /* arena; first those that people look at, then those asked for, then the rest */
        size_t n_fields;
        size_t n_shown;                 /* of the first two sorts */
};

struct alert_event_options {
        const struct step_field *fields;        /* borrowed; that somebody named, and wants to see */
        size_t n_fields;
        bool brief; /* of the process only its name: a line has no room for more, and arguments are dear to redact */
};

/* `actor` as process_table_update() gave it. Its memory lies in the arena and is good until that is reset. -ENOMEM. */
int alert_event_build(const struct event *event, const struct process *actor, const struct alert_event_options *options,
                      const struct alert_context *context, struct arena *arena, struct alert_event *ret);
