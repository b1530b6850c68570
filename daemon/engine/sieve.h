/* SPDX-License-Identifier: Apache-2.0 */
/* Sieve - the conditions of a program without its stories: does an event hold what some first step asks for?
 *
 * For a program whose paths have one step each: no runs, no keys, no evidence, nothing suppressed. Steps take failed
 * calls if they were compiled so (policy_options.any_result). Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "process/process-table.h"
#include "program/program.h"

struct sieve;

/* The program is referenced, the table borrowed. -ENOMEM. */
int sieve_new(struct program *program, const struct process_table *table, struct sieve **ret);
struct sieve *sieve_free(struct sieve *sieve);
DEFINE_CLEANUP(struct sieve *, sieve_free)

/* After process_table_update(), which gave `actor`. */
enum truth sieve_look(struct sieve *sieve, const struct event *event, const struct process *actor);
