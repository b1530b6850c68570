/* SPDX-License-Identifier: Apache-2.0 */
/* Script data - lists and tables from files: hashes, allowed names, users. Read when the script is loaded, with its
 * owner checked like that of a script, and then only asked; kept as one block outside of the script's memory. */
#include "script/script-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#define DATA_TYPE "execray.data"
#define MAX_ENTRIES 1000000

struct entry {
        const char *key, *value;        /* in the text; value NULL: it is a list */
};

struct script_data {
        char *text;                     /* owned */
        struct entry *entries;          /* owned: sorted by key */
        size_t n;
};

static void data_free(struct script_data *data) {
        if (!data)
                return;
        free(data->text);
        free(data->entries);
        free(data);
}

void script_data_done(struct script *script) {
        ARRAY_FOREACH(data, &script->data)
                data_free(*data);
        array_done(&script->data);
}

static int compare(const void *a, const void *b) {
        return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* Of equal keys the one that comes first in the text. */
static int compare_places(const void *a, const void *b) {
        const struct entry *x = a, *y = b;
        int c = strcmp(x->key, y->key);

        return c != 0 ? c : (x->key > y->key) - (x->key < y->key);
}

/* The column of a line, ended by a NUL; NULL: it has not so many. */
static char *column_of(char *line, const char *separator, lua_Integer column) {
        size_t n = strlen(separator);
        char *at;

        for (; column > 1; column--) {
                at = strstr(line, separator);
                if (!at)
                        return NULL;
                line = at + n;
        }
        return line;
}

static void end_column(char *column, const char *separator) {
        char *at = strstr(column, separator);

        if (at)
                *at = 0;
}

static char *trim(char *line) {
        char *end;

        line += strspn(line, " \t\r");
        end = line + strlen(line);
        while (end > line && strchr(" \t\r", end[-1]))
                *--end = 0;
        return line;
}

struct shape {
        const char *separator;          /* NULL: a list, the first word of each line counts */
        lua_Integer key, value;         /* columns, from 1 */
};

/* One line, which is ended by a NUL. False: there is nothing in it. */
static bool split(char *line, const struct shape *shape, struct entry *ret) {
        char *key, *value;

        line = trim(line);
        if (*line == 0 || *line == '#')
                return false;
        if (!shape->separator) {
                line[strcspn(line, " \t")] = 0;
                *ret = (struct entry){.key = line};
                return true;
        }
        key = column_of(line, shape->separator, shape->key);
        value = column_of(line, shape->separator, shape->value);
        if (!key || !value)
                return false;
        end_column(MAX(key, value), shape->separator);
        end_column(MIN(key, value), shape->separator);
        *ret = (struct entry){.key = trim(key), .value = trim(value)};
        return true;
}

static int data_parse(char *text, const struct shape *shape, struct script_data *data) {
        size_t max = 1, n = 0;

        for (const char *p = text; *p; p++)
                max += *p == '\n';
        if (max > MAX_ENTRIES)
                return -E2BIG;
        data->entries = calloc(max, sizeof(*data->entries));
        if (!data->entries)
                return -ENOMEM;

        for (char *line = text, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = 0;
                if (split(line, shape, data->entries + data->n))
                        data->n++;
        }
        qsort(data->entries, data->n, sizeof(*data->entries), compare_places);
        for (size_t i = 0; i < data->n; i++)
                if (n == 0 || !streq(data->entries[n - 1].key, data->entries[i].key))
                        data->entries[n++] = data->entries[i];
        data->n = n;
        return 0;
}

static int data_open(const struct script *script, const char *path, enum fd_trust *ret_why) {
        bool blamed;

        *ret_why = FD_TRUSTED;
        if (!script->trust_any_owner)
                return open_trusted_file(path, ret_why, &blamed);
        return open_regular_at(AT_FDCWD, path);
}

static int data_read(struct script *script, const char *path, const struct shape *shape, enum fd_trust *ret_why,
                     struct script_data *data) {
        uint64_t left = script->limits.data_bytes - MIN(script->data_bytes, script->limits.data_bytes);
        _cleanup_(closep) int fd = data_open(script, path, ret_why);
        size_t n;
        int r;

        if (fd < 0)
                return fd;
        r = fd_read_all(fd, left, &data->text, &n);
        if (r < 0)
                return r;
        if (memchr(data->text, 0, n))
                return -EBADMSG;
        r = data_parse(data->text, shape, data);
        script->data_bytes += n + data->n * sizeof(struct entry);
        return r;
}

/* Read a file into data that the script owns. Raises no error. */
static int data_load(struct script *script, const char *path, const struct shape *shape, enum fd_trust *ret_why,
                     struct script_data **ret) {
        struct script_data *data = calloc(1, sizeof(*data));
        int r;

        if (!data)
                return -ENOMEM;
        r = data_read(script, path, shape, ret_why, data);
        if (r >= 0)
                r = array_push(&script->data, data);
        if (r < 0) {
                data_free(data);
                return r;
        }
        *ret = data;
        return 0;
}

static const char *sentence(int r, enum fd_trust why) {
        if (why != FD_TRUSTED)
                return fd_trust_to_string(why);
        if (r == -EFBIG || r == -E2BIG)
                return "is too large (scripts.data_memory)";
        if (r == -EBADMSG)
                return "is not a text";
        return strerror(-r);
}

/* Load and push it. A file that is not there is empty if `optional`. */
static int push_data(lua_State *state, const char *path, const struct shape *shape, bool optional) {
        struct script *script = script_of(state);
        struct script_data **place, *data = NULL;
        enum fd_trust why;
        int r;

        if (!script->loading)
                return luaL_error(state, "'%s': files are read while a script is loaded, not when it runs", path);
        if (path[0] != '/')
                return luaL_error(state, "'%s': the name of a file begins with '/'", path);
        place = lua_newuserdatauv(state, sizeof(struct script_data *), 0);
        *place = NULL;
        r = data_load(script, path, shape, &why, &data);
        if (r < 0 && !(r == -ENOENT && optional))
                return luaL_error(state, "'%s' cannot be read: %s", path, sentence(r, why));
        *place = data;
        luaL_setmetatable(state, DATA_TYPE);
        return 1;
}

static bool option(lua_State *state, int index, const char *name) {
        bool result;

        if (!lua_istable(state, index))
                return false;
        lua_getfield(state, index, name);
        result = lua_toboolean(state, -1);
        lua_pop(state, 1);
        return result;
}

static lua_Integer option_column(lua_State *state, int index, const char *name, lua_Integer otherwise) {
        lua_Integer result = otherwise;

        if (lua_istable(state, index)) {
                lua_getfield(state, index, name);
                result = luaL_optinteger(state, -1, otherwise);
                lua_pop(state, 1);
        }
        luaL_argcheck(state, result >= 1 && result <= 64, index, "a column is from 1 to 64");
        return result;
}

/* execray.list(path [, {optional = true}]) [-0, +1] */
static int data_list(lua_State *state) {
        return push_data(state, luaL_checkstring(state, 1), &(struct shape){}, option(state, 2, "optional"));
}

/* execray.lookup(path, separator [, {key = 1, value = 2, optional = true}]) [-0, +1] */
static int data_lookup(lua_State *state) {
        struct shape shape = {.separator = luaL_checkstring(state, 2)};

        luaL_argcheck(state, *shape.separator, 2, "an empty separator");
        shape.key = option_column(state, 3, "key", 1);
        shape.value = option_column(state, 3, "value", 2);
        luaL_argcheck(state, shape.key != shape.value, 3, "key and value are the same column");
        return push_data(state, luaL_checkstring(state, 1), &shape, option(state, 3, "optional"));
}

static const struct script_data *check_data(lua_State *state, int index) {
        struct script_data **place = luaL_checkudata(state, index, DATA_TYPE);

        return *place;
}

static const struct entry *find(lua_State *state) {
        const struct script_data *data = check_data(state, 1);
        const struct entry key = {.key = lua_isnil(state, 2) ? "" : luaL_checkstring(state, 2)};

        script_budget_charge(state, 10);
        return data && data->n > 0 ? bsearch(&key, data->entries, data->n, sizeof(key), compare) : NULL;
}

/* data:has(key) [-0, +1] */
static int data_has(lua_State *state) {
        lua_pushboolean(state, find(state) != NULL);
        return 1;
}

/* data:get(key) [-0, +1]: of a list the key itself; or nil */
static int data_get(lua_State *state) {
        const struct entry *entry = find(state);

        if (entry)
                lua_pushstring(state, entry->value ?: entry->key);
        else
                lua_pushnil(state);
        return 1;
}

/* #data [-0, +1] */
static int data_length(lua_State *state) {
        const struct script_data *data = check_data(state, 1);

        lua_pushinteger(state, data ? (lua_Integer)data->n : 0);
        return 1;
}

void script_data_open(lua_State *state) {
        static const luaL_Reg methods[] = {{"has", data_has}, {"get", data_get}, {}};

        luaL_newmetatable(state, DATA_TYPE);
        luaL_newlib(state, methods);
        script_freeze(state);
        lua_setfield(state, -2, "__index");
        lua_pushcfunction(state, data_length);
        lua_setfield(state, -2, "__len");
        lua_pushboolean(state, 0);
        lua_setfield(state, -2, "__metatable");
        lua_pop(state, 1);

        lua_pushcfunction(state, data_list);
        lua_setfield(state, -2, "list");
        lua_pushcfunction(state, data_lookup);
        lua_setfield(state, -2, "lookup");
}
