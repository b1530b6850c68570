/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Play - a policy and a story as texts, rehearsed. */

#include "rehearsal/rehearsal.h"
#include "story/story.h"

struct play {
        struct program *program;
        struct story *story;
        struct rehearsal *rehearsal;
};

/* `account_of` may be NULL. Both texts are right, or the test fails. */
void play_open(struct play *play, const char *policy, const char *events, const char *account_of);
void play_close(struct play *play);
