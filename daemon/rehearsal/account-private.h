/* SPDX-License-Identifier: Apache-2.0 */
/* Account, inside - runs, and notes about them; account.c keeps them, account-note.c words them, account-text.c lays
 * them out. */
#pragma once

#include "base/strbuf.h"
#include "engine/explain.h"
#include "rehearsal/account.h"

enum note_type {
        NOTE_STEP,                      /* it took a step */
        NOTE_COUNT,                     /* it counted a repetition */
        NOTE_MISS,                      /* it did not take an event of a kind that it waits for */
        NOTE_MARK,                      /* something else happened to it, and it goes on */
        NOTE_END,                       /* and here it ended */
};

struct note {
        enum note_type type;
        uint64_t time_ns, last_ns;      /* of the first and the last event that it stands for */
        uint64_t count;
        uint64_t reason;                /* misses with the same are one note */
        char *event;                    /* owned; "curl  openat "/a""; NULL: no event, time passed */
        char *text;                     /* owned; lines, without indentation, each ended by a newline */
};

struct account_run {
        uint64_t serial;                /* 0: the start of the path */
        unsigned number;                /* as told, from 1 */
        unsigned done;                  /* steps taken */
        unsigned starts;                /* how often its story began: equal runs were merged into it */
        uint64_t merged_into;           /* serial, or 0 */
        uint8_t position;
        uint64_t deadline_ns;
        bool ended, alerted, moved;     /* moved: by the event being fed */
        char *key;                      /* owned; "tree of bash" */
        ARRAY(struct note) notes;
};

/* What the event being fed would do to a run, until it is seen what it did. */
struct pending {
        uint64_t serial;
        enum edge_type type;
        enum explain_verdict verdict;
        struct note note;
};

struct account {
        struct engine *engine;          /* borrowed */
        const struct process_table *table;      /* borrowed */
        const struct program *program;  /* borrowed from the engine */
        const struct path *path;        /* borrowed from the program */
        struct account_options options;
        struct explain *explain;        /* owned */
        struct engine_observer observer;

        ARRAY(struct account_run) runs; /* the first is the start */
        ARRAY(struct pending) pending;
        const struct explain_run *explained;    /* while its edges are gone through */
        uint32_t exception;             /* hides the event being fed; or PROGRAM_NONE */
        char *event;                    /* owned; of the event being fed, once somebody wanted it */
        unsigned n_began, n_alerts, n_joined, n_merged, n_forgotten;
        uint64_t n_events, n_of_kind;
        uint64_t end_ns;                /* of the stream, so far */
        int error;
};

#define ACCOUNT_MAX_RUNS 128
#define ACCOUNT_MAX_NOTES 40            /* of one run */

/* account-note.c: words. All take what is current from the account's explain. */

/* "curl  openat "/a"" */
void account_put_event(struct account *account, struct strbuf *b);
void account_put_process(const struct account *account, const struct identity *id, struct strbuf *b);
void account_put_key(const struct account *account, const struct key *key, struct strbuf *b);

/* "step 2 (line 9)"; of a `not` or `until` what it is. */
void account_put_edge(const struct account *account, const struct explain_edge *edge, struct strbuf *b);
/* "step 2 (line 9): unlink { pathname == $file }", for each step that a run waits for there, joined by ", or ". */
void account_put_waits(const struct account *account, uint8_t position, const char *indent, struct strbuf *b);

/* "not unlink { ... }", one a line: what would end a run there. */
void account_put_ends(const struct account *account, uint8_t position, const char *indent, struct strbuf *b);

/* Why the edge is as it is: a line, then one for each condition. *ret_reason is equal for equal reasons. */
void account_put_reason(struct account *account, const struct explain_run *run, const struct explain_edge *edge,
                        uint64_t *ret_reason, struct strbuf *b);
/* Conditions alone, one a line, with the values that were seen. */
void account_put_conditions(struct account *account, const struct explain_run *run, uint32_t condition,
                            uint64_t *reason, struct strbuf *b);
