/* SPDX-License-Identifier: Apache-2.0 */
/* Measure - time of batches and their median. The machines are shared: a mean would measure the neighbours. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEASURE_MAX 20000

struct measure {
        double samples[MEASURE_MAX];    /* ns per operation, one per batch */
        size_t n;
};

static inline uint64_t measure_now_ns(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void measure_add(struct measure *m, uint64_t start_ns, size_t n_operations) {
        if (m->n < MEASURE_MAX)
                m->samples[m->n++] = (double)(measure_now_ns() - start_ns) / n_operations;
}

static inline int measure_compare(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static inline double measure_median(struct measure *m) {
        qsort(m->samples, m->n, sizeof(m->samples[0]), measure_compare);
        return m->n > 0 ? m->samples[m->n / 2] : 0;
}

/* A figure is a line "key value". */
static inline void measure_print(const char *key, double value) {
        printf("%s %.6g\n", key, value);
}

/* The optimiser must believe that the value is used. */
#define MEASURE_KEEP(value) __asm__ volatile("" : : "g"(value) : "memory")

static inline int measure_is_quick(int argc, char **argv) {
        return argc > 1 && strcmp(argv[1], "--quick") == 0;
}
