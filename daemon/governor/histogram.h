/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Histogram - how durations are distributed, in constant memory: eight classes for each power of two, so an answer is
 * at most an eighth too high. Pure. */

#include <stdint.h>

#define HISTOGRAM_CLASSES (64 * 8)

struct histogram {
        uint64_t n;
        uint64_t max_ns, sum_ns;
        uint32_t classes[HISTOGRAM_CLASSES];
};

void histogram_add(struct histogram *histogram, uint64_t ns);
void histogram_clear(struct histogram *histogram);

/* So many of a thousand are at most this long; 0 of none. Never more than the longest. */
uint64_t histogram_quantile(const struct histogram *histogram, unsigned per_mille);

/* How many were at most this long, within an eighth. */
uint64_t histogram_up_to(const struct histogram *histogram, uint64_t ns);
