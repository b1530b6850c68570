/* SPDX-License-Identifier: Apache-2.0 */
#include "script/script.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "script/script-private.h"
#include "script/script-value.h"

/* A script that used up its budget so often, and in between ran well less than as often, is not run for a while; each
 * time that this happens again, for twice as long. */
#define MAX_OFFENCES 3
#define SUSPEND_NS NSEC_PER_MIN
#define MAX_DOUBLINGS 6                 /* about an hour */

#define LOAD_FACTOR 10                  /* what loading may take, of what a run may */
#define MAX_EVAL_RESULTS 16

/* ---- the state ---- */

/* Nothing gets here that is not a mistake of ours: all of Lua is called through lua_pcall(). */
static int on_panic(lua_State *state) {
        abort();
}

/* Of an error its text and where it came from. No metamethod runs: the hook would not see it. */
static int on_error(lua_State *state) {
        size_t n;
        const char *text = script_describe(state, 1, &n);

        if (lua_type(state, 1) != LUA_TSTRING)
                text = lua_pushfstring(state, "an error that is a %s", luaL_typename(state, 1));
        luaL_traceback(state, state, text, 1);
        return 1;
}

/* What scripts see: tables that are frozen, behind a table of globals of their own. [-0, +0] */
static int open_state(lua_State *state) {
        struct script *script = script_of(state);

        lua_newtable(state);
        script_base_open(state);
        script_text_open(state);
        script_table_open(state);
        script_api_open(state);

        lua_newtable(state);            /* the globals of the script */
        lua_pushvalue(state, -1);
        lua_setfield(state, -2, "_G");
        lua_createtable(state, 0, 2);
        lua_pushvalue(state, -3);
        lua_setfield(state, -2, "__index");
        lua_pushboolean(state, 0);
        lua_setfield(state, -2, "__metatable");
        lua_setmetatable(state, -2);
        script->environment = luaL_ref(state, LUA_REGISTRYINDEX);

        /* The registry's own table of globals holds what luaopen_base() put there. Nobody has a way to it. */
        lua_pop(state, 1);
        return 0;
}

struct script *script_free(struct script *script) {
        if (!script)
                return NULL;
        if (script->state)
                lua_close(script->state);
        script_text_done(script);
        script_data_done(script);
        free(script->name);
        free(script);
        return NULL;
}

static int script_new(const char *name, const struct script_limits *limits, bool trust_any_owner,
                      struct script **ret) {
        _cleanup_(script_freep) struct script *script = NULL;

        script = calloc(1, sizeof(*script));
        if (!script)
                return -ENOMEM;
        script->limits = *limits;
        script->trust_any_owner = trust_any_owner;
        script->budget.memory_limit = limits->memory_bytes;
        script->name = strdup(name);
        if (!script->name)
                return -ENOMEM;
        script->state = lua_newstate(script_budget_alloc, &script->budget);
        if (!script->state)
                return -ENOMEM;
        *(struct script **)lua_getextraspace(script->state) = script;
        lua_atpanic(script->state, on_panic);
        script->budget.state = script->state;

        script_budget_begin(&script->budget, UINT64_MAX / 2, NSEC_PER_HOUR);
        lua_pushcfunction(script->state, open_state);
        if (lua_pcall(script->state, 0, 0, 0) != LUA_OK)
                return -ENOMEM;
        script_budget_end(&script->budget);
        *ret = TAKE_PTR(script);
        return 0;
}

/* ---- runs ---- */

/* Call what is on the stack, with n arguments, within a budget. How it ended; its error on the stack if it failed. */
static enum script_end call(struct script *script, int n_arguments, int n_results, uint64_t factor) {
        lua_State *state = script->state;
        int handler = lua_gettop(state) - n_arguments, r;

        lua_pushcfunction(state, on_error);
        lua_insert(state, handler);
        script_budget_begin(&script->budget, script->limits.instructions * factor, script->limits.time_ns * factor);
        r = lua_pcall(state, n_arguments, n_results, handler);
        script_budget_end(&script->budget);
        lua_remove(state, handler);

        script->stats.instructions = script->budget.instructions;
        script->stats.time_ns = nsec_sub(clock_boottime_ns(), script->budget.begun_ns);
        return r == LUA_OK ? SCRIPT_FINE : script_budget_verdict(&script->budget, r == LUA_ERRMEM);
}

static void put_error(struct script *script, struct strbuf *b) {
        size_t n = 0;
        const char *text = lua_type(script->state, -1) == LUA_TSTRING ? lua_tolstring(script->state, -1, &n) : NULL;

        if (text && streq(text, "not enough memory"))
                strbuf_printf(b, "%s: the memory that a script may take is used up (scripts.memory)", script->name);
        else if (text)
                strbuf_put_n(b, text, n);
        else
                strbuf_put(b, "an error without a text");
}

/* A function that takes the text as a light userdata, so that copying it is within lua_pcall(), too. */
struct chunk {
        const char *name, *text;
        size_t n;
};

static int load_chunk(lua_State *state) {
        const struct chunk *chunk = lua_touserdata(state, 1);

        if (luaL_loadbufferx(state, chunk->text, chunk->n, chunk->name, "t") != LUA_OK)
                return lua_error(state);
        lua_rawgeti(state, LUA_REGISTRYINDEX, script_of(state)->environment);
        (void)lua_setupvalue(state, -2, 1);
        return 1;
}

/* Push the function of a text. */
static enum script_end load(struct script *script, struct chunk *chunk) {
        lua_pushcfunction(script->state, load_chunk);
        lua_pushlightuserdata(script->state, chunk);
        return call(script, 1, 1, LOAD_FACTOR);
}

int script_load(const char *name, const char *text, size_t n, const struct script_limits *limits, bool trust_any_owner,
                struct strbuf *message, struct script **ret) {
        _cleanup_(script_freep) struct script *script = NULL;
        _cleanup_(freep) char *chunk_name = NULL;
        struct chunk chunk = {.text = text, .n = n};
        int r;

        assert(name && text && limits && message && ret);

        if (n > SCRIPT_MAX_BYTES) {
                strbuf_printf(message, "%s: the script is too large", name);
                return -EBADMSG;
        }
        r = script_new(name, limits, trust_any_owner, &script);
        if (r < 0)
                return r;
        if (asprintf(&chunk_name, "@%s", name) < 0) {
                chunk_name = NULL;
                return -ENOMEM;
        }
        chunk.name = chunk_name;
        script->loading = true;
        if (load(script, &chunk) != SCRIPT_FINE || call(script, 0, 0, LOAD_FACTOR) != SCRIPT_FINE) {
                _cleanup_(strbuf_done) struct strbuf error = {};

                put_error(script, &error);
                if (!strstr(strbuf_str(&error), name))
                        strbuf_printf(message, "%s: ", name);
                strbuf_put_n(message, error.data, error.n);
                return -EBADMSG;
        }
        script->loading = false;
        *ret = TAKE_PTR(script);
        return 0;
}

const char *script_name(const struct script *script) {
        return script->name;
}

bool script_function_at(const struct script *script, size_t i, const char **ret_name, enum script_kind *ret_kind) {
        if (i >= script->n_functions)
                return false;
        *ret_name = script->functions[i].name;
        *ret_kind = script->functions[i].kind;
        return true;
}

static void punish(struct script *script, enum script_end end, uint64_t now_ns) {
        switch (end) {
        case SCRIPT_FINE:
                if (script->n_offences > 0)
                        script->n_offences--;
                else
                        script->n_suspended = 0;
                break;
        case SCRIPT_FAILED:
                script->stats.n_failed++;
                break;
        case SCRIPT_OVER_INSTRUCTIONS:
        case SCRIPT_OVER_TIME:
        case SCRIPT_OVER_MEMORY:
                script->stats.n_offences++;
                if (++script->n_offences < MAX_OFFENCES)
                        break;
                script->n_offences = 0;
                script->stats.n_suspensions++;
                script->stats.suspended_until_ns =
                        nsec_add(now_ns, SUSPEND_NS << MIN(script->n_suspended, (uint32_t)MAX_DOUBLINGS));
                script->n_suspended++;
                break;
        case SCRIPT_SUSPENDED:
        case SCRIPT_UNKNOWN:
                break;
        }
}

/* What a function is called with: [-0, +1]. The process that is meant is `alert.target`. */
struct argument {
        const struct script_value *alert;
        const char *target;
};

/* Is it the process at the top? It stays there then. */
static bool is_process(lua_State *state, lua_Integer pid) {
        bool result = false;

        if (lua_istable(state, -1)) {
                lua_getfield(state, -1, "pid");
                result = lua_isinteger(state, -1) && lua_tointeger(state, -1) == pid;
                lua_pop(state, 1);
        }
        return result;
}

/* [-0, +1] the process with this pid among those that the alert at `alert` tells of; the last step that has it. */
static void push_process(lua_State *state, int alert, lua_Integer pid) {
        lua_getfield(state, alert, "process");
        if (is_process(state, pid))
                return;
        lua_pop(state, 1);
        lua_getfield(state, alert, "steps");
        if (lua_istable(state, -1))
                for (lua_Integer i = (lua_Integer)lua_rawlen(state, -1); i >= 1; i--) {
                        if (lua_rawgeti(state, -1, i) == LUA_TTABLE) {
                                lua_getfield(state, -1, "process");
                                if (is_process(state, pid)) {
                                        lua_insert(state, -3);
                                        lua_pop(state, 2);
                                        return;
                                }
                                lua_pop(state, 1);
                        }
                        lua_pop(state, 1);
                }
        lua_pop(state, 1);
        lua_createtable(state, 0, 1);
        lua_pushinteger(state, pid);
        lua_setfield(state, -2, "pid");
}

static int push_alert(lua_State *state) {
        const struct argument *argument = lua_touserdata(state, 1);
        int alert;

        script_value_push(state, argument->alert);
        alert = lua_gettop(state);
        if (!argument->target)
                lua_getfield(state, alert, "process");
        else {
                const char *name = argument->target + (*argument->target == '$');

                lua_getfield(state, alert, "captures");
                if (lua_istable(state, -1))
                        lua_getfield(state, -1, name);
                else
                        lua_pushnil(state);
                if (lua_isnumber(state, -1))
                        push_process(state, alert, lua_tointeger(state, -1));
                else
                        lua_pushnil(state);
        }
        lua_setfield(state, alert, "target");
        lua_settop(state, alert);
        return 1;
}

static void add_error(struct script *script, const char *function, const char *why, struct script_answer *answer) {
        _cleanup_(strbuf_done) struct strbuf b = {};

        if (why)
                strbuf_put(&b, why);
        else
                put_error(script, &b);
        (void)script_answer_error(answer, function, strbuf_str(&b), b.n);
}

/* The function is on the stack. */
static enum script_end run(struct script *script, const struct script_function *function, const char *target,
                           const struct script_value *alert, struct script_answer *answer) {
        struct argument argument = {.alert = alert, .target = target};
        enum script_end end;

        lua_pushcfunction(script->state, push_alert);
        lua_pushlightuserdata(script->state, &argument);
        end = call(script, 1, 1, 1);
        if (end == SCRIPT_FINE) {
                lua_rawgeti(script->state, LUA_REGISTRYINDEX, function->reference);
                lua_insert(script->state, -2);
                end = call(script, 1, 0, 1);
        }
        if (end != SCRIPT_FINE)
                add_error(script, function->name, NULL, answer);
        return end;
}

enum script_end script_run(struct script *script, const char *function, const char *target,
                           const struct script_value *alert, const struct script_ops *ops, uint64_t now_ns,
                           struct script_answer *answer) {
        const struct script_function *f = NULL;
        enum script_end end;

        assert(script && function && alert && answer);

        for (size_t i = 0; i < script->n_functions && !f; i++)
                if (streq(script->functions[i].name, function))
                        f = script->functions + i;
        if (!f)
                return SCRIPT_UNKNOWN;
        if (script->stats.suspended_until_ns > now_ns) {
                script->stats.n_refused++;
                add_error(script, function, "it is suspended: it has used up its budget too often", answer);
                return SCRIPT_SUSPENDED;
        }
        script->stats.suspended_until_ns = 0;

        script->ops = ops;
        script->answer = answer;
        script->running = f->name;
        script->running_kind = f->kind;
        script->n_lines = script->n_actions = 0;
        script->stats.n_runs++;
        end = run(script, f, target, alert, answer);
        script->ops = NULL;
        script->answer = NULL;
        script->running = NULL;

        lua_settop(script->state, 0);
        punish(script, end, now_ns);
        return end;
}

void script_stats(const struct script *script, struct script_stats *ret) {
        *ret = script->stats;
        ret->memory_bytes = script->budget.memory_used;
        ret->memory_peak = script->budget.memory_peak;
        ret->data_bytes = script->data_bytes;
}

const char *script_end_to_string(enum script_end end) {
        switch (end) {
        case SCRIPT_FINE: return "fine";
        case SCRIPT_FAILED: return "failed";
        case SCRIPT_OVER_INSTRUCTIONS: return "too many instructions";
        case SCRIPT_OVER_TIME: return "too long";
        case SCRIPT_OVER_MEMORY: return "too much memory";
        case SCRIPT_SUSPENDED: return "suspended";
        case SCRIPT_UNKNOWN: return "unknown";
        }
        return NULL;
}

/* ---- by hand ---- */

/* All arguments as one text, those at the end left out that are nil. */
static int describe_results(lua_State *state) {
        int n = lua_gettop(state);
        luaL_Buffer b;

        while (n > 0 && lua_isnil(state, n))
                n--;
        luaL_buffinit(state, &b);
        for (int i = 1; i <= n; i++) {
                if (i > 1)
                        luaL_addchar(&b, '\t');
                (void)script_describe(state, i, NULL);
                luaL_addvalue(&b);
        }
        luaL_pushresult(&b);
        return 1;
}

int script_eval(struct script *script, const char *line, const struct script_ops *ops, struct strbuf *output) {
        _cleanup_(script_answer_done) struct script_answer answer = {};
        _cleanup_(freep) char *expression = NULL;
        struct chunk chunk = {.name = "=line"};
        enum script_end end;

        if (asprintf(&expression, "return %s", line) < 0) {
                expression = NULL;
                return -ENOMEM;
        }
        script->ops = ops;
        script->answer = &answer;
        script->running = "line";
        script->running_kind = SCRIPT_RESPONDER;
        script->n_lines = script->n_actions = 0;

        chunk.text = expression;
        chunk.n = strlen(expression);
        end = load(script, &chunk);
        if (end != SCRIPT_FINE) {
                lua_settop(script->state, 0);
                chunk.text = line;
                chunk.n = strlen(line);
                end = load(script, &chunk);
        }
        if (end == SCRIPT_FINE)
                end = call(script, 0, MAX_EVAL_RESULTS, 1);
        script->ops = NULL;
        script->answer = NULL;
        script->running = NULL;

        for (size_t i = 0; i < answer.n_lines; i++)
                strbuf_printf(output, "%s\n", answer.lines[i]);
        for (size_t i = 0; i < answer.n_actions; i++)
                strbuf_printf(output, "%s: %s: %s\n", answer.actions[i].what,
                              script_action_state_to_string(answer.actions[i].state), answer.actions[i].result);
        if (end == SCRIPT_FINE) {
                lua_pushcfunction(script->state, describe_results);
                lua_insert(script->state, 1);
                end = call(script, lua_gettop(script->state) - 1, 1, 1);
        }
        put_error(script, output);      /* or what it gave */
        lua_settop(script->state, 0);
        return end == SCRIPT_FINE ? 0 : -EBADMSG;
}
