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

/* The path of this name; NULL: the only one there is. NULL if there is none, and it was said. */
const struct path_node *loaded_find(const struct loaded *loaded, const char *name);

/* The same path in the program, by its number. */
uint32_t loaded_number(const struct loaded *loaded, const struct path_node *path);

/* `NAME --policies PLACE...`: what graph and explain take. */
struct loaded_params {
        const char *name;               /* borrowed; NULL: none was given */
        struct places places;
};

/* 0, or the exit status of a wrong use, which was said. */
int loaded_params_read(const struct verb *verb, int argc, char *argv[], struct loaded_params *ret);
