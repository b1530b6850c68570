/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Bus, inside - the connection, and what is known of each service on it. For bus*.c only. */

#include <systemd/sd-bus.h>

#include "base/hashmap.h"

#include "capture/bus.h"

#define BUS_CALL_TIMEOUT_USEC (30 * UINT64_C(1000000))

struct bus;

/* One per service; what differs between them. */
struct bus_service_ops {
        const char *name;               /* on the bus */
        const char *people;             /* "systemd" */
        enum wire_kind kind;
        int (*match)(struct bus *bus);  /* once for each connection: which signals */
        int (*begin)(struct bus *bus);  /* it has an owner: ask for the present, then call bus_is_ready() */
        void (*forget)(struct bus *bus);        /* nobody wants it any more */
};

struct bus_question;

struct bus_service {
        const struct bus_service_ops *ops;
        char owner[64];                 /* unique name; "": there is none */
        bool ready;                     /* the present is known: changes are told */
        bool was_ready;                 /* in the life of this object: what was missed can be told */
        size_t n_open, n_waiting;       /* questions */
        struct bus_question *first, *last;      /* that wait; owned */
};

enum bus_service_number {
        BUS_SYSTEMD,
        BUS_LOGIND,
        _BUS_SERVICE_MAX,
};

struct bus {
        sd_event *loop;                 /* borrowed; may be NULL */
        struct bus_sink sink;
        void *userdata;
        uint64_t kinds;                 /* that are wanted */
        sd_bus *connection;             /* owned; NULL: not there */
        sd_event_source *timer;         /* for the next try */
        uint64_t patience_ns, next_ns;
        bool said;                      /* that it is not there */
        struct bus_service services[_BUS_SERVICE_MAX];
        struct hashmap units, sessions; /* struct unit, struct session; owned */
        uint64_t round;                 /* of the last look at the present */
        struct bus_stats stats;
        struct record record;
};

extern const struct bus_service_ops bus_systemd, bus_logind;

/* Is this message from the service itself, and is it of use? Counts forgeries. */
bool bus_is_from(struct bus *bus, enum bus_service_number number, sd_bus_message *message);

/* The present is known. `begin` led to this. */
void bus_is_ready(struct bus *bus, enum bus_service_number number);

/* Ask for a property of an object, or for all of them (`property` NULL; these two are constants). `on_answer` gets the
 * reply or an error, or NULL if the question could not be put, and what it is about; not if the connection is lost
 * meanwhile.
 *
 * Others can cause questions, and the bus takes 128 of a connection at a time. So of each service no more than
 * BUS_MAX_OPEN are open and the others wait; more than BUS_MAX_QUESTIONS are counted as refused, -ENOSPC. */
#define BUS_MAX_OPEN 32
#define BUS_MAX_QUESTIONS 512
struct bus_question {
        struct bus *bus;                /* borrowed */
        struct bus_question *next;      /* that waits */
        enum bus_service_number number;
        uint32_t tag;                   /* the asker's */
        const char *interface, *property;
        char *path;                     /* behind the name */
        int (*on_answer)(sd_bus_message *reply, struct bus_question *question);
        char name[];
};
int bus_ask(struct bus *bus, enum bus_service_number number, const char *path, const char *interface,
            const char *property, const char *name, uint32_t tag,
            int (*on_answer)(sd_bus_message *reply, struct bus_question *question));

/* Is it one, and not an error? */
bool bus_is_answer(sd_bus_message *reply);

/* A call that had no answer: log it. Always 0, for callbacks. */
int bus_complain(struct bus *bus, enum bus_service_number number, const sd_bus_error *error);

void bus_tell(struct bus *bus, bool mended);
