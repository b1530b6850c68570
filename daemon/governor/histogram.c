/* SPDX-License-Identifier: Apache-2.0 */
#include "governor/histogram.h"

#include <assert.h>
#include <string.h>

#include "base/macro.h"

static unsigned class_of(uint64_t ns) {
        unsigned power;

        if (ns < 8)
                return (unsigned)ns;
        power = 63 - (unsigned)__builtin_clzll(ns);
        return power * 8 + (unsigned)(ns >> (power - 3) & 7);
}

/* The largest that is in the class. */
static uint64_t class_end(unsigned class) {
        unsigned power = class / 8;

        if (class < 8)
                return class;
        return (UINT64_C(8) + class % 8 + 1) * (UINT64_C(1) << (power - 3)) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t ns) {
        uint32_t *count = histogram->classes + class_of(ns);

        histogram->n++;
        histogram->sum_ns += ns;
        histogram->max_ns = MAX(histogram->max_ns, ns);
        *count += *count < UINT32_MAX;
}

void histogram_clear(struct histogram *histogram) {
        memset(histogram, 0, sizeof(*histogram));
}

uint64_t histogram_quantile(const struct histogram *histogram, unsigned per_mille) {
        uint64_t wanted, seen = 0;

        assert(per_mille <= 1000);
        wanted = histogram->n / 1000 * per_mille + (histogram->n % 1000 * per_mille + 999) / 1000;
        for (unsigned i = 0; i < HISTOGRAM_CLASSES && histogram->n > 0; i++) {
                seen += histogram->classes[i];
                if (seen >= wanted && seen > 0)
                        return MIN(class_end(i), histogram->max_ns);
        }
        return histogram->max_ns;
}

uint64_t histogram_up_to(const struct histogram *histogram, uint64_t ns) {
        uint64_t n = 0;

        for (unsigned i = 0; i <= class_of(ns); i++)
                n += histogram->classes[i];
        return n;
}
