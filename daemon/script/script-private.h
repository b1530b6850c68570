/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Script, inside - what the files that make up a state share. Functions that take a lua_State may raise errors, unless
 * they say otherwise: whoever calls them holds nothing that would have to be given back. */

#include <lua.h>
#include <lauxlib.h>

#include "base/array.h"
#include "program/regex.h"
#include "script/script-answer.h"
#include "script/script-budget.h"
#include "script/script.h"

#define SCRIPT_MAX_REGEXES 32           /* kept compiled; the oldest goes */

struct script_regex {
        char *pattern;                  /* owned */
        size_t length;
        struct regex *regex;            /* owned */
};

struct script_function {
        char name[SCRIPT_MAX_NAME + 1];
        enum script_kind kind;
        int reference;                  /* in the registry */
};

struct script_data;

struct script {
        char *name;                     /* owned */
        lua_State *state;               /* owned */
        struct script_limits limits;
        struct script_budget budget;
        struct script_function functions[SCRIPT_MAX_FUNCTIONS];
        size_t n_functions;
        int environment;                /* reference of its globals */

        struct script_regex regexes[SCRIPT_MAX_REGEXES];
        size_t n_regexes, next_regex;
        ARRAY(struct script_data *) data;       /* owned: lists and tables from files */
        uint64_t data_bytes;
        bool loading, trust_any_owner;

        /* While it runs. */
        const struct script_ops *ops;   /* borrowed; NULL: nothing can be done */
        struct script_answer *answer;   /* borrowed */
        const char *running;            /* name of the function */
        enum script_kind running_kind;
        size_t n_lines, n_actions;      /* of this run */

        struct script_stats stats;
        uint32_t n_offences;            /* in a row, nearly: see script.c */
        uint32_t n_suspended;           /* times in a row: each doubles the time */
};

static inline struct script *script_of(lua_State *state) {
        return *(struct script **)lua_getextraspace(state);
}

/* Each leaves tables of functions in the table at the top of the stack, which will be what scripts see. */
void script_base_open(lua_State *state);
void script_text_open(lua_State *state);
void script_table_open(lua_State *state);
void script_api_open(lua_State *state);
void script_data_open(lua_State *state);
void script_facts_open(lua_State *state);

/* Put an empty table in the place of the one on the top of the stack, which reads from it and cannot be changed. */
void script_freeze(lua_State *state);

/* A text for people of what is at `index`; no metamethod runs, no address is shown. [-0, +1] */
const char *script_describe(lua_State *state, int index, size_t *ret_n);

/* Forget patterns and data. */
void script_text_done(struct script *script);
void script_data_done(struct script *script);

/* [-0, +1] the alert as a table. */
void script_value_push(lua_State *state, const struct script_value *value);
