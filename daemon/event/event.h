/* SPDX-License-Identifier: Apache-2.0 */
/* Event - one thing that happened, as a checked view of a wire record.
 *
 * An event owns nothing: its bytes belong to the ring, a recording or an evidence slab, and it dies with them (from the
 * ring: with the callback). event_parse() is the only place that looks at unchecked bytes; after it every offset is
 * good. Pure: no clock, no I/O. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/value.h"
#include "wire.h"

enum event_class {
        EVENT_CORE,                     /* never shed, never filtered: the process table lives on it */
        EVENT_EVENT,
        EVENT_META,                     /* the daemon's own */
};

struct event {
        const struct wire_header *wire; /* borrowed; checked; 8-byte aligned */
        uint64_t time_ns;               /* stream time: never runs backwards; set by the reader of the stream */
        uint64_t number;                /* position in the stream, from 1 */
};

/* Check a record of `size` bytes at `data` (8-byte aligned): version, kind, size, every {offset, length}, that strings
 * end inside and behind the fixed part, that lists end in NUL, that addresses are AF_INET or AF_INET6; the masks may
 * name only fields of the kind, and `cut` and `user` only known ones; an aggregate is of a kind that can be one, and
 * whole. Fills ret->wire and sets time_ns to the record's own. Returns 0; -EBADMSG if the bytes are wrong; -EPROTO if
 * they are of another wire version. Offset and length of a field that is not known are not looked at. */
int event_parse(const void *data, size_t size, struct event *ret);

static inline enum wire_kind event_kind(const struct event *event) {
        return (enum wire_kind)event->wire->kind;
}

static inline struct identity event_actor(const struct event *event) {
        return (struct identity){ .start_ns = event->wire->start_ns, .pid = event->wire->tgid };
}

/* A record may stand for many events (struct wire_aggregate). NULL: for itself alone. */
static inline const struct wire_aggregate *event_aggregate(const struct event *event) {
        const struct wire_header *wire = event->wire;

        if (!(wire->flags & WIRE_AGGREGATE))
                return NULL;
        return (const struct wire_aggregate *)((const char *)wire + wire->size - sizeof(struct wire_aggregate));
}

/* For how many. */
static inline uint64_t event_count(const struct event *event) {
        const struct wire_aggregate *aggregate = event_aggregate(event);

        return aggregate ? aggregate->count : 1;
}

enum field;

/* Does the field differ between the events that an aggregate stands for? Policies that look at it need each of them. */
bool event_field_varies(enum field field);

/* Read a field of the event's own kind or a common one (scopes FIELD_EVENT and FIELD_COMMON of schema.h). Never fails:
 * what is not there has state VALUE_UNKNOWN, a field of another kind among it. */
void event_get(const struct event *event, enum field field, struct value *ret);

/* Why events were lost: "ring full". */
const char *event_loss_to_string(enum wire_loss loss);

/* Who gives way first under overload: priorities.def. */
enum wire_priority event_priority(enum wire_kind kind);
