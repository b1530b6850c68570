/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Script budget - memory, instructions and time of one Lua state, and why nothing gets around them.
 *
 * Memory: all of it comes from script_budget_alloc(), which counts, and refuses what is over the limit or is one block
 * larger than a quarter of it. Instructions: a hook runs every SCRIPT_BUDGET_STEP of them. Once the budget is used, it
 * runs at each instruction and raises an error at each, so that pcall() in a loop cannot swallow it: the loop raises it
 * again. Time: the hook looks at the clock; after an allocation that was refused or large, at the next instruction.
 *
 * What would run without hooks is not offered at all (script-base.c): finalizers, coroutines (each has a count of its
 * own), handlers of xpcall() (called from within the hook). What loops in C charges for it here, and is written by us
 * where Lua's would loop as long as a script likes: string.rep("", 1e15), table.move() with metamethods in C. */

#include <stddef.h>
#include <stdint.h>

#include "script/script.h"

struct lua_Debug;
struct lua_State;

#define SCRIPT_BUDGET_STEP 100

struct script_budget {
        struct lua_State *state;        /* borrowed; NULL: not there yet */
        uint64_t memory_limit, memory_used, memory_peak;
        uint64_t instructions, max_instructions;
        uint64_t begun_ns, deadline_ns;
        uint64_t step;                  /* instructions until the hook runs */
        uint64_t n_refused;             /* allocations */
        bool refused;                   /* one in this run */
        enum script_end over;           /* SCRIPT_FINE: not yet */
};

/* For lua_newstate(). */
void *script_budget_alloc(void *budget, void *block, size_t old_size, size_t size);

/* A run begins, and ends. Between runs the hook is in force as well, with a budget of nothing. */
void script_budget_begin(struct script_budget *budget, uint64_t instructions, uint64_t time_ns);
void script_budget_end(struct script_budget *budget);

/* C did as much as so many instructions would. Raises the error if that was too much. */
void script_budget_charge(struct lua_State *state, uint64_t n);

/* How a run that failed came to its end. */
enum script_end script_budget_verdict(const struct script_budget *budget, bool out_of_memory);
