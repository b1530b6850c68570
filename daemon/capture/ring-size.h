/* SPDX-License-Identifier: Apache-2.0 */
/* Ring size - how large the ring should be, by how full it was. Once in a while it gets a sample: how much waited at
 * most since the last one, and whether something was lost for want of room.
 *
 *      twice as large   a loss, or four fifths of what most kinds may use were used. Not before ten samples with the
 *                       size that it has, but for the first loss of all
 *      half as large    of a hundred samples none used three tenths
 *
 * What fills four fifths fills two of the double, so one does not follow from the other. Between the bounds, both
 * powers of two. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

#define RING_SIZE_SAMPLES 100
#define RING_SIZE_MIN_SAMPLES 10
#define RING_SIZE_GROW_PERCENT 80
#define RING_SIZE_SHRINK_PERCENT 30

struct ring_size {
        size_t bytes, min, max;
        bool changed;                   /* it did before */
        size_t n;                       /* samples since */
        uint8_t percent[RING_SIZE_SAMPLES];     /* the last of them, in a circle */
};

enum ring_size_reason {
        RING_SIZE_STAYS,
        RING_SIZE_LOST,
        RING_SIZE_FULL,
        RING_SIZE_UNUSED,
};

/* `max` below `min`: it stays at min. */
void ring_size_init(struct ring_size *size, size_t min, size_t max);

/* What it had before a restart: where that is within the bounds it is what it has now. */
void ring_size_learned(struct ring_size *size, size_t bytes);

/* That as lines of text, and back: 0; -EBADMSG: this is none, or was damaged; -EPROTO: of another version. */
void ring_size_put(size_t bytes, struct strbuf *b);
int ring_size_parse(const char *text, size_t n, size_t *ret);

/* `waited`: bytes; `share`: of them, those that most kinds may use. Says why *ret_bytes should be its size. */
enum ring_size_reason ring_size_sample(struct ring_size *size, size_t waited, size_t share, bool lost,
                                       size_t *ret_bytes);

/* It has this size now; also if it could not be changed: then it is tried again after as many samples. */
void ring_size_set(struct ring_size *size, size_t bytes);

const char *ring_size_reason_to_string(enum ring_size_reason reason);
