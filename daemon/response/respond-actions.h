/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Respond actions - what scripts ask for, handed to those who do it (action/actions.h), and what came of it told to the
 * other side. */

#include <systemd/sd-event.h>

#include "action/actions.h"
#include "script/script.h"

struct redactor;

/* On whose behalf: of the alert that is being looked at, "GENERATION.NUMBER", or of the step, "GENERATION.0-step2". */
struct respond_origin {
        char policy[128], alert[64];
        const char *responder;          /* borrowed while it runs */
        uint64_t number, generation;
};

struct respond_actions {
        struct actions *actions;        /* owned; NULL: nothing is done, all is a dry run */
        struct redactor *redactor;      /* owned */
        struct respond_origin origin;
        bool dry_run;

        /* Something was done, begun, refused: for the journal. */
        void (*on_report)(const char *what, const char *outcome, const char *text, const char *policy,
                          const char *alert, void *userdata);
        void (*on_list)(const char *list, const char *value, uint64_t until_ns, void *userdata);
        void (*on_storm)(const char *policy, bool disarmed, void *userdata);
        void (*on_notice)(const char *text, void *userdata);
        void *userdata;
};

/* `config` is borrowed as long as this lives. */
int respond_actions_init(struct respond_actions *actions, const struct config *config, uint32_t core_pid,
                         sd_event *loop);
void respond_actions_done(struct respond_actions *actions);

/* For script_run(); userdata is the struct respond_actions. */
int respond_actions_act(const char *kind, const struct action_input *inputs, size_t n, struct strbuf *what,
                        struct strbuf *result, void *userdata);
bool respond_actions_listed(const char *list, const char *value, void *userdata);
