/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Script value - an alert as scripts get it: the JSON object of docs/ALERTS.md, read once for all scripts that want it.
 *
 * It comes from another process (or from a file that somebody saved), so it is bytes: too large, too deep, not an
 * object is -EBADMSG, and nothing in it is believed to be of the type that it should be. */

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define SCRIPT_VALUE_MAX_BYTES (1U << 20)
#define SCRIPT_VALUE_MAX_DEPTH 16

struct script_value;

/* *ret_message (static) says what is wrong. */
int script_value_parse(const char *json, size_t n, struct script_value **ret, const char **ret_message);
/* What the text does not say exactly, of each process in it: the actor, its ancestors, the actors of the steps, in this
 * order. Scripts find it as start_ns, exe_device and exe_inode; actions need it. Copied. */
struct script_process {
        uint64_t start_ns;              /* CLOCK_BOOTTIME */
        uint64_t inode;                 /* of its image; 0: not known */
        uint32_t device;
        uint32_t pid;
};
int script_value_set_processes(struct script_value *value, const struct script_process *processes, size_t n);

struct script_value *script_value_free(struct script_value *value);

DEFINE_CLEANUP(struct script_value *, script_value_free)
