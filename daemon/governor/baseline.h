/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Baseline - what it cost when all was well, measure by measure: what later periods are compared with.
 *
 * Like is compared with like. An event costs more where few come, because waking up is shared by fewer: so there is a
 * baseline for each class of rates, each four times the one before. The first periods of a class are learned, and the
 * median of them is its baseline from then on: one spike among them does no harm, and a leak cannot carry it along.
 * Bounded, plain data. Pure: writing it to a file is somebody else's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf;

enum governor_measure {
        MEASURE_LATENCY,                /* nanoseconds from the hook to the engine, 99 of 100 events */
        MEASURE_COST,                   /* nanoseconds of processor time for an event that happened */
        MEASURE_LOSS,                   /* lost events of a million that happened */
        MEASURE_MEMORY,                 /* bytes of the daemon's own, the ring not counted */
        _MEASURE_MAX,
};

#define BASELINE_LEARN 8                /* periods */
#define BASELINE_RATES 8                /* classes: below 100 events/s, below 400, below 1600, ... */

struct baseline_cell {
        uint64_t values[BASELINE_LEARN];
        uint32_t n;                     /* BASELINE_LEARN: learned */
        uint64_t median;                /* then */
};

struct baseline {
        uint64_t key;                   /* of configuration and policies: another has another baseline */
        struct baseline_cell cells[_MEASURE_MAX][BASELINE_RATES];
};

const char *measure_to_string(enum governor_measure measure);

/* The class of so many events in so much time. Memory does not depend on it, and has one. */
unsigned baseline_rate(enum governor_measure measure, uint64_t n_events, uint64_t duration_ns);

/* 1: learned, *ret is it. 0: this value was taken to learn from. */
int baseline_learn(struct baseline *baseline, enum governor_measure measure, unsigned rate, uint64_t value,
                   uint64_t *ret);
bool baseline_get(const struct baseline *baseline, enum governor_measure measure, unsigned rate, uint64_t *ret);

uint64_t baseline_median(uint64_t values[], size_t n);

/* What was learned, as lines of text, and back: 0; -ESTALE: of another key; -EBADMSG: this is no baseline, or was
 * damaged. *ret is written for 0 only. */
void baseline_put(const struct baseline *baseline, struct strbuf *b);
int baseline_parse(const char *text, size_t n, uint64_t key, struct baseline *ret);
