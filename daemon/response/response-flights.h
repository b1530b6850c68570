/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Response flights - alerts and steps that were sent and not answered, the oldest first. Pure: time is a number. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flight {
        struct flight *next;
        uint64_t id, number, generation;
        uint64_t sent_ns;
        bool told;                      /* without the answer */
        uint32_t step;                  /* a step: there is nothing to tell without it; else 0 */
        char policy[128];
};

struct flights {
        struct flight *first, **end;    /* owned */
        struct flight *untold;          /* the first that is not told; NULL: all are */
        size_t n, n_steps;              /* of these, about steps */
};

void flights_init(struct flights *flights);

/* At the end. It belongs to the flights from here on. */
void flights_add(struct flights *flights, struct flight *flight);

/* The place of the one of this id, for flights_end(); NULL: there is none. */
struct flight **flights_find(struct flights *flights, uint64_t id);

/* Take it out and free it. */
void flights_end(struct flights *flights, struct flight **place);

/* The first that is not told now that some were: NULL if all are. */
struct flight *flights_next_untold(struct flights *flights);
