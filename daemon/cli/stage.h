/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Stage - files of policies, tests and recordings on their way to a rehearsal: what the verbs `test`, `why` and `trace`
 * share. What is wrong with a file is said on standard error. */

#include "rehearsal/rehearsal.h"
#include "story/suite.h"

/* Each returns an exit status. *ret is written for EXIT_STATUS_SUCCESS. */
int stage_load_suite(const char *file, struct suite **ret);
int stage_load_policies(const char *const *places, size_t n_places, struct program **ret);

/* The policies that a suite names, as seen from its file; `places` instead, if there are any. */
int stage_load_policies_of(const struct suite *suite, const char *const *places, size_t n_places,
                           struct program **ret);

/* The test of this name; NULL: the only one. NULL if there is none, which was said. */
const struct suite_test *stage_find_test(const struct suite *suite, const char *name);

/* The events of a test that is written by hand. */
int stage_read_story(const struct suite *suite, const struct suite_test *test, struct story **ret);

/* Whose alerts and account are wanted of a stream; done with stage_done(). */
struct stage {
        struct rehearsal *rehearsal;    /* owned */
        struct story *story;            /* owned; NULL of a recording */
        uint64_t origin_ns;             /* its beginning */
};
void stage_done(struct stage *stage);

/* A test of a suite, or a recording, from beginning to end. `account_of` may be NULL. */
int stage_play_test(struct program *program, const struct suite *suite, const struct suite_test *test,
                    const char *account_of, struct stage *ret);
int stage_play_recording(struct program *program, const char *file, const char *account_of, struct stage *ret);

/* Does the name look like a file of tests? */
bool stage_is_suite(const char *file);
