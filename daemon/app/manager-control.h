/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager control - what the doors (control/control.h) lead to: reload, snapshot, what there is to ask. */

struct manager;
struct match;

/* Open the doors, as configured. What cannot be had is said, and done without; -ENOMEM. */
int manager_control_init(struct manager *manager);
void manager_control_done(struct manager *manager);

void manager_control_on_match(struct manager *manager, const struct match *match);

/* Where sockets go: $RUNTIME_DIRECTORY, or /run/execrayd, which is made. "" if there is none. */
const char *manager_runtime_directory(void);
