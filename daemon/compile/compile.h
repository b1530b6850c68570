/* SPDX-License-Identifier: Apache-2.0 */
/* Compile - checked policies become a program. The passes stand in compile.c, top to bottom, and nothing else does.
 * Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "policy/policy-set.h"
#include "program/program.h"

enum compile_pass {
#define PASS(id, name, given, left, doc) COMPILE_PASS_##id,
#include "compile/passes.def"
        _COMPILE_PASS_MAX,
};

struct compile_pass_info {
        const char *name, *given, *left, *doc;
};

const struct compile_pass_info *compile_pass_info(enum compile_pass pass);
int compile_pass_from_string(const char *name);         /* -EINVAL if it is none */

#define COMPILE_WITHOUT(pass) (UINT64_C(1) << COMPILE_PASS_##pass)
#define COMPILE_WITHOUT_ALL ((UINT64_C(1) << _COMPILE_PASS_MAX) - 1)

struct compile_options {
        uint64_t without; /* bit per enum compile_pass. Without LOWER or REQUIRE paths have another hash */
        size_t max_bytes;               /* of the program before its tables; 0: PROGRAM_MAX_BYTES */
};

/* What each pass was given and what it left. */
struct compile_report {
        struct compile_count {
                uint64_t given, left;
        } passes[_COMPILE_PASS_MAX];
};

/* Returns 0, *ret owned by the caller; -EBADMSG: over a budget, a diag names the path; -ENOMEM. `options` NULL: all
 * passes. */
int compile_policies(const struct policy_set *set, const struct compile_options *options, struct diag_set *diags,
                     struct program **ret);

/* The same with a report, which is written whatever comes out. */
int compile_with_report(const struct policy_set *set, const struct compile_options *options, struct diag_set *diags,
                        struct compile_report *report, struct program **ret);
