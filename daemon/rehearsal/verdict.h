/* SPDX-License-Identifier: Apache-2.0 */
/* Verdict - the alerts that a test expects against those that came.
 *
 * Which alert answers which line of the test is worked out for all of them together: if there is a way in which every
 * line is answered, it is found. Pure. */
#pragma once

#include "rehearsal/rehearsal.h"
#include "story/suite.h"

enum failing {
        FAILING_MISSING,                /* fewer came than the line expects */
        FAILING_TOO_MANY,               /* the line says that none is to come like this (`count: 0`) */
        FAILING_UNEXPECTED,             /* no line expects it, and others are not allowed */
        FAILING_FORBIDDEN,              /* its path is among `no_alerts` */
};

struct failure {
        enum failing failing;
        const struct suite_alert *expected;     /* borrowed; MISSING and TOO_MANY */
        const struct suite_name *forbidden;     /* borrowed; FORBIDDEN */
        const struct rehearsal_alert *alert;    /* borrowed; that came: NULL of MISSING */
        uint32_t n_came;                /* MISSING */
        const char *path;               /* borrowed: whose account tells why */
};

struct verdict {
        ARRAY(struct failure) failures; /* none: all is as it should be */
};

/* `origin_ns`: when the story begins. -ENOMEM. */
int verdict_find(const struct suite_test *test, const struct rehearsal_alerts *alerts, uint64_t origin_ns,
                 struct verdict *ret);
void verdict_done(struct verdict *verdict);

/* One failure, one or more lines, what came of the same path among them. */
void verdict_put(const struct failure *failure, const struct rehearsal_alerts *alerts, uint64_t origin_ns,
                 struct strbuf *b);

/* An alert in the words of a test, on one line: "at 3s, key tree:bash, steps 1@1s 3@3s, $file=/tmp/x". */
void verdict_put_alert(const struct rehearsal_alert *alert, uint64_t origin_ns, struct strbuf *b);

/* Paths that a suite names and no policy has: reported, with what may have been meant. */
void verdict_check_names(const struct suite *suite, const struct program *program, struct diag_set *diags);
