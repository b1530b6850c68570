/* SPDX-License-Identifier: Apache-2.0 */
/* Enforce - what the kernel has to know of a path with `enforce`: its last steps as rules (event/enforcement.h). Pure.
 *
 * The kernel has what a call brings and who makes it, and no time: numbers of the caller, paths and objects of files as
 * it knows them, addresses and ports, and what a run captured. Conditions are multiplied out into conjunctions, each of
 * them a rule; exceptions are part of each. What comes of a rule is never more than the path says: a test on anything
 * else makes the whole path one that cannot be enforced. */
#pragma once

#include "event/enforcement.h"

struct program;

/* The rules of a path; their texts are borrowed from the program. -EOPNOTSUPP: the kernel cannot decide its last step,
 * and *ret_why says what of it. -ENODATA: it has no `enforce`. */
int enforce_path(const struct program *program, uint32_t path, struct enforcement *ret, const char **ret_why);

/* Which field of the caller or the call the kernel would look at; _ENFORCEMENT_FIELD_MAX: none, and *ret_why says why
 * not. `subject` is an enum program_subject. */
enum enforcement_field enforce_field(uint32_t kind, uint32_t field, uint32_t subject, const char **ret_why);

/* Is a ptrace with this request decided at all? Not an open of /proc/PID/mem; and what a tracer does with whom he has
 * attached to cannot be refused. */
bool enforce_request(int64_t request, bool deny);

/* Bits of the flags of open that a file keeps for as long as it is open. */
#define ENFORCE_OPEN_FLAGS 02003        /* O_WRONLY O_RDWR O_APPEND */
