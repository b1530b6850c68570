/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Metrics - the register of what the daemon counts about itself.
 * A room that counts something registers where the number lies; reading the number costs that room nothing. The numbers
 * are borrowed: whoever registers one leaves it where it is until the register is gone. Names, help and labels are
 * copied. Pure: no clock, no I/O; what is printed is in order of name, and among one name's labels in order of
 * registration.
 *
 *      metrics_add(m, METRIC_COUNTER, "execray_engine_matches_total", "Stories that were completed.",
 * &engine->n_completed); metrics_add_labelled(m, METRIC_COUNTER, "execray_lost_total", "Events that were lost.", &lost,
 *                           (struct metric_label[]){{"kind", "execve"}, {"reason", "ring_full"}}, 2); */

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"

enum metric_kind {
        METRIC_COUNTER,                 /* only grows; the name ends in _total */
        METRIC_GAUGE,                   /* goes up and down */
};

#define METRIC_LABELS_MAX 3
#define METRICS_MAX 4096                /* entries of one register */

struct metric_label {
        const char *name;               /* a word of small letters, digits and _ */
        const char *value;              /* any bytes */
};

struct metric {
        enum metric_kind kind;
        const char *name;               /* arena */
        const char *help;               /* arena; one sentence */
        const uint64_t *value;          /* borrowed */
        bool is_duration;               /* the number is nanoseconds, to be shown in seconds; the name says _seconds */
        size_t n_labels;
        struct metric_label labels[METRIC_LABELS_MAX];          /* arena */
};

typedef void (*metrics_refresh)(void *userdata);

struct metrics_refresh_entry {
        metrics_refresh refresh;
        void *userdata;                 /* borrowed */
};

struct metrics {
        struct arena arena;
        struct metric_list ARRAY_BODY(struct metric) list;      /* in order of name */
        struct metrics_refresh_list ARRAY_BODY(struct metrics_refresh_entry) refreshes;
};

void metrics_init(struct metrics *metrics);
void metrics_done(struct metrics *metrics);

/* Register a number. 0; -EEXIST: there is one of this name and these labels, or the name is of another kind or has
 * another help; -ENOSPC: METRICS_MAX; -ENOMEM. A name that is not execray_WORD, or a counter without _total, is our own
 * mistake. */
int metrics_add(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help,
                const uint64_t *value);
int metrics_add_labelled(struct metrics *metrics, enum metric_kind kind, const char *name, const char *help,
                         const uint64_t *value, const struct metric_label *labels, size_t n_labels);

/* Before the numbers are read these functions are called, in order of registration: for rooms that hand out copies of
 * their counters. */
int metrics_add_refresh(struct metrics *metrics, metrics_refresh refresh, void *userdata);
void metrics_do_refresh(const struct metrics *metrics);

/* The entry with this name and these labels, or NULL. */
const struct metric *metrics_find(const struct metrics *metrics, const char *name, const struct metric_label *labels,
                                  size_t n_labels);

const char *metric_kind_to_string(enum metric_kind kind);
