/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager scripts - the process that is asked about alerts (response/response.h): started if a policy names a
 * responder, exchanged for another at a reload, and left to finish what it has. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "response/response.h"

struct manager;
struct settings;
struct strbuf;

struct manager_scripts {
        struct response *current;       /* owned; NULL: no alert needs it */
        struct response *candidate;     /* owned: of the next settings, not in force */
        struct response *retiring;      /* owned: of the last settings, until it has answered */
        sd_event_source *settled, *retire;      /* owned */
        void (*on_settled)(struct manager *manager, bool good);
        bool good;
        struct response_stats past;     /* of those that are gone */
};

/* At start: start it, if it is needed, and wait. Says what is wrong. An exit status. */
int manager_scripts_start(struct manager *manager);

/* At a reload: 0: nothing is needed; 1: on_settled() is called later, from the loop; or -errno, which was said. What
 * there is to say goes to the reload's messages. */
int manager_scripts_prepare(struct manager *manager, const struct settings *settings,
                            void (*on_settled)(struct manager *manager, bool good));

/* The settings that it was prepared for are in force, or will not be. */
void manager_scripts_take_over(struct manager *manager);
void manager_scripts_abandon(struct manager *manager);

/* The end: wait for what alerts wait for, as long as they would have. */
void manager_scripts_drain(struct manager *manager);
void manager_scripts_done(struct manager *manager);

/* All together since the daemon started. */
void manager_scripts_stats(const struct manager *manager, struct response_stats *ret);

void manager_scripts_put(const struct manager *manager, struct strbuf *b);
