/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Loaded - the policies that a verb speaks about, as trees and as the program that they compile to. */

#include "base/cleanup.h"
#include "cli/verb.h"
#include "policy/policy-set.h"

struct loaded {
        struct settings settings; /* owned; the configuration says where policies are, and how long stories may be */
        struct policy_set *set;         /* owned */
        struct program *program;        /* owned reference */
};

/* From these places; without any from those that the configuration names, as the daemon would. 0 or an exit status;
 * what is wrong, and warnings, have been said on standard error. */
int loaded_read(const struct places *places, struct loaded *ret);
void loaded_done(struct loaded *loaded);

/* What graph and explain take: `[NAME] [--policies PLACE]...`. The path of this name, or the only one. Returns 0 or an
 * exit status, with what is wrong said; in any case loaded_done() is called on *ret, which was empty. */
int loaded_read_one(const struct verb *verb, int argc, char *argv[], struct loaded *ret,
                    const struct path_node **ret_path);
