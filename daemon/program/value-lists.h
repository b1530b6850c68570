/* SPDX-License-Identifier: Apache-2.0 */
/* Value lists - texts under the name of a list, each until a time: the runtime lists that policies ask with
 * `daddr in runtime.blocked`. Who fills them and where they are kept is not said here.
 *
 * Bounded in lists, values, and networks of one list; full means refused and counted, nobody is pushed out: an attacker
 * must not be able to empty a list by filling it. Times are CLOCK_BOOTTIME. Pure. */
#pragma once

#include "base/array.h"
#include "base/cleanup.h"
#include "base/hashmap.h"
#include "event/value.h"

#define VALUE_LISTS_MAX 64
#define VALUE_LISTS_VALUES_MAX 65536    /* of all lists */
#define VALUE_LISTS_NETWORKS_MAX 1024   /* of one list: each is looked at */
#define VALUE_LISTS_VALUE_MAX 1024      /* bytes */
#define VALUE_LISTS_NAME_MAX 64         /* bytes: letters, digits, - and _ */

struct value_entry {
        uint64_t until_ns;
        struct wire_address network;    /* its text is one; family 0: no, or an address as inet_ntop() writes it */
        uint32_t prefix;
        size_t length;
        char value[];
};

struct value_list {
        struct hashmap entries;         /* struct value_entry, owned, by its text */
        ARRAY(struct value_entry *) networks;   /* borrowed from the entries */
        bool changed;                   /* by value_lists_expire(); whoever keeps them elsewhere clears it */
        char name[VALUE_LISTS_NAME_MAX + 1];
};

struct value_lists {
        struct value_list *items[VALUE_LISTS_MAX];      /* owned; as they came */
        size_t n, n_values;
        uint64_t next_ns;               /* nothing ends before */
        uint64_t n_refused;             /* there was no room */
};

struct value_lists *value_lists_new(void);
struct value_lists *value_lists_free(struct value_lists *lists);
DEFINE_CLEANUP(struct value_lists *, value_lists_free)

/* Letters, digits, - and _. */
bool value_lists_is_name(const char *name, size_t n);

struct value_list *value_lists_find(const struct value_lists *lists, const char *name, size_t n);

/* NULL: it is not there. */
struct value_entry *value_lists_get(const struct value_lists *lists, const char *name, const char *value, size_t n);

/* 1: new; 0: it was there, and has this end now; -ENOSPC, -EINVAL (no name), -ENOMEM. */
int value_lists_put(struct value_lists *lists, const char *name, const char *value, size_t n, uint64_t until_ns);
bool value_lists_remove(struct value_lists *lists, const char *name, const char *value, size_t n);

/* Take out what has come to its end; how many. */
size_t value_lists_expire(struct value_lists *lists, uint64_t now_ns);

/* Take out one list, or all (NULL). What was refused stays counted. */
void value_lists_clear(struct value_lists *lists, const char *name);

/* Is the value (a string, number or address) on that list at this time? A list that is not there, or NULL for all of
 * them, is empty. An address is also on it if it is in a network there. */
enum truth value_lists_has(const struct value_lists *lists, const char *name, size_t n, const struct value *value,
                           uint64_t now_ns);
