/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/ring-size.h"

#include <assert.h>

#include "base/macro.h"

void ring_size_init(struct ring_size *size, size_t min, size_t max) {
        *size = (struct ring_size){.bytes = min, .min = min, .max = MAX(min, max)};
}

static uint8_t most_used(const struct ring_size *size) {
        uint8_t most = 0;

        for (size_t i = 0; i < MIN(size->n, (size_t)RING_SIZE_SAMPLES); i++)
                most = MAX(most, size->percent[i]);
        return most;
}

enum ring_size_reason ring_size_sample(struct ring_size *size, size_t waited, size_t share, bool lost,
                                       size_t *ret_bytes) {
        uint8_t percent = lost ? 100 : MIN(waited * 100 / MAX(share, (size_t)1), (size_t)100);
        bool known;

        size->percent[size->n++ % RING_SIZE_SAMPLES] = percent;
        known = size->n >= RING_SIZE_MIN_SAMPLES;

        if (size->bytes < size->max && percent >= RING_SIZE_GROW_PERCENT && (known || (lost && !size->changed))) {
                *ret_bytes = size->bytes * 2;
                return lost ? RING_SIZE_LOST : RING_SIZE_FULL;
        }
        if (size->bytes > size->min && size->n >= RING_SIZE_SAMPLES && most_used(size) < RING_SIZE_SHRINK_PERCENT) {
                *ret_bytes = size->bytes / 2;
                return RING_SIZE_UNUSED;
        }
        *ret_bytes = size->bytes;
        return RING_SIZE_STAYS;
}

void ring_size_set(struct ring_size *size, size_t bytes) {
        assert(is_pow2(bytes));
        size->bytes = bytes;
        size->changed = true;
        size->n = 0;
}

const char *ring_size_reason_to_string(enum ring_size_reason reason) {
        switch (reason) {
        case RING_SIZE_STAYS: return "it is as it should be";
        case RING_SIZE_LOST: return "events were lost for want of room";
        case RING_SIZE_FULL: return "most of it was in use";
        case RING_SIZE_UNUSED: return "little of it was in use for long";
        }
        return NULL;
}
