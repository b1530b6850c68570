/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lab replay - whatever a lab sees is recorded, and when it is closed the recording is replayed: it must be the same
 * stream, record by record, with the same numbers and times. So every scenario is one of replay, too. */

#include "event/event.h"

/* The first LAB_REPLAY_BYTES are recorded: enough for all but the suites on load. */
#define LAB_REPLAY_BYTES (16U << 20)

void lab_replay_begin(const char *path);
void lab_replay_see(const struct event *event);

/* Replay and compare. Ends the program if something differs. */
void lab_replay_end(void);
