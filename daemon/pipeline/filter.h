/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Filter - conditions of the policy language without a policy around them: which events somebody wants to see.
 *
 * Becomes a program of paths with one step each, one for each kind, so a filter can say whatever a step can say, and
 * the kernel is asked for no more than it needs (program->header->interest). engine/sieve.h runs it. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "program/program.h"

struct strbuf;

#define FILTER_MAX_CONDITIONS 64

/* One text, and how messages call it. */
struct filter_condition {
        const char *name;               /* "--where" */
        const char *text;
};

struct filter_options {
        uint64_t kinds; /* bit per enum wire_kind; 0: each that is an event and that the conditions can be asked of */
        const struct filter_condition *conditions;      /* all must hold; they may be lists with commas */
        size_t n_conditions;
        bool failed;                    /* only calls that failed; else all calls */
};

/* Returns 0. -EBADMSG: what is wrong stands in `messages`, with the place in the text that it is in. -ENOMEM. Owned by
 * the caller. */
int filter_compile(const struct filter_options *options, struct strbuf *messages, struct program **ret);

/* Add the kinds in "openat,connect" to *kinds. False, and a sentence in `messages`, if one is none. */
bool filter_add_kinds(const char *names, uint64_t *kinds, struct strbuf *messages);
