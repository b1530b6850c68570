/* SPDX-License-Identifier: Apache-2.0 */
/* Script text - the libraries `string` (what is linear of Lua's) and `text` (regular expressions of PCRE2, and what is
 * plain). All of it is bounded by the length of what it is given; the rest is charged. */
#include "script/script-private.h"

#include <lualib.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES 256                   /* results of string.byte() */
#define MAX_ITEMS 4096                  /* of text.split(), text.all() */
#define MAX_SUBJECT (64U << 10)         /* of a regular expression */
#define BYTES_PER_INSTRUCTION 64        /* of what goes through text once */

static const char *check_text(lua_State *state, int index, size_t *ret_n) {
        const char *s = luaL_checklstring(state, index, ret_n);

        script_budget_charge(state, 1 + *ret_n / BYTES_PER_INSTRUCTION);
        return s;
}

/* ---- string ---- */

/* string.rep(s, n [, separator]) [-0, +1] */
static int string_rep(lua_State *state) {
        size_t length, between, total;
        const char *s = luaL_checklstring(state, 1, &length);
        lua_Integer n = luaL_checkinteger(state, 2);
        const char *separator = luaL_optlstring(state, 3, "", &between);
        luaL_Buffer b;

        if (n <= 0 || length + between == 0) {
                lua_pushliteral(state, "");
                return 1;
        }
        if (__builtin_mul_overflow((size_t)n, length + between, &total) ||
            total > script_of(state)->limits.memory_bytes)
                return luaL_error(state, "the result would be too long");
        script_budget_charge(state, (uint64_t)n / 8 + total / BYTES_PER_INSTRUCTION);
        luaL_buffinitsize(state, &b, total);
        for (lua_Integer i = 0; i < n; i++) {
                luaL_addlstring(&b, s, length);
                if (i + 1 < n)
                        luaL_addlstring(&b, separator, between);
        }
        luaL_pushresult(&b);
        return 1;
}

/* The offset that Lua means by a position, which may count from the end. */
static size_t offset_of(lua_Integer position, size_t n) {
        if (position > 0)
                return MIN((size_t)position - 1, n);
        if (position == 0 || position < -(lua_Integer)n)
                return 0;
        return n - (size_t)-position;
}

/* string.find(s, plain [, from]) [-0, +2]: from, to; or nil. memmem() is linear, which Lua's plain search is not. */
static int string_find(lua_State *state) {
        size_t n, m, from;
        const char *s = check_text(state, 1, &n), *needle = luaL_checklstring(state, 2, &m), *at;

        from = offset_of(luaL_optinteger(state, 3, 1), n);
        at = m == 0 ? s + from : memmem(s + from, n - from, needle, m);
        if (!at) {
                lua_pushnil(state);
                return 1;
        }
        lua_pushinteger(state, (lua_Integer)(at - s) + 1);
        lua_pushinteger(state, (lua_Integer)(at - s + (ptrdiff_t)m));
        return 2;
}

/* string.byte(s [, from [, to]]) [-0, +n] */
static int string_byte(lua_State *state) {
        size_t n;
        const char *s = luaL_checklstring(state, 1, &n);
        lua_Integer from = luaL_optinteger(state, 2, 1), to = luaL_optinteger(state, 3, from);

        if (from < 0)
                from = MAX((lua_Integer)n + from + 1, (lua_Integer)1);
        if (to < 0)
                to = (lua_Integer)n + to + 1;
        from = MAX(from, (lua_Integer)1);
        to = MIN(to, (lua_Integer)n);
        if (from > to)
                return 0;
        if (to - from >= MAX_BYTES)
                return luaL_error(state, "too many results");
        luaL_checkstack(state, MAX_BYTES, "too many results");
        for (lua_Integer i = from; i <= to; i++)
                lua_pushinteger(state, (unsigned char)s[i - 1]);
        return (int)(to - from + 1);
}

/* string.format(format, ...) [-0, +1]: Lua's, but tables and functions have no address, and %p is not there. The
 * original is its upvalue. */
static int string_format(lua_State *state) {
        size_t n;
        const char *format = check_text(state, 1, &n);
        int top = lua_gettop(state);

        for (const char *p = format; (p = memchr(p, '%', n - (size_t)(p - format))); p++) {
                p += 1 + strspn(p + 1, "-+ #0123456789.");
                if (*p == 'p')
                        return luaL_error(state, "%%p is not there for scripts");
                if (p >= format + n)
                        break;
        }
        for (int i = 2; i <= top; i++)
                if (lua_type(state, i) > LUA_TSTRING || lua_type(state, i) == LUA_TLIGHTUSERDATA) {
                        if (luaL_getmetafield(state, i, "__tostring") != LUA_TNIL)
                                lua_pop(state, 1);
                        else {
                                (void)script_describe(state, i, NULL);
                                lua_replace(state, i);
                        }
                }
        lua_pushvalue(state, lua_upvalueindex(1));
        lua_insert(state, 1);
        lua_call(state, top, 1);
        return 1;
}

static void open_string(lua_State *state) {
        static const char *const linear[] = {"len", "sub", "upper", "lower", "reverse", "char"};
        static const luaL_Reg functions[] = {
                {"rep", string_rep}, {"find", string_find}, {"byte", string_byte}, {}};

        lua_pushcfunction(state, luaopen_string);
        lua_call(state, 0, 1);
        luaL_newlib(state, functions);
        for (size_t i = 0; i < ELEMENTSOF(linear); i++) {
                lua_getfield(state, -2, linear[i]);
                lua_setfield(state, -2, linear[i]);
        }
        lua_getfield(state, -2, "format");
        lua_pushcclosure(state, string_format, 1);
        lua_setfield(state, -2, "format");
        script_freeze(state);
        lua_remove(state, -2);

        /* What s:upper() finds: ours, in the place of the one that luaopen_string() has set. */
        lua_pushliteral(state, "");
        lua_createtable(state, 0, 2);
        lua_pushvalue(state, -3);
        lua_setfield(state, -2, "__index");
        lua_pushboolean(state, 0);
        lua_setfield(state, -2, "__metatable");
        lua_setmetatable(state, -2);
        lua_pop(state, 1);
        lua_setfield(state, -2, "string");
}

/* ---- regular expressions ---- */

static void regex_done(struct script_regex *regex) {
        free(regex->pattern);
        regex_free(regex->regex);
        *regex = (struct script_regex){};
}

void script_text_done(struct script *script) {
        for (size_t i = 0; i < script->n_regexes; i++)
                regex_done(script->regexes + i);
        script->n_regexes = 0;
}

/* The pattern at `index`, compiled. Kept: most scripts have a few, which they use for each alert. */
static const struct regex *check_regex(lua_State *state, int index) {
        struct script *script = script_of(state);
        struct script_regex *place;
        const char *pattern, *message = "";
        struct regex *regex;
        size_t n, offset;
        char *copy;
        int r;

        pattern = luaL_checklstring(state, index, &n);
        for (size_t i = 0; i < script->n_regexes; i++)
                if (script->regexes[i].length == n && memcmp(script->regexes[i].pattern, pattern, n) == 0)
                        return script->regexes[i].regex;

        script_budget_charge(state, 1000 + 10 * n);
        r = regex_new(pattern, n, false, &regex, &message, &offset);
        if (r == -EBADMSG)
                luaL_error(state, "pattern, byte %d: %s", (int)offset + 1, message);
        copy = r < 0 ? NULL : malloc(n + 1);
        if (!copy) {
                if (r >= 0)
                        regex_free(regex);
                luaL_error(state, "not enough memory for a pattern");
        }
        memcpy(copy, pattern, n);

        place = script->regexes + script->next_regex;
        script->next_regex = (script->next_regex + 1) % SCRIPT_MAX_REGEXES;
        script->n_regexes = MAX(script->n_regexes, (size_t)(place - script->regexes) + 1);
        regex_done(place);
        *place = (struct script_regex){.pattern = copy, .length = n, .regex = regex};
        return regex;
}

/* The subject at `index`: longer ones are refused, because each byte can be where a match begins. */
static const char *check_subject(lua_State *state, int index, size_t *ret_n) {
        const char *s = check_text(state, index, ret_n);

        luaL_argcheck(state, *ret_n <= MAX_SUBJECT, index, "the text is too long for a pattern");
        return s;
}

/* Is it found from there? Raises an error if that takes too long to find out. */
static bool search(lua_State *state, const struct regex *regex, const char *s, size_t n, size_t from,
                   struct regex_span spans[static REGEX_MAX_SPANS]) {
        script_budget_charge(state, 100 + (n - from) / 8);
        switch (regex_search(regex, s, n, from, spans, REGEX_MAX_SPANS)) {
        case TRUTH_TRUE: return true;
        case TRUTH_FALSE: return false;
        case TRUTH_UNKNOWN: break;
        }
        /* As much as it may have cost: a script that does so again and again has used its budget soon. */
        script_budget_charge(state, 100000);
        return luaL_error(state, "the pattern takes too many steps for this text");
}

static void push_span(lua_State *state, const char *s, const struct regex_span *span) {
        if (span->from == REGEX_NO_SPAN)
                lua_pushnil(state);
        else
                lua_pushlstring(state, s + span->from, span->to - span->from);
}

/* text.test(s, pattern) [-0, +1]: a boolean */
static int text_test(lua_State *state) {
        struct regex_span spans[REGEX_MAX_SPANS];
        size_t n;
        const char *s = check_subject(state, 1, &n);

        lua_pushboolean(state, search(state, check_regex(state, 2), s, n, 0, spans));
        return 1;
}

/* text.find(s, pattern [, from]) [-0, +2]: from, to; or nil */
static int text_find(lua_State *state) {
        struct regex_span spans[REGEX_MAX_SPANS];
        size_t n;
        const char *s = check_subject(state, 1, &n);
        size_t from = offset_of(luaL_optinteger(state, 3, 1), n);

        if (!search(state, check_regex(state, 2), s, n, from, spans)) {
                lua_pushnil(state);
                return 1;
        }
        lua_pushinteger(state, (lua_Integer)spans[0].from + 1);
        lua_pushinteger(state, (lua_Integer)spans[0].to);
        return 2;
}

/* text.match(s, pattern) [-0, +n]: its groups, or all of it if it has none; or nil */
static int text_match(lua_State *state) {
        struct regex_span spans[REGEX_MAX_SPANS];
        int last = 0;
        size_t n;
        const char *s = check_subject(state, 1, &n);

        if (!search(state, check_regex(state, 2), s, n, 0, spans)) {
                lua_pushnil(state);
                return 1;
        }
        for (int i = 1; i < REGEX_MAX_SPANS; i++)
                if (spans[i].from != REGEX_NO_SPAN)
                        last = i;
        if (last == 0) {
                push_span(state, s, spans);
                return 1;
        }
        luaL_checkstack(state, REGEX_MAX_SPANS, NULL);
        for (int i = 1; i <= last; i++)
                push_span(state, s, spans + i);
        return last;
}

/* text.all(s, pattern) [-0, +1]: a list of all matches; of the first group, if there is one */
static int text_all(lua_State *state) {
        struct regex_span spans[REGEX_MAX_SPANS];
        size_t n, from = 0;
        const char *s = check_subject(state, 1, &n);
        const struct regex *regex = check_regex(state, 2);

        lua_newtable(state);
        for (lua_Integer i = 1; i <= MAX_ITEMS && from <= n && search(state, regex, s, n, from, spans); i++) {
                push_span(state, s, spans + (spans[1].from != REGEX_NO_SPAN));
                lua_rawseti(state, -2, i);
                from = MAX(spans[0].to, from) + (spans[0].to == spans[0].from);
        }
        return 1;
}

/* text.replace(s, pattern, by) [-0, +2]: the new text, and how many. `by` is plain. */
static int text_replace(lua_State *state) {
        struct regex_span spans[REGEX_MAX_SPANS];
        size_t n, m, from = 0;
        const char *s = check_subject(state, 1, &n);
        const struct regex *regex = check_regex(state, 2);
        const char *by = luaL_checklstring(state, 3, &m);
        lua_Integer count = 0;
        luaL_Buffer b;

        luaL_buffinit(state, &b);
        while (count < MAX_ITEMS && from <= n && search(state, regex, s, n, from, spans)) {
                luaL_addlstring(&b, s + from, spans[0].from - from);
                luaL_addlstring(&b, by, m);
                from = spans[0].to;
                if (spans[0].to == spans[0].from) {
                        if (from < n)
                                luaL_addchar(&b, s[from]);
                        from++;
                }
                script_budget_charge(state, 1 + m / BYTES_PER_INSTRUCTION);
                count++;
        }
        if (from < n)
                luaL_addlstring(&b, s + from, n - from);
        luaL_pushresult(&b);
        lua_pushinteger(state, count);
        return 2;
}

/* text.split(s, separator) [-0, +1]: a list; what is more than fits stays in its last item */
static int text_split(lua_State *state) {
        size_t n, m;
        const char *s = check_text(state, 1, &n), *end = s + n;
        const char *separator = luaL_checklstring(state, 2, &m);

        luaL_argcheck(state, m > 0, 2, "an empty separator");
        lua_newtable(state);
        for (lua_Integer i = 1;; i++) {
                const char *at = i < MAX_ITEMS ? memmem(s, (size_t)(end - s), separator, m) : NULL;

                script_budget_charge(state, 2);
                lua_pushlstring(state, s, (size_t)((at ?: end) - s));
                lua_rawseti(state, -2, i);
                if (!at)
                        return 1;
                s = at + m;
        }
}

static bool is_space(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

/* text.trim(s) [-0, +1] */
static int text_trim(lua_State *state) {
        size_t n;
        const char *s = check_text(state, 1, &n);

        while (n > 0 && is_space(*s))
                s++, n--;
        while (n > 0 && is_space(s[n - 1]))
                n--;
        lua_pushlstring(state, s, n);
        return 1;
}

/* text.starts(s, with), text.ends(s, with), text.contains(s, what) [-0, +1]: booleans */
static int text_starts(lua_State *state) {
        size_t n, m;
        const char *s = luaL_checklstring(state, 1, &n), *with = luaL_checklstring(state, 2, &m);

        lua_pushboolean(state, n >= m && memcmp(s, with, m) == 0);
        return 1;
}

static int text_ends(lua_State *state) {
        size_t n, m;
        const char *s = luaL_checklstring(state, 1, &n), *with = luaL_checklstring(state, 2, &m);

        lua_pushboolean(state, n >= m && memcmp(s + n - m, with, m) == 0);
        return 1;
}

static int text_contains(lua_State *state) {
        size_t n, m;
        const char *s = check_text(state, 1, &n), *what = luaL_checklstring(state, 2, &m);

        lua_pushboolean(state, m == 0 || memmem(s, n, what, m) != NULL);
        return 1;
}

void script_text_open(lua_State *state) {
        static const luaL_Reg functions[] = {
                {"test", text_test},   {"find", text_find},         {"match", text_match}, {"all", text_all},
                {"split", text_split}, {"replace", text_replace},   {"trim", text_trim},   {"starts", text_starts},
                {"ends", text_ends},   {"contains", text_contains}, {}};

        open_string(state);
        luaL_newlib(state, functions);
        script_freeze(state);
        lua_setfield(state, -2, "text");
}
