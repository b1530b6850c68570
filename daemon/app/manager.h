/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager - the daemon: owns the loop, the rooms and the wiring between them, from the first line it says to its
 * summary. */

struct params;

/* Until a signal, the limits in `params`, or a failure. Returns an exit status (enum exit_status); everything was said.
 */
int manager_run(const struct params *params);
