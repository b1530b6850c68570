/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Context - what goes into the stream beside the kernel's events: containers that come and go with their groups, logins
 * that the kernel knows of by the login uid, and what systemd and logind say on the bus.
 *
 * All of it is made into records here and passed on; a recording has them, and a replay needs none of the places that
 * they came from. */

#include "capture/bus.h"
#include "capture/capture.h"
#include "capture/containers.h"
#include "capture/hierarchy.h"
#include "event/event.h"

struct context_sink {
        /* Pass on a record: set its time, finish it. `about` is a record of the process that did it, or NULL.
         * `outside`: it came from the bus, is of now, and belongs behind all that is in the ring. */
        void (*on_record)(struct record *record, const struct wire_header *about, bool outside, void *userdata);

        /* What the bus would have told of these kinds is lost. */
        void (*on_gap)(uint64_t kinds, void *userdata);
};

struct context {
        struct context_sink sink;
        void *userdata;
        struct hierarchy *hierarchy;    /* borrowed */
        struct containers containers;
        struct bus *bus;                /* owned; NULL: nobody asked yet */
        uint64_t kinds;                 /* of interest */
        bool running;                   /* the stream has begun: what comes now is new */
        bool doubt;                     /* a removal may have been lost */
        uint64_t n_loginuids;
        struct record record;
};

void context_init(struct context *context, struct hierarchy *hierarchy, const struct context_sink *sink,
                  void *userdata);
void context_done(struct context *context);

/* What is wanted. The bus is asked only if it is for `unit` or `login`. `loop` may be NULL. */
void context_set_kinds(struct context *context, sd_event *loop, uint64_t kinds);

/* A group has this name, found out and not told by the kernel. */
void context_name(struct context *context, uint64_t cgroup, const char *path);

/* A record from the kernel was passed on. `last` is the one about the same actor before it; NULL: not known. */
void context_see(struct context *context, const struct event *event, const struct wire_header *last);

/* Its part of them. */
void context_stats(const struct context *context, struct capture_stats *ret);

/* From here on what begins is new; until the next context_begin() it is what there is (the beginning is told again). */
void context_begin(struct context *context);
void context_pause(struct context *context);

/* Records of groups were lost. */
void context_doubt(struct context *context);

/* Without a loop: take what has come from the bus. Not from within a look at the ring. */
void context_process(struct context *context);

/* Now and then, when there is time. */
void context_turn(struct context *context);
