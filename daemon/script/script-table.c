/* SPDX-License-Identifier: Apache-2.0 */
/* Script table - the library `table`, written anew: Lua's asks metamethods for lengths and elements, and with some that
 * are C functions it would loop for ever without an instruction that is counted. These look at the table itself, charge
 * for each element, and sort in a way that a comparison that makes no sense cannot harm. */
#include "script/script-private.h"

#include <string.h>

#define MAX_UNPACK 256

/* The length of a table that has no metatable in the way. */
static lua_Integer length_of(lua_State *state, int index) {
        luaL_checktype(state, index, LUA_TTABLE);
        return (lua_Integer)lua_rawlen(state, index);
}

/* table.insert(t, [position,] value) [-0, +0] */
static int table_insert(lua_State *state) {
        lua_Integer n = length_of(state, 1), at = n + 1;

        if (lua_gettop(state) == 3) {
                at = luaL_checkinteger(state, 2);
                luaL_argcheck(state, at >= 1 && at <= n + 1, 2, "position out of bounds");
                script_budget_charge(state, (uint64_t)(n + 1 - at));
                for (lua_Integer i = n; i >= at; i--) {
                        lua_rawgeti(state, 1, i);
                        lua_rawseti(state, 1, i + 1);
                }
        } else if (lua_gettop(state) != 2)
                return luaL_error(state, "wrong number of arguments to 'insert'");
        lua_rawseti(state, 1, at);
        return 0;
}

/* table.remove(t [, position]) [-0, +1] */
static int table_remove(lua_State *state) {
        lua_Integer n = length_of(state, 1), at = luaL_optinteger(state, 2, n);

        if (n == 0) {
                lua_pushnil(state);
                return 1;
        }
        luaL_argcheck(state, at >= 1 && at <= n, 2, "position out of bounds");
        script_budget_charge(state, (uint64_t)(n - at));
        lua_rawgeti(state, 1, at);
        for (lua_Integer i = at; i < n; i++) {
                lua_rawgeti(state, 1, i + 1);
                lua_rawseti(state, 1, i);
        }
        lua_pushnil(state);
        lua_rawseti(state, 1, n);
        return 1;
}

/* table.concat(t [, separator [, from [, to]]]) [-0, +1] */
static int table_concat(lua_State *state) {
        lua_Integer n = length_of(state, 1), from = luaL_optinteger(state, 3, 1), to = luaL_optinteger(state, 4, n);
        const char *separator = luaL_optstring(state, 2, "");
        luaL_Buffer b;

        luaL_argcheck(state, from >= 1, 3, "position out of bounds");
        luaL_argcheck(state, to <= n, 4, "position out of bounds");
        luaL_buffinit(state, &b);
        for (lua_Integer i = from; i <= to; i++) {
                size_t bytes = luaL_bufflen(&b);

                if (lua_rawgeti(state, 1, i) != LUA_TSTRING && lua_type(state, -1) != LUA_TNUMBER)
                        return luaL_error(state, "item %d is a %s", (int)i, luaL_typename(state, -1));
                luaL_addvalue(&b);
                if (i < to)
                        luaL_addstring(&b, separator);
                script_budget_charge(state, 1 + (luaL_bufflen(&b) - bytes) / 1024);
        }
        luaL_pushresult(&b);
        return 1;
}

/* table.unpack(t [, from [, to]]) [-0, +n] */
static int table_unpack(lua_State *state) {
        lua_Integer n = length_of(state, 1), from = luaL_optinteger(state, 2, 1), to = luaL_optinteger(state, 3, n);

        if (from > to)
                return 0;
        luaL_argcheck(state, from >= 1 && from <= n + MAX_UNPACK, 2, "position out of bounds");
        luaL_argcheck(state, to - from < MAX_UNPACK, 3, "too many results");
        luaL_checkstack(state, MAX_UNPACK, "too many results");
        for (lua_Integer i = from; i <= to; i++)
                lua_rawgeti(state, 1, i);
        return (int)(to - from + 1);
}

/* table.pack(...) [-0, +1] */
static int table_pack(lua_State *state) {
        int n = lua_gettop(state);

        script_budget_charge(state, (uint64_t)n);
        lua_createtable(state, n, 1);
        lua_insert(state, 1);
        for (int i = n; i >= 1; i--)
                lua_rawseti(state, 1, i);
        lua_pushinteger(state, n);
        lua_setfield(state, 1, "n");
        return 1;
}

/* Is the element at `a` below the one at `b`, both places on the stack? Strings that are long cost what they are. */
static bool below(lua_State *state, int a, int b) {
        bool result;

        if (lua_isnil(state, 2)) {
                uint64_t bytes = 0;

                if (lua_type(state, a) == LUA_TSTRING && lua_type(state, b) == LUA_TSTRING)
                        bytes = MIN(lua_rawlen(state, a), lua_rawlen(state, b));
                script_budget_charge(state, 2 + bytes / 64);
                return lua_compare(state, a, b, LUA_OPLT);
        }
        script_budget_charge(state, 2);
        lua_pushvalue(state, 2);
        lua_pushvalue(state, a);
        lua_pushvalue(state, b);
        lua_call(state, 2, 1);
        result = lua_toboolean(state, -1);
        lua_pop(state, 1);
        return result;
}

/* Let the element at `root` sink to its place in a heap of n. What is compared lies on the stack meanwhile. */
static void sink(lua_State *state, lua_Integer root, lua_Integer n) {
        lua_rawgeti(state, 1, root);
        for (lua_Integer child; (child = 2 * root) <= n; root = child) {
                lua_rawgeti(state, 1, child);
                if (child < n) {
                        lua_rawgeti(state, 1, child + 1);
                        if (below(state, lua_absindex(state, -2), lua_absindex(state, -1))) {
                                child++;
                                lua_remove(state, -2);
                        } else
                                lua_pop(state, 1);
                }
                if (!below(state, lua_absindex(state, -2), lua_absindex(state, -1))) {
                        lua_pop(state, 1);
                        break;
                }
                lua_rawseti(state, 1, root);
        }
        lua_rawseti(state, 1, root);
}

/* table.sort(t [, below]) [-0, +0]. A heap sort: as many comparisons as n log n, whatever they answer. */
static int table_sort(lua_State *state) {
        lua_Integer n = length_of(state, 1);

        if (!lua_isnoneornil(state, 2))
                luaL_checktype(state, 2, LUA_TFUNCTION);
        lua_settop(state, 2);
        luaL_checkstack(state, 8, NULL);
        for (lua_Integer i = n / 2; i >= 1; i--)
                sink(state, i, n);
        for (lua_Integer i = n; i > 1; i--) {
                lua_rawgeti(state, 1, 1);
                lua_rawgeti(state, 1, i);
                lua_rawseti(state, 1, 1);
                lua_rawseti(state, 1, i);
                sink(state, 1, i - 1);
        }
        return 0;
}

void script_table_open(lua_State *state) {
        static const luaL_Reg functions[] = {
                {"insert", table_insert}, {"remove", table_remove}, {"concat", table_concat}, {"unpack", table_unpack},
                {"pack", table_pack},     {"sort", table_sort},     {}};

        luaL_newlib(state, functions);
        script_freeze(state);
        lua_setfield(state, -2, "table");
}
