/* SPDX-License-Identifier: Apache-2.0 */
#include "program/crowd.h"

#include <stdbool.h>

#include "base/macro.h"

static uint32_t find_class(const struct crowd *crowd, uint64_t coarse) {
        uint32_t i = 0;

        while (i < crowd->n_classes && crowd->classes[i].coarse != coarse)
                i++;
        return MIN(i, (uint32_t)CROWD_COARSE - 1);
}

static uint32_t find_member(const struct crowd *crowd, uint32_t class, uint64_t fine) {
        uint32_t i = 0;

        while (i < crowd->n_members && (crowd->members[i].class != class || crowd->members[i].fine != fine))
                i++;
        return MIN(i, (uint32_t)CROWD_FINE - 1);
}

void crowd_announce(struct crowd *crowd, const struct crowd_signature *signature) {
        uint32_t class = find_class(crowd, signature->coarse), member;

        if (class == crowd->n_classes)
                crowd->classes[crowd->n_classes++] = (struct crowd_class){
                        .rough = signature->rough,
                        .coarse = signature->coarse,
                        .into = class,
                };
        member = find_member(crowd, class, signature->fine);
        if (member == crowd->n_members)
                crowd->members[crowd->n_members++] = (struct crowd_member){
                        .fine = signature->fine,
                        .class = class,
                        .rank = crowd->classes[class].n++,
                };
}

static bool is_whole(const struct crowd *crowd, uint32_t class) {
        return crowd->classes[class].into == class;
}

/* What the class stands for, others among it, becomes part of an earlier one. */
static void take_in(struct crowd *crowd, uint32_t into, uint32_t class) {
        for (uint32_t i = class; i < crowd->n_classes; i++)
                if (crowd->classes[i].into == class) {
                        crowd->classes[i].into = into;
                        crowd->classes[i].offset += crowd->classes[into].n;
                }
        crowd->classes[into].n += crowd->classes[class].n;
}

/* The next class that may become part of this one; n_classes: none. */
static uint32_t find_alike(const struct crowd *crowd, uint32_t class, bool any) {
        uint32_t i = class + 1;

        while (i < crowd->n_classes &&
               (!is_whole(crowd, i) || (!any && crowd->classes[i].rough != crowd->classes[class].rough)))
                i++;
        return i;
}

/* Of classes that are alike, or of any, each takes in another, and again, until there is a bit for each that is left.
 * Returns how many these are. */
static uint32_t unite(struct crowd *crowd, uint32_t n, bool any) {
        uint32_t before;

        do {
                before = n;
                for (uint32_t i = 0; i < crowd->n_classes && n > PREFILTER_MAX_USES; i++) {
                        uint32_t other = is_whole(crowd, i) ? find_alike(crowd, i, any) : crowd->n_classes;

                        if (other == crowd->n_classes)
                                continue;
                        take_in(crowd, i, other);
                        n--;
                }
        } while (n < before);
        return n;
}

static struct crowd_class *widest(struct crowd *crowd) {
        struct crowd_class *ret = &crowd->classes[0];

        for (uint32_t i = 0; i < crowd->n_classes; i++)
                if (crowd->classes[i].n_bits > ret->n_bits)
                        ret = &crowd->classes[i];
        return ret;
}

void crowd_seat(struct crowd *crowd) {
        uint32_t n = unite(crowd, unite(crowd, crowd->n_classes, false), true), wanted = 0;

        for (uint32_t i = 0; i < crowd->n_classes; i++)
                if (is_whole(crowd, i)) {
                        crowd->classes[i].n_bits = MAX(1U, MIN(crowd->classes[i].n, (uint32_t)PREFILTER_MAX_USES));
                        wanted += crowd->classes[i].n_bits;
                }
        for (; wanted > PREFILTER_MAX_USES && wanted > n; wanted--)
                widest(crowd)->n_bits--;
        crowd->n_bits = 0;
        for (uint32_t i = 0; i < crowd->n_classes; i++) {
                crowd->classes[i].first = crowd->n_bits;
                crowd->n_bits += crowd->classes[i].n_bits;
        }
}

uint32_t crowd_bit(const struct crowd *crowd, const struct crowd_signature *signature) {
        uint32_t number = find_class(crowd, signature->coarse);
        const struct crowd_class *class = &crowd->classes[number], *whole = &crowd->classes[class->into];
        uint32_t rank = crowd->members[find_member(crowd, number, signature->fine)].rank;

        return whole->first + (class->offset + rank) % whole->n_bits;
}
