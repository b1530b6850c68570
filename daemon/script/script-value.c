/* SPDX-License-Identifier: Apache-2.0 */
#include "script/script-value.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "script/script-private.h"

struct script_value {
        json_t *json;                   /* owned reference */
        struct script_process *processes;       /* owned */
        size_t n_processes;
};

/* What is too deep for C's stack in a recursion. */
static bool is_too_deep(const json_t *json, int depth) {
        const char *key;
        json_t *item;
        size_t i;

        if (depth > SCRIPT_VALUE_MAX_DEPTH)
                return true;
        if (json_is_array(json)) {
                json_array_foreach(json, i, item)
                        if (is_too_deep(item, depth + 1))
                                return true;
        } else if (json_is_object(json))
                json_object_foreach((json_t *)json, key, item)
                        if (is_too_deep(item, depth + 1))
                                return true;
        return false;
}

int script_value_parse(const char *json, size_t n, struct script_value **ret, const char **ret_message) {
        _cleanup_(script_value_freep) struct script_value *value = NULL;
        json_error_t error;

        assert(json && ret && ret_message);

        if (n > SCRIPT_VALUE_MAX_BYTES) {
                *ret_message = "it is too large";
                return -EBADMSG;
        }
        value = calloc(1, sizeof(*value));
        if (!value)
                return -ENOMEM;
        value->json = json_loadb(json, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!value->json) {
                if (json_error_code(&error) == json_error_out_of_memory)
                        return -ENOMEM;
                *ret_message = "it is not JSON";
                return -EBADMSG;
        }
        if (!json_is_object(value->json) || is_too_deep(value->json, 0)) {
                *ret_message = json_is_object(value->json) ? "it is nested too deeply" : "it is not an object";
                return -EBADMSG;
        }
        *ret = TAKE_PTR(value);
        return 0;
}

struct script_value *script_value_free(struct script_value *value) {
        if (!value)
                return NULL;
        json_decref(value->json);
        free(value->processes);
        free(value);
        return NULL;
}

static void push(lua_State *state, const json_t *json) {
        const char *key;
        json_t *item;
        size_t i;

        luaL_checkstack(state, 8, "an alert");
        switch (json_typeof(json)) {
        case JSON_OBJECT:
                lua_createtable(state, 0, (int)json_object_size(json));
                json_object_foreach((json_t *)json, key, item) {
                        push(state, item);
                        lua_setfield(state, -2, key);
                }
                break;
        case JSON_ARRAY:
                lua_createtable(state, (int)json_array_size(json), 0);
                json_array_foreach(json, i, item) {
                        push(state, item);
                        lua_rawseti(state, -2, (lua_Integer)i + 1);
                }
                break;
        case JSON_STRING:
                lua_pushlstring(state, json_string_value(json), json_string_length(json));
                break;
        case JSON_INTEGER:
                lua_pushinteger(state, json_integer_value(json));
                break;
        case JSON_REAL:
                lua_pushnumber(state, json_real_value(json));
                break;
        case JSON_TRUE:
        case JSON_FALSE:
                lua_pushboolean(state, json_is_true(json));
                break;
        case JSON_NULL:
                lua_pushnil(state);
                break;
        }
}

int script_value_set_processes(struct script_value *value, const struct script_process *processes, size_t n) {
        struct script_process *copy = calloc(MAX(n, (size_t)1), sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        if (n > 0)
                memcpy(copy, processes, n * sizeof(*copy));
        free(value->processes);
        value->processes = copy;
        value->n_processes = n;
        return 0;
}

static void set_number(lua_State *state, const char *name, uint64_t value) {
        lua_pushinteger(state, (lua_Integer)value);
        lua_setfield(state, -2, name);
}

/* The next process of the list, if it is the one at the top. [-1, +0] */
static void annotate(lua_State *state, const struct script_value *value, size_t *i) {
        if (*i < value->n_processes && lua_istable(state, -1)) {
                const struct script_process *process = value->processes + (*i)++;

                lua_getfield(state, -1, "pid");
                if (lua_isinteger(state, -1) && lua_tointeger(state, -1) == process->pid) {
                        lua_pop(state, 1);
                        set_number(state, "start_ns", process->start_ns);
                        if (process->inode != 0) {
                                set_number(state, "exe_device", process->device);
                                set_number(state, "exe_inode", process->inode);
                        }
                } else
                        lua_pop(state, 1);
        }
        lua_pop(state, 1);
}

void script_value_push(lua_State *state, const struct script_value *value) {
        static const struct {
                const char *list, *member;
        } lists[] = {{"ancestors", NULL}, {"steps", "process"}};
        size_t n = 0;

        push(state, value->json);
        lua_getfield(state, -1, "process");
        annotate(state, value, &n);
        for (size_t k = 0; k < ELEMENTSOF(lists); k++) {
                lua_getfield(state, -1, lists[k].list);
                for (lua_Integer i = 1; lua_istable(state, -1) && i <= (lua_Integer)lua_rawlen(state, -1); i++) {
                        lua_rawgeti(state, -1, i);
                        if (lists[k].member && lua_istable(state, -1)) {
                                lua_getfield(state, -1, lists[k].member);
                                lua_remove(state, -2);
                        }
                        annotate(state, value, &n);
                }
                lua_pop(state, 1);
        }
}
