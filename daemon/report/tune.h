/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tune - the narrowest exceptions that would have silenced most alerts of a policy, from what these have in common:
 * the image of who completed the story, that of its parent, its unit, its user, and where its last event's file lies.
 *
 * Pure: alerts in, proposals out, in an order that the input alone decides. Alerts that agree in all of these go into
 * one exception; only what is left then is looked at with less. An image alone is never enough, and one that is
 * deleted, that others may write, or that a container brought makes no exception.
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
#define TUNE_MIN_ALERTS 5               /* fewer of a kind are not noise, if nothing else was said */

struct alert_record;
struct strbuf;
struct tune;

enum tune_trait {
        TUNE_EXE,
        TUNE_PARENT,
        TUNE_UNIT,
        TUNE_UID,
        _TUNE_TRAIT_MAX,
};

struct tune_exception {
        const char *traits[_TUNE_TRAIT_MAX]; /* NULL: not asked for */
        const char *file_field;         /* NULL: no condition about a file */
        const char *file;
        size_t file_length;             /* how much of `file` must be the beginning */
        bool file_whole;                /* or all of it */
        bool outside;                   /* and in no container, where others say what an image is: if no unit says so */
        uint64_t n_hidden;
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

DEFINE_CLEANUP(struct tune *, tune_free)
