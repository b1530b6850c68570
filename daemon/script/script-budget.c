/* SPDX-License-Identifier: Apache-2.0 */
#include "script/script-budget.h"

#include <stdlib.h>

#include <lua.h>
#include <lauxlib.h>

#include "base/clock.h"
#include "script/script-private.h"

#define LARGE_BLOCK (64U << 10)         /* worth a look at the clock */

static void on_count(lua_State *state, lua_Debug *activation);

static void arm(struct script_budget *budget, uint64_t step) {
        budget->step = step;
        lua_sethook(budget->state, on_count, LUA_MASKCOUNT, (int)step);
}

/* The hook looks at the next instruction. What has run since it last did counts as a whole step. */
static void look_soon(struct script_budget *budget) {
        if (!budget->state || budget->step == 1)
                return;
        budget->instructions += budget->step;
        arm(budget, 1);
}

void *script_budget_alloc(void *userdata, void *block, size_t old_size, size_t size) {
        struct script_budget *budget = userdata;
        size_t old = block ? old_size : 0;
        void *p;

        if (size == 0) {
                free(block);
                budget->memory_used -= old;
                return NULL;
        }
        if (size > old &&
            (budget->memory_used - old + size > budget->memory_limit || size > budget->memory_limit / 4)) {
                budget->n_refused++;
                budget->refused = true;
                look_soon(budget);
                return NULL;
        }

        p = realloc(block, size);
        if (!p)
                return size <= old ? block : NULL;      /* Lua takes it for granted that a block can be made smaller */
        budget->memory_used += size - old;
        budget->memory_peak = MAX(budget->memory_peak, budget->memory_used);
        if (size > LARGE_BLOCK)
                look_soon(budget);
        return p;
}

static void look(struct script_budget *budget) {
        if (budget->over != SCRIPT_FINE)
                return;
        if (budget->instructions > budget->max_instructions)
                budget->over = SCRIPT_OVER_INSTRUCTIONS;
        else if (clock_boottime_ns() > budget->deadline_ns)
                budget->over = SCRIPT_OVER_TIME;
}

static const char *sentence(enum script_end over) {
        return over == SCRIPT_OVER_TIME ? "the time that a run may take is used up (scripts.time)"
                                        : "the instructions that a run may take are used up (scripts.instructions)";
}

static void on_count(lua_State *state, lua_Debug *activation) {
        struct script_budget *budget = &script_of(state)->budget;

        budget->instructions += budget->step;
        look(budget);
        if (budget->over == SCRIPT_FINE) {
                if (budget->step != SCRIPT_BUDGET_STEP)
                        arm(budget, SCRIPT_BUDGET_STEP);
                return;
        }

        arm(budget, 1);
        lua_getinfo(state, "Sl", activation);
        lua_pushfstring(state, "%s:%d: %s", activation->short_src, activation->currentline, sentence(budget->over));
        lua_error(state);
}

void script_budget_begin(struct script_budget *budget, uint64_t instructions, uint64_t time_ns) {
        budget->instructions = 0;
        budget->max_instructions = instructions;
        budget->begun_ns = clock_boottime_ns();
        budget->deadline_ns = nsec_add(budget->begun_ns, time_ns);
        budget->refused = false;
        budget->over = SCRIPT_FINE;
        budget->memory_peak = budget->memory_used;
        arm(budget, SCRIPT_BUDGET_STEP);
}

void script_budget_end(struct script_budget *budget) {
        budget->max_instructions = 0;
        budget->deadline_ns = 0;
}

void script_budget_charge(lua_State *state, uint64_t n) {
        struct script_budget *budget = &script_of(state)->budget;

        budget->instructions += n;
        look(budget);
        if (budget->over != SCRIPT_FINE) {
                arm(budget, 1);
                luaL_error(state, "%s", sentence(budget->over));
        }
}

enum script_end script_budget_verdict(const struct script_budget *budget, bool out_of_memory) {
        if (budget->over != SCRIPT_FINE)
                return budget->over;
        return out_of_memory ? SCRIPT_OVER_MEMORY : SCRIPT_FAILED;
}
