/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Control, inside - connections (control.c), what is said on them (control-manager.c), and calls that are answered
 * later (control-call.c). For this room only. */

#include <systemd/sd-bus.h>

#include "control/control.h"

#define MANAGER_PATH "/org/execray1"
#define MANAGER_INTERFACE "org.execray1.Manager"
#define MANAGER_NAME "org.execray1"

/* What polkit is asked about. */
#define ACTION_RELOAD "org.execray1.reload"
#define ACTION_SNAPSHOT "org.execray1.snapshot"

/* Of ours, beside those of D-Bus. */
#define ERROR_NOT_RELOADED "org.execray1.Error.NotReloaded"
#define ERROR_NOT_SAVED "org.execray1.Error.NotSaved"

enum pending_what {
        PENDING_NONE,
        PENDING_RELOAD,
        PENDING_SNAPSHOT,
        PENDING_AWAIT,                  /* a reload that somebody else asked for */
};

/* A call that is answered later. */
struct pending {
        enum pending_what what;
        struct control *control;
        sd_bus_message *message;        /* owned */
        sd_bus_slot *question;          /* owned: the bus is asked who calls, or polkit whether he may; NULL: he may */
        struct control_caller caller;   /* once the bus has said */
        uint64_t number;                /* of the reload */
};

struct client {
        struct control *control;
        sd_bus *bus;                    /* owned; NULL: free */
        struct control_caller caller;
};

struct control {
        sd_event *loop;                 /* borrowed */
        const struct control_ops *ops;
        void *userdata;
        sd_bus *bus;                    /* owned; NULL: not there */
        sd_event_source *again;         /* owned: the next try */
        uint64_t patience_ns;
        bool said;                      /* that the bus is not there */
        char socket[108];               /* its path, if it is ours */
        int listener;                   /* owned; -1 */
        sd_event_source *accept;        /* owned */
        bool polkit;                    /* is asked about who is not root */
        struct client clients[CONTROL_MAX_CLIENTS];
        struct pending pending[CONTROL_MAX_PENDING];
        struct control_stats stats;
};

/* Put the object on a connection. */
int control_manager_add(struct control *control, sd_bus *bus);

/* Whose connection is it; NULL: the bus. */
struct client *control_client_of(struct control *control, sd_bus *bus);

/* Send to all who are connected and read; a reference to nothing is kept. */
void control_broadcast(struct control *control, int (*send)(sd_bus *bus, const void *data), const void *data);

/* A call for something that is not done at once, or that not everybody may ask for. What a method of sd-bus returns. */
int control_call(sd_bus_message *message, struct control *control, enum pending_what what, sd_bus_error *error);

/* A reload has ended: who waits for it is answered. */
void control_call_reloaded(struct control *control, const struct control_reloaded *reloaded);

/* Forget calls that came over this connection; NULL: all. */
void control_forget_pending(struct control *control, sd_bus *bus);
