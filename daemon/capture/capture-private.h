/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Capture, inside - what the kinds of sources share: the end of the stream where records are checked, timed and
 * numbered. A source embeds struct capture and fills in its operations. For this room only. */

#include "capture/capture.h"

/* What to do about -EMFILE, and how it begins to read. */
#define CAPTURE_CROWDED "raise the limit on open files to at least 512 (LimitNOFILE= of the unit, or ulimit -n)"

struct capture_ops {
        int (*start)(struct capture *capture, sd_event *loop, uint64_t generation);
        int (*dispatch)(struct capture *capture, size_t max);
        void (*flush)(struct capture *capture);         /* may be NULL */
        int (*set_interest)(struct capture *capture, const struct interest *interest, uint64_t generation);
        void (*set_overload)(struct capture *capture, const struct capture_overload *overload); /* may be NULL */
        int (*set_deny)(struct capture *capture, const struct capture_deny *deny);      /* may be NULL */
        int (*set_enforcement)(struct capture *capture,
                               const struct capture_enforcement *enforcement); /* may be NULL */
        bool (*has_killed)(struct capture *capture, const struct identity *who, const char *policy,
                           uint64_t wait_ns);           /* may be NULL */
        const char *(*obstacle)(const struct capture *capture, const struct enforcement_rule *rule); /* may be NULL */
        int (*arm)(struct capture *capture, const struct enforcement_arming *arming);   /* may be NULL, */
        void (*disarm_policy)(struct capture *capture, const char *policy, bool disarmed);      /* with it */
        void (*set_enforcing)(struct capture *capture, bool enforcing);                 /* may be NULL */
        void (*let_go)(struct capture *capture);                                        /* may be NULL */
        int (*protect)(struct capture *capture, const struct capture_deny_list *executables);   /* may be NULL */
        void (*set_pace)(struct capture *capture, uint64_t max_latency_ns, bool wake_urgent, bool patient,
                         bool wake_each);               /* may be NULL */
        void (*skipped)(struct capture *capture, uint64_t kinds, uint64_t ret[static _WIRE_KIND_MAX]); /* may be NULL */
        int (*retell)(struct capture *capture);         /* may be NULL */
        void (*leave)(struct capture *capture, int table_fd, int stories_fd);   /* may be NULL */
        int (*take_stories)(struct capture *capture);           /* may be NULL */
        void (*set_deadline)(struct capture *capture, uint64_t deadline_ns);
        void (*set_wait)(struct capture *capture, bool wait);
        uint64_t (*untold)(const struct capture *capture);      /* may be NULL */
        void (*stats)(const struct capture *capture, struct capture_stats *ret);        /* adds to what is there */
        size_t (*describe)(const struct capture *capture, char *buffer, size_t size);
        struct capture *(*free)(struct capture *capture);
};

struct capture {
        const struct capture_ops *ops;
        struct capture_sink sink;
        void *userdata;                 /* borrowed; the sink's */
        uint64_t clock_ns;              /* stream time */
        uint64_t number;                /* of the last event */
        struct capture_stats stats;     /* what this end of the stream counts */
        const struct prefilter *prefilter;      /* borrowed: for the next interest */
        uint64_t unread_since_ns;       /* 0: nobody wants to know */
        uint64_t longest_unread_ns;
};

/* For capture_end_wait(): before and after reading. */
void capture_reads(struct capture *capture);
void capture_has_read(struct capture *capture);

/* Give one record to the sink. -EBADMSG or -EPROTO if it is none; that is counted, too. `*ret_event` (may be NULL) is
 * what was given: good as long as the record is. */
int capture_deliver(struct capture *capture, const void *data, size_t size, struct event *ret_event);

/* The same for one that is checked already: sets its time and number. */
void capture_pass(struct capture *capture, struct event *event);

/* The same for a record that was made here: counted as produced. */
int capture_deliver_own(struct capture *capture, const struct wire_header *header);
