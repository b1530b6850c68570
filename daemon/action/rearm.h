/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Rearm - how an operator arms a policy again that a storm has disarmed: its name as a line of a file in the runtime
 * directory, which the process that acts takes away. Nothing needs to be restarted, and no bus. */

#include <stddef.h>

/* -EINVAL: no policy can have that name; -ENOENT: there is no such directory, so no daemon. */
int rearm_ask(const char *directory, const char *policy);

/* Has what was asked for been taken? 0 or 1. */
int rearm_is_taken(const char *directory);
int rearm_withdraw(const char *directory);

/* Take what was asked for: `arm` for each name, which need not be anybody's. How many; 0: nobody has asked. A file that
 * is not root's own, or too large, is taken away unread: -errno. */
int rearm_take(const char *directory, void (*arm)(const char *policy, void *userdata), void *userdata);
