/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Explanation - what became of a policy: its steps in words, the places where a run waits, its clocks and captures,
 * what the kernel is asked for because of it, what an event costs, and how much memory it can take at most.
 *
 * For the author, who wants to know whether it is what was meant and what it will cost; alerts are explained elsewhere.
 * The path is compiled by itself, so what is said is true of it alone; what other policies of the set ask for anyway is
 * told apart. The same policy gives the same text. Pure. */

#include "config/config.h"
#include "policy/policy-set.h"

struct strbuf;

/* `path` is one of the checked set. `config` has the bounds of the engine. -ENOMEM, or what compile_policies() says. */
int explanation_put(const struct policy_set *set, const struct path_node *path, const struct config *config,
                    struct strbuf *b);
