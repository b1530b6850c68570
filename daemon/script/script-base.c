/* SPDX-License-Identifier: Apache-2.0 */
/* Script base - the functions of the language itself that scripts may use, chosen one by one, and why some are not
 * there.
 *
 *      collectgarbage  would let a script stop its own bound
 *      load, dofile, loadfile, require         code comes from files whose owner was checked, as text
 *      xpcall          its handler runs where the hook does not
 *      coroutine       each coroutine counts its instructions anew: nested ones never reach the count
 *      rawset          writes into what is frozen
 *      __gc, __mode    finalizers run where the hook does not; weak tables can make collecting quadratic
 *      __call that is no function      a table that is called by calling a table moves the stack for ever, in C
 *      string.find and its kin         go back without a bound; text.* do not
 *      os, io, debug, utf8, random numbers     nothing here depends on the host or on chance */
#include "script/script-private.h"

#include <lualib.h>

#include <string.h>

#include "base/strbuf.h"

const char *script_describe(lua_State *state, int index, size_t *ret_n) {
        index = lua_absindex(state, index);
        switch (lua_type(state, index)) {
        case LUA_TSTRING:
        case LUA_TNUMBER:
                lua_pushvalue(state, index);    /* lua_tolstring() would change a number in its place */
                return lua_tolstring(state, -1, ret_n);
        case LUA_TBOOLEAN:
                lua_pushstring(state, lua_toboolean(state, index) ? "true" : "false");
                break;
        default:
                lua_pushstring(state, luaL_typename(state, index));
                break;
        }
        return lua_tolstring(state, -1, ret_n);
}

/* tostring(value) [-0, +1] */
static int base_tostring(lua_State *state) {
        luaL_checkany(state, 1);
        if (luaL_callmeta(state, 1, "__tostring")) {
                if (!lua_isstring(state, -1))
                        return luaL_error(state, "'__tostring' must return a string");
                return 1;
        }
        (void)script_describe(state, 1, NULL);
        return 1;
}

/* ---- metatables ----
 *
 * What was looked at must stay as it was: a script could put __mode into a metatable that is in use. So its content is
 * moved to a table behind it, which no script ever holds, and what the script has is a view that cannot be written. */

static const char view_key;             /* of the view's metatable: the table behind it */

/* Push it, if the table at `index` is a view. */
static bool push_behind(lua_State *state, int index) {
        if (!lua_getmetatable(state, index))
                return false;
        if (lua_rawgetp(state, -1, &view_key) == LUA_TTABLE) {
                lua_remove(state, -2);
                return true;
        }
        lua_pop(state, 2);
        return false;
}

static int view_newindex(lua_State *state) {
        return luaL_error(state, "a metatable that is in use cannot be changed");
}

static void check_events(lua_State *state, int index) {
        static const char *const refused[] = {"__gc", "__mode"};

        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                lua_pushstring(state, refused[i]);
                if (lua_rawget(state, index) != LUA_TNIL)
                        luaL_error(state, "'%s' is not there for scripts", refused[i]);
                lua_pop(state, 1);
        }
        lua_pushliteral(state, "__call");
        if (lua_rawget(state, index) != LUA_TNIL && !lua_isfunction(state, -1))
                luaL_error(state, "'__call' must be a function");
        lua_pop(state, 1);
}

/* Push a table with all that is in the one at `index`. */
static void push_copy(lua_State *state, int index) {
        uint64_t n = 0;

        lua_newtable(state);
        for (lua_pushnil(state); lua_next(state, index) != 0; n++) {
                lua_pushvalue(state, -2);
                lua_insert(state, -2);
                lua_rawset(state, -4);
        }
        script_budget_charge(state, 2 * n);
}

/* Make a view of the table at `index`, and push what is behind it. What may fail comes first. */
static void make_view(lua_State *state, int index) {
        int behind;

        if (luaL_getmetafield(state, index, "__metatable") == LUA_TBOOLEAN)
                luaL_error(state, "what is part of execray can be no metatable");
        push_copy(state, index);
        behind = lua_gettop(state);
        if (lua_getfield(state, behind, "__metatable") == LUA_TNIL) {
                lua_pushvalue(state, index);
                lua_setfield(state, behind, "__metatable");
        }
        lua_createtable(state, 0, 4);
        lua_pushvalue(state, behind);
        lua_setfield(state, -2, "__index");
        lua_pushcfunction(state, view_newindex);
        lua_setfield(state, -2, "__newindex");
        lua_pushboolean(state, 0);
        lua_setfield(state, -2, "__metatable");
        lua_pushvalue(state, behind);
        lua_rawsetp(state, -2, &view_key);

        for (lua_pushnil(state); lua_next(state, index) != 0;) {
                lua_pop(state, 1);
                lua_pushvalue(state, -1);
                lua_pushnil(state);
                lua_rawset(state, index);
        }
        if (lua_getmetatable(state, index))
                lua_setmetatable(state, behind);
        lua_setmetatable(state, index);
        lua_settop(state, behind);
}

/* May the metatable of the table at 1 be exchanged? Not if it says otherwise; that it says who it is, is our doing. */
static bool is_locked(lua_State *state) {
        bool is_ours;

        if (luaL_getmetafield(state, 1, "__metatable") == LUA_TNIL)
                return false;
        is_ours = lua_istable(state, -1) && push_behind(state, lua_absindex(state, -1)) &&
                  lua_getmetatable(state, 1) && lua_rawequal(state, -1, -2);
        lua_settop(state, 2);
        return !is_ours;
}

/* setmetatable(table, metatable) [-0, +1] */
static int base_setmetatable(lua_State *state) {
        int type = lua_type(state, 2);

        luaL_checktype(state, 1, LUA_TTABLE);
        luaL_argexpected(state, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
        lua_settop(state, 2);
        if (is_locked(state))
                return luaL_error(state, "this metatable cannot be changed");
        if (type == LUA_TTABLE && !push_behind(state, 2)) {
                if (lua_rawequal(state, 1, 2))
                        return luaL_error(state, "a table cannot be its own metatable");
                check_events(state, 2);
                make_view(state, 2);
        }
        lua_setmetatable(state, 1);
        lua_settop(state, 1);
        return 1;
}

/* ---- the library ---- */

/* An attempt to write into something frozen. */
static int frozen_newindex(lua_State *state) {
        return luaL_error(state, "'%s' is part of execray and cannot be changed",
                          lua_type(state, 2) == LUA_TSTRING ? lua_tostring(state, 2) : luaL_typename(state, 2));
}

void script_freeze(lua_State *state) {
        lua_newtable(state);
        lua_createtable(state, 0, 3);
        lua_pushvalue(state, -3);
        lua_setfield(state, -2, "__index");
        lua_pushcfunction(state, frozen_newindex);
        lua_setfield(state, -2, "__newindex");
        lua_pushboolean(state, 0);
        lua_setfield(state, -2, "__metatable");
        lua_setmetatable(state, -2);
        lua_replace(state, -2);
}

/* Copy fields of the table at `from` into the one at the top. */
static void take(lua_State *state, int from, const char *const *names) {
        for (; *names; names++) {
                lua_getfield(state, from, *names);
                lua_setfield(state, -2, *names);
        }
}

static void open_math(lua_State *state, int into) {
        static const char *const names[] = {"abs",  "ceil", "floor", "fmod",       "huge",       "max",
                                            "min",  "modf", "pi",    "maxinteger", "mininteger", "sqrt",
                                            "log",  "exp",  "type",  "tointeger",  "ult",        NULL};

        lua_pushcfunction(state, luaopen_math);
        lua_call(state, 0, 1);
        lua_newtable(state);
        take(state, lua_absindex(state, -2), names);
        script_freeze(state);
        lua_setfield(state, into, "math");
        lua_pop(state, 1);
}

void script_base_open(lua_State *state) {
        static const char *const names[] = {"assert", "error",    "getmetatable", "ipairs", "next",
                                            "pairs",  "pcall",    "rawequal",     "rawlen", "rawget",
                                            "select", "tonumber", "type",         NULL};
        int into = lua_absindex(state, -1);

        /* luaopen_base() fills the table of globals, which no script ever sees. */
        lua_pushcfunction(state, luaopen_base);
        lua_call(state, 0, 1);
        lua_pushvalue(state, into);
        take(state, lua_absindex(state, -2), names);
        lua_pop(state, 2);

        lua_pushcfunction(state, base_tostring);
        lua_setfield(state, into, "tostring");
        lua_pushcfunction(state, base_setmetatable);
        lua_setfield(state, into, "setmetatable");
        lua_pushliteral(state, "Lua 5.4");
        lua_setfield(state, into, "_VERSION");
        open_math(state, into);
}
