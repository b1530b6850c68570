/* SPDX-License-Identifier: Apache-2.0 */

/* Which file checks and does what. */

#include <errno.h>

#include "action/actions-private.h"

static int check(struct actions *actions, const struct action *action, struct action_result *ret) {
        switch (action->kind) {
        case ACTION_KIND_signal:
        case ACTION_KIND_kill_tree:
        case ACTION_KIND_stop_tree:
        case ACTION_KIND_snapshot: return action_check_process(actions, action, ret);
        case ACTION_KIND_freeze_cgroup:
        case ACTION_KIND_thaw_cgroup:
        case ACTION_KIND_kill_cgroup:
        case ACTION_KIND_deny_network_cgroup: return action_check_cgroup(actions, action, ret);
        case ACTION_KIND_quarantine: return action_check_quarantine(actions, action, ret);
        case ACTION_KIND_stop_unit:
        case ACTION_KIND_restart_unit:
        case ACTION_KIND_freeze_unit:
        case ACTION_KIND_thaw_unit:
        case ACTION_KIND_isolate:
        case ACTION_KIND_deny_network: return action_check_unit(actions, action, ret);
        case ACTION_KIND_run: return action_check_run(actions, action, ret);
        case ACTION_KIND_webhook: return action_check_webhook(actions, action, ret);
        case ACTION_KIND_list_add:
        case ACTION_KIND_list_remove: return action_check_list(actions, action, ret);
        case _ACTION_KIND_MAX: break;
        }
        return -EINVAL;
}

static int perform(struct actions *actions, const struct action *action, struct action_result *ret) {
        switch (action->kind) {
        case ACTION_KIND_signal: return action_do_signal(actions, action, ret);
        case ACTION_KIND_kill_tree:
        case ACTION_KIND_stop_tree: return action_do_tree(actions, action, ret);
        case ACTION_KIND_freeze_cgroup:
        case ACTION_KIND_thaw_cgroup:
        case ACTION_KIND_kill_cgroup:
        case ACTION_KIND_deny_network_cgroup: return action_do_cgroup(actions, action, ret);
        case ACTION_KIND_quarantine: return action_do_quarantine(actions, action, ret);
        case ACTION_KIND_stop_unit:
        case ACTION_KIND_restart_unit:
        case ACTION_KIND_freeze_unit:
        case ACTION_KIND_thaw_unit:
        case ACTION_KIND_isolate:
        case ACTION_KIND_deny_network: return action_do_unit(actions, action, ret);
        case ACTION_KIND_run: return action_do_run(actions, action, ret);
        case ACTION_KIND_webhook: return action_do_webhook(actions, action, ret);
        case ACTION_KIND_snapshot: return action_do_snapshot(actions, action, ret);
        case ACTION_KIND_list_add:
        case ACTION_KIND_list_remove: return action_do_list(actions, action, ret);
        case _ACTION_KIND_MAX: break;
        }
        return -EINVAL;
}

const struct action_ops action_ops = {.check = check, .perform = perform};
