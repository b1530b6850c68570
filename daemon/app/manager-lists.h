/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager lists - what is on the runtime lists (program/value-lists.h) that policies ask for: read from their files
 * when policies begin to ask, then as the process of the scripts says. */

#include <stdint.h>

struct manager;
struct program;

/* New policies are in force, `before` (NULL at start) are not any more: read what they ask for, and warn of a list with
 * values that nobody asks for any more. */
void manager_lists_begin(struct manager *manager, const struct program *before);

/* For response_sink; userdata is the manager. */
void manager_lists_on_list(const char *list, const char *value, uint64_t until_ns, void *userdata);
