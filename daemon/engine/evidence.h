/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence - what runs remember: the steps that they took, the events behind them, the values that they captured.
 *
 * Steps form a persistent list from the newest to the first: runs that forked share its older part, so a step is
 * counted by references. A step holds who and when by itself; the event's record is copied once, into a slab of bounded
 * size, whoever refers to it. If the slab is full the copy is left out (counted): what a run does never depends on it,
 * but for cut strings, which stay unknown.
 *
 *      run A ──▶ step 3 ─┐
 *      run B ──▶ step 3' ┴▶ step 2 ──▶ step 1
 *                  └─▶ captures         └─▶ kept event ──▶ image of the actor
 *
 * Pure. Owned by the engine; nothing allocates after evidence_init(). */
#pragma once

#include "base/buddy.h"
#include "base/siphash.h"
#include "engine/stock.h"
#include "event/event.h"
#include "event/schema.h"
#include "process/process.h"

#define EVIDENCE_NONE STOCK_NONE

/* A value as captures compare it: numbers and objects themselves, addresses as IPv6 (IPv4 ones mapped), bytes as their
 * hash under the secret of this process. Equal values of one type are equal here. */
struct token {
        uint64_t low, high;
};

static inline bool token_equal(const struct token *a, const struct token *b) {
        return a->low == b->low && a->high == b->high;
}

/* An event that outlives its callback. */
struct kept {
        uint32_t refs;
        uint32_t record_bytes;
        struct process_image *image;    /* reference; NULL: not known */
        uint64_t record[];              /* a wire record */
};

struct captured {
        struct token token;
        const char *bytes; /* of a string or list: in the kept event's record, or in `own`; NULL: not kept */
        char *own;                      /* a block of the slab, or NULL */
        uint32_t next;                  /* of the same step */
        uint32_t length;
        uint16_t slot;
        uint8_t type;                   /* enum value_type */
        bool user, stable;              /* as of the value */
};

struct evidence_step {
        uint32_t previous;              /* owned reference; EVIDENCE_NONE for the first */
        uint32_t refs;
        struct kept *kept;              /* reference; NULL: refused, or `live` */
        uint64_t number;                /* of the event in the stream */
        uint64_t first_ns, last_ns;     /* as the events say */
        uint64_t taken_ns;              /* the clock of the stream when the run took it */
        struct identity actor;
        uint32_t captures;              /* the first, or EVIDENCE_NONE */
        uint32_t count;                 /* of events; never wraps */
        uint16_t local;                 /* the edge, numbered at its position */
        uint8_t position;
        uint8_t done;                   /* how many steps the run has taken with this one */
        bool loop;                      /* a repetition of zero or more: evidence, but no step */
        bool live;                      /* of the event that is being fed, and gone with it: no copy was made */
        bool absent;                    /* of a `no`: there is no event; actor and kept are those of the step before */
};

struct evidence {
        struct stock steps, captures;
        struct buddy slab;
        struct siphash_key key;
        uint64_t n_refused;

        /* The event that is being fed. */
        const struct event *event;      /* borrowed */
        struct process_image *image;    /* borrowed */
        uint64_t now_ns;                /* clock of the stream */
        struct kept *kept;              /* reference, once something wanted a copy */
        bool refused;
};

int evidence_init(struct evidence *evidence, size_t max_steps, size_t max_captures, size_t slab_bytes); /* -ENOMEM */
void evidence_done(struct evidence *evidence);
int evidence_grow(struct evidence *evidence, size_t max_steps, size_t max_captures);     /* -ENOMEM: unchanged */

void evidence_begin(struct evidence *evidence, const struct event *event, struct process_image *image, uint64_t now_ns);
void evidence_end(struct evidence *evidence);

static inline struct evidence_step *evidence_step(const struct evidence *evidence, uint32_t step) {
        return (struct evidence_step *)evidence->steps.items + step;
}

static inline struct captured *evidence_capture(const struct evidence *evidence, uint32_t capture) {
        return (struct captured *)evidence->captures.items + capture;
}

/* The event being fed as a new step on top of `previous`, whose reference it takes over. `live`: it will be dropped
 * before evidence_end(). Returns a reference. The stocks are as large as the bounds of the engine need, so this cannot
 * fail. */
uint32_t evidence_push(struct evidence *evidence, uint32_t previous, uint8_t position, uint16_t local, bool loop,
                       bool live);

/* Add the step of a `no` to a list that is not empty: at time_ns nothing had happened. */
uint32_t evidence_push_absent(struct evidence *evidence, uint32_t previous, uint8_t position, uint64_t time_ns);

/* A copy of a record that an earlier process kept, with a reference to its image, which is taken over: one reference
 * for the caller. NULL: refused (counted), and the image is given up. */
struct kept *evidence_keep_again(struct evidence *evidence, const void *record, uint32_t n_bytes,
                                 struct process_image *image);
void kept_unref(struct evidence *evidence, struct kept *kept);
void evidence_drop_captures(struct evidence *evidence, uint32_t number);

/* The newest step of a list that is no repetition of zero or more; EVIDENCE_NONE if there is none. */
static inline uint32_t evidence_newest(const struct evidence *evidence, uint32_t step) {
        while (step != EVIDENCE_NONE && evidence_step(evidence, step)->loop)
                step = evidence_step(evidence, step)->previous;
        return step;
}

static inline uint32_t evidence_ref(struct evidence *evidence, uint32_t step) {
        if (step != EVIDENCE_NONE)
                evidence_step(evidence, step)->refs++;
        return step;
}
void evidence_unref(struct evidence *evidence, uint32_t step);

/* A list without what came after `done` steps: a reference to the rest, for the one to `step` that is given up. */
uint32_t evidence_cut(struct evidence *evidence, uint32_t step, unsigned done);

/* Count the event being fed as one more of the repetition that `same`, a step of the list `head`, stands for. Steps
 * that others share are copied. Takes over the reference to `head`, returns one. */
uint32_t evidence_count(struct evidence *evidence, uint32_t head, uint32_t same);

/* Bind a value (known, of the event being fed) to a slot at the newest step, which nobody shares yet. */
void evidence_bind(struct evidence *evidence, uint32_t step, uint16_t slot, const struct value *value,
                   const struct token *token);

/* What a slot holds; NULL if it is not bound. */
const struct captured *evidence_find(const struct evidence *evidence, uint32_t step, uint16_t slot);

/* As a value: without bytes (VALUE_UNKNOWN) if they could not be kept. */
void evidence_value(const struct captured *capture, struct value *ret);

/* `value` is known and not cut. */
struct token evidence_token(const struct evidence *evidence, const struct value *value);

/* What a capture adds to the sum by which the captures of a run are compared. */
struct token evidence_weight(const struct evidence *evidence, uint16_t slot, uint8_t type, const struct token *token);
