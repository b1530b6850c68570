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

/* setmetatable(table, metatable) [-0, +1]. Looked at now and, by lua_setmetatable(), never again for __gc. */
static int base_setmetatable(lua_State *state) {
        static const char *const refused[] = {"__gc", "__mode"};
        int type = lua_type(state, 2);

        luaL_checktype(state, 1, LUA_TTABLE);
        luaL_argexpected(state, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
        if (luaL_getmetafield(state, 1, "__metatable") != LUA_TNIL)
                return luaL_error(state, "this metatable cannot be changed");
        for (size_t i = 0; type == LUA_TTABLE && i < ELEMENTSOF(refused); i++) {
                lua_pushstring(state, refused[i]);
                if (lua_rawget(state, 2) != LUA_TNIL)
                        return luaL_error(state, "'%s' is not there for scripts", refused[i]);
                lua_pop(state, 1);
        }
        lua_settop(state, 2);
        lua_setmetatable(state, 1);
        return 1;
}

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
