/* SPDX-License-Identifier: Apache-2.0 */
/* Value - what one field holds: a number, bytes, a list of bytes, an object or an address, or that it is not known.
 *
 * Three-valued on purpose: a field that could not be captured is unknown, never empty or zero, and a comparison with it
 * is neither true nor false (enum truth). Bytes are borrowed from the event or the process that the value was read
 * from. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum value_type {
        VALUE_NUMBER,
        VALUE_STRING,
        VALUE_LIST,                     /* strings one after the other, each ended by NUL */
        VALUE_OBJECT,
        VALUE_ADDRESS,
        VALUE_IDENTITY,                 /* a process; no record has such a field */
        _VALUE_TYPE_MAX,
};

enum value_state {
        VALUE_UNKNOWN,
        VALUE_KNOWN,
        VALUE_CUT,                      /* the bytes are a prefix of the true value */
};

/* Who: a process over its whole life, across exec. Pids are reused, identities are not. */
struct identity {
        uint64_t start_ns;              /* start of the thread group's leader, CLOCK_BOOTTIME */
        uint32_t pid;                   /* thread group id in the initial namespace */
        uint32_t pad;
};

static inline bool identity_equal(const struct identity *a, const struct identity *b) {
        return a->start_ns == b->start_ns && a->pid == b->pid;
}

struct value {
        union {
                int64_t number;
                const char *bytes;      /* borrowed; not ended by NUL */
                struct wire_object object;
                struct wire_address address;
                struct identity identity;
        };
        uint32_t length;                /* of bytes */
        uint8_t type;                   /* enum value_type */
        uint8_t state;                  /* enum value_state */
        bool user;                      /* read from user memory: another thread may have exchanged it */
        bool stable; /* user: it was the same at both ends of the call, and nobody shares the memory */
};

/* Kleene's three values, ordered so that `and` is the minimum and `or` the maximum. */
enum truth {
        TRUTH_FALSE,
        TRUTH_UNKNOWN,
        TRUTH_TRUE,
};

static inline enum truth truth_not(enum truth a) {
        return (enum truth)(TRUTH_TRUE - a);
}

static inline enum truth truth_and(enum truth a, enum truth b) {
        return a < b ? a : b;
}

static inline enum truth truth_or(enum truth a, enum truth b) {
        return a > b ? a : b;
}

/* The i-th string of a VALUE_LIST. False if there is none; ret is unknown then. In a list that was cut the last string
 * is a prefix (VALUE_CUT), and what would follow it is not "none" but not known: see list->state. */
bool value_list_at(const struct value *list, size_t i, struct value *ret);
