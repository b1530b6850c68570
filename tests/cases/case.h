/* SPDX-License-Identifier: Apache-2.0 */
/* Case - a policy, a story, and the alerts that must come of it. README.md beside this file describes the form. */
#pragma once

#include <stdint.h>

#include "base/strbuf.h"

struct case_texts {
        const char *name;               /* for messages */
        const char *policy;             /* text, or NULL: then `files` */
        const char *const *files;       /* policy files or folders */
        size_t n_files;
        const char *events;             /* NULL: only the policy is read */
        const char *expect;             /* alerts, one a line; NULL: not asked */
        const char *diags;              /* what the checker must say; NULL: nothing */
        uint32_t policy_line, events_line, expect_line;         /* numbers of their first lines */
        bool without_engine;
};

/* Returns 1: as expected; 0: not, and the report says what; or a negative errno. */
int case_run(const struct case_texts *texts, struct strbuf *report);
