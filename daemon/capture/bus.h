/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bus - what systemd and logind say on the system bus, as `unit` and `login` records.
 *
 * Connected only while somebody wants one of the two kinds. Nothing here waits: calls are answered later, and a bus
 * that is not there is looked for again after 1, 2, 4 ... 60 seconds. A message counts only if the bus says that it
 * came from the connection that owns the service's name: anybody may send us a signal of any content.
 *
 * When the bus, or one of the services, goes away, what it would have told is lost: on_gap() says so, then and once
 * more when it is back. Then the present is compared with what was known, and the difference told as records marked
 * WIRE_MENDED. What is remembered is bounded. */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "event/encode.h"

struct bus;

struct bus_sink {
        /* A record without time; the one who passes it on sets that, and finishes it. */
        void (*on_record)(struct record *record, void *userdata);
        void (*on_gap)(uint64_t kinds, void *userdata);
};

struct bus_stats {
        uint64_t n_connected;           /* times that the bus was reached */
        uint64_t n_lost;                /* times that it, or a service on it, went away */
        uint64_t n_forged;              /* messages from somebody else */
        uint64_t n_refused;             /* units and sessions for which there was no room */
};

/* `loop` may be NULL: then bus_process() has to be called. */
int bus_new(sd_event *loop, const struct bus_sink *sink, void *userdata, struct bus **ret);
struct bus *bus_free(struct bus *bus);
DEFINE_CLEANUP(struct bus *, bus_free)

/* What is wanted from here on: bits of WIRE_KIND_unit and WIRE_KIND_login. */
void bus_set_kinds(struct bus *bus, uint64_t kinds);

/* Without a loop: take what has come. Also looks for a lost bus again. */
void bus_process(struct bus *bus);

void bus_stats(const struct bus *bus, struct bus_stats *ret);

/* "systemd, logind", "none": for people. */
const char *bus_describe(const struct bus *bus);

/* Can the system bus be reached now? Waits for its answer. */
bool bus_is_there(void);
