/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sandbox - how a process gives up what it does not need, step by step, for good.
 *
 *      sandbox_limit()         before anything else: bounds on time, memory, files, and no new privileges
 *      ... open and read what has to be read ...
 *      sandbox_drop()          another user, no capability
 *      sandbox_seal()          no system call but those to compute, to write to standard output and error, and to end
 *
 * Whoever has to do something to the host calls sandbox_keep() in place of the last two: the same user, and of what it
 * may do a part.
 *
 * Not for a process with threads: limits are of the process, the rest of the calling thread. Every function gives
 * -errno if a step did not work, and the step's name for a message in *ret_what (may be NULL); go no further then. */

#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"

struct sandbox_limits {
        uint64_t cpu_s;                 /* then SIGXCPU, a second later SIGKILL */
        uint64_t memory_bytes;          /* of address space: then malloc() fails */
        uint64_t file_bytes;            /* of one file: then SIGXFSZ */
        uint64_t files;                 /* open at a time */
};

/* Also no core dumps, no more processes, an end with the parent, and the first choice if the machine is short of
 * memory. */
int sandbox_limit(const struct sandbox_limits *limits, const char **ret_what);

/* Become user and group `id`, without other groups, if we are root; and give up all capabilities in any case. Nobody
 * else of that user may look into the process afterwards. */
int sandbox_drop(uid_t id, const char **ret_what);

/* No new privileges, and of the capabilities that we have only these, a bit each: all others leave the permitted,
 * effective, inheritable and ambient set, and the bounding set if we may take them from there (CAP_SETPCAP). If not, no
 * new privileges means that the bounding set gives nothing any more. */
int sandbox_keep(uint64_t capabilities, const char **ret_what);

/* From here on another system call is SIGSYS. Memory stays available, but none that can be executed. */
int sandbox_seal(const char **ret_what);
