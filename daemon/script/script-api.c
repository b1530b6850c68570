/* SPDX-License-Identifier: Apache-2.0 */
/* Script API - the table `execray`, and the functions that a script is made of. Each asks, and the answer is collected;
 * docs/RESPONSES.md is for those who write scripts. */
#include "script/script-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/action.h"
#include "base/clock.h"
#include "base/strbuf.h"

#define MAX_LINES 16                    /* of a run */
#define MAX_ACTIONS 16                  /* of a run */
#define MAX_ITEMS 256                   /* of a list that is an argument */
#define MAX_RESULT 512                  /* bytes of the sentence about an action */

static bool is_name(const char *s) {
        size_t n = strlen(s);

        return n > 0 && n <= SCRIPT_MAX_NAME &&
               strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

/* ---- what a script has ---- */

static int define(lua_State *state, enum script_kind kind) {
        struct script *script = script_of(state);
        const char *name = luaL_checkstring(state, 1);
        struct script_function *function;

        luaL_checktype(state, 2, LUA_TFUNCTION);
        luaL_argcheck(state, is_name(name), 1, "a name has letters, digits, '_' and '-', and at most 64 of them");
        if (!script->loading)
                return luaL_error(state, "'%s': a script says what it has when it is loaded", name);
        for (size_t i = 0; i < script->n_functions; i++)
                if (streq(script->functions[i].name, name))
                        return luaL_error(state, "'%s' is there already", name);
        if (script->n_functions == SCRIPT_MAX_FUNCTIONS)
                return luaL_error(state, "'%s': more functions than a script may have", name);

        function = script->functions + script->n_functions;
        *function = (struct script_function){.kind = kind};
        strncpy(function->name, name, SCRIPT_MAX_NAME);
        lua_settop(state, 2);
        function->reference = luaL_ref(state, LUA_REGISTRYINDEX);
        script->n_functions++;
        return 0;
}

/* responder(name, function(alert)) [-0, +0] */
static int api_responder(lua_State *state) {
        return define(state, SCRIPT_RESPONDER);
}

/* enricher(name, function(alert)) [-0, +0] */
static int api_enricher(lua_State *state) {
        return define(state, SCRIPT_ENRICHER);
}

/* ---- what it may ask for ---- */

/* The answer that is being made; an error while the script is loaded. */
static struct script_answer *check_answer(lua_State *state, const char *what) {
        struct script *script = script_of(state);

        if (!script->answer)
                luaL_error(state, "execray.%s() is for responders and enrichers while they run", what);
        script_budget_charge(state, 20);
        return script->answer;
}

/* execray.field(name, value) [-0, +0] */
static int api_field(lua_State *state) {
        const char *name = luaL_checkstring(state, 1), *value;
        size_t n;

        luaL_argcheck(state, strlen(name) <= SCRIPT_MAX_NAME &&
                                     strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(name) && *name,
                      1, "the name of a field has small letters, digits, '_' and '.'");
        luaL_argcheck(state, lua_type(state, 2) != LUA_TTABLE && !lua_isnoneornil(state, 2), 2,
                      "a text, a number or a boolean");
        value = script_describe(state, 2, &n);
        (void)script_answer_field(check_answer(state, "field"), name, value, n);
        return 0;
}

/* execray.severity(word) [-0, +0] */
static int api_severity(lua_State *state) {
        static const char *const words[] = {"info", "low", "medium", "high", "critical", NULL};

        (void)script_answer_severity(check_answer(state, "severity"),
                                     words[luaL_checkoption(state, 1, NULL, words)]);
        return 0;
}

/* execray.suppress(why) [-0, +0] */
static int api_suppress(lua_State *state) {
        size_t n;
        const char *why = luaL_checklstring(state, 1, &n);

        luaL_argcheck(state, n > 0, 1, "a reason, for those who look for the alert");
        (void)script_answer_suppress(check_answer(state, "suppress"), why, n);
        return 0;
}

/* execray.log(...), print(...) [-0, +0] */
static int api_log(lua_State *state) {
        struct script *script = script_of(state);
        int top = lua_gettop(state);
        luaL_Buffer b;

        if (!script->answer)
                return 0;
        script_budget_charge(state, 20);
        luaL_buffinit(state, &b);
        for (int i = 1; i <= top; i++) {
                if (i > 1)
                        luaL_addchar(&b, ' ');
                (void)script_describe(state, i, NULL);
                luaL_addvalue(&b);
        }
        luaL_pushresult(&b);
        if (script->n_lines++ < MAX_LINES) {
                size_t n;
                const char *line = lua_tolstring(state, -1, &n);

                (void)script_answer_line(script->answer, line, n);
        } else
                script->answer->n_left_out++;
        return 0;
}

/* A table with a pid is a process. */
static bool process_of(lua_State *state, int at, struct identity *ret) {
        bool result = false;

        if (lua_type(state, at) != LUA_TTABLE)
                return false;
        lua_pushliteral(state, "pid");
        if (lua_rawget(state, at) == LUA_TNUMBER) {
                *ret = (struct identity){.pid = (uint32_t)lua_tointeger(state, -1)};
                lua_pushliteral(state, "start_ns");
                (void)lua_rawget(state, at);
                if (lua_isinteger(state, -1))
                        ret->start_ns = (uint64_t)lua_tointeger(state, -1);
                else {
                        /* Of a saved alert, by the clock on the wall: good for a dry run, and no process is ever like
                         * that. */
                        lua_pushliteral(state, "start");
                        (void)lua_rawget(state, at);
                        ret->start_ns = (uint64_t)(MAX(lua_tonumber(state, -1), 0) * 1e9);
                        lua_pop(state, 1);
                }
                lua_pop(state, 1);
                result = true;
        }
        lua_pop(state, 1);
        return result;
}

static void input_other(struct action_input *input, const char *what) {
        input->type = ACTION_INPUT_OTHER;
        input->text = what;
        input->length = strlen(what);
}

/* A list: of processes, or of texts and numbers. Its items are put into memory that is Lua's, over the list on the
 * stack; texts stay where they are, in the table, which stays in the one of all arguments. */
static void input_list(lua_State *state, int at, struct action_input *input) {
        size_t n = lua_rawlen(state, at);
        struct identity *processes = NULL;
        const char **words = NULL;

        if (n > MAX_ITEMS) {
                input_other(input, "a list of more than 256 items");
                return;
        }
        script_budget_charge(state, n);
        processes = lua_newuserdatauv(state, (n + 1) * sizeof(*processes), 0);
        words = (const char **)processes;
        input->type = ACTION_INPUT_WORDS;
        for (size_t i = 0; i < n; i++) {
                struct identity process;

                (void)lua_rawgeti(state, at, (lua_Integer)i + 1);
                if (process_of(state, lua_gettop(state), &process) &&
                    (i == 0 || input->type == ACTION_INPUT_PROCESSES)) {
                        input->type = ACTION_INPUT_PROCESSES;
                        processes[i] = process;
                } else if (lua_type(state, -1) == LUA_TSTRING && input->type == ACTION_INPUT_WORDS &&
                           strlen(lua_tostring(state, -1)) == lua_rawlen(state, -1))
                        words[i] = lua_tostring(state, -1);
                else {
                        lua_pop(state, 1);
                        input_other(input, "a list of things that do not go together");
                        return;
                }
                lua_pop(state, 1);
        }
        if (input->type == ACTION_INPUT_PROCESSES) {
                input->processes = processes;
                input->n_processes = n;
        } else {
                input->words = words;
                input->n_words = n;
        }
}

/* The value at `at`. May leave something on the stack, which must stay. */
static void input_of(lua_State *state, int at, struct action_input *input) {
        switch (lua_type(state, at)) {
        case LUA_TSTRING:
                input->type = ACTION_INPUT_TEXT;
                input->text = lua_tolstring(state, at, &input->length);
                break;
        case LUA_TNUMBER:
                input->type = ACTION_INPUT_NUMBER;
                input->number = lua_tointeger(state, at);
                if (!lua_isinteger(state, at))
                        input_other(input, "a number with a fraction");
                break;
        case LUA_TBOOLEAN:
                input->type = ACTION_INPUT_FLAG;
                input->number = lua_toboolean(state, at);
                break;
        case LUA_TTABLE:
                if (process_of(state, at, &input->process))
                        input->type = ACTION_INPUT_PROCESS;
                else
                        input_list(state, at, input);
                break;
        default:
                input_other(input, lua_type(state, at) == LUA_TFUNCTION ? "a function" : "something else");
                break;
        }
}

/* The arguments of an action, at `index`. What they borrow stays on the stack. */
static size_t check_arguments(lua_State *state, int index, struct action_input inputs[static SCRIPT_MAX_ARGUMENTS]) {
        size_t n = 0;

        if (lua_isnoneornil(state, index))
                return 0;
        luaL_checktype(state, index, LUA_TTABLE);
        luaL_checkstack(state, 4 * SCRIPT_MAX_ARGUMENTS + 16, NULL);
        lua_pushnil(state);
        while (lua_next(state, index)) {
                int at = lua_gettop(state);

                if (lua_type(state, at - 1) != LUA_TSTRING)
                        luaL_error(state, "the arguments of an action have names: "
                                          "execray.action(\"signal\", {process = alert.target, signal = \"TERM\"})");
                if (n == SCRIPT_MAX_ARGUMENTS)
                        luaL_error(state, "too many arguments");
                inputs[n].name = lua_tostring(state, at - 1);
                input_of(state, at, inputs + n++);
                lua_pushvalue(state, at - 1);   /* for lua_next() */
        }
        return n;
}

static int compare_inputs(const void *a, const void *b) {
        return strcmp(((const struct action_input *)a)->name, ((const struct action_input *)b)->name);
}

static enum script_action_state act(struct script *script, const char *kind, const struct action_input *inputs,
                                    size_t n, struct strbuf *what, struct strbuf *result, int *ret) {
        uint64_t before_ns = clock_boottime_ns();
        int r;

        if (!script->ops || !script->ops->act) {
                strbuf_put(what, kind);
                strbuf_put(result, "nothing is carried out here");
                *ret = SCRIPT_ACTION_DRY;
                return SCRIPT_ACTION_DRY;
        }
        r = *ret = script->ops->act(kind, inputs, n, what, result, script->ops->userdata);
        if (what->n == 0)
                strbuf_put(what, kind);
        /* What an action takes is bounded elsewhere. */
        script->budget.deadline_ns = nsec_add(script->budget.deadline_ns, nsec_sub(clock_boottime_ns(), before_ns));
        return r < 0 ? SCRIPT_ACTION_FAILED : (enum script_action_state)r;
}

/* execray.action(kind [, arguments]) [-0, +3]: was it done, or would it be; a sentence about it; and "done", "begun",
 * "dry-run", "refused" or "failed". What there is not, and wrong arguments, is an error of the script. */
static int api_action(lua_State *state) {
        struct action_input inputs[SCRIPT_MAX_ARGUMENTS];
        struct script *script = script_of(state);
        const char *kind = luaL_checkstring(state, 1);
        struct script_answer *answer = check_answer(state, "action");
        char said[SCRIPT_ANSWER_MAX_VALUE], told[MAX_RESULT];
        enum script_action_state action_state;
        struct strbuf what, result;
        size_t n;
        int r;

        if (script->running_kind == SCRIPT_ENRICHER)
                return luaL_error(state, "an enricher adds to the alert; actions are for responders");
        if (!is_name(kind))
                return luaL_error(state, "'%s' is no action", kind);
        if (script->n_actions++ >= MAX_ACTIONS)
                return luaL_error(state, "more actions than one run may ask for");
        lua_settop(state, 2);
        n = check_arguments(state, 2, inputs);
        qsort(inputs, n, sizeof(*inputs), compare_inputs);

        strbuf_init_fixed(&what, said, sizeof(said));
        strbuf_init_fixed(&result, told, sizeof(told));
        action_state = act(script, kind, inputs, n, &what, &result, &r);
        (void)script_answer_action(answer, script->running, strbuf_str(&what), action_state, strbuf_str(&result));
        if (r < 0)
                return luaL_error(state, "%s", strbuf_str(&result));
        lua_pushboolean(state, action_state <= SCRIPT_ACTION_DRY);
        lua_pushstring(state, strbuf_str(&result));
        lua_pushstring(state, script_action_state_to_string(action_state));
        return 3;
}

/* execray.listed(list, value) [-0, +1]: is the value on that runtime list now? */
static int api_listed(lua_State *state) {
        const struct script_ops *ops = script_of(state)->ops;
        const char *list = luaL_checkstring(state, 1), *value = luaL_checkstring(state, 2);

        lua_pushboolean(state, ops && ops->listed && ops->listed(list, value, ops->userdata));
        return 1;
}

void script_api_open(lua_State *state) {
        static const luaL_Reg functions[] = {{"field", api_field},       {"severity", api_severity},
                                             {"suppress", api_suppress}, {"log", api_log},
                                             {"action", api_action},     {"listed", api_listed},     {}};

        luaL_newlib(state, functions);
        lua_pushinteger(state, SCRIPT_API);
        lua_setfield(state, -2, "api");
        script_data_open(state);
        script_facts_open(state);
        script_freeze(state);
        lua_setfield(state, -2, "execray");

        lua_pushcfunction(state, api_responder);
        lua_setfield(state, -2, "responder");
        lua_pushcfunction(state, api_enricher);
        lua_setfield(state, -2, "enricher");
        lua_pushcfunction(state, api_log);
        lua_setfield(state, -2, "print");
}
