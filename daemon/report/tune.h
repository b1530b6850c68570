/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tune - the narrowest exceptions that would have silenced most alerts of a policy, from what these have in common: the
 * image of who completed the story, that of its parent, its unit, its user, the user who logged in, its arguments, and
 * its last event's files.
 *
 * Pure: alerts in, proposals out, in an order that the input alone decides. What is proposed hides no process, user or
 * unit that has not been seen: alerts that agree in all go into one exception; of what is left then the arguments may
 * differ; then one of user, parent and unit, if the exception can name all that were seen. Files are named, or, if they
 * are many, the directory that all are in, if it is deep enough to be one thing's own.
 *
 * Who makes alerts chooses names in them. So what is not known for certain is never left away to make an exception
 * wider: an alert that lacks something, of an image that is deleted, that others may write or put where they like, or
 * that a container brought, makes none. Shells and interpreters are what they are told: an exception for one names its
 * file or script.
 *
 * What is counted as silenced are alerts whose last event the exception hides. A story that counts (`score`, `repeat`)
 * may be completed by another event. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "program/program.h"

#define TUNE_MAX_ALERTS ((size_t)1 << 18)
#define TUNE_MAX_EXCEPTIONS 16          /* of a policy: one that needs more wants another thought than exceptions */
#define TUNE_MAX_VALUES 8               /* users, or parents, or units, in one exception */
#define TUNE_MAX_FILES 16               /* more of them are a directory */
#define TUNE_MIN_ALERTS 5               /* fewer of a kind are not noise, if nothing else was said */

struct alert_record;
struct strbuf;
struct tune;

enum tune_trait {
        TUNE_EXE,
        TUNE_PARENT,
        TUNE_UNIT,
        TUNE_UID,
        TUNE_LOGIN,
        TUNE_ARGS,
        _TUNE_TRAIT_MAX,
};

struct tune_exception {
        const char *traits[_TUNE_TRAIT_MAX]; /* NULL: the one that is `varied`; of TUNE_ARGS also: not asked for */
        enum tune_trait varied;         /* it is one of `values`; _TUNE_TRAIT_MAX: none is */
        const char *values[TUNE_MAX_VALUES];
        size_t n_values;
        const char *file_field;         /* NULL: no condition about files */
        const char *files[TUNE_MAX_FILES];
        size_t n_files;
        size_t directory_length;        /* > 0: what begins as files[0] does, so far */
        uint64_t n_hidden;              /* that no exception before hides */
};

struct tune_policy {
        const char *name;
        enum severity severity;         /* the highest of its alerts */
        uint64_t n_alerts, n_hidden;    /* repeats that were only counted are alerts, too */
        struct tune_exception exceptions[TUNE_MAX_EXCEPTIONS];
        size_t n_exceptions;
        bool more;                      /* there would be more of them */
        size_t first, n;                /* private: which alerts */
};

/* min_alerts > 0: an exception that hides fewer is none. -ENOMEM. */
int tune_new(uint64_t min_alerts, struct tune **ret);
struct tune *tune_free(struct tune *tune);

/* Copied. -ENOSPC: too many alerts, or too many names in them. -ENOMEM. */
int tune_add(struct tune *tune, const struct alert_record *record);

/* Once, after the last alert: the policies by name, in *ret, which is the tune's. -ENOMEM. */
int tune_propose(struct tune *tune, struct tune_policy **ret, size_t *ret_n);

/* Would it silence everything that a policy of severity high or above said? */
bool tune_policy_is_grave(const struct tune_policy *policy);

/* The policy's part of a drop-in: what is silenced and what remains as comments, then `path "..." { except ... }`. Of
 * one without exceptions the comments alone. */
void tune_put_policy(const struct tune *tune, const struct tune_policy *policy, struct strbuf *b);

/* `path "..." { except ... }` without what says whose it is: unit, users, container. What is played with stories, which
 * know nothing of these, asks whether somebody who got there could do this unseen. */
void tune_put_anywhere(const struct tune_policy *policy, struct strbuf *b);

DEFINE_CLEANUP(struct tune *, tune_free)
