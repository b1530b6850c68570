/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Break-glass - the ways in which somebody who has no time says: hands off this host.
 *
 *      execray.disarm          on the kernel's command line
 *      /run/execrayd/disarm    a file, whatever is in it; there is no need to restart anything
 *      three crashes           of the same process within ten minutes: whatever it does, it does harm
 *
 * The second is looked for again and again and armed again when it goes; the others last. */

#include <stddef.h>
#include <stdint.h>

#define BREAKGLASS_CRASHES 3
#define BREAKGLASS_PERIOD_NS (10 * NSEC_PER_MIN)

/* Is the word there, alone or with a value that does not say no? Pure. */
int breakglass_is_on_command_line(const char *text);

/* A process begins, and says so in a file of `directory` that breakglass_end() takes away: one that is still there is
 * of a life that ended badly. `who` is a word ("core", "respond"). Returns how many ended so in the last ten minutes,
 * or -errno. */
int breakglass_begin(const char *directory, const char *who, uint64_t now_ns);
int breakglass_end(const char *directory, const char *who, uint64_t now_ns);

/* For another process: how many lives of `who` before the one that goes on now ended badly. 0 if nobody has begun. */
int breakglass_count(const char *directory, const char *who, uint64_t now_ns);

/* Why nothing is to be done now, as text that stays; NULL: nothing against it. `n_crashes` as breakglass_begin() said.
 */
const char *breakglass_look(const char *directory, int n_crashes);
