/* SPDX-License-Identifier: Apache-2.0 */
#include "event/schema.h"

#include <string.h>

#include "base/macro.h"

enum {
        PATH = FIELD_PATH,
        USER = FIELD_USER,
        REQUEST = FIELD_REQUEST,
        TIER = FIELD_TIER,
};

enum {
        CLASS_CORE = EVENT_CORE,
        CLASS_EVENT = EVENT_EVENT,
        CLASS_META = EVENT_META,
};

static const struct kind_info kinds[_WIRE_KIND_MAX] = {
#define KIND(id, kind_name, kind_class, kind_doc)                                                                      \
        [WIRE_KIND_##id] = {                                                                                           \
                .name = kind_name,                                                                                     \
                .doc = kind_doc,                                                                                       \
                .class = (enum event_class)CLASS_##kind_class,                                                         \
                .first_field = (enum field)(WIRE_BEFORE_##id + 1),                                                     \
                .record_size = sizeof(struct wire_##id),                                                               \
                .n_fields = 0
#define FIELD(kind, type, id, name, format, flags, doc) + 1
#define END_KIND(id) },
#include "event/events.def"
};

static const struct field_info fields[_FIELD_MAX] = {
#define KIND(id, name, class, doc)
#define FIELD(kind_id, type_id, id, field_name, format_id, field_flags, field_doc)                                     \
        [WIRE_FIELD_##kind_id##_##id] = {                                                                              \
                .name = field_name,                                                                                    \
                .doc = field_doc,                                                                                      \
                .type = VALUE_##type_id,                                                                               \
                .format = FORMAT_##format_id,                                                                          \
                .scope = FIELD_EVENT,                                                                                  \
                .flags = field_flags,                                                                                  \
                .kind = WIRE_KIND_##kind_id,                                                                           \
                .bit = WIRE_FIELD_##kind_id##_##id - WIRE_BEFORE_##kind_id - 1,                                        \
                .offset = offsetof(struct wire_##kind_id, id),                                                         \
        },
#define END_KIND(id)
#include "event/events.def"
#define COMMON_FIELD(type_id, id, field_name, format_id, field_doc)                                                    \
        [FIELD_COMMON_##id] = {                                                                                        \
                .name = field_name,                                                                                    \
                .doc = field_doc,                                                                                      \
                .type = VALUE_##type_id,                                                                               \
                .format = FORMAT_##format_id,                                                                          \
                .scope = FIELD_COMMON,                                                                                 \
        },
#define PROCESS_FIELD(type_id, id, field_name, format_id, field_doc)                                                   \
        [FIELD_PROCESS_##id] = {                                                                                       \
                .name = field_name,                                                                                    \
                .doc = field_doc,                                                                                      \
                .type = VALUE_##type_id,                                                                               \
                .format = FORMAT_##format_id,                                                                          \
                .scope = FIELD_PROCESS,                                                                                \
        },
#include "event/process-fields.def"
};

const struct kind_info *schema_kind(enum wire_kind kind) {
        if ((unsigned)kind >= _WIRE_KIND_MAX || !kinds[kind].name)
                return NULL;
        return &kinds[kind];
}

const struct field_info *schema_field(enum field field) {
        if ((unsigned)field >= _FIELD_MAX || !fields[field].name)
                return NULL;
        return &fields[field];
}

enum wire_kind schema_find_kind(const char *name, size_t length) {
        for (unsigned i = WIRE_NONE + 1; i < _WIRE_KIND_MAX; i++)
                if (memeq_str(name, length, kinds[i].name))
                        return (enum wire_kind)i;
        return WIRE_NONE;
}

/* The first of n consecutive fields that has this name. */
static enum field find_among(enum field first, size_t n, const char *name, size_t length) {
        for (size_t i = first; i < first + n; i++)
                if (memeq_str(name, length, fields[i].name))
                        return (enum field)i;
        return FIELD_NONE;
}

enum field schema_find_field(enum wire_kind kind, const char *name, size_t length) {
        const struct kind_info *info = schema_kind(kind);
        enum field field = FIELD_NONE;

        if (info)
                field = find_among(info->first_field, info->n_fields, name, length);
        if (field == FIELD_NONE)
                field = find_among(_FIELD_COMMON_BEFORE + 1, _FIELD_PROCESS_BEFORE - _FIELD_COMMON_BEFORE - 1, name,
                                   length);
        return field;
}

enum field schema_find_process_field(const char *name, size_t length) {
        return find_among(_FIELD_PROCESS_BEFORE + 1, _FIELD_MAX - _FIELD_PROCESS_BEFORE - 1, name, length);
}

#define WIRE_KIND_NONE WIRE_NONE

static const struct {
        const char *name;
        enum wire_kind kind;
} calls[] = {
#define CALL(id, call_kind) {.name = #id, .kind = WIRE_KIND_##call_kind},
#include "event/calls.def"
        /* Other names of calls that are there under another one, or under the kind's own. */
        {.name = "exec", .kind = WIRE_KIND_execve},
        {.name = "fexecve", .kind = WIRE_KIND_execve},
        {.name = "clone", .kind = WIRE_KIND_fork},
        {.name = "clone3", .kind = WIRE_KIND_fork},
        {.name = "vfork", .kind = WIRE_KIND_fork},
        {.name = "exit_group", .kind = WIRE_KIND_exit},
        {.name = "pread", .kind = WIRE_KIND_read},
        {.name = "pwrite", .kind = WIRE_KIND_write},
        {.name = "sendfile64", .kind = WIRE_KIND_write},
        {.name = "send", .kind = WIRE_KIND_sendto},
        {.name = "recv", .kind = WIRE_KIND_recvfrom},
        {.name = "sigqueue", .kind = WIRE_KIND_kill},
        {.name = "signal", .kind = WIRE_KIND_kill},
};

enum wire_kind schema_kind_of_call(const char *name, size_t length) {
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                if (memeq_str(name, length, calls[i].name))
                        return calls[i].kind;
        return WIRE_NONE;
}

const char *value_type_to_string(enum value_type type) {
        switch (type) {
        case VALUE_NUMBER: return "number";
        case VALUE_STRING: return "string";
        case VALUE_LIST: return "list";
        case VALUE_OBJECT: return "object";
        case VALUE_ADDRESS: return "address";
        case VALUE_IDENTITY: return "process";
        case _VALUE_TYPE_MAX: break;
        }
        return NULL;
}
