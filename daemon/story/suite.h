/* SPDX-License-Identifier: Apache-2.0 */
/* Suite - a file of policy tests, in YAML: stories, and the alerts that must and must not come of them.
 *
 *      policies: [dropped-and-run.policy]              # files or directories, as seen from this file
 *      tests:
 *        - name: what was downloaded is run
 *          events: |                                   # story.h; or `recording: FILE`
 *            1s curl write pathname=/tmp/x
 *            2s sh   execve filename=/tmp/x
 *          alerts:                                     # these, and no others
 *            - path: dropped_and_run
 *              steps: [1@1s, 3@2s]
 *              captures: {$file: /tmp/x}
 *
 * docs/TESTING-POLICIES.md says what each word means. Reads no files; stories are kept as text and parsed by whoever
 * runs them. Pure. */
#pragma once

#include "base/arena.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "story/story.h"

#define SUITE_MAX_BYTES ((size_t)2 << 20)
#define SUITE_MAX_COUNT 1000            /* alerts that one line expects */

struct suite_step {
        uint32_t number;
        bool has_time, has_count;
        uint64_t time_ns;               /* from the beginning of the story */
        uint64_t count;
};

struct suite_capture {
        const char *name, *text;        /* "$file" */
};

/* One line of `alerts`: so many alerts are like this. What is not asked may be anything. */
struct suite_alert {
        struct diag_span span;
        const char *path;
        uint32_t count;                 /* how many; 0: none is */
        bool has_at, has_uncertain, has_gap, has_summary;
        bool uncertain;
        uint64_t at_ns;                 /* from the beginning of the story */
        uint64_t gap;                   /* events that were lost; 0: none */
        uint64_t starts;                /* 0: not asked */
        uint64_t summary;               /* alerts that `suppress` joined to one before */
        const char *key;                /* NULL: not asked */
        bool has_steps;
        ARRAY(struct suite_step) steps;
        ARRAY(struct suite_capture) captures;
};

struct suite_name {
        const char *text;
        struct diag_span span;
};

struct suite_test {
        const char *name;
        struct diag_span span;
        struct story_source events;     /* in the text of the suite; text is NULL if there is a recording */
        struct suite_name recording;
        bool has_alerts;                /* `alerts` are all that may come; without: only `no alerts` is asked */
        bool others_allowed;
        ARRAY(struct suite_alert) alerts;
        ARRAY(struct suite_name) no_alerts;     /* paths that must stay silent */
};

struct suite {
        struct arena arena;
        const char *name;               /* of the file; arena */
        const char *text;               /* arena */
        size_t n;
        const char *origin; /* of the stories: "hand-written", or "recorded, KERNEL, DATE"; NULL: not said. Arena */
        ARRAY(struct suite_name) policies;
        ARRAY(struct suite_test) tests;
};

/* All that is wrong is reported. 0; -EBADMSG: read the diags; -ENOMEM. *ret is written for 0 only. */
int suite_parse(const char *name, const char *text, size_t n, struct diag_set *diags, struct suite **ret);
struct suite *suite_free(struct suite *suite);
DEFINE_CLEANUP(struct suite *, suite_free)
