/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager deny - what the kernel is to refuse, and when it may: never without `response.enforce`, and never while the
 * glass is broken (action/breakglass.h), which is looked for when the runtime directory changes. */

#include <glob.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

struct config;
struct manager;
struct strbuf;

struct manager_deny {
        sd_event_source *watch;         /* owned; the runtime directory; NULL: nothing is forbidden, or there is none */
        sd_event_source *refresh;       /* owned; the next look at who is protected: an upgrade brings other files */
        int n_crashes;
        bool enforcing;
};

/* Before anything else is done: what the process before has left in force refuses nothing more if nothing may be. */
void manager_deny_begin(struct manager *manager);

/* Put it into force, in the place of what the process before has left. Says what is wrong. An exit status. */
int manager_deny_start(struct manager *manager);
void manager_deny_done(struct manager *manager);

/* Have the kernel know who is protected now. -errno: those of before are. */
int manager_deny_protect(struct manager *manager);

/* Executables that are never refused anything, as paths that are there now. -ENOMEM. */
int manager_deny_list_protected(const struct config *config, glob_t *ret);

/* Look for break-glass from now on, if that is not done yet. 0, or -errno. */
int manager_deny_watch(struct manager *manager);

/* From what one configuration forbids to what the other does, if that is not the same. 0, or -errno, said, and all is
 * as it was. */
int manager_deny_change(struct manager *manager, const struct config *from, const struct config *to);

/* May it refuse, by the configuration in force and by what is in the runtime directory? */
void manager_deny_look(struct manager *manager);

/* A line for the summary, if anything was forbidden. */
void manager_deny_put(const struct manager *manager, struct strbuf *b);
