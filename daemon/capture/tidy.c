/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/tidy.h"

#include <assert.h>
#include <errno.h>
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

/* The fields of a kind that hold such names. */
static size_t tidy_fields(enum wire_kind kind, enum field ret[static 2]) {
        switch ((int)kind) {
        case WIRE_KIND_execve: ret[0] = (enum field)WIRE_FIELD_execve_filename; return 1;
        case WIRE_KIND_openat: ret[0] = (enum field)WIRE_FIELD_openat_pathname; return 1;
        case WIRE_KIND_unlink: ret[0] = (enum field)WIRE_FIELD_unlink_pathname; return 1;
        case WIRE_KIND_chmod: ret[0] = (enum field)WIRE_FIELD_chmod_pathname; return 1;
        case WIRE_KIND_rename:
                ret[0] = (enum field)WIRE_FIELD_rename_pathname;
                ret[1] = (enum field)WIRE_FIELD_rename_newpath;
                return 2;
        default: return 0;
        }
}

bool tidy_event(const struct event *event, struct record *record) {
        enum field fields[2];
        bool tidied = false;
        size_t n;

        n = tidy_fields(event_kind(event), fields);
        for (size_t i = 0; i < n; i++) {
                char path[2 * WIRE_MAX_PATH + 2];
                struct value value;

                /* What the kernel resolved is tidy, and is what comes most. The name of an exec is its own copy of one
                 * that was not. */
                if (event_kind(event) != WIRE_KIND_execve &&
                    !(event->wire->user & UINT64_C(1) << schema_field(fields[i])->bit))
                        continue;
                event_get(event, fields[i], &value);
                if (value.state == VALUE_UNKNOWN || value.length == 0 || value.length > sizeof(path) ||
                    value.bytes[0] != '/' || !tidy_path_needed(value.bytes, value.length))
                        continue;
                if (!tidied) {
                        memcpy(record->data, event->wire, event->wire->size);
                        record->used = event->wire->size;
                        record->error = 0;
                        tidied = true;
                }
                /* A new place for it: the old bytes are also those of the name as given. */
                memcpy(path, value.bytes, value.length);
                record_set_bytes(record, fields[i], path, tidy_path(path, value.length));
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

enum wire_reason tidy_obscured(const struct event *event, const char **ret_subject) {
        const struct wire_header *header = event->wire;
        uint64_t cut = header->cut;

        if (header->flags & WIRE_EXCHANGED) {
                *ret_subject = header->kind == WIRE_KIND_write ? "write.file"
                        : header->kind == WIRE_KIND_read       ? "read.file"
                        : header->kind == WIRE_KIND_connect    ? "connect.socket"
                        : header->kind == WIRE_KIND_bind       ? "bind.socket"
                        : header->kind == WIRE_KIND_sendto     ? "sendto.socket"
                        : header->kind == WIRE_KIND_recvfrom   ? "recvfrom.socket"
                                                               : "openat.file";
                return WIRE_OBSCURED_RACED;
        }

        if (header->result == -EFAULT)
                return WIRE_OBSCURED_NONE;      /* the kernel could not read it either */

        /* What was read from the calling program, and from the kernel's file where there must be one. */
        switch ((int)header->kind) {
        case WIRE_KIND_execve:
                if (!(header->flags & WIRE_FAILED) && !(header->known & WIRE_BIT(execve, argv)) &&
                    ((const struct wire_execve *)header)->argc > 0) {
                        *ret_subject = "execve.argv";
                        return WIRE_OBSCURED_UNREAD;
                }
                if (!(header->known & WIRE_BIT(execve, filename))) {
                        *ret_subject = "execve.filename";
                        return WIRE_OBSCURED_UNREAD;
                }
                break;
        case WIRE_KIND_openat:
                if (!(header->flags & WIRE_FAILED) && !(header->known & WIRE_BIT(openat, file))) {
                        *ret_subject = "openat.file";
                        return WIRE_OBSCURED_RACED;     /* closed before we could look */
                }
                if (!(header->flags & WIRE_FAILED) && !(header->known & WIRE_BIT(openat, pathname))) {
                        *ret_subject = "openat.pathname";
                        return WIRE_OBSCURED_CUT;       /* too deep */
                }
                break;
        case WIRE_KIND_unlink:
                if (!(header->known & WIRE_BIT(unlink, pathname))) {
                        *ret_subject = "unlink.pathname";
                        return WIRE_OBSCURED_UNREAD;
                }
                break;
        case WIRE_KIND_rename:
                if ((header->known & (WIRE_BIT(rename, pathname) | WIRE_BIT(rename, newpath))) !=
                    (WIRE_BIT(rename, pathname) | WIRE_BIT(rename, newpath))) {
                        *ret_subject = "rename.pathname";
                        return WIRE_OBSCURED_UNREAD;
                }
                break;
        case WIRE_KIND_chmod:
                if (!(header->known & (WIRE_BIT(chmod, pathname) | WIRE_BIT(chmod, file)))) {
                        *ret_subject = "chmod.pathname";
                        return WIRE_OBSCURED_UNREAD;
                }
                break;
        case WIRE_KIND_read:
        case WIRE_KIND_write: {
                const struct wire_write *write = (const void *)header;  /* as far as this goes they are the same */

                if (!(cut & WIRE_BIT(write, content)))
                        break;
                if (write->content.length == 0) {
                        *ret_subject = header->kind == WIRE_KIND_read ? "read.content" : "write.content";
                        return WIRE_OBSCURED_UNREAD;
                }
                cut &= ~WIRE_BIT(write, content);       /* a prefix is what was asked for */
                break;
        }
        case WIRE_KIND_sendto:
        case WIRE_KIND_recvfrom:
                cut &= ~WIRE_BIT(sendto, content);
                break;
        case WIRE_KIND_dns:
                if (!(header->known & WIRE_BIT(dns, name))) {
                        *ret_subject = "dns.name";
                        return WIRE_OBSCURED_UNREAD;
                }
                break;
        default: break;
        }

        if (cut != 0) {
                *ret_subject = subjects[schema_kind(event_kind(event))->first_field + __builtin_ctzll(cut)];
                return WIRE_OBSCURED_CUT;
        }
        return WIRE_OBSCURED_NONE;
}
