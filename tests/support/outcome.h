/* SPDX-License-Identifier: Apache-2.0 */
/* Outcome - what a matcher says about a stream, in one form for the engine and for the reference matchers, so that it
 * can be compared and printed. Plain values; everything lives in the arena of its list. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/strbuf.h"
#include "event/schema.h"

struct outcome_step {
        uint32_t number;                /* of the step in its path */
        size_t record;                  /* number of the first record that it took; 0: taken by the clock */
        uint64_t first_ns, last_ns;
        uint64_t count;
};

struct outcome {
        const char *path;
        size_t record;                  /* that was read when it was complete; 0 for a summary */
        bool clock;                     /* the clock completed it, before that record was looked at */
        uint64_t time_ns;
        const char *key;                /* "tree 100@5", "unit x.service" */
        struct outcome_step *steps;
        size_t n_steps;
        const char *captures;           /* " $file=/x $n=3" */
        const char *actor_exe;          /* suppression asks for it; not compared */
        bool uncertain, gap;
        uint64_t gap_count, gap_kinds;
        unsigned gap_reasons;
        uint64_t starts;                /* 0: this matcher does not count them */
        bool summary;
        uint64_t suppressed;            /* of a summary */
};

struct outcome_list {
        struct arena arena;
        struct outcome_array ARRAY_BODY(struct outcome) list;
};

void outcome_list_init(struct outcome_list *list);
void outcome_list_done(struct outcome_list *list);

/* One line, without newline, with record numbers: for comparing and for reports of a difference. Leaves out `starts` if
 * `without_starts`. */
void outcome_put(const struct outcome *outcome, bool without_starts, struct strbuf *b);

/* Put those of one record and path in an order of their own: which of two equal-time completions comes first is not
 * compared. */
void outcome_list_sort(struct outcome_list *list);

/* A captured value as text that is equal if and only if the value is. */
void outcome_put_value(enum field field, const struct value *value, struct strbuf *b);

/* Suppression, as docs/SEMANTICS.md has it, on completions in stream order: removes those that are joined to an alert
 * before them, and adds the summaries. */
struct outcome_suppression {
        uint64_t (*window_ns)(const char *path, void *data);    /* `suppress` of a path */
        const uint64_t *clocks;         /* the clock after each record */
        size_t n_records;
        size_t reload_before;           /* index of the record in front of which policies changed; SIZE_MAX: none */
        bool (*ends)(const char *path, void *data);             /* is it changed, or gone, behind the reload? */
        void *data;
};
int outcome_suppress(struct outcome_list *list, const struct outcome_suppression *how);
