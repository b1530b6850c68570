/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Policy loader - from files and directories to a verified program, and from faults to words.
 *
 * What the tool does to check, record and replay, and a process of its own for the daemon (compile-worker.h): read,
 * parse, check, compile, verify. All or nothing. Reads files, does not log. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "compile/compile.h"
#include "policy/policy-set.h"
#include "program/program.h"

struct strbuf;

struct policy_loader_stats {
        size_t n_files, n_paths;
        struct compile_report compile;
};

/* Returns 0, and the program with its generation set. -EBADMSG, or the -errno of what could not be read (-ENOENT also
 * if there is not one policy): the diags say where and why. `text` (may be NULL) gets all messages for people, warnings
 * too, with the lines that they are about. `compile` may be NULL: all optimisations. *ret_stats (may be NULL) is
 * written whatever comes out. */
int policy_loader_load(const char *const *places, size_t n_places, const struct policy_options *options,
                       const struct compile_options *compile, uint64_t generation, struct diag_set *diags,
                       struct strbuf *text, struct program **ret, struct policy_loader_stats *ret_stats);
