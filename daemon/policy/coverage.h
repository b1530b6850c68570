/* SPDX-License-Identifier: Apache-2.0 */
/* Coverage - which ATT&CK techniques a set of policies speaks of, as their `mitre` says.
 *
 * What a policy claims, not what it catches: the list is only as good as its authors. Sorted, so the same set gives the
 * same list. Pure. */
#pragma once

#include "base/array.h"
#include "policy/policy-set.h"

/* One policy under one technique. */
struct coverage_entry {
        struct text technique;          /* "T1059.004"; borrowed from the set */
        const struct path_node *path;   /* borrowed */
};

struct coverage {
        struct coverage_entries
                ARRAY_BODY(struct coverage_entry) entries; /* by technique, then by name of the policy */
        size_t n_techniques;            /* different ones */
        size_t n_without;               /* policies that name none */
};

int coverage_collect(const struct policy_set *set, struct coverage *ret); /* -ENOMEM */
void coverage_done(struct coverage *coverage);

/* For people: a line for each technique, sub-techniques below theirs. */
void coverage_put_text(const struct coverage *coverage, const struct policy_set *set, struct strbuf *b);

/* For programs: {"techniques":[{"id","policies":[{"name","severity"}]}],"without":[...]} */
void coverage_put_json(const struct coverage *coverage, const struct policy_set *set, struct strbuf *b);

/* A layer for the ATT&CK Navigator (format 4.5): the score is how many policies there are. */
void coverage_put_layer(const struct coverage *coverage, struct strbuf *b);
