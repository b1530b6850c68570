/* SPDX-License-Identifier: Apache-2.0 */
#include "response/respond-actions.h"

#include <errno.h>
#include <string.h>

#include "action/breakglass.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "config/config.h"
#include "report/redact.h"

static enum script_action_state state_of(enum action_outcome outcome) {
        switch (outcome) {
        case ACTION_DONE: return SCRIPT_ACTION_DONE;
        case ACTION_PENDING: return SCRIPT_ACTION_PENDING;
        case ACTION_WOULD: return SCRIPT_ACTION_DRY;
        case ACTION_REFUSED: return SCRIPT_ACTION_REFUSED;
        case ACTION_FAILED:
        case _ACTION_OUTCOME_MAX: break;
        }
        return SCRIPT_ACTION_FAILED;
}

static void on_report(const struct action_report *report, void *userdata) {
        struct respond_actions *actions = userdata;

        if (actions->on_report)
                actions->on_report(report->what, action_outcome_to_string(report->result->outcome),
                                   report->result->text, report->origin->policy, report->origin->alert,
                                   actions->userdata);
}

static void on_list(const char *list, const char *value, uint64_t until_ns, void *userdata) {
        struct respond_actions *actions = userdata;

        if (actions->on_list)
                actions->on_list(list, value, until_ns, actions->userdata);
}

static void on_storm(const char *policy, bool disarmed, void *userdata) {
        struct respond_actions *actions = userdata;

        if (actions->on_storm)
                actions->on_storm(policy, disarmed, actions->userdata);
}

static void on_notice(const char *text, void *userdata) {
        struct respond_actions *actions = userdata;

        if (actions->on_notice)
                actions->on_notice(text, actions->userdata);
}

int respond_actions_init(struct respond_actions *actions, const struct config *config, uint32_t core_pid,
                         sd_event *loop) {
        const struct redact_options redact = {
                .disabled = !config->alerts.redact,
                .names = config->alerts.redact_patterns.items,
                .n_names = config->alerts.redact_patterns.n,
        };
        struct actions_options options = {
                .config = config,
                .n_crashes = MAX(breakglass_count(ACTIONS_RUNTIME_DIRECTORY, "core", clock_boottime_ns()), 0),
                .core_pid = core_pid,
                .loop = loop,
                .sink = {.on_report = on_report, .on_list = on_list, .on_storm = on_storm, .on_notice = on_notice},
                .userdata = actions,
        };
        int r;

        r = redactor_new(&redact, &actions->redactor);
        if (r < 0)
                return r;
        options.redactor = actions->redactor;
        return actions_new(&options, &actions->actions);
}

void respond_actions_done(struct respond_actions *actions) {
        actions->actions = actions_free(actions->actions);
        actions->redactor = redactor_free(actions->redactor);
}

int respond_actions_act(const char *kind, const struct action_input *inputs, size_t n, struct strbuf *what,
                        struct strbuf *result, void *userdata) {
        struct respond_actions *actions = userdata;
        const struct action_origin origin = {
                .policy = actions->origin.policy,
                .script = actions->origin.responder,
                .alert = actions->origin.alert,
                .dry_run = actions->dry_run,
        };
        _cleanup_(action_freep) struct action *action = NULL;
        struct action_result done = {};
        int r;

        r = action_new(kind, inputs, n, result, &action);
        if (r < 0)
                return r;
        action_put(action, what);
        if (!actions->actions) {
                strbuf_put(result, "it is well formed; nothing is done here");
                return SCRIPT_ACTION_DRY;
        }
        r = action_run(actions->actions, action, &origin, clock_boottime_ns(), &done);
        if (r < 0) {
                strbuf_printf(result, "it could not be done: %s", strerror(-r));
                return SCRIPT_ACTION_FAILED;
        }
        strbuf_put(result, done.text);
        return (int)state_of(done.outcome);
}

bool respond_actions_listed(const char *list, const char *value, void *userdata) {
        struct respond_actions *actions = userdata;

        return actions->actions && actions_list_has(actions->actions, list, value, clock_boottime_ns());
}
