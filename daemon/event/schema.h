/* SPDX-License-Identifier: Apache-2.0 */
/* Schema - the one table of kinds and fields: what the language checks names and types against, what reads and prints
 * values. Made of events.def and process-fields.def. Constant and pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

/* One number per field: those of the kinds first, in wire order (FIELD_openat_pathname), then those that every event
 * has (FIELD_COMMON_result), then those of processes (FIELD_PROCESS_exe). */
enum field {
        FIELD_NONE = WIRE_FIELD_NONE,
#define KIND(id, name, class, doc)
#define FIELD(kind, type, id, name, format, flags, doc) FIELD_##kind##_##id = WIRE_FIELD_##kind##_##id,
#define END_KIND(id)
#include "event/events.def"
        _FIELD_COMMON_BEFORE = _WIRE_FIELD_MAX,
#define COMMON_FIELD(type, id, name, format, doc) FIELD_COMMON_##id,
#define PROCESS_FIELD(type, id, name, format, doc)
#include "event/process-fields.def"
        _FIELD_PROCESS_BEFORE,
#define COMMON_FIELD(type, id, name, format, doc)
#define PROCESS_FIELD(type, id, name, format, doc) FIELD_PROCESS_##id,
#include "event/process-fields.def"
        _FIELD_MAX,
};

enum field_scope {
        FIELD_EVENT,                    /* of one kind; read with event_get() */
        FIELD_COMMON,                   /* of every event; read with event_get() */
        FIELD_PROCESS,                  /* of a process; read with process_get() of process/process-fields.h */
};

/* How people write and read a value. */
enum field_format {
        FORMAT_PLAIN, FORMAT_BOOLEAN, FORMAT_PATHNAME, FORMAT_PID, FORMAT_ID, FORMAT_FD, FORMAT_TIME, FORMAT_DURATION,
        FORMAT_SIZE, FORMAT_MODE, FORMAT_OPEN, FORMAT_CLONE, FORMAT_AT, FORMAT_RENAME, FORMAT_SIGNAL, FORMAT_FAMILY,
        FORMAT_SOCKTYPE, FORMAT_PROTOCOL, FORMAT_PORT, FORMAT_DEVICE, FORMAT_RESULT, FORMAT_OBJTYPE,
        FORMAT_PROT, FORMAT_MAP, FORMAT_MFD, FORMAT_CAPS, FORMAT_MSG, FORMAT_PRCTL, FORMAT_PTRACE, FORMAT_MOUNT,
        FORMAT_UMOUNT, FORMAT_BPFCMD, FORMAT_BPFPROG, FORMAT_URING, FORMAT_URINGSETUP, FORMAT_KEYCTL, FORMAT_REBOOT,
        FORMAT_DNSTYPE, FORMAT_HEX, FORMAT_CALL, FORMAT_WALL,
};

enum {
        FIELD_PATH = 1U << 0,           /* an absolute path, resolved by the kernel */
        FIELD_USER = 1U << 1,           /* always bytes that a program passed */
        FIELD_REQUEST = 1U << 2,        /* captured only when a policy asks */
        FIELD_TIER = 1U << 3,           /* an absolute path, resolved by the kernel only where it shows that */
};

struct kind_info {
        const char *name;               /* "openat" */
        const char *doc;
        enum event_class class;
        enum field first_field;         /* fields of a kind are consecutive */
        uint32_t n_fields;
        uint32_t record_size;           /* of struct wire_KIND */
};

struct field_info {
        const char *name;               /* without the `proc.` in front */
        const char *doc;
        enum value_type type;
        enum field_format format;
        enum field_scope scope;
        uint32_t flags;                 /* FIELD_PATH and others */
        enum wire_kind kind;            /* FIELD_EVENT: of this kind */
        uint32_t bit;                   /* FIELD_EVENT: in the masks of the header */
        uint32_t offset;                /* FIELD_EVENT: of the value in the record */
};

/* NULL for a number that is no kind or field. */
const struct kind_info *schema_kind(enum wire_kind kind);
const struct field_info *schema_field(enum field field);

/* By name, `length` bytes. WIRE_NONE and FIELD_NONE if there is none. Kinds include the META ones. schema_find_field()
 * looks in the kind, then among the common fields; names of processes have schema_find_process_field() ("exe", without
 * "proc."). */
enum wire_kind schema_find_kind(const char *name, size_t length);
enum field schema_find_field(enum wire_kind kind, const char *name, size_t length);
enum field schema_find_process_field(const char *name, size_t length);

/* The kind that a system call of this name is told as ("openat2": openat). WIRE_NONE if it is none that is told. */
enum wire_kind schema_kind_of_call(const char *name, size_t length);

/* A symbolic constant (`O_WRONLY`, `SIGKILL`, `AF_INET6`, `S_ISUID`, "socket" for an OBJTYPE). True if it is one. With
 * `format` FORMAT_PLAIN any constant but the names of calls is taken, else those that make sense for it. Errors are
 * positive: a failed result is -ENOENT. */
bool schema_constant(const char *name, size_t length, enum field_format format, int64_t *ret);

/* Write a value for people, as its format says ("O_RDWR|O_CREAT", "0755", "10.0.0.1", "socket", an unknown one "?"),
 * into `buffer` of `size` bytes, always ended by NUL, control bytes escaped. Returns the length. */
size_t schema_format(enum field field, const struct value *value, char *buffer, size_t size);

const char *value_type_to_string(enum value_type type);
