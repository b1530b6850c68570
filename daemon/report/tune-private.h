/* SPDX-License-Identifier: Apache-2.0 */
/* Tune, inside - the alerts as they are kept, and what may be a condition (tune-width.c). */
#pragma once

#include "base/array.h"
#include "report/tune.h"

/* A login's scope is another each time: all of them are one unit, of the user who logged in. */
#define TUNE_SESSIONS "session-*.scope"

struct tune_item {
        const char *policy;             /* texts are interned; equal ones are one pointer */
        const char *traits[_TUNE_TRAIT_MAX]; /* NULL: unknown */
        const char *file_field;         /* static */
        const char *file;
        uint64_t n, number;
        size_t order;                   /* of arrival */
        size_t hidden_by;               /* which exception; SIZE_MAX: none */
        enum severity severity;
        bool contained;
        const char *barred;             /* static: why it makes no exception; NULL: it may */
};

struct tune {
        struct interner *names;         /* owned */
        uint64_t min_alerts;
        ARRAY(struct tune_item) items;
        ARRAY(struct tune_policy) policies;
};

/* By the traits of a mask, 0 if they are the same. The order of interned names is that of their arrival. */
int tune_compare_traits(const struct tune_item *a, const struct tune_item *b, unsigned traits);

/* May everybody put a program or a file of any name there? */
bool tune_is_public(const char *path);

/* Does this image do what a file or its arguments say? */
bool tune_is_interpreter(const char *exe);

/* Do the arguments of an interpreter say what it does: a script by its whole path, or the program itself? */
bool tune_args_say(const char *args);

/* May a file of this name be what tells one run of an interpreter from another? */
bool tune_file_says(const char *file_field, const char *file);

/* How much of the path is the shortest directory that may stand for all that is in it, with its slash; 0: none. In a
 * service's own directory others may be able to write: `service` says that the exception is for one. */
size_t tune_directory_of(const char *path, bool service);

/* A unit of the system's that is no login. */
bool tune_is_service(const char *unit);
