/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/tidy.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"

bool tidy_path_needed(const char *path, size_t length) {
        const char *end = path + length, *slash = path;

        if (length > 1 && end[-1] == '/')
                return true;
        while ((slash = memchr(slash, '/', end - slash))) {
                slash++;
                if (slash == end)
                        return false;
                if (*slash == '/')
                        return true;
                if (*slash != '.')
                        continue;
                if (slash + 1 == end || slash[1] == '/')
                        return true;
                if (slash[1] == '.' && (slash + 2 == end || slash[2] == '/'))
                        return true;
        }
        return false;
}

size_t tidy_path(char *path, size_t length) {
        size_t to = 0, from = 0;

        assert(length > 0 && path[0] == '/');

        while (from < length) {
                size_t n = 0;

                while (from < length && path[from] == '/')
                        from++;
                while (from + n < length && path[from + n] != '/')
                        n++;

                if (n == 2 && path[from] == '.' && path[from + 1] == '.') {
                        while (to > 0 && path[--to] != '/')
                                ;
                } else if (n > 0 && !(n == 1 && path[from] == '.')) {
                        path[to++] = '/';
                        memmove(path + to, path + from, n);
                        to += n;
                }
                from += n;
        }
        if (to == 0)
                path[to++] = '/';
        return to;
}

/* ---- what the list of fields says of each kind, as bits of the masks of the header ---- */

enum {
        PATH = FIELD_PATH,
        USER = FIELD_USER,
        REQUEST = FIELD_REQUEST,
        TIER = FIELD_TIER,
};

#define IS_STRING_NUMBER 0
#define IS_STRING_STRING 1
#define IS_STRING_LIST 0
#define IS_STRING_OBJECT 0
#define IS_STRING_ADDRESS 0
#define IS_OBJECT_NUMBER 0
#define IS_OBJECT_STRING 0
#define IS_OBJECT_LIST 0
#define IS_OBJECT_OBJECT 1
#define IS_OBJECT_ADDRESS 0

/* Absolute paths: to be tidied where they are made of a program's bytes. */
static const uint64_t paths[_WIRE_KIND_MAX] = {
#define KIND(id, name, class, doc) [WIRE_KIND_##id] = 0
#define FIELD(kind, type, id, name, format, flags, doc)                                                                \
        | (IS_STRING_##type && ((flags) & (PATH | TIER)) ? WIRE_BIT(kind, id) : 0)
#define END_KIND(id) ,
#include "event/events.def"
};

/* Of which a prefix is what was asked for. */
static const uint64_t prefixes[_WIRE_KIND_MAX] = {
#define KIND(id, name, class, doc) [WIRE_KIND_##id] = 0
#define FIELD(kind, type, id, name, format, flags, doc)                                                                \
        | (IS_STRING_##type && ((flags) & REQUEST) ? WIRE_BIT(kind, id) : 0)
#define END_KIND(id) ,
#include "event/events.def"
};

/* The first of them is what the call was about. */
static const uint64_t objects[_WIRE_KIND_MAX] = {
#define KIND(id, name, class, doc) [WIRE_KIND_##id] = 0
#define FIELD(kind, type, id, name, format, flags, doc) | (IS_OBJECT_##type ? WIRE_BIT(kind, id) : 0)
#define END_KIND(id) ,
#include "event/events.def"
};

/* ---- what must be there ---- */

enum when {
        ALWAYS = 1,
        SUCCESS,                        /* only if the call succeeded */
};

/* Every event of the kind has this field, or something was hidden from us. `instead`: bits of fields one of which does
 * as well, like the object where a descriptor may stand for a name. */
static const struct due {
        enum field field;
        enum when when;
        enum wire_reason reason;
        uint64_t bit, instead;
} dues[_WIRE_KIND_MAX][2] = {
#define DUE(kind_id, id, others, when_id, reason_id)                                                                   \
        {                                                                                                              \
                .field = FIELD_##kind_id##_##id, .when = when_id, .reason = WIRE_OBSCURED_##reason_id,                 \
                .bit = WIRE_BIT(kind_id, id), .instead = others,                                                       \
        }
        [WIRE_KIND_execve] = {DUE(execve, filename, 0, ALWAYS, UNREAD)},
        /* Closed before we could look; too deep. */
        [WIRE_KIND_openat] = {DUE(openat, file, 0, SUCCESS, RACED), DUE(openat, pathname, 0, SUCCESS, CUT)},
        [WIRE_KIND_memfd_create] = {DUE(memfd_create, file, 0, SUCCESS, RACED)},
        [WIRE_KIND_unlink] = {DUE(unlink, pathname, 0, ALWAYS, UNREAD)},
        [WIRE_KIND_rename] = {DUE(rename, pathname, 0, ALWAYS, UNREAD), DUE(rename, newpath, 0, ALWAYS, UNREAD)},
        [WIRE_KIND_link] = {DUE(link, pathname, WIRE_BIT(link, file), ALWAYS, UNREAD),
                            DUE(link, newpath, 0, ALWAYS, UNREAD)},
        [WIRE_KIND_symlink] = {DUE(symlink, target, 0, ALWAYS, UNREAD), DUE(symlink, pathname, 0, ALWAYS, UNREAD)},
        [WIRE_KIND_mkdir] = {DUE(mkdir, pathname, 0, ALWAYS, UNREAD)},
        [WIRE_KIND_truncate] = {DUE(truncate, pathname, WIRE_BIT(truncate, file), ALWAYS, UNREAD)},
        [WIRE_KIND_chmod] = {DUE(chmod, pathname, WIRE_BIT(chmod, file), ALWAYS, UNREAD)},
        [WIRE_KIND_chown] = {DUE(chown, pathname, WIRE_BIT(chown, file), ALWAYS, UNREAD)},
        [WIRE_KIND_setxattr] = {DUE(setxattr, pathname, WIRE_BIT(setxattr, file), ALWAYS, UNREAD),
                                DUE(setxattr, name, 0, ALWAYS, UNREAD)},
        [WIRE_KIND_dns] = {DUE(dns, name, 0, ALWAYS, UNREAD)},
        /* Without the name these would have failed. */
        [WIRE_KIND_mount] = {DUE(mount, target, WIRE_BIT(mount, fd), SUCCESS, UNREAD)},
        [WIRE_KIND_delete_module] = {DUE(delete_module, name, 0, SUCCESS, UNREAD)},
        [WIRE_KIND_umount] = {DUE(umount, target, 0, SUCCESS, UNREAD)},
        [WIRE_KIND_pivot_root] = {DUE(pivot_root, pathname, 0, SUCCESS, UNREAD),
                                  DUE(pivot_root, newpath, 0, SUCCESS, UNREAD)},
        [WIRE_KIND_chroot] = {DUE(chroot, pathname, 0, SUCCESS, UNREAD)},
        [WIRE_KIND_swapon] = {DUE(swapon, pathname, 0, SUCCESS, UNREAD)},
        [WIRE_KIND_utimes] = {DUE(utimes, pathname, WIRE_BIT(utimes, file), ALWAYS, UNREAD)},
#undef DUE
};

bool tidy_event(const struct event *event, struct record *record) {
        const struct wire_header *header = event->wire;
        enum field first = schema_kind(event_kind(event))->first_field;
        bool tidied = false;
        uint64_t todo;

        /* What the kernel resolved is tidy, and is what comes most. The name of an exec is its own copy of one that was
         * not. */
        todo = paths[header->kind] & header->known & header->user;
        if (header->kind == WIRE_KIND_execve)
                todo |= header->known & WIRE_BIT(execve, filename);

        for (; todo != 0; todo &= todo - 1) {
                enum field field = first + __builtin_ctzll(todo);
                char path[2 * WIRE_MAX_PATH + 2];
                struct value value;

                event_get(event, field, &value);
                if (value.length == 0 || value.length > sizeof(path) || value.bytes[0] != '/' ||
                    !tidy_path_needed(value.bytes, value.length))
                        continue;
                if (!tidied) {
                        record_copy(record, header);
                        tidied = true;
                }
                /* A new place for it: the old bytes are also those of the name as given. */
                memcpy(path, value.bytes, value.length);
                record_set_bytes(record, field, path, tidy_path(path, value.length));
        }
        return tidied && record_finish(record) >= 0;
}

/* "kind.field" */
static const char *const subjects[_WIRE_FIELD_MAX] = {
#define KIND(id, name, class, doc)
#define FIELD(kind, type, id, name, format, flags, doc) [WIRE_FIELD_##kind##_##id] = #kind "." name,
#define END_KIND(id)
#include "event/events.def"
};

/* A name was read, but not the directory that it begins in: that is exchanged by now, or too deep. */
static bool has_as_given(const struct event *event, enum field field) {
        char name[64];
        enum field given;
        struct value value;
        int n;

        n = snprintf(name, sizeof(name), "%s.given", schema_field(field)->name);
        given = schema_find_field(event_kind(event), name, n);
        if (given == FIELD_NONE)
                return false;
        event_get(event, given, &value);
        return value.state != VALUE_UNKNOWN;
}

static enum wire_reason due_is_missing(const struct event *event, const struct due *due) {
        const struct wire_header *header = event->wire;

        if (due->when == SUCCESS && header->flags & WIRE_FAILED)
                return WIRE_OBSCURED_NONE;
        if (header->known & (due->bit | due->instead))
                return WIRE_OBSCURED_NONE;
        if (due->reason == WIRE_OBSCURED_UNREAD && has_as_given(event, due->field))
                return header->flags & WIRE_RACED ? WIRE_OBSCURED_RACED : WIRE_OBSCURED_CUT;
        return due->reason;
}

enum wire_reason tidy_obscured(const struct event *event, const char **ret_subject) {
        const struct wire_header *header = event->wire;
        enum field first = schema_kind(event_kind(event))->first_field;
        uint64_t cut = header->cut & ~prefixes[header->kind];

        if (header->flags & WIRE_EXCHANGED && objects[header->kind]) {
                *ret_subject = subjects[first + __builtin_ctzll(objects[header->kind])];
                return WIRE_OBSCURED_RACED;
        }
        if (header->result == -EFAULT || header->result == -EBADF)
                return WIRE_OBSCURED_NONE;      /* the kernel could not read it, or had no file, either */

        if (header->kind == WIRE_KIND_execve && !(header->flags & WIRE_FAILED) &&
            !(header->known & WIRE_BIT(execve, argv)) && ((const struct wire_execve *)header)->argc > 0) {
                *ret_subject = subjects[FIELD_execve_argv];
                return WIRE_OBSCURED_UNREAD;
        }
        for (size_t i = 0; i < ELEMENTSOF(dues[0]) && dues[header->kind][i].when; i++) {
                enum wire_reason reason = due_is_missing(event, &dues[header->kind][i]);

                if (reason != WIRE_OBSCURED_NONE) {
                        *ret_subject = subjects[dues[header->kind][i].field];
                        return reason;
                }
        }
        for (uint64_t empty = header->cut & prefixes[header->kind]; empty != 0; empty &= empty - 1) {
                enum field field = first + __builtin_ctzll(empty);
                struct value value;

                event_get(event, field, &value);
                if (value.length == 0) {
                        *ret_subject = subjects[field];
                        return WIRE_OBSCURED_UNREAD;
                }
        }
        if (cut != 0) {
                *ret_subject = subjects[first + __builtin_ctzll(cut)];
                return WIRE_OBSCURED_CUT;
        }
        return WIRE_OBSCURED_NONE;
}
