/* SPDX-License-Identifier: Apache-2.0 */
/* Record - a wire record under construction, field by field; the opposite of event_parse().
 *
 * For the daemon's own records, for stories written by hand, and for tests. Remembers its first error and ignores
 * everything after it, so a caller sets what it has to say and looks once, at the end. Large (32 KiB): keep it in a
 * longer-lived structure or static, not on a stack that recurses. Does not allocate. Pure.
 *
 *      record_begin(&record, WIRE_KIND_openat);
 *      record.header.tgid = 42;
 *      record_set_text(&record, FIELD_openat_pathname, "/etc/shadow");
 *      record_set_number(&record, FIELD_openat_flags, O_RDONLY);
 *      r = record_finish(&record);                     record.data, record.header.size bytes of it */
#pragma once

#include "event/schema.h"

struct record {
        union {
                struct wire_header header;      /* who, when, result: the caller's; size, version, kind, masks: ours */
                uint64_t align;
                char data[WIRE_MAX_RECORD];
        };
        size_t used;                    /* bytes so far */
        struct wire_aggregate aggregate; /* the caller's, of a record that stands for many; count 0: it is none */
        int error;                      /* -EINVAL: a field of another kind or type; -E2BIG: no room; or 0 */
};

/* Start anew: a record of this kind in which nothing is known. `kind` is one. */
void record_begin(struct record *record, enum wire_kind kind);

/* Each makes the field known. A field is set once: setting bytes again leaves the first ones behind, unused. */
void record_set_number(struct record *record, enum field field, int64_t number);
void record_set_bytes(struct record *record, enum field field, const char *bytes, size_t length);
void record_set_text(struct record *record, enum field field, const char *text);        /* a C string */
void record_set_object(struct record *record, enum field field, const struct wire_object *object);
void record_set_address(struct record *record, enum field field, const struct wire_address *address);

/* A list: as C strings with NULL behind the last, or as bytes in which each string is ended by NUL. */
void record_set_list(struct record *record, enum field field, const char *const *texts);
void record_set_list_bytes(struct record *record, enum field field, const char *bytes, size_t length);

/* Whatever the value is, with its marks; an unknown one sets nothing. */
void record_set_value(struct record *record, enum field field, const struct value *value);

/* Say of a field that was set that its bytes are only a prefix; come from user memory; come from there and were the
 * same at both ends of the call. */
void record_mark_cut(struct record *record, enum field field);
void record_mark_user(struct record *record, enum field field);
void record_mark_stable(struct record *record, enum field field);

/* Go on with a copy of one that is whole. */
void record_copy(struct record *record, const struct wire_header *whole);

/* Seal it: from here record->data is a record that event_parse() takes. Sets WIRE_FAILED as the result says, and
 * WIRE_AGGREGATE. 0 or the error. */
int record_finish(struct record *record);
