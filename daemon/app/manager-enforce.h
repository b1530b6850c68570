/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Manager enforce - policies with `enforce`: their last steps as rules for the kernel, the stories that have come so
 * far armed there, and what it did told in their alerts. May it do anything at all? That is manager-deny.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "action/bucket.h"
#include "base/allowance.h"
#include "engine/match.h"
#include "event/enforcement.h"

struct config;
struct event;
struct manager;
struct program;

#define MANAGER_ENFORCE_NOTES 256       /* verdicts that are remembered: their alerts follow at once */

/* What the kernel did. */
struct enforce_note {
        char policy[128];
        struct identity who;
        uint64_t time_ns;
        enum match_enforced what;
};

struct enforce_policy {
        struct action_bucket bucket;    /* of `response.storm` */
        bool disarmed;
};

struct manager_enforce {
        struct enforce_note *notes;     /* owned; a ring of MANAGER_ENFORCE_NOTES; NULL: no policy asks */
        uint64_t n_notes;               /* ever */
        struct program *program;        /* a reference; whose rules are in force */
        struct enforce_policy *policies;        /* owned; by path of the program */
        struct action_bucket kills;     /* late ones, of `response.rate_process` */
        uint64_t n_limited;             /* not killed late, because of it */
        uint64_t n_storms;              /* policies disarmed */
        struct allowance waiting;       /* for the kernel to say whom it killed */
        uint64_t n_not_awaited;         /* it was spent: told without that */
};

/* Does any policy ask for it? */
bool manager_enforce_is_asked(const struct program *program);

/* Put the rules of a program into force, in the place of others. 0, or -errno, said, and all is as it was. */
int manager_enforce_set(struct manager *manager, struct program *program, const struct config *config);
void manager_enforce_done(struct manager *manager);

/* A `verdict` of the stream, before it is fed. */
void manager_enforce_saw(struct manager *manager, const struct event *event);

/* For the pipeline. More alerts in a minute that say that something was done than `response.storm` disarm a policy:
 * until its rules are set anew, or an operator wants it armed. */
enum match_enforced manager_enforce_of(const struct match *match, void *userdata);
void manager_enforce_arm(const struct enforcement_arming *arming, void *userdata);

/* For the response: a storm of scripts' actions disarms what the kernel does as well, and is over for both. */
void manager_enforce_on_storm(const char *policy, bool disarmed, void *userdata);

/* Nobody runs scripts, who would look whether an operator wants a policy armed: look. */
void manager_enforce_look(struct manager *manager);
