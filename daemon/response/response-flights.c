/* SPDX-License-Identifier: Apache-2.0 */
#include "response/response-flights.h"

#include <stdlib.h>

void flights_init(struct flights *flights) {
        *flights = (struct flights){.end = &flights->first};
}

void flights_add(struct flights *flights, struct flight *flight) {
        flight->next = NULL;
        *flights->end = flight;
        flights->end = &flight->next;
        flights->n++;
        flights->n_steps += flight->step > 0;
        if (!flights->untold && !flight->told)
                flights->untold = flight;
}

struct flight **flights_find(struct flights *flights, uint64_t id) {
        struct flight **place = &flights->first;

        while (*place && (*place)->id != id)
                place = &(*place)->next;
        return *place ? place : NULL;
}

void flights_end(struct flights *flights, struct flight **place) {
        struct flight *flight = *place;

        if (flights->untold == flight)
                flights->untold = flight->next;
        *place = flight->next;
        if (!*place)
                flights->end = place;
        flights->n--;
        flights->n_steps -= flight->step > 0;
        free(flight);
}

struct flight *flights_next_untold(struct flights *flights) {
        while (flights->untold && flights->untold->told)
                flights->untold = flights->untold->next;
        return flights->untold;
}
