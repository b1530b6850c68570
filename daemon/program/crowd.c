/* SPDX-License-Identifier: Apache-2.0 */
#include "program/crowd.h"

static bool is_in(const uint64_t *list, uint32_t n, uint64_t signature, uint32_t *ret) {
        for (*ret = 0; *ret < n; ++*ret)
                if (list[*ret] == signature)
                        return true;
        return false;
}

void crowd_announce(struct crowd *crowd, uint64_t coarse, uint64_t fine) {
        uint32_t i;

        if (!is_in(crowd->waiting, crowd->n_waiting, coarse, &i) && crowd->n_waiting < PREFILTER_MAX_USES)
                crowd->waiting[crowd->n_waiting++] = coarse;
        if (crowd->n_seen > PREFILTER_MAX_USES || is_in(crowd->seen, crowd->n_seen, fine, &i))
                return;
        if (crowd->n_seen < PREFILTER_MAX_USES)
                crowd->seen[crowd->n_seen] = fine;
        crowd->n_seen++;
}

void crowd_seat(struct crowd *crowd) {
        if (crowd->n_seen <= PREFILTER_MAX_USES)
                crowd->n_waiting = 0;
}

static uint32_t find_bit(const struct crowd *crowd, uint64_t signature, bool fine) {
        uint32_t i = 0;

        while (i < crowd->n && (crowd->bits[i].fine != fine || crowd->bits[i].signature != signature))
                i++;
        return i;
}

static uint32_t take_bit(struct crowd *crowd, uint64_t signature, bool fine) {
        crowd->bits[crowd->n] = (struct crowd_bit){signature, fine};
        return crowd->n++;
}

uint32_t crowd_bit(struct crowd *crowd, uint64_t coarse, uint64_t fine) {
        uint32_t bit = find_bit(crowd, fine, true), i;

        if (bit < crowd->n)
                return bit;
        if (crowd->n + crowd->n_waiting < PREFILTER_MAX_USES)
                return take_bit(crowd, fine, true);
        bit = find_bit(crowd, coarse, false);
        if (bit < crowd->n)
                return bit;
        if (crowd->n == PREFILTER_MAX_USES)
                return PREFILTER_MAX_USES - 1;
        if (is_in(crowd->waiting, crowd->n_waiting, coarse, &i))
                crowd->waiting[i] = crowd->waiting[--crowd->n_waiting];
        return take_bit(crowd, coarse, false);
}
